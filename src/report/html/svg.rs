//! Draws a ladder as SVG with positions and classes only. The style is in `page.css`, because the page's policy does not
//! allow inline styles.

use maud::{Markup, html};

use crate::model::Direction;
use crate::words::escape::{LINE, SHORT};

use super::ladder::{DrawnPacket, Ladder, Rung, span};
use super::parts::shown;

/// Width of the drawing; it fits a phone. All units are about one CSS pixel.
const WIDTH: i32 = 340;
/// X of the line of ATS (or of the direct client), if there are times beside it.
const LEFT: i32 = 72;
/// The same without times.
const LEFT_ALONE: i32 = 24;
/// X of the line of the origin.
const RIGHT: i32 = 322;
/// Y of the first rung.
const HEAD: i32 = 44;
/// Distance between rungs.
const STEP: i32 = 30;
/// How much lower an arrow ends than it starts.
const SLANT: i32 = 5;

/// A drawing with its caption. `client` names the end that opened the connection.
pub(super) fn figure(ladder: &Ladder, client: &str) -> Markup {
    let rungs = i32::try_from(ladder.rungs.len()).unwrap_or(i32::MAX / STEP - 2);
    let height = HEAD + rungs * STEP;
    let timed = ladder.rungs.iter().any(|rung| matches!(rung, Rung::Packet(DrawnPacket { at_us: Some(_), .. })));
    let left = if timed { LEFT } else { LEFT_ALONE };
    html! {
        figure.ladder {
            figcaption { (shown(&ladder.caption, LINE)) }
            svg role="img" viewBox={ "0 0 " (WIDTH) " " (height) } aria-label=(words(ladder, client)) {
                text.end x=(left) y="16" { (client) }
                text.end x=(RIGHT - 4) y="16" { "origin" }
                line.life x1=(left) x2=(left) y1="24" y2=(height) {}
                line.life x1=(RIGHT) x2=(RIGHT) y1="24" y2=(height) {}
                @for (rung, y) in ladder.rungs.iter().zip((0..).map(|at| HEAD + at * STEP)) { (drawn(rung, left, y)) }
            }
        }
    }
}

fn drawn(rung: &Rung, left: i32, y: i32) -> Markup {
    let middle = i32::midpoint(left, RIGHT);
    html! {
        @match rung {
            Rung::Note(text) => text.said x=(middle) y=(y + 5) { (shown(text, SHORT)) },
            Rung::Data(way) => (arrow(*way, left, y, "data", &html! { "data" })),
            Rung::Packet(packet) => {
                @if let Some(at) = packet.at_us { text.time x=(left - 8) y=(y + 4) { (span(at)) } }
                (arrow(packet.direction, left, y, kind(packet), &label(packet)))
            },
        }
    }
}

fn arrow(way: Direction, left: i32, y: i32, kind: &str, label: &Markup) -> Markup {
    let (from, to, tip) = match way {
        Direction::ToServer => (left, RIGHT, -8),
        Direction::ToClient => (RIGHT, left, 8),
    };
    let end = y + SLANT;
    html! {
        g class={ "packet " (kind) } {
            line x1=(from) y1=(y) x2=(to) y2=(end) {}
            path d={ "M" (to) " " (end) "l" (tip) " -4v8z" } {}
            text x=(i32::midpoint(left, RIGHT)) y=(y - 3) { (label) }
        }
    }
}

fn label(packet: &DrawnPacket) -> Markup {
    html! {
        tspan.flags { (shown(&packet.flags, SHORT)) } " " (names(&packet.flags))
        @if let Some(len @ 1..) = packet.len { " · " (len) " bytes" }
    }
}

/// `SYN ACK` for `S.`.
fn names(flags: &str) -> String {
    let name = |flag| match flag {
        'S' => Some("SYN"),
        'F' => Some("FIN"),
        'R' => Some("RST"),
        'P' => Some("PSH"),
        'U' => Some("URG"),
        '.' => Some("ACK"),
        _ => None,
    };
    flags.chars().filter_map(name).collect::<Vec<_>>().join(" ")
}

/// The CSS class of a packet. Packets that end a connection are highlighted.
fn kind(packet: &DrawnPacket) -> &'static str {
    if packet.flags.contains('R') {
        "rst"
    } else if packet.flags.contains('F') {
        "fin"
    } else if packet.len.is_some_and(|len| len > 0) {
        "data"
    } else {
        "plain"
    }
}

/// A description of the drawing for screen readers.
fn words(ladder: &Ladder, client: &str) -> String {
    let who = |way| match way {
        Direction::ToServer => format!("{client} to origin"),
        Direction::ToClient => format!("origin to {client}"),
    };
    let word = |rung: &Rung| match rung {
        Rung::Note(text) => shown(text, SHORT),
        Rung::Data(way) => format!("{}: data", who(*way)),
        Rung::Packet(packet) => {
            let at = packet.at_us.map(|at| format!(" at {}", span(at))).unwrap_or_default();
            let len = packet.len.filter(|len| *len > 0).map(|len| format!(", {len} bytes")).unwrap_or_default();
            format!("{}: {}{len}{at}", who(packet.direction), names(&packet.flags))
        }
    };
    format!("Packets. {}", ladder.rungs.iter().map(word).collect::<Vec<_>>().join("; "))
}
