//! A scripted container.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

use super::{FakeFault, FakeOp, World};
use crate::engine::error::{Class, EngineError};
use crate::engine::{Container, ContainerChange, ContainerExit, ContainerSpec, DEFAULT_NETWORK, Result, TarStream};

/// Exit code of a process killed by SIGKILL.
const KILLED: i64 = 137;

/// What a scripted container does from its start on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Lines it writes to stdout, in order.
    pub lines: Vec<String>,
    /// How many of the last lines the attached stream loses; [`Container::logs`] has them all.
    pub lost: usize,
    /// The pause before each line and before the end. With tokio's paused clock it costs no real time.
    pub pace: Duration,
    /// What it writes to stderr.
    pub stderr: String,
    /// What it does after its lines.
    pub end: FakeEnd,
    /// What any file in it holds.
    pub file: Vec<u8>,
    /// What somebody else does to it, each so long after its start.
    pub suffers: Vec<(Duration, ContainerChange)>,
}

impl Default for Behaviour {
    /// Ends at once with exit code 0 and without output.
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            lost: 0,
            pace: Duration::ZERO,
            stderr: String::new(),
            end: FakeEnd::Exits { code: 0, oom_killed: false },
            file: Vec::new(),
            suffers: Vec::new(),
        }
    }
}

/// What a scripted container does after its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeEnd {
    /// Ends by itself.
    Exits {
        /// Its exit code.
        code: i64,
        /// Whether for want of memory.
        oom_killed: bool,
    },
    /// Runs on until its stdin is closed, then ends with code 0: what an origin does.
    AtStdinEof,
    /// Runs on until it is killed: it hangs.
    WhenKilled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    None,
    StdinClosed,
    Killed,
}

/// A scripted container.
pub(super) struct FakeContainer {
    world: World,
    id: String,
    name: String,
    ip: Option<IpAddr>,
    all: Vec<String>,
    /// How many of them it has written.
    written: Arc<AtomicUsize>,
    stderr: String,
    file: Vec<u8>,
    lines: Option<UnboundedReceiver<String>>,
    signal: watch::Sender<Signal>,
    exit: watch::Receiver<Option<ContainerExit>>,
    removed: bool,
}

impl FakeContainer {
    /// Registers the container and lets it behave. Fails for a network that is not there.
    pub(super) fn start(world: World, spec: &ContainerSpec, behaviour: Behaviour) -> std::result::Result<Self, String> {
        let (id, ip) = register(&world, spec)?;
        let (signal, heard) = watch::channel(Signal::None);
        let (ended, exit) = watch::channel(None);
        let (sender, lines) = unbounded_channel();
        let (all, stderr) = (behaviour.lines.clone(), behaviour.stderr.clone());
        let file = behaviour.file.clone();
        let (its_world, its_id) = (world.clone(), id.clone());
        let written = Arc::new(AtomicUsize::new(0));
        let so_far = Arc::clone(&written);
        let mut outages = world.state().outages.subscribe();
        tokio::spawn(async move {
            let suffered = suffer(&its_world, &its_id, behaviour.suffers.clone());
            let exit = tokio::select! {
                exit = live(behaviour, sender, heard, &so_far) => exit,
                code = suffered => ContainerExit { code, oom_killed: false, truncated: false },
                // Its stdin has ended with the connection.
                _ = outages.changed() => ContainerExit { code: 1, oom_killed: false, truncated: false },
            };
            its_world.state().running.remove(&its_id);
            its_world.happens(&its_id, ContainerChange::Died { code: exit.code });
            // Nobody may be waiting any more.
            let _ = ended.send(Some(exit));
        });
        Ok(Self {
            world,
            id,
            name: spec.name.clone(),
            ip,
            all,
            written,
            stderr,
            file,
            lines: Some(lines),
            signal,
            exit,
            removed: false,
        })
    }
}

fn register(world: &World, spec: &ContainerSpec) -> std::result::Result<(String, Option<IpAddr>), String> {
    let mut state = world.state();
    if state.containers.values().any(|(name, _)| *name == spec.name) {
        return Err(format!("the container name {} is already in use", spec.name));
    }
    if let Some(network) =
        spec.network.as_ref().filter(|id| *id != DEFAULT_NETWORK && !state.networks.contains_key(*id))
    {
        return Err(format!("network {network} not found"));
    }
    state.made += 1;
    let id = format!("container-{}", state.made);
    state.containers.insert(id.clone(), (spec.name.clone(), spec.labels.clone()));
    state.log.push(FakeOp::Start(spec.name.clone()));
    state.running.insert(id.clone());
    state.most_running = state.most_running.max(state.running.len());
    let [_, _, high, low] = state.made.to_be_bytes();
    Ok((id, spec.network.as_ref().map(|_| Ipv4Addr::new(172, 31, high, low).into())))
}

/// Lets happen what is done to a container, and returns the exit code of what ends it.
async fn suffer(world: &World, id: &str, what: Vec<(Duration, ContainerChange)>) -> i64 {
    let begin = tokio::time::Instant::now();
    for (after, what) in what {
        tokio::time::sleep_until(begin + after).await;
        match what {
            ContainerChange::Died { code } => return code,
            other => world.happens(id, other),
        }
    }
    std::future::pending().await
}

/// The container's life. A kill ends it at any time.
async fn live(
    behaviour: Behaviour,
    lines: tokio::sync::mpsc::UnboundedSender<String>,
    heard: watch::Receiver<Signal>,
    written: &AtomicUsize,
) -> ContainerExit {
    let exit = |code, oom_killed| ContainerExit { code, oom_killed, truncated: false };
    let count = behaviour.lines.len();
    let told = count.saturating_sub(behaviour.lost);
    let mut stdin = heard.clone();
    let script = async {
        for line in behaviour.lines.into_iter().take(told) {
            tokio::time::sleep(behaviour.pace).await;
            // Whoever dropped the receiver does not want them.
            let _ = lines.send(line);
            written.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(behaviour.pace).await;
        written.store(count, Ordering::Relaxed);
        match behaviour.end {
            FakeEnd::Exits { code, oom_killed } => exit(code, oom_killed),
            FakeEnd::AtStdinEof => {
                // An error means that the handle is gone, and stdin with it.
                let _ = stdin.wait_for(|signal| *signal != Signal::None).await;
                exit(0, false)
            }
            FakeEnd::WhenKilled => std::future::pending().await,
        }
    };
    let mut kill = heard;
    let killed = async {
        // An error means that the handle was dropped, upon which it is removed.
        let _ = kill.wait_for(|signal| *signal == Signal::Killed).await;
    };
    tokio::select! {
        exit = script => exit,
        () = killed => exit(KILLED, false),
    }
}

#[async_trait]
impl Container for FakeContainer {
    fn id(&self) -> &str {
        &self.id
    }

    async fn ip(&self) -> Result<IpAddr> {
        let fail = |reason: &str| EngineError::new("find the address of container", &self.name, Class::Other, reason);
        if let Some(exit) = *self.exit.borrow() {
            return Err(fail(&format!("it has ended with exit code {}", exit.code)));
        }
        self.ip.ok_or_else(|| fail("it is in no network"))
    }

    fn lines(&mut self) -> UnboundedReceiver<String> {
        self.lines.take().unwrap_or_else(|| unbounded_channel().1)
    }

    fn stderr_tail(&self) -> String {
        self.stderr.clone()
    }

    async fn close_stdin(&self) -> Result<()> {
        self.world.reachable("close stdin of container", &self.name)?;
        self.world.log(FakeOp::CloseStdin(self.name.clone()));
        self.signal.send_if_modified(|signal| {
            let first = *signal == Signal::None;
            if first {
                *signal = Signal::StdinClosed;
            }
            first
        });
        Ok(())
    }

    async fn wait(&self) -> Result<ContainerExit> {
        self.world.reachable("wait for container", &self.name)?;
        let ended = self.exit.clone().wait_for(Option::is_some).await.map(|exit| *exit);
        let Ok(Some(exit)) = ended else {
            return Err(EngineError::new("wait for container", &self.name, Class::Interrupted, "the runtime stopped"));
        };
        self.world.log(FakeOp::Wait(self.name.clone()));
        Ok(exit)
    }

    async fn logs(&self) -> Result<Vec<String>> {
        self.world.reachable("read logs of container", &self.name)?;
        Ok(self.all[..self.written.load(Ordering::Relaxed)].to_vec())
    }

    fn file(&self, path: &str) -> TarStream {
        let mut header = tar::Header::new_gnu();
        header.set_size(self.file.len() as u64);
        header.set_mode(0o644);
        let mut archive = tar::Builder::new(Vec::new());
        let name = path.rsplit('/').next().unwrap_or(path);
        let packed = archive.append_data(&mut header, name, self.file.as_slice()).and_then(|()| archive.into_inner());
        stream::iter([packed.map(Bytes::from)]).boxed()
    }

    async fn kill(&self) -> Result<()> {
        self.world.reachable("kill container", &self.name)?;
        self.world.log(FakeOp::Kill(self.name.clone()));
        self.signal.send_replace(Signal::Killed);
        Ok(())
    }

    async fn remove(mut self: Box<Self>) -> Result<()> {
        self.world.hangs(FakeFault::RemoveHangs).await;
        self.world.remove(&self.id)?;
        self.removed = true;
        Ok(())
    }
}

impl Drop for FakeContainer {
    /// Removes it, as a real engine's handle does in the background.
    fn drop(&mut self) {
        if !self.removed {
            // An injected fault leaves it to the sweep.
            let _ = self.world.remove(&self.id);
        }
    }
}
