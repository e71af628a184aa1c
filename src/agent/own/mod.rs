//! A configuration of the user's own in a cell: its files are written where an ATS of a package has them, and every life of
//! ATS starts from them.

mod frame;
mod stand_in;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;

pub use frame::pack;
pub(super) use frame::unpack;

use super::targets::Addresses;
use crate::ats::Dialect;
use crate::ats::asks::{self, Ask, Destination, Unasked};
use crate::ats::config::Settings;
use crate::ats::config::own::{Laid, Purpose, Theirs, Unlaid, lay, user};
use crate::ats::site::{ConfigFolder, ParentLine, SYSCONFDIR};
use crate::config::matrix::{LocalContent, LocalFile};
use crate::model::{OwnConfig, OwnPlan, OwnSeen};

/// Where the files are in the cell, so that absolute paths in them lead to each other.
pub const FOLDER: &str = SYSCONFDIR;

/// The files as they arrive, by path.
pub(super) type Delivered = BTreeMap<String, LocalFile>;

/// Permission bits that the user of the cell needs, and the one that ATS becomes: there are no others, and neither has a capability
/// to do without. Who owns a file on its host is not known here.
const OWN_FILE: u32 = 0o444;
const OWN_FOLDER: u32 = 0o755;

/// The configuration of the user's own in this cell.
pub(super) struct OwnFiles {
    plan: OwnPlan,
    files: BTreeMap<String, Vec<u8>>,
    folder: ConfigFolder,
    /// The text of `ssl_multicert.config`, with stand-ins.
    multicert: String,
    problems: Vec<String>,
    notes: Vec<String>,
    rules: OwnRules,
    passwd: String,
}

/// What is asked of the remap rules, and where they lead.
pub(super) struct OwnRules {
    pub(super) asks: Vec<Ask>,
    pub(super) unasked: Vec<Unasked>,
    pub(super) parents: Vec<Destination>,
    pub(super) parents_take_turns: bool,
    pub(super) addresses: Addresses,
}

impl OwnRules {
    fn of(folder: &ConfigFolder) -> Self {
        let ((asks, unasked), parents) = (asks::asks(folder), asks::parents(folder));
        let addresses = Addresses::of(&asks, &parents);
        let parents_take_turns = folder.parents.iter().any(ParentLine::takes_turns);
        Self { asks, unasked, parents, parents_take_turns, addresses }
    }
}

impl OwnFiles {
    /// Writes `files` into the folder `at` and reads what they say.
    pub(super) fn install(plan: OwnPlan, files: Delivered, at: &Path) -> anyhow::Result<Self> {
        write(&files, at)?;
        let mut readable = BTreeMap::new();
        let mut unreadable = BTreeMap::new();
        for (path, file) in files {
            match file.content {
                LocalContent::Bytes(bytes) => drop(readable.insert(path, bytes)),
                LocalContent::Unreadable(why) => drop(unreadable.insert(path, why)),
                LocalContent::Folder | LocalContent::Link(_) => {}
            }
        }
        let folder = ConfigFolder::read(&readable);
        let replaced = stand_in::replace(&folder, &readable, &unreadable, at)?;
        let mut own = Self {
            plan,
            multicert: replaced.multicert,
            notes: replaced.notes,
            problems: Vec::new(),
            rules: OwnRules::of(&folder),
            passwd: std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
            files: readable,
            folder,
        };
        for (path, why) in unreadable.iter().filter(|(path, _)| !replaced.unreadable.contains(*path)) {
            own.problems.push(format!("{path} could not be read where atsmatrix runs: {why}"));
        }
        let missing = own.missing_authority();
        own.problems.extend(missing);
        Ok(own)
    }

    /// Its remap rules.
    pub(super) fn rules(&self) -> &OwnRules {
        &self.rules
    }

    /// The path of its remap.config in the cell.
    pub(super) fn remap(&self) -> Option<String> {
        self.theirs("").remap()
    }

    fn theirs<'a>(&'a self, cache: &'a str) -> Theirs<'a> {
        Theirs { folder: &self.folder, files: &self.files, multicert: &self.multicert, cache, passwd: &self.passwd }
    }

    /// Whether an ATS of `dialect` becomes another user than the one that starts it.
    pub(super) fn becomes_user(&self, dialect: Dialect) -> bool {
        self.theirs("").user(dialect).is_some()
    }

    /// What is known once an ATS of `dialect` runs as the user with the number `id`.
    pub(super) fn seen_running(&self, dialect: Dialect, id: &str) -> OwnSeen {
        let mut seen = self.seen(dialect);
        let runs_as = user::name_of(id, &self.passwd);
        match self.theirs("").user(dialect) {
            Some(named) if named != runs_as && named.strip_prefix('#') != Some(id) => {
                seen.problems.push(format!("admin.user_id is {named}, and ATS runs as {runs_as}"));
            }
            Some(_) => seen.notes.insert(0, format!("running as {runs_as}")),
            None => {}
        }
        seen
    }

    /// The files of a life for `purpose`, whose cache is in `cache`.
    ///
    /// # Errors
    /// Nothing can be laid over a file of theirs, or this ATS lacks a setting.
    pub(super) fn lay(
        &self,
        dialect: Dialect,
        settings: &Settings,
        purpose: Purpose,
        cache: &str,
    ) -> Result<Laid, Unlaid> {
        lay(dialect, settings, &self.theirs(cache), purpose)
    }

    /// What results tell of it.
    pub(super) fn provenance(&self, dialect: Dialect, settings: &Settings) -> OwnConfig {
        let of = |purpose| self.lay(dialect, settings, purpose, "").map(|laid| laid.overlays).unwrap_or_default();
        let mut overlays = [of(Purpose::Own), of(Purpose::Trials)].concat();
        overlays.sort();
        overlays.dedup();
        let OwnPlan { digest, files } = self.plan.clone();
        OwnConfig { digest, files, overlays, notes: self.notes.clone() }
    }

    /// What is known without a start of an ATS of `dialect`.
    pub(super) fn seen(&self, dialect: Dialect) -> OwnSeen {
        let mut problems = self.problems.clone();
        let reads = dialect.records_file();
        let other = if dialect.has_records_yaml() { "records.config" } else { "records.yaml" };
        if !self.files.contains_key(reads) && self.files.contains_key(other) {
            problems.push(format!(
                "ATS {dialect} reads {reads} and this folder has only {other}: none of its settings hold"
            ));
        }
        OwnSeen { problems, notes: self.notes.clone(), rules: None }
    }

    /// The CA of theirs, which the cell replaces, so that ATS says nothing if it is missing.
    fn missing_authority(&self) -> Option<String> {
        let named = |name: &str| {
            let name = format!("proxy.config.ssl.client.CA.cert.{name}");
            let last = self.folder.records.iter().rev().find(|record| record.name == name);
            last.filter(|record| !matches!(record.value.as_str(), "" | "NULL"))
        };
        let file = named("filename")?;
        let directory = named("path").map_or(SYSCONFDIR, |record| record.value.as_str());
        let path = stand_in::absolute(directory, &file.value);
        (!stand_in::is_there(&path, &self.files)).then(|| {
            format!(
                "{} names the CA file {path}, which is not there: without it 9.2 answers 404 to every rule with https, and 8.1 \
                 ends",
                file.at
            )
        })
    }
}

/// Writes `files` into the folder `at`, which belongs to the user of the cell.
fn write(files: &Delivered, at: &Path) -> anyhow::Result<()> {
    // Folders come before what is in them, and get their own modes last.
    for (path, file) in files {
        let target = at.join(path);
        let failed = || format!("cannot write {}", target.display());
        match &file.content {
            LocalContent::Folder => std::fs::create_dir_all(&target).with_context(failed)?,
            LocalContent::Bytes(bytes) => {
                if let Some(folder) = target.parent() {
                    std::fs::create_dir_all(folder).with_context(failed)?;
                }
                std::fs::write(&target, bytes).with_context(failed)?;
            }
            LocalContent::Link(_) | LocalContent::Unreadable(_) => {}
        }
    }
    for (path, file) in files {
        let mode = match &file.content {
            LocalContent::Folder => file.mode | OWN_FOLDER,
            LocalContent::Bytes(_) => file.mode | OWN_FILE,
            LocalContent::Link(_) | LocalContent::Unreadable(_) => continue,
        };
        let target = at.join(path);
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode & 0o777))
            .with_context(|| format!("cannot set the mode of {}", target.display()))?;
    }
    Ok(())
}

/// Links everything of theirs below `at` into `sysconfdir` of a life, except for what `files` replace.
pub(super) fn link(at: &Path, sysconfdir: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(at).with_context(|| format!("cannot read {}", at.display()))?;
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let ours = |file: &String| *file == name || file.strip_prefix(&name).is_some_and(|rest| rest.starts_with('/'));
        if files.keys().any(ours) {
            continue;
        }
        let link = sysconfdir.join(&name);
        std::os::unix::fs::symlink(entry.path(), &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
