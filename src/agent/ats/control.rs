//! What acts on a running ATS while others wait for it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::ats::layout::PrivateRoot;

/// How a running ATS is acted on.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Control {
    /// Of the process that was started.
    pub(super) pid: Option<u32>,
    /// Whether that is the manager, and `traffic_server` its child.
    pub(super) managed: bool,
    pub(super) root: PathBuf,
    pub(super) place: PrivateRoot,
}

impl Control {
    /// The process id of `traffic_server`.
    pub(in crate::agent) fn server_pid(&self) -> Option<u32> {
        if self.managed { child_of(self.pid?, "traffic_server") } else { self.pid }
    }

    /// The directory it was started in, its run root.
    pub(in crate::agent) fn root(&self) -> &Path {
        &self.root
    }

    /// Replaces one of its configuration files.
    pub(in crate::agent) fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let path = Path::new(&self.place.sysconfdir).join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The first child of the process `parent` whose command has this name.
fn child_of(parent: u32, name: &str) -> Option<u32> {
    let ids = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.into_iter().find(|id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        // `PID (COMMAND) STATE PPID ...`; the command may hold anything, and ATS renames its main thread.
        let Some((_, after)) = stat.rsplit_once(')') else { return false };
        let runs = std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe.ends_with(name));
        runs && after.split_whitespace().nth(1) == Some(&parent.to_string())
    })
}
