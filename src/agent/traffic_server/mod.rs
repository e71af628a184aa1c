//! The life of `traffic_server` inside the cell: find it, configure it, start it, notice that it is
//! ready, dead or silent, and gather its logs.

mod control;
mod health;
mod installation;
mod process;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::Notify;

pub(super) use control::Control;
pub(super) use installation::Installation;

use super::client::{self, Target};
use super::emit::Emitter;
use super::program;
use super::{seal, swap};
use crate::ats::layout::PrivateRoot;
use crate::ats::{Dialect, log};
use crate::bisect::loader;
use crate::model::{AtsLife, Line, LogFile, RequestSpec, Swap, front_name, origin_name};

/// Where one ATS listens inside the cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) http: u16,
    /// For TLS clients.
    pub(super) tls: u16,
}

impl Ports {
    /// Those of the ATS number `number`, from 0 on: several run at the same time.
    pub(super) fn of(number: u16) -> Self {
        Self { http: 8080 + number, tls: 9080 + number }
    }
}

/// Hosts of remap rules that lead nowhere: the first tells that the remap table is in use, the
/// second is asked until `error.log` has been flushed.
pub(super) const READY_HOST: &str = "ready";
pub(super) const BARRIER_HOST: &str = "barrier";

/// A host without a rule: what is asked of it needs no origin.
const PULSE_HOST: &str = "pulse";

/// How long its answer may take: as long as the shortest timeout that anything is held against.
const PULSE: Duration = Duration::from_secs(4);

/// ATS answers after 0.2 s here; ten times more on a loaded machine, and some to spare.
pub(super) const START: Duration = Duration::from_secs(15);

/// How long the flush of `error.log` is awaited. A size-triggered flush takes milliseconds; ATS's own
/// periodic one up to two seconds.
const FLUSH: Duration = Duration::from_secs(4);

/// How long the end of its output is awaited once it has ended: its children may hold the pipes.
const REST: Duration = Duration::from_secs(2);

/// Bytes of each log that are read, from its end.
const MAX_LOG: u64 = 512 * 1024;

/// Lines of output kept.
const MAX_OUTPUT_LINES: usize = 2000;

/// What starts `traffic_server`.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'a> {
    /// It is started by itself.
    Itself,
    /// With parts of another image.
    Swap(&'a Swap),
    /// `traffic_manager`, without which 8 and 9 cannot be told to reload.
    Manager,
}

/// What was started has neither come up nor said anything that ATS, or the loader for it, would say.
#[derive(Debug, thiserror::Error)]
#[error("it did not come up")]
pub(super) struct NothingOfAts;

/// Lines of output so far, and whether ATS said that it is ready.
#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    ready: Notify,
}

/// A running ATS.
pub(super) struct Ats {
    ports: Ports,
    child: Child,
    control: Control,
    output: Arc<Output>,
    /// Whether it was ended since it did not answer any more.
    hung: bool,
}

impl Ats {
    /// Writes `files` below `root`, starts `traffic_server` there (with parts of another image, if `swap`
    /// says so; with `bare_openssl` without the distro's openssl.cnf) and waits until it serves.
    ///
    /// # Errors
    /// With the reason and the last lines of output, when it ends or stays silent.
    pub(super) async fn start(
        installation: &Installation,
        root: &Path,
        (files, bare_openssl): (&BTreeMap<String, String>, bool),
        ports: Ports,
        by: By<'_>,
        emitter: &Emitter,
    ) -> anyhow::Result<Self> {
        let managed = matches!(by, By::Manager);
        let (place, mut command) = match by {
            By::Swap(swap) => {
                let files = swap::layered(files, &swap.config);
                let place = write_root(installation, root, &files)?;
                (place, swap::command(swap, &installation.binary, &root.join("swap"))?)
            }
            By::Itself => (write_root(installation, root, files)?, program::of_image(&installation.binary)),
            By::Manager => {
                (write_root(installation, root, files)?, program::of_image(installation.program("traffic_manager")))
            }
        };
        // ATS prefers these to its configuration, and an image may set some (`ENV PROXY_CONFIG_...`).
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PROXY_CONFIG_")) {
            command.env_remove(name);
        }
        if bare_openssl {
            command.env("OPENSSL_CONF", "/dev/null");
        }
        let mut child = command
            .env("TS_RUNROOT", root)
            .current_dir(root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", installation.binary.display()))?;
        if let Some(pid) = child.id() {
            // Who takes too much memory is ATS. Where the kernel has to choose, the agent is to live and tell.
            let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "1000");
        }
        let output = Arc::new(Output::default());
        let out = child.stdout.take().map(|stdout| tokio::spawn(follow(stdout, Arc::clone(&output), emitter.clone())));
        let err = child.stderr.take().map(|stderr| tokio::spawn(follow(stderr, Arc::clone(&output), emitter.clone())));
        let control = Control { pid: child.id(), managed, root: root.to_owned(), place };
        let mut ats = Self { ports, child, control, output, hung: false };
        let waited = tokio::time::timeout(START, ats.until_ready(installation.dialect)).await;
        match waited {
            Ok(Ok(())) => Ok(ats),
            Ok(Err(error)) => {
                // Why it ended may still be in the pipes: a loader's refusal is all that it says.
                let rest = async { futures_util::future::join_all(out.into_iter().chain(err)).await };
                let _ = tokio::time::timeout(REST, rest).await;
                Err(ats.in_vain(error.context(ats.last_words())))
            }
            Err(_) => {
                let text = format!("it said nothing of being ready within {} s; {}", START.as_secs(), ats.last_words());
                let error = ats.in_vain(anyhow::anyhow!(text));
                ats.kill().await;
                Err(error)
            }
        }
    }

    /// `error`, with which it did not come up, marked where nothing of what ran was seen to be ATS.
    fn in_vain(&self, error: anyhow::Error) -> anyhow::Error {
        let lines = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_ats = |line: &String| {
            log::diagnostic(line).is_some()
                || log::is_early_end(line)
                || log::crash(line).is_some()
                || loader::is_refusal(line)
        };
        if lines.iter().any(of_ats) { error } else { error.context(NothingOfAts) }
    }

    /// What acts on it while others wait for it.
    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    fn log(&self, file: LogFile) -> PathBuf {
        Path::new(&self.control.place.logdir).join(file.name())
    }

    /// The settings that it says it does not know.
    pub(super) fn unknown_settings(&self) -> Vec<String> {
        let diags = tail(&self.log(LogFile::Diags));
        let output = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = output.iter().map(String::as_str).chain(diags.lines());
        lines.filter_map(log::unknown_setting).map(str::to_owned).collect()
    }

    /// Whether it still runs.
    pub(super) fn life(&mut self) -> AtsLife {
        if self.hung {
            return AtsLife::Died(health::hangs());
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
        if dialect < Dialect::V10_2 {
            return Ok(());
        }
        // A port that answers is not enough: ATS 10.2 publishes its remap table later (#13014), and
        // an unknown host gets a 404 until then.
        self.until_answered(|status| status != 404).await
    }

    /// Waits for an answer that will do. Under a manager the port is open long before ATS runs, and a request waits
    /// there.
    async fn until_answered(&mut self, will_do: fn(u16) -> bool) -> anyhow::Result<()> {
        loop {
            if ask(self.ports, READY_HOST, START).await.is_some_and(will_do) {
                return Ok(());
            }
            if let AtsLife::Died(how) = self.life() {
                bail!("it ended: {how}");
            }
            tokio::task::yield_now().await;
        }
    }

    /// Sees to it that `error.log` holds everything up to now: asks for a host that leads nowhere
    /// until its own line has been flushed.
    pub(super) async fn flush_error_log(&self) {
        let path = self.log(LogFile::Error);
        let until = Instant::now() + FLUSH;
        let marker = origin_name(BARRIER_HOST);
        while Instant::now() < until {
            if ask(self.ports, BARRIER_HOST, FLUSH).await.is_none()
                || std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&marker))
            {
                return;
            }
        }
    }

    /// Ends it at once and returns its logs. SIGKILL: ATS takes a second over SIGTERM, and what
    /// matters of its logs has been flushed.
    pub(super) async fn stop(mut self) -> Vec<(LogFile, String)> {
        self.kill().await;
        let mut lines = Vec::new();
        for file in [LogFile::Error, LogFile::Diags] {
            let path = self.log(file);
            lines.extend(tail(&path).lines().map(|line| (file, line.to_owned())));
        }
        let output = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let own = output.iter().filter(|line| log::diagnostic(line).is_none());
        lines.extend(own.map(|line| (LogFile::Output, line.clone())));
        lines
    }

    /// Ends it with all that it started: a manager, or a script of the image, has `traffic_server` as its child.
    async fn kill(&mut self) {
        if let Some(id) = self.control.pid.and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.child.kill().await;
    }

    fn last_words(&self) -> String {
        let lines = self.output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let telling: Vec<&str> = lines.iter().filter(|line| telling(line)).map(String::as_str).collect();
        let last = if telling.is_empty() { lines.last().map(String::as_str).into_iter().collect() } else { telling };
        let shown: Vec<&str> = last.iter().rev().take(3).rev().copied().collect();
        let refused: Vec<&str> = lines.iter().filter(|line| loader::is_refusal(line)).map(String::as_str).collect();
        if refused.is_empty() {
            return format!("it said: {}", shown.join(" | ")).chars().take(600).collect();
        }
        // Each line names another version that is missing: all of them count.
        format!("it said: {}", refused.join(" | ")).chars().take(8000).collect()
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

async fn follow(stream: impl AsyncRead + Unpin, output: Arc<Output>, emitter: Emitter) {
    let mut lines = BufReader::new(stream).split(b'\n');
    let mut told = false;
    while let Ok(Some(line)) = lines.next_segment().await {
        let line: String = String::from_utf8_lossy(&line).chars().take(2000).collect();
        if log::is_ready(&line) {
            output.ready.notify_one();
        }
        if !told && seal::resembles(&line) {
            told = true;
            let (by, text) = ("traffic_server".to_owned(), seal::shown(&line));
            emitter.emit(&Line::Forged { by, text });
        }
        let mut kept = output.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MAX_OUTPUT_LINES {
            kept.push(line);
        }
    }
}

/// Whether a line says why ATS does not run.
fn telling(line: &str) -> bool {
    let severe =
        |level| matches!(level, log::Level::Error | log::Level::Fatal | log::Level::Alert | log::Level::Emergency);
    log::crash(line).is_some() || log::diagnostic(line).is_some_and(|said| severe(said.level))
}

fn write_root(
    installation: &Installation,
    root: &Path,
    files: &BTreeMap<String, String>,
) -> anyhow::Result<PrivateRoot> {
    let place = installation.layout.private_root(&root.display().to_string());
    for folder in place.directories() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    let runroot = root.join("runroot.yaml");
    std::fs::write(&runroot, place.runroot_yaml()).with_context(|| format!("cannot write {}", runroot.display()))?;
    for (name, content) in files {
        let path = Path::new(&place.sysconfdir).join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(place)
}

/// How long the ATS on `ports` takes for an answer that needs no origin, microseconds.
pub(super) async fn pulse(ports: Ports) -> Option<u64> {
    let begun = Instant::now();
    ask(ports, PULSE_HOST, PULSE).await?;
    u64::try_from(begun.elapsed().as_micros()).ok()
}

/// The status that the ATS on `ports` gives for `name`, if it answers.
async fn ask(ports: Ports, name: &str, patience: Duration) -> Option<u16> {
    let target = Target::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, ports.http)), front_name(name));
    let get = RequestSpec { method: "GET".into(), ..RequestSpec::default() };
    let run = client::run(&target, &[get], patience).await;
    run.exchanges.first().and_then(|exchange| exchange.status)
}

/// The end of a log file; empty when there is none.
fn tail(path: &Path) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let Ok(mut file) = std::fs::File::open(path) else { return String::new() };
    let len = file.metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let _ = file.seek(SeekFrom::Start(len.saturating_sub(MAX_LOG)));
    let _ = file.take(MAX_LOG).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
