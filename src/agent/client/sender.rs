//! HTTP over a [`Channel`](super::channel::Channel): version 1.1 or, when ALPN says so, 2.

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::channel::{self, Channel};
use super::{ClientError, ClientPhase, RequestBody, Target, failed};
use crate::model::{Exchange, TlsSeen};

/// A connection that later requests use as well.
pub(super) struct OpenConnection {
    pub(super) sender: Sender,
    pub(super) tls: Option<TlsSeen>,
}

/// The handle of a connection, by HTTP version.
pub(super) enum Sender {
    H1(http1::SendRequest<RequestBody>),
    H2(http2::SendRequest<RequestBody>),
}

impl Sender {
    /// Whether the other side has closed.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::H1(sender) => sender.is_closed(),
            Self::H2(sender) => sender.is_closed(),
        }
    }

    /// Sends one request and waits for the head of its response.
    pub(super) async fn send(&mut self, message: Request<RequestBody>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::H1(sender) => {
                sender.ready().await?;
                sender.send_request(message).await
            }
            Self::H2(sender) => sender.send_request(message).await,
        }
    }
}

/// Connects. `None` when the tunnel was refused; `exchange` then has the response.
pub(super) async fn open(target: &Target, exchange: &mut Exchange) -> Result<Option<OpenConnection>, ClientError> {
    let (channel, tls) = match (&target.connect, &target.tls) {
        (Some(authority), Some(config)) => {
            let mut stream = channel::tcp(target).await?;
            let (status, reason) = channel::tunnel(&mut stream, authority).await?;
            if status != 200 {
                (exchange.status, exchange.reason) = (Some(status), reason);
                return Ok(None);
            }
            // If nothing comes through the tunnel, this response is all that was received.
            (exchange.status, exchange.reason) = (Some(status), reason);
            channel::secure(stream, config, authority).await?
        }
        _ => channel::open(target).await?,
    };
    let h2 = tls.as_ref().is_some_and(|seen| seen.alpn == "h2");
    Ok(Some(OpenConnection { sender: handshake(channel, h2).await?, tls }))
}

async fn handshake(channel: Channel, h2: bool) -> Result<Sender, ClientError> {
    let io = TokioIo::new(channel);
    let failed = |error| failed(ClientPhase::Exchange, &error);
    if h2 {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.map_err(failed)?;
        tokio::spawn(connection);
        return Ok(Sender::H2(sender));
    }
    let (sender, connection) = http1::handshake(io).await.map_err(failed)?;
    tokio::spawn(connection.with_upgrades());
    Ok(Sender::H1(sender))
}
