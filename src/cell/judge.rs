//! From the evidence of one or two attempts to the result of a cell. Pure.

use base64::Engine as _;

use super::evidence::{self, Gathered};
use super::limits;
use super::{Beside, CellRun, Job, Once, Progress, Raw};
use crate::ats::{Dialect, config};
use crate::diagnosis::{self, Case, Evidence};
use crate::model::{
    IssueMatch, LogLine, Observation, Outcome, Place, Provenance, Record, Route, TrialPlan, TrialResult, TrialSpec,
    Verdict,
};
use crate::trial::{Judgement, Kind, Trial};
use crate::verdict;

/// The first origin port. Ports go by the catalogue's order, so a trial has the same port in every
/// cell and attempt.
const FIRST_PORT: u16 = 20_000;

/// The plans of the job's trials, in order, without those that its ATS cannot do, with the job's own
/// settings laid over those of the trials.
pub(super) fn plans(job: &Job) -> Vec<TrialPlan> {
    let longest = u64::try_from(job.limits.trial.as_millis()).unwrap_or(u64::MAX);
    let ports = FIRST_PORT..;
    let numbered = crate::trial::CATALOGUE.iter().zip(ports);
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
    if let Some(reason) = trial.unsupported(Some(&job.version), openssl) {
        return Some(reason.to_owned());
    }
    let spec = (trial.spec)();
    if spec.place == Place::Nginx && job.nginx == Beside::None {
        return Some("matrix.yaml has no `nginx` among its `origins`".to_owned());
    }
    let dialect = Dialect::of(&job.version.parse().ok()?)?;
    config::check(dialect, &spec.records).err().map(|unsupported| unsupported.to_string())
}

/// Why the trial's origin cannot be there, although the matrix has it.
fn without_origin<'a>(trial: &Trial, job: &'a Job) -> Option<&'a str> {
    match &job.nginx {
        Beside::Missing(reason) if (trial.spec)().place == Place::Nginx => Some(reason),
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

/// How the first attempt was judged, trial by trial.
pub(super) fn first(job: &Job, gathered: &Gathered) -> Vec<(&'static Trial, Judgement)> {
    job.trials.iter().map(|trial| (*trial, judge(trial, job, gathered))).collect()
}

/// Judges one trial of one attempt.
fn judge(trial: &Trial, job: &Job, gathered: &Gathered) -> Judgement {
    let openssl = gathered.provenance.openssl.as_ref().map(|library| library.version.as_str());
    if let Some(reason) = unsupported(trial, job, openssl) {
        return not_judged(Outcome::Unsupported, &reason);
    }
    if let Some(reason) = without_origin(trial, job) {
        return not_judged(Outcome::Error, &format!("no nginx origin: {reason}"));
    }
    // A fault of the whole cell takes nothing from a trial of which all is known.
    let concerns =
        |of: &Option<String>| of.as_deref().map_or_else(|| !gathered.complete(trial.id), |of| of == trial.id);
    let fault = gathered.faults.iter().find(|(of, _)| concerns(of));
    let observation = gathered.trials.get(trial.id);
    match (observation.filter(|observation| observation.client.is_some()), fault) {
        // Evidence may be cut short by a fault; what there is of it cannot be trusted as a whole.
        (_, Some((_, text))) => not_judged(Outcome::Error, text),
        (None, None) => not_judged(Outcome::Skipped, "not reached"),
        (Some(observation), None) => trial.judge(observation),
    }
}

fn not_judged(outcome: Outcome, summary: &str) -> Judgement {
    Judgement { outcome, summary: summary.to_owned(), checks: Vec::new() }
}

/// A single attempt, judged by itself.
pub(super) fn once(job: &Job, gathered: Gathered, number: u32) -> Once {
    let mut judged = first(job, &gathered);
    let mut outcomes: Vec<(Kind, Outcome)> = judged.iter().map(|(trial, row)| (trial.kind, row.outcome)).collect();
    verdict::weigh_controls(&mut outcomes);
    for ((_, row), (_, outcome)) in judged.iter_mut().zip(outcomes) {
        row.outcome = outcome;
    }
    let transcript = gathered.transcript();
    let both = Both { first: gathered, second: None };
    let raws = judged.iter().flat_map(|(trial, row)| both.raw(trial.id, row.outcome != Outcome::Pass));
    let evidence = raws.map(|raw| Raw { attempt: number, ..raw }).collect();
    let gathered = both.first;
    Once {
        judged,
        seen: gathered.trials,
        inventory: gathered.inventory,
        provenance: gathered.provenance,
        evidence,
        transcript,
    }
}

/// Trials to run once more: those that did not pass, those that passed although a known issue limits them, and the
/// controls beside them.
pub(super) fn to_repeat(
    first: &Gathered,
    judged: &[(&'static Trial, Judgement)],
    plans: &[TrialPlan],
) -> Vec<TrialPlan> {
    let doubtful = |(trial, judgement): &(&'static Trial, Judgement)| match judgement.outcome {
        Outcome::Fail | Outcome::Error | Outcome::Skipped => true,
        // It contradicts what is known of this ATS.
        Outcome::Pass => diagnosis::limitation(trial, &first.provenance).is_some(),
        Outcome::Limitation | Outcome::Flaky | Outcome::Unsupported => false,
    };
    if !judged.iter().any(doubtful) {
        return Vec::new();
    }
    let again = judged.iter().filter(|row| doubtful(row) || row.0.is_control());
    let ids: Vec<&str> = again.map(|(trial, _)| trial.id).collect();
    plans.iter().filter(|plan| ids.contains(&plan.id.as_str())).cloned().collect()
}

/// Weighs both attempts.
pub(super) fn conclude(
    job: &Job,
    first: Gathered,
    judged: Vec<(&'static Trial, Judgement)>,
    second: Option<Gathered>,
    progress: &dyn Progress,
) -> CellRun {
    let mut rows: Vec<(&'static Trial, Judgement)> = Vec::new();
    for (trial, judgement) in judged {
        let again =
            second.as_ref().filter(|gathered| gathered.asked(trial.id)).map(|gathered| judge(trial, job, gathered));
        // A trial that was never reached is judged by its repetition as if that were the first.
        let settled = match (judgement.outcome, &again) {
            (Outcome::Pass, Some(again)) if again.outcome == Outcome::Fail => Outcome::Flaky,
            (Outcome::Skipped, Some(again)) => again.outcome,
            (outcome, again) => verdict::settle(outcome, again.as_ref().map(|again| again.outcome)),
        };
        let telling = match again {
            Some(again) if settled == again.outcome => again,
            _ => judgement,
        };
        rows.push((trial, Judgement { outcome: settled, ..telling }));
    }
    let mut outcomes: Vec<(Kind, Outcome)> = rows.iter().map(|(trial, row)| (trial.kind, row.outcome)).collect();
    verdict::weigh_controls(&mut outcomes);
    for ((_, row), (_, outcome)) in rows.iter_mut().zip(outcomes) {
        row.outcome = outcome;
    }
    let provenance = if first.provenance == Provenance::default() {
        second.as_ref().map(|gathered| gathered.provenance.clone()).unwrap_or_default()
    } else {
        first.provenance.clone()
    };
    let whole = Both { first, second };
    result(job, &rows, &whole, provenance, progress)
}

/// Both attempts; the repetition's evidence of a trial takes precedence.
struct Both {
    first: Gathered,
    second: Option<Gathered>,
}

impl Both {
    /// The evidence that goes with a trial's outcome: of a flaky trial the attempt that failed.
    fn observation(&self, trial: &Trial, outcome: Outcome) -> Option<&Observation> {
        let first = self.first.trials.get(trial.id);
        let second = self.second.as_ref().and_then(|gathered| gathered.trials.get(trial.id));
        match outcome {
            Outcome::Flaky if self.first_failure(trial).is_some() => first,
            Outcome::Pass => first.filter(|seen| trial.judge(seen).outcome == Outcome::Pass).or(second),
            _ => second.or(first),
        }
    }

    /// What the first attempt saw of a trial that failed in it.
    fn first_failure(&self, trial: &Trial) -> Option<&Observation> {
        self.first.trials.get(trial.id).filter(|seen| trial.judge(seen).outcome == Outcome::Fail)
    }

    fn all(&self) -> impl Iterator<Item = &Gathered> {
        std::iter::once(&self.first).chain(self.second.as_ref())
    }

    /// What both attempts saw of a trial; its packets too when `packets`.
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
    both: &Both,
    provenance: Provenance,
    progress: &dyn Progress,
) -> CellRun {
    let nothing = Observation::default();
    let seen = |trial: &Trial, outcome| both.observation(trial, outcome).unwrap_or(&nothing);
    let logs: Vec<LogLine> = both.all().flat_map(|gathered| &gathered.logs).cloned().collect();
    let known_issues = diagnosed(rows, &provenance, &logs, seen);
    let first = |trial: &Trial, outcome| both.first_failure(trial).unwrap_or_else(|| seen(trial, outcome));
    let attempts = [diagnosed(rows, &provenance, &logs, first), known_issues.clone()];
    let mut run = CellRun {
        verdict: Verdict::Error,
        reason: None,
        trials: Vec::new(),
        known_issues,
        provenance,
        evidence: Vec::new(),
        transcript: both.all().flat_map(Gathered::transcript).collect(),
    };
    for (trial, row) in rows {
        let (outcome, limitation) = limits::weigh(trial, row.outcome, &run.provenance, &attempts);
        progress.judged(trial.id, outcome);
        let observation = seen(trial, row.outcome);
        let shown = matches!(outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error);
        run.evidence.extend(both.raw(trial.id, shown));
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
    check_version(job, &mut run);
    if run.verdict == Verdict::Error && run.reason.is_none() {
        let faults = both.all().flat_map(|gathered| &gathered.faults);
        run.reason = faults.map(|(_, text)| crate::ats::log::normalise(text)).next();
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
    let case = |(trial, row): &(&'static Trial, Judgement)| Case {
        trial: trial.id,
        kind: trial.kind,
        outcome: row.outcome,
        observation: seen(trial, row.outcome),
    };
    let cases: Vec<Case<'a>> = rows.iter().map(case).collect();
    diagnosis::diagnose(&Evidence { cases: &cases, provenance, logs })
}

/// A declared version that differs from the reported one makes the cell an error: the table would
/// speak of another ATS than its column says.
fn check_version(job: &Job, run: &mut CellRun) {
    if let Some(text) = other_version(&job.version, &run.provenance) {
        run.verdict = Verdict::Error;
        run.reason = Some(text);
    }
}

/// What to say when ATS reports another version than `declared`.
pub(super) fn other_version(declared: &str, provenance: &Provenance) -> Option<String> {
    let reported = &provenance.ats.as_ref()?.reported;
    (reported != declared).then(|| {
        format!(
            "matrix.yaml declares ATS {declared}, `traffic_server -V` reports {reported}: correct `version`, or add \
             `reports: \"{reported}\"` to the source if that is meant"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::evidence::Agent;
    use super::*;
    use crate::model::Line;

    fn record(name: &str, value: &str) -> Record {
        Record { name: name.into(), kind: "INT".into(), value: value.into() }
    }

    #[test]
    fn what_asks_for_nginx_is_unsupported_without_it_and_in_error_where_it_could_not_be_made() {
        let trial = crate::trial::by_id("nginx-get").unwrap();
        let with = |nginx| Job { nginx, ..job(trial) };
        let outcome = |nginx| {
            let job = with(nginx);
            assert_eq!(plans(&job).is_empty(), !matches!(job.nginx, Beside::Image(_)));
            let (_, judgement) = first(&job, &Gathered::default()).remove(0);
            (judgement.outcome, judgement.summary)
        };
        assert_eq!(outcome(Beside::None).0, Outcome::Unsupported);
        let (outcome_of_missing, summary) = outcome(Beside::Missing("no mirror".into()));
        assert_eq!((outcome_of_missing, summary.as_str()), (Outcome::Error, "no nginx origin: no mirror"));
        assert_eq!(outcome(Beside::Image("x".into())).0, Outcome::Skipped);
    }

    #[test]
    fn a_workaround_wins_over_a_trials_own_setting_and_leaves_direct_controls_alone() {
        let trial = crate::trial::CATALOGUE.iter().find(|trial| (trial.spec)().route == Route::Ats).unwrap();
        let mut spec = (trial.spec)();
        spec.records = vec![record("a", "1"), record("b", "1")];
        lay_over(&mut spec, &[record("b", "2"), record("c", "2")]);
        assert_eq!(spec.records, [record("a", "1"), record("b", "2"), record("c", "2")]);

        let direct = crate::trial::CATALOGUE.iter().find(|trial| (trial.spec)().route != Route::Ats).unwrap();
        let mut spec = (direct.spec)();
        lay_over(&mut spec, &[record("c", "2")]);
        assert_eq!(spec, (direct.spec)());
    }

    fn job(trial: &'static Trial) -> Job {
        Job {
            id: "d/a".parse().unwrap(),
            version: "9.2.9".into(),
            binary: None,
            image: String::new(),
            origin_image: String::new(),
            nginx: Beside::None,
            network: String::new(),
            name: String::new(),
            labels: crate::engine::Labels::new(),
            trials: vec![trial],
            limits: crate::cell::Limits {
                cell: std::time::Duration::ZERO,
                trial: std::time::Duration::ZERO,
                memory: 0,
                pids: 0,
            },
            over: Vec::new(),
            keep: false,
            swap: None,
            sysctls: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_fault_of_the_cell_takes_nothing_from_what_is_known_whole() {
        let trial = crate::trial::by_id("ctl-unmapped").unwrap();
        let mut gathered = Gathered::default();
        let exchange = crate::model::Exchange { status: Some(404), ..Default::default() };
        let run = crate::model::ClientRun { exchanges: vec![exchange], load: None };
        let agents = [Agent::Cell, Agent::Origin];
        for agent in agents {
            gathered.started(agent);
        }
        let client = Line::Client { trial: trial.id.into(), run, ats: crate::model::AtsLife::Alive };
        gathered.add(Agent::Cell, client);
        for agent in agents {
            gathered.add(agent, Line::End);
        }
        gathered.add(Agent::Cell, Line::Fault { trial: None, text: "no traffic_server".into() });
        let outcome = |gathered: &Gathered| judge(trial, &job(trial), gathered).outcome;
        assert_eq!(outcome(&gathered), Outcome::Error, "its packets are not known");
        let wire = Line::Wire { trial: trial.id.into(), flows: Vec::new(), pcapng: String::new(), lost: 0 };
        gathered.add(Agent::Cell, wire);
        assert_eq!(outcome(&gathered), Outcome::Pass);
        gathered.started(Agent::Nginx);
        assert_eq!(outcome(&gathered), Outcome::Error, "an agent that was started has not said all");
        gathered.add(Agent::Nginx, Line::End);
        assert_eq!(outcome(&gathered), Outcome::Pass);
        gathered.add(Agent::Cell, Line::Fault { trial: Some(trial.id.into()), text: "late".into() });
        assert_eq!(outcome(&gathered), Outcome::Error);
    }
}
