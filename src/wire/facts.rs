//! Facts about a captured flow, from which known issues build their signatures.
//!
//! TCP only: no trials, no ATS, no known issues. The client is the side that opened the connection, usually ATS; the
//! server is the origin.

use crate::model::{Direction, Flow, Packet};

/// The first segment that ends a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its direction: [`Direction::ToServer`] means that the client ended the flow.
    pub direction: Direction,
    /// Whether it was a reset.
    pub reset: bool,
    /// Its time, microseconds since the epoch.
    pub at_us: u64,
    /// Payload bytes that the client had sent by then.
    pub to_server: u64,
    /// Payload bytes that the server had sent by then.
    pub to_client: u64,
}

fn has(packet: &Packet, flag: char) -> bool {
    packet.flags.contains(flag)
}

fn is_syn(packet: &Packet) -> bool {
    packet.direction == Direction::ToServer && has(packet, 'S') && !has(packet, '.')
}

fn is_syn_ack(packet: &Packet) -> bool {
    packet.direction == Direction::ToClient && has(packet, 'S') && has(packet, '.')
}

fn acknowledges(packet: &Packet) -> bool {
    packet.direction == Direction::ToServer && has(packet, '.') && !has(packet, 'S') && !has(packet, 'R')
}

/// Whether SYN, SYN/ACK and ACK were all seen, in this order.
pub fn handshake_completed(flow: &Flow) -> bool {
    let mut packets = flow.packets.iter();
    packets.any(is_syn) && packets.any(is_syn_ack) && packets.any(acknowledges)
}

/// Whether the server answered the SYN with a reset: a closed port.
pub fn refused(flow: &Flow) -> bool {
    flow.packets.iter().any(is_syn)
        && !flow.packets.iter().any(is_syn_ack)
        && reset_by(flow) == Some(Direction::ToClient)
}

/// Whether the client sent SYNs and nothing came back.
pub fn unanswered(flow: &Flow) -> bool {
    !flow.packets.is_empty() && flow.dropped == 0 && flow.packets.iter().all(is_syn)
}

/// The first FIN or RST; `None` while the flow is open.
pub fn end(flow: &Flow) -> Option<End> {
    let at = flow.packets.iter().position(|packet| has(packet, 'F') || has(packet, 'R'))?;
    let packet = &flow.packets[at];
    let (to_server, to_client) = bytes_until(flow, at);
    Some(End { direction: packet.direction, reset: has(packet, 'R'), at_us: packet.at_us, to_server, to_client })
}

/// Payload bytes each way up to and with the packet at `at`.
fn bytes_until(flow: &Flow, at: usize) -> (u64, u64) {
    let sent = |direction| {
        let own = flow.packets[..=at].iter().filter(|packet| packet.direction == direction && packet.len > 0);
        let end = |packet: &Packet| u64::from(packet.seq) + u64::from(packet.len) + u64::from(has(packet, 'S'));
        own.map(end).max().unwrap_or(1).saturating_sub(1)
    };
    (sent(Direction::ToServer).min(flow.bytes_to_server), sent(Direction::ToClient).min(flow.bytes_to_client))
}

/// The seed failure (W1) on the wire: after the handshake the client closed or reset without sending a byte, and the
/// server had sent none that could cause it.
pub fn closed_before_first_byte_by_client(flow: &Flow) -> bool {
    handshake_completed(flow)
        && end(flow).is_some_and(|end| end.direction == Direction::ToServer && end.to_server == 0 && end.to_client == 0)
}

/// Whether the server closed or reset after the handshake without sending a byte.
pub fn closed_before_first_byte_by_server(flow: &Flow) -> bool {
    handshake_completed(flow) && end(flow).is_some_and(|end| end.direction == Direction::ToClient && end.to_client == 0)
}

/// The direction of the first reset: [`Direction::ToServer`] means that the client sent it.
pub fn reset_by(flow: &Flow) -> Option<Direction> {
    flow.packets.iter().find(|packet| has(packet, 'R')).map(|packet| packet.direction)
}

/// Packets that carry nothing new: repeated SYNs, payload that was already sent.
pub fn retransmissions(flow: &Flow) -> usize {
    let repeated = |(at, packet): (usize, &Packet)| {
        let span = |p: &Packet| (u64::from(p.seq), u64::from(p.seq) + u64::from(p.len) + u64::from(has(p, 'S')));
        let (begin, end) = span(packet);
        let earlier = flow.packets[..at].iter().filter(|other| other.direction == packet.direction);
        end > begin && earlier.map(|other| span(other).1).max().is_some_and(|sent| end <= sent)
    };
    flow.packets.iter().enumerate().filter(|(at, packet)| repeated((*at, packet))).count()
}

/// Microseconds from the first packet to the first end, if both were seen.
pub fn lasted_us(flow: &Flow) -> Option<u64> {
    Some(end(flow)?.at_us.saturating_sub(flow.packets.first()?.at_us))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A flow from lines such as `> P. 1 517`: direction, flags, sequence number, payload length.
    pub(in crate::wire) fn flow(lines: &[&str]) -> Flow {
        let packet = |(at, line): (u64, &&str)| {
            let parts: Vec<&str> = line.split(' ').collect();
            Packet {
                at_us: 1_700_000_000_000_000 + at * 100,
                direction: if parts[0] == ">" { Direction::ToServer } else { Direction::ToClient },
                flags: parts[1].into(),
                seq: parts[2].parse().unwrap(),
                len: parts[3].parse().unwrap(),
            }
        };
        let packets: Vec<Packet> = (0..).zip(lines).map(packet).collect();
        let mut flow = Flow {
            client: "10.0.0.1:40000".into(),
            server: "10.0.0.2:8443".into(),
            bytes_to_server: u64::MAX,
            bytes_to_client: u64::MAX,
            packets,
            dropped: 0,
        };
        (flow.bytes_to_server, flow.bytes_to_client) =
            flow.packets.len().checked_sub(1).map_or((0, 0), |last| bytes_until(&flow, last));
        flow
    }

    /// The seed failure as captured.
    pub(in crate::wire) const SEED: &[&str] = &["> S 0 0", "< S. 0 0", "> . 1 0", "> F. 1 0", "< P. 1 7", "> R 2 0"];

    /// A successful request over TLS.
    pub(in crate::wire) const GOOD: &[&str] = &[
        "> S 0 0",
        "< S. 0 0",
        "> . 1 0",
        "> P. 1 517",
        "< . 1 0",
        "< P. 1 1400",
        "> P. 518 300",
        "< FP. 1401 50",
        "> F. 818 0",
        "< . 1452 0",
    ];

    #[test]
    fn the_seed_failure_differs_from_a_good_flow() {
        let seed = flow(SEED);
        assert!(handshake_completed(&seed) && closed_before_first_byte_by_client(&seed));
        assert_eq!((reset_by(&seed), lasted_us(&seed)), (Some(Direction::ToServer), Some(300)));
        let good = flow(GOOD);
        assert!(handshake_completed(&good) && !closed_before_first_byte_by_client(&good));
        let end = end(&good).unwrap();
        assert_eq!((end.direction, end.reset, end.to_server, end.to_client), (Direction::ToClient, false, 817, 1450));
    }

    #[test]
    fn a_client_that_answers_an_early_alert_did_not_close_unprovoked() {
        let provoked = flow(&["> S 0 0", "< S. 0 0", "> . 1 0", "< P. 1 7", "> F. 1 0"]);
        assert!(!closed_before_first_byte_by_client(&provoked));
    }

    #[test]
    fn refused_and_unanswered_are_not_the_same() {
        let refusal = flow(&["> S 0 0", "< R. 0 0"]);
        let silence = flow(&["> S 0 0", "> S 0 0", "> S 0 0"]);
        assert!(refused(&refusal) && !unanswered(&refusal) && !handshake_completed(&refusal));
        assert!(unanswered(&silence) && !refused(&silence));
        assert_eq!((end(&silence), retransmissions(&silence)), (None, 2));
        assert!(!unanswered(&Flow::default()));
    }

    #[test]
    fn a_server_that_closes_at_once_is_recognised() {
        assert!(closed_before_first_byte_by_server(&flow(&[
            "> S 0 0",
            "< S. 0 0",
            "> . 1 0",
            "> P. 1 517",
            "< R. 1 0"
        ])));
        assert!(!closed_before_first_byte_by_server(&flow(GOOD)));
    }

    #[test]
    fn repeated_payload_is_a_retransmission_and_new_payload_is_not() {
        assert_eq!(retransmissions(&flow(&["> P. 1 10", "> P. 1 10", "> P. 11 5", "< P. 1 10"])), 1);
        assert_eq!(retransmissions(&flow(GOOD)), 0);
    }
}
