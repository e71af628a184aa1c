//! What tried workarounds prove: a trial that still fails with the workaround for an issue has another cause.

use super::{Workaround, by_id};
use crate::catalogue::trials::Trial;
use crate::model::{Confidence, IssueMatch, Outcome, TrialResult, WorkaroundTried};

/// Weighs `found` by the workarounds tried on its trials. A trial that failed despite a deciding workaround is no
/// longer a certain match.
pub fn after_workarounds(found: Vec<IssueMatch>) -> Vec<IssueMatch> {
    let known = |found: &IssueMatch| by_id(&found.id).map(|issue| issue.workarounds).unwrap_or_default();
    found.into_iter().flat_map(|found| weigh(found.clone(), known(&found))).collect()
}

/// The same for an issue with the workarounds `known`.
pub(super) fn weigh(found: IssueMatch, known: &[Workaround]) -> Vec<IssueMatch> {
    let decides = |tried: &&WorkaroundTried| {
        let decides = known.iter().any(|workaround| workaround.name == tried.name && workaround.decides);
        // If a control failed with it, it proves nothing about the trials.
        decides && !tried.not_passed.iter().any(|entry| is_control(entry))
    };
    let failed: Vec<&String> = found.workarounds.iter().filter(decides).flat_map(|tried| &tried.not_passed).collect();
    let refuted = |trial: &String| failed.contains(&&format!("{trial} ({})", Outcome::Fail));
    if found.confidence != Confidence::Certain || !found.trials.iter().any(refuted) {
        return vec![found];
    }
    let (alike, certain): (Vec<String>, Vec<String>) = found.trials.iter().cloned().partition(refuted);
    let doubted = IssueMatch { trials: alike, confidence: Confidence::LooksLike, ..found.clone() };
    let rest = IssueMatch { trials: certain, ..found };
    [rest, doubted].into_iter().filter(|found| !found.trials.is_empty()).collect()
}

/// Turns limitations into failures where the known issue is no longer certain. True: there were some.
pub fn without_doubtful(trials: &mut [TrialResult], found: &[IssueMatch]) -> bool {
    let mut any = false;
    for trial in trials.iter_mut().filter(|trial| trial.outcome == Outcome::Limitation) {
        let is = |known: &IssueMatch| Some(&known.id) == trial.limitation.as_ref() && known.is_certain_of(&trial.id);
        if !found.iter().any(is) {
            trial.outcome = Outcome::Fail;
            any = true;
        }
    }
    any
}

/// Whether an entry `ID (OUTCOME)` names a control.
fn is_control(entry: &str) -> bool {
    let id = entry.split(' ').next().unwrap_or_default();
    crate::catalogue::trials::by_id(id).is_some_and(Trial::is_control)
}
