//! The byte stream to ATS or an origin: TCP, with a tunnel or TLS over it if requested.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::{ClientError, ClientPhase, Target, Tls, failed};
use crate::agent::headers::MAX_REASON;
use crate::agent::script::ScriptStream;
use crate::agent::tls;
use crate::model::TlsSeen;

/// Length of the first segment of a split ClientHello, in bytes: enough for a record header, too short for the server
/// name.
const FIRST_SEGMENT: usize = 40;

/// Pause between its segments, so long that one read cannot take both. An ATS that is delayed by as much got no CPU,
/// which the agent notices and reports. With 50 ms, a busy machine let an ATS with the bug pass.
const SEGMENT_PAUSE: Duration = Duration::from_secs(1);

/// Longest response to a CONNECT, in bytes.
const MAX_CONNECT_HEAD: usize = 16 * 1024;

/// A connection with or without TLS.
pub(in crate::agent) type Channel = Either<TcpStream, TlsStream<Segmented>>;

impl ScriptStream for Channel {
    async fn fin(&mut self) -> io::Result<()> {
        match self {
            Either::Left(stream) => stream.fin().await,
            Either::Right(stream) => stream.fin().await,
        }
    }
}

/// Connects to `target`, without a tunnel.
pub(super) async fn open(target: &Target) -> Result<(Channel, Option<TlsSeen>), ClientError> {
    let stream = tcp(target).await?;
    match &target.tls {
        None => Ok((Either::Left(stream), None)),
        Some(config) => secure(stream, config, &target.host).await,
    }
}

/// Opens a TCP connection to `target`.
pub(super) async fn tcp(target: &Target) -> Result<TcpStream, ClientError> {
    let stream = TcpStream::connect(target.address).await.map_err(|error| failed(ClientPhase::Connect, &error))?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Starts TLS over `stream`.
pub(super) async fn secure(
    stream: TcpStream,
    tls: &Tls,
    host: &str,
) -> Result<(Channel, Option<TlsSeen>), ClientError> {
    let name = host.split(':').next().unwrap_or_default().to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(ClientPhase::Handshake, &error))?;
    let stream = Segmented { stream, split: tls.split_hello.then(|| SplitWrite::Unsent) };
    let stream = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config))
        .connect(name, stream)
        .await
        .map_err(|error| failed(ClientPhase::Handshake, &error))?;
    let connection = stream.get_ref().1;
    let shown = connection.peer_certificates().and_then(<[_]>::first).map(AsRef::as_ref);
    let peer = match &tls.ats {
        None => String::new(),
        Some(ats) if shown == Some(ats.as_slice()) => "ats".into(),
        Some(_) => "origin".into(),
    };
    let seen = TlsSeen { peer, ..tls::negotiated(connection) };
    Ok((Either::Right(stream), Some(seen)))
}

/// Requests a tunnel to `authority` (RFC 9110 section 9.3.6). Returns the status and reason.
pub(super) async fn tunnel(stream: &mut TcpStream, authority: &str) -> Result<(u16, String), ClientError> {
    let exchange = |error: &io::Error| failed(ClientPhase::Exchange, error);
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| exchange(&error))?;
    let mut head = Vec::new();
    // Byte by byte, because what follows the head belongs to the tunnel.
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_CONNECT_HEAD {
        head.push(stream.read_u8().await.map_err(|error| exchange(&error))?);
    }
    let text = String::from_utf8_lossy(&head);
    let mut parts = text.lines().next().unwrap_or_default().splitn(3, ' ').skip(1);
    let status = parts.next().and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, parts.next().unwrap_or_default().chars().take(MAX_REASON).collect()))
}

/// A socket that can send its first write in two segments.
#[derive(Debug)]
pub(in crate::agent) struct Segmented {
    stream: TcpStream,
    split: Option<SplitWrite>,
}

/// The progress of a split first write.
#[derive(Debug)]
enum SplitWrite {
    /// Nothing is sent yet.
    Unsent,
    /// The first segment is sent; the rest waits for the timer.
    Rest(Pin<Box<Sleep>>),
}

impl AsyncRead for Segmented {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Segmented {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let first = match &mut self.split {
            None => false,
            Some(SplitWrite::Unsent) => true,
            Some(SplitWrite::Rest(wait)) => {
                std::task::ready!(wait.as_mut().poll(cx));
                self.split = None;
                false
            }
        };
        let count = if first { bytes.len().min(FIRST_SEGMENT) } else { bytes.len() };
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..count]))?;
        if first {
            self.split = Some(SplitWrite::Rest(Box::pin(tokio::time::sleep(SEGMENT_PAUSE))));
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
