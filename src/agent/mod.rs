//! Everything that runs inside containers. An agent takes a plan from its environment and a key from stdin, prints
//! evidence as sealed JSON lines on stdout, and stops when its stdin closes. Nothing is executed in, copied to or
//! mounted into a container.
//!
//! The binary is static and runs in images of every age, so agents never resolve names and never look up users: glibc
//! would load NSS modules of another version, and crash.

pub(crate) mod capture;
mod client;
mod curl;
mod dns;
mod emit;
mod headers;
mod heartbeat;
pub mod init;
mod inventory;
mod openssl;
mod origin;
pub mod own;
mod packages;
mod probe;
mod program;
mod provenance;
mod pulse;
mod script;
pub mod seal;
mod surroundings;
mod swap;
mod tap;
mod targets;
mod tls;
mod traffic_server;
mod trials;
mod waits;

use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use tokio::sync::oneshot;

use crate::model::{AgentPlan, CellPlan, Line, OriginPlan};
use emit::Emitter;
use heartbeat::OriginGuard;
use origin::Origin;

/// The environment variable that carries the plan: JSON, deflated, base64.
pub const PLAN_VARIABLE: &str = "ATSMATRIX_PLAN";

/// Packs a plan for [`PLAN_VARIABLE`]. Linux limits an environment string to 128 KiB, and certificates and keys
/// compress well together.
///
/// # Errors
/// When the plan cannot be written as JSON, which no plan of the orchestrator causes.
pub fn pack(plan: &AgentPlan) -> anyhow::Result<String> {
    use std::io::Write as _;
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&serde_json::to_vec(plan)?)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(deflate.finish()?))
}

fn unpack(text: &str) -> anyhow::Result<AgentPlan> {
    let packed = base64::engine::general_purpose::STANDARD.decode(text).context("the plan is not base64")?;
    let mut json = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut json).context("cannot inflate the plan")?;
    serde_json::from_slice(&json).context("the plan was written by another version of atsmatrix")
}

/// Runs the agent that the plan describes until its work is done or stdin closes.
///
/// # Errors
/// When there is no plan or no key. Later errors are evidence: [`Line::Fault`].
pub async fn run() -> anyhow::Result<()> {
    let text = std::env::var(PLAN_VARIABLE).with_context(|| {
        format!("{PLAN_VARIABLE} is not set: only `atsmatrix run` starts `atsmatrix agent`, inside containers")
    })?;
    hide_from_others()?;
    let key = read_key()?;
    let emitter = Emitter::stdout(&key);
    let plan = unpack(&text)?;
    let files = match &plan {
        AgentPlan::Cell(plan) if plan.own.is_some() => Some(own::unpack(&mut std::io::stdin().lock())?),
        AgentPlan::Cell(_) | AgentPlan::Parent(_) | AgentPlan::Origin(_) | AgentPlan::Probe { .. } => None,
    };
    let stdin_closed = watch_stdin();
    let pulse = pulse::start(&emitter);
    let kept = match plan {
        AgentPlan::Origin(plan) => {
            origin_container(*plan, &emitter, stdin_closed).await.map(|origin| origin.map(KeptRunning::Origin))
        }
        AgentPlan::Cell(plan) => {
            cell_container(*plan, files, &emitter, stdin_closed).await.map(|cell| cell.map(KeptRunning::Cell))
        }
        AgentPlan::Parent(plan) => {
            let served = Box::pin(trials::parent::serve(*plan, emitter.clone(), stdin_closed)).await;
            served.map(|parent| parent.map(KeptRunning::Cell))
        }
        AgentPlan::Probe { patience_ms } => {
            let seen = probe::watch(Duration::from_millis(patience_ms)).await;
            emitter.emit(&Line::Served(seen));
            Ok(None)
        }
    };
    drop(pulse);
    if let Err(error) = &kept {
        emitter.emit(&Line::Fault { trial: None, text: format!("{error:#}") });
    }
    emitter.emit(&Line::End);
    if let Ok(Some(_kept)) = kept {
        // Until the container is removed.
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// What keeps running for inspection by hand.
#[expect(dead_code, reason = "never read: dropping it would stop what is kept running")]
enum KeptRunning {
    Origin(Origin),
    Cell(Box<trials::KeptCell>),
}

/// Runs in an origin container: listens, reports that it does, and serves until stdin closes.
async fn origin_container(
    plan: OriginPlan,
    emitter: &Emitter,
    stdin_closed: oneshot::Receiver<()>,
) -> anyhow::Result<Option<Origin>> {
    let guard = OriginGuard::new(&[&plan.token, &plan.parent_token], emitter);
    let _echo = heartbeat::echo(Arc::clone(&guard)).await?;
    let origin = Origin::start(&plan.ports, &plan.identity, Path::new(trials::ROOT), emitter, &guard).await;
    emitter.emit(&Line::Listening);
    let _ = stdin_closed.await;
    if plan.keep {
        return Ok(Some(origin));
    }
    origin.finish().await;
    Ok(None)
}

/// Runs in the container of ATS: all trials, until the run that started it goes away. The cell enforces its deadline
/// itself, because it must report what was seen until then.
async fn cell_container(
    plan: CellPlan,
    files: Option<own::Delivered>,
    emitter: &Emitter,
    stdin_closed: oneshot::Receiver<()>,
) -> anyhow::Result<Option<Box<trials::KeptCell>>> {
    tokio::select! {
        done = Box::pin(trials::run(plan, files, emitter.clone())) => done,
        _ = stdin_closed => bail!("stdin closed: the run that started this cell is gone"),
    }
}

/// Closes the memory, descriptors and environment of this process to others. The programs that it starts run as the
/// same user, without the capability to inspect other processes: the kernel then denies them `/proc/PID/mem`, `environ`
/// and `fd/*` of this process, and tracing it.
fn hide_from_others() -> anyhow::Result<()> {
    use nix::sys::prctl::{get_dumpable, set_dumpable};
    set_dumpable(false).context("cannot close this process to other processes of its user")?;
    match get_dumpable() {
        Ok(false) => Ok(()),
        found => {
            bail!(
                "this process stays open to other processes of its user ({found:?}), which could then forge its evidence"
            )
        }
    }
}

/// Reads the key from the first line of stdin, where the orchestrator wrote it. No other program that could read it
/// runs yet.
fn read_key() -> anyhow::Result<seal::Key> {
    let mut line = String::new();
    std::io::stdin().lock().take(MAX_KEY).read_line(&mut line).context("cannot read the key from stdin")?;
    seal::Key::read(&line)
        .context("no key on stdin: the run that started this container is gone, or of another version of atsmatrix")
}

/// Characters kept of an error message: it may quote a peer.
const MAX_ERROR: usize = 300;

/// Bytes of stdin that are read for the key.
const MAX_KEY: u64 = 128;

/// Resolves when stdin reaches its end. It reads in its own thread: the stdin of tokio would keep the runtime from
/// shutting down while a read is pending.
fn watch_stdin() -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut buffer), Ok(count) if count > 0) {}
        let _ = sender.send(());
    });
    receiver
}

/// Microseconds since the Unix epoch.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Identity;

    #[test]
    fn a_packed_plan_is_unpacked_unchanged() {
        let identity = Identity { ca_pem: "ca".into(), ..Identity::default() };
        let plan = AgentPlan::Origin(Box::new(OriginPlan {
            ports: Vec::new(),
            identity,
            keep: false,
            token: "t".into(),
            parent_token: String::new(),
        }));
        assert_eq!(unpack(&pack(&plan).unwrap()).unwrap(), plan);
        assert!(unpack("nonsense").is_err());
    }
}
