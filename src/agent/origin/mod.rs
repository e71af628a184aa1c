//! The origin: one listener a trial, each telling what it saw of every connection.
//!
//! What an origin does behind its socket differs ([`Speak`]); what is told of a connection does not:
//! every one passes through a [`Tap`].

mod backend;
mod http;
mod httpd;
mod nginx;

pub(super) use backend::encrypt_key;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::beat::Door;
use super::emit::Emitter;
use super::now_us;
use super::script::{self, Heard};
use super::tap::{Book, Tap};
use super::tls;
use crate::catalogue::trials::body;
use crate::model::{
    Certificate, Identity, Leaf, Line, OriginConnection, OriginRequest, Place, Port, Speak, Step, TlsSeen, front_name,
    origin_name,
};
use backend::Backend;

/// A handshake that takes longer is given up: the trial that stalls it is judged by its client.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// Requests noted for one connection; a flood beyond it is served but not noted.
const MAX_REQUESTS: usize = 1000;

/// What an origin does with a ClientHello that is too large for it.
const DROP: &[Step] = &[Step::ReadHello, Step::Reset];

/// Listeners and the connections they serve.
pub(super) struct Origin {
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Trials whose origin this image cannot play, with the reason.
    missing: BTreeMap<String, String>,
}

/// How one port behaves, ready to be used by many connections.
struct Behaviour {
    trial: String,
    port: u16,
    https: bool,
    tls: Option<Arc<ServerConfig>>,
    /// Bytes of the largest ClientHello that it bears, with the header of its record.
    largest_hello: Option<u32>,
    play: Play,
    /// Connections accepted so far.
    accepted: AtomicUsize,
}

/// What happens on a connection once it is accepted, and TLS is up where the origin speaks it.
enum Play {
    Http(Bytes),
    Script(Vec<Vec<Step>>),
    Forward(Box<Backend>),
}

/// What one connection has shown so far, beside its [`Book`].
#[derive(Default)]
struct Notes {
    tls: Option<TlsSeen>,
    requests: Vec<OriginRequest>,
    error: Option<String>,
    /// Where the program that serves it was connected to from: by this its log is read.
    forwarded_from: Option<u16>,
}

type SharedNotes = Arc<Mutex<Notes>>;

/// Why an origin, or what a trial needs besides, is not there.
#[derive(Debug)]
pub(super) enum Unable {
    /// This image or container lacks what it takes: a program, or IPv6.
    Missing(String),
    /// Anything else: ours. What failed says nothing of what is supported.
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Unable {
    fn from(error: anyhow::Error) -> Self {
        Self::Fault(error)
    }
}

impl Origin {
    /// Listens on every port of `ports`; programs that serve some of them keep their files in `folder`. A port that
    /// cannot be served is told as the fault of its trial alone.
    /// Who does not come through `door` is refused.
    pub(super) async fn start(
        ports: &[Port],
        identity: &Identity,
        folder: &Path,
        emitter: &Emitter,
        door: &Arc<Door>,
    ) -> Self {
        let mut origin = Self { stop: CancellationToken::new(), tasks: TaskTracker::new(), missing: BTreeMap::new() };
        for port in ports.iter().filter(|port| port.origin.speak != Speak::Nobody) {
            match origin.listen(port, identity, folder, (emitter, door)).await {
                Ok(()) => {}
                Err(Unable::Missing(reason)) => {
                    origin.missing.insert(port.trial.clone(), reason);
                }
                Err(Unable::Fault(error)) => {
                    let text = format!("the origin of {}: {error:#}", port.trial);
                    emitter.emit(&Line::Fault { trial: Some(port.trial.clone()), text });
                }
            }
        }
        origin
    }

    async fn listen(
        &self,
        port: &Port,
        identity: &Identity,
        folder: &Path,
        (emitter, door): (&Emitter, &Arc<Door>),
    ) -> Result<(), Unable> {
        let play = prepare(port, identity, folder).await?;
        let address = SocketAddr::from((bind_address(port.place), port.port));
        let listener = TcpListener::bind(address).await.map_err(|error| no_listener(port.place, address, error))?;
        let behaviour = Behaviour {
            trial: port.trial.clone(),
            port: port.port,
            https: port.origin.https,
            tls: port.origin.tls.as_ref().map(|wanted| tls::server(wanted, identity)).transpose()?,
            largest_hello: port.origin.tls.as_ref().and_then(|wanted| wanted.largest_hello),
            play,
            accepted: AtomicUsize::new(0),
        };
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        self.tasks.spawn(accept(listener, Arc::new(behaviour), (emitter.clone(), Arc::clone(door)), stop, tasks));
        Ok(())
    }

    /// Why this image cannot play the origin of `trial`, if so.
    pub(super) fn missing(&self, trial: &str) -> Option<&str> {
        self.missing.get(trial).map(String::as_str)
    }

    /// Ends every connection and reports on each.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Whether this container has no `::1`.
pub(super) async fn no_ipv6() -> Option<String> {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let error = TcpListener::bind(address).await.err()?;
    match no_listener(Place::SameHostV6, address, error) {
        Unable::Missing(reason) => Some(reason),
        Unable::Fault(_) => None,
    }
}

/// A container without IPv6 has no `::1`; whatever else keeps an origin from listening is no lack of the container.
fn no_listener(place: Place, address: SocketAddr, error: std::io::Error) -> Unable {
    if place == Place::SameHostV6 && error.kind() == std::io::ErrorKind::AddrNotAvailable {
        return Unable::Missing(format!("no IPv6 in this container: {error}"));
    }
    Unable::Fault(anyhow::Error::new(error).context(format!("cannot listen on {address}")))
}

fn bind_address(place: Place) -> IpAddr {
    match place {
        Place::SameHostV6 => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::UNSPECIFIED.into(),
    }
}

/// The certificate that programs serve.
fn good(identity: &Identity) -> anyhow::Result<&Leaf> {
    identity.origins.get(&Certificate::Good).context("the plan lacks the good certificate")
}

/// What `port` plays.
async fn prepare(port: &Port, identity: &Identity, folder: &Path) -> Result<Play, Unable> {
    let own_folder = |program: &str| -> anyhow::Result<PathBuf> {
        let folder = folder.join(format!("{program}-{}", port.port));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    };
    Ok(match &port.origin.speak {
        Speak::Http { body_len } => Play::Http(body::bytes(*body_len).into()),
        Speak::Script(scripts) => Play::Script(scripts.clone()),
        Speak::Openssl { args, rsa_bits, sign } => {
            let (leaf, folder) = (good(identity)?, own_folder("openssl")?);
            let at = (origin_name(&port.trial), port.port);
            let backend = backend::openssl(args, (*rsa_bits, sign), leaf, identity, (&at.0, at.1), &folder).await?;
            Play::Forward(Box::new(backend))
        }
        Speak::Nginx { body_len, directives } => {
            let (leaf, folder) = (good(identity)?, own_folder("nginx")?);
            let body = body::bytes(*body_len);
            let at = port.port + backend::BEHIND;
            let backend = nginx::start(&body, directives, leaf, identity, at, &folder).await?;
            Play::Forward(Box::new(backend))
        }
        Speak::Httpd { body_len } => {
            let other = identity.origins.get(&Certificate::Rsa).context("the plan lacks the RSA certificate")?;
            let hosts = [(origin_name(&port.trial), good(identity)?), (front_name(&port.trial), other)];
            let (body, at, folder) = (body::bytes(*body_len), port.port + backend::BEHIND, own_folder("httpd")?);
            Play::Forward(Box::new(httpd::start(&body, &hosts, at, &folder).await?))
        }
        Speak::Nobody => return Err(Unable::Fault(anyhow::anyhow!("nobody is to listen"))),
    })
}

async fn accept(
    listener: TcpListener,
    behaviour: Arc<Behaviour>,
    (emitter, door): (Emitter, Arc<Door>),
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let local = stream.local_addr().map_or(peer.ip(), |local| local.ip());
                if !door.admits(peer.ip(), local, &behaviour.trial) {
                    // With a RST: it is not to take this for an origin that closes.
                    let _ = stream.set_zero_linger();
                    continue;
                }
                let (behaviour, emitter, stop) = (Arc::clone(&behaviour), emitter.clone(), stop.clone());
                tasks.spawn(async move {
                    let record = serve(stream, peer, &behaviour, stop).await;
                    emitter.emit(&Line::Connection(Box::new(record)));
                });
            }
            Err(error) => {
                let text = format!("the origin cannot accept: {error}");
                emitter.emit(&Line::Fault { trial: Some(behaviour.trial.clone()), text });
                return;
            }
        }
    }
}

/// Serves one connection to its end and tells what was seen of it.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    behaviour: &Arc<Behaviour>,
    stop: CancellationToken,
) -> OriginConnection {
    let accepted_us = now_us();
    let drops = tokio::select! {
        drops = behaviour.drops(&stream) => drops,
        () = stop.cancelled() => false,
    };
    let script = if drops { DROP } else { behaviour.script() };
    if script.last() == Some(&Step::Reset) {
        // From now on every way to let go of the socket is a RST.
        let _ = stream.set_zero_linger();
    }
    let (tap, book) = Tap::new(stream, behaviour.https);
    let (notes, heard) = (SharedNotes::default(), Heard::default());
    let spoken = async {
        if drops {
            return script::play(tap, script, "", &heard).await;
        }
        speak(tap, behaviour, script, &notes, &heard).await
    };
    let spoken = tokio::select! {
        spoken = spoken => spoken,
        () = stop.cancelled() => Ok(()),
    };
    if let Err(error) = spoken {
        lock(&notes).error = Some(format!("{error:#}"));
    }
    lock(&notes).requests.extend(heard.messages().drain(..).map(request));
    if let Play::Forward(backend) = &behaviour.play {
        backend.told(&mut lock(&notes));
    }
    record(behaviour, peer, accepted_us, &book, &notes)
}

impl Behaviour {
    /// Whether the ClientHello that begins on `stream` is larger than this origin bears: its record says how long it
    /// is before the rest has come. Less than that header in one piece is what no TLS client sends.
    async fn drops(&self, stream: &TcpStream) -> bool {
        let Some(largest) = self.largest_hello else { return false };
        let mut header = [0; 5];
        let Ok(5) = stream.peek(&mut header).await else { return false };
        let record = u32::from(u16::from_be_bytes([header[3], header[4]]));
        record + 5 > largest
    }

    /// The script of the next connection; empty where none is played.
    fn script(&self) -> &[Step] {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        match &self.play {
            Play::Script(scripts) => scripts.get(number).or(scripts.last()).map(Vec::as_slice).unwrap_or_default(),
            Play::Http(_) | Play::Forward(_) => &[],
        }
    }
}

/// A request as a script heard it.
fn request(message: script::Message) -> OriginRequest {
    let host = message.headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.clone());
    let [method, target, version] = message.start;
    OriginRequest {
        method,
        target,
        version,
        host: host.unwrap_or_default(),
        body_len: message.body_len,
        body_sha256: message.body_sha256,
        headers: message.headers,
        at_us: message.at_us,
    }
}

fn lock(notes: &SharedNotes) -> std::sync::MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn record(
    behaviour: &Behaviour,
    peer: SocketAddr,
    accepted_us: u64,
    book: &Book,
    notes: &SharedNotes,
) -> OriginConnection {
    let seen = book.read();
    let mut notes = lock(notes);
    OriginConnection {
        trial: behaviour.trial.clone(),
        port: behaviour.port,
        peer: peer.to_string(),
        accepted_us,
        first_byte_us: seen.first_byte_us,
        hello: seen.hello.clone(),
        tls: notes.tls.take(),
        requests: std::mem::take(&mut notes.requests),
        bytes_in: seen.bytes_in,
        bytes_out: seen.bytes_out,
        error: notes.error.take(),
        closed: seen.closed,
    }
}

async fn speak(
    tap: Tap,
    behaviour: &Behaviour,
    script: &[Step],
    notes: &SharedNotes,
    heard: &Heard,
) -> anyhow::Result<()> {
    let Some(config) = &behaviour.tls else {
        return match &behaviour.play {
            Play::Http(body) => http::serve(tap, false, body, notes).await,
            Play::Script(_) => script::play(tap, script, "", heard).await,
            Play::Forward(backend) => backend.forward(tap, notes).await,
        };
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
    let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(tap))
        .await
        .context("no TLS handshake within 15 s")?
        .context("TLS handshake")?;
    let connection = stream.get_ref().1;
    let shown = connection.peer_certificates().is_some_and(|chain| !chain.is_empty());
    let peer = if shown { "client".to_owned() } else { String::new() };
    let seen = TlsSeen { peer, ..tls::negotiated(connection) };
    let h2 = seen.alpn == "h2";
    lock(notes).tls = Some(seen);
    match &behaviour.play {
        Play::Http(body) => http::serve(stream, h2, body, notes).await,
        Play::Script(_) => script::play(stream, script, "", heard).await,
        Play::Forward(backend) => backend.forward(stream, notes).await,
    }
}

#[cfg(test)]
pub(super) mod tests;
