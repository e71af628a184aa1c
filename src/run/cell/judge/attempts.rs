//! The attempts at a cell and what each of them says about a trial. Pure.

use base64::Engine as _;

use super::{judge, not_judged};
use crate::catalogue::trials::{Judgement, Trial};
use crate::model::{Observation, Outcome, TrialPlan};
use crate::run::cell::evidence::Gathered;
use crate::run::cell::strain::{self, Doubt};
use crate::run::cell::{Job, RawEvidence};
use crate::verdict;

/// An attempt at a cell.
pub(in crate::run::cell) struct CellAttempt {
    /// The trials to run; `None` for all trials of the job.
    pub(in crate::run::cell) requested: Option<Vec<TrialPlan>>,
    /// The evidence.
    pub(in crate::run::cell) gathered: Gathered,
}

impl CellAttempt {
    /// Judges `trial`, if the attempt ran it.
    pub(super) fn row(&self, trial: &Trial, job: &Job) -> Option<AttemptJudgement> {
        let requested = self.requested.as_ref().is_none_or(|plans| plans.iter().any(|plan| plan.id == trial.id));
        requested.then(|| AttemptJudgement {
            strained: self.gathered.strained(trial.id, trial.spec().place),
            ..judge(trial, job, &self.gathered)
        })
    }
}

/// The judgement of one trial in one attempt.
pub(super) struct AttemptJudgement {
    pub(super) judgement: Judgement,
    /// Whether there is no answer because the test setup failed.
    pub(super) disturbed: bool,
    /// Whether the trial ran while the machine was overloaded, so that a failure is in doubt.
    pub(super) strained: bool,
}

impl AttemptJudgement {
    pub(super) fn undisturbed(judgement: Judgement) -> Self {
        Self { judgement, disturbed: false, strained: false }
    }

    pub(super) fn disturbed(judgement: Judgement) -> Self {
        Self { judgement, disturbed: true, strained: false }
    }

    /// Whether the outcome must be confirmed by a second attempt. A pass must be if the trial is `limited`: it contradicts a known
    /// issue of this ATS.
    pub(super) fn needs_confirmation(&self, limited: bool) -> bool {
        match self.judgement.outcome {
            Outcome::Fail => true,
            Outcome::Pass => limited,
            Outcome::Limitation | Outcome::Error | Outcome::Skipped | Outcome::Flaky | Outcome::Unsupported => false,
        }
    }
}

/// All attempts, in order.
pub(super) struct AllAttempts(pub(super) Vec<CellAttempt>);

impl AllAttempts {
    /// The observation to show for a trial: for a flaky trial that of the failed attempt, else the last undisturbed one.
    pub(super) fn observation(&self, job: &Job, trial: &Trial, outcome: Outcome) -> Option<&Observation> {
        let seen = |attempt: &'_ CellAttempt| -> Option<(Outcome, bool)> {
            attempt.gathered.trials.get(trial.id)?;
            attempt.row(trial, job).map(|row| (row.judgement.outcome, row.disturbed))
        };
        let of = |attempt: &'_ CellAttempt| -> bool { seen(attempt).is_some() };
        let with = |wanted| self.0.iter().find(move |attempt| seen(attempt).is_some_and(|(it, _)| it == wanted));
        let undisturbed = || self.0.iter().rfind(|attempt| seen(attempt).is_some_and(|(_, disturbed)| !disturbed));
        let last = || self.0.iter().rfind(|attempt| of(attempt));
        let first = match outcome {
            Outcome::Flaky => with(Outcome::Fail),
            Outcome::Pass => with(Outcome::Pass),
            _ => None,
        };
        first.or_else(undisturbed).or_else(last).and_then(|attempt| attempt.gathered.trials.get(trial.id))
    }

    /// The observation of the first attempt in which the trial failed.
    pub(super) fn first_failure(&self, job: &Job, trial: &Trial) -> Option<&Observation> {
        let failed =
            |attempt: &&CellAttempt| attempt.row(trial, job).is_some_and(|row| row.judgement.outcome == Outcome::Fail);
        self.0.iter().find(failed).and_then(|attempt| attempt.gathered.trials.get(trial.id))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Gathered> {
        self.0.iter().map(|attempt| &attempt.gathered)
    }

    /// The raw evidence of a trial from all attempts, with packets if `packets`.
    pub(super) fn raw(&self, trial: &str, packets: bool) -> Vec<RawEvidence> {
        let mut found = Vec::new();
        for (attempt, gathered) in (1..).zip(self.all()) {
            let Some(observation) = gathered.trials.get(trial) else { continue };
            let text = gathered.pcaps.get(trial).filter(|text| packets && !text.is_empty());
            let pcapng = text.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            found.push(RawEvidence { trial: trial.to_owned(), attempt, observation: observation.clone(), pcapng });
        }
        found
    }
}

/// Whether a trial must run again. A trial that did not pass is repeated once. A failure whose other attempt was disturbed is
/// repeated again, so that every failure is seen twice; one under strain until it is out of doubt.
pub(super) fn needs_repetition(rows: &[AttemptJudgement], limited: bool) -> bool {
    match doubt(rows) {
        Doubt::None => {}
        Doubt::Open => return true,
        Doubt::Failed | Doubt::Refuted | Doubt::Unknown => return false,
    }
    let undisturbed: Vec<&AttemptJudgement> = rows.iter().filter(|row| !row.disturbed).collect();
    match (undisturbed.as_slice(), rows.len()) {
        ([], tries) => tries < 2,
        ([only], 1) => {
            only.needs_confirmation(limited) || matches!(only.judgement.outcome, Outcome::Error | Outcome::Skipped)
        }
        ([only], 2) => only.needs_confirmation(limited),
        _ => false,
    }
}

/// What failures under strain mean for a trial.
pub(super) fn doubt(rows: &[AttemptJudgement]) -> Doubt {
    let undisturbed = rows.iter().filter(|row| !row.disturbed);
    let weighed: Vec<(Outcome, bool)> = undisturbed.map(|row| (row.judgement.outcome, row.strained)).collect();
    strain::weigh(&weighed, rows.len())
}

/// The outcome of all attempts at a trial. A disturbed attempt counts only if there is no other.
pub(super) fn settle(mut rows: Vec<AttemptJudgement>) -> Judgement {
    match doubt(&rows) {
        Doubt::None | Doubt::Failed => {}
        Doubt::Refuted => rows.retain(|row| row.judgement.outcome == Outcome::Pass),
        Doubt::Open | Doubt::Unknown => {
            let failed = rows.iter().find(|row| row.judgement.outcome == Outcome::Fail);
            let how = failed.map(|row| row.judgement.summary.as_str()).unwrap_or_default();
            return not_judged(Outcome::Error, &format!("{}: {how}", strain::OVERLOADED));
        }
    }
    let any_undisturbed = rows.iter().any(|row| !row.disturbed);
    let mut rows: Vec<Judgement> =
        rows.into_iter().filter(|row| !any_undisturbed || !row.disturbed).map(|row| row.judgement).collect();
    // If the first attempt did not reach the trial, its repetition counts as the first.
    if rows.iter().any(|row| row.outcome != Outcome::Skipped) {
        rows.retain(|row| row.outcome != Outcome::Skipped);
    }
    let alone = rows.len() == 1;
    let mut rows = rows.into_iter();
    let Some(mut settled) = rows.next() else { return not_judged(Outcome::Skipped, "not reached") };
    if alone {
        settled.outcome = verdict::settle(settled.outcome, None);
    }
    for again in rows {
        let outcome = match (settled.outcome, again.outcome) {
            (Outcome::Pass, Outcome::Fail) => Outcome::Flaky,
            (first, again) => verdict::settle(first, Some(again)),
        };
        let shown = if outcome == again.outcome { again } else { settled };
        settled = Judgement { outcome, ..shown };
    }
    settled
}
