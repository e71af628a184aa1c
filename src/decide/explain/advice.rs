//! What to do about a cell, most useful first.

use super::{Explanation, Issue};
use crate::model::{CellResult, Outcome, Verdict};
use crate::verdict;
use crate::words::mark::Mark;

/// Where failures of ATS are reported.
const UPSTREAM: &str = "https://github.com/apache/trafficserver/issues";

pub(super) fn of(cell: &CellResult, explanation: &Explanation) -> Vec<String> {
    let mut advice: Vec<String> = explanation.known_issues.iter().flat_map(|issue| issue_advice(cell, issue)).collect();
    let report = format!("`atsmatrix explain {} --upstream` writes a report for {UPSTREAM}", cell.id);
    match cell.verdict {
        Verdict::Fail | Verdict::Flaky if !explanation.unknown.is_empty() => {
            advice.push(format!("no known issue matches {}: {report}", explanation.unknown.join(", ")));
        }
        Verdict::Unbuildable if cell.known_issues.is_empty() => {
            advice.push(format!("no known issue matches: {report}"));
        }
        Verdict::Error => advice.push(
            "this says nothing about ATS, and it was tried twice: fix what the reason names (see debug.log and \
             journal.jsonl in results/runs/, check the engine with `atsmatrix doctor`), then run the cell again"
                .to_owned(),
        ),
        Verdict::Unavailable => advice.push(
            "this says nothing about ATS: run the cell on a machine that can reach the missing part (a registry, a \
             mirror, the release archive), or give the distro a `bootstrap` in matrix.yaml"
                .to_owned(),
        ),
        Verdict::Broken => advice.push(
            "do not upgrade hosts with this ATS: install an ATS that the new release can run before the upgrade or with it, \
             and test that as an ATS of its own"
                .to_owned(),
        ),
        Verdict::Pass | Verdict::Fail | Verdict::Flaky | Verdict::Unbuildable => {}
    }
    if cell.verdict.is_without_ats() {
        advice.push("the full build log is in results/runs/RUN/images/ of the run that built it".to_owned());
    }
    if let Mark::Unexpected(expected) = Mark::of(cell) {
        advice.push(format!("matrix.yaml expects {expected}: update `expect`"));
    }
    if !explanation.lifted.is_empty() {
        advice.push(verdict::LIMITATION_GONE_ADVICE.to_owned());
    }
    if cell.trials.iter().any(|trial| trial.control && trial.outcome == Outcome::Fail) {
        advice.push("a control failed: fix that first, it is not about TLS to the origin".to_owned());
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
            "until then, the workaround {} works on this cell ({}); cost: {}",
            tried.name,
            tried.settings.join(", "),
            tried.cost
        ));
    }
    // Settings of a cell with two ATS would be the child's.
    if cell.provenance.parent.is_none()
        && issue.untried.iter().any(|untried| !untried.settings.is_empty())
        && !cell.trials.is_empty()
    {
        advice.push(format!("see whether a workaround helps here: `atsmatrix explain {} --try`", cell.id));
    }
    advice
}
