//! Starts `traffic_server` with parts of another image: libraries before the system's, another loader,
//! other configuration. Everything goes into that one process's command line and environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use crate::model::{SWAP_FOLDER, Swap};

/// The command that starts `binary` under `swap`. What it needs in the scratch space is written anew.
pub(super) fn command(swap: &Swap, binary: &Path) -> anyhow::Result<Command> {
    let folder = Path::new(SWAP_FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot clear {SWAP_FOLDER}"))?;
    }
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
        // This C library's own loader: the system's would load the system's beside it.
        let mut command = Command::new(loader);
        command.args([OsString::from("--library-path"), libraries.into(), binary.into()]);
        command
    } else {
        let mut command = Command::new(binary);
        if !swap.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    };
    // A symbol that is missing shall be missing at the start, not in the middle of a trial.
    command.env("LD_BIND_NOW", "1");
    for (name, value) in &swap.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

/// The files of an ATS configuration with those of `below` under them: settings of `below` come
/// first, so that ours win, and its other files are used where we have none.
pub(super) fn layered(files: &BTreeMap<String, String>, below: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut layered = below.clone();
    for (name, ours) in files {
        let text = match below.get(name) {
            Some(theirs) if name == "records.config" => format!("{theirs}\n{ours}"),
            _ => ours.clone(),
        };
        layered.insert(name.clone(), text);
    }
    layered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_lies_below_the_cells_own() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let below = of(&[("records.config", "CONFIG a INT 1"), ("plugin.config", "x.so"), ("remap.config", "theirs")]);
        let ours = of(&[("records.config", "CONFIG a INT 2"), ("remap.config", "ours")]);
        let expected = of(&[
            ("records.config", "CONFIG a INT 1\nCONFIG a INT 2"),
            ("plugin.config", "x.so"),
            ("remap.config", "ours"),
        ]);
        assert_eq!(layered(&ours, &below), expected);
    }
}
