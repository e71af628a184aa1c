//! The origins of trials: one listener per trial, which reports what it saw of every connection.
//!
//! What an origin does behind its socket differs ([`Speak`]). What is reported about a connection does not: every one
//! passes through a [`Tap`].

mod backend;
mod http;
mod httpd;
mod listener;
mod nginx;

pub(super) use backend::encrypt_key;
pub(super) use listener::no_ipv6;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::emit::Emitter;
use super::heartbeat::OriginGuard;
use super::now_us;
use super::script::{self, Received};
use super::tap::{ConnectionLog, Tap};
use super::tls;
use crate::catalogue::trials::body;
use crate::model::{
    Certificate, Identity, Leaf, Line, OriginConnection, OriginRequest, Port, Speak, Step, TlsSeen, front_name,
    origin_name,
};
use backend::Backend;
use listener::{bind_address, no_listener};

/// Timeout for a handshake. A trial that stalls it is judged by its client.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);

/// Requests recorded per connection. More are served but not recorded.
const MAX_REQUESTS: usize = 1000;

/// Length of the header of a TLS record, in bytes (RFC 8446 section 5.1).
const RECORD_HEADER: usize = 5;

/// What an origin does with a ClientHello that is too large for it.
const RESET_HELLO: &[Step] = &[Step::ReadHello, Step::Reset];

/// The listeners and the connections that they serve.
pub(super) struct Origin {
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Trials whose origin this image cannot provide, with the reason.
    missing: BTreeMap<String, String>,
}

/// The behaviour of one port, shared by its connections.
struct PortBehaviour {
    trial: String,
    port: u16,
    https: bool,
    tls: Option<Arc<ServerConfig>>,
    /// The largest ClientHello that it accepts, in bytes with the record header.
    largest_hello: Option<u32>,
    play: Play,
    /// Connections accepted so far.
    accepted: AtomicUsize,
}

/// What happens on a connection after it is accepted, and after the TLS handshake if there is one.
enum Play {
    Http(http::Answers),
    Script(Vec<Vec<Step>>),
    Forward(Box<Backend>),
}

/// What is known about one connection, in addition to its [`ConnectionLog`].
#[derive(Default)]
struct Notes {
    tls: Option<TlsSeen>,
    requests: Vec<OriginRequest>,
    error: Option<String>,
    /// The local port of the connection to the program behind the agent. It identifies the connection in the log of
    /// that program.
    forwarded_from: Option<u16>,
}

type SharedNotes = Arc<Mutex<Notes>>;

/// Why an origin, or something else that a trial needs, is not available.
#[derive(Debug)]
pub(super) enum Unable {
    /// The image or container lacks something: a program, or IPv6.
    Missing(String),
    /// Anything else is a fault: it says nothing about what is supported.
    Fault(anyhow::Error),
}

impl From<anyhow::Error> for Unable {
    fn from(error: anyhow::Error) -> Self {
        Self::Fault(error)
    }
}

impl Origin {
    /// Listens on every port of `ports`. Programs that serve some of them keep their files in `folder`. A port that
    /// cannot be served is reported as the fault of its trial alone. `guard` decides who may connect.
    pub(super) async fn start(
        ports: &[Port],
        identity: &Identity,
        folder: &Path,
        emitter: &Emitter,
        guard: &Arc<OriginGuard>,
    ) -> Self {
        let mut origin = Self { stop: CancellationToken::new(), tasks: TaskTracker::new(), missing: BTreeMap::new() };
        for port in ports.iter().filter(|port| port.origin.speak != Speak::Nobody) {
            match origin.listen(port, identity, folder, (emitter, guard)).await {
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
        (emitter, guard): (&Emitter, &Arc<OriginGuard>),
    ) -> Result<(), Unable> {
        let play = prepare(port, identity, folder).await?;
        let address = SocketAddr::from((bind_address(port.place), port.port));
        let listener = TcpListener::bind(address).await.map_err(|error| no_listener(port.place, address, error))?;
        let behaviour = PortBehaviour {
            trial: port.trial.clone(),
            port: port.port,
            https: port.origin.https,
            tls: port.origin.tls.as_ref().map(|wanted| tls::server(wanted, identity)).transpose()?,
            largest_hello: port.origin.tls.as_ref().and_then(|wanted| wanted.largest_hello),
            play,
            accepted: AtomicUsize::new(0),
        };
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        self.tasks.spawn(accept(listener, Arc::new(behaviour), (emitter.clone(), Arc::clone(guard)), stop, tasks));
        Ok(())
    }

    /// Why this image cannot provide the origin of `trial`, if so.
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

/// The certificate that other programs serve.
fn good(identity: &Identity) -> anyhow::Result<&Leaf> {
    identity.origins.get(&Certificate::Good).context("the plan lacks the good certificate")
}

/// Prepares what `port` serves, and starts the program behind it if it has one.
async fn prepare(port: &Port, identity: &Identity, folder: &Path) -> Result<Play, Unable> {
    let own_folder = |program: &str| -> anyhow::Result<PathBuf> {
        let folder = folder.join(format!("{program}-{}", port.port));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    };
    Ok(match &port.origin.speak {
        Speak::Http { body_len } => Play::Http(http::Answers::whole(body::bytes(*body_len))),
        Speak::Answer(answer) => Play::Http(http::Answers::of(answer)?),
        Speak::Script(scripts) => Play::Script(scripts.clone()),
        Speak::Openssl { args, rsa_bits, sign } => {
            let (leaf, folder) = (good(identity)?, own_folder("openssl")?);
            let name = origin_name(&port.trial);
            let backend =
                backend::openssl(args, (*rsa_bits, sign), leaf, identity, (&name, port.port), &folder).await?;
            Play::Forward(Box::new(backend))
        }
        Speak::Nginx { body_len, directives } => {
            let (leaf, folder) = (good(identity)?, own_folder("nginx")?);
            let body = body::bytes(*body_len);
            let at = port.port + backend::BACKEND_OFFSET;
            let backend = nginx::start(&body, directives, leaf, identity, at, &folder).await?;
            Play::Forward(Box::new(backend))
        }
        Speak::Httpd { body_len } => {
            let other = identity.origins.get(&Certificate::Rsa).context("the plan lacks the RSA certificate")?;
            let hosts = [(origin_name(&port.trial), good(identity)?), (front_name(&port.trial), other)];
            let (body, at, folder) =
                (body::bytes(*body_len), port.port + backend::BACKEND_OFFSET, own_folder("httpd")?);
            Play::Forward(Box::new(httpd::start(&body, &hosts, at, &folder).await?))
        }
        Speak::Nobody => return Err(Unable::Fault(anyhow::anyhow!("this origin has no listener"))),
    })
}

async fn accept(
    listener: TcpListener,
    behaviour: Arc<PortBehaviour>,
    (emitter, guard): (Emitter, Arc<OriginGuard>),
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
                if !guard.admits(peer.ip(), local, &behaviour.trial) {
                    // With a RST, so that it is not mistaken for an origin that closes.
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

/// Serves one connection to its end and returns what was seen of it.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    behaviour: &Arc<PortBehaviour>,
    stop: CancellationToken,
) -> OriginConnection {
    let accepted_us = now_us();
    let rejects = tokio::select! {
        rejects = behaviour.rejects_hello(&stream) => rejects,
        () = stop.cancelled() => false,
    };
    let script = if rejects { RESET_HELLO } else { behaviour.script() };
    if script.last() == Some(&Step::Reset) {
        // From now on, closing the socket in any way sends a RST.
        let _ = stream.set_zero_linger();
    }
    let (tap, log) = Tap::new(stream, behaviour.https);
    let (notes, received) = (SharedNotes::default(), Received::default());
    let served = async {
        if rejects {
            return script::play(tap, script, "", &received).await;
        }
        handle(tap, behaviour, script, &notes, &received).await
    };
    let served = tokio::select! {
        served = served => served,
        () = stop.cancelled() => Ok(()),
    };
    if let Err(error) = served {
        lock(&notes).error = Some(format!("{error:#}"));
    }
    lock(&notes).requests.extend(received.messages().drain(..).map(request));
    if let Play::Forward(backend) = &behaviour.play {
        backend.add_logged(&mut lock(&notes));
    }
    record(behaviour, peer, accepted_us, &log, &notes)
}

impl PortBehaviour {
    /// Whether the ClientHello on `stream` is larger than this origin accepts. Its record header says how long it is
    /// before the rest has arrived. A TLS client does not send less than that header in one piece.
    async fn rejects_hello(&self, stream: &TcpStream) -> bool {
        let Some(largest) = self.largest_hello else { return false };
        let mut header = [0; RECORD_HEADER];
        if !matches!(stream.peek(&mut header).await, Ok(RECORD_HEADER)) {
            return false;
        }
        let record = u16::from_be_bytes([header[3], header[4]]);
        u64::from(record) + RECORD_HEADER as u64 > u64::from(largest)
    }

    /// The script for the next connection; empty if it does not play one.
    fn script(&self) -> &[Step] {
        let number = self.accepted.fetch_add(1, Ordering::Relaxed);
        match &self.play {
            Play::Script(scripts) => scripts.get(number).or(scripts.last()).map(Vec::as_slice).unwrap_or_default(),
            Play::Http(_) | Play::Forward(_) => &[],
        }
    }
}

/// A request that a script received.
fn request(message: script::HttpMessage) -> OriginRequest {
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
    behaviour: &PortBehaviour,
    peer: SocketAddr,
    accepted_us: u64,
    log: &ConnectionLog,
    notes: &SharedNotes,
) -> OriginConnection {
    let seen = log.read();
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

async fn handle(
    tap: Tap,
    behaviour: &PortBehaviour,
    script: &[Step],
    notes: &SharedNotes,
    received: &Received,
) -> anyhow::Result<()> {
    let Some(config) = &behaviour.tls else {
        return match &behaviour.play {
            Play::Http(answers) => http::serve(tap, false, answers, notes).await,
            Play::Script(_) => script::play(tap, script, "", received).await,
            Play::Forward(backend) => backend.forward(tap, notes).await,
        };
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
    let stream = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(tap))
        .await
        .with_context(|| format!("no TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs()))?
        .context("TLS handshake")?;
    let connection = stream.get_ref().1;
    let shown = connection.peer_certificates().is_some_and(|chain| !chain.is_empty());
    let peer = if shown { "client".to_owned() } else { String::new() };
    let seen = TlsSeen { peer, ..tls::negotiated(connection) };
    let h2 = seen.alpn == "h2";
    lock(notes).tls = Some(seen);
    match &behaviour.play {
        Play::Http(answers) => http::serve(stream, h2, answers, notes).await,
        Play::Script(_) => script::play(stream, script, "", received).await,
        Play::Forward(backend) => backend.forward(stream, notes).await,
    }
}

#[cfg(test)]
pub(super) mod tests;
