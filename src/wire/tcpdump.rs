//! TCP segments in the text that tcpdump prints, as people paste it into reports.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use regex::Regex;

use super::segment::{Flags, TcpSegment};

/// A line with a TCP segment between numeric addresses (`tcpdump -n`). Before `IP` stand a time and, on the interface `any`, a
/// name and a direction.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a literal pattern that the tests use")]
    Regex::new(
        r"\bIP6? (?<source>[0-9a-fA-F:.]+)\.(?<source_port>\d+) > (?<destination>[0-9a-fA-F:.]+)\.(?<destination_port>\d+): Flags \[(?<flags>[FSRPUEW.]+|none)\](?:, seq (?<seq>\d+))?.*\blength (?<len>\d+)",
    )
    .expect("a literal pattern")
});

/// The segment of a line; `None` for everything else. Sequence numbers count from the beginning of a connection, as tcpdump
/// prints them once it has seen that: a SYN is 0.
pub fn segment(line: &str) -> Option<TcpSegment> {
    let found = LINE.captures(line)?;
    let address =
        |host: &str, port: &str| Some(SocketAddr::new(found[host].parse::<IpAddr>().ok()?, found[port].parse().ok()?));
    let flags = Flags::parse(&found["flags"])?;
    let seq = match found.name("seq") {
        _ if flags.has(Flags::SYN) => 0,
        Some(number) => number.as_str().parse().ok()?,
        // A bare acknowledgement has none.
        None => 1,
    };
    Some(TcpSegment {
        source: address("source", "source_port")?,
        destination: address("destination", "destination_port")?,
        flags,
        seq,
        len: found["len"].parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{FlowStream, timeline};

    /// Of the seed bug: `tcpdump -n`, and the same on the interface `any`.
    const SEED: &str = "\
12:00:01.000001 IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [S], seq 2869237412, win 64240, options [mss 1460,sackOK], length 0
12:00:01.000102 IP 10.0.0.9.443 > 10.0.0.5.40112: Flags [S.], seq 3021884211, ack 2869237413, win 65160, length 0
12:00:01.000130 eth0  Out IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [.], ack 1, win 502, length 0
12:00:01.000420 IP 10.0.0.5.40112 > 10.0.0.9.443: Flags [F.], seq 1, ack 1, win 502, length 0
";

    #[test]
    fn the_lines_of_the_seed_are_its_flow() {
        let mut stream = FlowStream::default();
        for (at, line) in (0..).zip(SEED.lines()) {
            assert!(stream.push(at, &segment(line).unwrap(), b"").is_empty());
        }
        let seen = stream.finish();
        assert_eq!(seen.len(), 1);
        assert_eq!(timeline::summary(&seen[0].flow), "S, S., ., F. after 0 bytes to the origin");
    }

    #[test]
    fn addresses_are_numeric_and_other_lines_are_none() {
        let v6 = "IP6 fd00::1.40000 > fd00::2.443: Flags [P.], seq 1:518, ack 1, length 517";
        let seen = segment(v6).unwrap();
        assert_eq!((seen.destination.to_string(), seen.seq, seen.len), ("[fd00::2]:443".into(), 1, 517));
        for other in [
            "",
            "IP ats.40000 > origin.https: Flags [S], seq 1, length 0",
            "IP 10.0.0.1.53 > 10.0.0.2.9: UDP, length 9",
        ] {
            assert_eq!(segment(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_line_causes_a_panic(line in ".{0,200}") {
            let _ = segment(&line);
        }
    }
}
