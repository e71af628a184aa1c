//! What versions of ATS make of a user's own configuration folder, from what is known of them: what keeps them from
//! starting, what they do not obey, and what changes from one to the other. Nothing is started.
//!
//! It finds what is wrong, and proves nothing right: what a plugin makes of its parameters, only a start shows.

mod changes;
mod files;
mod names;
mod parents;
mod plugins;
mod records;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ats::Dialect;
use crate::ats::settings::{SettingsTable, reads};
use crate::ats::site::{ConfigFolder, FileLine};
use crate::model::Version;

pub use words::{json, outline};

/// What a finding means, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// ATS starts, and lets through what the folder closes.
    FailsOpen,
    /// ATS does not start, or something does not work.
    Breaks,
    /// ATS does not obey it.
    Ignored,
    /// It means something else in the second version.
    Changed,
    /// Worth knowing.
    Note,
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// An ATS of this minor version did or said so, or the files alone show it.
    Seen,
    /// Upstream says so; the finding's `source` is where.
    Documented,
    /// Another version does it, and nothing speaks against it.
    Assumed,
}

/// Something that a version of ATS makes of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigFinding {
    /// How bad it is.
    pub gravity: Gravity,
    /// The kind of finding, for example `unknown-setting`.
    pub kind: &'static str,
    /// Where; line 0 stands for the whole file.
    pub at: FileLine,
    /// The column, from 1; 0: the whole line.
    pub column: usize,
    /// What it rests on.
    pub certainty: Certainty,
    /// The versions that it is about, as they were asked for.
    pub versions: Vec<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub todo: String,
    /// Where it says so, if not in data that come from running ATS.
    pub source: Option<&'static str>,
}

/// What a version was checked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedAts {
    /// As it was asked for, for example a column of matrix.yaml.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version that the data are from.
    pub data: &'static str,
    /// Whether these are from documentation alone.
    pub documented: bool,
    /// The package whose plugins were taken for those it has; `None`: unknown.
    pub plugins: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigCheck {
    /// The folder, as named.
    pub folder: String,
    /// The versions, in the order asked for.
    pub ats: Vec<CheckedAts>,
    /// The plugins that the folder loads, by name.
    pub plugins: Vec<LoadedPlugin>,
    /// What was read, so that an empty answer does not pass for a good one.
    pub read: FolderCounts,
    /// The worst first, then by place.
    pub findings: Vec<ConfigFinding>,
}

/// A plugin that the folder loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedPlugin {
    /// As written.
    pub name: String,
    /// Every line that loads it.
    pub at: Vec<FileLine>,
}

/// What the folder has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FolderCounts {
    /// Files.
    pub files: usize,
    /// Settings.
    pub settings: usize,
    /// Rules of remap.config and what it includes.
    pub rules: usize,
    /// Plugins that it loads.
    pub plugins: usize,
}

/// A version to check for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckTarget {
    /// As it was asked for.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The distros that are asked about; empty: whichever package of this version is known.
    pub distros: Vec<String>,
}

/// What the file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// Permission bits.
    pub mode: u32,
    /// Whether it could be read.
    pub readable: bool,
}

/// A folder with what the file system says of its files.
#[derive(Debug, Clone, Copy)]
pub struct CheckedFolder<'a> {
    /// What the files say.
    pub folder: &'a ConfigFolder,
    /// What they are.
    pub states: &'a BTreeMap<String, FileState>,
}

impl CheckedFolder<'_> {
    /// Files that could not be read though ATS reads or includes them: without them there is no answer.
    pub fn hidden(&self) -> Vec<&str> {
        let included =
            |file: &str| self.folder.includes.iter().any(|include| include.files.iter().any(|it| it == file));
        let matters = |file: &str| reads(Dialect::V9_2, file).is_some() || included(file);
        let states = self.states.iter().filter(|(file, state)| !state.readable && matters(file));
        states.map(|(file, _)| file.as_str()).collect()
    }
}

/// Why a version cannot be checked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: no data about ATS {version}; name a version from 8.1 to 10.x")]
pub struct NoData {
    name: String,
    version: Version,
}

/// A version while it is checked for.
struct Checking<'a> {
    input: CheckedFolder<'a>,
    target: &'a CheckTarget,
    dialect: Dialect,
    table: SettingsTable,
    findings: Vec<ConfigFinding>,
}

impl Checking<'_> {
    fn find(
        &mut self,
        gravity: Gravity,
        kind: &'static str,
        at: FileLine,
        what: impl Into<String>,
    ) -> &mut ConfigFinding {
        let found = self.findings.len();
        self.findings.push(ConfigFinding {
            gravity,
            kind,
            at,
            column: 0,
            certainty: self.certainty(),
            versions: vec![self.target.name.clone()],
            what: what.into(),
            todo: String::new(),
            source: None,
        });
        &mut self.findings[found]
    }

    /// What a finding about this version rests on, if nothing else is said: whether its minor version was asked.
    fn certainty(&self) -> Certainty {
        let minor = |text: &str| text.split('.').take(2).collect::<Vec<_>>().join(".");
        let asked = !self.table.documented && minor(self.table.version) == minor(&self.target.version.to_string());
        if asked { Certainty::Seen } else { Certainty::Assumed }
    }

    /// The file that has the settings for this version.
    fn records_file(&self) -> &'static str {
        self.dialect.records_file()
    }
}

impl ConfigFinding {
    fn todo(&mut self, todo: impl Into<String>) -> &mut Self {
        self.todo = todo.into();
        self
    }

    fn source(&mut self, source: &'static str) -> &mut Self {
        self.source = Some(source);
        self.certainty = Certainty::Documented;
        self
    }

    /// It follows from the files alone.
    fn seen(&mut self) -> &mut Self {
        self.certainty = Certainty::Seen;
        self
    }

    /// Whether the exit code tells of it.
    pub fn counts(&self) -> bool {
        self.gravity != Gravity::Note
    }
}

/// A whole file.
fn whole(file: &str) -> FileLine {
    FileLine::new(file, 0)
}

impl ConfigCheck {
    /// Checks `input`, the folder `name`, for `target`, and for what changes on the way to `to`.
    ///
    /// # Errors
    /// When nothing is known of a version.
    pub fn of(
        name: &str,
        input: CheckedFolder<'_>,
        target: &CheckTarget,
        to: Option<&CheckTarget>,
    ) -> Result<Self, NoData> {
        let mut checks = Vec::new();
        for target in [Some(target), to].into_iter().flatten() {
            checks.push(check(input, target)?);
        }
        let ats = checks.iter().map(checked_ats).collect();
        let mut findings = Vec::new();
        if let [from, to] = checks.as_mut_slice() {
            findings.extend(changes::between(from, to));
        }
        findings.extend(merged(checks.into_iter().flat_map(|check| check.findings)));
        findings.sort_by(|one, other| {
            let key = |it: &ConfigFinding| (it.gravity, it.at.clone(), it.kind, it.versions.clone(), it.what.clone());
            key(one).cmp(&key(other))
        });
        let folder = input.folder;
        let plugins = plugins::loaded(folder);
        let read = FolderCounts {
            files: folder.files.len(),
            settings: folder.records.len(),
            rules: folder.rules.len(),
            plugins: plugins.len(),
        };
        Ok(Self { folder: name.to_owned(), ats, plugins, read, findings })
    }

    /// Whether there is a finding that counts.
    pub fn has_findings(&self) -> bool {
        self.findings.iter().any(ConfigFinding::counts)
    }
}

fn check<'a>(input: CheckedFolder<'a>, target: &'a CheckTarget) -> Result<Checking<'a>, NoData> {
    let unknown = || NoData { name: target.name.clone(), version: target.version.clone() };
    let dialect = Dialect::of(&target.version).ok_or_else(unknown)?;
    let table = SettingsTable::of(&target.version).ok_or_else(unknown)?;
    let mut checking = Checking { input, target, dialect, table, findings: Vec::new() };
    records::check(&mut checking);
    names::check(&mut checking);
    files::check(&mut checking);
    parents::check(&mut checking);
    plugins::check(&mut checking);
    Ok(checking)
}

fn checked_ats(checking: &Checking<'_>) -> CheckedAts {
    CheckedAts {
        name: checking.target.name.clone(),
        version: checking.target.version.to_string(),
        data: checking.table.version,
        documented: checking.table.documented,
        plugins: plugins::package_names(checking),
    }
}

/// Findings that several versions share, once.
fn merged(findings: impl Iterator<Item = ConfigFinding>) -> Vec<ConfigFinding> {
    let mut merged: Vec<ConfigFinding> = Vec::new();
    let mut seen: BTreeMap<(Gravity, &'static str, FileLine, String, String), usize> = BTreeMap::new();
    for finding in findings {
        let key = (finding.gravity, finding.kind, finding.at.clone(), finding.what.clone(), finding.todo.clone());
        match seen.get(&key) {
            Some(&at) if !finding.versions.iter().any(|version| merged[at].versions.contains(version)) => {
                merged[at].versions.extend(finding.versions);
            }
            Some(_) => {}
            None => {
                seen.insert(key, merged.len());
                merged.push(finding);
            }
        }
    }
    merged
}
