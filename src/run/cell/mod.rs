//! The life of one cell: two containers, one or two attempts, evidence in, verdict out.

mod attempt;
pub(crate) mod evidence;
pub(crate) mod identity;
mod judge;
mod limits;
mod neighbours;
mod trouble;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalogue::trials::{Judgement, Trial};
use crate::engine::patience::{MAX_OUTAGES, Patience};
use crate::engine::{Engine, Labels, with_timeout};
use crate::model::{
    CellId, DistroId, Inventory, Observation, Os, Outcome, Place, Provenance, Record, Swap, TrialPlan, TrialResult,
    Verdict,
};
use evidence::Gathered;
use judge::Attempt;
pub use neighbours::Neighbours;

/// Everything a cell needs to run.
pub struct Job {
    /// Which cell.
    pub id: CellId,
    /// The version that its ATS is taken for.
    pub version: String,
    /// What `/etc/os-release` must say; `None`: nobody says.
    pub os: Option<Os>,
    /// What `traffic_server -V` must report: a version, or a range of versions.
    pub declared: String,
    /// Where `traffic_server` is, if the matrix says so.
    pub binary: Option<String>,
    /// Tag of the ATS image with the agent as its last layer.
    pub image: String,
    /// Tag of the origin image.
    pub origin_image: String,
    /// The origins that are containers of their own; one that is not there the matrix has not.
    pub beside: BTreeMap<Place, Beside>,
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
    /// Leave the containers of the last attempt for inspection.
    pub keep: bool,
    /// What the ATS process takes from another image (bisecting); `None`: it runs as its image is.
    pub swap: Option<Swap>,
    /// Kernel settings of the cell's container.
    pub sysctls: BTreeMap<String, String>,
    /// Waits for an engine that is away; shared by all cells of a run.
    pub patience: Arc<Patience>,
    /// Names who connects where it does not belong; shared by all cells of a run.
    pub neighbours: Arc<Neighbours>,
}

/// An origin container beside the one that every cell has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
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
    /// Raw evidence of all attempts.
    pub evidence: Vec<Raw>,
    /// Everything said outside of trials: log lines of ATS, our faults, stderr of the agents.
    pub transcript: Vec<String>,
    /// Whether it has no answer for no other reason than that something of ours was seen to break: nothing new is
    /// known of ATS.
    pub ours: bool,
}

/// Raw evidence of one trial in one attempt.
#[derive(Debug)]
pub struct Raw {
    /// Trial id.
    pub trial: String,
    /// From 1; those after the first are repetitions.
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
    /// Something to know of beside trials.
    fn note(&self, text: &str);
}

/// Runs a cell: all trials once, then those that did not pass once more in a fresh ATS, with the
/// direct controls beside them. A failure whose repetition was in trouble is repeated again.
pub async fn run(engine: &Arc<dyn Engine>, job: &Job, progress: &dyn Progress, stop: &CancellationToken) -> CellRun {
    let plans = judge::plans(job);
    let mut tries = Tries { engine, job, progress, stop, number: 0, lost: Vec::new() };
    let mut attempts = vec![Attempt { asked: None, gathered: tries.next(&plans).await }];
    loop {
        let again = judge::to_repeat(job, &attempts, &plans);
        // An engine that does not come back has no more attempts to give.
        let gone = attempts.last().is_some_and(|attempt| attempt.gathered.away);
        if again.is_empty() || gone || stop.is_cancelled() {
            break;
        }
        let gathered = tries.next(&again).await;
        attempts.push(Attempt { asked: Some(again), gathered });
    }
    let mut run = judge::conclude(job, attempts, progress);
    run.transcript.splice(0..0, tries.lost);
    run
}

/// Makes attempts.
struct Tries<'a> {
    engine: &'a Arc<dyn Engine>,
    job: &'a Job,
    progress: &'a dyn Progress,
    stop: &'a CancellationToken,
    /// Tells the containers of one attempt from those of another.
    number: u32,
    /// What was said in attempts that do not count, and of strangers.
    lost: Vec<String>,
}

impl Tries<'_> {
    /// An attempt that counts: those that break since the engine goes away do not, if it comes back.
    async fn next(&mut self, plans: &[TrialPlan]) -> Gathered {
        for away in 1.. {
            self.number += 1;
            let gathered = attempt::run(self.engine, self.job, plans, self.number, self.progress, self.stop).await;
            let troubles: BTreeSet<&str> = gathered.troubles.iter().map(|trouble| trouble.text.as_str()).collect();
            for text in troubles {
                self.progress.note(&format!("{text}: the trials that stood on it say nothing"));
            }
            for (at, peer, trial) in &gathered.strangers {
                let (who, at) = (self.job.neighbours.name(peer), at.name());
                let text = format!("refused at the {at} container, at the port of {trial}: {who}, is not of this cell");
                self.progress.note(&text);
                self.lost.push(text);
            }
            if !gathered.away || away > MAX_OUTAGES {
                return gathered;
            }
            let note = |text: &str| self.progress.note(text);
            if !self.job.patience.wait_until_back(self.engine, &note, self.stop).await {
                return gathered;
            }
            self.lost.extend(gathered.transcript());
            for id in &gathered.left {
                if let Err(error) = with_timeout("remove container", id, self.engine.remove_container(id)).await {
                    self.lost.push(error.to_string());
                }
            }
        }
        unreachable!("attempts that do not count are counted")
    }
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
    // Names of an experiment's containers have its number twice where the engine went away.
    let mut tries = Tries { engine, job, progress, stop, number: number.saturating_mul(10), lost: Vec::new() };
    let gathered = tries.next(&plans).await;
    judge::once(job, gathered, number)
}

/// What to say when the ATS of a cell reports another version than `declared`; `None`: it is that one, or did not
/// say.
pub fn other_version(declared: &str, provenance: &Provenance) -> Option<String> {
    judge::other_version(declared, provenance)
}

/// What to say when a cell of `row` did not run on the distro that its row stands for; `None`: it did, or nobody says.
pub fn other_distro(row: &DistroId, os: Option<&Os>, provenance: &Provenance) -> Option<String> {
    judge::other_distro(row, os, provenance)
}

/// The evidence of a trial in a few lines without times or addresses.
pub fn lines(observation: &Observation) -> Vec<String> {
    evidence::lines(observation)
}

#[cfg(test)]
mod tests;
