//! Containers of the fake engine.

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

use super::world::World;
use super::{FakeFault, FakeOp};
use crate::engine::error::{Class, EngineError};
use crate::engine::{Container, ContainerChange, ContainerExit, ContainerSpec, DEFAULT_NETWORK, Result, TarStream};

/// Exit code of a process killed by SIGKILL.
const KILLED: i64 = 137;

/// Script of a container: what it does after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Lines it writes to stdout, in order.
    pub lines: Vec<String>,
    /// How many of the last lines the attached stream loses; [`Container::logs`] returns all.
    pub lost: usize,
    /// The pause before each line and before the end. With tokio's paused clock it takes no real time.
    pub pace: Duration,
    /// What it writes to stderr.
    pub stderr: String,
    /// How it ends after its lines.
    pub end: FakeEnd,
    /// Content of every file in it.
    pub file: Vec<u8>,
    /// Events from outside, each with the time after its start.
    pub suffers: Vec<(Duration, ContainerChange)>,
}

impl Default for Behaviour {
    /// Exits at once with code 0 and without output.
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

/// How a scripted container ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeEnd {
    /// Exits by itself.
    Exits {
        /// Its exit code.
        code: i64,
        /// Whether the kernel killed it because memory ran out.
        oom_killed: bool,
    },
    /// Runs until its stdin is closed, then exits with code 0, like an origin.
    AtStdinEof,
    /// Hangs until it is killed.
    WhenKilled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    None,
    StdinClosed,
    Killed,
}

/// A started container of the fake engine.
pub(super) struct FakeContainer {
    world: World,
    id: String,
    name: String,
    ip: Option<IpAddr>,
    /// All lines that it writes.
    all: Vec<String>,
    /// How many of them it has written so far.
    written: Arc<AtomicUsize>,
    stderr: String,
    file: Vec<u8>,
    lines: Option<UnboundedReceiver<String>>,
    signal: watch::Sender<Signal>,
    exit: watch::Receiver<Option<ContainerExit>>,
    /// Nothing is left to remove on drop: it was removed, or is kept on purpose.
    released: bool,
}

impl FakeContainer {
    /// Registers the container and starts its script. Fails if its name is taken or its network does not exist.
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
                // An outage closes its stdin.
                _ = outages.changed() => ContainerExit { code: 1, oom_killed: false, truncated: false },
            };
            its_world.state().running.remove(&its_id);
            its_world.publish(&its_id, ContainerChange::Died { code: exit.code });
            // Fails if the handle was dropped.
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
            released: false,
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
    let beside: Vec<(String, String)> = state.builds.iter().map(|tag| (tag.clone(), spec.name.clone())).collect();
    state.overlaps.extend(beside);
    state.most_running = state.most_running.max(state.running.len());
    let [_, _, high, low] = state.made.to_be_bytes();
    Ok((id, spec.network.as_ref().map(|_| Ipv4Addr::new(172, 31, high, low).into())))
}

/// Plays the events of a container; returns the exit code of the one that ends it.
async fn suffer(world: &World, id: &str, what: Vec<(Duration, ContainerChange)>) -> i64 {
    let begin = tokio::time::Instant::now();
    for (after, what) in what {
        tokio::time::sleep_until(begin + after).await;
        match what {
            ContainerChange::Died { code } => return code,
            other @ (ContainerChange::Paused | ContainerChange::Resumed | ContainerChange::LeftNetwork) => {
                world.publish(id, other);
            }
        }
    }
    std::future::pending().await
}

/// Plays the script of a container until it exits. A kill ends it at any time.
async fn live(
    behaviour: Behaviour,
    lines: tokio::sync::mpsc::UnboundedSender<String>,
    heard: watch::Receiver<Signal>,
    written: &AtomicUsize,
) -> ContainerExit {
    let exit = |code, oom_killed| ContainerExit { code, oom_killed, truncated: false };
    let count = behaviour.lines.len();
    let delivered = count.saturating_sub(behaviour.lost);
    let mut stdin = heard.clone();
    let script = async {
        for line in behaviour.lines.into_iter().take(delivered) {
            tokio::time::sleep(behaviour.pace).await;
            // Fails if the receiver was dropped: the lines are not wanted.
            let _ = lines.send(line);
            written.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(behaviour.pace).await;
        written.store(count, Ordering::Relaxed);
        match behaviour.end {
            FakeEnd::Exits { code, oom_killed } => exit(code, oom_killed),
            FakeEnd::AtStdinEof => {
                // An error means that the handle was dropped, and stdin with it.
                let _ = stdin.wait_for(|signal| *signal != Signal::None).await;
                exit(0, false)
            }
            FakeEnd::WhenKilled => std::future::pending().await,
        }
    };
    let mut kill = heard;
    let killed = async {
        // An error means that the handle was dropped, which removes the container.
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
            return Err(fail(&format!("it has exited with code {}", exit.code)));
        }
        self.ip.ok_or_else(|| fail("it is not in a network"))
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

    fn keep(mut self: Box<Self>) {
        self.released = true;
    }

    async fn remove(mut self: Box<Self>) -> Result<()> {
        self.world.hangs(FakeFault::RemoveHangs).await;
        self.world.remove(&self.id)?;
        self.released = true;
        Ok(())
    }
}

impl Drop for FakeContainer {
    /// Removes it, as the handle of a real engine does in the background.
    fn drop(&mut self) {
        if !self.released {
            // If an injected fault prevents this, the sweep removes it.
            let _ = self.world.remove(&self.id);
        }
    }
}
