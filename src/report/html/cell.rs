//! The section of one cell: verdict, known issue, trials, past, what ran. Without a script the browser
//! shows the one that the address names.

use maud::{Markup, html};

use crate::model::{CellResult, Outcome, Provenance, TrialResult};
use crate::report::details::{About, Attempt};
use crate::report::escape::{LINE, SHORT};
use crate::report::finding::Trials;
use crate::report::mark::Mark;

use super::Page;
use super::compare::or_unknown;
use super::findings::known_issue;
use super::parts::{badge, cell_anchor, class, link, outcome, shown, trial_anchor};
use super::{bisection, evidence, past};

pub(super) fn sections(page: Page) -> Markup {
    html! {
        div #cells {
            p.choose { "Choose a verdict above to see its trials and their evidence." }
            @for cell in page.grid.cells() { (section(page, cell)) }
        }
    }
}

fn section(page: Page, cell: &CellResult) -> Markup {
    let title = format!("title/{}", cell.id);
    html! {
        section class={ "cell " (class(cell)) } id=(cell_anchor(&cell.id)) data-cell=(cell.id) data-verdict=(cell.verdict)
            aria-labelledby=(title) tabindex="-1" {
            div.head {
                h2 id=(title) { (cell.id) " " (badge(cell)) }
                div.tools {
                    a href={ "#" (cell_anchor(&cell.id)) } { "Permalink" }
                    a href="#compare" data-compare=(cell.id) { "Compare" }
                    a.close href="#matrix" { "Close" }
                }
            }
            @if let Some(reason) = &cell.reason { pre { (shown(reason, LINE)) } }
            @for issue in &cell.known_issues { (known_issue(issue)) }
            (bisection::of_cell(page, &cell.id))
            (expectation(cell))
            @if !cell.trials.is_empty() { (trials(page, cell)) }
            @if let Some(known) = &page.details.past { (past::of_cell(known, &cell.id)) }
            (ran(cell))
        }
    }
}

fn expectation(cell: &CellResult) -> Markup {
    let Some(expected) = &cell.expected else { return html! {} };
    html! {
        p.expectation {
            "Expected in " code { "matrix.yaml" } ": " (expected.verdict) "; " (shown(&expected.reason, LINE))
            @if let Some(url) = &expected.link { " (" (link("link", url)) ")" } "."
            @if let Mark::Unexpected(_) = Mark::of(cell) { strong { " This is out of date: correct " code { "expect" } "." } }
        }
    }
}

/// Those that did not pass come first and open; the others are folded away.
fn trials(page: Page, cell: &CellResult) -> Markup {
    let tallied = Trials::of(cell);
    let not_passed: Vec<&TrialResult> = tallied.not_passed().collect();
    let with = |wanted: fn(&TrialResult) -> bool| cell.trials.iter().filter(|trial| wanted(trial)).collect::<Vec<_>>();
    let folded = [
        ("Passed", with(|trial| trial.outcome == Outcome::Pass && !trial.control)),
        ("Controls that held", with(|trial| trial.outcome == Outcome::Pass && trial.control)),
        ("Not run", with(|trial| matches!(trial.outcome, Outcome::Unsupported | Outcome::Skipped))),
    ];
    html! {
        p.tally { (tallied.tally()) "; " (tallied.control_tally()) "." }
        @if !not_passed.is_empty() {
            h3 { "Did not pass " span.count { (not_passed.len()) } }
            @for (at, trial) in not_passed.iter().enumerate() { (one(page, cell, trial, at == 0)) }
        }
        @for (name, trials) in folded { @if !trials.is_empty() {
            details.group open[not_passed.is_empty() && name == "Passed"] {
                summary { h3 { (name) " " span.count { (trials.len()) } } }
                @for trial in trials { (one(page, cell, trial, false)) }
            }
        } }
    }
}

/// The anchor is inside of what is folded: a browser that goes there unfolds it.
fn one(page: Page, cell: &CellResult, trial: &TrialResult, open: bool) -> Markup {
    let known = About::default();
    let about = page.details.trials.get(&trial.id).unwrap_or(&known);
    let attempts: Vec<&Attempt> =
        page.details.evidence.get(&cell.id).into_iter().flatten().filter(|attempt| attempt.trial == trial.id).collect();
    let anchor = trial_anchor(&cell.id, &trial.id);
    html! {
        details.trial open[open] data-trial=(shown(&trial.id, SHORT)) data-outcome=(trial.outcome) {
            summary {
                (outcome(trial.outcome)) " "
                span.id { (shown(&trial.id, SHORT)) } " "
                span.seen { (shown(&trial.summary, LINE)) }
            }
            div.body id=(anchor) tabindex="-1" {
                @if !about.title.is_empty() {
                    p.about { (shown(&about.title, LINE)) ". " span.why { "Why: " (shown(&about.why, LINE)) " (" (link("link", &about.link)) ")" } }
                }
                (bisection::links(page, &cell.id, &trial.id))
                (evidence::section(trial, &attempts, about.direct))
                p.tools { a href={ "#" (anchor) } { "Permalink to this trial" } }
            }
        }
    }
}

fn ran(cell: &CellResult) -> Markup {
    if cell.provenance == Provenance::default() {
        return html! {};
    }
    html! {
        details.group.ran {
            summary { h3 { "What ran" } }
            dl.facts.provenance {
                @for (field, value) in cell.provenance.facts() {
                    dt { (field) } dd { (or_unknown(value.as_deref())) }
                }
            }
        }
    }
}
