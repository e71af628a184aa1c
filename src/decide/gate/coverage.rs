//! What a step from one cell to another leaves untested. Hosts may rely on what a trial that passed here and cannot run
//! there is about.

use crate::model::{CellId, CellResult, IssueMatch, Outcome};
use crate::verdict::{self, few};

use super::answer::{Cause, GateReason};

/// Why the step from `before` to `after` is not safe. `place` is the name of `before` in the text.
pub(super) fn lost(before: &CellResult, after: &CellResult, place: &str) -> Vec<GateReason> {
    let lost = verdict::lost(before, after);
    let count = |trials: &[&str]| match trials.len() {
        1 => "1 trial".to_owned(),
        count => format!("{count} trials"),
    };
    let mut reasons = Vec::new();
    if !lost.passed.is_empty() {
        let (many, names) = (count(&lost.passed), few(&lost.passed));
        let text = format!("no longer tests {many} passing on {place} (unsupported or not run): {names}");
        reasons.push(GateReason::new(Cause::NoLongerTested, text).naming(&lost.passed));
    }
    if !lost.others.is_empty() {
        let (many, names) = (count(&lost.others), few(&lost.others));
        let text = format!("does not test {many} not passing on {place} (unsupported or not run): {names}");
        reasons.push(GateReason::new(Cause::NotTested, text).naming(&lost.others));
    }
    if !lost.limited.is_empty() {
        let what = if lost.limited.len() == 1 { "a known limitation" } else { "known limitations" };
        let text = format!("has {what} that {place} does not have: {}", limits(after, &lost.limited));
        reasons.push(
            GateReason { known_issues: issues(after, &lost.limited), ..GateReason::new(Cause::Limited, text) }
                .naming(&lost.limited),
        );
    }
    let CellId { distro, ats } = &after.id;
    let fix = format!(
        "run what was left out: atsmatrix run --distro {distro} --ats {ats}; see why the rest is unsupported: atsmatrix \
         explain {}",
        after.id
    );
    reasons.into_iter().map(|reason| reason.about(&after.id).fix(fix.clone())).collect()
}

/// A note on the known limitations that `before` and `after` have in common.
pub(super) fn shared(before: &CellResult, after: &CellResult) -> Option<String> {
    let both = verdict::lost(before, after).as_limited;
    let what = if both.len() == 1 { "a known limitation" } else { "known limitations" };
    (!both.is_empty()).then(|| format!("{} and {} both have {what}: {}", before.id, after.id, limits(after, &both)))
}

/// A note on the known limitations of a single cell.
pub(super) fn own(cell: &CellResult) -> Option<String> {
    let limited = cell.trials.iter().filter(|trial| trial.outcome == Outcome::Limitation);
    let limited: Vec<&str> = limited.map(|trial| trial.id.as_str()).collect();
    let what = if limited.len() == 1 { "a known limitation" } else { "known limitations" };
    (!limited.is_empty()).then(|| format!("{} has {what}: {}", cell.id, limits(cell, &limited)))
}

/// `tunnel-route-split-hello (ATS-11758)`.
fn limits(cell: &CellResult, trials: &[&str]) -> String {
    let issue = |id: &str| cell.trials.iter().find(|trial| trial.id == id)?.limitation.as_deref();
    let named: Vec<String> =
        trials.iter().map(|id| format!("{id} ({})", issue(id).unwrap_or("an unnamed issue"))).collect();
    few(&named)
}

fn issues(cell: &CellResult, trials: &[&str]) -> Vec<IssueMatch> {
    let shows = |known: &&IssueMatch| trials.iter().any(|id| known.is_certain_of(id));
    cell.known_issues.iter().filter(shows).cloned().collect()
}
