//! Reads the files with trials that matrix.yaml names.

use std::path::Path;

use globset::GlobBuilder;

use super::read_bounded;
use crate::config::matrix::{LocalError, TrialFile, shown};

/// The files that `pattern` matches, relative to `folder`, that of matrix.yaml, in the order of their names.
///
/// # Errors
/// None matches, or one is unreadable, too large or no text.
pub(super) fn trial_files(folder: &Path, pattern: &str) -> Result<Vec<TrialFile>, LocalError> {
    let wrong = |message: String, help: &str| LocalError::new("trial_files", message, help);
    let (under, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let glob = GlobBuilder::new(name).build().map_err(|error| wrong(error.to_string(), ""))?.compile_matcher();
    let failed = |path: &Path, error: std::io::Error| {
        let help = "paths are relative to the folder of matrix.yaml";
        wrong(format!("cannot read {}: {error}", shown(&path.display().to_string())), help)
    };
    let parent = folder.join(under);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&parent).map_err(|error| failed(&parent, error))? {
        let Ok(name) = entry.map_err(|error| failed(&parent, error))?.file_name().into_string() else { continue };
        if !glob.is_match(&name) {
            continue;
        }
        let path = parent.join(&name);
        let bytes = read_bounded(&path).map_err(|error| failed(&path, error))?;
        let not_text = |_| wrong(format!("{} is not UTF-8", shown(&path.display().to_string())), "write it as UTF-8");
        let text = String::from_utf8(bytes).map_err(not_text)?;
        let name = path.strip_prefix(".").unwrap_or(&path).display().to_string();
        files.push(TrialFile { name, text });
    }
    if files.is_empty() {
        return Err(wrong(format!("no file matches {}", shown(pattern)), "correct it, or remove it"));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_order_and_what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        std::fs::create_dir(folder.path().join("trials")).unwrap();
        put("trials/b.yaml", b"b");
        put("trials/a.yaml", b"a");
        put("trials/c.txt", b"c");
        put("binary.yaml", &[0xff]);
        std::fs::write(folder.path().join("large.yaml"), vec![b'#'; crate::config::matrix::MAX_BYTES + 1]).unwrap();
        let texts: Vec<String> =
            trial_files(folder.path(), "trials/*.yaml").unwrap().into_iter().map(|file| file.text).collect();
        assert_eq!(texts, ["a", "b"]);
        for (pattern, says) in [
            ("nowhere/*.yaml", "cannot read"),
            ("trials/x*.yaml", "no file matches"),
            ("binary.yaml", "is not UTF-8"),
            ("large.yaml", "larger than"),
        ] {
            let error = trial_files(folder.path(), pattern).unwrap_err();
            assert!(error.message.contains(says), "{pattern}: {error:?}");
        }
    }
}
