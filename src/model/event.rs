//! What the runner tells while it works: one stream; console, journal and reports consume it.

use serde::{Deserialize, Serialize};

use super::bisect::Effect;
use super::id::CellId;
use super::outcome::Outcome;
use super::result::CellResult;

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    Started {
        /// Cells selected.
        cells: usize,
        /// The engine, for example `Docker 20.10.24 (API 1.41)`.
        engine: String,
    },
    /// Left-overs of a dead run were removed.
    Swept {
        /// Containers removed.
        containers: usize,
        /// Networks removed.
        networks: usize,
    },
    /// Work on an image begins.
    ImageStarted(ImageWork),
    /// A step of that work.
    ImageStep {
        /// Which image, [`ImageWork::name`].
        name: String,
        /// What it does now, one bounded line.
        step: String,
    },
    /// Work on an image is over.
    ImageFinished {
        /// Which image, [`ImageWork::name`].
        name: String,
        /// `Ok`: it is there; else why not, in one line.
        error: Option<String>,
        /// Milliseconds it took.
        ms: u64,
    },
    /// A cell begins.
    CellStarted {
        /// Which.
        cell: CellId,
        /// Trials to run.
        trials: usize,
    },
    /// A trial of a cell begins.
    TrialBegan {
        /// Which cell.
        cell: CellId,
        /// Trial id.
        trial: String,
    },
    /// A trial of a cell is over (its first attempt, or its repetition).
    TrialFinished {
        /// Which cell.
        cell: CellId,
        /// Trial id.
        trial: String,
        /// Outcome so far.
        outcome: Outcome,
    },
    /// A cell is over. The journal keeps this line, so nothing finished is lost.
    CellFinished {
        /// The result.
        result: Box<CellResult>,
        /// Milliseconds it took.
        ms: u64,
    },
    /// An experiment of a bisection begins.
    ExperimentStarted {
        /// Its number, from 1.
        number: usize,
        /// What is tried, one line.
        what: String,
        /// What is still suspected; empty: nobody knows yet.
        suspects: Vec<String>,
        /// What was suspected and is not any more.
        #[serde(default)]
        ruled_out: Vec<String>,
    },
    /// An experiment is over.
    ExperimentFinished {
        /// Its number.
        number: usize,
        /// What was tried.
        what: String,
        /// What it came to.
        result: Effect,
        /// Why, in one line.
        summary: String,
    },
    /// Something worth a line.
    Note(String),
    /// The run is over.
    Finished {
        /// Whether it was interrupted.
        interrupted: bool,
    },
}

/// One image being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageWork {
    /// A readable name, for example `debian-12/9.2.5 (build)`.
    pub name: String,
    /// The tag, which carries the digest of all inputs.
    pub tag: String,
}
