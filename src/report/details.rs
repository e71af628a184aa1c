//! What a report may tell beside the committed result, where somebody has it: what trials are for,
//! raw evidence of a run, the past. Data only; who gathers it knows files and git.

use std::collections::BTreeMap;

use crate::model::{Bisection, CellId, RunEvidence, Verdict};

use super::outline::Outline;

/// Everything there is beside the result. Empty is fine: a report of the committed result alone has
/// the same bytes on every machine.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// What trials show, by id.
    pub trials: BTreeMap<String, About>,
    /// Raw evidence by cell. It has times and addresses.
    pub evidence: BTreeMap<CellId, RunEvidence>,
    /// Kept bisections, of any cells.
    pub bisections: Vec<Bisection>,
    /// Earlier results; `None`: nobody looked.
    pub past: Option<Past>,
    /// Whether somebody looked for earlier results and could not read them.
    pub no_past: bool,
}

/// What a trial is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it shows, one line.
    pub title: String,
    /// Why it is worth having.
    pub why: String,
    /// Where to read about that.
    pub link: String,
    /// Whether the client goes to the origin without ATS between.
    pub direct: bool,
}

/// Earlier results, as committed.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The revisions that changed the results, oldest first.
    pub revisions: Vec<Moment>,
    /// What became of each cell.
    pub cells: BTreeMap<CellId, CellPast>,
    /// Whether there may be earlier revisions.
    pub cut: bool,
}

/// A revision of the results. Texts are as written: hostile until escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// Its commit id, full.
    pub commit: String,
    /// Its day, as `2026-11-23`.
    pub day: String,
    /// The first line of its message.
    pub subject: String,
}

/// A cell through the revisions.
#[derive(Debug, Clone, Default)]
pub struct CellPast {
    /// One entry a revision; `None`: the cell was not there, or nobody can read it.
    pub verdicts: Vec<Option<Verdict>>,
    /// Since when it is as it is, what changed then, and everything before.
    pub words: Outline,
}
