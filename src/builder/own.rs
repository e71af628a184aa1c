//! Reads a configuration of the user's own: the files that an ATS of theirs has in /etc/trafficserver.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::matrix::{LocalContent, LocalError, LocalFile, LocalFiles, shown};

/// Most bytes of its files: a cell holds them in memory.
const MAX_BYTES: u64 = 64 << 20;

/// Most files and folders.
const MAX_FILES: usize = 20_000;

/// Most folders within each other.
const MAX_DEPTH: usize = 32;

/// The files of the configuration in the folder `path`, which is relative to `folder`. What symbolic links within it lead to
/// is read in their place. A file that may not be read is kept as such: a key that only the owner of the host may read must
/// not keep the rest from being tried.
///
/// # Errors
/// It is no folder, it is too large, or a link leads out of it.
pub(super) fn config(folder: &Path, path: &str) -> Result<LocalFiles, LocalError> {
    let wrong = |message: String, help: &str| LocalError::new("config", message, help);
    let root = fs::canonicalize(folder.join(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            wrong(format!("{} does not exist", shown(path)), "paths are relative to the folder of matrix.yaml")
        }
        _ => wrong(format!("cannot read {}: {error}", shown(path)), ""),
    })?;
    if !root.is_dir() {
        return Err(wrong(
            format!("{} is not a folder", shown(path)),
            "name the folder that holds records.config, like a copy of /etc/trafficserver",
        ));
    }
    let mut found = ConfigFiles { root: root.clone(), entries: BTreeMap::new(), left: MAX_BYTES };
    found.folder(&root, "", 0).map_err(|(message, help)| wrong(message, help))?;
    if found.entries.is_empty() {
        return Err(wrong(format!("the folder {} is empty", shown(path)), "copy /etc/trafficserver into it"));
    }
    Ok(LocalFiles::new(found.entries))
}

/// Why a folder cannot be used, and what to do.
type Wrong = (String, &'static str);

/// What was found so far.
struct ConfigFiles {
    root: PathBuf,
    entries: BTreeMap<String, LocalFile>,
    left: u64,
}

impl ConfigFiles {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Wrong> {
        if depth > MAX_DEPTH {
            return Err((
                format!("{} lies more than {MAX_DEPTH} folders deep", shown(prefix)),
                "does a link go in circles?",
            ));
        }
        let unreadable = |error: io::Error| (format!("cannot read the folder {}: {error}", shown(prefix)), "");
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                let name = entry.file_name();
                return Err((format!("{} is no UTF-8", Path::new(&name).display()), "rename it, or leave it out"));
            };
            self.entry(&entry.path(), format!("{prefix}{name}"), depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, at: &Path, path: String, depth: usize) -> Result<(), Wrong> {
        if self.entries.len() >= MAX_FILES {
            return Err((format!("the folder holds more than {MAX_FILES} files"), "name a smaller one"));
        }
        let named = |error: &io::Error| (format!("cannot read {}: {error}", shown(&path)), "");
        let link = fs::symlink_metadata(at).map_err(|error| named(&error))?.is_symlink();
        let real = match fs::canonicalize(at) {
            Ok(real) => real,
            // A link to nothing is as missing as it is on the host.
            Err(error) if link && error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(named(&error)),
        };
        if !real.starts_with(&self.root) {
            let target = fs::read_link(at).unwrap_or(real).display().to_string();
            return Err((
                format!("{} is a link to {}, outside of the folder", shown(&path), shown(&target)),
                "copy what it leads to into the folder in its place (`cp -rL` does for all links)",
            ));
        }
        let meta = fs::metadata(&real).map_err(|error| named(&error))?;
        let mode = meta.permissions().mode() & 0o777;
        let content = if meta.is_dir() {
            self.folder(&real, &format!("{path}/"), depth + 1)?;
            LocalContent::Folder
        } else if meta.is_file() {
            let too_large = || {
                let message = format!("the folder holds more than {} MiB", MAX_BYTES >> 20);
                (message, "leave out what ATS does not read")
            };
            self.left = self.left.checked_sub(meta.len()).ok_or_else(too_large)?;
            match fs::read(&real) {
                Ok(bytes) => LocalContent::Bytes(bytes),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    LocalContent::Unreadable("permission denied".to_owned())
                }
                Err(error) => return Err(named(&error)),
            }
        } else {
            // ATS reads no sockets or pipes as its configuration.
            return Ok(());
        };
        self.entries.insert(path, LocalFile { mode, content });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_within_the_folder_are_followed_and_others_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("edge");
        fs::create_dir_all(root.join("ssl")).unwrap();
        fs::write(root.join("ssl/www.key"), "key").unwrap();
        fs::set_permissions(root.join("ssl/www.key"), fs::Permissions::from_mode(0o400)).unwrap();
        std::os::unix::fs::symlink("ssl/www.key", root.join("current.key")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        let found = config(dir.path(), "edge").unwrap();
        assert_eq!(found.entries().keys().collect::<Vec<_>>(), ["current.key", "ssl", "ssl/www.key"]);
        let key = LocalFile { mode: 0o400, content: LocalContent::Bytes(b"key".to_vec()) };
        assert_eq!(found.entries()["current.key"], key);

        std::os::unix::fs::symlink("/etc/passwd", root.join("out")).unwrap();
        let error = config(dir.path(), "edge").unwrap_err();
        assert_eq!(error.message, "`out` is a link to `/etc/passwd`, outside of the folder");
        fs::remove_file(root.join("out")).unwrap();
        std::os::unix::fs::symlink(".", root.join("circle")).unwrap();
        assert!(config(dir.path(), "edge").unwrap_err().message.contains("folders deep"));
    }

    #[test]
    fn what_is_no_folder_or_too_large_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |path: &str| config(dir.path(), path).unwrap_err().message;
        assert_eq!(refused("edge"), "`edge` does not exist");
        fs::write(dir.path().join("edge"), "").unwrap();
        assert_eq!(refused("edge"), "`edge` is not a folder");
        fs::create_dir(dir.path().join("big")).unwrap();
        assert_eq!(refused("big"), "the folder `big` is empty");
        fs::File::create(dir.path().join("big/x")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert_eq!(refused("big"), "the folder holds more than 64 MiB");
    }
}
