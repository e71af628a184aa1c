use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::agent::client::{self, Target};
use crate::model::Place;
use crate::model::{ClosedBy, OriginSpec, OriginTls, RequestSpec, TlsVersion};
use std::io::Write;
use tokio::io::AsyncReadExt as _;

/// Collects the evidence that an origin reports.
#[derive(Clone, Default)]
pub(in crate::agent) struct Collected(Arc<Mutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Collected {
    pub(in crate::agent) fn lines(&self) -> Vec<Line> {
        let bytes = self.0.lock().unwrap().clone();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }

    fn connections(&self) -> Vec<OriginConnection> {
        let connection = |line| if let Line::Connection(connection) = line { Some(*connection) } else { None };
        self.lines().into_iter().filter_map(connection).collect()
    }
}

/// A port for each test, below those that the kernel assigns by itself.
fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(25_000);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

fn identity() -> Identity {
    let names = ["t.test".to_owned()];
    crate::run::cell::identity::make(&names, &names, &[Certificate::Good].into()).unwrap()
}

fn target(address: SocketAddr, identity: &Identity) -> Target {
    let tls = client::Tls { config: tls::client(identity, &[]).unwrap(), split_hello: false, ats: None };
    Target { tls: Some(tls), ..Target::plain(address, "t.test") }
}

fn request(method: &str, body_len: u64) -> RequestSpec {
    RequestSpec { method: method.into(), body_len, ..RequestSpec::default() }
}

/// An origin with TLS 1.2 only.
async fn origin() -> (Origin, Collected, Identity, SocketAddr) {
    let identity = identity();
    let port = free_port();
    let tls = Some(OriginTls { versions: vec![TlsVersion::Tls12], ..OriginTls::default() });
    let origin = OriginSpec { https: true, tls, speak: Speak::Http { body_len: 5000 } };
    let ports = [Port { trial: "t".into(), port, place: Place::Remote, origin }];
    let evidence = Collected::default();
    let emitter = Emitter::to(evidence.clone());
    let origin =
        Origin::start(&ports, &identity, Path::new("/nowhere"), &emitter, &OriginGuard::new(&[], &emitter)).await;
    (origin, evidence, identity, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[tokio::test]
async fn two_requests_on_one_connection_are_reported_with_the_negotiated_tls() {
    let (origin, evidence, identity, address) = origin().await;
    let requests = [request("POST", 70_000), request("GET", 0)];
    let run = client::run(&target(address, &identity), &requests, Duration::from_secs(10)).await;
    assert_eq!(run.exchanges.iter().map(|seen| seen.status).collect::<Vec<_>>(), [Some(200), Some(200)]);
    assert_eq!(run.exchanges[1].body_sha256, body::sha256(5000));
    assert_eq!(run.exchanges[1].tls.as_ref().unwrap().version, "TLSv1.2");
    origin.finish().await;
    let [connection] = evidence.connections().try_into().unwrap();
    assert_eq!(connection.tls.unwrap().version, "TLSv1.2");
    let hello = connection.hello.unwrap();
    assert_eq!(hello.sni.as_deref(), Some("t.test"));
    assert!(hello.versions.contains(&"TLSv1.3".to_owned()));
    assert_eq!(connection.requests.len(), 2);
    assert_eq!(connection.requests[0].body_sha256, body::sha256(70_000));
}

#[tokio::test]
async fn a_peer_that_closes_before_its_first_byte_is_reported() {
    let (origin, evidence, _, address) = origin().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    // The origin has seen the FIN when its own arrives.
    assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0);
    origin.finish().await;
    let [connection] = evidence.connections().try_into().unwrap();
    assert_eq!((connection.first_byte_us, connection.hello, connection.bytes_in), (None, None, 0));
    assert_eq!(connection.closed.unwrap().by, ClosedBy::Peer);
}

#[tokio::test]
async fn a_certificate_of_another_ca_fails_the_handshake() {
    let (origin, evidence, _, address) = origin().await;
    let run = client::run(&target(address, &identity()), &[request("GET", 0)], Duration::from_secs(10)).await;
    let error = run.exchanges[0].error.clone().unwrap();
    assert_eq!(error.phase, crate::model::ClientPhase::Handshake);
    origin.finish().await;
    let [connection] = evidence.connections().try_into().unwrap();
    assert!(connection.tls.is_none() && connection.hello.is_some() && connection.requests.is_empty());
}

#[tokio::test]
async fn a_port_in_use_is_a_fault_of_its_trial_alone() {
    let (_first, _, identity, address) = origin().await;
    let port = |trial: &str, port| {
        let origin = OriginSpec { https: false, tls: None, speak: Speak::Http { body_len: 1 } };
        Port { trial: trial.into(), port, place: Place::Remote, origin }
    };
    let evidence = Collected::default();
    let ports = [port("taken", address.port()), port("free", free_port())];
    let emitter = Emitter::to(evidence.clone());
    let second =
        Origin::start(&ports, &identity, Path::new("/nowhere"), &emitter, &OriginGuard::new(&[], &emitter)).await;
    // Not missing: that would make a failure unsupported.
    assert_eq!((second.missing("taken"), second.missing("free")), (None, None));
    let lines = evidence.lines();
    let [Line::Fault { trial, text }] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(trial.as_deref() == Some("taken") && text.contains("cannot listen on"), "{text}");
    let target = Target::plain((Ipv4Addr::LOCALHOST, ports[1].port).into(), "t.test");
    let run = client::run(&target, &[request("GET", 0)], Duration::from_secs(10)).await;
    assert_eq!(run.exchanges[0].status, Some(200));
}

#[test]
fn only_a_missing_address_means_no_ipv6() {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 1));
    let of = |kind: std::io::ErrorKind| no_listener(Place::SameHostV6, address, kind.into());
    assert!(matches!(of(std::io::ErrorKind::AddrNotAvailable), Unable::Missing(_)));
    assert!(matches!(of(std::io::ErrorKind::AddrInUse), Unable::Fault(_)));
    let remote = no_listener(Place::Remote, address, std::io::ErrorKind::AddrNotAvailable.into());
    assert!(matches!(remote, Unable::Fault(_)));
}

#[tokio::test]
async fn a_client_hello_that_is_too_large_is_recorded_and_then_reset() {
    let identity = identity();
    for (largest, answered) in [(100, false), (16_000, true)] {
        let port = free_port();
        let tls = Some(OriginTls { largest_hello: Some(largest), ..OriginTls::default() });
        let origin = OriginSpec { https: true, tls, speak: Speak::Http { body_len: 10 } };
        let ports = [Port { trial: "t".into(), port, place: Place::Remote, origin }];
        let evidence = Collected::default();
        let emitter = Emitter::to(evidence.clone());
        let guard = OriginGuard::new(&[], &emitter);
        let origin = Origin::start(&ports, &identity, Path::new("/nowhere"), &emitter, &guard).await;
        let target = target((Ipv4Addr::LOCALHOST, port).into(), &identity);
        let run = client::run(&target, &[request("GET", 0)], Duration::from_secs(10)).await;
        origin.finish().await;
        assert_eq!(run.exchanges[0].status.is_some(), answered, "{largest}: {:?}", run.exchanges[0].error);
        let [connection] = evidence.connections().try_into().unwrap();
        let hello = connection.hello.unwrap();
        assert!(hello.len > 100 && hello.sni.as_deref() == Some("t.test"), "{hello:?}");
        assert_eq!((connection.tls.is_some(), connection.requests.len()), (answered, usize::from(answered)));
    }
}
