//! Events of a run: one stream, which console, journal and reports consume.

use serde::{Deserialize, Serialize};

use super::bisect::Effect;
use super::id::CellId;
use super::outcome::Outcome;
use super::result::CellResult;

/// One event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The run starts.
    Started {
        /// Number of selected cells.
        cells: usize,
        /// The engine, for example `Docker 20.10.24 (API 1.41)`.
        engine: String,
    },
    /// Containers and networks of dead runs were removed.
    Swept {
        /// Number of removed containers.
        containers: usize,
        /// Number of removed networks.
        networks: usize,
    },
    /// Work on an image starts.
    ImageStarted(ImageWork),
    /// A step of that work.
    ImageStep {
        /// The image, [`ImageWork::name`].
        name: String,
        /// The present step, one bounded line.
        step: String,
    },
    /// Work on an image ends.
    ImageFinished {
        /// The image, [`ImageWork::name`].
        name: String,
        /// Why it failed, in one line; `None` if the image is ready.
        error: Option<String>,
        /// Duration, milliseconds.
        ms: u64,
    },
    /// A cell starts.
    CellStarted {
        /// The cell.
        cell: CellId,
        /// Number of trials to run.
        trials: usize,
    },
    /// A trial of a cell starts.
    TrialBegan {
        /// The cell.
        cell: CellId,
        /// Trial id.
        trial: String,
    },
    /// A trial of a cell ends: its first attempt, or its repetition.
    TrialFinished {
        /// The cell.
        cell: CellId,
        /// Trial id.
        trial: String,
        /// The outcome so far.
        outcome: Outcome,
    },
    /// A cell ends. The journal stores this line, so no finished cell is lost.
    CellFinished {
        /// The result.
        result: Box<CellResult>,
        /// Duration, milliseconds.
        ms: u64,
    },
    /// An experiment of a bisection starts.
    ExperimentStarted {
        /// Number of the experiment, from 1.
        number: usize,
        /// Description in one line.
        what: String,
        /// Remaining suspects; empty if not known yet.
        suspects: Vec<String>,
        /// Suspects that are ruled out.
        #[serde(default)]
        ruled_out: Vec<String>,
    },
    /// An experiment ends.
    ExperimentFinished {
        /// Number of the experiment.
        number: usize,
        /// Description in one line.
        what: String,
        /// The outcome.
        result: Effect,
        /// The reason, in one line.
        summary: String,
    },
    /// A note to the user.
    Note(String),
    /// The run ends.
    Finished {
        /// Whether the run was interrupted.
        interrupted: bool,
    },
}

/// An image that is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageWork {
    /// A readable name, for example `debian-12/9.2.5 (build)`.
    pub name: String,
    /// The tag, which contains the digest of all inputs.
    pub tag: String,
}
