//! Scripts for peers, byte by byte: they can send what no correct library would.

use serde::{Deserialize, Serialize};

/// One step of a script, at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Sends this text.
    Send(String),
    /// Sends these bytes.
    SendBytes(Vec<u8>),
    /// Sends this many bytes of the counting pattern.
    SendPattern(u64),
    /// Sends this many bytes of the counting pattern as chunks, without the last chunk.
    SendChunks(u64),
    /// Reads a whole ClientHello, in any number of segments.
    ReadHello,
    /// Reads once: the size of the peer's first write.
    ReadOnce,
    /// Reads and records the head of a message, with interim responses before it.
    ReadHead,
    /// Waits for an interim response (1xx).
    ReadInterim,
    /// Reads and records the body of the last head, according to its framing.
    ReadBody,
    /// Reads exactly this text; anything else is an error.
    Expect(String),
    /// Sends back everything until the peer closes.
    Echo,
    /// Reads and discards until the peer closes.
    Hang,
    /// Waits for this many milliseconds, like a slow peer.
    Pause(u64),
    /// Closes the sending side without a TLS `close_notify`, and continues.
    Fin,
    /// Closes the sending side as the protocol requires, and continues.
    Close,
    /// Closes the connection with a RST; must be the last step.
    Reset,
}
