//! Starts `traffic_server` with parts of another image: its libraries before those of the system, its loader, its
//! configuration. Only the command line and environment of that one process change.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use super::program;
use crate::model::{SWAP_FOLDER, Swap};

/// The command that starts `binary` with `swap`. Its files are written into `folder`, one for each life of ATS: several
/// lives run at the same time, and each may load libraries until it ends.
pub(super) fn command(swap: &Swap, binary: &Path, folder: &Path) -> anyhow::Result<Command> {
    let libraries = folder.join("lib");
    std::fs::create_dir_all(&libraries).with_context(|| format!("cannot make {}", libraries.display()))?;
    for (soname, path) in &swap.libraries {
        let link = libraries.join(soname);
        std::os::unix::fs::symlink(path, &link).with_context(|| format!("cannot link {}", link.display()))?;
    }
    for (name, content) in &swap.files {
        let path = folder.join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut command = if let Some(loader) = &swap.loader {
        // The loader of that C library: the loader of the system would also load the C library of the system.
        let mut command = program::in_image(loader);
        command.args([OsString::from("--library-path"), libraries.into(), binary.into()]);
        command
    } else {
        let mut command = program::in_image(binary);
        if !swap.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    };
    // A missing symbol must fail the start, not a trial.
    command.env("LD_BIND_NOW", "1");
    for (name, value) in &swap.environment {
        match value {
            Some(value) => command.env(name, value.replace(SWAP_FOLDER, &folder.display().to_string())),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

/// The configuration `files` of a cell over those of `below`, the other image: in records.config the settings of `below`
/// come first, so that the cell's win; other files of `below` are used where the cell has none.
pub(super) fn layered(files: &BTreeMap<String, String>, below: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut layered = below.clone();
    for (name, text) in files {
        let text = match below.get(name) {
            Some(lower) if name == "records.config" => format!("{lower}\n{text}"),
            Some(_) | None => text.clone(),
        };
        layered.insert(name.clone(), text);
    }
    layered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_life_has_links_and_files_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = format!("{SWAP_FOLDER}/openssl.cnf");
        let swap = Swap {
            libraries: [("libx.so.1".to_owned(), "/layer/libx.so.1".to_owned())].into(),
            environment: [("OPENSSL_CONF".to_owned(), Some(path))].into(),
            files: [("openssl.cnf".to_owned(), "a = 1\n".to_owned())].into(),
            ..Swap::default()
        };
        let folders = ["ats-0", "ats-1"].map(|name| dir.path().join(name));
        for folder in &folders {
            let command = command(&swap, Path::new("/bin/ats"), folder).unwrap();
            let set = |wanted: &str| {
                let mut found = command.as_std().get_envs().filter(|(name, _)| *name == wanted);
                found.next().and_then(|(_, value)| value).map(|value| Path::new(value).to_owned())
            };
            assert_eq!(set("LD_LIBRARY_PATH"), Some(folder.join("lib")));
            assert_eq!(set("OPENSSL_CONF"), Some(folder.join("openssl.cnf")));
        }
        // The second life took no file from the first.
        for folder in &folders {
            assert_eq!(std::fs::read_link(folder.join("lib/libx.so.1")).unwrap(), Path::new("/layer/libx.so.1"));
            assert_eq!(std::fs::read_to_string(folder.join("openssl.cnf")).unwrap(), "a = 1\n");
        }
    }

    #[test]
    fn the_configuration_of_the_other_image_lies_below_that_of_the_cell() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let below = of(&[("records.config", "CONFIG a INT 1"), ("plugin.config", "x.so"), ("remap.config", "other")]);
        let own = of(&[("records.config", "CONFIG a INT 2"), ("remap.config", "own")]);
        let expected = of(&[
            ("records.config", "CONFIG a INT 1\nCONFIG a INT 2"),
            ("plugin.config", "x.so"),
            ("remap.config", "own"),
        ]);
        assert_eq!(layered(&own, &below), expected);
    }
}
