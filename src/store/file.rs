//! Files that are there whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces the file at `path` by `bytes` if they differ, so that a reader (or a crash of the
/// machine) finds the old or the new bytes and nothing between; tells whether they differed.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<bool> {
    if read(path)?.is_some_and(|old| old == bytes) {
        return Ok(false);
    }
    let dir = write_aside(path, bytes, File::sync_all)?;
    // The rename itself is only on disk once the directory is.
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.with_context(|| format!("cannot make {} durable", dir.display()))?;
    Ok(true)
}

/// Writes a file that is there whole or not at all; not forced to disk, as it could be had again.
pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    write_aside(path, bytes, |_| Ok(())).map(|_| ())
}

fn write_aside<'a>(path: &'a Path, bytes: &[u8], settle: fn(&File) -> std::io::Result<()>) -> Result<&'a Path> {
    // A bare name has an empty parent.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // The umask still applies: the file is to be committed, so it is not private.
        let mut aside = tempfile::Builder::new()
            .prefix(".")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(dir)?;
        aside.write_all(bytes)?;
        settle(aside.as_file())?;
        aside.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(dir)
}

/// The bytes of a file; `None` when there is none.
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
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something was left beside");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::create_dir_all(path.join("in the way")).unwrap();
        let error = put(&path, b"x").unwrap_err();
        assert!(error.to_string().starts_with("cannot write ") && error.to_string().ends_with("/a"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
