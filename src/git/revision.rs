//! Names of revisions, as people give them.

use std::fmt;
use std::str::FromStr;

/// What git accepts as a revision and cannot mistake for an option or a path: `HEAD~3`, `main`,
/// `v1.2`, `3f2a9c1`, `main@{yesterday}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRevision(String);

/// Why a text is no [`GitRevision`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no revision: write it like HEAD~3, main or 3f2a9c1")]
pub struct RevisionError(String);

impl GitRevision {
    /// What is checked out.
    pub fn head() -> Self {
        Self("HEAD".to_owned())
    }
}

impl FromStr for GitRevision {
    type Err = RevisionError;
    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let plain = !text.starts_with('-') && !text.contains(':') && !text.chars().any(char::is_control);
        // `a..b` and `^a` name sets of commits.
        let single = !text.contains("..") && !text.starts_with('^');
        if plain && single && (1..=200).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(RevisionError(text.chars().take(60).flat_map(char::escape_debug).collect()))
    }
}

impl fmt::Display for GitRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
