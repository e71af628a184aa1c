//! Everything that runs inside containers. An agent takes a plan from its environment and a key from stdin, prints
//! evidence as sealed JSON lines on stdout, and stops by itself when its stdin closes: nothing is
//! executed in, copied to or mounted into a container.
//!
//! The binary is static and runs in images of every age, so agents never resolve names and never
//! look up users (glibc would load NSS modules of another version, and crash).

mod beat;
pub(crate) mod capture;
mod client;
mod curl;
mod dns;
mod emit;
mod headers;
mod inventory;
mod openssl;
mod origin;
pub mod porter;
mod program;
mod provenance;
mod pulse;
mod script;
pub mod seal;
mod surroundings;
mod swap;
mod tap;
mod tls;
mod traffic_server;
mod trials;

use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use tokio::sync::oneshot;

use crate::model::{AgentPlan, CellPlan, Line, OriginPlan};
use beat::Door;
use emit::Emitter;
use origin::Origin;

/// The environment variable that carries the plan: JSON, deflated, base64.
pub const PLAN_VARIABLE: &str = "ATSMATRIX_PLAN";

/// Packs a plan for [`PLAN_VARIABLE`]. A single environment string may not pass 128 KiB on Linux,
/// and certificates and keys compress well together.
///
/// # Errors
/// When the plan cannot be written as JSON (never for plans of our own making).
pub fn pack(plan: &AgentPlan) -> anyhow::Result<String> {
    use std::io::Write as _;
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(&serde_json::to_vec(plan)?)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(deflate.finish()?))
}

fn unpack(text: &str) -> anyhow::Result<AgentPlan> {
    let packed = base64::engine::general_purpose::STANDARD.decode(text).context("the plan is no base64")?;
    let mut json = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut json).context("cannot inflate the plan")?;
    serde_json::from_slice(&json).context("the plan is of another version of atsmatrix")
}

/// Runs the agent that the plan asks for until its work is done or stdin closes.
///
/// # Errors
/// When there is no plan or no evidence can be written. Everything later is said on stdout as
/// [`Line::Fault`].
pub async fn run() -> anyhow::Result<()> {
    let text = std::env::var(PLAN_VARIABLE).with_context(|| {
        format!("{PLAN_VARIABLE} is not set: `atsmatrix agent` is started by `atsmatrix run` inside containers only")
    })?;
    conceal()?;
    let key = take_key()?;
    let emitter = Emitter::stdout(&key);
    let stdin_closed = watch_stdin();
    let pulse = pulse::start(&emitter);
    let kept = match unpack(&text)? {
        AgentPlan::Origin(plan) => {
            origin_container(*plan, &emitter, stdin_closed).await.map(|origin| origin.map(Kept::Origin))
        }
        AgentPlan::Cell(plan) => cell_container(*plan, &emitter, stdin_closed).await.map(|cell| cell.map(Kept::Cell)),
    };
    drop(pulse);
    if let Err(error) = &kept {
        emitter.emit(&Line::Fault { trial: None, text: format!("{error:#}") });
    }
    emitter.emit(&Line::End);
    if let Ok(Some(_kept)) = kept {
        // Until somebody removes the container.
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// What goes on running for inspection by hand.
#[expect(dead_code, reason = "held, not read: dropping it would end what is kept")]
enum Kept {
    Origin(Origin),
    Cell(Box<trials::Kept>),
}

/// The origin container's life: listen, say so, serve until stdin closes.
async fn origin_container(
    plan: OriginPlan,
    emitter: &Emitter,
    stdin_closed: oneshot::Receiver<()>,
) -> anyhow::Result<Option<Origin>> {
    let door = Door::new(&plan.token, emitter);
    let _echo = beat::echo(Arc::clone(&door)).await?;
    let origin = Origin::start(&plan.ports, &plan.identity, Path::new(trials::ROOT), emitter, &door).await;
    emitter.emit(&Line::Listening);
    let _ = stdin_closed.await;
    if plan.keep {
        return Ok(Some(origin));
    }
    origin.finish().await;
    Ok(None)
}

/// The ATS container's life: all trials, unless the run that started it goes away. The deadline is the cell's own
/// business: what was seen until then is to be told.
async fn cell_container(
    plan: CellPlan,
    emitter: &Emitter,
    stdin_closed: oneshot::Receiver<()>,
) -> anyhow::Result<Option<Box<trials::Kept>>> {
    tokio::select! {
        done = Box::pin(trials::run(plan, emitter.clone())) => done,
        _ = stdin_closed => bail!("stdin closed: the run that started this cell is gone"),
    }
}

/// Makes this process's memory, descriptors and environment its own. What it starts runs as the same user, without
/// the capability to look into others: the kernel then lets nobody open `/proc/PID/mem`, `environ` or `fd/*` of it, nor
/// trace it.
fn conceal() -> anyhow::Result<()> {
    use nix::sys::prctl::{get_dumpable, set_dumpable};
    set_dumpable(false).context("cannot close this process to others of its user")?;
    match get_dumpable() {
        Ok(false) => Ok(()),
        found => {
            bail!("this process stays open to others of its user ({found:?}): what they say could not be told apart")
        }
    }
}

/// The key that the orchestrator hands over on the first line of stdin. Nothing else runs yet that could read it.
fn take_key() -> anyhow::Result<seal::Key> {
    let mut line = String::new();
    std::io::stdin().lock().take(MAX_KEY).read_line(&mut line).context("cannot read the key from stdin")?;
    seal::Key::read(&line)
        .context("no key on stdin: the run that started this container is gone, or of another version")
}

/// Bytes of stdin that are read for a key.
const MAX_KEY: u64 = 128;

/// Resolves when stdin reaches its end. A thread of its own: tokio's stdin would keep the runtime
/// from shutting down while a read is pending.
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
    fn a_plan_survives_its_packing() {
        let identity = Identity { ca_pem: "ca".into(), ..Identity::default() };
        let plan =
            AgentPlan::Origin(Box::new(OriginPlan { ports: Vec::new(), identity, keep: false, token: "t".into() }));
        assert_eq!(unpack(&pack(&plan).unwrap()).unwrap(), plan);
        assert!(unpack("nonsense").is_err());
    }
}
