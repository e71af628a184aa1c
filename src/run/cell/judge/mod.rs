//! Judges the evidence of all attempts at a cell. Pure.

mod attempts;
mod declared;
mod tiers;

use super::evidence::{self, Gathered};
use super::incident::Incident;
use super::limits;
use super::strain::{self, Doubt};
use super::{CellRun, Job, OriginImage, Progress, RawEvidence, SingleAttempt};
use crate::catalogue::known_issues::{self, Evidence, TrialCase};
use crate::catalogue::trials::{self, Judgement, Kind, Trial};
use crate::decide::behaviour;
use crate::model::{
    AtsLife, CellBehaviour, IssueMatch, LogLine, Observation, Outcome, Place, Provenance, Record, Route, TrialPlan,
    TrialResult, TrialSpec, Verdict,
};
use crate::verdict;

pub(super) use attempts::CellAttempt;
pub(super) use declared::{distro_mismatch, version_mismatch};

use attempts::{AllAttempts, AttemptJudgement, doubt, needs_repetition, settle};
use declared::check_declared;

/// The first origin port. Ports follow the catalogue's order, so a trial has the same port in every cell and attempt; those of
/// the user's own trials come after all built-in ones.
const FIRST_PORT: u16 = 20_000;

/// The plans of the job's trials, in the catalogue's order, without those that its ATS does not support. The job's settings
/// override those of the trials.
pub(super) fn plans(job: &Job) -> Vec<TrialPlan> {
    let longest = u64::try_from(job.limits.trial.as_millis()).unwrap_or(u64::MAX);
    let built_in = |trial: &&Trial| trials::by_id(trial.id).is_some();
    let own = job.trials.iter().filter(|trial| !built_in(trial));
    let numbered = trials::CATALOGUE.iter().chain(own).zip(FIRST_PORT..);
    let wanted = numbered.filter(|(trial, _)| job.trials.iter().any(|wanted| wanted.id == trial.id));
    wanted
        .filter(|(trial, _)| unsupported(trial, job, None).is_none() && without_origin(trial, job).is_none())
        .map(|(trial, port)| {
            let mut spec = trial.spec();
            let known = trial.limitation(&job.version).map_or(longest, |_| limits::DEADLINE_MS.min(longest));
            spec.deadline_ms = spec.deadline_ms.min(known);
            override_settings(&mut spec, &job.overrides);
            TrialPlan { id: trial.id.to_owned(), port, spec }
        })
        .collect()
}

/// Why this cell does not support `trial`: because of the version or settings of its ATS, or the OpenSSL it has loaded, if
/// known. Never because of the trial's outcome.
fn unsupported(trial: &Trial, job: &Job, openssl: Option<&str>) -> Option<String> {
    if trial.spec().route == Route::AsDelivered && (job.delivered.is_none() || job.swap.is_some()) {
        return Some("this cell has no image of the user's own, or only a part of it is tried".into());
    }
    let without: Vec<Place> = Place::BESIDE.into_iter().filter(|place| !job.origins.contains_key(place)).collect();
    let reason = verdict::unsupported_reason(trial, Some(&job.version), openssl, &without);
    reason.or_else(|| tiers::unsupported(trial, job))
}

/// Why the trial's origin is missing, although it is in the matrix.
fn without_origin<'a>(trial: &Trial, job: &'a Job) -> Option<&'a str> {
    match job.origins.get(&trial.spec().place) {
        Some(OriginImage::Missing(reason)) => Some(reason),
        _ => None,
    }
}

/// Replaces settings of a trial by the `overrides` of the same name, and adds the others. A trial that does not go through
/// ATS has no settings.
fn override_settings(spec: &mut TrialSpec, overrides: &[Record]) {
    if spec.route == Route::Ats {
        spec.records.retain(|own| !overrides.iter().any(|record| record.name == own.name));
        spec.records.extend_from_slice(overrides);
    }
}

/// Judges one trial of one attempt.
fn judge(trial: &Trial, job: &Job, gathered: &Gathered) -> AttemptJudgement {
    if let Some(text) = &gathered.tampered {
        return AttemptJudgement::undisturbed(not_judged(Outcome::Error, text));
    }
    let openssl = gathered.provenance.openssl.as_ref().map(|library| library.version.as_str());
    let by_parent = || tiers::unsupported_openssl(trial, gathered);
    if let Some(reason) = unsupported(trial, job, openssl).or_else(by_parent) {
        return AttemptJudgement::undisturbed(not_judged(Outcome::Unsupported, &reason));
    }
    if let Some(reason) = without_origin(trial, job) {
        return AttemptJudgement::undisturbed(not_judged(
            Outcome::Error,
            &format!("no {} origin: {reason}", trial.spec().place.program().unwrap_or_default()),
        ));
    }
    let (place, window) = (trial.spec().place, gathered.windows.get(trial.id).copied());
    if let Some(incident) = gathered.incidents.iter().find(|incident| incident.affects(place, window)) {
        return AttemptJudgement::disturbed(not_judged(Outcome::Error, &incident.text));
    }
    // A fault of the whole cell does not affect a trial with complete evidence.
    let concerns =
        |of: &Option<String>| of.as_deref().map_or_else(|| !gathered.complete(trial.id), |of| of == trial.id);
    let fault = gathered.faults.iter().find(|(of, _)| concerns(of));
    let observation = gathered.trials.get(trial.id);
    let disturbed = gathered.engine_away || !gathered.incidents.is_empty();
    match (observation.filter(|observation| observation.client.is_some()), fault) {
        // A fault may have truncated the evidence, so none of it is used.
        (_, Some((of, text))) => {
            let judgement = not_judged(Outcome::Error, text);
            AttemptJudgement { disturbed: disturbed && of.is_none(), ..AttemptJudgement::undisturbed(judgement) }
        }
        (None, None) => {
            let judgement = not_judged(Outcome::Skipped, "not reached");
            AttemptJudgement { disturbed, ..AttemptJudgement::undisturbed(judgement) }
        }
        (Some(observation), None) => judge_complete(trial, observation, &gathered.provenance),
    }
}

/// Judges a complete observation. Packets are needed to distinguish a failure that the catalogue declares for this ATS from
/// others. If the capture lost packets, the setup failed and the trial runs again.
fn judge_complete(trial: &Trial, observation: &Observation, ran: &Provenance) -> AttemptJudgement {
    let judgement = trial.judge(observation);
    if judgement.outcome == Outcome::Fail
        && ran.openssl.is_none()
        && let Some(reason) = trial.needs_openssl()
    {
        let text = format!(
            "it did not pass, and it is unknown whether it should ({reason}), because the OpenSSL that this ATS has loaded \
             could not be determined: {}",
            judgement.summary
        );
        return AttemptJudgement::undisturbed(not_judged(Outcome::Error, &text));
    }
    let declared = known_issues::limitation(trial, ran).filter(|_| judgement.outcome == Outcome::Fail);
    match declared {
        Some(issue) if observation.wire_lost > 0 => {
            let text = format!("the capture lost packets, so it is unknown whether {issue} is the cause");
            AttemptJudgement::disturbed(not_judged(Outcome::Error, &text))
        }
        _ => AttemptJudgement::undisturbed(judgement),
    }
}

fn not_judged(outcome: Outcome, summary: &str) -> Judgement {
    Judgement { outcome, summary: summary.to_owned(), checks: Vec::new() }
}

/// Judges a single attempt by itself.
pub(super) fn judge_once(job: &Job, gathered: Gathered, number: u32) -> SingleAttempt {
    let judge = |trial: &&'static Trial| (*trial, judge(trial, job, &gathered).judgement);
    let mut judged: Vec<(&'static Trial, Judgement)> = job.trials.iter().map(judge).collect();
    weigh_controls(&mut judged);
    let transcript = gathered.transcript();
    let all = AllAttempts(vec![CellAttempt { requested: None, gathered }]);
    let raws = judged.iter().flat_map(|(trial, row)| all.raw(trial.id, row.outcome != Outcome::Pass));
    let evidence = raws.map(|raw| RawEvidence { attempt: number, ..raw }).collect();
    let gathered = all.0.into_iter().map(|attempt| attempt.gathered).next().unwrap_or_default();
    SingleAttempt {
        judged,
        seen: gathered.trials,
        inventory: gathered.inventory,
        provenance: gathered.provenance,
        evidence,
        transcript,
    }
}

fn weigh_controls(rows: &mut [(&'static Trial, Judgement)]) {
    let mut outcomes: Vec<(Kind, Outcome)> = rows.iter().map(|(trial, row)| (trial.kind, row.outcome)).collect();
    verdict::weigh_controls(&mut outcomes);
    for ((_, row), (_, outcome)) in rows.iter_mut().zip(outcomes) {
        row.outcome = outcome;
    }
}

/// The trials to run again after `attempts`: those that did not pass, those that passed although a known issue limits them,
/// and all controls.
pub(super) fn to_repeat(job: &Job, attempts: &[CellAttempt], plans: &[TrialPlan]) -> Vec<TrialPlan> {
    let wanted = |trial: &Trial| {
        let rows: Vec<AttemptJudgement> = attempts.iter().filter_map(|attempt| attempt.row(trial, job)).collect();
        let known = attempts.first().and_then(|attempt| known_issues::limitation(trial, &attempt.gathered.provenance));
        needs_repetition(&rows, known.is_some())
    };
    let unsettled: Vec<&str> = job.trials.iter().filter(|trial| wanted(trial)).map(|trial| trial.id).collect();
    // If evidence was tampered with, another attempt proves nothing.
    if unsettled.is_empty() || tampered(attempts).is_some() {
        return Vec::new();
    }
    let again = job.trials.iter().filter(|trial| unsettled.contains(&trial.id) || trial.is_control());
    let ids: Vec<&str> = again.map(|trial| trial.id).collect();
    plans.iter().filter(|plan| ids.contains(&plan.id.as_str())).cloned().collect()
}

/// The message if evidence was tampered with in one of `attempts`: then none of them counts.
fn tampered(attempts: &[CellAttempt]) -> Option<&str> {
    attempts.iter().find_map(|attempt| attempt.gathered.tampered.as_deref())
}

/// Judges all attempts and builds the outcome of the cell.
pub(super) fn conclude(job: &Job, attempts: Vec<CellAttempt>, progress: &dyn Progress) -> CellRun {
    let mut rows: Vec<(&'static Trial, Judgement)> = Vec::new();
    let (mut disturbed, mut refuted) = (Vec::new(), Vec::new());
    for trial in &job.trials {
        let judged: Vec<AttemptJudgement> = attempts.iter().filter_map(|attempt| attempt.row(trial, job)).collect();
        let weighed = doubt(&judged);
        refuted.extend((weighed == Doubt::Refuted).then(|| strain::refuted(trial.id)));
        let unknown = matches!(weighed, Doubt::Open | Doubt::Unknown);
        disturbed.extend((unknown || judged.iter().all(|row| row.disturbed)).then_some(trial.id));
        let forged = tampered(&attempts).map(|text| not_judged(Outcome::Error, text));
        rows.push((trial, forged.unwrap_or_else(|| settle(judged))));
    }
    weigh_controls(&mut rows);
    let all = AllAttempts(attempts);
    // ATS itself may have ended the cell's container.
    let maybe_ats = all.all().flat_map(|gathered| &gathered.incidents).any(Incident::may_be_caused_by_ats);
    let found = all.all().map(|gathered| &gathered.provenance).find(|found| **found != Provenance::default());
    let hello = |gathered: &Gathered| trials::hello_size(gathered.trials.get(trials::SIZED_BY)?);
    // With two ATS, it is the parent's hello that origins see.
    let client_hello = all.all().find_map(hello).filter(|_| job.parent.is_none());
    let parent = tiers::ran(job, &all);
    let provenance = Provenance { client_hello, parent, ..found.cloned().unwrap_or_default() };
    let mut run = result(job, &rows, &all, provenance, progress);
    for text in refuted {
        progress.note(&text);
        run.transcript.push(text);
    }
    // What two ATS did together is explained by the versions of neither.
    if tampered(&all.0).is_none() && job.parent.is_none() {
        run.behaviour = behaviour(job, &rows, &run.trials, &all);
    }
    let has_none = |trial: &&TrialResult| !verdict::is_answer(trial.outcome);
    let unanswered: Vec<&str> = run.trials.iter().filter(has_none).map(|trial| trial.id.as_str()).collect();
    run.setup_failed = run.verdict == Verdict::Error
        && version_mismatch(&job.version, &run.provenance).is_none()
        && distro_mismatch(&job.id.distro, job.os.as_ref(), &run.provenance).is_none()
        && tiers::mismatch(job, &run.provenance).is_none()
        && tampered(&all.0).is_none()
        && !maybe_ats
        && !unanswered.is_empty()
        && unanswered.iter().all(|id| disturbed.contains(id));
    run
}

fn result(
    job: &Job,
    rows: &[(&'static Trial, Judgement)],
    all: &AllAttempts,
    provenance: Provenance,
    progress: &dyn Progress,
) -> CellRun {
    let nothing = Observation::default();
    let seen = |trial: &Trial, outcome| all.observation(job, trial, outcome).unwrap_or(&nothing);
    let logs: Vec<LogLine> = all.all().flat_map(|gathered| &gathered.logs).cloned().collect();
    let known_issues = match &provenance.parent {
        Some(parent) => tiers::diagnosed(rows, &parent.provenance, all, seen),
        None => diagnosed(rows, &provenance, &logs, seen),
    };
    let first = |trial: &Trial, outcome| all.first_failure(job, trial).unwrap_or_else(|| seen(trial, outcome));
    // Trials with known limitations are not among those of two ATS.
    let attempts = [diagnosed(rows, &provenance, &logs, first), known_issues.clone()];
    let mut run = CellRun {
        verdict: Verdict::Error,
        reason: None,
        trials: Vec::new(),
        known_issues,
        provenance,
        behaviour: CellBehaviour::new(),
        evidence: Vec::new(),
        transcript: all.all().flat_map(Gathered::transcript).collect(),
        setup_failed: false,
    };
    for (trial, row) in rows {
        let (outcome, limitation) = limits::apply_limitation(trial, row.outcome, &run.provenance, &attempts);
        progress.trial_finished(trial.id, outcome);
        let observation = seen(trial, row.outcome);
        let shown = matches!(outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error);
        run.evidence.extend(all.raw(trial.id, shown));
        run.trials.push(TrialResult {
            id: trial.id.to_owned(),
            outcome,
            control: trial.is_control(),
            limitation,
            definition: trial.definition().map(str::to_owned),
            summary: crate::ats::log::normalise(&row.summary),
            evidence: if shown { evidence::summary_lines(observation) } else { Vec::new() },
        });
    }
    run.verdict = verdict::of_trials(&run.trials);
    if let Some(why) = broken_by_upgrade(job, rows, seen) {
        (run.verdict, run.reason) = (Verdict::Broken, Some(crate::ats::log::normalise(&why)));
        run.trials.clear();
    }
    run.reason = run.reason.or_else(|| tiers::reason(job, rows, seen));
    check_declared(job, &mut run);
    if let Some(text) = tampered(&all.0) {
        (run.verdict, run.reason) = (Verdict::Error, Some(crate::ats::log::normalise(text)));
    }
    if run.verdict == Verdict::Error && run.reason.is_none() {
        run.reason = reason_of_error(all);
    }
    run
}

/// Why a cell is in error: incidents without an end come first, as they explain the others.
fn reason_of_error(all: &AllAttempts) -> Option<String> {
    let faults = all.all().flat_map(|gathered| &gathered.faults).map(|(_, text)| text);
    let incidents = || all.all().flat_map(|gathered| &gathered.incidents);
    let (lasting, past) = (incidents().filter(|it| it.to_us.is_none()), incidents().filter(|it| it.to_us.is_some()));
    let mut reasons = lasting.chain(past).map(|incident| &incident.text).chain(faults);
    reasons.next().map(|text| crate::ats::log::normalise(text))
}

/// How ATS behaved in the trials of `results` that have an answer: in the attempt that decided it.
fn behaviour(
    job: &Job,
    rows: &[(&'static Trial, Judgement)],
    results: &[TrialResult],
    all: &AllAttempts,
) -> CellBehaviour {
    let answered = |(trial, _): &&(&'static Trial, Judgement)| {
        let told = |outcome| matches!(outcome, Outcome::Pass | Outcome::Fail | Outcome::Limitation);
        results.iter().any(|result| result.id == trial.id && told(result.outcome))
    };
    let of = |(trial, row): &(&'static Trial, Judgement)| {
        let seen = all.observation(job, trial, row.outcome)?;
        Some((trial.id.to_owned(), behaviour::of(trial.id, &trial.spec(), seen)?))
    };
    rows.iter().filter(answered).filter_map(of).collect()
}

/// Why ATS does not start, if that is all that is wrong in a cell that was upgraded in place.
fn broken_by_upgrade<'a>(
    job: &Job,
    rows: &[(&'static Trial, Judgement)],
    seen: impl Fn(&Trial, Outcome) -> &'a Observation,
) -> Option<String> {
    let through_ats = rows.iter().filter(|(trial, row)| {
        trial.spec().route == Route::Ats && !matches!(row.outcome, Outcome::Unsupported | Outcome::Skipped)
    });
    let mut starts = through_ats.map(|(trial, row)| match &seen(trial, row.outcome).ats {
        AtsLife::NeverReady(why) if row.outcome == Outcome::Fail => Some(why),
        _ => None,
    });
    let first = starts.next().flatten().filter(|_| job.upgraded)?;
    starts.all(|why| why.is_some()).then(|| format!("after the upgrade ATS does not start: {first}"))
}

/// Diagnoses known issues from the observation that `seen` returns for each trial.
fn diagnosed<'a>(
    rows: &[(&'static Trial, Judgement)],
    provenance: &Provenance,
    logs: &[LogLine],
    seen: impl Fn(&Trial, Outcome) -> &'a Observation,
) -> Vec<IssueMatch> {
    let case = |(trial, row): &(&'static Trial, Judgement)| TrialCase {
        trial: trial.id,
        definition: Some(*trial),
        kind: trial.kind,
        outcome: row.outcome,
        observation: seen(trial, row.outcome),
    };
    let cases: Vec<TrialCase<'a>> = rows.iter().map(case).collect();
    known_issues::diagnose(&Evidence { cases: &cases, provenance, logs })
}

#[cfg(test)]
mod tests;
