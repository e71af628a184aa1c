//! The life of one cell: two containers, one or two attempts, evidence in, verdict out.

mod attempt;
pub(crate) mod evidence;
pub(crate) mod identity;
mod judge;
mod limits;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, Labels};
use crate::model::{
    CellId, Inventory, Observation, Outcome, Provenance, Record, Swap, TrialPlan, TrialResult, Verdict,
};
use crate::trial::{Judgement, Trial};

/// Everything a cell needs to run.
pub struct Job {
    /// Which cell.
    pub id: CellId,
    /// The version `traffic_server -V` must report.
    pub version: String,
    /// Where `traffic_server` is, if the matrix says so.
    pub binary: Option<String>,
    /// Tag of the ATS image with the agent as its last layer.
    pub image: String,
    /// Tag of the origin image.
    pub origin_image: String,
    /// The nginx origin.
    pub nginx: Beside,
    /// Id of the run's internal network.
    pub network: String,
    /// Prefix of container names, unique to the run and the cell.
    pub name: String,
    /// Labels of the run; the cell adds its kind.
    pub labels: Labels,
    /// The trials to run, in the catalogue's order.
    pub trials: Vec<&'static Trial>,
    /// Limits.
    pub limits: Limits,
    /// Settings laid over those of every trial that goes through ATS: a workaround that is tried.
    pub over: Vec<Record>,
    /// Leave the containers of the last attempt for a look.
    pub keep: bool,
    /// What the ATS process takes from another image (bisecting); `None`: it runs as its image is.
    pub swap: Option<Swap>,
    /// Kernel settings of the cell's container.
    pub sysctls: BTreeMap<String, String>,
}

/// An origin container beside the one that every cell has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Beside {
    /// The matrix has none.
    #[default]
    None,
    /// Its image could not be made: why.
    Missing(String),
    /// Tag of its image, with the agent as its last layer.
    Image(String),
}

/// What a cell may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For one attempt of the cell.
    pub cell: Duration,
    /// Upper bound for any trial; a trial may ask for less.
    pub trial: Duration,
    /// Memory of each container, bytes.
    pub memory: u64,
    /// Processes and threads of each container.
    pub pids: u32,
}

/// What a cell came to, with what is not committed.
#[derive(Debug)]
pub struct CellRun {
    /// The verdict by its trials; expectations are weighed elsewhere.
    pub verdict: Verdict,
    /// Why, where the trials do not say it.
    pub reason: Option<String>,
    /// All trials, in the catalogue's order.
    pub trials: Vec<TrialResult>,
    /// Known issues matched.
    pub known_issues: Vec<crate::model::IssueMatch>,
    /// What ran.
    pub provenance: Provenance,
    /// Raw evidence of both attempts.
    pub evidence: Vec<Raw>,
    /// Everything said outside of trials: log lines of ATS, our faults, stderr of the agents.
    pub transcript: Vec<String>,
}

/// Raw evidence of one trial in one attempt.
#[derive(Debug)]
pub struct Raw {
    /// Trial id.
    pub trial: String,
    /// 1, or 2 for the repetition.
    pub attempt: u32,
    /// What was seen.
    pub observation: Observation,
    /// The packets as a pcapng file, of trials that did not pass in the end.
    pub pcapng: Option<Vec<u8>>,
}

/// What a single attempt came to: an experiment of a bisection, which repeats by rules of its own.
#[derive(Debug)]
pub struct Once {
    /// Every trial with its outcome, controls weighed, in the catalogue's order.
    pub judged: Vec<(&'static Trial, Judgement)>,
    /// What was seen, by trial.
    pub seen: BTreeMap<String, Observation>,
    /// What ATS consisted of, if the job asks to swap and ATS came up.
    pub inventory: Option<Inventory>,
    /// What ran.
    pub provenance: Provenance,
    /// Raw evidence of every trial.
    pub evidence: Vec<Raw>,
    /// Everything said outside of trials.
    pub transcript: Vec<String>,
}

/// What a cell tells while it runs.
pub trait Progress: Send + Sync {
    /// A trial begins.
    fn began(&self, trial: &str);
    /// A trial has an outcome.
    fn judged(&self, trial: &str, outcome: Outcome);
}

/// Runs a cell: all trials once, then those that did not pass once more in a fresh ATS, with the
/// direct controls beside them.
pub async fn run(engine: &Arc<dyn Engine>, job: &Job, progress: &dyn Progress, stop: &CancellationToken) -> CellRun {
    let plans = judge::plans(job);
    let first = attempt::run(engine, job, &plans, 1, progress, stop).await;
    let judged = judge::first(job, &first);
    let again: Vec<TrialPlan> = judge::to_repeat(&first, &judged, &plans);
    let second = if again.is_empty() || stop.is_cancelled() {
        None
    } else {
        Some(attempt::run(engine, job, &again, 2, progress, stop).await)
    };
    judge::conclude(job, first, judged, second, progress)
}

/// Runs a cell's trials once; `number` tells its attempts apart.
pub async fn once(
    engine: &Arc<dyn Engine>,
    job: &Job,
    number: u32,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> Once {
    let plans = judge::plans(job);
    let gathered = attempt::run(engine, job, &plans, number, progress, stop).await;
    judge::once(job, gathered, number)
}

/// What to say when the ATS of a cell reports another version than `declared`; `None`: it is that one, or did not
/// say.
pub fn other_version(declared: &str, provenance: &Provenance) -> Option<String> {
    judge::other_version(declared, provenance)
}

/// The evidence of a trial in a few lines without times or addresses.
pub fn lines(observation: &Observation) -> Vec<String> {
    evidence::lines(observation)
}
