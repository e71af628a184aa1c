//! Network traffic as data: the ClientHello, TCP flows, their summaries, pcapng files.
//!
//! Byte formats (TLS records, Ethernet, IP, TCP, pcapng) and the model, without sockets, files, trials or ATS: bytes
//! come in, values go out. Input may be hostile: no bytes cause a panic, and everything kept is bounded.

pub mod capture_file;
pub mod facts;
mod flow;
mod hello;
mod iana;
pub mod pcapng;
mod recording;
mod segment;
pub mod tcpdump;
pub mod timeline;

pub use flow::{FlowStream, FlowTable, SeenFlow};
pub use hello::{HelloParser, State};
pub use recording::Recording;
pub use segment::{Flags, Frame, LinkType, TcpSegment};
