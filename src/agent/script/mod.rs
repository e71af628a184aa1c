//! Plays scripts: a peer that sends exactly what it is told to, however wrong, and records what it receives.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::headers::{MAX_HEADERS, MAX_VALUE};
use super::now_us;
use super::tap::Tap;
use crate::catalogue::trials::body::{self, Sum};
use crate::model::Step;
use crate::wire::{HelloParser, State};

/// Longest head of a message that is read, in bytes.
const MAX_HEAD: usize = 1 << 20;

/// Bytes of the counting pattern in one chunk.
const CHUNK: u64 = 16_000;

/// A byte stream whose sending side can be closed below TLS.
pub(super) trait ScriptStream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Sends a FIN without a TLS `close_notify`.
    fn fin(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

impl ScriptStream for TcpStream {
    async fn fin(&mut self) -> io::Result<()> {
        self.shutdown().await
    }
}

impl ScriptStream for Tap {
    async fn fin(&mut self) -> io::Result<()> {
        self.shutdown().await
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ScriptStream for tokio_rustls::server::TlsStream<S> {
    async fn fin(&mut self) -> io::Result<()> {
        self.get_mut().0.shutdown().await
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ScriptStream for tokio_rustls::client::TlsStream<S> {
    async fn fin(&mut self) -> io::Result<()> {
        self.get_mut().0.shutdown().await
    }
}

/// A received HTTP message.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpMessage {
    /// The three parts of its start line.
    pub(super) start: [String; 3],
    pub(super) headers: Vec<(String, String)>,
    /// Statuses of the interim responses before it.
    pub(super) interim: Vec<u16>,
    pub(super) trailers: Vec<(String, String)>,
    pub(super) body_len: u64,
    pub(super) body_sha256: String,
    /// When its head was complete, in microseconds since the epoch.
    pub(super) at_us: u64,
}

impl HttpMessage {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The status, if it is a response.
    pub(super) fn status(&self) -> Option<u16> {
        self.start[0].starts_with("HTTP/").then(|| self.start[1].parse().ok()).flatten()
    }
}

/// The messages that a player has received so far. Shared, so that they can be reported when the script is cut short.
#[derive(Debug, Clone, Default)]
pub(super) struct Received(Arc<Mutex<Vec<HttpMessage>>>);

impl Received {
    pub(super) fn messages(&self) -> MutexGuard<'_, Vec<HttpMessage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays `steps` over `stream`. `{host}` in what is sent becomes `host`.
///
/// # Errors
/// When the peer does not do what the script expects, or the connection breaks.
pub(super) async fn play<S: ScriptStream>(
    stream: S,
    steps: &[Step],
    host: &str,
    received: &Received,
) -> anyhow::Result<()> {
    let mut player = Player { stream, buffer: Vec::new(), host, received, interim: Vec::new() };
    for step in steps {
        player.step(step).await?;
    }
    Ok(())
}

struct Player<'a, S> {
    stream: S,
    /// Bytes read but not used yet.
    buffer: Vec<u8>,
    host: &'a str,
    received: &'a Received,
    interim: Vec<u16>,
}

impl<S: ScriptStream> Player<'_, S> {
    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Send(text) => self.send(text.replace("{host}", self.host).as_bytes()).await,
            Step::SendBytes(bytes) => self.send(bytes).await,
            Step::SendPattern(len) => self.send(&body::bytes(*len)).await,
            Step::SendChunks(len) => self.send_chunks(*len).await,
            Step::ReadHello => self.read_hello().await,
            Step::ReadOnce => self.read_once().await,
            Step::ReadHead => self.read_head().await,
            Step::ReadInterim => self.read_interim().await,
            Step::ReadBody => self.read_body().await,
            Step::Expect(text) => self.expect(text.as_bytes()).await,
            Step::Echo => self.echo().await,
            Step::Hang => {
                let mut sink = [0; 4096];
                while matches!(self.stream.read(&mut sink).await, Ok(count) if count > 0) {}
                Ok(())
            }
            Step::Pause(ms) => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                Ok(())
            }
            Step::Fin => self.stream.fin().await.context("cannot send a FIN"),
            Step::Close => self.stream.shutdown().await.context("cannot close"),
            // The connection was set up to end with a RST when it is dropped.
            Step::Reset => Ok(()),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).await.context("cannot send")?;
        self.stream.flush().await.context("cannot send")
    }

    async fn send_chunks(&mut self, len: u64) -> anyhow::Result<()> {
        let bytes = body::bytes(len);
        for chunk in bytes.chunks(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
            let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
            self.send(&framed).await?;
        }
        Ok(())
    }

    /// Reads more into the buffer. `false` at the end of the stream.
    async fn read_more(&mut self) -> anyhow::Result<bool> {
        Ok(self.stream.read_buf(&mut self.buffer).await.context("cannot read")? > 0)
    }

    async fn read_hello(&mut self) -> anyhow::Result<()> {
        let mut parser = HelloParser::new();
        loop {
            ensure!(self.read_more().await?, "closed before its ClientHello was complete");
            let bytes = std::mem::take(&mut self.buffer);
            match parser.push(&bytes) {
                State::NeedMore => {}
                State::Hello(_) => return Ok(()),
                State::NotTls(what) => bail!("no ClientHello: {what}"),
            }
        }
    }

    async fn read_once(&mut self) -> anyhow::Result<()> {
        ensure!(self.read_more().await?, "closed before it sent anything");
        self.buffer.clear();
        Ok(())
    }

    /// Reads the next head, in whatever pieces it arrives.
    async fn head(&mut self) -> anyhow::Result<HttpMessage> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            ensure!(self.buffer.len() < MAX_HEAD, "a head of more than {MAX_HEAD} bytes");
            ensure!(self.read_more().await?, "closed after {} bytes of a head", self.buffer.len());
        };
        let bytes: Vec<u8> = self.buffer.drain(..end).collect();
        Ok(parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Records a final head, together with the interim responses before it.
    async fn read_head(&mut self) -> anyhow::Result<()> {
        loop {
            let mut message = self.head().await?;
            if let Some(status @ (100 | 102..=199)) = message.status() {
                self.interim.push(status);
            } else {
                message.interim = std::mem::take(&mut self.interim);
                self.received.messages().push(message);
                return Ok(());
            }
        }
    }

    /// Reads an interim response. A final one is recorded, and is an error.
    async fn read_interim(&mut self) -> anyhow::Result<()> {
        let message = self.head().await?;
        if let Some(status @ 100..=199) = message.status() {
            self.interim.push(status);
            return Ok(());
        }
        let start = message.start.join(" ");
        self.received.messages().push(message);
        bail!("`{start}` instead of an interim response")
    }

    async fn read_body(&mut self) -> anyhow::Result<()> {
        let head = self.received.messages().last().cloned().context("the script reads a body before any head")?;
        let chunked = head.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let mut hash = Sum::default();
        let read = if chunked {
            self.read_chunks(&mut hash).await
        } else if let Some(len) = head.header("content-length").and_then(|value| value.parse::<u64>().ok()) {
            self.take(len, &mut hash).await
        } else if head.status().is_some() {
            self.read_to_end(&mut hash).await
        } else {
            Ok(())
        };
        if let Some(message) = self.received.messages().last_mut() {
            (message.body_len, message.body_sha256) = hash.finish();
        }
        read
    }

    /// Reads `left` bytes of body.
    async fn take(&mut self, mut left: u64, hash: &mut Sum) -> anyhow::Result<()> {
        while left > 0 {
            if self.buffer.is_empty() {
                ensure!(self.read_more().await?, "closed with {left} bytes of the body to come");
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            hash.add(&self.buffer[..count]);
            self.buffer.drain(..count);
            left -= count as u64;
        }
        Ok(())
    }

    async fn read_to_end(&mut self, hash: &mut Sum) -> anyhow::Result<()> {
        loop {
            hash.add(&self.buffer);
            self.buffer.clear();
            if !self.read_more().await? {
                return Ok(());
            }
        }
    }

    async fn read_chunks(&mut self, hash: &mut Sum) -> anyhow::Result<()> {
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let len = u64::from_str_radix(digits, 16).with_context(|| format!("`{line:.40}` is not a chunk size"))?;
            if len == 0 {
                break;
            }
            self.take(len, hash).await?;
            self.line().await?;
        }
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok(()) };
            if let Some(message) = self.received.messages().last_mut() {
                message.trailers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            ensure!(self.buffer.len() < MAX_HEAD, "a line of more than {MAX_HEAD} bytes");
            ensure!(self.read_more().await?, "closed within the chunks of a body");
        }
    }

    async fn expect(&mut self, text: &[u8]) -> anyhow::Result<()> {
        while self.buffer.len() < text.len() {
            ensure!(self.read_more().await?, "closed after {} of {} bytes", self.buffer.len(), text.len());
        }
        let received: Vec<u8> = self.buffer.drain(..text.len()).collect();
        ensure!(received == text, "heard {:?} instead", String::from_utf8_lossy(&received));
        Ok(())
    }

    async fn echo(&mut self) -> anyhow::Result<()> {
        loop {
            let bytes = std::mem::take(&mut self.buffer);
            self.send(&bytes).await?;
            if !self.read_more().await? {
                return Ok(());
            }
        }
    }
}

/// Parses a head leniently: it comes from the peer under test.
fn parse(text: &str) -> HttpMessage {
    let mut lines = text.lines();
    let mut start = lines.next().unwrap_or_default().splitn(3, ' ').map(|part| part.chars().take(MAX_VALUE).collect());
    let mut next = || start.next().unwrap_or_default();
    let start = [next(), next(), next()];
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .take(MAX_HEADERS)
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().chars().take(MAX_VALUE).collect()));
    HttpMessage { start, headers: headers.collect(), at_us: now_us(), ..HttpMessage::default() }
}

#[cfg(test)]
mod tests;
