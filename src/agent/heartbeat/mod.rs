//! Heartbeats between the agent of a cell and the agents of its origins: small datagrams that are echoed unchanged. From
//! them the origins learn the address of the cell, and the cell learns whether its trials have what they need: its
//! origins and the name server. Every outage is reported with its time and with the container that caused it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::emit::Emitter;
use super::now_us;
use crate::model::Line;

/// The UDP port of origins that echoes heartbeats: below the ports of trials.
const PORT: u16 = 19_999;

/// Time between two heartbeats.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long no echo may arrive. On the network of one machine it takes a millisecond, under load ten.
const SILENCE: Duration = Duration::from_millis(1500);

/// Number of heartbeats over which losses are counted, and how many may be lost. A bridge loses none.
const WINDOW: usize = 20;
const MAX_LOSSES: usize = 3;

/// How many times longer a heartbeat may stay without an echo when the task that counts was woken late.
const LATE_FACTOR: u32 = 4;

/// Timeout for the first echo of an origin.
const FIRST_ECHO: Duration = Duration::from_secs(10);

/// The same of a parent, which answers when its ATS is up: that may take as long as ATS may take to start, and a second one
/// where the first does not.
const FIRST_ECHO_OF_PARENT: Duration = Duration::from_secs(45);

/// Refused peers reported at most: a flood must not fill the evidence.
const MAX_STRANGERS: usize = 16;

/// Decides who may connect to an origin: the cell, which its heartbeats identify, and programs in the same container.
pub(super) struct OriginGuard {
    /// Of the cell, and of its parent in a cell with two ATS.
    tokens: Vec<String>,
    emitter: Emitter,
    known: Mutex<KnownPeers>,
    /// Whether heartbeats are not answered yet.
    silent: AtomicBool,
    /// Notified of the first heartbeat.
    met: Notify,
}

#[derive(Default)]
struct KnownPeers {
    /// The address of the sender of each token.
    senders: BTreeMap<usize, IpAddr>,
    strangers: BTreeSet<IpAddr>,
}

impl OriginGuard {
    /// Admits programs in the same container, and the senders of heartbeats with one of `tokens`; an empty token admits no
    /// other.
    pub(super) fn new(tokens: &[&str], emitter: &Emitter) -> Arc<Self> {
        Arc::new(Self {
            tokens: tokens.iter().map(ToString::to_string).collect(),
            emitter: emitter.clone(),
            known: Mutex::default(),
            silent: AtomicBool::new(false),
            met: Notify::new(),
        })
    }

    /// The same, but no heartbeat is answered before [`OriginGuard::speak`].
    pub(super) fn silent(token: &str, emitter: &Emitter) -> Arc<Self> {
        let guard = Self::new(&[token], emitter);
        guard.silent.store(true, Ordering::Release);
        guard
    }

    /// Answers heartbeats from now on.
    pub(super) fn speak(&self) {
        self.silent.store(false, Ordering::Release);
    }

    /// The address of the first sender of heartbeats, once there is one.
    pub(super) async fn first_sender(&self) -> IpAddr {
        loop {
            if let Some(sender) = self.known().senders.values().next() {
                return *sender;
            }
            self.met.notified().await;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, KnownPeers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `peer`, connected to `local`, belongs to the cell. A peer that does not is reported once.
    pub(super) fn admits(&self, peer: IpAddr, local: IpAddr, trial: &str) -> bool {
        let mut known = self.known();
        if peer.is_loopback() || peer == local || known.senders.values().any(|known| *known == peer) {
            return true;
        }
        if known.strangers.len() < MAX_STRANGERS && known.strangers.insert(peer) {
            self.emitter.emit(&Line::Stranger { peer: peer.to_string(), trial: trial.to_owned() });
        }
        false
    }

    /// Handles a datagram from `peer`. Whether it is a heartbeat of the cell.
    fn accept_beat(&self, bytes: &[u8], peer: IpAddr) -> bool {
        let is_of = |token: &String| !token.is_empty() && bytes.starts_with(token.as_bytes());
        let Some(of) = self.tokens.iter().position(is_of) else { return false };
        let before = self.known().senders.insert(of, peer);
        self.met.notify_one();
        if let Some(before) = before.filter(|before| *before != peer) {
            let text = format!("gets heartbeats from {peer} instead of {before}: the address of the cell changed");
            self.emitter.emit(&Line::Trouble { of: None, from_us: now_us(), to_us: None, text });
        }
        true
    }
}

/// Echoes the heartbeats of the cell until the handle is dropped.
pub(super) async fn echo(guard: Arc<OriginGuard>) -> anyhow::Result<AbortOnDropHandle<()>> {
    let socket =
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await.context("cannot listen for the heartbeats of the cell")?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        let mut buffer = [0; 256];
        loop {
            // An error belongs to an earlier echo: the port of the peer was closed.
            let Ok((count, peer)) = socket.recv_from(&mut buffer).await else { continue };
            if guard.accept_beat(&buffer[..count], peer.ip()) && !guard.silent.load(Ordering::Acquire) {
                let _ = socket.send_to(&buffer[..count], peer).await;
            }
        }
    })))
}

/// A peer that heartbeats are sent to.
pub(super) enum Peer {
    /// An origin: the name and the address of its container.
    Origin(&'static str, IpAddr),
    /// The parent of a cell with two ATS.
    Parent(IpAddr),
    /// The name server of the cell.
    Names(SocketAddr),
}

/// The running heartbeats of a cell. They stop when this is dropped.
pub(super) struct Heartbeats {
    #[expect(dead_code, reason = "never read: dropping it stops them")]
    tasks: Vec<AbortOnDropHandle<()>>,
    /// The address of the cell, as its origins see it.
    pub(super) own: Option<IpAddr>,
}

/// Waits for the first echo of each of `peers`, then sends them heartbeats.
///
/// # Errors
/// When one of them does not answer.
pub(super) async fn start(peers: Vec<Peer>, token: &str, emitter: &Emitter) -> anyhow::Result<Heartbeats> {
    let (mut tasks, mut own) = (Vec::new(), None);
    for peer in peers {
        let beat = Heartbeat::new(&peer, token, emitter).await?;
        if let Peer::Origin(..) | Peer::Parent(_) = peer {
            own = own.or(Some(beat.socket.local_addr()?.ip()));
        }
        tasks.push(AbortOnDropHandle::new(tokio::spawn(beat.run())));
    }
    Ok(Heartbeats { tasks, own })
}

struct Heartbeat {
    socket: UdpSocket,
    /// The container that is at fault when no echo arrives; `None`: this one.
    of: Option<String>,
    /// What happened when no echo arrives, as the predicate of "the ... container".
    failure: &'static str,
    datagram: Box<dyn Fn(u16) -> Vec<u8> + Send + Sync>,
    emitter: Emitter,
}

impl Heartbeat {
    async fn new(peer: &Peer, token: &str, emitter: &Emitter) -> anyhow::Result<Self> {
        let token = token.to_owned();
        let (at, of, failure): (SocketAddr, Option<String>, &str) = match peer {
            Peer::Origin(name, ip) => ((*ip, PORT).into(), Some((*name).to_owned()), "did not answer"),
            Peer::Parent(ip) => ((*ip, PORT).into(), Some("parent".to_owned()), "did not answer"),
            Peer::Names(at) => (*at, None, "got no answer from its own name server"),
        };
        let datagram: Box<dyn Fn(u16) -> Vec<u8> + Send + Sync> = match peer {
            Peer::Origin(..) | Peer::Parent(_) => Box::new(move |number| {
                let mut bytes = token.clone().into_bytes();
                bytes.extend(number.to_be_bytes());
                bytes
            }),
            Peer::Names(_) => Box::new(super::dns::query),
        };
        let socket =
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.context("cannot open a socket for heartbeats")?;
        socket.connect(at).await.with_context(|| format!("cannot send to {at}"))?;
        let beat = Self { socket, of, failure, datagram, emitter: emitter.clone() };
        let first = async {
            loop {
                let _ = beat.socket.send(&(beat.datagram)(0)).await;
                if tokio::time::timeout(INTERVAL, beat.echo()).await.is_ok() {
                    return;
                }
            }
        };
        let patience = if matches!(peer, Peer::Parent(_)) { FIRST_ECHO_OF_PARENT } else { FIRST_ECHO };
        if tokio::time::timeout(patience, first).await.is_err() {
            let container = beat.of.as_deref().unwrap_or("cell");
            bail!("the {container} container {} at {at} within {} s", beat.failure, patience.as_secs());
        }
        Ok(beat)
    }

    /// The number of the next echo.
    async fn echo(&self) -> u16 {
        let mut buffer = [0; 512];
        loop {
            // An error belongs to an earlier heartbeat that was not received.
            let Ok(count) = self.socket.recv(&mut buffer).await else { continue };
            let answer = &buffer[..count];
            let number = if self.of.is_some() { answer.last_chunk::<2>() } else { answer.first_chunk::<2>() };
            if let Some(number) = number {
                return u16::from_be_bytes(*number);
            }
        }
    }

    async fn run(self) {
        let mut window = BeatWindow::new(Instant::now());
        let mut next = Instant::now();
        for number in (1..=u16::MAX).cycle() {
            next += INTERVAL;
            window.sent(number);
            // An error is counted as a missing echo.
            let _ = self.socket.send(&(self.datagram)(number)).await;
            while let Ok(number) = tokio::time::timeout_at(next, self.echo()).await {
                window.echoed(number, Instant::now());
            }
            let now = Instant::now();
            // If this task was woken late, the echoes may be late because of that.
            let late = now.saturating_duration_since(next);
            next += late;
            if let Some((from, to, what)) = window.check(now, late) {
                let ago = |at: Instant| micros(now.saturating_duration_since(at));
                let (from_us, to_us) = (now_us().saturating_sub(ago(from)), Some(now_us().saturating_sub(ago(to))));
                let text = match what {
                    Outage::Silence => {
                        format!("{} for {:.1} s", self.failure, to.saturating_duration_since(from).as_secs_f64())
                    }
                    Outage::Losses(count) => format!("{} to {count} of {WINDOW} packets", self.failure),
                };
                self.emitter.emit(&Line::Trouble { of: self.of.clone(), from_us, to_us, text });
            }
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How a peer failed to answer.
#[derive(Debug, PartialEq, Eq)]
enum Outage {
    Silence,
    Losses(usize),
}

/// The echoes of the last heartbeats.
struct BeatWindow {
    /// When the last echo arrived.
    last_echo: Instant,
    /// Heartbeats without an echo yet, by number: how many checks ago they were sent.
    open: BTreeMap<u16, u32>,
    /// For each of the last heartbeats whether it was lost.
    lost: VecDeque<bool>,
    /// When the current silence began.
    silent: Option<Instant>,
}

impl BeatWindow {
    fn new(now: Instant) -> Self {
        Self { last_echo: now, open: BTreeMap::new(), lost: VecDeque::new(), silent: None }
    }

    fn sent(&mut self, number: u16) {
        self.open.insert(number, 0);
    }

    fn echoed(&mut self, number: u16, now: Instant) {
        if self.open.remove(&number).is_some() {
            self.last_echo = now;
            self.lost.push_back(false);
        }
    }

    /// Checks for missing echoes at the end of an interval that took `late` longer than it should. Silence is reported at
    /// each check while it lasts: if the container is stopped meanwhile, part of it has been reported.
    fn check(&mut self, now: Instant, late: Duration) -> Option<(Instant, Instant, Outage)> {
        self.last_echo = (self.last_echo + late).min(now);
        let patience = u32::try_from(SILENCE.as_millis() / INTERVAL.as_millis()).unwrap_or(u32::MAX);
        let open = std::mem::take(&mut self.open);
        // A heartbeat without an echo for so long is lost. If this task was woken late, echoes may be waiting in the socket.
        let patience = if late > INTERVAL { patience * LATE_FACTOR } else { patience };
        for (number, beats) in open {
            if beats < patience {
                self.open.insert(number, beats + 1);
            } else {
                self.lost.push_back(true);
            }
        }
        while self.lost.len() > WINDOW {
            self.lost.pop_front();
        }
        if now.saturating_duration_since(self.last_echo) > SILENCE {
            let from = *self.silent.get_or_insert(self.last_echo);
            return Some((from, now, Outage::Silence));
        }
        if self.silent.take().is_some() {
            // The losses during the silence were reported with it.
            self.lost.clear();
            self.open.clear();
        }
        let count = self.lost.iter().filter(|lost| **lost).count();
        (count > MAX_LOSSES).then(|| {
            self.lost.clear();
            let long = INTERVAL * u32::try_from(WINDOW).unwrap_or(1) + SILENCE;
            (now.checked_sub(long).unwrap_or(now), now, Outage::Losses(count))
        })
    }
}

#[cfg(test)]
mod tests;
