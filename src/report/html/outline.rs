//! Renders an outline as nested lists.

use maud::{Markup, html};

use crate::words::escape::{LINE, SHORT};
use crate::words::outline::{OutlineLine, Piece, TextOutline};

use super::parts::{link, shown};

/// The outline. Lines of the first level are paragraphs.
pub(super) fn markup(outline: &TextOutline) -> Markup {
    html! { div.outline { (level(outline.lines(), 0)) } }
}

/// The lines at `depth`, each with the deeper lines below it.
fn level(lines: &[OutlineLine], depth: usize) -> Markup {
    let starts: Vec<usize> = (0..lines.len()).filter(|at| *at == 0 || lines[*at].depth <= depth).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let blocks: Vec<&[OutlineLine]> = starts.iter().zip(ends).map(|(start, end)| &lines[*start..end]).collect();
    html! {
        @if depth == 0 {
            @for block in blocks { p { (pieces(&block[0])) } (below(&block[1..], depth)) }
        } @else {
            ul { @for block in blocks { li { (pieces(&block[0])) (below(&block[1..], depth)) } } }
        }
    }
}

fn below(lines: &[OutlineLine], depth: usize) -> Markup {
    html! { @if !lines.is_empty() { (level(lines, depth + 1)) } }
}

fn pieces(line: &OutlineLine) -> Markup {
    html! {
        @for piece in &line.pieces {
            @match piece {
                Piece::Text(text) => (shown(text, LINE)),
                Piece::Strong(text) => strong { (shown(text, LINE)) },
                Piece::Link { text, url } => (link(text, url)),
                Piece::Block(lines) => pre { @for line in lines { (shown(line, LINE)) "\n" } },
                Piece::List(names) => (names.iter().map(|name| shown(name, SHORT)).collect::<Vec<_>>().join(", ")),
            }
        }
    }
}
