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
        let value = |old: Option<&str>, new: Option<&str>| Self::Value {
            before: old.map(ToOwned::to_owned),
            after: new.map(ToOwned::to_owned),
        };
        let (Some(old), Some(new)) = (before, after) else { return value(before, after) };
        let pairs = pairs(old, new);
        match part {
            BehaviourPart::Size => sizes(&pairs).unwrap_or_else(|| value(before, after)),
            BehaviourPart::Hello if LISTS.contains(&aspect) => {
                // Several hellos that changed alike are one change.
                let mut turns: Vec<Self> = pairs.iter().map(|(old, new)| list(old, new)).collect();
                turns.dedup();
                <[Self; 1]>::try_from(turns).map_or_else(|_| value(before, after), |[turn]| turn)
            }
            _ => match pairs.as_slice() {
                [(old, new), rest @ ..] if rest.iter().all(|pair| pair == &(*old, *new)) => value(Some(old), Some(new)),
                _ => value(before, after),
            },
        }
    }

    /// What turns of several trials must have in common to be told as one: sizes differ with the length of the trial's name.
    pub(super) fn kind(&self) -> Self {
        match self {
            Self::Bytes { before, after } => {
                let padded = (PADDED, PADDED);
                if *before == padded {
                    Self::Bytes { before: padded, after: (0, 0) }
                } else if *after == padded {
                    Self::Bytes { before: (0, 0), after: padded }
                } else {
                    let growth = |old: u32, new: u32| (i64::from(new) - i64::from(old)).to_string();
                    let (least, most) = (growth(before.0, after.0), growth(before.1, after.1));
                    Self::Value { before: Some(least), after: Some(most) }
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
                let part =
                    |lead: &str, names: &[String]| (!names.is_empty()).then(|| format!("{lead} {}", names.join(COMMA)));
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

/// The values of each message or connection; none if the sides have not as many.
fn pairs<'a>(before: &'a str, after: &'a str) -> Vec<(&'a str, &'a str)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split(THEN).collect(), after.split(THEN).collect());
    if old.len() == new.len() { old.into_iter().zip(new).collect() } else { Vec::new() }
}

/// The least and the most of all sizes; `None` if some grew and some shrank, or are no numbers.
fn sizes(pairs: &[(&str, &str)]) -> Option<AspectTurn> {
    let pairs: Vec<(u32, u32)> =
        pairs.iter().map(|(old, new)| Some((bytes(old)?, bytes(new)?))).collect::<Option<_>>()?;
    let grew: Vec<bool> = pairs.iter().map(|(old, new)| new > old).collect();
    let range = |of: fn(&(u32, u32)) -> u32| Some((pairs.iter().map(of).min()?, pairs.iter().map(of).max()?));
    let alike = grew.iter().all(|one| Some(one) == grew.first());
    alike.then_some(AspectTurn::Bytes { before: range(|pair| pair.0)?, after: range(|pair| pair.1)? })
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
        assert_eq!(words(Size, "size", "517 | 517", "1611 | 1867"), "517 -> 1611 to 1867 bytes");
        assert_eq!(words(Size, "size", "517 | 773", "1611 | 600"), "517 | 773 -> 1611 | 600");
        assert_eq!(words(Size, "size", "517", "1611 | 600"), "517 -> 1611 | 600");
        assert_eq!(
            words(Hello, "groups", "x25519, x448, ffdhe8192", "X25519MLKEM768, x448, x25519"),
            "gained X25519MLKEM768; lost ffdhe8192; in another order"
        );
        assert_eq!(words(Hello, "groups", "a | a", "a, b | a, b"), "gained b");
        assert_eq!(words(Hello, "groups", "a | a", "a, b"), "a | a -> a, b");
        assert_eq!(words(Hello, "ALPN", "none", "h2"), "gained h2");
        assert_eq!(words(Tls, "group", "X25519", "X25519MLKEM768"), "X25519 -> X25519MLKEM768");
        assert_eq!(words(Tls, "group", "a | a", "b | b"), "a -> b");
        assert_eq!(words(Tls, "group", "a | a", "b"), "a | a -> b");
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
