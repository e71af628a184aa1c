//! What travels on the wire as data: the ClientHello, TCP flows, their summaries, pcapng files.
//!
//! Knows byte formats (TLS records, Ethernet, IP, TCP, pcapng) and the model. Knows no socket, no
//! file, no trial and no ATS: bytes come in, values go out. Every input may be hostile, so nothing
//! here panics on bytes and everything kept is bounded.

pub mod facts;
mod flow;
mod hello;
mod iana;
pub mod pcapng;
mod recording;
mod segment;
pub mod timeline;

pub use flow::FlowTable;
pub use hello::{HelloParser, State};
pub use recording::Recording;
pub use segment::{Flags, Frame, Segment};
