//! Groups captured frames into TCP flows: which connection a segment belongs to, which end opened it, and what to keep.
//! What a flow means is the matter of [`super::facts`].

mod stream;

pub use stream::{FlowStream, SeenFlow};

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;

use super::segment::{Flags, Frame, TcpSegment};
use crate::model::{Direction, Flow, Packet};

/// Flows kept per table; a trial has a handful.
const MAX_FLOWS: usize = 4096;

/// First and last packets kept of a flow. With [`MAX_FLOWS`] this bounds a table to about 20 MiB.
const HEAD: usize = 64;
const TAIL: usize = 64;

/// Collects the flows to a set of server ports.
#[derive(Debug)]
pub struct FlowTable {
    ports: BTreeSet<u16>,
    flows: Vec<Connection>,
    /// (client, server) to the newest flow between them: ephemeral ports are reused.
    newest: HashMap<(SocketAddr, SocketAddr), usize>,
    refused: u64,
}

#[derive(Debug)]
struct Connection {
    client: SocketAddr,
    server: SocketAddr,
    to_server: Stream,
    to_client: Stream,
    head: Vec<Seen>,
    tail: VecDeque<Seen>,
    dropped: u32,
}

/// One direction of a connection.
#[derive(Debug, Default, Clone, Copy)]
struct Stream {
    /// The sequence number that counts as 0, once known.
    base: Option<u32>,
    /// Highest relative sequence number behind a payload byte.
    end: u32,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    at_us: u64,
    direction: Direction,
    flags: Flags,
    seq: u32,
    len: u32,
}

impl FlowTable {
    /// A table of the flows to `ports`, which ignores all other traffic.
    pub fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self { ports: ports.into_iter().collect(), flows: Vec::new(), newest: HashMap::new(), refused: 0 }
    }

    /// Adds a frame and returns the server port of its flow; `None` for other traffic and for the second copy of a
    /// loopback frame. Retransmissions are kept: they are evidence.
    pub fn push(&mut self, frame: &Frame<'_>) -> Option<u16> {
        if frame.is_loopback_copy() {
            return None;
        }
        let segment = frame.segment()?;
        let (index, direction) = self.place(&segment)?;
        let flow = &mut self.flows[index];
        flow.take(frame.at_ns / 1000, direction, &segment);
        Some(flow.server.port())
    }

    /// The flows to a server port, ordered by their first packet.
    pub fn by_server_port(&self, port: u16) -> Vec<Flow> {
        self.flows.iter().filter(|flow| flow.server.port() == port).map(Connection::to_flow).collect()
    }

    /// Segments dropped because the table already had 4096 flows.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The flow of a segment, and the segment's direction in it.
    fn place(&mut self, segment: &TcpSegment) -> Option<(usize, Direction)> {
        let forth = (segment.source, segment.destination);
        let back = (segment.destination, segment.source);
        let opens = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK);
        if let Some(&index) = self.newest.get(&forth)
            && !(opens && self.flows[index].to_server.base.is_some_and(|base| base != segment.seq))
        {
            return Some((index, Direction::ToServer));
        }
        if !opens && let Some(&index) = self.newest.get(&back) {
            return Some((index, Direction::ToClient));
        }
        let ours = |address: SocketAddr| self.ports.contains(&address.port());
        let answers = segment.flags.has(Flags::SYN | Flags::ACK);
        // A SYN shows which end is the client. Without one, the end with a port of the table is the server.
        let (key, direction) = match (ours(segment.destination), ours(segment.source)) {
            (true, false) => (forth, Direction::ToServer),
            (true, true) if !answers => (forth, Direction::ToServer),
            (_, true) if !opens => (back, Direction::ToClient),
            _ => return None,
        };
        if self.flows.len() == MAX_FLOWS {
            self.refused += 1;
            return None;
        }
        self.flows.push(Connection::new(key.0, key.1));
        self.newest.insert(key, self.flows.len() - 1);
        Some((self.flows.len() - 1, direction))
    }
}

impl Connection {
    fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            client,
            server,
            to_server: Stream::default(),
            to_client: Stream::default(),
            head: Vec::new(),
            tail: VecDeque::new(),
            dropped: 0,
        }
    }

    fn take(&mut self, at_us: u64, direction: Direction, segment: &TcpSegment) {
        let stream = match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        };
        let seq = stream.take(segment);
        let seen = Seen { at_us, direction, flags: segment.flags, seq, len: segment.len };
        if self.head.len() < HEAD {
            self.head.push(seen);
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.tail.push_back(seen);
    }

    fn to_flow(&self) -> Flow {
        Flow {
            client: self.client.to_string(),
            server: self.server.to_string(),
            packets: self.head.iter().chain(&self.tail).copied().map(Packet::from).collect(),
            dropped: self.dropped,
            bytes_to_server: self.to_server.bytes(),
            bytes_to_client: self.to_client.bytes(),
        }
    }
}

impl Stream {
    /// Adds a segment and returns its relative sequence number: SYN is 0, the first byte is 1.
    fn take(&mut self, segment: &TcpSegment) -> u32 {
        let syn = u32::from(segment.flags.has(Flags::SYN));
        // When the SYN was missed, the first segment seen counts as the first byte. A bare reset that
        // answers a SYN carries sequence number 0 and stays 0.
        let missed = u32::from(syn == 0 && !segment.flags.has(Flags::RST));
        let base = *self.base.get_or_insert(segment.seq.wrapping_sub(missed));
        let seq = segment.seq.wrapping_sub(base);
        let end = seq.wrapping_add(syn).wrapping_add(segment.len);
        // A number in the upper half is older than the base: a probe, or a segment from before the capture.
        if segment.len > 0 && seq < 1 << 31 {
            self.end = self.end.max(end);
        }
        seq
    }

    /// Payload bytes without retransmissions.
    fn bytes(self) -> u64 {
        u64::from(self.end.saturating_sub(1))
    }
}

impl From<Seen> for Packet {
    fn from(seen: Seen) -> Self {
        Self {
            at_us: seen.at_us,
            direction: seen.direction,
            flags: seen.flags.to_string(),
            seq: seen.seq,
            len: seen.len,
        }
    }
}

#[cfg(test)]
mod tests;
