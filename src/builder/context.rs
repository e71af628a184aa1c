//! Build contexts: the images folder as a tar, with the same bytes for the same files.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, ensure};
use bytes::Bytes;

use super::local;
use crate::config::matrix::{LocalContent, LocalFile, LocalFiles};
use crate::config::plan::LocalRecipe;
use crate::engine::{BuildSpec, Labels};

/// Largest images folder, bytes. It holds scripts; more than this is a mistake.
const MAX_BYTES: u64 = 8 << 20;

/// The recipes at the time this program was built, by path.
const SHIPPED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// The recipes by their path within the images folder: those built into this program, overridden file by
/// file by those of `folder`, if it exists.
///
/// # Errors
/// If the folder cannot be read or is far too large for recipes.
pub fn recipes(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found: BTreeMap<String, Vec<u8>> =
        SHIPPED.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
    if matches!(folder.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
        return Ok(found);
    }
    let mut left = MAX_BYTES;
    read(folder, "", &mut found, &mut left)
        .with_context(|| format!("cannot read the recipes in {}", folder.display()))?;
    Ok(found)
}

fn read(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>, left: &mut u64) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{name}/"), found, left)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {name}"))?;
            *left = left.saturating_sub(bytes.len() as u64);
            ensure!(*left > 0, "it holds more than {} MiB: is it the folder of recipes?", MAX_BYTES >> 20);
            found.insert(name, bytes);
        }
    }
    Ok(())
}

/// `files` as an uncompressed tar with fixed times and owners: the engine's build cache needs equal bytes
/// for equal files.
pub(super) fn tar(files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        append_bytes(&mut archive, name, if name == super::agent::BINARY { 0o755 } else { 0o644 }, bytes)?;
    }
    Ok(archive.into_inner()?.into())
}

/// The context of a build from the user's own files, as a tar like that of [`tar`].
pub(super) fn local_tar(
    recipe: &LocalRecipe,
    files: &LocalFiles,
    recipes: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    if *recipe == LocalRecipe::Packages {
        for (name, bytes) in recipes {
            append_bytes(&mut archive, name, 0o644, bytes)?;
        }
        append(&mut archive, local::PACKAGES, &LocalFile { mode: 0o755, content: LocalContent::Folder })?;
    }
    // Folders come before what they hold.
    for (name, file) in files.entries() {
        append(&mut archive, name, file)?;
    }
    Ok(archive.into_inner()?.into())
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, file: &LocalFile) -> anyhow::Result<()> {
    let mut header = header(file.mode);
    let appended = match &file.content {
        LocalContent::Bytes(bytes) => return append_bytes(archive, name, file.mode, bytes),
        LocalContent::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            archive.append_link(&mut header, name, target)
        }
        // No build has such a file.
        LocalContent::Unreadable(_) => return Ok(()),
        LocalContent::Folder => {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, format!("{name}/"), std::io::empty())
        }
    };
    appended.with_context(|| format!("cannot pack {name}"))
}

fn append_bytes(archive: &mut tar::Builder<Vec<u8>>, name: &str, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    let mut header = header(mode);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, name, bytes).with_context(|| format!("cannot pack {name}"))
}

/// The header of an entry without content and with a fixed time.
fn header(mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_size(0);
    header
}

/// The build of an empty image with labels.
pub(super) fn empty_image(tag: &str, labels: Labels) -> anyhow::Result<BuildSpec> {
    let containerfile = "FROM scratch\nCMD [\"/nothing\"]\n";
    let files = BTreeMap::from([("Containerfile".to_owned(), containerfile.as_bytes().to_vec())]);
    let context = tar(&files)?;
    let containerfile = "Containerfile".to_owned();
    Ok(BuildSpec { context, containerfile, tag: tag.to_owned(), labels, ..BuildSpec::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_give_equal_bytes() {
        let files = BTreeMap::from([("b".to_owned(), b"2".to_vec()), ("a/c".to_owned(), b"1".to_vec())]);
        assert_eq!(tar(&files).unwrap(), tar(&files.clone()).unwrap());
    }

    #[test]
    fn the_program_contains_the_shipped_recipes_byte_for_byte() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
        let (mut read_here, mut left) = (BTreeMap::new(), MAX_BYTES);
        read(&folder, "", &mut read_here, &mut left).unwrap();
        assert!(read_here.contains_key("agent/Containerfile"));
        assert_eq!(recipes(Path::new("/nowhere/images")).unwrap(), read_here, "otherwise tags would differ");
        assert_eq!(recipes(&folder).unwrap(), read_here);
    }

    #[test]
    fn a_folder_beside_the_matrix_overrides_file_by_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("debian")).unwrap();
        std::fs::write(dir.path().join("debian/package.sh"), "mine").unwrap();
        let found = recipes(dir.path()).unwrap();
        assert_eq!(found["debian/package.sh"], b"mine");
        assert!(found.contains_key("debian/Containerfile") && found.contains_key("agent/Containerfile"));
        let file = dir.path().join("debian/package.sh");
        let error = format!("{:#}", recipes(&file).unwrap_err());
        assert!(error.contains(&file.display().to_string()), "{error}");
    }
}
