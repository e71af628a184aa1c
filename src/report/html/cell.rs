//! The section of a cell: verdict, known issues, trials, history, what ran. The browser shows the section that the
//! address names, also without a script.

use maud::{Markup, html};

use crate::model::{CellResult, IssueMatch, Outcome, Provenance, ProvenanceField, TrialResult};
use crate::report::details::About;
use crate::words::escape::{LINE, SHORT};
use crate::words::finding::Trials;
use crate::words::limits;
use crate::words::mark::Mark;
use crate::words::workaround;

use super::Page;
use super::compare::or_unknown;
use super::findings::known_issue;
use super::parts::{badge, cell_anchor, class, link, outcome, shown, trial_anchor};
use super::{bisection, evidence, outline, past};

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
            @for issue in &cell.known_issues { (known_issue(issue)) (tried(issue)) }
            @for gone in limits::gone(cell) { p.expectation { strong { (shown(&gone, LINE)) "." } } }
            (bisection::of_cell(page, &cell.id))
            (expectations(cell))
            @if !cell.trials.is_empty() { (trials(page, cell)) }
            @if let Some(known) = &page.details.past { (past::of_cell(known, &cell.id)) }
            (behaviour(page, cell))
            (ran(cell))
        }
    }
}

/// How ATS behaves differently here than on the release before.
fn behaviour(page: Page, cell: &CellResult) -> Markup {
    html! {
        @if let Some(words) = page.details.behaviour.get(&cell.id) {
            details.group.behaviour {
                summary { h3 { "Behaviour compared with the release before" } }
                (outline::markup(words))
            }
        }
    }
}

/// The expectations of the cell, with their last days.
fn expectations(cell: &CellResult) -> Markup {
    let stale = matches!(Mark::of(cell), Mark::Unexpected(_)) && cell.expected.is_some();
    html! {
        @for expected in cell.expectations() {
            p.expectation {
                "Expected in " code { "matrix.yaml" } ": " (shown(&expected.what(), SHORT))
                @if !expected.trials.is_empty() { " in " (shown(&expected.trials.join(", "), LINE)) }
                "; " (shown(&expected.reason, LINE))
                @if let Some(url) = &expected.link { " (" (link("link", url)) ")" }
                @if let Some(last) = expected.expires { "; until " (last) }
                "."
            }
        }
        @if stale { p.expectation { strong { "This is out of date: correct " code { "expect" } "." } } }
    }
}

/// Workarounds that were tried on this cell.
fn tried(issue: &IssueMatch) -> Markup {
    html! {
        @if !issue.workarounds.is_empty() {
            ul.tried { @for tried in &issue.workarounds { li { (shown(&workaround::line(tried), 2 * LINE)) } } }
        }
    }
}

/// Trials that did not pass come first; the others are collapsed.
fn trials(page: Page, cell: &CellResult) -> Markup {
    let counts = Trials::of(cell);
    let not_passed: Vec<&TrialResult> = counts.not_passed().collect();
    let select =
        |wanted: fn(&TrialResult) -> bool| cell.trials.iter().filter(|trial| wanted(trial)).collect::<Vec<_>>();
    let collapsed = [
        ("Known limitations", select(|trial| trial.outcome == Outcome::Limitation)),
        ("Passed", select(|trial| trial.outcome == Outcome::Pass && !trial.control)),
        ("Controls that passed", select(|trial| trial.outcome == Outcome::Pass && trial.control)),
        ("Not run", select(|trial| matches!(trial.outcome, Outcome::Unsupported | Outcome::Skipped))),
    ];
    html! {
        p.tally { (shown(&counts.tally(), 2 * LINE)) "; " (counts.control_tally()) "." }
        @if !not_passed.is_empty() {
            h3 { "Did not pass " span.count { (not_passed.len()) } }
            @for (at, trial) in not_passed.iter().enumerate() { (one(page, cell, trial, at == 0)) }
        }
        @for (name, trials) in collapsed { @if !trials.is_empty() {
            details.group open[not_passed.is_empty() && name == "Passed"] {
                summary { h3 { (name) " " span.count { (trials.len()) } } }
                @for trial in trials { (one(page, cell, trial, false)) }
            }
        } }
    }
}

/// The anchor is inside the collapsed part, so that a browser that goes there expands it.
fn one(page: Page, cell: &CellResult, trial: &TrialResult, open: bool) -> Markup {
    let known = About::default();
    let about = page.details.trials.get(&trial.id).unwrap_or(&known);
    let kept = page.details.evidence.get(&cell.id);
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
                    p.about { (shown(&about.title, LINE)) ". " span.why { "Why: " (shown(&about.why, LINE)) @if !about.link.is_empty() { " (" (link("link", &about.link)) ")" } } }
                }
                (bisection::links(page, &cell.id, &trial.id))
                (evidence::section(trial, kept, about.direct))
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
                @for (field, value) in cell.provenance.facts().into_iter().filter(is_said) {
                    dt { (field) } dd { (or_unknown(value.as_deref())) }
                }
            }
        }
    }
}

/// Whether a fact is shown. That most cells have no parent is none.
fn is_said((field, value): &(ProvenanceField, Option<String>)) -> bool {
    *field != ProvenanceField::Parent || value.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Expected, Verdict, WorkaroundTried};
    use crate::words::fixture;

    #[test]
    fn every_expectation_is_shown_with_its_last_day() {
        let expects = |trials: &[&str], reason: &str, expires: Option<&str>| Expected {
            verdict: Verdict::Fail,
            reason: reason.into(),
            link: None,
            trials: trials.iter().map(|id| (*id).to_owned()).collect(),
            issue: None,
            expires: expires.map(|day| day.parse().unwrap()),
            also: Vec::new(),
        };
        let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
        let first = expects(&["tls-*"], "one", Some("2027-01-31"));
        cell.expected = Some(Expected { also: vec![expects(&[], "two", None)], ..first });
        let shown = expectations(&cell).into_string();
        assert!(shown.contains(": fail in tls-*; one; until 2027-01-31.</p>"), "{shown}");
        assert!(shown.contains(": fail; two.</p>"), "{shown}");
    }

    #[test]
    fn workarounds_are_shown_with_their_result() {
        let mut issue = fixture::failing("debian-13/9.2.5", "3.5.7").known_issues.remove(0);
        assert_eq!(tried(&issue).into_string(), "");
        issue.workarounds.push(WorkaroundTried {
            name: "tcp-fast-open".into(),
            settings: vec!["proxy.config.net.sock_option_flag_out INT 9".into()],
            worked: true,
            passed: vec!["tls-get".into()],
            not_passed: Vec::new(),
            cost: "<data> in the SYN".into(),
        });
        let shown = tried(&issue).into_string();
        assert!(shown.contains("tcp-fast-open worked: 1 of 1 trials passed with it"), "{shown}");
        assert!(shown.contains("flag_out INT 9") && shown.contains("&lt;data&gt; in the SYN"), "{shown}");
    }
}
