//! What is committed: results/matrix.json. Deterministic: no times, no addresses, no run ids.

use serde::{Deserialize, Serialize};

use super::id::{AtsId, CellId, DistroId};
use super::outcome::{Outcome, Verdict};
use super::provenance::Provenance;

/// Version of the shape of matrix.json. Rises with every change that an older reader would
/// misunderstand.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole of results/matrix.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixResult {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema: u32,
    /// SHA-256 of the matrix.yaml that was run, hex: tells whether it has changed since.
    pub matrix: String,
    /// Rows, in the order of matrix.yaml.
    pub distros: Vec<DistroId>,
    /// Columns, in the order of matrix.yaml.
    pub ats: Vec<AtsId>,
    /// One entry a cell, sorted by row and column.
    pub cells: Vec<CellResult>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellResult {
    /// `debian-13/9.2.5`.
    pub id: CellId,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, where the trials do not say it: why unavailable, the compiler's first error.
    pub reason: Option<String>,
    /// The expectation that matrix.yaml states for this cell, if any.
    pub expected: Option<Expected>,
    /// Whether its unavailability is reported without turning the run red.
    pub optional: bool,
    /// Every trial, in the catalogue's order.
    pub trials: Vec<TrialResult>,
    /// Known issues that the evidence matches.
    pub known_issues: Vec<IssueMatch>,
    /// Exactly what ran.
    pub provenance: Provenance,
}

/// An expectation that applies to a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The verdict that is expected.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Where to read about it.
    pub link: Option<String>,
    /// Globs of the trials that may fail under it; empty: all.
    pub trials: Vec<String>,
}

/// One trial of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Trial id.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether it is a control.
    pub control: bool,
    /// What was seen, in one line without times or addresses.
    pub summary: String,
    /// Evidence of a trial that did not pass: client, origin, wire, log; normalised, one line each.
    pub evidence: Vec<String>,
}

/// A known issue that a cell's evidence matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueMatch {
    /// Id of the known issue, for example `ATS-11465`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Upstream link.
    pub link: String,
    /// First fixed version or build.
    pub fixed_in: String,
    /// What to do.
    pub way_out: String,
    /// `certain`, or `looks like`.
    pub confidence: String,
    /// The trials concerned.
    pub trials: Vec<String>,
}
