//! Optional input of a report besides the committed result: what trials are for, raw evidence of a run, history. Data
//! only; `cli::report` gathers it from files and git.

use std::collections::BTreeMap;

use crate::model::{Bisection, CellId, RunEvidence, Verdict};
use crate::words::outline::TextOutline;

/// Everything besides the result. If it is empty, a report has the same bytes on every machine.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// What trials are for, by id.
    pub trials: BTreeMap<String, About>,
    /// Raw evidence by cell. It has times and addresses.
    pub evidence: BTreeMap<CellId, RunEvidence>,
    /// Kept bisections, of any cells.
    pub bisections: Vec<Bisection>,
    /// Earlier results; `None` if they were not read.
    pub past: Option<Past>,
    /// Whether earlier results could not be read.
    pub no_past: bool,
    /// How the behaviour of a cell differs from that of the same ATS on the release before.
    pub behaviour: BTreeMap<CellId, TextOutline>,
}

/// What a trial is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it shows, in one line.
    pub title: String,
    /// Why it exists.
    pub why: String,
    /// Where to read more.
    pub link: String,
    /// Whether the client connects to the origin without ATS.
    pub direct: bool,
}

/// Earlier results, as committed.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The revisions that changed the results, oldest first.
    pub revisions: Vec<Moment>,
    /// The history of each cell.
    pub cells: BTreeMap<CellId, CellPast>,
    /// Whether there may be earlier revisions.
    pub cut: bool,
}

/// A revision of the results. Its texts are hostile until escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// Its full commit id.
    pub commit: String,
    /// Its day, as `2026-11-23`.
    pub day: String,
    /// The first line of its message.
    pub subject: String,
}

/// The history of a cell.
#[derive(Debug, Clone, Default)]
pub struct CellPast {
    /// One entry per revision; `None` if the cell was absent or unreadable.
    pub verdicts: Vec<Option<Verdict>>,
    /// Since when it has its verdict, what changed then, and earlier changes.
    pub words: TextOutline,
}
