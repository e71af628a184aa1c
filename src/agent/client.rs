//! The agent's HTTP/1.1 client: the same in every cell, so that only ATS varies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{now_us, tls};
use crate::model::{ClientError, ClientPhase, ClientRun, Exchange, RequestSpec, TlsSeen};
use crate::trial::body;

/// Response headers kept as evidence.
const MAX_HEADERS: usize = 32;

/// Bytes of an error's body kept as evidence.
const BODY_HEAD: usize = 200;

/// Where and how to ask.
pub(super) struct Target {
    /// Who to connect to.
    pub(super) address: SocketAddr,
    /// The Host header, and the name to verify when `tls` is given.
    pub(super) host: String,
    /// Speak TLS (the direct control).
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// Sends `requests` in sequence on one connection. An error ends the sequence.
pub(super) async fn run(target: &Target, requests: &[RequestSpec], deadline: Duration) -> ClientRun {
    let mut run = ClientRun::default();
    let until = Instant::now() + deadline;
    let mut open = None;
    for request in requests {
        let mut exchange = Exchange { started_us: now_us(), ..Exchange::default() };
        let begun = Instant::now();
        let left = until.saturating_duration_since(begun);
        let done = tokio::time::timeout(left, one(target, request, &mut open, &mut exchange, begun)).await;
        exchange.error = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => {
                let text = format!("nothing more within the trial's deadline of {} s", deadline.as_secs());
                Some(ClientError { phase: ClientPhase::Deadline, text })
            }
        };
        exchange.total_us = micros(begun.elapsed());
        let ended = exchange.error.is_some();
        run.exchanges.push(exchange);
        if ended {
            break;
        }
    }
    run
}

/// A connection that is kept between requests.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    tls: Option<TlsSeen>,
}

async fn one(
    target: &Target,
    request: &RequestSpec,
    open: &mut Option<Open>,
    exchange: &mut Exchange,
    begun: Instant,
) -> Result<(), ClientError> {
    // A connection that the other side has closed meanwhile is not used again.
    if let Some(kept) = open.as_mut()
        && kept.sender.ready().await.is_err()
    {
        *open = None;
    }
    let kept = match open {
        Some(kept) => kept,
        None => open.insert(connect(target).await?),
    };
    exchange.tls.clone_from(&kept.tls);
    let message = Request::builder()
        .method(request.method.as_str())
        .uri("/")
        .header(hyper::header::HOST, &target.host)
        .body(Full::new(Bytes::from(body::bytes(request.body_len))))
        .map_err(|error| failed(ClientPhase::Exchange, &error))?;
    let response = kept.sender.send_request(message).await.map_err(|error| failed(ClientPhase::Exchange, &error))?;
    exchange.head_us = Some(micros(begun.elapsed()));
    read(response, exchange).await
}

async fn connect(target: &Target) -> Result<Open, ClientError> {
    let stream = TcpStream::connect(target.address).await.map_err(|error| failed(ClientPhase::Connect, &error))?;
    let _ = stream.set_nodelay(true);
    let Some(config) = &target.tls else { return handshake(stream, None).await };
    let name = ServerName::try_from(target.host.clone()).map_err(|error| failed(ClientPhase::Handshake, &error))?;
    let stream = tokio_rustls::TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
        .map_err(|error| failed(ClientPhase::Handshake, &error))?;
    let seen = tls::negotiated(stream.get_ref().1);
    handshake(stream, Some(seen)).await
}

async fn handshake<S>(stream: S, tls: Option<TlsSeen>) -> Result<Open, ClientError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(ClientPhase::Exchange, &error))?;
    tokio::spawn(connection);
    Ok(Open { sender, tls })
}

async fn read(response: Response<Incoming>, exchange: &mut Exchange) -> Result<(), ClientError> {
    exchange.status = Some(response.status().as_u16());
    exchange.reason = match response.extensions().get::<hyper::ext::ReasonPhrase>() {
        Some(reason) => String::from_utf8_lossy(reason.as_bytes()).chars().take(120).collect(),
        None => response.status().canonical_reason().unwrap_or_default().to_owned(),
    };
    let headers = response.headers().iter().take(MAX_HEADERS);
    exchange.headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).chars().take(256).collect()))
        .collect();
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let mut head = Vec::new();
    let mut hash = Sha256::new();
    let mut incoming = response.into_body();
    let mut outcome = Ok(());
    while let Some(frame) = incoming.frame().await {
        match frame {
            Ok(frame) => {
                let Ok(data) = frame.into_data() else { continue };
                if is_error && head.len() < BODY_HEAD {
                    head.extend_from_slice(&data[..data.len().min(BODY_HEAD - head.len())]);
                }
                hash.update(&data);
                exchange.body_len += data.len() as u64;
            }
            Err(error) => {
                outcome = Err(failed(ClientPhase::Body, &error));
                break;
            }
        }
    }
    exchange.body_sha256 = body::hex(&hash.finalize());
    exchange.body_head = String::from_utf8_lossy(&head).escape_default().to_string();
    outcome
}

/// The error with its causes: hyper's own texts alone say little.
fn failed(phase: ClientPhase, error: &(dyn std::error::Error + 'static)) -> ClientError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    ClientError { phase, text: text.chars().take(300).collect() }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
