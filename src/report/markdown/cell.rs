//! The section of one cell: trials, evidence, known issues, expectation.

use std::collections::BTreeSet;
// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::{CellResult, Expected, Outcome, TrialResult};
use crate::words::escape::{LINE, SHORT, markdown, markdown_fence, markdown_link};
use crate::words::finding::Trials;
use crate::words::limits;
use crate::words::mark::{Mark, label};
use crate::words::workaround;

use super::anchor;

/// Number of groups of trials whose evidence is shown, to keep the page short. matrix.json has all of it.
const SHOWN: usize = 3;

/// Trials with equal evidence.
type Group<'a> = (Vec<&'a TrialResult>, &'a [String]);

/// Heading, trials that did not pass, their evidence, known issues and expectations.
pub(super) fn section(cell: &CellResult) -> String {
    let mut text = format!("### {}{}: {}\n\n", anchor(&cell.id), cell.id, label(cell));
    if let Some(reason) = &cell.reason {
        text.push_str(&markdown_fence([reason.as_str()]));
        text.push('\n');
    }
    let trials = Trials::of(cell);
    if !cell.trials.is_empty() {
        let _ = writeln!(text, "{}; {}.\n", markdown(&trials.tally(), 2 * LINE), trials.control_tally());
    }
    let groups = by_evidence(trials.not_passed());
    let (shown, rest) = groups.split_at(groups.len().min(SHOWN));
    for (alike, evidence) in shown {
        for trial in alike {
            let control = if trial.control { ", control" } else { "" };
            let name = markdown(&trial.id, SHORT);
            let _ = writeln!(text, "- **{name}** ({}{control}): {}", trial.outcome, markdown(&trial.summary, LINE));
        }
        text.push('\n');
        if !evidence.is_empty() {
            text.push_str(&markdown_fence(evidence.iter().map(String::as_str)));
            text.push('\n');
        }
    }
    text.push_str(&more(cell, rest));
    let left_out = cell.trials.iter().filter(|trial| trial.outcome == Outcome::Skipped).count();
    if left_out > 0 {
        let _ = writeln!(text, "{left_out} trials were not reached.\n");
    }
    for issue in &cell.known_issues {
        let _ = writeln!(
            text,
            "Known issue ({}): {}, {}. Fixed in {}. What to do: {}.\n",
            issue.certainty(),
            markdown_link(&issue.id, &issue.link),
            markdown(&issue.title, LINE),
            markdown(&issue.fixed_in, SHORT),
            markdown(&issue.way_out, LINE)
        );
        for tried in &issue.workarounds {
            let _ = writeln!(text, "Workaround {}.\n", markdown(&workaround::line(tried), LINE));
        }
    }
    for gone in limits::gone(cell) {
        let _ = writeln!(text, "Unexpected: {}.\n", markdown(&gone, LINE));
    }
    text.push_str(&unknown(cell));
    text.push_str(&expectation(cell));
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The trials whose evidence is not shown, by outcome.
fn more(cell: &CellResult, rest: &[Group<'_>]) -> String {
    let mut text = String::new();
    let trials = || rest.iter().flat_map(|(alike, _)| alike);
    let outcomes: BTreeSet<Outcome> = trials().map(|trial| trial.outcome).collect();
    for outcome in outcomes {
        let of = trials().filter(|trial| trial.outcome == outcome);
        let names: Vec<String> = of.map(|trial| markdown(&trial.id, SHORT)).collect();
        let _ = writeln!(text, "And {} more ({outcome}): {}.\n", names.len(), names.join(", "));
    }
    if !text.is_empty() {
        let _ = writeln!(text, "For their evidence see matrix.json or `atsmatrix explain {}`.\n", cell.id);
    }
    text
}

/// Groups trials with equal evidence, in order of the first.
fn by_evidence<'a>(trials: impl Iterator<Item = &'a TrialResult>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for trial in trials {
        match groups.iter_mut().find(|(_, evidence)| *evidence == trial.evidence) {
            Some((alike, _)) => alike.push(trial),
            None => groups.push((vec![trial], &trial.evidence)),
        }
    }
    groups
}

/// Failures that no known issue explains.
fn unknown(cell: &CellResult) -> String {
    let trials: Vec<String> = workaround::unexplained(cell).iter().map(|id| markdown(id, SHORT)).collect();
    if trials.is_empty() {
        return String::new();
    }
    format!("Unknown: no known issue matches {}. See `atsmatrix explain {}`.\n\n", trials.join(", "), cell.id)
}

fn expectation(cell: &CellResult) -> String {
    cell.expectations().map(|expected| stated(cell, expected)).collect()
}

fn stated(cell: &CellResult, expected: &Expected) -> String {
    let why = markdown(&expected.reason, LINE);
    let link = expected.link.as_ref().map_or(String::new(), |link| format!(" ({})", markdown_link("link", link)));
    let until = expected.expires.map_or(String::new(), |last| format!(", until {last}"));
    let is_stale = matches!(Mark::of(cell), Mark::Unexpected(_));
    let out_of_date = if is_stale { " This is out of date: correct `expect` in `matrix.yaml`." } else { "" };
    format!("Expected in `matrix.yaml`: {}; {why}{link}{until}.{out_of_date}\n", markdown(&expected.what(), SHORT))
}
