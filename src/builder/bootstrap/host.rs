//! A bootstrap with the host's own mmdebstrap: the last resort for the image that makes all other bases. The root file
//! system is streamed into the engine.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::MAX_REASON;
use crate::config::matrix::AptSuite;
use crate::engine::{Engine, ImageInfo, OnLine, TarStream, labels};

/// Size of the pieces read from mmdebstrap, bytes.
const PIECE: usize = 256 << 10;

/// How long mmdebstrap may take to remove its unfinished root after it was told to stop.
pub(in super::super) const GRACE: Duration = Duration::from_secs(10);

/// mmdebstrap is not in PATH.
#[derive(Debug, thiserror::Error)]
#[error("mmdebstrap is not installed")]
pub(in super::super) struct NotInstalled;

/// Makes the base image `tag`. `on_line` receives mmdebstrap's progress. `running` tracks mmdebstrap until it has
/// exited, even if this future is dropped first.
///
/// # Errors
/// mmdebstrap's last error, a missing keyring, or [`NotInstalled`].
pub(in super::super) async fn run(
    engine: &dyn Engine,
    bootstrap: &AptSuite,
    tag: &str,
    running: &TaskTracker,
    on_line: OnLine<'_>,
) -> anyhow::Result<ImageInfo> {
    if let Some(keyring) = keyrings(&bootstrap.sources).find(|keyring| !Path::new(keyring).exists()) {
        // apt would fail too, but seconds later.
        bail!("cannot bootstrap {}: the keyring {keyring} is missing: install its package", bootstrap.suite);
    }
    let mut child = spawn(bootstrap)?;
    let stdout = child.stdout.take().context("mmdebstrap has no stdout")?;
    let stderr = child.stderr.take().context("mmdebstrap has no stderr")?;
    let mut last_error = String::new();
    let (output, mut lines) = unbounded_channel();
    // Read to its end even if the receiver is gone: mmdebstrap also reports its cleanup, and a closed pipe would kill
    // it meanwhile.
    tokio::spawn(async move {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = output.send(line);
        }
    });
    let follow = async {
        while let Some(line) = lines.recv().await {
            on_line(&line);
            if line.starts_with("E:") || last_error.is_empty() {
                last_error = line.chars().take(MAX_REASON).collect();
            }
        }
    };
    let labels = labels::image_labels();
    let (imported, ()) = tokio::join!(
        engine.import(tag, &labels, pieces(MmdebstrapRun { running: Some((stdout, child)), tracked: running.token() })),
        follow
    );
    imported.with_context(|| format!("cannot bootstrap {} (mmdebstrap: {last_error})", bootstrap.suite))
}

/// The files that lines of sources.list name as `signed-by` (sources.list(5)).
fn keyrings(sources: &[String]) -> impl Iterator<Item = &str> {
    let options = sources.iter().filter_map(|line| line.split_once('[')?.1.split_once(']'));
    options.flat_map(|(options, _)| options.split_whitespace()).filter_map(|option| option.strip_prefix("signed-by="))
}

fn spawn(bootstrap: &AptSuite) -> anyhow::Result<Child> {
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=apt", "--include=ca-certificates", "--format=tar"]);
    if !bootstrap.check_valid_until {
        command.arg("--aptopt=Acquire::Check-Valid-Until \"false\"");
    }
    command.arg(&bootstrap.suite).arg("-").args(&bootstrap.sources);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A process group of its own: this program sends its signals, not the terminal.
    command.process_group(0);
    match command.spawn() {
        Ok(child) => Ok(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(NotInstalled.into()),
        Err(error) => Err(error).context("cannot start mmdebstrap"),
    }
}

/// A running mmdebstrap. If dropped early it is told to stop, so that it removes its unfinished root in
/// /tmp, and killed if it does not.
struct MmdebstrapRun {
    running: Option<(ChildStdout, Child)>,
    tracked: TaskTrackerToken,
}

impl MmdebstrapRun {
    /// The next piece of the tar; `None` at its end. It ends with an error if mmdebstrap fails: an engine
    /// would accept a truncated tar as a small image.
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let Some((stdout, child)) = &mut self.running else { return Ok(None) };
        let mut piece = vec![0; PIECE];
        let count = stdout.read(&mut piece).await?;
        if count > 0 {
            piece.truncate(count);
            return Ok(Some(Bytes::from(piece)));
        }
        let status = child.wait().await?;
        self.running = None;
        if status.success() { Ok(None) } else { Err(std::io::Error::other(format!("mmdebstrap failed with {status}"))) }
    }
}

impl Drop for MmdebstrapRun {
    fn drop(&mut self) {
        let Some((mut stdout, mut child)) = self.running.take() else { return };
        let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
        // Fails if the group has exited already.
        let _ = killpg(group, Signal::SIGTERM);
        // Without a runtime (the program is exiting) the signal has to do.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let tracked = self.tracked.clone();
        runtime.spawn(async move {
            let mut sink = tokio::io::sink();
            let end = async { tokio::join!(tokio::io::copy(&mut stdout, &mut sink), child.wait()) };
            if tokio::time::timeout(GRACE, end).await.is_err() {
                let _ = killpg(group, Signal::SIGKILL);
                let _ = child.wait().await;
            }
            drop(tracked);
        });
    }
}

/// The tar that mmdebstrap writes, in pieces.
fn pieces(run: MmdebstrapRun) -> TarStream {
    stream::unfold(Some(run), |run| async {
        let mut run = run?;
        match run.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(run))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use tokio::process::ChildStderr;

    use super::*;

    fn started(script: &str) -> (MmdebstrapRun, ChildStderr) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let running = Some((child.stdout.take().unwrap(), child));
        (MmdebstrapRun { running, tracked: TaskTracker::new().token() }, stderr)
    }

    #[tokio::test]
    async fn a_dropped_mmdebstrap_gets_time_to_clean_up() {
        let script = "trap 'echo removed >&2; exit' TERM; echo made; while :; do sleep 9; done";
        let (mut made, mut stderr) = started(script);
        assert_eq!(made.next().await.unwrap().unwrap(), "made\n");
        let tracker = made.tracked.task_tracker().clone();
        tracker.close();
        drop(made);
        tracker.wait().await;
        let mut all = String::new();
        stderr.read_to_string(&mut all).await.unwrap();
        // The shell may also report that its sleep was terminated.
        assert!(all.ends_with("removed\n"), "{all}");
    }

    #[tokio::test]
    async fn the_tar_of_a_failed_mmdebstrap_ends_with_an_error() {
        let (mut failing, _) = started("echo made; exit 3");
        assert_eq!(failing.next().await.unwrap().unwrap(), "made\n");
        let error = failing.next().await.unwrap_err();
        assert_eq!(error.to_string(), "mmdebstrap failed with exit status: 3");
        let (mut passing, _) = started("exit 0");
        assert_eq!(passing.next().await.unwrap(), None);
    }

    #[test]
    fn keyrings_are_found_among_the_options_of_source_lines() {
        let sources = [
            "deb http://a.test x main",
            "deb [arch=amd64 signed-by=/k.gpg] http://[::1]/ x main",
            "deb [ trusted=no ] x",
        ];
        assert_eq!(keyrings(&sources.map(str::to_owned)).collect::<Vec<_>>(), ["/k.gpg"]);
    }
}
