//! Globs and regular expressions of signs. Each is matched against every trial of every cell, and compiling takes far
//! longer than matching, so compiled patterns are cached.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use globset::GlobMatcher;
use regex::Regex;

/// Compiled patterns by their text; `None`: the pattern does not parse.
type Compiled<T> = LazyLock<Mutex<HashMap<String, Option<T>>>>;

/// Whether a trial's id matches a glob.
pub(in crate::catalogue::known_issues) fn is_like(glob: &str, id: &str) -> bool {
    static COMPILED: Compiled<GlobMatcher> = LazyLock::new(Mutex::default);
    let compile = || globset::Glob::new(glob).ok().map(|glob| glob.compile_matcher());
    once(&COMPILED, glob, compile).is_some_and(|glob| glob.is_match(id))
}

/// A pattern that does not parse matches nothing; a test ensures that all parse.
pub(in crate::catalogue::known_issues) fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: Compiled<Regex> = LazyLock::new(Mutex::default);
    once(&COMPILED, pattern, || Regex::new(pattern).ok()).is_some_and(|regex| regex.is_match(text))
}

fn once<T: Clone>(compiled: &Compiled<T>, pattern: &str, compile: impl FnOnce() -> Option<T>) -> Option<T> {
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(pattern) {
        return known.clone();
    }
    let made = compile();
    compiled.insert(pattern.to_owned(), made.clone());
    made
}
