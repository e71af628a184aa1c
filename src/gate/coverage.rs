//! What a step from one cell to another leaves untested. A trial that passed here and that nobody can run there is
//! a thing that hosts may rely on and that may be gone.

use crate::model::CellResult;
use crate::verdict::{self, few};

use super::answer::{Cause, Reason};
use super::basis::run_again;

/// Why the step from `before` to `after` is not safe: `place` is what `before` is called.
pub(super) fn lost(before: &CellResult, after: &CellResult, place: &str) -> Vec<Reason> {
    let lost = verdict::lost(before, after);
    let count = |trials: &[&str]| match trials.len() {
        1 => "1 trial".to_owned(),
        count => format!("{count} trials"),
    };
    let mut reasons = Vec::new();
    if !lost.passed.is_empty() {
        let (many, names) = (count(&lost.passed), few(&lost.passed));
        let text = format!("no longer tested: {many} passing on {place}, unsupported or not run here: {names}");
        reasons.push(Reason::new(Cause::NoLongerTested, text).naming(&lost.passed));
    }
    if !lost.others.is_empty() {
        let (many, names) = (count(&lost.others), few(&lost.others));
        let text = format!("not tested: {many} without a pass on {place}, unsupported or not run here: {names}");
        reasons.push(Reason::new(Cause::NotTested, text).naming(&lost.others));
    }
    let way_out = format!("see why: atsmatrix explain {}; if it was not run: {}", after.id, run_again(&after.id));
    reasons.into_iter().map(|reason| reason.about(&after.id).way_out(way_out.clone())).collect()
}
