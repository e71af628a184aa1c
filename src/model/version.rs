//! Versions as upstreams write them (`9.2.5`, `3.5.7`, `1.1.1w`) and ranges over them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Maximum length of an invalid text in messages, characters.
const MAX_QUOTED: usize = 40;

/// A dotted version with an optional letter at the end of a part, compared part by part; a missing
/// part counts as 0, so `3.2` is `3.2.0`.
#[derive(Debug, Clone, Eq)]
pub struct Version(Vec<(u64, String)>);

/// Conditions joined by commas, all of which must hold: `>=3.2`, `>=9.2.0,<9.2.7`, `=1.1.1w`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange(Vec<(Op, Version)>, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// An invalid version or range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid {1}")]
pub struct VersionError(String, &'static str);

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error =
            || VersionError(text.chars().take(MAX_QUOTED).collect(), "version: write it like 9.2.5, 3.2 or 1.1.1w");
        text.split('.')
            .map(|part| {
                let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (number, letters) = part.split_at(digits);
                let plain = letters.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                if !plain {
                    return Err(error());
                }
                Ok((number.parse().map_err(|_| error())?, letters.to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|(number, letters)| format!("{number}{letters}")).collect();
        f.pad(&parts.join("."))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let none = (0, String::new());
        (0..self.0.len().max(other.0.len()))
            .map(|i| self.0.get(i).unwrap_or(&none).cmp(other.0.get(i).unwrap_or(&none)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl FromStr for VersionRange {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let ops = [
            ("<=", Op::LessOrEqual),
            (">=", Op::GreaterOrEqual),
            ("<", Op::Less),
            (">", Op::Greater),
            ("=", Op::Equal),
        ];
        let conditions = text
            .split(',')
            .map(str::trim)
            .map(|condition| {
                let (sign, op) = ops.iter().find(|(sign, _)| condition.starts_with(sign)).ok_or_else(|| {
                    VersionError(
                        text.chars().take(MAX_QUOTED).collect(),
                        "version range: write it like \">=3.2\" or \">=9.2.0,<9.2.7\"",
                    )
                })?;
                Ok((*op, condition[sign.len()..].trim().parse()?))
            })
            .collect::<Result<Vec<_>, VersionError>>()?;
        Ok(Self(conditions, text.to_owned()))
    }
}

impl VersionRange {
    /// Whether `declared`, a version or a range of versions, is what ATS `reported`. What is neither has to be the same text.
    pub fn declares(declared: &str, reported: &str) -> bool {
        match (declared.parse::<Self>(), reported.parse()) {
            (Ok(range), Ok(version)) => range.contains(&version),
            _ => reported == declared,
        }
    }

    /// The lower bound, if there is one: `9.2.9` of `>=9.2.9,<9.3`.
    pub fn lower(&self) -> Option<&Version> {
        let from = |(op, _): &&(Op, Version)| matches!(op, Op::GreaterOrEqual | Op::Equal);
        self.0.iter().find(from).map(|(_, version)| version)
    }

    /// Whether `version` meets every condition.
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|(op, bound)| match op {
            Op::Less => version < bound,
            Op::LessOrEqual => version <= bound,
            Op::Equal => version == bound,
            Op::GreaterOrEqual => version >= bound,
            Op::Greater => version > bound,
        })
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_compare_by_number_then_letter() {
        assert!(version("9.2.10") > version("9.2.9"));
        assert!(version("1.1.1w") > version("1.1.1"));
        assert!(version("3.2") == version("3.2.0"));
        assert_eq!(version("1.1.1w").to_string(), "1.1.1w");
        assert!("".parse::<Version>().is_err() && "9..2".parse::<Version>().is_err());
    }

    #[test]
    fn a_range_needs_every_condition() {
        let range: VersionRange = ">=9.2.0, <9.2.7".parse().unwrap();
        assert!(range.contains(&version("9.2.5")) && !range.contains(&version("9.2.7")));
        assert!(!range.contains(&version("9.1.9")));
        assert_eq!(range.lower(), Some(&version("9.2.0")));
        assert_eq!("<9.2.7".parse::<VersionRange>().unwrap().lower(), None);
        for bad in ["", "9.2", ">=", ">=x", ">=3,"] {
            assert!(bad.parse::<VersionRange>().is_err(), "{bad}");
        }
    }
}
