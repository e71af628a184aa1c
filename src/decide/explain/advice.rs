//! What to do about a cell, most useful first.

use super::{Explanation, Issue};
use crate::model::{CellResult, Outcome, Verdict};
use crate::verdict;
use crate::words::mark::Mark;

/// Where failures of ATS are reported.
const UPSTREAM: &str = "https://github.com/apache/trafficserver/issues";

/// What to do.
pub(super) fn of(cell: &CellResult, told: &Explanation) -> Vec<String> {
    let mut advice: Vec<String> = told.known_issues.iter().flat_map(|issue| issue_advice(cell, issue)).collect();
    let report = format!("`atsmatrix explain {} --upstream` writes a report for {UPSTREAM}", cell.id);
    match cell.verdict {
        Verdict::Fail | Verdict::Flaky if !told.unknown.is_empty() => {
            advice.push(format!("no known issue matches {}: {report}", told.unknown.join(", ")));
        }
        Verdict::Unbuildable if cell.known_issues.is_empty() => {
            advice.push(format!("no known issue matches: {report}"));
        }
        Verdict::Error => advice.push(
            "nothing is said about ATS, and it was tried twice: see to what the reason names (results/runs/ has debug.log \
             and journal.jsonl, `atsmatrix doctor` looks at the engine), then run the cell"
                .to_owned(),
        ),
        Verdict::Unavailable => advice.push(
            "nothing is said about ATS: run the cell where the part that is missing can be had (a registry, a mirror, \
             the release archive), or give the distro a `bootstrap` in matrix.yaml"
                .to_owned(),
        ),
        _ => {}
    }
    if cell.verdict == Verdict::Unbuildable {
        advice.push("the whole log of the build is in results/runs/RUN/images/ of the run that made it".to_owned());
    }
    if let Mark::Unexpected(expected) = Mark::of(cell) {
        advice.push(format!("matrix.yaml expects {expected}: correct `expect`"));
    }
    if !told.lifted.is_empty() {
        advice.push(verdict::LIMITATION_GONE_ADVICE.to_owned());
    }
    if cell.trials.iter().any(|trial| trial.control && trial.outcome == Outcome::Fail) {
        advice.push("a control failed: mend that first, it is not about TLS to the origin".to_owned());
    }
    if advice.is_empty() {
        advice.push("nothing".to_owned());
    }
    advice
}

fn issue_advice(cell: &CellResult, issue: &Issue) -> Vec<String> {
    let mut advice = vec![issue.matched.way_out.clone()];
    for tried in issue.matched.workarounds.iter().filter(|tried| tried.worked) {
        advice.push(format!(
            "until then {} works on this very cell ({}); it costs: {}",
            tried.name,
            tried.settings.join(", "),
            tried.cost
        ));
    }
    if issue.untried.iter().any(|untried| !untried.settings.is_empty()) && !cell.trials.is_empty() {
        advice.push(format!("see whether a workaround helps here: `atsmatrix explain {} --try`", cell.id));
    }
    advice
}
