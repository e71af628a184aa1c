//! Files that are written completely or not at all.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces the file at `path` by `bytes` if they differ; returns whether they did. A reader (also after a crash of
/// the machine) finds either the old or the new bytes.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<bool> {
    if read(path)?.is_some_and(|old| old == bytes) {
        return Ok(false);
    }
    let dir = write_atomically(path, bytes, File::sync_all)?;
    // The rename is only durable once the directory is synced.
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.with_context(|| format!("cannot sync {}", dir.display()))?;
    Ok(true)
}

/// Writes a file completely or not at all. It is not synced to disk, because it can be made again.
pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically(path, bytes, |_| Ok(())).map(|_| ())
}

/// Writes a temporary file, syncs it by `sync` and renames it to `path`; returns the directory.
fn write_atomically<'a>(path: &'a Path, bytes: &[u8], sync: fn(&File) -> std::io::Result<()>) -> Result<&'a Path> {
    // A bare name has an empty parent.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // The umask still applies. The file will be committed, so it is not private.
        let mut temporary = tempfile::Builder::new()
            .prefix(".")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(dir)?;
        temporary.write_all(bytes)?;
        sync(temporary.as_file())?;
        temporary.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(dir)
}

/// The bytes of a file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_not_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert!(replace(&path, b"one").unwrap());
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!replace(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        assert!(replace(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a temporary file was left");
    }

    #[test]
    fn a_failed_replacement_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::create_dir_all(path.join("in the way")).unwrap();
        let error = put(&path, b"x").unwrap_err();
        assert!(error.to_string().starts_with("cannot write ") && error.to_string().ends_with("/a"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
