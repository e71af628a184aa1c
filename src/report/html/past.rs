//! The history of the results in git: a strip of verdicts per cell.

use maud::{Markup, html};

use crate::model::CellId;
use crate::report::details::{Moment, Past};
use crate::words::escape::SHORT;
use crate::words::grid::Grid;

use super::outline;
use super::parts::{cell_anchor, dot, shown};

/// Number of revisions in a strip; the newest are shown.
const STRIP: usize = 24;

pub(super) fn section(grid: &Grid, past: &Past) -> Markup {
    let known: Vec<&CellId> = grid.cells().map(|cell| &cell.id).filter(|id| past.cells.contains_key(id)).collect();
    let changed = |id: &&CellId| past.cells[*id].verdicts.windows(2).any(|pair| pair[0] != pair[1]);
    let (changing, steady): (Vec<_>, Vec<_>) = known.into_iter().partition(changed);
    html! {
        section #history aria-labelledby="history-title" tabindex="-1" {
            h2 #history-title { "History" }
            @if past.revisions.is_empty() {
                p { "These results are not committed yet." }
            } @else {
                p.hint {
                    (past.revisions.len()) @if past.revisions.len() == 1 { " revision" } @else { " revisions" }
                    " of the results in git, the newest on the right"
                    @if past.revisions.len() > STRIP { "; the last " (STRIP) " are shown" }
                    @if past.cut { "; there may be earlier ones" } "."
                }
                @if changing.is_empty() { p { "No cell has changed its verdict." } }
                @else { (table(&changing, past, "Cells whose verdict changed")) }
                @if !steady.is_empty() {
                    details.all {
                        summary { "Cells whose verdict never changed " span.count { (steady.len()) } }
                        (table(&steady, past, "Cells whose verdict never changed"))
                    }
                }
            }
        }
    }
}

/// The section if earlier results could not be read.
pub(super) fn missing() -> Markup {
    html! {
        section #history aria-labelledby="history-title" tabindex="-1" {
            h2 #history-title { "History" }
            p { "Earlier results could not be read from git when this page was made." }
        }
    }
}

fn table(cells: &[&CellId], past: &Past, name: &str) -> Markup {
    let from = past.revisions.len().saturating_sub(STRIP);
    html! {
        div.scroll role="region" aria-label=(name) tabindex="0" {
            table.history {
                caption.vh { (name) ": a row for each cell, a column for each revision of the results" }
                thead { tr {
                    th scope="col" { "cell" }
                    @for moment in &past.revisions[from..] {
                        th scope="col" { span title=(title(moment)) { (shown(&moment.day, SHORT)) } }
                    }
                } }
                tbody { @for id in cells { tr {
                    th scope="row" { a href={ "#" (cell_anchor(id)) } { (id) } }
                    @for verdict in past.cells[*id].verdicts.iter().skip(from) { td { (dot(*verdict)) } }
                } } }
            }
        }
    }
}

/// The history in the section of a cell: its strip, and since when it has its verdict.
pub(super) fn of_cell(past: &Past, id: &CellId) -> Markup {
    let Some(known) = past.cells.get(id) else { return html! {} };
    let from = known.verdicts.len().saturating_sub(STRIP);
    html! {
        div.past {
            h4 { "History" }
            ol.strip aria-label="Verdicts, oldest first" {
                @for (moment, verdict) in past.revisions.iter().zip(&known.verdicts).skip(from) {
                    li title=(title(moment)) { (dot(*verdict)) span.vh { " on " (shown(&moment.day, SHORT)) } }
                }
            }
            (outline::markup(&known.words))
        }
    }
}

fn title(moment: &Moment) -> String {
    let commit: String = moment.commit.chars().take(12).collect();
    shown(&format!("{} ({commit}) {}", moment.day, moment.subject), SHORT)
}
