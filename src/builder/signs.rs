//! What the lines of a build's log say about its failure: one table, for our own recipes and for Dockerfiles of the
//! user's own, which announce no phases.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LogSign {
    /// A package list could not be had: from here on no missing package means anything.
    NoIndex,
    /// Something else could not be fetched. It matters to the step in which it is said.
    NoAnswer,
    /// The machine was too small.
    Machine,
    /// The distro does not have the package `name`, or not in the `version` that is needed.
    Lacking,
    /// Package lists were fetched.
    Index,
}

/// The table. The text of apt and dnf is that of the C locale, which recipes set and images have.
const SIGNS: &[(LogSign, &str)] = &[
    (LogSign::NoIndex, r"^(?:[WE]: |Error: )?Failed to fetch "),
    (LogSign::NoIndex, r"^[WE]: Some index files failed to download"),
    (LogSign::NoIndex, r"^Err:\d+ "),
    (LogSign::NoIndex, r"^[WE]: The repository '.*' (?:does not have a Release file|is not signed|no longer has a)"),
    (LogSign::NoIndex, r"^[WE]: Release file for .* is (?:expired|not valid yet)"),
    (
        LogSign::NoIndex,
        r"Failed to download metadata for repo|Errors during downloading metadata|Failed to synchronize cache",
    ),
    (LogSign::NoIndex, r"^Ignoring repositories: |No URLs in mirrorlist|Cannot prepare internal mirrorlist"),
    (LogSign::NoAnswer, r"Could not resolve|Couldn't resolve host|Temporary failure (?:resolving|in name resolution)"),
    (LogSign::NoAnswer, r"unable to resolve host|Name or service not known|cannot ask the repositories"),
    (
        LogSign::NoAnswer,
        r"[Cc]ould not connect to |Unable to connect to |Failed to connect to |Couldn't connect to server",
    ),
    (LogSign::NoAnswer, r"Connection (?:timed out|refused|reset by peer)|No route to host|Network is unreachable"),
    (LogSign::NoAnswer, r"Operation timed out|TLS handshake timeout|i/o timeout|Failed to establish a new connection"),
    (
        LogSign::NoAnswer,
        r"Curl error \(|curl: \((?:5|6|7|18|22|28|35|52|56)\)|No more mirrors to try|All mirrors were tried",
    ),
    (LogSign::NoAnswer, r"\b50[234] (?:Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out)"),
    (LogSign::Machine, r"Killed signal|\] Killed$|^Killed$|Error 137$|No space left on device|Cannot allocate memory"),
    (LogSign::Machine, r"out of memory|memory exhausted|std::bad_alloc|Resource temporarily unavailable"),
    (LogSign::Lacking, r"^E: Unable to locate package (?<name>\S+)"),
    (LogSign::Lacking, r"^E: Couldn't find any package by (?:glob|regex) '(?<name>[^']+)'"),
    (LogSign::Lacking, r"^E: Package '(?<name>[^']+)' has no installation candidate"),
    (LogSign::Lacking, r"^E: Version '(?<version>[^']+)' for '(?<name>[^']+)' was not found"),
    (LogSign::Lacking, r"Depends: (?<name>[^\s:]+)(?::\w+)?(?: \((?<version>[^)]+)\))? but it is not installable"),
    (LogSign::Lacking, r"Depends: (?<name>[^\s:]+)(?::\w+)? \((?<version>[^)]+)\) but \S+ is to be installed"),
    (LogSign::Lacking, r"\bUnmet build dependencies: (?<name>[^\s:]+)"),
    (LogSign::Lacking, r"^(?:Error: )?(?:Unable to find a match|No match for argument): (?<name>\S.*\S)"),
    (LogSign::Lacking, r"^No package (?<name>\S+) available"),
    (LogSign::Lacking, r"nothing provides (?<name>\S+)(?: (?<version>[<>=]+ \S+))? needed by"),
    // What our own recipes find out.
    (LogSign::Lacking, r"^@@atsmatrix reason \w+: the distro has no package (?<name>.+)"),
    (
        LogSign::Lacking,
        r"^@@atsmatrix reason \w+: no (?<name>\S+) (?<version>\S+) in the package lists; there is: (?<there>.+?)(?: \(|$)",
    ),
    (LogSign::Index, r"^(?:Get|Hit):\d+ .*(?:InRelease|Release|Packages)"),
    (LogSign::Index, r"(?i)^step \d+.*\bapt(?:-get|itude)?\b[^&|;]*\bupdate\b"),
    (LogSign::Index, r"^(?:Last metadata expiration check|Metadata cache created|Updating and loading repositories)"),
];

/// A step of a Dockerfile begins, in the words of Docker and of Podman, or a part of a recipe of ours.
const STEP: &str = r"(?i)^step \d+(?:/\d+)? ?: |^@@atsmatrix phase |^once more, with new package lists";

/// A step's result is an earlier one.
const CACHED: &str = r"^ *-+> Using cache";

/// Colours, which the classic builder puts around what goes to stderr.
const COLOUR: &str = "\u{1b}\\[[0-9;]*m";

/// The table and the other patterns, compiled; a pattern that does not parse is none, which a test excludes.
struct CompiledSigns {
    signs: Vec<(LogSign, Regex)>,
    step: Option<Regex>,
    cached: Option<Regex>,
    colour: Option<Regex>,
}

static PATTERNS: LazyLock<CompiledSigns> = LazyLock::new(|| CompiledSigns {
    signs: SIGNS.iter().filter_map(|(sign, pattern)| Some((*sign, Regex::new(pattern).ok()?))).collect(),
    step: Regex::new(STEP).ok(),
    cached: Regex::new(CACHED).ok(),
    colour: Regex::new(COLOUR).ok(),
});

/// A line without colours.
pub(super) fn plain(line: &str) -> String {
    let plain = PATTERNS.colour.as_ref().map(|colour| colour.replace_all(line, "").into_owned());
    plain.unwrap_or_else(|| line.to_owned())
}

/// Whether `line` begins a step.
pub(super) fn begins_step(line: &str) -> bool {
    PATTERNS.step.as_ref().is_some_and(|step| step.is_match(line))
}

/// What the log of a build has said so far.
#[derive(Debug, Default)]
pub(super) struct Signs {
    seen: BTreeSet<LogSign>,
    lacking: Vec<String>,
    /// The line that says best what did not answer, or that the machine was too small.
    pub(super) excuse: Option<String>,
    /// Whether a step's result was taken from an earlier build.
    pub(super) cached: bool,
}

impl Signs {
    /// Reads a line without colours.
    pub(super) fn read(&mut self, line: &str) {
        if begins_step(line) {
            // The step before has succeeded in spite of them.
            self.seen.retain(|sign| matches!(sign, LogSign::NoIndex | LogSign::Index));
            self.lacking.clear();
            self.excuse = self.excuse.take().filter(|_| self.seen.contains(&LogSign::NoIndex));
        }
        self.cached |= PATTERNS.cached.as_ref().is_some_and(|cached| cached.is_match(line));
        for (sign, pattern) in &PATTERNS.signs {
            let Some(found) = pattern.captures(line) else { continue };
            if matches!(sign, LogSign::NoIndex | LogSign::NoAnswer | LogSign::Machine) {
                // apt names the address at the end only.
                let tells = |line: &str| line.contains("Failed to fetch ");
                if self.excuse.as_ref().is_none_or(|known| tells(line) && !tells(known)) {
                    self.excuse = Some(line.trim().to_owned());
                }
            }
            if *sign == LogSign::Lacking {
                self.lack(&found);
            }
            self.seen.insert(*sign);
        }
    }

    fn lack(&mut self, found: &Captures<'_>) {
        let text = |name: &str| found.name(name).map(|part| part.as_str());
        let version = text("version").filter(|version| *version != "latest");
        let there = text("there").filter(|there| *there != "none");
        for name in text("name").unwrap_or_default().split_whitespace() {
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            let there = there.map(|there| format!(" (it has {there})")).unwrap_or_default();
            let package = format!("{name}{version}{there}");
            if !self.lacking.contains(&package) {
                self.lacking.push(package);
            }
        }
    }

    /// Whether something did not answer, or the machine was too small: the failure says nothing about the distro.
    pub(super) fn is_excused(&self) -> bool {
        [LogSign::NoIndex, LogSign::NoAnswer, LogSign::Machine].iter().any(|sign| self.seen.contains(sign))
    }

    /// Whether the log shows that package lists were fetched. Without any, every package is missing.
    pub(super) fn has_index(&self) -> bool {
        self.seen.contains(&LogSign::Index)
    }

    /// What the distro does not have, as a sentence.
    pub(super) fn lacking(&self) -> Option<String> {
        sentence(&self.lacking.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same without packages of which it has another version: what a release does not have today it may have had
    /// yesterday, and in a suite in motion packages do not always fit together.
    pub(super) fn absent(&self) -> Option<String> {
        let absent = self.lacking.iter().map(String::as_str).filter(|package| !package.contains(' '));
        sentence(&absent.collect::<Vec<_>>())
    }
}

fn sentence(packages: &[&str]) -> Option<String> {
    (!packages.is_empty()).then(|| format!("the distro has no package {}", packages.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_parses() {
        assert_eq!(PATTERNS.signs.len(), SIGNS.len());
        assert!(PATTERNS.step.is_some() && PATTERNS.cached.is_some() && PATTERNS.colour.is_some());
    }
}
