//! Patterns over names, like `debian-*`: the same kind in matrix.yaml and in options.

use globset::{Glob, GlobBuilder, GlobMatcher};

/// Longest pattern, bytes: a pattern becomes an automaton, so hostile ones are kept small.
const MAX_LEN: usize = 128;

/// How much of a refused pattern an error repeats, in characters.
const MAX_SHOWN: usize = 60;

/// Why a text is not a valid pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a valid pattern: {reason}")]
pub struct GlobError {
    /// The refused pattern, shortened and escaped.
    pub pattern: String,
    /// The message of the pattern library.
    pub reason: String,
}

/// A list of patterns (`*`, `?`, `[a-z]`, `{a,b}`) over names. A name matches if it matches one of them.
#[derive(Debug, Clone)]
pub struct Globs(Vec<GlobMatcher>);

impl Globs {
    /// Compiles `patterns`.
    ///
    /// # Errors
    /// If one is invalid, empty or longer than 128 bytes.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, GlobError> {
        patterns.into_iter().map(|pattern| compile(pattern.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Matches every name.
    pub fn any() -> Self {
        Self(Vec::new())
    }

    /// Whether `name` matches. Without patterns, every name does.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|glob| glob.is_match(name))
    }

    /// The patterns that match none of `names`: most likely typos.
    pub fn dangling(&self, names: &[&str]) -> Vec<String> {
        let unused = self.0.iter().filter(|glob| !names.iter().any(|name| glob.is_match(name)));
        unused.map(|glob| glob.glob().glob().to_owned()).collect()
    }

    /// The patterns as written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|glob| glob.glob().glob())
    }
}

impl PartialEq for Globs {
    fn eq(&self, other: &Self) -> bool {
        self.patterns().eq(other.patterns())
    }
}

impl Eq for Globs {}

fn compile(pattern: &str) -> Result<GlobMatcher, GlobError> {
    let refuse = |reason: String| GlobError {
        pattern: pattern.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect(),
        reason,
    };
    if pattern.is_empty() || pattern.len() > MAX_LEN {
        return Err(refuse(format!("it has {} characters; 1 to {MAX_LEN} are allowed", pattern.chars().count())));
    }
    let glob: Glob =
        GlobBuilder::new(pattern).empty_alternates(true).build().map_err(|error| refuse(error.kind().to_string()))?;
    Ok(glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_if_one_pattern_does_and_dots_are_literal() {
        let globs = Globs::new(["debian-1[34]", "9.2.*", "{a,b}-c"]).unwrap();
        assert!(globs.matches("debian-13") && globs.matches("9.2.5-backport") && globs.matches("b-c"));
        assert!(!globs.matches("debian-12") && !globs.matches("9x2.5"));
        assert!(Globs::any().matches("anything"));
        assert_eq!(globs.dangling(&["debian-14", "a-c"]), ["9.2.*"]);
    }

    #[test]
    fn invalid_patterns_say_why() {
        assert_eq!(
            Globs::new(["debian-[12"]).unwrap_err().to_string(),
            "`debian-[12` is not a valid pattern: unclosed character class; missing ']'"
        );
        assert!(Globs::new([""]).is_err() && Globs::new(["x".repeat(129)]).is_err());
    }
}
