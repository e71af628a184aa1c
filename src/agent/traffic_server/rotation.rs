//! The rotation of logs as logrotate does it: a file is renamed, and ATS is told by a signal to open its logs again.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{BARRIER_HOST, Control, Ports, request};
use crate::model::{LogFile, origin_name};

/// The name of the file that was rotated away.
const ROTATED: &str = "error.log.1";

impl Control {
    /// Renames `error.log` when ATS has written to it, sends the signal, and waits until ATS writes to a new file.
    ///
    /// # Errors
    /// What did not happen within `patience`.
    pub(in crate::agent) async fn rotate_logs(&self, ports: Ports, patience: Duration) -> anyhow::Result<()> {
        let folder = Path::new(&self.private_root.logdir);
        let path = folder.join(LogFile::Error.name());
        let until = Instant::now() + patience;
        written(&path, ports, until).await.context("before it was rotated")?;
        std::fs::rename(&path, folder.join(ROTATED)).context("cannot rename error.log")?;
        let id = self.server_pid().and_then(|id| i32::try_from(id).ok()).context("there is no traffic_server")?;
        kill(Pid::from_raw(id), Signal::SIGUSR2).context("cannot send SIGUSR2 to traffic_server")?;
        written(&path, ports, until).await.context("after it was rotated and SIGUSR2 sent")
    }
}

/// Asks a host that leads nowhere until its line is in the log at `path`.
async fn written(path: &Path, ports: Ports, until: Instant) -> anyhow::Result<()> {
    let marker = origin_name(BARRIER_HOST);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("no line came in {}", path.file_name().unwrap_or_default().display());
        }
        if request(ports, BARRIER_HOST, left).await.is_none() {
            bail!("ATS did not answer");
        }
        if std::fs::read_to_string(path).is_ok_and(|text| text.contains(&marker)) {
            return Ok(());
        }
    }
}
