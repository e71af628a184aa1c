//! The life of `traffic_server` in a cell: find it, configure it, start it, notice that it is ready, dead or silent,
//! and collect its logs.

mod control;
mod health;
mod installation;
mod launch;
mod process;
mod rotation;
mod search;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub(super) use control::Control;
pub(super) use installation::Installation;
pub(super) use launch::{Launch, LaunchedBy};
pub(super) use process::server;

use super::client::{self, Target};
use super::emit::Emitter;
use super::seal;
use crate::ats::{Dialect, log};
use crate::distro::loader;
use crate::model::{AtsLife, Line, LogFile, RequestSpec, front_name, origin_name};

/// The ports of the first ATS in a cell; later ones follow.
const FIRST_HTTP_PORT: u16 = 8080;
const FIRST_TLS_PORT: u16 = 9080;

/// The ports on which one ATS listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) http: u16,
    /// For TLS clients.
    pub(super) tls: u16,
}

impl Ports {
    /// The ports of the ATS number `number`, counted from 0: several run at the same time.
    pub(super) fn of(number: u16) -> Self {
        Self { http: FIRST_HTTP_PORT + number, tls: FIRST_TLS_PORT + number }
    }
}

/// Hosts whose remap rules lead nowhere. A request for the first shows that the remap table is in use; the second is
/// requested until `error.log` has been flushed.
pub(super) const READY_HOST: &str = "ready";
pub(super) const BARRIER_HOST: &str = "barrier";

/// A host without a rule: the answer needs no origin.
const TIMING_HOST: &str = "pulse";

/// Timeout for that answer, as long as the shortest timeout that a time is compared with.
const TIMING_TIMEOUT: Duration = Duration::from_secs(4);

/// Timeout for the start of ATS. It answers after 0.2 s here, and takes ten times as long on a loaded machine.
pub(super) const START_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for the flush of `error.log`. A full buffer is flushed within milliseconds; the periodic flush of ATS takes
/// up to two seconds.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(4);

/// Timeout for the end of the output of an ATS that has ended: its children may hold the pipes open.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes read of each log, from its end.
const MAX_LOG: u64 = 512 * 1024;

/// Characters kept of a line of output.
const MAX_OUTPUT_LINE: usize = 2000;

/// Lines and characters of output that say why ATS does not run. The loader prints a line per missing version, and all
/// of them count.
const LAST_LINES: usize = 3;
const MAX_LAST_WORDS: usize = 600;
const MAX_REFUSALS: usize = 8000;

/// The value that makes the kernel choose a process first when memory runs out (proc(5)).
const MAX_OOM_SCORE: &str = "1000";

/// Lines kept of the output.
const MAX_OUTPUT_LINES: usize = 2000;

/// The process that was started neither serves nor printed anything that ATS, or the loader, would print.
#[derive(Debug, thiserror::Error)]
#[error("it did not start")]
pub(super) struct NothingOfAts;

/// The output so far, and whether ATS has reported that it is ready.
#[derive(Default)]
struct AtsOutput {
    lines: Mutex<Vec<String>>,
    ready: Notify,
}

/// A running ATS.
pub(super) struct RunningAts {
    ports: Ports,
    child: Child,
    control: Control,
    output: Arc<AtsOutput>,
    /// Whether it was killed because it did not answer any more.
    hung: bool,
    /// Whether its ports may be closed when it says that it runs.
    opens_late: bool,
}

impl AtsOutput {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningAts {
    /// Writes the configuration below `root`, starts ATS there and waits until it serves.
    ///
    /// # Errors
    /// With the reason and the last lines of output, when it ends or does not report ready in time.
    pub(super) async fn start(
        installation: &Installation,
        root: &Path,
        launch: Launch<'_>,
        ports: Ports,
        emitter: &Emitter,
    ) -> anyhow::Result<Self> {
        let (private_root, mut command) = launch.prepare(installation, root)?;
        let mut child = command
            .env("TS_RUNROOT", root)
            .current_dir(root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", installation.binary.display()))?;
        if let Some(pid) = child.id() {
            // If memory runs out, the kernel must kill ATS, not the agent that reports it.
            let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), MAX_OOM_SCORE);
        }
        let output = Arc::new(AtsOutput::default());
        let out = child.stdout.take().map(|stdout| tokio::spawn(follow(stdout, Arc::clone(&output), emitter.clone())));
        let err = child.stderr.take().map(|stderr| tokio::spawn(follow(stderr, Arc::clone(&output), emitter.clone())));
        let managed = matches!(launch.by, LaunchedBy::Manager);
        let control = Control { pid: child.id(), managed, root: root.to_owned(), private_root };
        let ats = Self { ports, child, control, output, hung: false, opens_late: launch.opens_late };
        ats.wait_for_start(installation.dialect, out.into_iter().chain(err)).await
    }

    /// Returns this ATS once it serves. `readers` end with its output.
    async fn wait_for_start(
        mut self,
        dialect: Dialect,
        readers: impl Iterator<Item = JoinHandle<()>>,
    ) -> anyhow::Result<Self> {
        match tokio::time::timeout(START_TIMEOUT, self.until_ready(dialect)).await {
            Ok(Ok(())) => Ok(self),
            Ok(Err(error)) => {
                // The reason may still be in the pipes: a refusal of the loader is all the output there is.
                let _ = tokio::time::timeout(OUTPUT_TIMEOUT, futures_util::future::join_all(readers)).await;
                Err(self.start_error(error.context(self.last_words())))
            }
            Err(_) => {
                let seconds = START_TIMEOUT.as_secs();
                let text = format!("it did not report ready within {seconds} s; {}", self.last_words());
                let error = self.start_error(anyhow::anyhow!(text));
                self.kill().await;
                Err(error)
            }
        }
    }

    /// `error`, the reason of a failed start. Marked with [`NothingOfAts`] if no line of the output is from ATS.
    fn start_error(&self, error: anyhow::Error) -> anyhow::Error {
        let lines = self.output.lines();
        let from_ats = |line: &String| {
            log::diags_line(line).is_some()
                || log::is_early_end(line)
                || log::crash(line).is_some()
                || loader::is_refusal(line)
        };
        if lines.iter().any(from_ats) { error } else { error.context(NothingOfAts) }
    }

    /// The handle that acts on it while other tasks wait for it.
    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    fn log_path(&self, file: LogFile) -> PathBuf {
        Path::new(&self.control.private_root.logdir).join(file.name())
    }

    /// What it has printed so far; with the settings of a cell, all that it logs of itself.
    pub(super) fn output(&self) -> Vec<String> {
        self.output.lines().clone()
    }

    /// The settings that it reports as unknown.
    pub(super) fn unknown_settings(&self) -> Vec<String> {
        let diags = tail(&self.log_path(LogFile::Diags));
        let output = self.output.lines();
        let lines = output.iter().map(String::as_str).chain(diags.lines());
        lines.filter_map(log::unknown_setting).map(str::to_owned).collect()
    }

    /// Whether it is still alive.
    pub(super) fn life(&mut self) -> AtsLife {
        if self.hung {
            return AtsLife::Died(health::hang());
        }
        match self.child.try_wait() {
            Ok(None) => AtsLife::Alive,
            Ok(Some(status)) => AtsLife::Died(format!("{}; {}", describe(status), self.last_words())),
            Err(error) => AtsLife::Died(error.to_string()),
        }
    }

    async fn until_ready(&mut self, dialect: Dialect) -> anyhow::Result<()> {
        if self.control.managed {
            return self.until_answered(|_| true).await;
        }
        tokio::select! {
            () = self.output.ready.notified() => {}
            status = self.child.wait() => bail!("it ended: {}", describe(status?)),
        }
        if self.opens_late {
            self.until_answered(|_| true).await?;
        }
        if dialect < Dialect::V10_2 {
            return Ok(());
        }
        // An open port is not enough: ATS 10.2 publishes its remap table later (#13014), and answers 404 for every host
        // until then.
        self.until_answered(|status| status != 404).await
    }

    /// Waits for an acceptable status. Under a manager the port is open long before ATS runs, and a request waits
    /// there.
    async fn until_answered(&mut self, is_acceptable: fn(u16) -> bool) -> anyhow::Result<()> {
        loop {
            if request(self.ports, READY_HOST, START_TIMEOUT).await.is_some_and(is_acceptable) {
                return Ok(());
            }
            if let AtsLife::Died(how) = self.life() {
                bail!("it ended: {how}");
            }
            tokio::task::yield_now().await;
        }
    }

    /// Makes sure that `error.log` contains everything so far: requests a host that leads nowhere until the line of
    /// that request has been flushed.
    pub(super) async fn flush_error_log(&self) {
        let path = self.log_path(LogFile::Error);
        let until = Instant::now() + FLUSH_TIMEOUT;
        let marker = origin_name(BARRIER_HOST);
        while Instant::now() < until {
            if request(self.ports, BARRIER_HOST, FLUSH_TIMEOUT).await.is_none()
                || std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&marker))
            {
                return;
            }
        }
    }

    /// Kills it and returns its logs. By SIGKILL, as ATS takes a second over SIGTERM and the relevant lines have been
    /// flushed.
    pub(super) async fn stop(mut self) -> Vec<(LogFile, String)> {
        self.kill().await;
        let mut lines = Vec::new();
        for file in [LogFile::Error, LogFile::Diags] {
            let path = self.log_path(file);
            lines.extend(tail(&path).lines().map(|line| (file, line.to_owned())));
        }
        let output = self.output.lines();
        let own = output.iter().filter(|line| log::diags_line(line).is_none());
        lines.extend(own.map(|line| (LogFile::Output, line.clone())));
        lines
    }

    /// Kills it with all its children: `traffic_server` may be the child of a manager or of a script of the image.
    async fn kill(&mut self) {
        if let Some(id) = self.control.pid.and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.child.kill().await;
    }

    fn last_words(&self) -> String {
        let lines = self.output.lines();
        let mut reasons: Vec<&str> = lines.iter().filter(|line| is_reason(line)).map(String::as_str).collect();
        // The line before it says what is wrong in the file that it names.
        if !reasons.iter().all(|line| is_of_include(line)) {
            reasons.retain(|line| !is_of_include(line));
        }
        let last = if reasons.is_empty() { lines.last().map(String::as_str).into_iter().collect() } else { reasons };
        let shown: Vec<&str> = last.iter().rev().take(LAST_LINES).rev().copied().collect();
        let refused: Vec<&str> = lines.iter().filter(|line| loader::is_refusal(line)).map(String::as_str).collect();
        if refused.is_empty() {
            return format!("it said: {}", shown.join(" | ")).chars().take(MAX_LAST_WORDS).collect();
        }
        format!("it said: {}", refused.join(" | ")).chars().take(MAX_REFUSALS).collect()
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

async fn follow(stream: impl AsyncRead + Unpin, output: Arc<AtsOutput>, emitter: Emitter) {
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut reported = false;
    while let Ok(Some(line)) = lines.next_segment().await {
        let line: String = String::from_utf8_lossy(&line).chars().take(MAX_OUTPUT_LINE).collect();
        if log::is_ready(&line) {
            output.ready.notify_one();
        }
        if !reported && seal::resembles_evidence(&line) {
            reported = true;
            let (by, text) = ("traffic_server".to_owned(), seal::excerpt(&line));
            emitter.emit(&Line::Forged { by, text });
        }
        let mut kept = output.lines();
        if kept.len() < MAX_OUTPUT_LINES {
            kept.push(line);
        }
    }
}

/// Whether a line may say why ATS does not run.
fn is_reason(line: &str) -> bool {
    let severe =
        |level| matches!(level, log::Level::Error | log::Level::Fatal | log::Level::Alert | log::Level::Emergency);
    log::crash(line).is_some() || log::diags_line(line).is_some_and(|line| severe(line.level))
}

/// Whether it only says that a remap.config includes one with an error.
fn is_of_include(line: &str) -> bool {
    line.contains("failed to parse included file")
}

/// How long the ATS on `ports` takes for an answer that needs no origin, in microseconds.
pub(super) async fn response_time(ports: Ports) -> Option<u64> {
    let begun = Instant::now();
    request(ports, TIMING_HOST, TIMING_TIMEOUT).await?;
    u64::try_from(begun.elapsed().as_micros()).ok()
}

/// The status with which the ATS on `ports` answers a request for `name`, if it answers.
async fn request(ports: Ports, name: &str, patience: Duration) -> Option<u16> {
    let target = Target::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http)), front_name(name));
    let get = RequestSpec { method: "GET".into(), ..RequestSpec::default() };
    let run = client::run(&target, &[get], patience).await;
    run.exchanges.first().and_then(|exchange| exchange.status)
}

/// The end of a log file; empty if it does not exist.
fn tail(path: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let Ok(mut file) = std::fs::File::open(path) else { return String::new() };
    let len = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let _ = file.seek(SeekFrom::Start(len.saturating_sub(MAX_LOG)));
    let _ = file.take(MAX_LOG).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
