//! The origin: one listener a trial, each telling what it saw of every connection.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::emit::Emitter;
use super::now_us;
use super::tap::{Book, Tap};
use super::tls;
use crate::model::{Identity, Line, OriginConnection, OriginRequest, Port, TlsSeen};
use crate::trial::body;

/// A handshake that takes longer is given up: the trial that stalls it is judged by its client.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// Requests noted for one connection; a flood beyond it is served but not noted.
const MAX_REQUESTS: usize = 1000;

/// Listeners and the connections they serve.
pub(super) struct Origin {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// How one port behaves, ready to be used by many connections.
struct Behaviour {
    trial: String,
    port: u16,
    tls: Option<Arc<ServerConfig>>,
    body: Bytes,
}

/// What one connection has shown so far, beside its [`Book`].
#[derive(Default)]
struct Notes {
    tls: Option<TlsSeen>,
    requests: Vec<OriginRequest>,
    error: Option<String>,
}

type SharedNotes = Arc<Mutex<Notes>>;

impl Origin {
    /// Listens on every port of `ports`, on all addresses.
    pub(super) async fn start(ports: &[Port], identity: &Identity, emitter: &Emitter) -> anyhow::Result<Self> {
        let origin = Self { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let mut bodies: BTreeMap<u64, Bytes> = BTreeMap::new();
        for port in ports {
            let len = port.origin.body_len;
            let behaviour = Behaviour {
                trial: port.trial.clone(),
                port: port.port,
                tls: port.origin.tls.as_ref().map(|wanted| tls::server(wanted, identity)).transpose()?,
                body: bodies.entry(len).or_insert_with(|| body::bytes(len).into()).clone(),
            };
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.port));
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("the origin of {} cannot listen on {address}", port.trial))?;
            origin.tasks.spawn(accept(listener, Arc::new(behaviour), emitter.clone(), origin.clone()));
        }
        Ok(origin)
    }

    fn clone(&self) -> Self {
        Self { stop: self.stop.clone(), tasks: self.tasks.clone() }
    }

    /// Ends every connection and reports on each.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(listener: TcpListener, behaviour: Arc<Behaviour>, emitter: Emitter, origin: Origin) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = origin.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (behaviour, emitter, stop) = (Arc::clone(&behaviour), emitter.clone(), origin.stop.clone());
                origin.tasks.spawn(async move {
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
    let (tap, book) = Tap::new(stream, behaviour.tls.is_some());
    let notes = SharedNotes::default();
    let spoken = tokio::select! {
        spoken = speak(tap, behaviour, &notes) => spoken,
        () = stop.cancelled() => Ok(()),
    };
    if let Err(error) = spoken {
        lock(&notes).error = Some(format!("{error:#}"));
    }
    record(behaviour, peer, accepted_us, &book, &notes)
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

async fn speak(tap: Tap, behaviour: &Arc<Behaviour>, notes: &SharedNotes) -> anyhow::Result<()> {
    let Some(config) = &behaviour.tls else { return http(tap, behaviour, notes).await };
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
    let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(tap))
        .await
        .context("no TLS handshake within 15 s")?
        .context("TLS handshake")?;
    lock(notes).tls = Some(tls::negotiated(stream.get_ref().1));
    http(stream, behaviour, notes).await
}

async fn http<S>(stream: S, behaviour: &Arc<Behaviour>, notes: &SharedNotes) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| answer(request, Arc::clone(behaviour), Arc::clone(notes)));
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
        .context("HTTP at the origin")
}

async fn answer(
    request: Request<Incoming>,
    behaviour: Arc<Behaviour>,
    notes: SharedNotes,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let at_us = now_us();
    let host = request.headers().get(hyper::header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
    let mut received = OriginRequest {
        method: request.method().to_string(),
        target: request.uri().to_string().chars().take(256).collect(),
        version: format!("{:?}", request.version()),
        host: host.map(|host| host.chars().take(256).collect()).unwrap_or_default(),
        at_us,
        ..OriginRequest::default()
    };
    let mut hash = Sha256::new();
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            hash.update(&data);
            received.body_len += data.len() as u64;
        }
    }
    received.body_sha256 = body::hex(&hash.finalize());
    let mut notes = lock(&notes);
    if notes.requests.len() < MAX_REQUESTS {
        notes.requests.push(received);
    }
    Ok(Response::new(Full::new(behaviour.body.clone())))
}

#[cfg(test)]
mod tests {
    use super::super::client::{self, Target};
    use super::*;
    use crate::model::{ClosedBy, OriginSpec, OriginTls, RequestSpec, TlsVersion};
    use std::io::Write;
    use tokio::io::AsyncReadExt as _;

    /// Collects what an origin tells.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<u8>>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Told {
        fn connections(&self) -> Vec<OriginConnection> {
            let bytes = self.0.lock().unwrap().clone();
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines
                .filter_map(|line| match serde_json::from_slice(line).unwrap() {
                    Line::Connection(connection) => Some(*connection),
                    _ => None,
                })
                .collect()
        }
    }

    /// A port of each test's own, below those that the kernel hands out to others by itself.
    fn free_port() -> u16 {
        static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(25_000);
        NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// An origin with TLS 1.2 only.
    async fn origin() -> (Origin, Told, Identity, SocketAddr) {
        let identity = crate::cell::identity::make(&["t.test".into()]).unwrap();
        let port = free_port();
        let tls = Some(OriginTls { versions: vec![TlsVersion::Tls12] });
        let ports = [Port { trial: "t".into(), port, origin: OriginSpec { tls, body_len: 5000 } }];
        let told = Told::default();
        let origin = Origin::start(&ports, &identity, &Emitter::to(told.clone())).await.unwrap();
        (origin, told, identity, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    #[tokio::test]
    async fn two_requests_on_one_connection_are_told_with_what_was_negotiated() {
        let (origin, told, identity, address) = origin().await;
        let target = Target { address, host: "t.test".into(), tls: Some(tls::client(&identity).unwrap()) };
        let post = RequestSpec { method: "POST".into(), body_len: 70_000 };
        let get = RequestSpec { method: "GET".into(), body_len: 0 };
        let run = client::run(&target, &[post, get], Duration::from_secs(10)).await;
        assert_eq!(run.exchanges.iter().map(|seen| seen.status).collect::<Vec<_>>(), [Some(200), Some(200)]);
        assert_eq!(run.exchanges[1].body_sha256, body::sha256(5000));
        assert_eq!(run.exchanges[1].tls.as_ref().unwrap().version, "TLSv1.2");
        origin.finish().await;
        let [connection] = told.connections().try_into().unwrap();
        assert_eq!(connection.tls.unwrap().version, "TLSv1.2");
        let hello = connection.hello.unwrap();
        assert_eq!(hello.sni.as_deref(), Some("t.test"));
        assert!(hello.versions.contains(&"TLSv1.3".to_owned()));
        assert_eq!(connection.requests.len(), 2);
        assert_eq!(connection.requests[0].body_sha256, body::sha256(70_000));
    }

    #[tokio::test]
    async fn a_peer_that_closes_before_its_first_byte_is_told_so() {
        let (origin, told, _, address) = origin().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        // The origin has seen our FIN when its own end arrives.
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0);
        origin.finish().await;
        let [connection] = told.connections().try_into().unwrap();
        assert_eq!((connection.first_byte_us, connection.hello, connection.bytes_in), (None, None, 0));
        assert_eq!(connection.closed.unwrap().by, ClosedBy::Peer);
    }

    #[tokio::test]
    async fn a_certificate_of_another_ca_ends_in_the_handshake() {
        let (origin, told, _, address) = origin().await;
        let stranger = crate::cell::identity::make(&["t.test".into()]).unwrap();
        let target = Target { address, host: "t.test".into(), tls: Some(tls::client(&stranger).unwrap()) };
        let get = RequestSpec { method: "GET".into(), body_len: 0 };
        let run = client::run(&target, &[get], Duration::from_secs(10)).await;
        let error = run.exchanges[0].error.clone().unwrap();
        assert_eq!(error.phase, crate::model::ClientPhase::Handshake);
        origin.finish().await;
        let [connection] = told.connections().try_into().unwrap();
        assert!(connection.tls.is_none() && connection.hello.is_some() && connection.requests.is_empty());
    }
}
