//! Parses the first flight of a TLS client, as its bytes arrive, into a [`Hello`].
//!
//! The record layer (RFC 8446 section 5.1, RFC 5246 section 6.2.1) and the ClientHello (section 4.1.2), without sockets
//! and without judging what a client offers.

use super::iana;
use crate::model::Hello;

/// Longest ClientHello that is parsed, bytes. Real ones have 0.5 to 2 KiB; with post-quantum shares and tickets at most
/// about 4.
const MAX_HELLO: usize = 64 * 1024;

/// Longest plaintext record (RFC 8446 section 5.1), bytes.
const MAX_RECORD: usize = 1 << 14;

/// Longest server name or protocol name kept, bytes before escaping. DNS names have at most 255.
const MAX_NAME: usize = 255;

/// Most extensions kept. Real clients send about 20.
const MAX_EXTENSIONS: usize = 64;

/// Bytes of the header of a record, and of a handshake message.
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;

/// The content type of handshake records (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;
/// The type of the message (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
/// Bytes of the random value in a ClientHello (RFC 8446 section 4.1.2).
const RANDOM: usize = 32;

/// What is known about a client's first flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not enough bytes yet.
    NeedMore,
    /// A complete ClientHello.
    Hello(Hello),
    /// The bytes do not start a TLS connection: a short description of what they are.
    NotTls(String),
}

/// Parses a client's bytes in pieces of any size. The result does not depend on how they are cut, and bytes after it
/// change nothing.
#[derive(Debug)]
pub struct HelloParser {
    header: Vec<u8>,
    /// Bytes of the current record still to come.
    left: usize,
    message: Vec<u8>,
    state: State,
}

impl Default for HelloParser {
    fn default() -> Self {
        Self { header: Vec::with_capacity(RECORD_HEADER), left: 0, message: Vec::new(), state: State::NeedMore }
    }
}

impl HelloParser {
    /// A parser without bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes of the stream and returns the state. Holds at most 64 KiB and one record.
    pub fn push(&mut self, mut bytes: &[u8]) -> &State {
        while self.state == State::NeedMore && !bytes.is_empty() {
            let wanted = if self.left == 0 { RECORD_HEADER - self.header.len() } else { self.left };
            let (piece, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            let step = if self.left == 0 { self.take_header(piece) } else { self.take_fragment(piece) };
            match step {
                Ok(None) => {}
                Ok(Some(hello)) => self.state = State::Hello(hello),
                Err(what) => self.state = State::NotTls(what),
            }
        }
        &self.state
    }

    /// The state after the bytes so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    fn take_header(&mut self, piece: &[u8]) -> Result<Option<Hello>, String> {
        self.header.extend_from_slice(piece);
        let Ok(header) = <[u8; RECORD_HEADER]>::try_from(self.header.as_slice()) else { return Ok(None) };
        let [kind, major, _, high, low] = header;
        let len = usize::from(u16::from_be_bytes([high, low]));
        if kind != HANDSHAKE_RECORD || major != 3 {
            return Err(describe(header, self.message.is_empty()));
        }
        if len == 0 || len > MAX_RECORD {
            return Err(format!("a TLS handshake record of {len} bytes, which RFC 8446 forbids"));
        }
        self.left = len;
        self.header.clear();
        Ok(None)
    }

    fn take_fragment(&mut self, piece: &[u8]) -> Result<Option<Hello>, String> {
        self.left -= piece.len();
        self.message.extend_from_slice(piece);
        let Some((&[kind, a, b, c], body)) = self.message.split_first_chunk::<MESSAGE_HEADER>() else {
            return Ok(None);
        };
        if kind != CLIENT_HELLO {
            return Err(format!("a TLS handshake message of type {kind} in place of a ClientHello"));
        }
        let len = u32::from_be_bytes([0, a, b, c]);
        if len as usize > MAX_HELLO - MESSAGE_HEADER {
            return Err(format!("a ClientHello of {len} bytes, more than is parsed"));
        }
        let Some(body) = body.get(..len as usize) else { return Ok(None) };
        let hello = read_hello(body).ok_or_else(|| format!("a malformed ClientHello of {len} bytes"))?;
        Ok(Some(Hello { len: len + 4, ..hello }))
    }
}

/// Describes five bytes that are not a handshake record.
fn describe(header: [u8; RECORD_HEADER], first: bool) -> String {
    let place = if first { "" } else { " in the middle of a ClientHello" };
    match header {
        [21, 3, ..] => format!("a TLS alert{place}"),
        [20 | 23, 3, ..] => format!("a TLS record of type {}{place}", header[0]),
        [0x80..=0xff, _, 1, ..] if first => "an SSLv2 hello".into(),
        text if first && text.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            format!("plain text, starting with `{}`", text.escape_ascii())
        }
        other => format!("bytes that are not TLS, starting with {other:02x?}{place}"),
    }
}

/// A cursor over the body of a message; a read beyond its end returns `None`.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    /// A vector with a length of one byte (RFC 8446 section 3.4).
    fn short(&mut self) -> Option<Cursor<'a>> {
        let len = self.u8()?;
        self.take(len.into()).map(Cursor)
    }

    /// A vector with a length of two bytes.
    fn long(&mut self) -> Option<Cursor<'a>> {
        let len = self.u16()?;
        self.take(len.into()).map(Cursor)
    }

    /// The rest as two-byte numbers without GREASE; `None` if a single byte is left.
    fn codes(&mut self) -> Option<Vec<u16>> {
        let mut codes = Vec::new();
        while !self.0.is_empty() {
            codes.push(self.u16()?);
        }
        codes.retain(|code| !iana::is_grease(*code));
        Some(codes)
    }
}

fn read_hello(body: &[u8]) -> Option<Hello> {
    let mut body = Cursor(body);
    let legacy_version = body.u16()?;
    body.take(RANDOM)?;
    let session_id = body.short()?;
    let suites = body.long()?.codes()?;
    body.short()?;
    let mut hello = Hello { suites: suites.iter().map(|suite| format!("{suite:04x}")).collect(), ..Hello::default() };
    // SSLv3 and TLS 1.0 hellos may end here (RFC 5246 section 7.4.1.2).
    if !body.0.is_empty() {
        let mut extensions = body.long()?;
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            read_extension(kind, extensions.long()?, &mut hello)?;
        }
    }
    if hello.versions.is_empty() {
        hello.versions = vec![iana::version(legacy_version)];
    }
    // A client that offers TLS 1.3 fills the session id with noise for middleboxes (RFC 8446
    // appendix D.4); before 1.3 it names a session.
    hello.resuming |= !session_id.0.is_empty() && !hello.versions.iter().any(|version| version == "TLSv1.3");
    Some(hello)
}

fn read_extension(kind: u16, mut data: Cursor<'_>, hello: &mut Hello) -> Option<()> {
    if !iana::is_grease(kind) && hello.extensions.len() < MAX_EXTENSIONS {
        hello.extensions.push(iana::extension(kind));
    }
    match kind {
        // server_name: RFC 6066 section 3. Servers answer with an empty one, which is tolerated here.
        0 if !data.0.is_empty() => {
            let mut names = data.long()?;
            while !names.0.is_empty() {
                let host_name = names.u8()? == 0;
                let name = names.long()?;
                if host_name && hello.sni.is_none() {
                    hello.sni = Some(printable(name.0));
                }
            }
        }
        10 => hello.groups = data.long()?.codes()?.into_iter().map(iana::group).collect(),
        13 => hello.signatures = data.long()?.codes()?.into_iter().map(iana::signature).collect(),
        // ALPN: RFC 7301 section 3.1.
        16 => {
            let mut protocols = data.long()?;
            while !protocols.0.is_empty() {
                let protocol = protocols.short()?.0;
                let code = <[u8; 2]>::try_from(protocol).map(u16::from_be_bytes);
                if !code.is_ok_and(iana::is_grease) {
                    hello.alpn.push(printable(protocol));
                }
            }
        }
        // session_ticket: RFC 5077 section 3.2. An empty one requests a ticket.
        35 => hello.resuming |= !data.0.is_empty(),
        41 => hello.resuming = true,
        43 => hello.versions = data.short()?.codes()?.into_iter().map(iana::version).collect(),
        51 => {
            let mut shares = data.long()?;
            while !shares.0.is_empty() {
                let group = shares.u16()?;
                shares.long()?;
                if !iana::is_grease(group) {
                    hello.key_shares.push(iana::group(group));
                }
            }
        }
        _ => {}
    }
    Some(())
}

/// A name from the wire, bounded and escaped for reports and terminals.
fn printable(bytes: &[u8]) -> String {
    bytes.iter().take(MAX_NAME).copied().collect::<Vec<u8>>().escape_ascii().to_string()
}

#[cfg(test)]
pub(in crate::wire) mod tests;
