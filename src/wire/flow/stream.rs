//! Flows of a capture of any length, in bounded memory: each is handed over when it gives way to others.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::Connection;
use crate::model::{Direction, Flow, Hello};
use crate::wire::hello::{HelloParser, State};
use crate::wire::segment::{Flags, TcpSegment};

/// Flows held at a time, which bounds the memory to about 20 MiB and as many beginnings of a ClientHello.
const MAX_OPEN: usize = 4096;

/// A flow, and what its client began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFlow {
    /// The flow.
    pub flow: Flow,
    /// The ClientHello, if the client sent one and all of it was captured.
    pub hello: Option<Hello>,
}

/// Collects flows between any addresses.
#[derive(Debug, Default)]
pub struct FlowStream {
    /// By client and server.
    open: HashMap<(SocketAddr, SocketAddr), OpenFlow>,
}

#[derive(Debug)]
struct OpenFlow {
    connection: Connection,
    first_flight: FirstFlight,
    /// When its last segment came.
    last_us: u64,
    ended: bool,
}

/// The first bytes of a client, in order.
#[derive(Debug, Default)]
struct FirstFlight {
    parser: Option<HelloParser>,
    /// The sequence number of the next byte.
    next: Option<u32>,
    hello: Option<Hello>,
    /// Nothing more is to be learned: a whole ClientHello, something else, or a gap.
    over: bool,
}

impl FlowStream {
    /// Adds a segment and returns the flows that give way.
    pub fn push(&mut self, at_us: u64, segment: &TcpSegment, payload: &[u8]) -> Vec<SeenFlow> {
        let mut done = Vec::new();
        let (key, direction) = self.place(segment, &mut done);
        if !self.open.contains_key(&key) && self.open.len() >= MAX_OPEN {
            self.make_room(&mut done);
        }
        let open = self.open.entry(key).or_insert_with(|| OpenFlow::new(key));
        open.take(at_us, direction, segment, payload);
        done
    }

    /// All flows that are left, in the order of their last segments.
    pub fn finish(self) -> Vec<SeenFlow> {
        let mut left: Vec<((SocketAddr, SocketAddr), OpenFlow)> = self.open.into_iter().collect();
        left.sort_by_key(|(key, open)| (open.last_us, *key));
        left.into_iter().map(|(_, open)| open.seen()).collect()
    }

    /// The flow of a segment, and the segment's direction in it. A SYN with another sequence number ends the flow before
    /// it: ports are reused.
    fn place(&mut self, segment: &TcpSegment, done: &mut Vec<SeenFlow>) -> ((SocketAddr, SocketAddr), Direction) {
        let forth = (segment.source, segment.destination);
        let back = (segment.destination, segment.source);
        let opens = segment.flags.has(Flags::SYN) && !segment.flags.has(Flags::ACK);
        let answers = segment.flags.has(Flags::SYN | Flags::ACK);
        if opens {
            if self.open.get(&forth).is_some_and(|open| open.begun_otherwise(segment)) {
                done.extend(self.open.remove(&forth).map(OpenFlow::seen));
            }
            return (forth, Direction::ToServer);
        }
        if self.open.contains_key(&forth) {
            return (forth, Direction::ToServer);
        }
        // Without its beginning, the lower port is taken for the server's.
        let from_server =
            answers || self.open.contains_key(&back) || segment.source.port() < segment.destination.port();
        if from_server { (back, Direction::ToClient) } else { (forth, Direction::ToServer) }
    }

    /// Hands over the flows that have ended, or else the quarter that was silent the longest.
    fn make_room(&mut self, done: &mut Vec<SeenFlow>) {
        let mut leaving: Vec<(SocketAddr, SocketAddr)> =
            self.open.iter().filter(|(_, open)| open.ended).map(|(key, _)| *key).collect();
        if leaving.is_empty() {
            leaving = self.open.keys().copied().collect();
            leaving.sort_by_key(|key| (self.open.get(key).map(|open| open.last_us), *key));
            leaving.truncate(MAX_OPEN / 4);
        }
        leaving.sort_unstable();
        for key in leaving {
            done.extend(self.open.remove(&key).map(OpenFlow::seen));
        }
    }
}

impl OpenFlow {
    fn new((client, server): (SocketAddr, SocketAddr)) -> Self {
        Self {
            connection: Connection::new(client, server),
            first_flight: FirstFlight::default(),
            last_us: 0,
            ended: false,
        }
    }

    fn begun_otherwise(&self, syn: &TcpSegment) -> bool {
        self.connection.to_server.base.is_some_and(|base| base != syn.seq)
    }

    fn take(&mut self, at_us: u64, direction: Direction, segment: &TcpSegment, payload: &[u8]) {
        self.connection.take(at_us, direction, segment);
        self.last_us = at_us;
        self.ended |= segment.flags.has(Flags::FIN) || segment.flags.has(Flags::RST);
        if direction == Direction::ToServer {
            self.first_flight.take(segment, payload);
        }
    }

    fn seen(self) -> SeenFlow {
        SeenFlow { flow: self.connection.to_flow(), hello: self.first_flight.hello }
    }
}

impl FirstFlight {
    fn take(&mut self, segment: &TcpSegment, payload: &[u8]) {
        if segment.flags.has(Flags::SYN) {
            self.next = Some(segment.seq.wrapping_add(1));
        }
        if self.over || payload.is_empty() {
            return;
        }
        let next = self.next.get_or_insert(segment.seq);
        // Padding of short frames is behind the payload.
        let Some(payload) = usize::try_from(segment.len).ok().and_then(|len| payload.get(..len)) else {
            self.over = true;
            return;
        };
        if segment.seq != *next {
            // A repetition says nothing new; after a gap nothing is certain.
            self.over = segment.seq.wrapping_sub(*next) < 1 << 31;
            return;
        }
        *next = next.wrapping_add(segment.len);
        match self.parser.get_or_insert_with(HelloParser::new).push(payload) {
            State::NeedMore => return,
            State::Hello(hello) => self.hello = Some(hello.clone()),
            State::NotTls(_) => {}
        }
        self.over = true;
        self.parser = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::segment::tests::frame;
    use crate::wire::{LinkType, timeline};

    /// Pushes frames of `(client to server?, client port, flags, seq, payload)`.
    fn flows(segments: &[(bool, u16, u8, u32, &[u8])]) -> Vec<SeenFlow> {
        let mut stream = FlowStream::default();
        let mut seen = Vec::new();
        for (at, (forth, port, flags, seq, payload)) in (0..).zip(segments) {
            let (client, server) = ((1, *port), (2, 443));
            let (from, to) = if *forth { (client, server) } else { (server, client) };
            let bytes = frame(from, to, *flags, *seq, payload);
            let (segment, payload) = LinkType::Ethernet.segment(&bytes, 0).unwrap();
            seen.extend(stream.push(at, &segment, payload));
        }
        seen.extend(stream.finish());
        seen
    }

    const SEED: [(bool, u16, u8, u32, &[u8]); 4] = [
        (true, 4000, 2, 100, b""),
        (false, 4000, 0x12, 900, b""),
        (true, 4000, 0x10, 101, b""),
        (true, 4000, 0x11, 101, b""),
    ];

    #[test]
    fn a_reused_port_is_another_flow() {
        let again: Vec<_> =
            SEED.iter().map(|it| if it.0 { (it.0, it.1, it.2, it.3 + 5000, it.4) } else { *it }).collect();
        let seen = flows(&[SEED.as_slice(), &again].concat());
        let lines: Vec<String> = seen.iter().map(|seen| timeline::summary(&seen.flow)).collect();
        assert_eq!(lines, ["S, S., ., F. after 0 bytes to the origin"; 2]);
        // A repeated SYN is no new flow.
        assert_eq!(flows(&[&SEED[..1], SEED.as_slice()].concat()).len(), 1);
    }

    #[test]
    fn a_client_hello_in_two_segments_is_read_and_a_gap_is_not_bridged() {
        let bytes = crate::wire::hello::tests::sample();
        let (first, rest) = bytes.split_at(40);
        let length = u32::try_from(first.len()).unwrap();
        let of = |gap: u32| {
            flows(&[
                (true, 4000, 2, 100, b""),
                (true, 4000, 0x18, 101, first),
                (true, 4000, 0x18, 101 + length + gap, rest),
            ])
        };
        assert!(of(0)[0].hello.is_some());
        assert_eq!(of(1)[0].hello, None);
    }

    #[test]
    fn memory_is_bounded_and_no_flow_is_lost() {
        let count: u16 = 9000;
        let all: Vec<_> = (0..count).map(|at| (true, 1000 + at, 2u8, 7, &b""[..])).collect();
        let mut stream = FlowStream::default();
        let mut seen = 0;
        for (_, port, flags, seq, _) in &all {
            let bytes = frame((1, *port), (2, 443), *flags, *seq, b"");
            let (segment, payload) = LinkType::Ethernet.segment(&bytes, 0).unwrap();
            seen += stream.push(1, &segment, payload).len();
            assert!(stream.open.len() <= MAX_OPEN);
        }
        assert_eq!(seen + stream.finish().len(), usize::from(count));
    }

    proptest! {
        #[test]
        fn every_segment_lands_in_some_flow(
            all in prop::collection::vec((any::<bool>(), 1u16..4, 0u8..32, any::<u32>(), 0usize..20), 0..40)
        ) {
            let payload = [22u8; 20];
            let segments: Vec<_> =
                all.iter().map(|(forth, port, flags, seq, len)| (*forth, *port, *flags, *seq, &payload[..*len])).collect();
            let packets: usize = flows(&segments).iter().map(|seen| seen.flow.packets.len()).sum();
            prop_assert_eq!(packets, segments.len());
        }
    }
}
