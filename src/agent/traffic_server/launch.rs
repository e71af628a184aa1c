//! The command that starts ATS, and the files that it starts with.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use super::Installation;
use crate::agent::{own, program, swap};
use crate::ats::layout::PrivateRoot;
use crate::model::Swap;

/// How ATS is started.
pub(in crate::agent) struct Launch<'a> {
    /// Its configuration files by name.
    pub(in crate::agent) files: &'a BTreeMap<String, String>,
    /// The folder with a configuration of the user's own, whose other files ATS has too.
    pub(in crate::agent) own: Option<&'a Path>,
    /// It becomes another user, who must be able to write where ATS does.
    pub(in crate::agent) becomes_user: bool,
    /// Without the openssl.cnf of the distro.
    pub(in crate::agent) bare_openssl: bool,
    /// It opens its ports only when its cache is ready, which no line of its output says in every version.
    pub(in crate::agent) opens_late: bool,
    /// The program that starts it.
    pub(in crate::agent) by: LaunchedBy<'a>,
}

/// What starts `traffic_server`.
#[derive(Debug, Clone, Copy)]
pub(in crate::agent) enum LaunchedBy<'a> {
    /// It is started directly.
    Itself,
    /// Directly, with parts of another image.
    Swap(&'a Swap),
    /// `traffic_manager`: ATS 8 and 9 can reload only under it.
    Manager,
}

impl Launch<'_> {
    /// Writes the files below `root`. Returns the directories, and the command that starts ATS in them.
    pub(super) fn prepare(&self, installation: &Installation, root: &Path) -> anyhow::Result<(PrivateRoot, Command)> {
        let (private_root, mut command) = match self.by {
            LaunchedBy::Swap(swap) => {
                let files = swap::layered(self.files, &swap.config);
                let private_root = write_root(installation, root, &files, self.own)?;
                (private_root, swap::command(swap, &installation.binary, &root.join("swap"))?)
            }
            LaunchedBy::Itself => {
                (write_root(installation, root, self.files, self.own)?, program::in_image(&installation.binary))
            }
            LaunchedBy::Manager => {
                let manager = installation.program("traffic_manager");
                (write_root(installation, root, self.files, self.own)?, program::in_image(manager))
            }
        };
        // ATS prefers these to its configuration, and an image may set some (`ENV PROXY_CONFIG_...`).
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PROXY_CONFIG_")) {
            command.env_remove(name);
        }
        if self.becomes_user {
            open_to_all(&private_root, root)?;
        }
        if self.bare_openssl {
            command.env("OPENSSL_CONF", "/dev/null");
        }
        Ok((private_root, command))
    }
}

/// Lets every user of the container write in the directories of an ATS below `root`, and reach them.
fn open_to_all(private_root: &PrivateRoot, root: &Path) -> anyhow::Result<()> {
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .with_context(|| format!("cannot set the mode of {}", path.display()))
    };
    for folder in private_root.directories() {
        open(Path::new(folder), 0o777)?;
    }
    open(root, 0o777)?;
    root.parent().map_or(Ok(()), |above| open(above, 0o711))
}

/// Writes the directories and `files` of an ATS below `root`.
fn write_root(
    installation: &Installation,
    root: &Path,
    files: &BTreeMap<String, String>,
    theirs: Option<&Path>,
) -> anyhow::Result<PrivateRoot> {
    let private_root = installation.layout.private_root(&root.display().to_string());
    for folder in private_root.directories() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    let runroot = root.join("runroot.yaml");
    std::fs::write(&runroot, private_root.runroot_yaml())
        .with_context(|| format!("cannot write {}", runroot.display()))?;
    for (name, content) in files {
        let path = Path::new(&private_root.sysconfdir).join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(theirs) = theirs {
        own::link(theirs, Path::new(&private_root.sysconfdir), files)?;
    }
    Ok(private_root)
}
