//! Runs one cell: starts its containers in one or more attempts, collects the evidence and reaches a verdict.

mod attempt;
mod delivered;
pub(crate) mod evidence;
pub(crate) mod identity;
mod incident;
mod judge;
mod limits;
mod listening;
mod neighbours;
mod parent;
mod strain;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalogue::trials::{Judgement, Trial};
use crate::config::matrix::LocalFiles;
use crate::config::plan::PlannedParent;
use crate::engine::patience::{MAX_OUTAGES, Patience};
use crate::engine::{Engine, Labels, with_timeout};
use crate::model::{
    CellBehaviour, CellId, DistroId, Inventory, Observation, Os, Outcome, Place, Provenance, Record, Swap, TrialPlan,
    TrialResult, Verdict,
};
use evidence::Gathered;
use judge::CellAttempt;
pub use neighbours::Neighbours;

/// Everything that is needed to run a cell.
pub struct Job {
    /// The cell.
    pub id: CellId,
    /// The declared version of its ATS.
    pub version: String,
    /// The operating system that `/etc/os-release` must name; `None` if any is accepted.
    pub os: Option<Os>,
    /// What `traffic_server -V` must report: a version, or a range of versions.
    pub declared: String,
    /// The path of `traffic_server`, if the matrix declares it.
    pub binary: Option<String>,
    /// Whether the image is upgraded in place, so that an ATS that does not start is the upgrade's doing.
    pub upgraded: bool,
    /// Tag of the ATS image with the agent as its last layer.
    pub image: String,
    /// The user's own image without the agent; `None`: the image is not the user's own.
    pub delivered: Option<String>,
    /// Tag of the origin image.
    pub origin_image: String,
    /// The cell whose image it has: its own id, but for a cell with two ATS.
    pub child: CellId,
    /// The parent, in a cell with two ATS.
    pub parent: Option<ParentJob>,
    /// Origins with a container of their own. A place without an entry is not in the matrix.
    pub origins: BTreeMap<Place, OriginImage>,
    /// Id of the run's internal network.
    pub network: String,
    /// Prefix of container names, unique to the run and the cell.
    pub name: String,
    /// Labels of the run; the cell adds its kind.
    pub labels: Labels,
    /// The trials to run, in the catalogue's order.
    pub trials: Vec<&'static Trial>,
    /// The configuration of the user's own under which ATS runs.
    pub config: Option<Arc<LocalFiles>>,
    /// Limits of time, memory and processes.
    pub limits: Limits,
    /// Settings of a workaround, which override those of every trial through ATS.
    pub overrides: Vec<Record>,
    /// Keep the containers of the last attempt for inspection.
    pub keep: bool,
    /// Parts that the ATS process takes from another image, for bisecting.
    pub swap: Option<Swap>,
    /// Kernel settings of the cell's container.
    pub sysctls: BTreeMap<String, String>,
    /// Waits while the engine is away; shared by all cells of a run.
    pub patience: Arc<Patience>,
    /// The addresses of all containers of the run, to name unexpected peers.
    pub neighbours: Arc<Neighbours>,
}

/// The parent in a cell with two ATS.
#[derive(Debug, Clone)]
pub struct ParentJob {
    /// The cell whose image it has.
    pub planned: PlannedParent,
    /// Tag of the image with the agent as its last layer.
    pub image: String,
}

/// The image of an origin with a container of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginImage {
    /// The image could not be made; the reason.
    Missing(String),
    /// The tag of the image, with the agent as its last layer.
    Image(String),
}

/// Limits of a cell.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for one attempt of the cell.
    pub cell: Duration,
    /// Maximum time for any trial; a trial may have a shorter deadline.
    pub trial: Duration,
    /// Memory of each container, bytes.
    pub memory: u64,
    /// Processes and threads of each container.
    pub pids: u32,
}

/// The outcome of a cell, including what is not committed.
#[derive(Debug)]
pub struct CellRun {
    /// The verdict from its trials, without regard to expectations.
    pub verdict: Verdict,
    /// The reason for the verdict, where the trials do not show it.
    pub reason: Option<String>,
    /// All trials, in the catalogue's order.
    pub trials: Vec<TrialResult>,
    /// Known issues that the evidence matches.
    pub known_issues: Vec<crate::model::IssueMatch>,
    /// The software that ran.
    pub provenance: Provenance,
    /// How ATS behaved in the trials that have an answer.
    pub behaviour: CellBehaviour,
    /// Raw evidence of all attempts.
    pub evidence: Vec<RawEvidence>,
    /// Output outside of trials: log lines of ATS, faults of the setup, stderr of the agents.
    pub transcript: Vec<String>,
    /// Whether there is no answer only because the test setup failed: nothing new is known about ATS.
    pub setup_failed: bool,
}

/// Raw evidence of one trial in one attempt.
#[derive(Debug)]
pub struct RawEvidence {
    /// Trial id.
    pub trial: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// What client, origin, wire and logs saw.
    pub observation: Observation,
    /// The packets as a pcapng file, only for trials that did not pass.
    pub pcapng: Option<Vec<u8>>,
}

/// The outcome of a single attempt: an experiment of a bisection, which decides itself what to repeat.
#[derive(Debug)]
pub struct SingleAttempt {
    /// Every trial with its outcome, after weighing the controls, in the catalogue's order.
    pub judged: Vec<(&'static Trial, Judgement)>,
    /// Observations by trial id.
    pub seen: BTreeMap<String, Observation>,
    /// The parts that ATS consisted of, if the job swaps parts and ATS started.
    pub inventory: Option<Inventory>,
    /// The software that ran.
    pub provenance: Provenance,
    /// Raw evidence of every trial.
    pub evidence: Vec<RawEvidence>,
    /// Output outside of trials.
    pub transcript: Vec<String>,
}

/// Receives the progress of a cell.
pub trait Progress: Send + Sync {
    /// A trial started.
    fn trial_started(&self, trial: &str);
    /// A trial has an outcome.
    fn trial_finished(&self, trial: &str, outcome: Outcome);
    /// A note outside of trials.
    fn note(&self, text: &str);
}

/// Discards all progress.
pub struct NoProgress;

impl Progress for NoProgress {
    fn trial_started(&self, _: &str) {}

    fn trial_finished(&self, _: &str, _: Outcome) {}

    fn note(&self, _: &str) {}
}

/// Numbers of attempts that each experiment of a bisection reserves; more than [`MAX_OUTAGES`].
const ATTEMPTS_PER_EXPERIMENT: u32 = 10;

/// Runs a cell: all trials once, then those that did not pass again in a fresh ATS, together with the direct controls. A
/// failure whose repetition was disturbed is repeated again.
pub async fn run(engine: &Arc<dyn Engine>, job: &Job, progress: &dyn Progress, stop: &CancellationToken) -> CellRun {
    let plans = judge::plans(job);
    let mut runner = AttemptRunner { engine, job, progress, stop, number: 0, discarded: Vec::new() };
    let mut attempts = vec![CellAttempt { requested: None, gathered: runner.next(&plans).await }];
    loop {
        let again = judge::to_repeat(job, &attempts, &plans);
        // Without an engine there is no further attempt.
        let gone = attempts.last().is_some_and(|attempt| attempt.gathered.engine_away);
        if again.is_empty() || gone || stop.is_cancelled() {
            break;
        }
        let gathered = runner.next(&again).await;
        attempts.push(CellAttempt { requested: Some(again), gathered });
    }
    let mut run = judge::conclude(job, attempts, progress);
    run.transcript.splice(0..0, runner.discarded);
    run
}

/// Runs attempts at a cell.
struct AttemptRunner<'a> {
    engine: &'a Arc<dyn Engine>,
    job: &'a Job,
    progress: &'a dyn Progress,
    stop: &'a CancellationToken,
    /// Number of the last attempt, part of the names of its containers.
    number: u32,
    /// Transcript of attempts that do not count, and of refused connections.
    discarded: Vec<String>,
}

impl AttemptRunner<'_> {
    /// Runs an attempt. If the engine goes away meanwhile and comes back, the attempt does not count and is run again.
    async fn next(&mut self, plans: &[TrialPlan]) -> Gathered {
        for away in 1.. {
            self.number += 1;
            let gathered = attempt::run(self.engine, self.job, plans, self.number, self.progress, self.stop).await;
            let troubles: BTreeSet<&str> = gathered.incidents.iter().map(|trouble| trouble.text.as_str()).collect();
            for text in troubles {
                self.progress.note(&format!("{text}: the trials that depend on it do not count"));
            }
            for (at, peer, trial) in &gathered.strangers {
                let (who, at) = (self.job.neighbours.describe(peer), at.name());
                let text = format!(
                    "the {at} container refused a connection to the port of {trial}: {who}, is not part of this cell"
                );
                self.progress.note(&text);
                self.discarded.push(text);
            }
            if !gathered.engine_away || away > MAX_OUTAGES {
                return gathered;
            }
            let note = |text: &str| self.progress.note(text);
            if !self.job.patience.wait_until_back(self.engine, &note, self.stop).await {
                return gathered;
            }
            self.discarded.extend(gathered.transcript());
            for id in &gathered.unremoved {
                if let Err(error) = with_timeout("remove container", id, self.engine.remove_container(id)).await {
                    self.discarded.push(error.to_string());
                }
            }
        }
        unreachable!("the number of attempts that do not count is limited")
    }
}

/// Runs the trials of a cell once, as attempt `number`.
pub async fn run_once(
    engine: &Arc<dyn Engine>,
    job: &Job,
    number: u32,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> SingleAttempt {
    let plans = judge::plans(job);
    // Leaves room for the numbers of attempts that are repeated because the engine was away.
    let number_of_first = number.saturating_mul(ATTEMPTS_PER_EXPERIMENT);
    let mut runner = AttemptRunner { engine, job, progress, stop, number: number_of_first, discarded: Vec::new() };
    let gathered = runner.next(&plans).await;
    judge::judge_once(job, gathered, number)
}

/// The error message if ATS reports another version than `declared`; `None` if it is that version, or reported none.
pub fn version_mismatch(declared: &str, provenance: &Provenance) -> Option<String> {
    judge::version_mismatch(declared, provenance)
}

/// The error message if a cell of `row` did not run on `os`; `None` if it did, or if that is unknown.
pub fn distro_mismatch(row: &DistroId, os: Option<&Os>, provenance: &Provenance) -> Option<String> {
    judge::distro_mismatch(row, os, provenance)
}

/// Summarises the evidence of a trial in a few lines without times or addresses.
pub fn evidence_lines(observation: &Observation) -> Vec<String> {
    evidence::summary_lines(observation)
}

#[cfg(test)]
mod tests;
