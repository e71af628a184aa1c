//! Base images from a distro's package mirror, for machines with no registry in reach: the root file
//! system that mmdebstrap makes goes straight into the engine.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::engine::{Engine, ImageInfo, TarStream, labels};
use crate::matrix::Bootstrap;

/// Bytes taken from mmdebstrap at a time.
const PIECE: usize = 256 << 10;

/// How long mmdebstrap may take to remove its half-made root after it was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Makes the base image `tag`. `on_line` gets mmdebstrap's progress.
///
/// # Errors
/// With mmdebstrap's last error, or what to install when it is not there.
pub(super) async fn run(
    engine: &dyn Engine,
    bootstrap: &Bootstrap,
    tag: &str,
    mut on_line: impl FnMut(&str),
) -> anyhow::Result<ImageInfo> {
    if let Some(keyring) = keyrings(&bootstrap.sources).find(|keyring| !Path::new(keyring).exists()) {
        // apt would find out too, seconds later.
        bail!("cannot bootstrap {}: the keyring {keyring} is not installed", bootstrap.suite);
    }
    let mut child = spawn(bootstrap)?;
    let stdout = child.stdout.take().context("mmdebstrap has no stdout")?;
    let stderr = child.stderr.take().context("mmdebstrap has no stderr")?;
    let mut last_error = String::new();
    let follow = async {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            on_line(&line);
            if line.starts_with("E:") || last_error.is_empty() {
                last_error = line.chars().take(300).collect();
            }
        }
    };
    let marks = labels::image_labels();
    let (imported, ()) = tokio::join!(engine.import(tag, &marks, pieces(stdout, Maker(Some(child)))), follow);
    imported.with_context(|| format!("cannot bootstrap {} (mmdebstrap: {last_error})", bootstrap.suite))
}

/// Files that the lines of sources.list name as `signed-by` (sources.list(5)).
fn keyrings(sources: &[String]) -> impl Iterator<Item = &str> {
    let options = sources.iter().filter_map(|line| line.split_once('[')?.1.split_once(']'));
    options.flat_map(|(options, _)| options.split_whitespace()).filter_map(|option| option.strip_prefix("signed-by="))
}

fn spawn(bootstrap: &Bootstrap) -> anyhow::Result<Child> {
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=apt", "--include=ca-certificates", "--format=tar"]);
    if !bootstrap.check_valid_until {
        command.arg("--aptopt=Acquire::Check-Valid-Until \"false\"");
    }
    command.arg(&bootstrap.suite).arg("-").args(&bootstrap.sources);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Its signals are ours to send, not the terminal's: a group of its own.
    command.process_group(0);
    match command.spawn() {
        Ok(child) => Ok(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("no registry has it, and mmdebstrap, which would make it from the package mirror, is not installed")
        }
        Err(error) => Err(error).context("cannot start mmdebstrap"),
    }
}

/// A running mmdebstrap. Dropped before its end it is told to stop, so that it removes the root in
/// /tmp that it was making, and killed if it does not.
struct Maker(Option<Child>);

impl Maker {
    async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let Some(child) = &mut self.0 else { return Err(std::io::Error::other("mmdebstrap has ended before")) };
        let status = child.wait().await?;
        self.0 = None;
        Ok(status)
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw) else { return };
        // A group that is gone needs no signal.
        let _ = killpg(group, Signal::SIGTERM);
        // Without a runtime (the program is ending) the signal has to do.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                let _ = killpg(group, Signal::SIGKILL);
                let _ = child.wait().await;
            }
        });
    }
}

/// The tar in pieces. It ends with an error when mmdebstrap fails: an engine would take a cut-off tar
/// for a small image.
fn pieces(stdout: ChildStdout, child: Maker) -> TarStream {
    stream::unfold(Some((stdout, child)), |state| async {
        let (mut stdout, mut child) = state?;
        let mut piece = vec![0; PIECE];
        match stdout.read(&mut piece).await {
            Ok(0) => match child.wait().await {
                Ok(status) if status.success() => None,
                Ok(status) => Some((Err(std::io::Error::other(format!("mmdebstrap ended with {status}"))), None)),
                Err(error) => Some((Err(error), None)),
            },
            Ok(count) => {
                piece.truncate(count);
                Some((Ok(Bytes::from(piece)), Some((stdout, child))))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

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
