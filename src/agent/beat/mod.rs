//! The beat between the agent of a cell and those of its origins: small datagrams, each sent back as it came. It
//! tells the origins who is of the cell, and the cell whether what its trials stand on is there: its origins and
//! the name server. What stays out is told with its time; whose fault it is, a missed answer says by itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::emit::Emitter;
use super::now_us;
use crate::model::Line;

/// The port of origins that sends back what it gets: below those of trials.
const PORT: u16 = 19_999;

/// Between two beats.
const BEAT: Duration = Duration::from_millis(250);

/// How long nothing may come back. On a network of one machine it takes a millisecond, under load ten.
const SILENCE: Duration = Duration::from_millis(1500);

/// Beats looked at together for losses, and how many of them may be lost. There are no losses on a bridge.
const WINDOW: usize = 20;
const LOSSES: usize = 3;

/// How long an origin that listens may take to answer the first time.
const FIRST: Duration = Duration::from_secs(10);

/// Peers told of by name; a flood must not fill the evidence.
const STRANGERS: usize = 16;

/// Who may connect to an origin: the cell, which says who it is by its beat, and whoever is in the same container.
pub(super) struct Door {
    token: String,
    emitter: Emitter,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    cell: Option<IpAddr>,
    strangers: BTreeSet<IpAddr>,
}

impl Door {
    /// A door for those in the same container alone; beats with `token` open it for others.
    pub(super) fn new(token: &str, emitter: &Emitter) -> Arc<Self> {
        Arc::new(Self { token: token.to_owned(), emitter: emitter.clone(), known: Mutex::default() })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `peer`, connected to `local`, is of the cell. Who is not is told once.
    pub(super) fn admits(&self, peer: IpAddr, local: IpAddr, trial: &str) -> bool {
        let mut known = self.known();
        if peer.is_loopback() || peer == local || known.cell == Some(peer) {
            return true;
        }
        if known.strangers.len() < STRANGERS && known.strangers.insert(peer) {
            self.emitter.emit(&Line::Stranger { peer: peer.to_string(), trial: trial.to_owned() });
        }
        false
    }

    /// Takes a beat from `peer`; whether it is one of the cell's.
    fn beat(&self, bytes: &[u8], peer: IpAddr) -> bool {
        if self.token.is_empty() || !bytes.starts_with(self.token.as_bytes()) {
            return false;
        }
        let before = self.known().cell.replace(peer);
        if let Some(before) = before.filter(|before| *before != peer) {
            let text = format!("is spoken to from {peer} instead of {before}: the address of the cell changed");
            self.emitter.emit(&Line::Trouble { of: None, from_us: now_us(), to_us: None, text });
        }
        true
    }
}

/// Sends back the beats of the cell, until dropped.
pub(super) async fn echo(door: Arc<Door>) -> anyhow::Result<AbortOnDropHandle<()>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await.context("cannot listen for the cell's beat")?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        let mut buffer = [0; 256];
        loop {
            // An error is one of an earlier answer: the peer's port was closed.
            let Ok((count, peer)) = socket.recv_from(&mut buffer).await else { continue };
            if door.beat(&buffer[..count], peer.ip()) {
                let _ = socket.send_to(&buffer[..count], peer).await;
            }
        }
    })))
}

/// Who is asked whether it is there.
pub(super) enum Peer {
    /// An origin: its name, and the address of its container.
    Origin(&'static str, IpAddr),
    /// The cell's own name server.
    Names(SocketAddr),
}

/// The beats of a cell, until dropped.
pub(super) struct Beats {
    #[expect(dead_code, reason = "held, not read: dropping it ends them")]
    tasks: Vec<AbortOnDropHandle<()>>,
    /// The cell's own address, as its origins see it.
    pub(super) own: Option<IpAddr>,
}

/// Makes itself known to all of `peers`, and asks them from then on.
///
/// # Errors
/// When one of them does not answer at all.
pub(super) async fn start(peers: Vec<Peer>, token: &str, emitter: &Emitter) -> anyhow::Result<Beats> {
    let (mut tasks, mut own) = (Vec::new(), None);
    for peer in peers {
        let beat = Beat::new(&peer, token, emitter).await?;
        if let Peer::Origin(..) = peer {
            own = own.or(Some(beat.socket.local_addr()?.ip()));
        }
        tasks.push(AbortOnDropHandle::new(tokio::spawn(beat.run())));
    }
    Ok(Beats { tasks, own })
}

struct Beat {
    socket: UdpSocket,
    /// Whose container is at fault when nothing comes back; `None`: this one.
    of: Option<String>,
    /// What is in silence, as the end of "the ... container".
    what: &'static str,
    ask: Box<dyn Fn(u16) -> Vec<u8> + Send + Sync>,
    emitter: Emitter,
}

impl Beat {
    async fn new(peer: &Peer, token: &str, emitter: &Emitter) -> anyhow::Result<Self> {
        let token = token.to_owned();
        let (at, of, what): (SocketAddr, Option<String>, &str) = match peer {
            Peer::Origin(name, ip) => ((*ip, PORT).into(), Some((*name).to_owned()), "did not answer"),
            Peer::Names(at) => (*at, None, "got no answer of its own name server"),
        };
        let ask: Box<dyn Fn(u16) -> Vec<u8> + Send + Sync> = match peer {
            Peer::Origin(..) => Box::new(move |number| {
                let mut bytes = token.clone().into_bytes();
                bytes.extend(number.to_be_bytes());
                bytes
            }),
            Peer::Names(_) => Box::new(super::dns::question),
        };
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.context("cannot open a socket for the beat")?;
        socket.connect(at).await.with_context(|| format!("cannot send to {at}"))?;
        let beat = Self { socket, of, what, ask, emitter: emitter.clone() };
        let first = async {
            loop {
                let _ = beat.socket.send(&(beat.ask)(0)).await;
                if tokio::time::timeout(BEAT, beat.answer()).await.is_ok() {
                    return;
                }
            }
        };
        if tokio::time::timeout(FIRST, first).await.is_err() {
            let whose = beat.of.as_deref().unwrap_or("cell");
            bail!("the {whose} container {} at {at} within {} s", beat.what, FIRST.as_secs());
        }
        Ok(beat)
    }

    /// The number of the next answer.
    async fn answer(&self) -> u16 {
        let mut buffer = [0; 512];
        loop {
            // An error tells of an earlier beat that nobody took.
            let Ok(count) = self.socket.recv(&mut buffer).await else { continue };
            let answer = &buffer[..count];
            let number = if self.of.is_some() { answer.last_chunk::<2>() } else { answer.first_chunk::<2>() };
            if let Some(number) = number {
                return u16::from_be_bytes(*number);
            }
        }
    }

    async fn run(self) {
        let mut seen = Seen::new(Instant::now());
        let mut next = Instant::now();
        for number in (1..=u16::MAX).cycle() {
            next += BEAT;
            seen.sent(number);
            // An error is an answer that does not come.
            let _ = self.socket.send(&(self.ask)(number)).await;
            while let Ok(number) = tokio::time::timeout_at(next, self.answer()).await {
                seen.answered(number, Instant::now());
            }
            let now = Instant::now();
            // Who was not woken in time cannot say that another was silent.
            let late = now.saturating_duration_since(next);
            next += late;
            if let Some((from, to, what)) = seen.look(now, late) {
                let ago = |at: Instant| micros(now.saturating_duration_since(at));
                let (from_us, to_us) = (now_us().saturating_sub(ago(from)), Some(now_us().saturating_sub(ago(to))));
                let text = match what {
                    Found::Silence => {
                        format!("{} for {:.1} s", self.what, to.saturating_duration_since(from).as_secs_f64())
                    }
                    Found::Losses(count) => format!("{} to {count} of {WINDOW} packets", self.what),
                };
                self.emitter.emit(&Line::Trouble { of: self.of.clone(), from_us, to_us, text });
            }
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What was found of a peer.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Silence,
    Losses(usize),
}

/// What came back of the beats so far.
struct Seen {
    /// The last answer.
    heard: Instant,
    /// Beats under way, by number: how many looks ago they were sent.
    open: BTreeMap<u16, u32>,
    /// Whether the last beats were lost.
    lost: VecDeque<bool>,
    /// When the silence began that is not over.
    silent: Option<Instant>,
}

impl Seen {
    fn new(now: Instant) -> Self {
        Self { heard: now, open: BTreeMap::new(), lost: VecDeque::new(), silent: None }
    }

    fn sent(&mut self, number: u16) {
        self.open.insert(number, 0);
    }

    fn answered(&mut self, number: u16, now: Instant) {
        if self.open.remove(&number).is_some() {
            self.heard = now;
            self.lost.push_back(false);
        }
    }

    /// Looks at what is missing, at the end of a beat that took `late` longer than it should. Silence is told bit
    /// by bit while it lasts: whoever is ended in it has told of it.
    fn look(&mut self, now: Instant, late: Duration) -> Option<(Instant, Instant, Found)> {
        self.heard = (self.heard + late).min(now);
        let patience = u32::try_from(SILENCE.as_millis() / BEAT.as_millis()).unwrap_or(u32::MAX);
        let open = std::mem::take(&mut self.open);
        // What comes back after that was lost; of one that was not woken in time the answers may be waiting.
        let patience = if late > BEAT { patience * 4 } else { patience };
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
        if now.saturating_duration_since(self.heard) > SILENCE {
            let from = *self.silent.get_or_insert(self.heard);
            return Some((from, now, Found::Silence));
        }
        if self.silent.take().is_some() {
            // What was lost in the silence is told with it.
            self.lost.clear();
            self.open.clear();
        }
        let count = self.lost.iter().filter(|lost| **lost).count();
        (count > LOSSES).then(|| {
            self.lost.clear();
            let long = BEAT * u32::try_from(WINDOW).unwrap_or(1) + SILENCE;
            (now.checked_sub(long).unwrap_or(now), now, Found::Losses(count))
        })
    }
}

#[cfg(test)]
mod tests;
