//! What is committed: results/matrix.json. Deterministic: no times, no addresses, no run ids.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{AtsId, CellId, DistroId};
use super::outcome::{Outcome, Verdict};
use super::provenance::Provenance;

/// Version of the shape of matrix.json. Rises with every change that an older reader would
/// misunderstand. 2: an expectation may expire, and a cell may have several. 3: a trial may be a known limitation, and
/// an expectation may name a known issue.
pub const SCHEMA_VERSION: u32 = 3;

/// The whole of results/matrix.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "results/matrix.json of atsmatrix")]
pub struct MatrixResult {
    /// [`SCHEMA_VERSION`] of the writer.
    #[schemars(range(max = SCHEMA_VERSION))]
    pub schema: u32,
    /// SHA-256 of what the matrix.yaml that was run says (without comments, titles and the like), hex: tells whether
    /// it has changed since. In older files that of its bytes.
    pub matrix: String,
    /// Rows, in the order of matrix.yaml.
    pub distros: Vec<DistroId>,
    /// Columns, in the order of matrix.yaml.
    pub ats: Vec<AtsId>,
    /// One entry a cell, sorted by row and column.
    pub cells: Vec<CellResult>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// The verdict that is expected.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Where to read about it.
    pub link: Option<String>,
    /// Globs of the trials that may fail under it; empty: all. One that is named in full must fail.
    pub trials: Vec<String>,
    /// The known issue that it is about: it excuses what is recognised as that with certainty, and nothing else. With the
    /// verdict pass: the known limitation that does not show here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The last day on which it is accepted, as matrix.yaml says. Never a day of a run: whoever judges
    /// compares it with their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub expires: Option<Date>,
    /// What else matrix.yaml expects of the cell, in its order; these have none themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Expected>,
}

impl CellResult {
    /// Everything that matrix.yaml expects of the cell, in its order.
    pub fn expectations(&self) -> impl Iterator<Item = &Expected> {
        self.expected.iter().flat_map(|first| std::iter::once(first).chain(&first.also))
    }
}

impl Expected {
    /// What is expected, in words: `fail`, `fail by ATS-11465`, `pass without ATS-11758`.
    pub fn what(&self) -> String {
        match (&self.issue, self.verdict) {
            (None, verdict) => verdict.to_string(),
            (Some(issue), Verdict::Pass) => format!("pass without {issue}"),
            (Some(issue), verdict) => format!("{verdict} by {issue}"),
        }
    }
}

/// One trial of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrialResult {
    /// Trial id.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether it is a control.
    pub control: bool,
    /// Id of the known issue that limits this ATS in this trial, as the catalogue declares, whatever the trial came to:
    /// it should be [`Outcome::Limitation`], and a pass is news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limitation: Option<String>,
    /// What was seen, in one line without times or addresses.
    pub summary: String,
    /// Evidence of a trial that did not pass: client, origin, wire, log; normalised, one line each.
    pub evidence: Vec<String>,
}

/// A known issue that a cell's evidence matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// How sure it is.
    pub confidence: Confidence,
    /// The trials concerned.
    pub trials: Vec<String>,
    /// Its workarounds as they were tried on this very cell; empty when none was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workarounds: Vec<WorkaroundTried>,
}

/// How sure it is that evidence shows a known issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Confidence {
    /// Nothing else known looks like it.
    #[serde(rename = "certain")]
    Certain,
    /// It may be another thing.
    #[serde(rename = "looks like")]
    LooksLike,
}

impl Confidence {
    /// The words used in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::LooksLike => "looks like",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl IssueMatch {
    /// Whether it is what made `trial` fail, with certainty. Only this excuses anything.
    pub fn is_certain_of(&self, trial: &str) -> bool {
        self.confidence == Confidence::Certain && self.trials.iter().any(|id| id == trial)
    }
}

/// A workaround that was tried on a cell: its failing trials ran once more with these settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkaroundTried {
    /// Its name, for example `tcp-fast-open`.
    pub name: String,
    /// The settings, as records.config writes them: `NAME TYPE VALUE`.
    pub settings: Vec<String>,
    /// Whether every trial passed with it that had failed without it, and every control held.
    pub worked: bool,
    /// Trials that failed without it and passed with it.
    pub passed: Vec<String>,
    /// Trials that did not pass with it either, with what they came to; controls too.
    pub not_passed: Vec<String>,
    /// What it costs.
    pub cost: String,
}
