//! What did not pass and why, the very same failure told once.

use maud::{Markup, html};

use crate::model::{CellResult, IssueMatch};
use crate::report::escape::{LINE, SHORT};
use crate::report::finding::{Finding, Gap, Trials, findings, gaps};
use crate::report::grid::Grid;
use crate::report::mark::Mark;

use super::parts::{badge, cell_anchor, icon, link, shown};

pub(super) fn section(grid: &Grid) -> Markup {
    let (findings, gaps) = (findings(grid), gaps(grid));
    html! {
        section #findings aria-labelledby="findings-title" tabindex="-1" {
            h2 #findings-title { "Findings" }
            @if findings.is_empty() { p { "Every cell with an answer passed." } }
            @for finding in &findings { (card(finding)) }
            @if !gaps.is_empty() {
                h3 { "Unavailable" }
                p.hint { "A part could not be had; this says nothing about ATS." }
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
            @if !example.trials.is_empty() { p { (trials.tally()) "; " (trials.control_tally()) "." } }
            @for issue in &example.known_issues { (known_issue(issue)) }
        }
    }
}

/// What a failure is, and the way out.
pub(super) fn known_issue(issue: &IssueMatch) -> Markup {
    html! {
        div.issue {
            p { strong { (link(&issue.id, &issue.link)) } " (" (shown(&issue.confidence, SHORT)) "): " (shown(&issue.title, LINE)) }
            dl.facts {
                dt { "Fixed in" } dd { (shown(&issue.fixed_in, LINE)) }
                dt { "Way out" } dd { (shown(&issue.way_out, LINE)) }
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
