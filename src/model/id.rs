//! Names of distros, ATS versions, cells and runs, the same in options, files, JSON and page anchors.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An invalid id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {rule}")]
pub struct IdError {
    /// The invalid text, escaped.
    pub text: String,
    /// The kind of id that was expected.
    pub what: &'static str,
    /// The rule for such ids.
    pub rule: &'static str,
}

/// Maximum length of a quoted text, characters.
const MAX_QUOTED: usize = 80;

const NAME_RULE: &str = "use lower-case letters, digits, `.`, `-`, `+`, `~` (1 to 64, starting with a letter or digit)";

/// Checks a name. Names become parts of image labels, file names and page anchors, so only characters that are safe there are
/// allowed.
fn check_name(text: &str, what: &'static str) -> Result<(), IdError> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '~');
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if starts && text.len() <= 64 && text.chars().all(legal) {
        return Ok(());
    }
    Err(IdError { text: quote(text), what, rule: NAME_RULE })
}

/// Quotes an invalid text for a message: bounded, on one line, escaped.
fn quote(text: &str) -> String {
    text.chars().take(MAX_QUOTED).flat_map(char::escape_debug).collect()
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check_name(text, $what)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A distro of the matrix: `debian-12`, `fedora-40`.
    DistroId,
    "distro name"
);
name!(
    /// An ATS of the matrix: `9.2.5`, `9.2.5-backport`.
    AtsId,
    "ATS name"
);
name!(
    /// One execution: `20261123-141502-3f2a`.
    RunId,
    "run id"
);

/// A cell, the combination of a row and a column: `debian-13/9.2.5`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct CellId {
    /// The row.
    pub distro: DistroId,
    /// The column.
    pub ats: AtsId,
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.distro, self.ats))
    }
}

impl FromStr for CellId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (distro, ats) = text.split_once('/').ok_or_else(|| IdError {
            text: quote(text),
            what: "cell",
            rule: "write DISTRO/ATS, for example debian-13/9.2.5",
        })?;
        Ok(Self { distro: distro.parse()?, ats: ats.parse()? })
    }
}

impl TryFrom<String> for CellId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<CellId> for String {
    fn from(cell: CellId) -> Self {
        cell.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_ids_round_trip_and_invalid_ones_show_the_rule() {
        let cell: CellId = "debian-13/9.2.5-backport".parse().unwrap();
        assert_eq!(cell.to_string().parse::<CellId>().unwrap(), cell);
        for bad in ["", "debian-13", "Debian/9", "a/b/c", "a/../b", "-x/9", "a/\u{1b}[31m", "a\n::error::x"] {
            let error = bad.parse::<CellId>().unwrap_err();
            assert!(!error.rule.is_empty() && !error.to_string().contains(char::is_control), "{bad}");
        }
    }
}
