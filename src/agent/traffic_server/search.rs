//! Where the `traffic_server` of an image is: as its command says, on its PATH, or in a usual place.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::bail;
use regex::Regex;

use crate::ats::layout::USUAL_BINARIES;
use crate::words::escape::terminal;

/// The name of the program.
const NAME: &str = "traffic_server";

/// Bytes read of a script that the image starts.
const MAX_SCRIPT: u64 = 64 << 10;

/// Characters of a list of places in an error.
const MAX_LIST: usize = 300;

/// The program in this image, whose command is `command`.
///
/// # Errors
/// It was not found; the message says where was looked, and what states its path.
pub(super) fn binary(command: &[String]) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = on_path(&path);
    let places = of_command(command).into_iter().chain(on_path.clone()).chain(usual());
    if let Some(found) = places.into_iter().find(|path| path.is_file()) {
        return Ok(found);
    }
    let list = |paths: &[PathBuf]| {
        let folders: Vec<String> =
            paths.iter().filter_map(|it| it.parent()).map(|it| it.display().to_string()).collect();
        terminal(&folders.join(", "), MAX_LIST)
    };
    let command =
        if command.is_empty() { "none".to_owned() } else { format!("`{}`", terminal(&command.join(" "), MAX_LIST)) };
    bail!(
        "no traffic_server in this image: state its path as `binary` of the source in matrix.yaml (looked at its command, \
         {command}, on its PATH: {}, and in the usual places: {})",
        list(&on_path),
        terminal(&USUAL_BINARIES.join(", "), 2 * MAX_LIST)
    )
}

/// Paths that the command of the image names, itself or in a script that it starts.
fn of_command(command: &[String]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for word in command.iter().filter(|word| word.starts_with('/')) {
        let path = Path::new(word);
        if path.file_name() == Some(OsStr::new(NAME)) {
            found.push(path.to_owned());
        } else {
            found.extend(named_in(&script(path)));
        }
    }
    // `sh -c "exec /opt/x/bin/traffic_server"`, `/opt/x/bin/trafficserver start`.
    found.extend(named_in(&command.join("\n")));
    found
}

/// Paths of the program, or of one beside it, in a text.
fn named_in(text: &str) -> Vec<PathBuf> {
    static PATHS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:/[A-Za-z0-9._+-]+)+/(?:traffic_server|traffic_manager|trafficserver)\b").ok());
    let paths = PATHS.iter().flat_map(|pattern| pattern.find_iter(text));
    paths.map(|found| Path::new(found.as_str()).with_file_name(NAME)).collect()
}

/// The text of a script; empty if it is none.
fn script(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_SCRIPT).read_to_end(&mut bytes));
    if read.is_err() || !bytes.starts_with(b"#!") {
        return String::new();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The program in each folder of `path`.
fn on_path(path: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(NAME)).collect()
}

/// The usual places, with `*` replaced by existing directories.
pub(super) fn usual() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for pattern in USUAL_BINARIES {
        let Some((before, after)) = pattern.split_once('*') else {
            found.push(PathBuf::from(pattern));
            continue;
        };
        let entries = std::fs::read_dir(before).into_iter().flatten().flatten();
        let mut matching: Vec<PathBuf> =
            entries.map(|entry| entry.path().join(after.trim_start_matches('/'))).collect();
        matching.sort();
        found.extend(matching);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_an_image_says_where_its_ats_is() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("entrypoint");
        std::fs::write(&script, "#!/bin/sh\nset -e\nexec \"/srv/own-1.2/bin/traffic_manager\" \"$@\"\n").unwrap();
        let found = |words: &[&str]| of_command(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        let own = PathBuf::from("/srv/own-1.2/bin/traffic_server");
        assert_eq!(found(&[script.to_str().unwrap(), "start"]), std::slice::from_ref(&own));
        assert_eq!(found(&["/srv/own-1.2/bin/traffic_server", "-K"])[0], own);
        assert_eq!(found(&["sh", "-c", "exec /srv/own-1.2/bin/traffic_server --run-root"]), [own]);
        assert_eq!(found(&["/etc/passwd", "traffic_server", "sh"]), [] as [PathBuf; 0]);
        assert_eq!(
            on_path(OsStr::new("/a/bin:relative:/b")),
            ["/a/bin/traffic_server", "/b/traffic_server"].map(PathBuf::from)
        );
    }

    #[test]
    fn an_image_without_ats_is_told_where_was_looked_and_which_key_states_it() {
        let error = binary(&["/no/such/entrypoint".to_owned()]).unwrap_err().to_string();
        for text in ["`/no/such/entrypoint`", "/usr/bin", "/opt/*/bin/traffic_server", "`binary`"] {
            assert!(error.contains(text), "{text}: {error}");
        }
    }
}
