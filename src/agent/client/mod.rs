//! The client of the agent. It is the same in every cell, so that only ATS varies.

mod channel;
mod sender;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use rustls::ClientConfig;
use tokio_util::either::Either;

use super::headers::{MAX_REASON, pairs};
use super::script::{self, Received};
use super::{MAX_ERROR, now_us};
use crate::catalogue::trials::body::{self, Sum};
use crate::model::{Act, ClientError, ClientPhase, ClientRun, Exchange, Load, OVERDUE, RequestSpec, Step};
use sender::{OpenConnection, Sender};

/// Bytes kept of a body with a content type. Error pages are small; that of `openssl s_server` has 5 KiB, and twice as
/// many where it lists the ciphers of security level 0.
const BODY_HEAD: usize = 16 * 1024;

/// Bytes of a chunk of a request body.
const CHUNK: usize = 16 * 1024;

/// Failed exchanges of a load that are reported in full.
pub(super) const MAX_FAILED_EXCHANGES: usize = 5;

type RequestBody = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// Where and how to connect.
#[derive(Clone)]
pub(super) struct Target {
    /// The address to connect to.
    pub(super) address: SocketAddr,
    /// The Host header, and the name to verify if `tls` is set.
    pub(super) host: String,
    /// Use TLS.
    pub(super) tls: Option<Tls>,
    /// First request a tunnel to this `HOST:PORT`.
    pub(super) connect: Option<String>,
    /// Requests have whole URLs as targets, which begin with this scheme.
    pub(super) absolute: Option<&'static str>,
}

/// How a client uses TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// Whether the ClientHello is sent in two segments.
    pub(super) split_hello: bool,
    /// The certificate that ATS presents, DER. Any other is reported as that of the origin.
    pub(super) ats: Option<Vec<u8>>,
}

impl Target {
    /// A target for plain HTTP/1.1.
    pub(super) fn plain(address: SocketAddr, host: impl Into<String>) -> Self {
        Self { address, host: host.into(), tls: None, connect: None, absolute: None }
    }
}

/// Does what `act` describes, within `deadline`.
pub(super) async fn act(target: &Target, act: &Act, deadline: Duration) -> ClientRun {
    match act {
        Act::Requests(requests) => run(target, requests, deadline).await,
        Act::Load { requests, at_once, body_len } => load(target, (*requests, *at_once), *body_len, deadline).await,
        Act::Script(steps) => play(target, steps, deadline).await,
        Act::Series(acts) => Box::pin(series(target, acts, deadline)).await,
        Act::Start => start(target, deadline).await,
        // The cell itself does these, see `trials`.
        Act::Reload { .. } | Act::ReloadCertificate | Act::RotateLogs | Act::Rules => ClientRun::default(),
    }
}

/// Sends `requests` one after the other, on one connection unless they require a fresh one. Stops at the first error.
pub(super) async fn run(target: &Target, requests: &[RequestSpec], deadline: Duration) -> ClientRun {
    let mut run = ClientRun::default();
    let until = Instant::now() + deadline;
    let mut open = None;
    for request in requests {
        let mut exchange = Exchange { started_us: now_us(), ..Exchange::default() };
        let begun = Instant::now();
        let left = until.saturating_duration_since(begun);
        let done = tokio::time::timeout(left, send_one(target, request, &mut open, &mut exchange, begun)).await;
        exchange.error = outcome_error(done, deadline);
        exchange.total_us = micros(begun.elapsed());
        let broken = exchange.error.is_some();
        run.exchanges.push(exchange);
        if broken {
            break;
        }
    }
    run
}

/// Sends one GET. Any answer counts: which one is the matter of the user's own configuration.
async fn start(target: &Target, deadline: Duration) -> ClientRun {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let answered = run(target, &get, deadline).await.exchanges.iter().any(|exchange| exchange.status.is_some());
    ClientRun { load: Some(Load { sent: 1, whole: answered.into(), same_process: None }), ..ClientRun::default() }
}

/// A request for any path.
pub(super) struct RuleRequest {
    pub(super) method: String,
    pub(super) path: String,
    /// Headers, Host among them.
    pub(super) headers: Vec<(String, String)>,
}

/// Sends one request on a connection of its own.
pub(super) async fn ask(target: &Target, question: &RuleRequest, deadline: Duration) -> Exchange {
    let (begun, mut exchange) = (Instant::now(), Exchange { started_us: now_us(), ..Exchange::default() });
    let asked = async {
        let Some(mut opened) = sender::open(target, &mut exchange).await? else { return Ok(()) };
        let mut builder = Request::builder().method(question.method.as_str()).uri(question.path.as_str());
        for (name, value) in &question.headers {
            builder = builder.header(name, value);
        }
        let message = builder.body(Full::new(Bytes::new()).boxed_unsync());
        let message = message.map_err(|error| failed(ClientPhase::Exchange, &error))?;
        let response = opened.sender.send(message).await.map_err(|error| failed(ClientPhase::Exchange, &error))?;
        read(response, &mut exchange).await
    };
    let done = tokio::time::timeout(deadline, asked).await;
    exchange.error = outcome_error(done, deadline);
    exchange.total_us = micros(begun.elapsed());
    exchange
}

fn outcome_error(
    done: Result<Result<(), ClientError>, tokio::time::error::Elapsed>,
    deadline: Duration,
) -> Option<ClientError> {
    let Ok(done) = done else {
        let text = format!("{OVERDUE} of {} s", deadline.as_secs());
        return Some(ClientError { phase: ClientPhase::Deadline, text });
    };
    done.err()
}

/// Sends `count` GETs, each on its own connection, `at_once` at a time. A response is whole if it has status 200 and
/// `body_len` bytes of the counting pattern.
async fn load(target: &Target, (count, at_once): (u32, u32), body_len: u64, deadline: Duration) -> ClientRun {
    let get = [RequestSpec { method: "GET".into(), ..RequestSpec::default() }];
    let until = Instant::now() + deadline;
    let mut runs = stream::iter(0..count)
        .map(|_| run(target, &get, until.saturating_duration_since(Instant::now())))
        .buffer_unordered(usize::try_from(at_once).unwrap_or(1));
    let (mut failed, mut whole) = (Vec::new(), 0);
    let sha256 = body::sha256(body_len);
    while let Some(run) = runs.next().await {
        for exchange in run.exchanges {
            let expected = exchange.body_len == body_len && exchange.body_sha256 == sha256;
            if exchange.status == Some(200) && exchange.error.is_none() && expected {
                whole += 1;
            } else if failed.len() < MAX_FAILED_EXCHANGES {
                failed.push(exchange);
            }
        }
    }
    ClientRun { exchanges: failed, load: Some(Load { sent: count, whole, same_process: None }), control_us: None }
}

/// Does one thing after the other, each on connections of its own.
async fn series(target: &Target, acts: &[Act], deadline: Duration) -> ClientRun {
    let until = Instant::now() + deadline;
    let mut run = ClientRun::default();
    for each in acts {
        let part = act(target, each, until.saturating_duration_since(Instant::now())).await;
        run.exchanges.extend(part.exchanges);
    }
    run
}

/// Plays a script. Every head that it reads is an exchange.
async fn play(target: &Target, steps: &[Step], deadline: Duration) -> ClientRun {
    let (started_us, begun) = (now_us(), Instant::now());
    let received = Received::default();
    let mut seen = None;
    let played = async {
        let (channel, tls) = channel::open(target).await?;
        seen = tls;
        if let (Some(Step::Reset), Either::Left(stream)) = (steps.last(), &channel) {
            // From now on, closing the socket in any way sends a RST.
            let _ = stream.set_zero_linger();
        }
        script::play(channel, steps, &target.host, &received)
            .await
            .map_err(|error| ClientError { phase: ClientPhase::Exchange, text: format!("{error:#}") })
    };
    let error = outcome_error(tokio::time::timeout(deadline, played).await, deadline);
    let mut exchanges: Vec<Exchange> =
        received.messages().drain(..).map(|message| exchange(message, started_us)).collect();
    if exchanges.is_empty() {
        exchanges.push(Exchange::default());
    }
    for exchange in &mut exchanges {
        (exchange.started_us, exchange.tls) = (started_us, seen.clone());
    }
    if let Some(last) = exchanges.last_mut() {
        (last.error, last.total_us) = (error, micros(begun.elapsed()));
    }
    ClientRun { exchanges, ..ClientRun::default() }
}

/// A response that a script received.
fn exchange(message: script::HttpMessage, started_us: u64) -> Exchange {
    Exchange {
        status: message.status(),
        reason: message.start[2].chars().take(MAX_REASON).collect(),
        headers: message.headers,
        interim: message.interim,
        trailers: message.trailers,
        body_len: message.body_len,
        body_sha256: message.body_sha256,
        head_us: Some(message.at_us.saturating_sub(started_us)),
        ..Exchange::default()
    }
}

async fn send_one(
    target: &Target,
    request: &RequestSpec,
    open: &mut Option<OpenConnection>,
    exchange: &mut Exchange,
    begun: Instant,
) -> Result<(), ClientError> {
    // A connection that the other side has closed meanwhile is not reused.
    if request.fresh || open.as_mut().is_some_and(|kept| kept.sender.is_closed()) {
        *open = None;
    }
    let kept = match open {
        Some(kept) => kept,
        None => match sender::open(target, exchange).await? {
            Some(opened) => open.insert(opened),
            // The tunnel was refused, and that is the response.
            None => return Ok(()),
        },
    };
    exchange.tls.clone_from(&kept.tls);
    let interim = Arc::new(std::sync::Mutex::new(Vec::new()));
    let message = message(target, request, matches!(kept.sender, Sender::H2(_)), &interim)?;
    let response = kept.sender.send(message).await.map_err(|error| failed(ClientPhase::Exchange, &error))?;
    exchange.head_us = Some(micros(begun.elapsed()));
    exchange.interim = std::mem::take(&mut *interim.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    read(response, exchange).await
}

fn message(
    target: &Target,
    request: &RequestSpec,
    h2: bool,
    interim: &Arc<std::sync::Mutex<Vec<u16>>>,
) -> Result<Request<RequestBody>, ClientError> {
    let bytes = Bytes::from(body::bytes(request.body_len));
    let body = if request.chunked {
        let pieces: Vec<_> = bytes.chunks(CHUNK).map(|piece| Ok(Frame::data(bytes.slice_ref(piece)))).collect();
        StreamBody::new(stream::iter(pieces)).boxed_unsync()
    } else {
        Full::new(bytes).boxed_unsync()
    };
    let mut builder = Request::builder().method(request.method.as_str());
    let path = if request.target.is_empty() { "/" } else { &request.target };
    builder = match target.absolute {
        // HTTP/2 has the host in its request target (RFC 9113 section 8.3.1).
        _ if h2 => builder.uri(format!("https://{}{path}", target.host)),
        Some(scheme) => builder.uri(format!("{scheme}://{}{path}", target.host)).header("Host", &target.host),
        None => builder.uri(path).header("Host", &target.host),
    };
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let mut message = builder.body(body).map_err(|error| failed(ClientPhase::Exchange, &error))?;
    let seen = Arc::clone(interim);
    hyper::ext::on_informational(&mut message, move |response| {
        seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(response.status().as_u16());
    });
    Ok(message)
}

async fn read(response: Response<Incoming>, exchange: &mut Exchange) -> Result<(), ClientError> {
    exchange.status = Some(response.status().as_u16());
    exchange.version = format!("{:?}", response.version());
    exchange.reason = match response.extensions().get::<hyper::ext::ReasonPhrase>() {
        Some(reason) => String::from_utf8_lossy(reason.as_bytes()).chars().take(MAX_REASON).collect(),
        None => response.status().canonical_reason().unwrap_or_default().to_owned(),
    };
    exchange.headers = pairs(response.headers());
    let typed = response.headers().contains_key(hyper::header::CONTENT_TYPE);
    let (mut head, mut sum) = (Vec::new(), Sum::default());
    let mut incoming = response.into_body();
    let mut outcome = Ok(());
    while let Some(frame) = incoming.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => {
                // Bodies of the agent have no content type: one that has is an error page, or from another program.
                if typed && head.len() < BODY_HEAD {
                    head.extend_from_slice(&data[..data.len().min(BODY_HEAD - head.len())]);
                }
                sum.add(&data);
                // Set now, in case the deadline of the trial cuts off the rest.
                exchange.body_len = sum.len();
            }
            Ok(Err(other)) => exchange.trailers.extend(other.into_trailers().iter().flat_map(pairs)),
            Err(error) => {
                outcome = Err(failed(ClientPhase::Body, &error));
                break;
            }
        }
    }
    (exchange.body_len, exchange.body_sha256) = sum.finish();
    exchange.body_head = String::from_utf8_lossy(&head).escape_default().to_string();
    outcome
}

/// The error with its causes: the messages of hyper alone say little.
fn failed(phase: ClientPhase, error: &(dyn std::error::Error + 'static)) -> ClientError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    ClientError { phase, text: text.chars().take(MAX_ERROR).collect() }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
