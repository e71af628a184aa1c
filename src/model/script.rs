//! What a scripted peer does, byte by byte: the way to say what no well-behaved library would.

use serde::{Deserialize, Serialize};

/// One step of a script, at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Sends this text.
    Send(String),
    /// Sends these bytes.
    SendBytes(Vec<u8>),
    /// Sends so many bytes of the counting pattern.
    SendPattern(u64),
    /// Sends so many bytes of the counting pattern as chunks, without the last chunk.
    SendChunks(u64),
    /// Reads a whole ClientHello, however many segments it comes in.
    ReadHello,
    /// Reads once, whatever comes: the size of a peer's first write.
    ReadOnce,
    /// Reads the head of a message and notes it; interim responses before it are noted along with it.
    ReadHead,
    /// Waits for an interim response (1xx).
    ReadInterim,
    /// Reads the body of the last head, by its own framing, and notes it.
    ReadBody,
    /// Reads exactly this text; anything else is an error.
    Expect(String),
    /// Sends back what comes until the peer closes.
    Echo,
    /// Reads and forgets until the peer closes.
    Hang,
    /// Says nothing for so many milliseconds: a slow peer.
    Pause(u64),
    /// Ends the sending side without a TLS `close_notify`, and goes on.
    Fin,
    /// Ends the sending side as the protocol wants it, and goes on.
    Close,
    /// Ends the connection with a RST; the last step of a script.
    Reset,
}
