use proptest::prelude::*;

use super::super::segment::tests::frame;
use super::*;

const ATS: End = (1, 40000);
const ORIGIN: End = (2, 8443);

type End = (u8, u16);
type Sent = (End, End, u8, u32, usize);

/// Pushes segments (from, to, flags, seq, payload length) a microsecond apart.
fn table(segments: &[Sent]) -> FlowTable {
    let mut table = FlowTable::new([8443]);
    for (at, (from, to, flags, seq, len)) in (1u64..).zip(segments) {
        let bytes = frame(*from, *to, *flags, *seq, &vec![0; *len]);
        table.push(&Frame {
            at_ns: at * 1000,
            outgoing: true,
            len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
        });
    }
    table
}

/// Packets as `> S 0 0`.
fn lines(flow: &Flow) -> Vec<String> {
    let arrow = |direction| if direction == Direction::ToServer { '>' } else { '<' };
    flow.packets.iter().map(|p| format!("{} {} {} {}", arrow(p.direction), p.flags, p.seq, p.len)).collect()
}

#[test]
fn the_seed_failure_reads_as_tcpdump_shows_it() {
    let table = table(&[
        (ATS, ORIGIN, 2, 1000, 0),
        (ORIGIN, ATS, 0x12, u32::MAX, 0),
        (ATS, ORIGIN, 0x10, 1001, 0),
        (ATS, ORIGIN, 0x11, 1001, 0),
        (ORIGIN, ATS, 0x18, 0, 7),
        (ATS, ORIGIN, 4, 1002, 0),
    ]);
    let flows = table.by_server_port(8443);
    assert_eq!(lines(&flows[0]), ["> S 0 0", "< S. 0 0", "> . 1 0", "> F. 1 0", "< P. 1 7", "> R 2 0"]);
    assert_eq!((flows[0].client.as_str(), flows[0].server.as_str()), ("10.0.0.1:40000", "10.0.0.2:8443"));
    assert_eq!((flows[0].bytes_to_server, flows[0].bytes_to_client, flows[0].dropped), (0, 7, 0));
    assert_eq!(flows[0].packets[3].at_us, 4);
}

#[test]
fn retransmissions_are_kept_and_their_bytes_counted_once() {
    let table = table(&[
        (ATS, ORIGIN, 2, 9, 0),
        (ATS, ORIGIN, 2, 9, 0),
        (ORIGIN, ATS, 0x12, 5, 0),
        (ATS, ORIGIN, 0x18, 10, 100),
        (ATS, ORIGIN, 0x18, 10, 100),
        (ATS, ORIGIN, 0x18, 110, 50),
    ]);
    let flows = table.by_server_port(8443);
    assert_eq!((flows.len(), flows[0].packets.len(), flows[0].bytes_to_server), (1, 6, 150));
}

#[test]
fn a_new_syn_on_the_same_ports_is_a_new_flow() {
    let table = table(&[
        (ATS, ORIGIN, 2, 9, 0),
        (ATS, ORIGIN, 0x11, 10, 0),
        (ATS, ORIGIN, 2, 5000, 0),
        (ORIGIN, ATS, 0x12, 77, 0),
    ]);
    let flows = table.by_server_port(8443);
    assert_eq!(flows.iter().map(lines).collect::<Vec<_>>(), [["> S 0 0", "> F. 1 0"], ["> S 0 0", "< S. 0 0"]]);
}

#[test]
fn a_refused_connection_is_a_syn_and_a_reset() {
    let table = table(&[(ATS, ORIGIN, 2, 9, 0), (ORIGIN, ATS, 0x14, 0, 0)]);
    assert_eq!(lines(&table.by_server_port(8443)[0]), ["> S 0 0", "< R. 0 0"]);
}

#[test]
fn a_capture_that_starts_in_the_middle_still_identifies_the_server() {
    let table = table(&[(ORIGIN, ATS, 0x18, 500, 10), (ATS, ORIGIN, 0x10, 900, 0)]);
    let flows = table.by_server_port(8443);
    assert_eq!(lines(&flows[0]), ["< P. 1 10", "> . 1 0"]);
    assert_eq!((flows[0].client.as_str(), flows[0].bytes_to_client), ("10.0.0.1:40000", 10));
}

#[test]
fn other_ports_are_ignored_and_a_client_port_of_the_table_is_not_a_server() {
    let other = (2, 9999);
    let table = table(&[(ATS, other, 2, 9, 0), ((1, 8443), other, 2, 9, 0)]);
    assert_eq!((table.flows.len(), table.by_server_port(9999).len()), (0, 0));
}

#[test]
fn a_loopback_frame_counts_once_although_it_is_captured_twice() {
    let mut table = FlowTable::new([8443]);
    let mut bytes = frame(ATS, ORIGIN, 2, 9, &[]);
    bytes[..12].fill(0);
    let sent = Frame { at_ns: 1, outgoing: true, len: 54, bytes: &bytes };
    assert_eq!((table.push(&sent), table.push(&Frame { outgoing: false, ..sent })), (Some(8443), None));
    assert_eq!(table.by_server_port(8443)[0].packets.len(), 1);
}

#[test]
fn a_long_flow_keeps_its_beginning_and_its_end() {
    let mut segments = vec![(ATS, ORIGIN, 2, 0, 0)];
    segments.extend((0..299).map(|i| (ATS, ORIGIN, 0x18, 1 + i * 10, 10)));
    let flow = &table(&segments).by_server_port(8443)[0];
    assert_eq!((flow.packets.len(), flow.dropped, flow.bytes_to_server), (128, 172, 2990));
    assert_eq!((flow.packets[63].seq, flow.packets[64].seq, flow.packets[127].seq), (621, 2351, 2981));
}

#[test]
fn the_number_of_flows_is_bounded() {
    let mut table = FlowTable::new([8443]);
    for port in 0..5000 {
        let bytes = frame((1, 10000 + port), ORIGIN, 2, 9, &[]);
        table.push(&Frame { at_ns: 0, outgoing: true, len: 54, bytes: &bytes });
    }
    assert_eq!((table.flows.len(), table.refused()), (4096, 904));
}

proptest! {
    #[test]
    fn every_segment_is_kept_or_counted(
        segments in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u32>(), 0usize..2000), 0..400)
    ) {
        let segments: Vec<_> = segments
            .into_iter()
            .map(|(forth, flags, seq, len)| if forth { (ATS, ORIGIN, flags, seq, len) } else { (ORIGIN, ATS, flags, seq, len) })
            .collect();
        // An unexpected SYN from the server to the client's port belongs to no flow of the table.
        let stray = segments.iter().filter(|s| s.0 == ORIGIN && s.2 & 0x12 == 2).count();
        let flows = table(&segments).by_server_port(8443);
        let kept: usize = flows.iter().map(|flow| flow.packets.len() + flow.dropped as usize).sum();
        prop_assert_eq!(kept, segments.len() - stray);
        prop_assert!(flows.iter().all(|flow| flow.packets.len() <= HEAD + TAIL));
    }
}
