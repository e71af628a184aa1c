//! The matrix and the filters above it.

use maud::{Markup, html};

use crate::model::{AtsId, CellResult, DistroId};
use crate::words::escape::SHORT;
use crate::words::finding::Trials;
use crate::words::legend::VERDICTS;
use crate::words::mark::{Mark, word};

use super::Page;
use super::parts::{cell_anchor, class, icon, shown};

pub(super) fn section(page: Page) -> Markup {
    let grid = page.grid;
    html! {
        section #matrix aria-labelledby="matrix-title" tabindex="-1" {
            h2.vh #matrix-title { "Matrix" }
            (filters(page))
            div.scroll role="region" aria-label="Matrix, scrolls sideways" tabindex="0" {
                table.matrix {
                    caption.vh { "Verdicts: a row for each distro, a column for each ATS. Each verdict links to its trials." }
                    thead {
                        tr {
                            th scope="col" { "distro" }
                            @for ats in &grid.ats { th scope="col" data-ats=(ats) { (ats) } }
                        }
                    }
                    tbody { @for distro in &grid.distros { (row(page, distro)) } }
                }
            }
            p.empty #empty hidden { "No cell matches these filters." }
        }
    }
}

fn row(page: Page, distro: &DistroId) -> Markup {
    let openssl = page.grid.openssl(distro);
    html! {
        tr data-distro=(distro) {
            th scope="row" {
                (distro)
                @if !openssl.is_empty() { " " span.note { "OpenSSL " (shown(&openssl.join(", "), SHORT)) } }
            }
            @for ats in &page.grid.ats { (entry(page.grid.cell(distro, ats), ats)) }
        }
    }
}

fn entry(cell: Option<&CellResult>, ats: &AtsId) -> Markup {
    let Some(cell) = cell else {
        return html! { td.none data-ats=(ats) { span aria-hidden="true" { "·" } span.vh { "not in these results" } } };
    };
    html! {
        td data-ats=(ats) data-verdict=(cell.verdict) {
            a class=(class(cell)) href={ "#" (cell_anchor(&cell.id)) } data-cell=(cell.id) {
                span.vh { (cell.id) ": " }
                span.line { (icon(cell.verdict.word())) span.word { (word(cell)) } }
                span.note { (note(cell)) }
            }
        }
    }
}

/// The note below the verdict: how many trials passed, and what was expected.
fn note(cell: &CellResult) -> String {
    let trials = Trials::of(cell);
    let counts = (trials.run > 0).then(|| format!("{}/{}", trials.passed(), trials.run));
    let counts = trials.count().or(counts);
    let mark = match Mark::of(cell) {
        Mark::None => None,
        Mark::Expected => Some("expected".to_owned()),
        Mark::Unexpected(verdict) => Some(format!("expected {verdict}")),
        Mark::Partly => Some("partly expected".to_owned()),
        Mark::LimitationGone => Some("known limitation gone".to_owned()),
        Mark::Optional => Some("optional".to_owned()),
    };
    [counts, mark].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Hidden until the script runs.
fn filters(page: Page) -> Markup {
    let grid = page.grid;
    let count = |verdict| grid.cells().filter(|cell| cell.verdict == verdict).count();
    html! {
        form.filters #filters role="search" aria-label="Matrix filters" hidden {
            label { span { "Text" }
                input #filter-text name="q" type="search" placeholder="trial, issue, log line …" autocomplete="off" spellcheck="false";
            }
            label { span { "Distro" }
                select name="distro" {
                    option value="" { "all" }
                    @for distro in &grid.distros { option value=(distro) { (distro) } }
                }
            }
            label { span { "ATS" }
                select name="ats" {
                    option value="" { "all" }
                    @for ats in &grid.ats { option value=(ats) { (ats) } }
                }
            }
            fieldset {
                legend.vh { "Verdicts" }
                @for (verdict, count) in VERDICTS.into_iter().map(|verdict| (verdict, count(verdict))).filter(|(_, count)| *count > 0) {
                    label class={ "chip v-" (verdict) } {
                        input type="checkbox" name="verdict" value=(verdict);
                        (icon(verdict.word())) (verdict) " " span.count { (count) }
                    }
                }
            }
            output #shown aria-live="polite" {}
            button #clear type="reset" hidden { "Clear" }
        }
    }
}
