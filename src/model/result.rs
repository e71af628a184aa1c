//! The committed results, results/matrix.json. Deterministic: no times, addresses or run ids.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{AtsId, CellId, DistroId};
use super::outcome::{Outcome, Verdict};
use super::provenance::Provenance;

/// Schema version of matrix.json. Increases with every change that an older reader would misunderstand. 2: an expectation may expire, and a cell may have several. 3: a trial may be a known limitation, and
/// an expectation may name a known issue.
pub const SCHEMA_VERSION: u32 = 3;

/// The whole of results/matrix.json.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "results/matrix.json of atsmatrix")]
pub struct MatrixResult {
    /// [`SCHEMA_VERSION`] of the writer.
    #[schemars(range(max = SCHEMA_VERSION))]
    pub schema: u32,
    /// SHA-256 of the contents of matrix.yaml (without comments, titles and the like), hex, to detect changes. In older files the
    /// SHA-256 of its bytes.
    pub matrix: String,
    /// Rows, in the order of matrix.yaml.
    pub distros: Vec<DistroId>,
    /// Columns, in the order of matrix.yaml.
    pub ats: Vec<AtsId>,
    /// One entry per cell, sorted by row and column.
    pub cells: Vec<CellResult>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellResult {
    /// `debian-13/9.2.5`.
    pub id: CellId,
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, where the trials do not show it: why the cell is unavailable, the compiler's first error.
    pub reason: Option<String>,
    /// The expectation of matrix.yaml for this cell, if any.
    pub expected: Option<Expected>,
    /// Whether the cell may be unavailable without failing the run.
    pub optional: bool,
    /// Every trial, in the catalogue's order.
    pub trials: Vec<TrialResult>,
    /// Known issues that the evidence matches.
    pub known_issues: Vec<IssueMatch>,
    /// Exactly which software ran.
    pub provenance: Provenance,
}

/// An expectation that applies to a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// The expected verdict.
    pub verdict: Verdict,
    /// The reason for the expectation.
    pub reason: String,
    /// A link to more information.
    pub link: Option<String>,
    /// Globs of the trials that may fail; empty for all. A trial that is named in full must fail.
    pub trials: Vec<String>,
    /// The known issue of the expectation: it excuses only failures that are certain to be that issue. With the verdict pass: the
    /// known limitation that does not affect this cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// The last day on which it is accepted, from matrix.yaml. It is compared with the day of the decision, not the day of the
    /// run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub expires: Option<Date>,
    /// Further expectations of matrix.yaml for the cell, in its order; theirs are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Expected>,
}

impl CellResult {
    /// All expectations of matrix.yaml for the cell, in its order.
    pub fn expectations(&self) -> impl Iterator<Item = &Expected> {
        self.expected.iter().flat_map(|first| std::iter::once(first).chain(&first.also))
    }
}

impl Expected {
    /// Describes what is expected: `fail`, `fail by ATS-11465`, `pass without ATS-11758`.
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
    /// The outcome.
    pub outcome: Outcome,
    /// Whether it is a control.
    pub control: bool,
    /// Id of the known issue that the catalogue declares for this ATS in this trial, whatever the outcome. The expected outcome
    /// is [`Outcome::Limitation`]; a pass is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limitation: Option<String>,
    /// Digest of what it does and expects, if it is a trial of the user's own. Under the same id another one may be stated later,
    /// about which this result says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// What was seen, in one line without times or addresses.
    pub summary: String,
    /// Evidence of a trial that did not pass, normalised lines from client, origin, wire and logs.
    pub evidence: Vec<String>,
}

/// A known issue that a cell's evidence matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssueMatch {
    /// Id of the known issue, for example `ATS-11465`.
    pub id: String,
    /// Title of the known issue.
    pub title: String,
    /// Upstream link.
    pub link: String,
    /// First version or build with the fix.
    pub fixed_in: String,
    /// What to do.
    pub way_out: String,
    /// Certainty of the match.
    pub confidence: Confidence,
    /// Whether it is the parent of a cell with two ATS that has it, not the child.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_parent: bool,
    /// The affected trials.
    pub trials: Vec<String>,
    /// Workarounds that were tested on this cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workarounds: Vec<WorkaroundTried>,
}

/// Certainty that the evidence shows a known issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Confidence {
    /// No other known cause has these signs.
    #[serde(rename = "certain")]
    Certain,
    /// Another cause is possible.
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
    /// How certain it is, and of which ATS: `certain`, `certain, of the parent`.
    pub fn certainty(&self) -> String {
        let of = if self.of_parent { ", of the parent" } else { "" };
        format!("{}{of}", self.confidence)
    }

    /// Whether it is certain to be the cause of the failure of `trial`. Only a certain match excuses a failure.
    pub fn is_certain_of(&self, trial: &str) -> bool {
        self.confidence == Confidence::Certain && self.trials.iter().any(|id| id == trial)
    }
}

/// A workaround that was tested on a cell: its failing trials ran again with these settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkaroundTried {
    /// Name, for example `tcp-fast-open`.
    pub name: String,
    /// The settings, as records.config writes them: `NAME TYPE VALUE`.
    pub settings: Vec<String>,
    /// Whether every failing trial passed with it, and every control still passed.
    pub worked: bool,
    /// Failing trials that passed with it.
    pub passed: Vec<String>,
    /// Trials and controls that did not pass with it, with their outcomes.
    pub not_passed: Vec<String>,
    /// The disadvantages.
    pub cost: String,
}
