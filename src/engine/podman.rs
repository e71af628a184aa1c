//! Podman without a running service: starts `podman system service` on a private socket for the lifetime
//! of this process.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::discovery::Env;
use super::lines::one_line;

/// How long the service may take until it accepts connections. The first start of rootless Podman sets
/// up its user namespace.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Most of its stderr that is read if it exits, bytes.
const MAX_OUTPUT: u64 = 4096;

/// How much of that goes into the error, bytes.
const MAX_MESSAGE: usize = 300;

/// How many services this process has started: each has its own folder.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A Podman API service of this process. It stops when dropped.
pub(super) struct PodmanService {
    folder: PathBuf,
    /// Killed when dropped.
    child: Child,
}

impl Drop for PodmanService {
    fn drop(&mut self) {
        // `kill_on_drop` stops the child. If removal fails, only a dead socket is left.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl PodmanService {
    /// Starts `podman` and waits until its service accepts connections. Returns the service and its socket.
    pub(super) async fn start(env: &Env, podman: &Path) -> Result<(Self, PathBuf)> {
        let folder = env.runtime_dir.clone().unwrap_or_else(std::env::temp_dir);
        let nth = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = folder.join(format!("atsmatrix-podman-{}-{nth}", std::process::id()));
        // A dead process with the same id may have left one.
        let _ = std::fs::remove_dir_all(&folder);
        // The mode is set at creation: no other user may reach this socket at any time.
        DirBuilder::new().mode(0o700).create(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let socket = folder.join("podman.sock");
        let child = command(env, podman, &socket).spawn().with_context(|| format!("starting {}", podman.display()))?;
        let mut service = Self { folder, child };
        accepting(&mut service.child, &socket).await?;
        Ok((service, socket))
    }
}

/// The command line. With util-linux's `setpriv` the kernel stops the service even if this process is killed
/// with -9. Without it the service stops on drop, and a killed run leaves it behind.
fn command(env: &Env, podman: &Path, socket: &Path) -> Command {
    let mut command = match env.program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(podman);
            command
        }
        None => Command::new(podman),
    };
    command
        .args(["system", "service", "--time=0"])
        .arg(format!("unix://{}", socket.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Waits until `socket` accepts connections. Podman sends no signal when it does, so this connects with growing
/// pauses, and fails at once if the service exits.
async fn accepting(child: &mut Child, socket: &Path) -> Result<()> {
    let until = Instant::now() + START_TIMEOUT;
    let mut pause = Duration::from_millis(10);
    loop {
        let Err(error) = UnixStream::connect(socket).await else { return Ok(()) };
        if Instant::now() >= until {
            bail!("its service did not start within {} s: {error}", START_TIMEOUT.as_secs());
        }
        tokio::select! {
            status = child.wait() => {
                let mut output = Vec::new();
                if let Some(stderr) = child.stderr.take() {
                    // A read error only shortens the message.
                    let _ = stderr.take(MAX_OUTPUT).read_to_end(&mut output).await;
                }
                let output = one_line(&String::from_utf8_lossy(&output), MAX_MESSAGE);
                bail!("its service exited at once ({}): {output}", status.context("waiting for podman")?);
            }
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_millis(500)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_that_exits_at_once_is_reported_with_its_stderr() {
        let mut child = Command::new("sh")
            .args(["-c", "echo 'Error: no \u{1b}[31msubuids' >&2; exit 125"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let error = accepting(&mut child, Path::new("/nonexistent/podman.sock")).await.unwrap_err();
        assert_eq!(error.to_string(), "its service exited at once (exit status: 125): Error: no \\u{1b}[31msubuids");
    }
}
