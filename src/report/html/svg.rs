//! Draws a ladder. Positions and classes only: how it looks is `page.css`'s business, so the page's
//! policy need not allow styles of elements.

use maud::{Markup, html};

use crate::model::Direction;
use crate::words::escape::{LINE, SHORT};

use super::ladder::{Ladder, Mark, Rung, span};
use super::parts::shown;

/// Widths fit a phone as they are. Units of the drawing are about CSS pixels.
const WIDTH: i32 = 340;
/// The line of ATS (or of the direct client), beside times.
const LEFT: i32 = 72;
/// The same, where there are no times.
const LEFT_ALONE: i32 = 24;
/// The line of the origin.
const RIGHT: i32 = 322;
/// From the top to the first rung.
const HEAD: i32 = 44;
/// From rung to rung.
const STEP: i32 = 30;
/// An arrow comes in a little below where it left.
const SLANT: i32 = 5;

/// A drawing with its caption. `client`: who opened the connection.
pub(super) fn figure(ladder: &Ladder, client: &str) -> Markup {
    let rungs = i32::try_from(ladder.rungs.len()).unwrap_or(i32::MAX / STEP - 2);
    let height = HEAD + rungs * STEP;
    let timed = ladder.rungs.iter().any(|rung| matches!(rung, Rung::Packet(Mark { at_us: Some(_), .. })));
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
            Rung::Packet(mark) => {
                @if let Some(at) = mark.at_us { text.time x=(left - 8) y=(y + 4) { (span(at)) } }
                (arrow(mark.direction, left, y, kind(mark), &label(mark)))
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

fn label(mark: &Mark) -> Markup {
    html! {
        tspan.flags { (shown(&mark.flags, SHORT)) } " " (names(&mark.flags))
        @if let Some(len @ 1..) = mark.len { " · " (len) " bytes" }
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

/// The class that colours it: what ends a connection stands out.
fn kind(mark: &Mark) -> &'static str {
    match mark {
        mark if mark.flags.contains('R') => "rst",
        mark if mark.flags.contains('F') => "fin",
        mark if mark.len.is_some_and(|len| len > 0) => "data",
        _ => "plain",
    }
}

/// The drawing for who does not see it.
fn words(ladder: &Ladder, client: &str) -> String {
    let who = |way| match way {
        Direction::ToServer => format!("{client} to origin"),
        Direction::ToClient => format!("origin to {client}"),
    };
    let word = |rung: &Rung| match rung {
        Rung::Note(text) => shown(text, SHORT),
        Rung::Data(way) => format!("{}: data", who(*way)),
        Rung::Packet(mark) => {
            let at = mark.at_us.map(|at| format!(" at {}", span(at))).unwrap_or_default();
            let len = mark.len.filter(|len| *len > 0).map(|len| format!(", {len} bytes")).unwrap_or_default();
            format!("{}: {}{len}{at}", who(mark.direction), names(&mark.flags))
        }
    };
    format!("Packets. {}", ladder.rungs.iter().map(word).collect::<Vec<_>>().join("; "))
}
