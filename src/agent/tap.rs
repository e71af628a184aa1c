//! A socket that records what passes through it: when the first byte came, the ClientHello, the byte counts, and which
//! side closed.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::now_us;
use crate::model::{Closed, ClosedBy, Hello};
use crate::wire::{HelloParser, State};

/// What passed through a [`Tap`] so far.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) first_byte_us: Option<u64>,
    pub(super) hello: Option<Hello>,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) closed: Option<Closed>,
    parser: Option<HelloParser>,
}

/// The record of a connection. Its clones share it, so that it can be read while the connection is open.
#[derive(Clone, Debug)]
pub(super) struct ConnectionLog(Arc<Mutex<Traffic>>);

impl ConnectionLog {
    fn new(expect_hello: bool) -> Self {
        let parser = expect_hello.then(HelloParser::new);
        Self(Arc::new(Mutex::new(Traffic { parser, ..Traffic::default() })))
    }

    pub(super) fn read(&self) -> MutexGuard<'_, Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the end of the connection. Only the first call counts: it says which side closed.
    fn close(&self, by: ClosedBy) {
        self.read().closed.get_or_insert(Closed { by, at_us: now_us() });
    }

    fn received(&self, bytes: &[u8]) {
        let mut seen = self.read();
        seen.first_byte_us.get_or_insert_with(now_us);
        seen.bytes_in += bytes.len() as u64;
        if let Some(mut parser) = seen.parser.take() {
            match parser.push(bytes) {
                State::NeedMore => seen.parser = Some(parser),
                State::Hello(hello) => seen.hello = Some(hello.clone()),
                State::NotTls(_) => {}
            }
        }
    }
}

/// A TCP stream that keeps a [`ConnectionLog`].
#[derive(Debug)]
pub(super) struct Tap {
    stream: TcpStream,
    log: ConnectionLog,
}

impl Tap {
    /// Wraps `stream`. With `expect_hello` its first bytes are parsed as TLS.
    pub(super) fn new(stream: TcpStream, expect_hello: bool) -> (Self, ConnectionLog) {
        let log = ConnectionLog::new(expect_hello);
        (Self { stream, log: log.clone() }, log)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.log.close(ClosedBy::Origin);
    }
}

/// Whether an error means that the peer sent a RST.
fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match &result {
            Ok(()) if buf.filled().len() > before => self.log.received(&buf.filled()[before..]),
            Ok(()) if buf.remaining() > 0 => self.log.close(ClosedBy::Peer),
            Err(error) if is_reset(error) => self.log.close(ClosedBy::PeerReset),
            _ => {}
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        match &result {
            Ok(count) => self.log.read().bytes_out += *count as u64,
            Err(error) if is_reset(error) => self.log.close(ClosedBy::PeerReset),
            Err(_) => {}
        }
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.log.close(ClosedBy::Origin);
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
