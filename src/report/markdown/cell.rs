//! The section of one cell: trials, evidence, known issues, expectation.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::{CellResult, Outcome, TrialResult};
use crate::report::escape::{LINE, SHORT, markdown, markdown_fence, markdown_link};
use crate::report::finding::Trials;
use crate::report::mark::{Mark, label};

use super::anchor;

/// Heading, trials that did not pass, their evidence, and what it means.
pub(super) fn section(cell: &CellResult) -> String {
    let mut text = format!("### {}{}: {}\n\n", anchor(&cell.id), cell.id, label(cell));
    if let Some(reason) = &cell.reason {
        text.push_str(&markdown_fence([reason.as_str()]));
        text.push('\n');
    }
    let trials = Trials::of(cell);
    if !cell.trials.is_empty() {
        let _ = writeln!(text, "{}; {}.\n", trials.tally(), trials.control_tally());
    }
    for (alike, evidence) in by_evidence(trials.not_passed()) {
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
    let left_out = cell.trials.iter().filter(|trial| trial.outcome == Outcome::Skipped).count();
    if left_out > 0 {
        let _ = writeln!(text, "{left_out} trials were not reached.\n");
    }
    for issue in &cell.known_issues {
        let _ = writeln!(
            text,
            "Known issue ({}): {}, {}. Fixed in {}. Way out: {}.\n",
            markdown(&issue.confidence, SHORT),
            markdown_link(&issue.id, &issue.link),
            markdown(&issue.title, LINE),
            markdown(&issue.fixed_in, SHORT),
            markdown(&issue.way_out, LINE)
        );
    }
    text.push_str(&expectation(cell));
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Trials that left the same evidence, together, in order of the first.
fn by_evidence<'a>(trials: impl Iterator<Item = &'a TrialResult>) -> Vec<(Vec<&'a TrialResult>, &'a [String])> {
    let mut groups: Vec<(Vec<&TrialResult>, &[String])> = Vec::new();
    for trial in trials {
        match groups.iter_mut().find(|(_, evidence)| *evidence == trial.evidence) {
            Some((alike, _)) => alike.push(trial),
            None => groups.push((vec![trial], &trial.evidence)),
        }
    }
    groups
}

fn expectation(cell: &CellResult) -> String {
    let Some(expected) = &cell.expected else { return String::new() };
    let why = markdown(&expected.reason, LINE);
    let link = expected.link.as_ref().map_or(String::new(), |link| format!(" ({})", markdown_link("link", link)));
    let out_of_date = match Mark::of(cell) {
        Mark::Unexpected(_) => " This is out of date: correct `expect` in `matrix.yaml`.",
        _ => "",
    };
    format!("Expected in `matrix.yaml`: {}; {why}{link}.{out_of_date}\n", expected.verdict)
}
