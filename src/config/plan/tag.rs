//! Tags of images: digests of all inputs, so that unchanged inputs build nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Recipes;
use crate::config::matrix::sha256_hex;

/// Digits of the digest in a tag: 64 bits, readable in a listing of images.
const DIGITS: usize = 16;

/// Named inputs, each written with its length, so that different inputs never have the same bytes.
pub(super) struct Inputs(Vec<u8>);

impl Inputs {
    pub(super) fn new(kind: &str) -> Self {
        Self(Vec::new()).with("kind", kind.as_bytes())
    }

    pub(super) fn with(mut self, name: &str, value: &[u8]) -> Self {
        for part in [name.as_bytes(), value] {
            self.0.extend((part.len() as u64).to_le_bytes());
            self.0.extend(part);
        }
        self
    }

    /// The tag `atsmatrix/KIND:DIGEST`.
    pub(super) fn tag(self, kind: &str) -> String {
        let hex = sha256_hex(&self.0);
        format!("atsmatrix/{kind}:{}", &hex[..DIGITS])
    }
}

/// The files of the images folder that a Containerfile uses: itself and the sources of its COPY lines, in which `args`
/// replace `${NAME}`.
pub(super) fn files<'a>(
    recipes: &'a Recipes,
    containerfile: &str,
    args: &BTreeMap<String, String>,
) -> BTreeSet<(&'a str, &'a [u8])> {
    let text = recipes.get(containerfile).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let mut patterns = vec![containerfile.to_owned()];
    for line in text.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from")) {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        words.pop();
        patterns.extend(words);
    }
    for (name, value) in args {
        for pattern in &mut patterns {
            *pattern = pattern.replace(&format!("${{{name}}}"), value);
        }
    }
    let globs = patterns.iter().filter_map(|pattern| globset::Glob::new(pattern).ok());
    let matchers: Vec<_> = globs.map(|glob| glob.compile_matcher()).collect();
    let named = recipes.iter().filter(|(name, _)| matchers.iter().any(|matcher| matcher.is_match(name.as_str())));
    named.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

/// The arguments that a Containerfile declares, and whether each has a default.
pub(super) fn declared<'a>(recipes: &'a Recipes, containerfile: &str) -> Vec<(&'a str, bool)> {
    let text = recipes.get(containerfile).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("ARG ")).map(str::trim);
    lines.map(|line| line.split_once('=').map_or((line, false), |(name, _)| (name, true))).collect()
}

/// Checks that `args` are the arguments that a recipe declares.
pub(super) fn check_arguments(
    recipes: &Recipes,
    containerfile: &str,
    args: &BTreeMap<String, String>,
) -> Result<(), String> {
    if !recipes.contains_key(containerfile) {
        return Err(format!("the images folder has no {containerfile}: check that `family` is a folder in it"));
    }
    let declared = declared(recipes, containerfile);
    if let Some(unknown) = args.keys().find(|name| !declared.iter().any(|(known, _)| known == name)) {
        return Err(format!("{containerfile} has no argument {unknown}: see images/README.md"));
    }
    let defaulted = |name: &str| declared.iter().any(|(known, default)| *known == name && *default);
    match declared.iter().find(|(name, _)| !defaulted(name) && !args.contains_key(*name)) {
        Some((name, _)) => Err(format!("{containerfile} needs the argument {name}")),
        None => Ok(()),
    }
}
