//! Stand-ins for the origins and parents of a user's own rules. Each host has an address of its own on loopback, so that a
//! connection tells by itself which of them ATS wanted, whatever it sends.

mod certificates;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::headers;
use crate::ats::asks::{Ask, Destination, Leads};
use crate::model::{Arrived, Identity};

/// The first byte of a TLS record with a handshake (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Timeout for the first byte and for a handshake.
const PATIENCE: Duration = Duration::from_secs(15);

/// The header that tells which arrival an answer belongs to.
pub(super) const ARRIVAL: &str = "x-atsmatrix-arrival";

/// Most hosts: each has an address in 127.64.0.0/10.
const MAX_HOSTS: u32 = 1 << 20;

/// What a stand-in answers.
const BODY: &[u8] = b"a stand-in of atsmatrix\n";

/// Headers of its answers.
pub(super) const ANSWER: &[(&str, &str)] = &[("content-type", "text/plain"), ("cache-control", "no-store")];

/// The addresses of hosts.
#[derive(Default)]
pub(super) struct Addresses(BTreeMap<String, Ipv4Addr>);

impl Addresses {
    /// For the targets of `asks`, and `parents`.
    pub(super) fn of(asks: &[Ask], parents: &[Destination]) -> Self {
        let targets = asks.iter().filter_map(|ask| match &ask.leads {
            Leads::Origin(to) => Some(&to.host),
            Leads::Redirect(..) => None,
        });
        let hosts: BTreeSet<&String> = targets.chain(parents.iter().map(|parent| &parent.host)).collect();
        let first = u32::from(Ipv4Addr::new(127, 64, 0, 1));
        let numbered = hosts.into_iter().zip(0..MAX_HOSTS);
        Self(numbered.map(|(host, number)| (host.clone(), Ipv4Addr::from(first + number))).collect())
    }

    /// As the name server knows them.
    pub(super) fn names(&self) -> impl Iterator<Item = (String, Vec<IpAddr>)> {
        self.0.iter().map(|(host, address)| (host.clone(), vec![IpAddr::from(*address)]))
    }
}

/// Requests by their number, from 0.
type Arrivals = Arc<Mutex<Vec<Arrived>>>;

/// The stand-ins of one trial; they end when this is dropped.
pub(super) struct Targets {
    arrivals: Arrivals,
    /// Hosts and ports that nobody listens at, and why.
    pub(super) missing: BTreeMap<(String, u16), String>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// One stand-in.
struct StandInHost {
    host: String,
    port: u16,
    tls: Arc<ServerConfig>,
    arrivals: Arrivals,
}

impl Targets {
    /// Listens for all targets of `asks` and for `parents`.
    pub(super) async fn start(
        asks: &[Ask],
        parents: &[Destination],
        addresses: &Addresses,
        identity: &Identity,
    ) -> anyhow::Result<Self> {
        let tls = certificates::server(identity)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut targets = Self { arrivals: Arrivals::default(), missing: BTreeMap::new(), stop, tasks };
        let of_rules = asks.iter().filter_map(|ask| match &ask.leads {
            Leads::Origin(to) => Some((to.host.clone(), to.port)),
            Leads::Redirect(..) => None,
        });
        let of_parents = parents.iter().map(|parent| (parent.host.clone(), parent.port));
        for (host, port) in of_rules.chain(of_parents).collect::<BTreeSet<_>>() {
            let Some(address) = addresses.0.get(&host) else { continue };
            match TcpListener::bind(SocketAddr::from((*address, port))).await {
                Ok(listener) => {
                    let (tls, arrivals) = (Arc::clone(&tls), Arc::clone(&targets.arrivals));
                    let stand_in = Arc::new(StandInHost { host, port, tls, arrivals });
                    let (stop, tasks) = (targets.stop.clone(), targets.tasks.clone());
                    targets.tasks.spawn(accept(listener, stand_in, stop, tasks));
                }
                Err(error) => drop(targets.missing.insert((host, port), error.to_string())),
            }
        }
        Ok(targets)
    }

    /// Arrival number `number`.
    pub(super) fn arrival(&self, number: usize) -> Option<Arrived> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned()
    }

    /// The arrivals whose header `name` is a number, by that number.
    pub(super) fn by_number(&self, name: &str) -> BTreeMap<usize, Arrived> {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let number = |arrived: &Arrived| {
            let (_, value) = arrived.headers.iter().find(|(header, _)| header == name)?;
            value.parse().ok()
        };
        // The first one counts: a retry comes after it.
        arrivals.iter().rev().filter_map(|arrived| Some((number(arrived)?, arrived.clone()))).collect()
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
    }
}

async fn accept(listener: TcpListener, stand_in: Arc<StandInHost>, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { return };
        let (stand_in, stop) = (Arc::clone(&stand_in), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                _ = serve(stream, &stand_in) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, stand_in: &Arc<StandInHost>) -> anyhow::Result<()> {
    let mut first = [0; 1];
    tokio::time::timeout(PATIENCE, stream.peek(&mut first)).await??;
    if first[0] != TLS_HANDSHAKE {
        return answer_all(stream, stand_in, false, None).await;
    }
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&stand_in.tls));
    let stream = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await??;
    let sni = stream.get_ref().1.server_name().map(str::to_owned);
    answer_all(stream, stand_in, true, sni).await
}

async fn answer_all<S>(stream: S, stand_in: &Arc<StandInHost>, tls: bool, sni: Option<String>) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| answer(request, Arc::clone(stand_in), tls, sni.clone()));
    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    stand_in: Arc<StandInHost>,
    tls: bool,
    sni: Option<String>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let arrived = Arrived {
        host: stand_in.host.clone(),
        port: stand_in.port,
        tls,
        sni,
        method: request.method().to_string(),
        target: request.uri().to_string().chars().take(headers::MAX_VALUE).collect(),
        headers: headers::pairs(request.headers()),
    };
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let number = {
        let mut arrivals = stand_in.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.push(arrived);
        arrivals.len() - 1
    };
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    let headers = response.headers_mut();
    for (name, value) in ANSWER {
        headers.insert(*name, hyper::header::HeaderValue::from_static(value));
    }
    headers.insert(ARRIVAL, hyper::header::HeaderValue::from(number));
    Ok(response)
}
