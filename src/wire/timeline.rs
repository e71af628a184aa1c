//! Flows as text: one normalised line for committed results, and a table of packets for terminals and raw evidence.

use std::fmt::Write as _;

use super::facts;
use crate::model::{Direction, Flow};

/// One line without values that vary from run to run: how the connection was opened, what was sent, which side ended
/// it. `S, S., ., F. after 0 bytes to the origin`.
///
/// It omits times, addresses, byte counts other than zero (signatures and certificates differ by a few bytes each
/// time), and packets after the first FIN or RST, where both ends race.
pub fn summary(flow: &Flow) -> String {
    summary_until(flow, u64::MAX)
}

/// [`summary`] of what happened before `limit_us` (microseconds since the epoch): a flow that ends later is still open.
pub fn summary_until(flow: &Flow, limit_us: u64) -> String {
    if facts::refused(flow) {
        return "S, R. from the origin (refused)".into();
    }
    if facts::unanswered(flow) {
        return "S, no answer".into();
    }
    let opening = if facts::handshake_completed(flow) { "S, S., ." } else { "begin not seen" };
    let Some(end) = facts::end(flow).filter(|end| end.at_us < limit_us) else {
        return format!("{opening}, {}, still open", traffic(flow.bytes_to_server, flow.bytes_to_client));
    };
    let flags = if end.reset { "R" } else { "F." };
    let traffic = traffic(end.to_server, end.to_client);
    match end.direction {
        Direction::ToServer => format!("{opening}, {flags} after {traffic}"),
        Direction::ToClient => format!("{opening}, {flags} from the origin after {traffic}"),
    }
}

fn traffic(to_server: u64, to_client: u64) -> &'static str {
    match (to_server, to_client) {
        (0, 0) => "0 bytes to the origin",
        (_, 0) => "data to the origin, 0 bytes back",
        (0, _) => "0 bytes to the origin, data back",
        _ => "data both ways",
    }
}

/// The summaries of `flows`, sorted, with equal ones counted: `3 x S, no answer`.
pub fn summaries(flows: &[Flow]) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for flow in flows {
        *counts.entry(summary(flow)).or_default() += 1;
    }
    counts.into_iter().map(|(line, count)| if count == 1 { line } else { format!("{count} x {line}") }).collect()
}

/// Every kept packet on its own line, with microseconds since the first one. Not deterministic: for terminals and raw
/// evidence only.
pub fn detail(flow: &Flow) -> String {
    let mut text = format!(
        "{} > {}  {} bytes to the origin, {} bytes back\n",
        flow.client, flow.server, flow.bytes_to_server, flow.bytes_to_client
    );
    let first = flow.packets.first().map_or(0, |packet| packet.at_us);
    // The dropped packets lie between the two kept halves.
    let gap = (flow.dropped > 0).then_some(flow.packets.len() / 2);
    for (at, packet) in flow.packets.iter().enumerate() {
        if gap == Some(at) {
            let _ = writeln!(text, "{:>12}  ... {} packets left out ...", "", flow.dropped);
        }
        let arrow = if packet.direction == Direction::ToServer { '>' } else { '<' };
        let offset = i128::from(packet.at_us) - i128::from(first);
        let _ = write!(text, "{offset:>+9} us  {arrow} {:<4} seq {}", packet.flags, packet.seq);
        if packet.len > 0 {
            let _ = write!(text, ", {} bytes", packet.len);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::{GOOD, SEED, flow};
    use super::*;

    #[test]
    fn different_flows_have_different_summaries() {
        let line = |lines: &[&str]| summary(&flow(lines));
        assert_eq!(line(SEED), "S, S., ., F. after 0 bytes to the origin");
        assert_eq!(line(GOOD), "S, S., ., F. from the origin after data both ways");
        assert_eq!(line(&["> S 0 0", "< R. 0 0"]), "S, R. from the origin (refused)");
        assert_eq!(line(&["> S 0 0", "> S 0 0"]), "S, no answer");
        assert_eq!(
            line(&["> S 0 0", "< S. 0 0", "> . 1 0", "> P. 1 517", "< R. 1 0"]),
            "S, S., ., R from the origin after data to the origin, 0 bytes back"
        );
        assert_eq!(
            line(&["> S 0 0", "< S. 0 0", "> . 1 0", "> P. 1 517"]),
            "S, S., ., data to the origin, 0 bytes back, still open"
        );
        assert_eq!(line(&[]), "begin not seen, 0 bytes to the origin, still open");
    }

    #[test]
    fn a_flow_that_ends_at_the_limit_or_later_is_still_open() {
        let good = flow(GOOD);
        let end = facts::end(&good).unwrap();
        assert_eq!(summary_until(&good, end.at_us + 1), summary(&good));
        assert_eq!(summary_until(&good, end.at_us), "S, S., ., data both ways, still open");
    }

    #[test]
    fn equal_flows_are_counted() {
        let flows = [flow(SEED), flow(GOOD), flow(SEED)];
        assert_eq!(
            summaries(&flows),
            ["2 x S, S., ., F. after 0 bytes to the origin", "S, S., ., F. from the origin after data both ways"]
        );
    }

    #[test]
    fn the_detail_shows_times_since_the_first_packet() {
        let mut seed = flow(SEED);
        seed.dropped = 3;
        insta::assert_snapshot!(detail(&seed), @r"
        10.0.0.1:40000 > 10.0.0.2:8443  0 bytes to the origin, 7 bytes back
               +0 us  > S    seq 0
             +100 us  < S.   seq 0
             +200 us  > .    seq 1
                      ... 3 packets left out ...
             +300 us  > F.   seq 1
             +400 us  < P.   seq 1, 7 bytes
             +500 us  > R    seq 2
        ");
    }
}
