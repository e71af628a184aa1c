//! Names of revisions, as users write them.

use std::fmt;
use std::str::FromStr;

/// Longest revision, bytes: no branch name comes near.
const MAX_LENGTH: usize = 200;

/// How much of an invalid one an error shows, characters.
const SHOWN: usize = 60;

/// A revision in the syntax of git that cannot be mistaken for an option or a path: `HEAD~3`, `main`,
/// `v1.2`, `3f2a9c1`, `main@{yesterday}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRevision(String);

/// A text is not a [`GitRevision`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a revision: write it like HEAD~3, main or 3f2a9c1")]
pub struct RevisionError(String);

impl GitRevision {
    /// The commit that is checked out.
    pub fn head() -> Self {
        Self("HEAD".to_owned())
    }
}

impl FromStr for GitRevision {
    type Err = RevisionError;
    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let plain = !text.starts_with('-') && !text.contains(':') && !text.chars().any(char::is_control);
        // `a..b` and `^a` are ranges of commits.
        let single = !text.contains("..") && !text.starts_with('^');
        if plain && single && (1..=MAX_LENGTH).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(RevisionError(text.chars().take(SHOWN).flat_map(char::escape_debug).collect()))
    }
}

impl fmt::Display for GitRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
