//! Tags: a digest of everything that goes into an image, so that unchanged inputs build nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Recipes;
use crate::config::matrix::sha256_hex;

/// Collects inputs, each with its name, so that no two different sets look alike.
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

    /// `atsmatrix/KIND:` and 16 hex digits.
    pub(super) fn tag(self, kind: &str) -> String {
        let hex = sha256_hex(&self.0);
        format!("atsmatrix/{kind}:{}", &hex[..16])
    }
}

/// The files of the images folder that a Containerfile takes in: itself and what its COPY lines name.
/// `args` fill `${NAME}` in them.
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

/// The arguments that a Containerfile declares, each with whether it has a default.
pub(super) fn declared<'a>(recipes: &'a Recipes, containerfile: &str) -> Vec<(&'a str, bool)> {
    let text = recipes.get(containerfile).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix("ARG ")).map(str::trim);
    lines.map(|line| line.split_once('=').map_or((line, false), |(name, _)| (name, true))).collect()
}

/// What is wrong between the arguments a recipe is given and those it declares.
pub(super) fn check_arguments(
    recipes: &Recipes,
    containerfile: &str,
    args: &BTreeMap<String, String>,
) -> Result<(), String> {
    if !recipes.contains_key(containerfile) {
        return Err(format!("the images folder has no {containerfile}: is `family` a folder of it?"));
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
