//! What acts on a running ATS while others wait for it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::process;
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
    /// The process id of `traffic_server`, which may be another than that of what was started.
    pub(in crate::agent) fn server_pid(&self) -> Option<u32> {
        let started = self.pid?;
        process::server(started).or((!self.managed).then_some(started))
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
