//! How the value of an aspect changed.

use std::fmt;

use serde::Serialize;

use crate::model::BehaviourPart;

use super::record::{COMMA, NONE, THEN};

/// The size to which OpenSSL pads a ClientHello of 256 to 511 bytes, on the wire.
pub(super) const PADDED: u32 = 517;

/// How the value of an aspect changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AspectTurn {
    /// Numbers of bytes: the least and the most of all trials, before and after.
    Bytes {
        /// Before.
        before: (u32, u32),
        /// After.
        after: (u32, u32),
    },
    /// A list.
    List {
        /// Entries that only the later one has.
        gained: Vec<String>,
        /// Entries that only the earlier one has.
        lost: Vec<String>,
        /// Whether the entries of both are in another order.
        reordered: bool,
    },
    /// Anything else; `None`: absent.
    Value {
        /// Before.
        before: Option<String>,
        /// After.
        after: Option<String>,
    },
}

/// Aspects of a ClientHello that are lists.
const LISTS: &[&str] = &["versions", "suites", "groups", "key shares", "ALPN", "extensions", "signature algorithms"];

impl AspectTurn {
    /// The turn of an aspect from `before` to `after`.
    pub(super) fn of(part: BehaviourPart, aspect: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let value =
            || Self::Value { before: before.map(ToOwned::to_owned), after: after.map(ToOwned::to_owned) };
        let (Some(old), Some(new)) = (before, after) else { return value() };
        match part {
            BehaviourPart::Size => match (bytes(old), bytes(new)) {
                (Some(old), Some(new)) => Self::Bytes { before: (old, old), after: (new, new) },
                _ => value(),
            },
            BehaviourPart::Hello if LISTS.contains(&aspect) => {
                let (old, new): (Vec<&str>, Vec<&str>) = (old.split(THEN).collect(), new.split(THEN).collect());
                // Several hellos that changed alike are one change.
                let mut turns: Vec<Self> = old.iter().zip(&new).map(|(old, new)| list(old, new)).collect();
                turns.dedup();
                match <[Self; 1]>::try_from(turns) {
                    Ok([turn]) if old.len() == new.len() => turn,
                    _ => value(),
                }
            }
            _ => value(),
        }
    }

    /// What turns of several trials must have in common to be told as one: sizes differ with the length of the trial's name.
    pub(super) fn kind(&self) -> Self {
        match self {
            Self::Bytes { before: (before, _), after: (after, _) } => {
                if *before == PADDED {
                    Self::Bytes { before: (PADDED, PADDED), after: (0, 0) }
                } else if *after == PADDED {
                    Self::Bytes { before: (0, 0), after: (PADDED, PADDED) }
                } else {
                    let growth = i64::from(*after) - i64::from(*before);
                    Self::Value { before: Some("growth".to_owned()), after: Some(growth.to_string()) }
                }
            }
            other => other.clone(),
        }
    }

    /// Widens the range of bytes by those of `other`.
    pub(super) fn widen(&mut self, other: &Self) {
        if let (Self::Bytes { before, after }, Self::Bytes { before: more_before, after: more_after }) = (self, other) {
            for (range, more) in [(before, more_before), (after, more_after)] {
                *range = (range.0.min(more.0), range.1.max(more.1));
            }
        }
    }
}

impl fmt::Display for AspectTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { before, after } => write!(f, "{} -> {} bytes", range(*before), range(*after)),
            Self::List { gained, lost, reordered } => {
                let part = |lead: &str, names: &[String]| {
                    (!names.is_empty()).then(|| format!("{lead} {}", names.join(COMMA)))
                };
                let order = reordered.then(|| "in another order".to_owned());
                let parts: Vec<String> =
                    [part("gained", gained), part("lost", lost), order].into_iter().flatten().collect();
                f.write_str(&parts.join("; "))
            }
            Self::Value { before, after } => {
                let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
                write!(f, "{} -> {}", side(before), side(after))
            }
        }
    }
}

fn range((least, most): (u32, u32)) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

/// The size in a value with one size.
pub(super) fn bytes(value: &str) -> Option<u32> {
    value.parse().ok()
}

/// The entries of a list.
pub(super) fn entries(value: &str) -> Vec<&str> {
    if value == NONE { Vec::new() } else { value.split(COMMA).collect() }
}

fn list(before: &str, after: &str) -> AspectTurn {
    let (old, new) = (entries(before), entries(after));
    let only = |of: &[&str], other: &[&str]| -> Vec<String> {
        of.iter().filter(|name| !other.contains(name)).map(|name| (*name).to_owned()).collect()
    };
    let shared = |of: &[&str], other: &[&str]| -> Vec<String> {
        of.iter().filter(|name| other.contains(name)).map(|name| (*name).to_owned()).collect()
    };
    let reordered = shared(&old, &new) != shared(&new, &old);
    AspectTurn::List { gained: only(&new, &old), lost: only(&old, &new), reordered }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(part: BehaviourPart, aspect: &str, before: &str, after: &str) -> String {
        AspectTurn::of(part, aspect, Some(before), Some(after)).to_string()
    }

    #[test]
    fn turns_are_told_in_few_words() {
        use BehaviourPart::{Hello, Size, Tls};
        assert_eq!(words(Size, "size", "517", "1611"), "517 -> 1611 bytes");
        assert_eq!(words(Size, "size", "517 | 773", "1611 | 1867"), "517 | 773 -> 1611 | 1867");
        assert_eq!(words(Hello, "groups", "x25519, x448, ffdhe8192", "X25519MLKEM768, x448, x25519"),
            "gained X25519MLKEM768; lost ffdhe8192; in another order");
        assert_eq!(words(Hello, "groups", "a | a", "a, b | a, b"), "gained b");
        assert_eq!(words(Hello, "groups", "a | a", "a, b"), "a | a -> a, b");
        assert_eq!(words(Hello, "ALPN", "none", "h2"), "gained h2");
        assert_eq!(words(Tls, "group", "X25519", "X25519MLKEM768"), "X25519 -> X25519MLKEM768");
        assert_eq!(AspectTurn::of(Tls, "ALPN", None, Some("h2")).to_string(), "absent -> h2");
    }

    #[test]
    fn sizes_that_differ_by_the_name_alone_are_one_change() {
        let turn = |before: &str, after: &str| AspectTurn::of(BehaviourPart::Size, "size", Some(before), Some(after));
        assert_eq!(turn("517", "1600").kind(), turn("517", "1611").kind());
        assert_eq!(turn("1600", "1610").kind(), turn("1601", "1611").kind());
        assert_ne!(turn("1600", "1610").kind(), turn("1600", "1611").kind());
        assert_ne!(turn("517", "1600").kind(), turn("1600", "517").kind());
        let mut all = turn("517", "1600");
        all.widen(&turn("517", "1611"));
        assert_eq!(all.to_string(), "517 -> 1600 to 1611 bytes");
    }
}
