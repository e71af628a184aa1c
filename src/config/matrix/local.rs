//! The user's own files that matrix.yaml names: a Dockerfile with its context, package files, a configuration of ATS. The
//! caller reads them and this module says where matrix.yaml is wrong about them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::diagnostic::{Diagnostic, Path, quoted};
use super::digest::sha256_hex;
use super::source::{Ats, SourceKind};
use super::{Matrix, dockerfile};

/// A Dockerfile of your own. Paths are relative to the folder of matrix.yaml and stay in it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DockerfileEntry {
    /// Its path, for example `docker/Dockerfile`.
    pub(super) path: String,
    /// The build argument in its FROM, which gets the distro's base image.
    pub(super) base_arg: String,
    /// The folder that it is built in; default: its own.
    pub(super) context: Option<String>,
    /// The path of `traffic_server` in the image; default: detected.
    pub(super) binary: Option<String>,
}

/// Package files of your own, and only those that are to be installed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LocalPackagesEntry {
    /// Their paths relative to the folder of matrix.yaml; file names may be patterns.
    #[schemars(length(min = 1))]
    pub(super) files: Vec<String>,
    /// The path of `traffic_server` that they install; default: detected.
    pub(super) binary: Option<String>,
}

/// Files of the user's own as the context of a build, by path within it.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalFiles {
    entries: BTreeMap<String, LocalFile>,
    digest: String,
}

/// One of them.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Its permission bits.
    pub mode: u32,
    /// What it is.
    pub content: LocalContent,
}

/// What a file is.
#[derive(Clone, PartialEq, Eq)]
pub enum LocalContent {
    /// A regular file with these bytes.
    Bytes(Vec<u8>),
    /// A symbolic link to this path.
    Link(String),
    /// A folder.
    Folder,
    /// A file that cannot be read; the reason. Only a configuration of the user's own may have such files.
    Unreadable(String),
}

// Contents may be secret, so nothing that shows a file shows them.
impl fmt::Debug for LocalFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match &self.content {
            LocalContent::Bytes(bytes) => format!("{} bytes", bytes.len()),
            LocalContent::Link(target) => format!("link to {target:?}"),
            LocalContent::Folder => "folder".to_owned(),
            LocalContent::Unreadable(why) => format!("unreadable: {why}"),
        };
        f.debug_struct("LocalFile").field("mode", &format_args!("{:o}", self.mode)).field("content", &content).finish()
    }
}

impl LocalFiles {
    /// Files by path within the context.
    pub fn new(entries: BTreeMap<String, LocalFile>) -> Self {
        let mut text = String::new();
        for (path, LocalFile { mode, content }) in &entries {
            let what = match content {
                LocalContent::Bytes(bytes) => format!("file {}", sha256_hex(bytes)),
                LocalContent::Link(target) => format!("link {target:?}"),
                LocalContent::Folder => "folder".to_owned(),
                LocalContent::Unreadable(why) => format!("unreadable {why:?}"),
            };
            // Quoted, so that no path can look like another line.
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{path:?} {mode:o} {what}");
        }
        Self { digest: sha256_hex(text.as_bytes()), entries }
    }

    /// The files, by path.
    pub fn entries(&self) -> &BTreeMap<String, LocalFile> {
        &self.entries
    }

    /// The number of files, without folders.
    pub fn count(&self) -> usize {
        self.entries.values().filter(|file| file.content != LocalContent::Folder).count()
    }

    /// SHA-256 over the paths, modes and bytes of all, lower-case hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The text of the file `path`; empty if it is none.
    pub fn text(&self, path: &str) -> String {
        match self.entries.get(path).map(|file| &file.content) {
            Some(LocalContent::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(LocalContent::Link(_) | LocalContent::Folder | LocalContent::Unreadable(_)) | None => String::new(),
        }
    }
}

impl fmt::Debug for LocalFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalFiles").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// Files that a source needs. Paths are relative to the folder of matrix.yaml; that folder itself is the empty path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocalNeed {
    /// A Dockerfile and its context.
    Dockerfile {
        /// The Dockerfile.
        path: String,
        /// The folder of the context.
        context: String,
    },
    /// Files by these patterns, with wildcards in their names only.
    Packages(Vec<String>),
    /// A folder with a configuration of ATS.
    Config(String),
}

/// Why the files of a source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalError {
    /// The key of the source's entry that is wrong.
    pub key: &'static str,
    /// Which value of that key, if that is a list.
    pub index: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// How to fix it; may be empty.
    pub help: String,
}

impl LocalError {
    /// An error about the value at `key`.
    pub fn new(key: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key, index: None, message: message.into(), help: help.into() }
    }

    /// The same about one value of a list.
    #[must_use]
    pub fn at(self, index: usize) -> Self {
        Self { index: Some(index), ..self }
    }
}

impl Ats {
    /// Each configuration that it or a source of it has, with its position in the entry of the ATS at `column`.
    fn configs(&self, column: &Path) -> Vec<(Path, &String)> {
        let sources = self.sources.iter().enumerate();
        let of_sources = sources.filter_map(|(i, source)| {
            let path = column.key("sources").index(i).key("config");
            source.config.as_ref().map(|folder| (path, folder))
        });
        self.config.iter().map(|folder| (column.key("config"), folder)).chain(of_sources).collect()
    }
}

/// Where the Dockerfile at `path` is within the context `context`. One outside of it is added under a name of its own.
pub fn name_in_context(path: &str, context: &str) -> String {
    let inside = match context {
        "" => Some(path),
        context => path.strip_prefix(context).and_then(|rest| rest.strip_prefix('/')),
    };
    inside.unwrap_or(".atsmatrix.Dockerfile").to_owned()
}

impl Matrix {
    /// Reads the user's own files that the sources name, each once, by `read`.
    ///
    /// # Errors
    /// All that cannot be used, with their positions.
    pub fn with_local_files(
        mut self,
        mut read: impl FnMut(&LocalNeed) -> Result<LocalFiles, LocalError>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut local = BTreeMap::new();
        for ats in &self.ats {
            let column = Path::default().key("ats").key(ats.id.as_str());
            for (path, folder) in ats.configs(&column) {
                let need = LocalNeed::Config(folder.clone());
                if local.contains_key(&need) {
                    continue;
                }
                match read(&need) {
                    Ok(files) => drop(local.insert(need, Arc::new(files))),
                    Err(LocalError { message, help, .. }) => found.push(self.diagnostic(&path, message, help)),
                }
            }
            let sources = column.key("sources");
            for (i, source) in ats.sources.iter().enumerate() {
                let Some(need) = source.kind.local_need() else { continue };
                let read = match local.get(&need) {
                    Some(files) => Ok(Arc::clone(files)),
                    None => read(&need).map(Arc::new),
                };
                let checked = read.and_then(|files| {
                    if let SourceKind::Dockerfile(it) = &source.kind {
                        let text = files.text(&name_in_context(&it.path, &it.context));
                        dockerfile::check_base(&text, &it.path, &it.base_arg)?;
                    }
                    Ok(files)
                });
                match checked {
                    Ok(files) => drop(local.insert(need, files)),
                    Err(LocalError { key, index, message, help }) => {
                        let path = sources.index(i).key(source.kind.key()).key(key);
                        let path = index.map_or(path.clone(), |index| path.index(index));
                        found.push(self.diagnostic(&path, message, help));
                    }
                }
            }
        }
        self.local = local;
        if found.is_empty() { Ok(self) } else { Err(super::in_order(found)) }
    }

    /// The configuration of the user's own in `folder`, once it has been read.
    pub fn config_files(&self, folder: &str) -> Option<&Arc<LocalFiles>> {
        self.local.get(&LocalNeed::Config(folder.to_owned()))
    }

    /// The user's own files of a source, once they have been read.
    pub fn local_files(&self, kind: &SourceKind) -> Option<&Arc<LocalFiles>> {
        self.local.get(&kind.local_need()?)
    }
}

/// A path for messages.
pub fn shown(path: &str) -> String {
    quoted(if path.is_empty() { "." } else { path })
}
