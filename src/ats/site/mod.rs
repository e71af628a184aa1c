//! A user's own configuration folder of ATS as data: every setting, rule, plugin and certificate with its file and
//! line.
//!
//! Pure: it is given the files and opens none. It reads what the readers of ATS 8.1, 9 and 10 read, and says what
//! these would not understand ([`FolderFault`]); what a version makes of it is `decide::config_check`'s question.

mod labels;
mod lines;
mod plugins;
mod records;
mod remap;
mod sni;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

pub use labels::{CertificateLine, ParentLine, StorageLine};
pub use plugins::{PluginLine, PluginUse};
pub use records::RecordLine;
pub use remap::{IncludeLine, Rule, RuleKind, RuleUrl};
pub use sni::{NameKey, ServerName};

/// Where ATS of a package keeps these files; absolute paths below it are in the folder.
pub const SYSCONFDIR: &str = "/etc/trafficserver";

/// The largest file that is read, bytes. What lies behind is a [`FolderFault`].
pub const MAX_FILE_BYTES: usize = 32 << 20;

/// A line of a file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FileLine {
    /// The file, relative to the folder, for example `remap/images.config`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl FileLine {
    /// Line `line` of `file`.
    pub fn new(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line }
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something that no version of ATS understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderFault {
    /// Where.
    pub at: FileLine,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Whether ATS refuses the whole file for it, or else goes on without the line.
    pub refused: bool,
}

/// What the files of a folder say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFolder {
    /// Settings of records.config and records.yaml, in order. Which of the two files an ATS reads depends on its version.
    pub records: Vec<RecordLine>,
    /// Rules of remap.config and what it includes, in the order in which ATS reads them.
    pub rules: Vec<Rule>,
    /// `.include` lines of remap.config.
    pub includes: Vec<IncludeLine>,
    /// Lines of parent.config.
    pub parents: Vec<ParentLine>,
    /// Entries of sni.yaml, and of `ssl_server_name.yaml`, its name in 8.1.
    pub names: Vec<ServerName>,
    /// Lines of `ssl_multicert.config`.
    pub certificates: Vec<CertificateLine>,
    /// Lines of plugin.config.
    pub plugins: Vec<PluginLine>,
    /// Lines of storage.config.
    pub storage: Vec<StorageLine>,
    /// What could not be understood, by file and line.
    pub faults: Vec<FolderFault>,
    /// Every file of the folder.
    pub files: BTreeSet<String>,
}

/// Names of files that a setting can change, with that setting.
const NAMED_FILES: &[(&str, &str)] = &[
    ("remap.config", "proxy.config.url_remap.filename"),
    ("parent.config", "proxy.config.http.parent_proxy.file"),
    ("ssl_multicert.config", "proxy.config.ssl.server.multicert.filename"),
    ("sni.yaml", "proxy.config.ssl.servername.filename"),
    ("storage.config", "proxy.config.cache.storage_filename"),
];

/// What the parts of the reading share.
struct Reading<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    folder: ConfigFolder,
}

impl ConfigFolder {
    /// Reads a folder. `files` has its files by their paths relative to it, with `/`.
    pub fn read(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let folder = Self { files: files.keys().cloned().collect(), ..Self::default() };
        let mut reading = Reading { files, folder };
        records::read_config(&mut reading, "records.config");
        records::read_yaml(&mut reading, "records.yaml");
        let [remap, parent, multicert, names, storage] = reading.names();
        remap::read(&mut reading, &remap);
        labels::read_parents(&mut reading, &parent);
        labels::read_certificates(&mut reading, &multicert);
        labels::read_storage(&mut reading, &storage);
        for file in BTreeSet::from([names.as_str(), "sni.yaml", "ssl_server_name.yaml"]) {
            sni::read(&mut reading, file);
        }
        plugins::read(&mut reading, "plugin.config");
        let mut folder = reading.folder;
        folder.faults.sort_by(|one, other| one.at.cmp(&other.at));
        folder
    }

    /// The last value of the setting `name` in a file; ATS takes the last.
    pub fn record(&self, file: &str, name: &str) -> Option<&RecordLine> {
        self.records.iter().rev().find(|record| record.at.file == file && record.name == name)
    }

    /// The name of the file that ATS reads as `usual`: a setting may name another.
    pub fn file_name(&self, usual: &str) -> String {
        let setting = NAMED_FILES.iter().find(|(name, _)| *name == usual).map(|(_, setting)| *setting);
        let own = setting.and_then(|setting| self.records.iter().rev().find(|record| record.name == setting));
        let own = own.and_then(|record| inside(&record.value)).filter(|name| !name.is_empty());
        own.unwrap_or_else(|| usual.to_owned())
    }

    /// The files of the folder directly in its directory `directory`, as a directory is included.
    pub fn in_directory<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a str> {
        let below = move |path: &'a String| {
            let rest = path.strip_prefix(directory)?;
            let name = if directory.is_empty() { rest } else { rest.strip_prefix('/')? };
            (!name.contains('/') && !name.starts_with('.')).then_some(path.as_str())
        };
        self.files.iter().filter_map(below)
    }
}

impl Reading<'_> {
    fn names(&self) -> [String; 5] {
        ["remap.config", "parent.config", "ssl_multicert.config", "sni.yaml", "storage.config"]
            .map(|usual| self.folder.file_name(usual))
    }

    /// The text of a file; bytes that are no UTF-8 are replaced, and reported for YAML, which ATS would not read.
    fn text(&mut self, file: &str) -> Option<String> {
        let bytes = self.files.get(file)?;
        let cut = &bytes[..bytes.len().min(MAX_FILE_BYTES)];
        if cut.len() < bytes.len() {
            let message = format!("the file has {} bytes; what lies behind {MAX_FILE_BYTES} is not read", bytes.len());
            self.fault(FileLine::new(file, 1), message, "is it a configuration file?", false);
        }
        Some(String::from_utf8_lossy(cut).into_owned())
    }

    fn fault(&mut self, at: FileLine, message: impl Into<String>, help: impl Into<String>, refused: bool) {
        self.folder.faults.push(FolderFault { at, message: message.into(), help: help.into(), refused });
    }
}

/// The path within the folder that a path in a configuration file means: relative, or absolute below [`SYSCONFDIR`].
/// `None`: it leads elsewhere.
pub fn inside(path: &str) -> Option<String> {
    let relative = match path.strip_prefix(SYSCONFDIR) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        Some(_) => return None,
        None if path.starts_with('/') => return None,
        None => path,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in relative.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}
