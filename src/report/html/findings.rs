//! What did not pass and why. Cells with the same failure share a card.

use maud::{Markup, html};

use crate::model::{CellResult, IssueMatch};
use crate::words::escape::{LINE, SHORT};
use crate::words::finding::{Finding, Gap, Trials, findings, gaps};
use crate::words::grid::Grid;
use crate::words::limits::{self, Limited};
use crate::words::mark::Mark;

use super::parts::{badge, cell_anchor, icon, link, shown};

pub(super) fn section(grid: &Grid) -> Markup {
    let (findings, gaps, limited) = (findings(grid), gaps(grid), limits::of_all(grid));
    html! {
        section #findings aria-labelledby="findings-title" tabindex="-1" {
            h2 #findings-title { "Findings" }
            @if findings.is_empty() { p { "Every cell with an answer passed." } }
            @for finding in &findings { (card(finding)) }
            @if !limited.is_empty() {
                h3 { "Known limitations" }
                p.hint { "Each fails because of a known issue that affects this ATS on every distro." }
                ul.gaps { @for one in &limited { (limitation(one)) } }
            }
            @if !gaps.is_empty() {
                h3 { "Unavailable" }
                p.hint { "Something they need could not be obtained: says nothing about ATS." }
                ul.gaps { @for gap in &gaps { (unavailable(gap)) } }
            }
        }
    }
}

fn card(finding: &Finding) -> Markup {
    let example = finding.example;
    let trials = Trials::of(example);
    html! {
        article class={ "card v-" (example.verdict) } {
            h3 { (badge(example)) span { (cells(&finding.cells)) } }
            @if let Some(reason) = &example.reason { pre { (shown(reason, LINE)) } }
            @if !example.trials.is_empty() { p { (shown(&trials.tally(), 2 * LINE)) "; " (trials.control_tally()) "." } }
            @for issue in &example.known_issues { (known_issue(issue)) }
            @for gone in limits::gone(example) { p { strong { (shown(&gone, LINE)) "." } } }
        }
    }
}

/// A known issue and what to do about it.
pub(super) fn known_issue(issue: &IssueMatch) -> Markup {
    html! {
        div.issue {
            p { strong { (link(&issue.id, &issue.link)) } " (" (issue.certainty()) "): " (shown(&issue.title, LINE)) }
            dl.facts {
                dt { "Fixed in" } dd { (shown(&issue.fixed_in, LINE)) }
                dt { "What to do" } dd { (shown(&issue.way_out, LINE)) }
            }
        }
    }
}

fn limitation(limited: &Limited) -> Markup {
    html! {
        li.v-known-limitation {
            (icon("known limitation"))
            div {
                (shown(limited.issue, SHORT)) " in " (shown(&limited.trials.join(", "), LINE)) ": " (cells(&limited.cells))
                @if let Some(known) = limited.known {
                    " " span.reason { (link(&known.title, &known.link)) "; fixed in " (shown(&known.fixed_in, LINE)) }
                }
            }
        }
    }
}

fn unavailable(gap: &Gap) -> Markup {
    html! {
        li.v-unavailable { (icon("unavailable")) div { (cells(&gap.cells)) ": " span.reason { (shown(gap.reason, LINE)) } } }
    }
}

fn cells(cells: &[&CellResult]) -> Markup {
    html! {
        @for (at, cell) in cells.iter().enumerate() {
            @if at > 0 { ", " }
            a href={ "#" (cell_anchor(&cell.id)) } { (cell.id) }
            @if matches!(Mark::of(cell), Mark::Optional) { " (optional)" }
        }
    }
}
