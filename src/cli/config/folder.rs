//! Reads a configuration folder. Links are followed wherever they lead: what matters is what ATS would find there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::ats::site::MAX_FILE_BYTES;
use crate::decide::config_check::FileState;
use crate::exit::{Exit, Failure};

/// Most files; more are no configuration folder but a mistake.
const MAX_FILES: usize = 20_000;
/// Most bytes in all.
const MAX_BYTES: usize = 256 << 20;
/// Most levels.
const MAX_DEPTH: usize = 16;

/// What the folder has.
#[derive(Debug, Default)]
pub(super) struct ReadFolder {
    /// Contents by path; of a file that cannot be read, nothing.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What the file system says of them.
    pub(super) states: BTreeMap<String, FileState>,
    /// Folders that are open, by device and number: a link may lead back.
    open: BTreeSet<(u64, u64)>,
    bytes: usize,
}

impl ReadFolder {
    /// Reads the folder `path`.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::new(Exit::Usage, format!("{}: {message}", path.display()));
        let mut read = Self::default();
        let is_folder =
            fs::metadata(path).map_err(|error| wrong(format!("{error}; name the folder with the configuration")))?;
        if !is_folder.is_dir() {
            return Err(wrong("it is not a folder; name the one that has records.config".to_owned()));
        }
        read.folder(path, "", 0).map_err(|error| wrong(error.to_string()))?;
        if read.files.is_empty() {
            return Err(wrong("the folder has no files".to_owned()));
        }
        Ok(read)
    }

    fn folder(&mut self, path: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        let meta = fs::metadata(path)?;
        let id = (meta.dev(), meta.ino());
        if depth > MAX_DEPTH || !self.open.insert(id) {
            return Ok(());
        }
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // A link that leads nowhere is a file that is missing.
            let Ok(meta) = fs::metadata(entry.path()) else { continue };
            if meta.is_dir() {
                match self.folder(&entry.path(), &format!("{name}/"), depth + 1) {
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        let state = FileState { mode: meta.permissions().mode(), readable: false };
                        self.states.insert(format!("{name}/"), state);
                    }
                    other => other?,
                }
            } else if meta.is_file() {
                self.file(&entry.path(), name, &meta)?;
            }
        }
        self.open.remove(&id);
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String, meta: &fs::Metadata) -> io::Result<()> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
        self.bytes += bytes.len();
        if self.files.len() >= MAX_FILES || self.bytes > MAX_BYTES {
            return Err(io::Error::other(format!(
                "it has more than {MAX_FILES} files or {} MiB; name the configuration folder itself",
                MAX_BYTES >> 20
            )));
        }
        self.states.insert(name.clone(), FileState { mode: meta.permissions().mode(), readable: read.is_ok() });
        self.files.insert(name, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_links_and_modes_are_read_and_loops_end() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("ssl")).unwrap();
        fs::write(at("ssl/a.key"), "key").unwrap();
        fs::set_permissions(at("ssl/a.key"), fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("ssl/a.key", at("link.key")).unwrap();
        std::os::unix::fs::symlink(dir.path(), at("ssl/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        let read = ReadFolder::of(dir.path()).unwrap();
        assert_eq!(read.files.keys().collect::<Vec<_>>(), ["link.key", "ssl/a.key"]);
        assert_eq!(read.states["ssl/a.key"].mode & 0o777, 0o640);
    }

    #[test]
    fn what_is_no_configuration_folder_is_a_usage_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        for name in ["missing", "file", "empty"] {
            assert_eq!(ReadFolder::of(&dir.path().join(name)).unwrap_err().exit, Exit::Usage, "{name}");
        }
    }
}
