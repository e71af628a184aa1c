//! The gate's answer: one word, and for everything that keeps it closed a reason with what to do.

use std::fmt;

use serde::Serialize;

use crate::decide::compare::Fact;
use crate::exit::Exit;
use crate::model::{CellId, CellResult, IssueMatch};
use crate::verdict::Coverage;

use super::basis::Basis;

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Yes.
    Open,
    /// Something needed for an answer is missing.
    CannotTell,
    /// No.
    Closed,
}

impl Word {
    /// The exit code of this answer.
    pub fn exit(self) -> Exit {
        match self {
            Self::Open => Exit::Success,
            Self::CannotTell => Exit::Incomplete,
            Self::Closed => Exit::Unexpected,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::CannotTell => "cannot tell",
            Self::Closed => "closed",
        })
    }
}

/// The answer to all questions of one call. Its word follows from its parts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The questions, one sentence each.
    pub questions: Vec<String>,
    /// Why not.
    pub closed: Vec<GateReason>,
    /// What is missing for an answer.
    pub unknown: Vec<GateReason>,
    /// Cells that were checked and are as the question requires.
    pub held: Vec<CellId>,
    /// The trials behind each cell that was checked, one entry a cell.
    pub rests: Vec<CellTrials>,
    /// Further facts that do not change the answer.
    pub notes: Vec<String>,
}

impl Decision {
    /// Open only with at least one cell as required and no reason against it.
    pub fn word(&self) -> Word {
        if !self.closed.is_empty() {
            Word::Closed
        } else if !self.unknown.is_empty() || self.held.is_empty() {
            Word::CannotTell
        } else {
            Word::Open
        }
    }
}

impl Decision {
    /// Adds a reason to `closed` or `unknown`, unless it is there already.
    pub(super) fn add(&mut self, reason: GateReason) {
        let side = if reason.cause.closes() { &mut self.closed } else { &mut self.unknown };
        if !side.contains(&reason) {
            side.push(reason);
        }
    }

    /// Adds the trials of `cell`, once. A cell that did not run has none.
    pub(super) fn add_trials_of(&mut self, basis: &Basis<'_>, cell: Option<&CellResult>) {
        let Some(cell) = cell.filter(|cell| !cell.trials.is_empty()) else { return };
        if !self.rests.iter().any(|known| known.cell == cell.id) {
            self.rests.push(basis.trials_of(cell));
        }
    }
}

/// The trials behind a cell's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellTrials {
    /// The cell.
    pub cell: CellId,
    /// How many trials the catalogue has.
    pub of: usize,
    /// They passed.
    pub passed: Vec<String>,
    /// They failed.
    pub failed: Vec<String>,
    /// They failed by a known limitation: a known issue that this ATS has on every distro.
    pub limited: Vec<String>,
    /// They failed and passed.
    pub flaky: Vec<String>,
    /// In error or not reached.
    pub unanswered: Vec<String>,
    /// The cell cannot do them.
    pub unsupported: Vec<String>,
    /// They were not run.
    pub missing: Vec<String>,
}

impl CellTrials {
    pub(super) fn of(cell: &CellId, whole: &Coverage<'_>) -> Self {
        let names = |trials: &[&str]| trials.iter().map(|id| (*id).to_owned()).collect();
        Self {
            cell: cell.clone(),
            of: whole.total,
            passed: names(&whole.passed),
            failed: names(&whole.failed),
            limited: names(&whole.limited),
            flaky: names(&whole.flaky),
            unanswered: names(&whole.unanswered),
            unsupported: names(&whole.unsupported),
            missing: names(&whole.missing),
        }
    }

    /// `99 of 102 trials, 3 unsupported`.
    pub(super) fn count(&self) -> String {
        let answered = self.passed.len() + self.failed.len() + self.limited.len() + self.flaky.len();
        let limitations = if self.limited.len() == 1 { "known limitation" } else { "known limitations" };
        let more = [(self.limited.len(), limitations), (self.unsupported.len(), "unsupported")];
        let more = more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("{answered} of {} trials{}", self.of, more.collect::<String>())
    }
}

/// Why the gate is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateReason {
    /// Its kind.
    pub cause: Cause,
    /// The cell, if it is about one.
    pub cell: Option<CellId>,
    /// What is wrong, as a predicate of the cell if it is about one (`fails 1 of 2 trials`); may contain text from
    /// containers.
    pub text: String,
    /// All trials that it is about.
    pub trials: Vec<String>,
    /// Why matrix.yaml expects it, if it does. An expected failure still blocks an upgrade.
    pub expected: Option<String>,
    /// Known issues that the cell's evidence matches.
    pub known_issues: Vec<IssueMatch>,
    /// What ran differently in this cell, compared with the one that it is compared with.
    pub provenance: Vec<Fact>,
    /// What to do, in addition to what the known issues say.
    pub ways_out: Vec<String>,
}

impl GateReason {
    pub(super) fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self {
            cause,
            cell: None,
            text: text.into(),
            trials: Vec::new(),
            expected: None,
            known_issues: Vec::new(),
            provenance: Vec::new(),
            ways_out: Vec::new(),
        }
    }

    pub(super) fn about(self, cell: &CellId) -> Self {
        Self { cell: Some(cell.clone()), ..self }
    }

    pub(super) fn naming(self, trials: &[impl ToString]) -> Self {
        Self { trials: trials.iter().map(ToString::to_string).collect(), ..self }
    }

    /// A doubt about the results as a whole, for example because their file was edited.
    pub fn doubt(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Cause::Unsound, text).fix(fix)
    }

    pub(super) fn fix(mut self, text: impl Into<String>) -> Self {
        self.ways_out.push(text.into());
        self
    }
}

/// Kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The cell fails.
    Fails,
    /// Its ATS cannot be built there.
    Unbuildable,
    /// Its ATS is gone, or does not start, after the upgrade of the distro.
    Broken,
    /// Hosts cannot be upgraded that way.
    NoUpgrade,
    /// It is flaky.
    Flaky,
    /// It is worse than the baseline.
    Worse,
    /// Trials that passed are no longer tested.
    NoLongerTested,
    /// It has a known limitation that the distro hosts are on does not have.
    Limited,
    /// An expectation in matrix.yaml is out of date.
    Expectation,
    /// It behaves differently, without a known reason.
    Behaviour,
    /// Trials were not tested, so their outcome is unknown.
    NotTested,
    /// Its behaviour was not recorded.
    NotRecorded,
    /// It is not in the results.
    Missing,
    /// A part of it was not available.
    Unavailable,
    /// The run itself failed, not ATS.
    Error,
    /// The results contradict themselves or matrix.yaml.
    Unsound,
    /// matrix.yaml is not the one that was run.
    MatrixChanged,
    /// The results are too old, or of unknown age.
    Age,
    /// There was nothing to check.
    NothingAsked,
}

impl Cause {
    /// Whether it is a no, rather than a missing answer.
    pub fn closes(self) -> bool {
        match self {
            Self::Fails
            | Self::Unbuildable
            | Self::Broken
            | Self::NoUpgrade
            | Self::Flaky
            | Self::Worse
            | Self::NoLongerTested
            | Self::Limited
            | Self::Expectation
            | Self::Behaviour => true,
            Self::NotTested
            | Self::NotRecorded
            | Self::Missing
            | Self::Unavailable
            | Self::Error
            | Self::Unsound
            | Self::MatrixChanged
            | Self::Age
            | Self::NothingAsked => false,
        }
    }
}
