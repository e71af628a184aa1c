//! What ran in two chosen cells, side by side (needs the script), and in all cells.

use maud::{Markup, html};

use crate::model::{CellId, Provenance, ProvenanceField, Verdict};
use crate::words::escape::LINE;
use crate::words::grid::Grid;

use super::parts::{cell_anchor, shown};

pub(super) fn section(grid: &Grid) -> Markup {
    let ran: Vec<_> = grid.cells().filter(|cell| cell.provenance != Provenance::default()).collect();
    let pair = first_pair(grid);
    // That most cells have no parent is no fact.
    let any_parent = ran.iter().any(|cell| cell.provenance.parent.is_some());
    let has = |field: ProvenanceField| field != ProvenanceField::Parent || any_parent;
    html! {
        section #compare aria-labelledby="compare-title" tabindex="-1" {
            h2 #compare-title { "What ran, side by side" }
            p.hint { "As found at run time inside the cells, not as declared." }
            @if let Some((one, other)) = pair {
                form #pair hidden aria-label="Cells to compare" {
                    (choice("one", "This cell", grid, one))
                    (choice("other", "with", grid, other))
                    button #swap type="button" { "Swap" }
                    label.check { input #same type="checkbox" name="same"; " also show what is equal" }
                }
                p.hint #differing aria-live="polite" {}
                div #difference {}
            }
            @if ran.is_empty() {
                p { "Nothing ran." }
            } @else {
                details.all {
                    summary { "All cells" }
                    div.scroll role="region" aria-label="What ran in all cells" tabindex="0" {
                        table.plain {
                            caption.vh { "What ran: a row for each cell" }
                            thead { tr {
                                th scope="col" { "cell" }
                                @for (field, _) in Provenance::default().facts().into_iter().filter(|(field, _)| has(*field)) { th scope="col" { (field) } }
                            } }
                            tbody { @for cell in ran { tr {
                                th scope="row" { a href={ "#" (cell_anchor(&cell.id)) } { (cell.id) } }
                                @for (_, value) in cell.provenance.facts().into_iter().filter(|(field, _)| has(*field)) {
                                    td { (or_unknown(value.as_deref())) }
                                }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

fn choice(name: &str, label: &str, grid: &Grid, chosen: &CellId) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) { @for cell in grid.cells() {
                option value=(cell.id) selected[cell.id == *chosen] { (cell.id) " (" (cell.verdict) ")" }
            } }
        }
    }
}

/// The initial pair: a pass and a failure of the same ATS, or else the first two cells.
fn first_pair<'a>(grid: &Grid<'a>) -> Option<(&'a CellId, &'a CellId)> {
    let passes = || grid.cells().filter(|cell| cell.verdict == Verdict::Pass);
    let mut fails = grid.cells().filter(|cell| cell.verdict == Verdict::Fail);
    let known = fails.find_map(|fail| Some((&passes().find(|pass| pass.id.ats == fail.id.ats)?.id, &fail.id)));
    let mut any = grid.cells().map(|cell| &cell.id);
    known.or_else(|| Some((any.next()?, any.next()?)))
}

/// The value, or `?` if it is not known.
pub(super) fn or_unknown(value: Option<&str>) -> String {
    value.map_or("?".to_owned(), |value| shown(value, LINE))
}
