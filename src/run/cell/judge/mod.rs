//! From the evidence of one or two attempts to the result of a cell. Pure.

use base64::Engine as _;

use super::evidence::{self, Gathered};
use super::limits;
use super::trouble::Trouble;
use super::{Beside, CellRun, Job, Once, Progress, Raw};
use crate::catalogue::known_issues::{self, Evidence, TrialEvidence};
use crate::catalogue::trials::{self, Judgement, Kind, Trial};
use crate::engine::lines::one_line;
use crate::model::{
    DistroId, IssueMatch, LogLine, Observation, Os, Outcome, Place, Provenance, Record, Release, Route, TrialPlan,
    TrialResult, TrialSpec, Verdict, VersionRange,
};
use crate::verdict;

/// The first origin port. Ports go by the catalogue's order, so a trial has the same port in every
/// cell and attempt.
const FIRST_PORT: u16 = 20_000;

/// The plans of the job's trials, in order, without those that its ATS cannot do, with the job's own
/// settings laid over those of the trials.
pub(super) fn plans(job: &Job) -> Vec<TrialPlan> {
    let longest = u64::try_from(job.limits.trial.as_millis()).unwrap_or(u64::MAX);
    let ports = FIRST_PORT..;
    let numbered = crate::catalogue::trials::CATALOGUE.iter().zip(ports);
    let wanted = numbered.filter(|(trial, _)| job.trials.iter().any(|wanted| wanted.id == trial.id));
    wanted
        .filter(|(trial, _)| unsupported(trial, job, None).is_none() && without_origin(trial, job).is_none())
        .map(|(trial, port)| {
            let mut spec = (trial.spec)();
            let known = trial.limitation(&job.version).map_or(longest, |_| limits::DEADLINE_MS.min(longest));
            spec.deadline_ms = spec.deadline_ms.min(known);
            lay_over(&mut spec, &job.over);
            TrialPlan { id: trial.id.to_owned(), port, spec }
        })
        .collect()
}

/// Why this cell cannot do `trial`: by the version of its ATS, the settings that ATS knows, and the
/// OpenSSL it has loaded, once that is known. Never by how the trial went.
fn unsupported(trial: &Trial, job: &Job, openssl: Option<&str>) -> Option<String> {
    let without: Vec<Place> = Place::BESIDE.into_iter().filter(|place| !job.beside.contains_key(place)).collect();
    verdict::cannot(trial, Some(&job.version), openssl, &without)
}

/// Why the trial's origin cannot be there, although the matrix has it.
fn without_origin<'a>(trial: &Trial, job: &'a Job) -> Option<&'a str> {
    match job.beside.get(&(trial.spec)().place) {
        Some(Beside::Missing(reason)) => Some(reason),
        _ => None,
    }
}

/// Puts `over` over the settings of a trial: of the same name the one laid over holds. What does not
/// go through ATS has no settings.
fn lay_over(spec: &mut TrialSpec, over: &[Record]) {
    if spec.route == Route::Ats {
        spec.records.retain(|own| !over.iter().any(|record| record.name == own.name));
        spec.records.extend_from_slice(over);
    }
}

/// An attempt at a cell.
pub(super) struct Attempt {
    /// The trials it was to run; `None`: all of the job.
    pub(super) asked: Option<Vec<TrialPlan>>,
    /// What came of it.
    pub(super) gathered: Gathered,
}

impl Attempt {
    /// How it judged `trial`, if it was asked.
    fn row(&self, trial: &Trial, job: &Job) -> Option<Row> {
        let asked = self.asked.as_ref().is_none_or(|asked| asked.iter().any(|plan| plan.id == trial.id));
        asked.then(|| judge(trial, job, &self.gathered))
    }
}

/// How one attempt judged one trial.
struct Row {
    judgement: Judgement,
    /// Whether it has no answer since something of ours was seen to break.
    troubled: bool,
}

impl Row {
    fn sound(judgement: Judgement) -> Self {
        Self { judgement, troubled: false }
    }

    /// Whether it is to be seen twice. A pass is where the trial is `limited`: it contradicts what is known of this ATS.
    fn to_be_confirmed(&self, limited: bool) -> bool {
        match self.judgement.outcome {
            Outcome::Fail => true,
            Outcome::Pass => limited,
            Outcome::Limitation | Outcome::Error | Outcome::Skipped | Outcome::Flaky | Outcome::Unsupported => false,
        }
    }
}

/// Judges one trial of one attempt.
fn judge(trial: &Trial, job: &Job, gathered: &Gathered) -> Row {
    if let Some(text) = &gathered.tampered {
        return Row::sound(not_judged(Outcome::Error, text));
    }
    let openssl = gathered.provenance.openssl.as_ref().map(|library| library.version.as_str());
    if let Some(reason) = unsupported(trial, job, openssl) {
        return Row::sound(not_judged(Outcome::Unsupported, &reason));
    }
    if let Some(reason) = without_origin(trial, job) {
        return Row::sound(not_judged(
            Outcome::Error,
            &format!("no {} origin: {reason}", (trial.spec)().place.program().unwrap_or_default()),
        ));
    }
    let (place, window) = ((trial.spec)().place, gathered.windows.get(trial.id).copied());
    if let Some(trouble) = gathered.troubles.iter().find(|trouble| trouble.concerns(place, window)) {
        return Row { judgement: not_judged(Outcome::Error, &trouble.text), troubled: true };
    }
    // A fault of the whole cell takes nothing from a trial of which all is known.
    let concerns =
        |of: &Option<String>| of.as_deref().map_or_else(|| !gathered.complete(trial.id), |of| of == trial.id);
    let fault = gathered.faults.iter().find(|(of, _)| concerns(of));
    let observation = gathered.trials.get(trial.id);
    let broken = gathered.away || !gathered.troubles.is_empty();
    match (observation.filter(|observation| observation.client.is_some()), fault) {
        // Evidence may be cut short by a fault; what there is of it cannot be trusted as a whole.
        (_, Some((of, text))) => Row { judgement: not_judged(Outcome::Error, text), troubled: broken && of.is_none() },
        (None, None) => Row { judgement: not_judged(Outcome::Skipped, "not reached"), troubled: broken },
        (Some(observation), None) => seen_whole(trial, observation, &gathered.provenance),
    }
}

/// Judges an observation. A failure that the catalogue foresees of this ATS is told from another by its packets among
/// others: where the capture lost some, that is trouble of ours, and it runs again.
fn seen_whole(trial: &Trial, observation: &Observation, ran: &Provenance) -> Row {
    let judgement = trial.judge(observation);
    if judgement.outcome == Outcome::Fail
        && ran.openssl.is_none()
        && let Some(reason) = trial.needs_openssl()
    {
        let text = format!(
            "it did not pass, and which OpenSSL this ATS has loaded could not be found out, so nobody knows whether it \
             should ({reason}): {}",
            judgement.summary
        );
        return Row::sound(not_judged(Outcome::Error, &text));
    }
    let foreseen = known_issues::limitation(trial, ran).filter(|_| judgement.outcome == Outcome::Fail);
    match foreseen {
        Some(issue) if observation.wire_lost > 0 => {
            let text = format!("the capture lost packets: whether it fails as {issue} says cannot be told");
            Row { judgement: not_judged(Outcome::Error, &text), troubled: true }
        }
        _ => Row::sound(judgement),
    }
}

fn not_judged(outcome: Outcome, summary: &str) -> Judgement {
    Judgement { outcome, summary: summary.to_owned(), checks: Vec::new() }
}

/// A single attempt, judged by itself.
pub(super) fn once(job: &Job, gathered: Gathered, number: u32) -> Once {
    let judge = |trial: &&'static Trial| (*trial, judge(trial, job, &gathered).judgement);
    let mut judged: Vec<(&'static Trial, Judgement)> = job.trials.iter().map(judge).collect();
    weigh_controls(&mut judged);
    let transcript = gathered.transcript();
    let all = Attempts(vec![Attempt { asked: None, gathered }]);
    let raws = judged.iter().flat_map(|(trial, row)| all.raw(trial.id, row.outcome != Outcome::Pass));
    let evidence = raws.map(|raw| Raw { attempt: number, ..raw }).collect();
    let gathered = all.0.into_iter().map(|attempt| attempt.gathered).next().unwrap_or_default();
    Once {
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

/// Trials to run once more after `attempts`: those that did not pass, those that passed although a known issue limits
/// them, and the controls beside them.
pub(super) fn to_repeat(job: &Job, attempts: &[Attempt], plans: &[TrialPlan]) -> Vec<TrialPlan> {
    let wanted = |trial: &Trial| {
        let rows: Vec<Row> = attempts.iter().filter_map(|attempt| attempt.row(trial, job)).collect();
        let known = attempts.first().and_then(|attempt| known_issues::limitation(trial, &attempt.gathered.provenance));
        open(&rows, known.is_some())
    };
    let doubtful: Vec<&str> = job.trials.iter().filter(|trial| wanted(trial)).map(|trial| trial.id).collect();
    // Where evidence was tampered with, another attempt would prove nothing.
    if doubtful.is_empty() || tampered(attempts).is_some() {
        return Vec::new();
    }
    let again = job.trials.iter().filter(|trial| doubtful.contains(&trial.id) || trial.is_control());
    let ids: Vec<&str> = again.map(|trial| trial.id).collect();
    plans.iter().filter(|plan| ids.contains(&plan.id.as_str())).cloned().collect()
}

/// That somebody but the agents testified in one of `attempts`: then none of them counts.
fn tampered(attempts: &[Attempt]) -> Option<&str> {
    attempts.iter().find_map(|attempt| attempt.gathered.tampered.as_deref())
}

/// Whether a trial that was judged so is to run again. What did not pass is repeated once. A failure that stands
/// alone, since the other attempt was in trouble, has one attempt more to be seen twice.
fn open(rows: &[Row], limited: bool) -> bool {
    let sound: Vec<&Row> = rows.iter().filter(|row| !row.troubled).collect();
    match (sound.as_slice(), rows.len()) {
        ([], tries) => tries < 2,
        ([only], 1) => {
            only.to_be_confirmed(limited) || matches!(only.judgement.outcome, Outcome::Error | Outcome::Skipped)
        }
        ([only], 2) => only.to_be_confirmed(limited),
        _ => false,
    }
}

/// What the attempts at a trial come to. One in trouble counts only where there is no other.
fn settle(rows: Vec<Row>) -> Judgement {
    let any_sound = rows.iter().any(|row| !row.troubled);
    let mut rows: Vec<Judgement> =
        rows.into_iter().filter(|row| !any_sound || !row.troubled).map(|row| row.judgement).collect();
    // A trial that was never reached is judged by its repetition as if that were the first.
    if rows.iter().any(|row| row.outcome != Outcome::Skipped) {
        rows.retain(|row| row.outcome != Outcome::Skipped);
    }
    let alone = rows.len() == 1;
    let mut rows = rows.into_iter();
    let Some(mut told) = rows.next() else { return not_judged(Outcome::Skipped, "not reached") };
    if alone {
        told.outcome = verdict::settle(told.outcome, None);
    }
    for again in rows {
        let settled = match (told.outcome, again.outcome) {
            (Outcome::Pass, Outcome::Fail) => Outcome::Flaky,
            (first, again) => verdict::settle(first, Some(again)),
        };
        let telling = if settled == again.outcome { again } else { told };
        told = Judgement { outcome: settled, ..telling };
    }
    told
}

/// Weighs all attempts.
pub(super) fn conclude(job: &Job, attempts: Vec<Attempt>, progress: &dyn Progress) -> CellRun {
    let mut rows: Vec<(&'static Trial, Judgement)> = Vec::new();
    let mut troubled = Vec::new();
    for trial in &job.trials {
        let judged: Vec<Row> = attempts.iter().filter_map(|attempt| attempt.row(trial, job)).collect();
        troubled.extend(judged.iter().all(|row| row.troubled).then_some(trial.id));
        let forged = tampered(&attempts).map(|text| not_judged(Outcome::Error, text));
        rows.push((trial, forged.unwrap_or_else(|| settle(judged))));
    }
    weigh_controls(&mut rows);
    let all = Attempts(attempts);
    // What ends the cell's own container may be ATS.
    let by_itself = all.all().flat_map(|gathered| &gathered.troubles).any(Trouble::may_be_of_ats);
    let told = all.all().map(|gathered| &gathered.provenance).find(|told| **told != Provenance::default());
    let client_hello = all.all().find_map(|gathered| trials::hello_size(gathered.trials.get(trials::SIZED_BY)?));
    let provenance = Provenance { client_hello, ..told.cloned().unwrap_or_default() };
    let mut run = result(job, &rows, &all, provenance, progress);
    let lost = |trial: &&TrialResult| !verdict::is_answer(trial.outcome);
    let unanswered: Vec<&str> = run.trials.iter().filter(lost).map(|trial| trial.id.as_str()).collect();
    run.ours = run.verdict == Verdict::Error
        && other_version(&job.version, &run.provenance).is_none()
        && other_distro(&job.id.distro, job.os.as_ref(), &run.provenance).is_none()
        && tampered(&all.0).is_none()
        && !by_itself
        && !unanswered.is_empty()
        && unanswered.iter().all(|id| troubled.contains(id));
    run
}

/// All attempts, in order.
struct Attempts(Vec<Attempt>);

impl Attempts {
    /// The evidence that goes with a trial's outcome: of a flaky trial the attempt that failed, else the last that
    /// tells of it and was in no trouble.
    fn observation(&self, job: &Job, trial: &Trial, outcome: Outcome) -> Option<&Observation> {
        let seen = |attempt: &'_ Attempt| -> Option<(Outcome, bool)> {
            attempt.gathered.trials.get(trial.id)?;
            attempt.row(trial, job).map(|row| (row.judgement.outcome, row.troubled))
        };
        let of = |attempt: &'_ Attempt| -> bool { seen(attempt).is_some() };
        let with = |wanted| self.0.iter().find(move |attempt| seen(attempt).is_some_and(|(it, _)| it == wanted));
        let sound = || self.0.iter().rfind(|attempt| seen(attempt).is_some_and(|(_, troubled)| !troubled));
        let last = || self.0.iter().rfind(|attempt| of(attempt));
        let first = match outcome {
            Outcome::Flaky => with(Outcome::Fail),
            Outcome::Pass => with(Outcome::Pass),
            _ => None,
        };
        first.or_else(sound).or_else(last).and_then(|attempt| attempt.gathered.trials.get(trial.id))
    }

    /// What the first attempt saw of a trial that failed in it.
    fn first_failure(&self, job: &Job, trial: &Trial) -> Option<&Observation> {
        let failed =
            |attempt: &&Attempt| attempt.row(trial, job).is_some_and(|row| row.judgement.outcome == Outcome::Fail);
        self.0.iter().find(failed).and_then(|attempt| attempt.gathered.trials.get(trial.id))
    }

    fn all(&self) -> impl Iterator<Item = &Gathered> {
        self.0.iter().map(|attempt| &attempt.gathered)
    }

    /// What all attempts saw of a trial; its packets too when `packets`.
    fn raw(&self, trial: &str, packets: bool) -> Vec<Raw> {
        let mut found = Vec::new();
        for (attempt, gathered) in (1..).zip(self.all()) {
            let Some(observation) = gathered.trials.get(trial) else { continue };
            let text = gathered.pcaps.get(trial).filter(|text| packets && !text.is_empty());
            let pcapng = text.and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            found.push(Raw { trial: trial.to_owned(), attempt, observation: observation.clone(), pcapng });
        }
        found
    }
}

fn result(
    job: &Job,
    rows: &[(&'static Trial, Judgement)],
    all: &Attempts,
    provenance: Provenance,
    progress: &dyn Progress,
) -> CellRun {
    let nothing = Observation::default();
    let seen = |trial: &Trial, outcome| all.observation(job, trial, outcome).unwrap_or(&nothing);
    let logs: Vec<LogLine> = all.all().flat_map(|gathered| &gathered.logs).cloned().collect();
    let known_issues = diagnosed(rows, &provenance, &logs, seen);
    let first = |trial: &Trial, outcome| all.first_failure(job, trial).unwrap_or_else(|| seen(trial, outcome));
    let attempts = [diagnosed(rows, &provenance, &logs, first), known_issues.clone()];
    let mut run = CellRun {
        verdict: Verdict::Error,
        reason: None,
        trials: Vec::new(),
        known_issues,
        provenance,
        evidence: Vec::new(),
        transcript: all.all().flat_map(Gathered::transcript).collect(),
        ours: false,
    };
    for (trial, row) in rows {
        let (outcome, limitation) = limits::weigh(trial, row.outcome, &run.provenance, &attempts);
        progress.judged(trial.id, outcome);
        let observation = seen(trial, row.outcome);
        let shown = matches!(outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error);
        run.evidence.extend(all.raw(trial.id, shown));
        run.trials.push(TrialResult {
            id: trial.id.to_owned(),
            outcome,
            control: trial.is_control(),
            limitation,
            summary: crate::ats::log::normalise(&row.summary),
            evidence: if shown { evidence::lines(observation) } else { Vec::new() },
        });
    }
    run.verdict = verdict::of_trials(&run.trials);
    check_declared(job, &mut run);
    if let Some(text) = tampered(&all.0) {
        (run.verdict, run.reason) = (Verdict::Error, Some(crate::ats::log::normalise(text)));
    }
    if run.verdict == Verdict::Error && run.reason.is_none() {
        let faults = all.all().flat_map(|gathered| &gathered.faults).map(|(_, text)| text);
        // What is gone for good comes first: that it did not answer either is no other news.
        let troubles = || all.all().flat_map(|gathered| &gathered.troubles);
        let (gone, past) = (troubles().filter(|it| it.to_us.is_none()), troubles().filter(|it| it.to_us.is_some()));
        let told = gone.chain(past).map(|trouble| &trouble.text).chain(faults);
        run.reason = told.into_iter().next().map(|text| crate::ats::log::normalise(text));
    }
    run
}

/// Known issues by what is `seen` of each trial.
fn diagnosed<'a>(
    rows: &[(&'static Trial, Judgement)],
    provenance: &Provenance,
    logs: &[LogLine],
    seen: impl Fn(&Trial, Outcome) -> &'a Observation,
) -> Vec<IssueMatch> {
    let case = |(trial, row): &(&'static Trial, Judgement)| TrialEvidence {
        trial: trial.id,
        kind: trial.kind,
        outcome: row.outcome,
        observation: seen(trial, row.outcome),
    };
    let cases: Vec<TrialEvidence<'a>> = rows.iter().map(case).collect();
    known_issues::diagnose(&Evidence { cases: &cases, provenance, logs })
}

/// A distro or a version that differs from the declared one makes the cell an error: the table would speak of another
/// distro than its row says, or of another ATS than its column.
fn check_declared(job: &Job, run: &mut CellRun) {
    let distro = || other_distro(&job.id.distro, job.os.as_ref(), &run.provenance);
    if let Some(text) = distro().or_else(|| other_version(&job.declared, &run.provenance)) {
        run.verdict = Verdict::Error;
        run.reason = Some(text);
    }
}

/// What to say when ATS reports another version than `declared`, which may be a range.
pub(super) fn other_version(declared: &str, provenance: &Provenance) -> Option<String> {
    let reported = &provenance.ats.as_ref()?.reported;
    let within = match (declared.parse::<VersionRange>(), reported.parse()) {
        (Ok(range), Ok(version)) => range.contains(&version),
        _ => reported == declared,
    };
    (!within).then(|| {
        format!(
            "matrix.yaml declares ATS {declared}, `traffic_server -V` reports {reported}: correct `version`, or add \
             `reports: \"{reported}\"` to the source if that is meant"
        )
    })
}

/// What to say when a cell of `row` ran on another distro than `os`. Of a cell that told nothing of itself nobody knows.
pub(super) fn other_distro(row: &DistroId, os: Option<&Os>, provenance: &Provenance) -> Option<String> {
    let os = os?;
    let told = match &provenance.distro {
        Some(release) if os.fits(release) => return None,
        Some(Release { id, version, codename, .. }) => {
            let words: Vec<&str> = [id, version, codename].into_iter().map(String::as_str).collect();
            format!("says {}", one_line(&words.join(" "), 120))
        }
        None if *provenance == Provenance::default() => return None,
        None => "is not there".to_owned(),
    };
    Some(format!(
        "the row {row} is {os}, and /etc/os-release of what ran {told}: rebuild the image on the base of that row, give \
         each row an image of its own (`on: [{row}]`), or correct `os`, `image` or `bootstrap` of the row"
    ))
}

#[cfg(test)]
mod tests;
