//! A TCP connection as a ladder: rungs between two ends. It is made from captured packets, or else from the line that
//! committed results have.

use crate::model::{Direction, Flow, Packet};

/// Number of packets drawn from each end of a long connection.
const EACH_END: usize = 12;

/// The input of [`super::svg`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ladder {
    /// In order.
    pub(super) rungs: Vec<Rung>,
    /// One line, which may contain addresses.
    pub(super) caption: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rung {
    /// One packet.
    Packet(DrawnPacket),
    /// Payload in an unknown number of packets.
    Data(Direction),
    /// A remark between packets.
    Note(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct DrawnPacket {
    pub(super) direction: Direction,
    /// In the notation of tcpdump.
    pub(super) flags: String,
    /// Payload bytes; `None` if not known.
    pub(super) len: Option<u32>,
    /// Microseconds since the first packet; `None` if not known.
    pub(super) at_us: Option<i128>,
}

impl Ladder {
    /// The ladder of a captured flow. A note in the middle replaces packets that the capture dropped or that would make the
    /// drawing too long.
    pub(super) fn of_flow(flow: &Flow) -> Self {
        let count = flow.packets.len();
        let whole = count <= 2 * EACH_END;
        // The capture keeps equal numbers of packets from the beginning and the end.
        let cut = if whole { count.div_ceil(2) } else { EACH_END };
        let left_out = if whole { 0 } else { count - 2 * EACH_END } + flow.dropped as usize;
        let first = flow.packets.first().map_or(0, |packet| packet.at_us);
        let rung = |packet: &Packet| {
            Rung::Packet(DrawnPacket {
                direction: packet.direction,
                flags: packet.flags.clone(),
                len: Some(packet.len),
                at_us: Some(i128::from(packet.at_us) - i128::from(first)),
            })
        };
        let mut rungs: Vec<Rung> = flow.packets[..cut].iter().map(rung).collect();
        if left_out > 0 {
            rungs.push(Rung::Note(format!("… {left_out} packets not drawn …")));
        }
        let tail = if whole { cut } else { count - EACH_END };
        rungs.extend(flow.packets[tail..].iter().map(rung));
        let (there, back) = (flow.bytes_to_server, flow.bytes_to_client);
        Self { rungs, caption: format!("{} to {}: {there} bytes to the origin, {back} back", flow.client, flow.server) }
    }

    /// The ladder of a line of `wire::timeline`: `S, S., ., F. after 0 bytes to the origin (2 times)`. `None` for any
    /// other text.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let body = match line.rsplit_once(" (") {
            Some((body, times)) if times.ends_with(" times)") => body,
            _ => line,
        };
        let rungs = match body {
            "S, R. from the origin (refused)" => vec![there("S"), back("R.")],
            "S, no answer" => vec![there("S"), Rung::Note("no answer".into())],
            body => connection(body)?,
        };
        Some(Self { rungs, caption: "In order; only raw evidence has times".to_owned() })
    }
}

fn connection(body: &str) -> Option<Vec<Rung>> {
    let (mut rungs, rest) = if let Some(rest) = body.strip_prefix("S, S., ., ") {
        (vec![there("S"), back("S."), there(".")], rest)
    } else {
        (vec![Rung::Note("begin not seen".into())], body.strip_prefix("begin not seen, ")?)
    };
    if let Some(traffic) = rest.strip_suffix(", still open") {
        rungs.extend(data(traffic)?);
        rungs.push(Rung::Note("still open".into()));
        return Some(rungs);
    }
    let (flags, rest) = rest.split_once(' ').filter(|(flags, _)| matches!(*flags, "F." | "R"))?;
    let (end, traffic) = match rest.strip_prefix("from the origin after ") {
        Some(traffic) => (back(flags), traffic),
        None => (there(flags), rest.strip_prefix("after ")?),
    };
    rungs.extend(data(traffic)?);
    rungs.push(end);
    Some(rungs)
}

fn data(traffic: &str) -> Option<Vec<Rung>> {
    let (there, back) = (Rung::Data(Direction::ToServer), Rung::Data(Direction::ToClient));
    match traffic {
        "0 bytes to the origin" => Some(Vec::new()),
        "data to the origin, 0 bytes back" => Some(vec![there]),
        "0 bytes to the origin, data back" => Some(vec![back]),
        "data both ways" => Some(vec![there, back]),
        _ => None,
    }
}

fn there(flags: &str) -> Rung {
    Rung::Packet(DrawnPacket { direction: Direction::ToServer, flags: flags.into(), len: None, at_us: None })
}

fn back(flags: &str) -> Rung {
    Rung::Packet(DrawnPacket { direction: Direction::ToClient, flags: flags.into(), len: None, at_us: None })
}

/// Formats microseconds: `0`, `240 µs`, `1.2 ms`, `3.05 s`.
pub(super) fn span(us: i128) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    match us {
        0 => "0".to_owned(),
        1..1000 => format!("{sign}{us} µs"),
        1000..1_000_000 => format!("{sign}{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{sign}{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use crate::wire::timeline;

    use super::*;

    fn packet(at_us: u64, direction: Direction, flags: &str, seq: u32, len: u32) -> Packet {
        Packet { at_us, direction, flags: flags.into(), seq, len }
    }

    fn flow(packets: Vec<Packet>) -> Flow {
        let sum = |way| packets.iter().filter(|it| it.direction == way).map(|it| u64::from(it.len)).sum();
        let (bytes_to_server, bytes_to_client) = (sum(Direction::ToServer), sum(Direction::ToClient));
        Flow { client: "a".into(), server: "b".into(), packets, bytes_to_server, bytes_to_client, dropped: 0 }
    }

    fn words(ladder: &Ladder) -> Vec<String> {
        let arrow = |way: Direction| if way == Direction::ToServer { '>' } else { '<' };
        let word = |rung: &Rung| match rung {
            Rung::Packet(packet) => format!("{}{}", arrow(packet.direction), packet.flags),
            Rung::Data(way) => format!("{}data", arrow(*way)),
            Rung::Note(text) => text.clone(),
        };
        ladder.rungs.iter().map(word).collect()
    }

    /// Every form of the line can be parsed: a change of its words breaks this test.
    #[test]
    fn every_line_of_the_timeline_can_be_drawn() {
        use Direction::{ToClient as Back, ToServer as There};
        let open = || vec![packet(0, There, "S", 0, 0), packet(1, Back, "S.", 0, 0), packet(2, There, ".", 1, 0)];
        let with = |more: Vec<Packet>| timeline::summary(&flow([open(), more].concat()));
        let table = [
            (timeline::summary(&flow(vec![packet(0, There, "S", 0, 0)])), ">S no answer"),
            (timeline::summary(&flow(vec![packet(0, There, "S", 0, 0), packet(1, Back, "R.", 0, 0)])), ">S <R."),
            (timeline::summary(&flow(vec![])), "begin not seen still open"),
            (with(vec![]), ">S <S. >. still open"),
            (with(vec![packet(3, There, "F.", 1, 0)]), ">S <S. >. >F."),
            (with(vec![packet(3, There, "P.", 1, 9), packet(4, Back, "R.", 1, 0)]), ">S <S. >. >data <R"),
            (with(vec![packet(3, Back, "P.", 1, 9), packet(4, There, "R", 1, 0)]), ">S <S. >. <data >R"),
            (
                with(vec![packet(3, There, "P.", 1, 9), packet(4, Back, "P.", 1, 9), packet(5, Back, "F.", 10, 0)]),
                ">S <S. >. >data <data <F.",
            ),
        ];
        for (line, rungs) in table {
            for written in [line.clone(), format!("{line} (2 times)")] {
                let ladder = Ladder::of_line(&written).unwrap_or_else(|| panic!("cannot draw: {written}"));
                assert_eq!(words(&ladder).join(" "), rungs, "{written}");
            }
        }
    }

    #[test]
    fn other_lines_are_not_drawn() {
        for line in
            ["", "S", "S, S., ., X. after data both ways", "S, S., ., F. after 3 bytes", "<script>", "(2 times)"]
        {
            assert_eq!(Ladder::of_line(line), None, "{line}");
        }
    }

    #[test]
    fn long_flows_are_shortened_in_the_middle_with_a_count() {
        let packets = |count: u64| (0..count).map(|at| packet(100 + at, Direction::ToServer, ".", 1, 0)).collect();
        let mut short = flow(packets(24));
        assert_eq!(Ladder::of_flow(&short).rungs.len(), 24);
        short.dropped = 5;
        assert_eq!(Ladder::of_flow(&short).rungs[12], Rung::Note("… 5 packets not drawn …".into()));
        let mut long = flow(packets(128));
        long.dropped = 1000;
        let ladder = Ladder::of_flow(&long);
        assert_eq!(ladder.rungs.len(), 25);
        assert_eq!(ladder.rungs[12], Rung::Note("… 1104 packets not drawn …".into()));
        let Rung::Packet(last) = &ladder.rungs[24] else { panic!("{ladder:?}") };
        assert_eq!(last.at_us, Some(127));
        assert!(Ladder::of_flow(&flow(vec![])).rungs.is_empty());
    }

    #[test]
    fn times_have_a_unit() {
        let table = [(0, "0"), (999, "999 µs"), (1000, "1.0 ms"), (1_249_999, "1.24 s"), (-20, "-20 µs")];
        for (us, text) in table {
            assert_eq!(span(us), text);
        }
    }
}
