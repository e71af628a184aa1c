//! Is anything worse than in an earlier result? Only here is an expected failure excused: matrix.yaml says that it is
//! known. In return an expectation that no longer holds closes the gate, as it fails a run.

use std::collections::BTreeSet;

use crate::decide::compare::{self, Bearing, CellChange, Change, TrialChange};
use crate::model::{CellId, CellResult, MatrixResult, Outcome, Verdict};
use crate::verdict::{self, Surprise, few};

use super::answer::{Cause, Decision, GateReason};
use super::basis::{Basis, run_again};

pub(super) fn ask(basis: &Basis<'_>, name: &str, baseline: &MatrixResult, answer: &mut Decision) {
    answer.questions.push(format!("is everything at least as good as in {name}?"));
    let before = Basis::new(baseline);
    if !basis.is_same_matrix(&baseline.matrix) {
        answer.notes.push(format!("{name} was made with a different matrix.yaml"));
    }
    let mut ids: Vec<&CellId> = basis.result().cells.iter().map(|cell| &cell.id).collect();
    ids.extend(baseline.cells.iter().map(|cell| &cell.id));
    ids.extend(basis.lacking());
    let mut seen = BTreeSet::new();
    let mut compared = false;
    for id in ids.into_iter().filter(|id| seen.insert(*id)) {
        let (old, new) = (before.cell(id), basis.cell(id));
        compared |= has_answer(old) && has_answer(new);
        for doubt in old.map_or_else(Vec::new, |old| before.contradictions(old)) {
            let text = format!("{} (in {name})", doubt.text);
            answer.add(GateReason { text, ways_out: Vec::new(), ..doubt }.fix("use another baseline"));
        }
        judge(basis, id, old, new, was_due(basis, &before, id), answer);
    }
    if !compared {
        let text = format!("no cell has an answer both here and in {name}");
        answer.unknown.push(GateReason::new(Cause::NothingAsked, text).fix("compare with results that have answers"));
    }
}

fn has_answer(cell: Option<&CellResult>) -> bool {
    cell.is_some_and(|cell| cell.verdict.is_answer())
}

/// Whether the baseline should have had an answer for a cell. Not if the cell may be missing, as rows that need a
/// registry may, nor if its matrix had no such row or column.
fn was_due(basis: &Basis<'_>, before: &Basis<'_>, id: &CellId) -> bool {
    if before.cell(id).is_some() {
        return !basis.cell(id).is_some_and(|cell| basis.declared(cell).optional);
    }
    let baseline = before.result();
    basis.is_same_matrix(&baseline.matrix) || (baseline.distros.contains(&id.distro) && baseline.ats.contains(&id.ats))
}

/// Compares one cell with the baseline. `due`: the baseline should have had an answer for it.
fn judge(
    basis: &Basis<'_>,
    id: &CellId,
    old: Option<&CellResult>,
    new: Option<&CellResult>,
    due: bool,
    answer: &mut Decision,
) {
    if basis.lacks(id) {
        // A run of today's matrix.yaml would have it, whatever its verdict.
        let before = old.map_or(String::new(), |cell| format!(" ({} before)", cell.verdict));
        let reason = GateReason::new(Cause::Missing, format!("is not in the results{before}")).about(id);
        answer.unknown.push(reason.fix(run_again(id)));
        return;
    }
    let doubts = new.map_or_else(Vec::new, |cell| basis.distrust(cell));
    let sound = doubts.is_empty();
    for doubt in doubts {
        answer.add(doubt);
    }
    answer.add_trials_of(basis, new);
    let declared = new.map(|cell| basis.declared(cell));
    Compared::new(basis, id, old, declared.as_deref()).weigh(due, sound, answer);
}

/// A cell in the baseline and now.
struct Compared<'a> {
    basis: &'a Basis<'a>,
    id: &'a CellId,
    new: Option<&'a CellResult>,
    old_verdict: Option<Verdict>,
    change: Change,
    difference: Option<CellChange>,
}

impl<'a> Compared<'a> {
    fn new(basis: &'a Basis<'a>, id: &'a CellId, old: Option<&CellResult>, new: Option<&'a CellResult>) -> Self {
        let old_verdict = old.map(|cell| cell.verdict);
        let change = Change::of(old_verdict.into(), new.map(|cell| cell.verdict).into());
        Self { basis, id, new, old_verdict, change, difference: compare::cell(id, old, new) }
    }

    fn weigh(&self, due: bool, sound: bool, answer: &mut Decision) {
        let surprises = self.new.map_or_else(Vec::new, |cell| verdict::surprises(cell, &self.basis.terms()));
        let stale = self.stale_expectations(&surprises);
        if !stale.is_empty() {
            answer.closed.extend(stale);
            return;
        }
        let excused = self.new.is_some_and(|cell| excused(cell, &surprises));
        let troubled = self.new.is_some_and(|cell| cell.verdict != Verdict::Pass) && !excused;
        if self.change == Change::NewlyTested && troubled {
            self.newly_tested(due, answer);
            return;
        }
        if self.has(Bearing::Worse) {
            if !excused {
                answer.add(self.reason(Cause::Worse, &self.trials(Bearing::Worse)));
                return;
            }
            let expects = self.basis.who_expects();
            answer.notes.push(format!("{} is worse ({}), as expected by {expects}", self.id, self.change));
        }
        // An expected failure does not excuse what is beside it: a trial without an answer may have regressed as well.
        if self.has(Bearing::Unknown) {
            self.unknown(answer);
        } else if let Some(reason) = self.unanswered() {
            answer.add(reason);
        } else if !has_answer(self.new) {
            answer.notes.push(format!("{}: {}", self.id, self.change));
        } else if sound {
            self.hold(answer);
        }
    }

    /// Whether the cell or one of its trials changed so: with the same verdict trials may differ.
    fn has(&self, bearing: Bearing) -> bool {
        self.change.bearing() == bearing || !self.trials(bearing).is_empty()
    }

    fn trials(&self, bearing: Bearing) -> Vec<&TrialChange> {
        let trials = self.difference.iter().flat_map(|difference| &difference.trials);
        trials.filter(|trial| of_trial(trial) == bearing).collect()
    }

    fn new_verdict(&self) -> Option<Verdict> {
        self.new.map(|cell| cell.verdict)
    }

    /// A cell that fails and had no answer before.
    fn newly_tested(&self, due: bool, answer: &mut Decision) {
        if due {
            let reason = self.reason(Cause::NotTested, &[]);
            answer.add(GateReason { text: format!("{}; what it was before is unknown", reason.text), ..reason });
        } else {
            let news = self.describe(&[]);
            answer.notes.push(format!("{}: {news}; there was no answer before, so it is not worse", self.id));
        }
    }

    /// An answer is missing, for the cell or for a trial.
    fn unknown(&self, answer: &mut Decision) {
        if self.change == Change::StillUnanswered && self.new.is_some_and(is_optional) {
            answer.notes.push(format!("{} is optional and still unavailable", self.id));
        } else {
            answer.add(self.reason(cause_of(self.change), &self.trials(Bearing::Unknown)));
        }
    }

    /// Trials without an answer that have no counterpart in the baseline: what cannot be built has no trials.
    fn unanswered(&self) -> Option<GateReason> {
        let trials = verdict::unanswered(self.new.filter(|cell| cell.verdict.is_answer())?);
        let text = format!("has {} trials in error or not reached: {}", trials.len(), few(&trials));
        let reason = || GateReason::new(Cause::Error, text).about(self.id).naming(&trials).fix(run_again(self.id));
        (!trials.is_empty()).then(reason)
    }

    /// The cell is as good as before.
    fn hold(&self, answer: &mut Decision) {
        let (id, change) = (self.id, self.change);
        match change.bearing() {
            Bearing::Better => answer.notes.push(format!("{id} is better: {change}")),
            Bearing::Same if change == Change::NewlyTested => {
                answer.notes.push(format!("{id}: {change}, {}", word(self.new_verdict())));
            }
            Bearing::Same | Bearing::Worse | Bearing::Unknown => {}
        }
        answer.held.push(id.clone());
    }

    /// Expectations that no longer hold: until they are removed from matrix.yaml they hide the next failure.
    fn stale_expectations(&self, surprises: &[Surprise<'_>]) -> Vec<GateReason> {
        let reason = |surprise: &Surprise<'_>| {
            let fix = match surprise {
                Surprise::Undeclared { .. } => return None,
                // A flaky cell did fail as declared.
                Surprise::Fixed { .. } if self.new_verdict() == Some(Verdict::Flaky) => return None,
                Surprise::Fixed { .. } => "remove it from matrix.yaml: atsmatrix expect --update",
                Surprise::LimitationGone { .. } => verdict::LIMITATION_GONE_ADVICE,
                Surprise::Expired { .. } => {
                    "review it: fix the failure, or give the expectation a later day and a new reason in matrix.yaml"
                }
            };
            Some(GateReason::new(Cause::Expectation, surprise.to_string()).about(self.id).fix(fix))
        };
        surprises.iter().filter_map(reason).collect()
    }

    /// What changed, in words: `regressed, pass -> fail: tls-get regressed`.
    fn describe(&self, trials: &[&TrialChange]) -> String {
        let names: Vec<String> = trials.iter().map(|trial| format!("{} {}", trial.id, trial.change)).collect();
        let trials = match names.as_slice() {
            [] => String::new(),
            [one] => format!(": {one}"),
            several => format!(": {} trials: {}", several.len(), few(several)),
        };
        let (old, new) = (self.old_verdict, self.new_verdict());
        if old == new {
            return format!("{} as before{trials}", word(new));
        }
        format!("{}, {} -> {}{trials}", self.change, word(old), word(new))
    }

    fn reason(&self, cause: Cause, trials: &[&TrialChange]) -> GateReason {
        let why = self.new.and_then(|cell| cell.reason.as_ref()).map_or(String::new(), |why| format!(": {why}"));
        let mut reason = GateReason {
            trials: trials.iter().map(|trial| trial.id.clone()).collect(),
            known_issues: self.new.map_or_else(Vec::new, |cell| cell.known_issues.clone()),
            provenance: self.difference.as_ref().map_or_else(Vec::new, |difference| difference.provenance.clone()),
            ..GateReason::new(cause, format!("{}{why}", self.describe(trials))).about(self.id)
        };
        if !cause.closes() {
            let id = self.id;
            reason.ways_out.push(if self.basis.has_distro(&id.distro) && self.basis.has_ats(&id.ats) {
                run_again(id)
            } else {
                "if it was removed from matrix.yaml on purpose, use a newer baseline".to_owned()
            });
        } else if reason.known_issues.is_empty() {
            reason.ways_out.push("to accept it, declare it in matrix.yaml under `expect`".to_owned());
        }
        reason
    }
}

/// Whether every failure in the cell is declared in matrix.yaml, and still holds. Where a failure is declared, a flaky
/// result is not worse.
fn excused(cell: &CellResult, surprises: &[Surprise<'_>]) -> bool {
    let declared = cell.expected.is_some()
        && matches!(cell.verdict, Verdict::Fail | Verdict::Unbuildable | Verdict::Broken | Verdict::Flaky);
    declared && surprises.iter().all(|surprise| matches!(surprise, Surprise::Fixed { .. }))
}

fn is_optional(cell: &CellResult) -> bool {
    cell.optional && cell.verdict == Verdict::Unavailable
}

/// A trial that failed and that the cell no longer supports is not fixed.
fn of_trial(trial: &TrialChange) -> Bearing {
    match (trial.change, trial.outcome.after) {
        (Change::FailureRemoved, Some(Outcome::Unsupported)) => Bearing::Unknown,
        (change, _) => change.bearing(),
    }
}

fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("absent", Verdict::word)
}

fn cause_of(change: Change) -> Cause {
    match change {
        Change::Infrastructure => Cause::Error,
        Change::Unavailable => Cause::Unavailable,
        Change::Regressed
        | Change::NewlyFailing
        | Change::TurnedFlaky
        | Change::NoLongerTested
        | Change::StillUnanswered
        | Change::Fixed
        | Change::Steadied
        | Change::SometimesPasses
        | Change::NewlyTested
        | Change::NewlyLimited
        | Change::FailureRemoved
        | Change::OtherFailure
        | Change::StillFlaky
        | Change::SameFail
        | Change::SameLimitation
        | Change::SamePass
        | Change::NotTested => Cause::Missing,
    }
}
