//! Acts on a running ATS while other tasks wait for it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::process;
use crate::ats::layout::PrivateRoot;

/// The handle for that.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Control {
    /// The process that was started.
    pub(super) pid: Option<u32>,
    /// Whether that process is the manager, with `traffic_server` as its child.
    pub(super) managed: bool,
    pub(super) root: PathBuf,
    pub(super) private_root: PrivateRoot,
}

impl Control {
    /// The process id of `traffic_server`, which need not be the process that was started.
    pub(in crate::agent) fn server_pid(&self) -> Option<u32> {
        let started = self.pid?;
        process::server(started).or((!self.managed).then_some(started))
    }

    /// The directory in which it was started, its run root.
    pub(in crate::agent) fn root(&self) -> &Path {
        &self.root
    }

    /// Replaces one of its configuration files.
    pub(in crate::agent) fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let path = Path::new(&self.private_root.sysconfdir).join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
    }
}
