//! What the gate says: a word, and a reason with a way out for everything that keeps it shut.

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
    /// The exit code that says it.
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

/// Answers to the questions of one call. What it says follows from its parts and from nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What was asked, one sentence each.
    pub questions: Vec<String>,
    /// Why not.
    pub closed: Vec<Reason>,
    /// What is missing for an answer.
    pub unknown: Vec<Reason>,
    /// Cells that were asked about and stand as the question wants them.
    pub held: Vec<CellId>,
    /// What the cells that were looked at rest on, each once.
    pub rests: Vec<Rests>,
    /// Worth knowing, without weight.
    pub notes: Vec<String>,
}

impl Answer {
    /// The answer. Not open unless at least one cell speaks for it and nothing against it.
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

impl Answer {
    /// Adds a reason, on the side it belongs to, once.
    pub(super) fn add(&mut self, reason: Reason) {
        let side = if reason.cause.closes() { &mut self.closed } else { &mut self.unknown };
        if !side.contains(&reason) {
            side.push(reason);
        }
    }

    /// Adds what `cell` rests on, once. What did not run rests on nothing.
    pub(super) fn rests_of(&mut self, basis: &Basis<'_>, cell: Option<&CellResult>) {
        let Some(cell) = cell.filter(|cell| !cell.trials.is_empty()) else { return };
        if !self.rests.iter().any(|known| known.cell == cell.id) {
            self.rests.push(basis.rests(cell));
        }
    }
}

/// The trials that a cell's answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rests {
    /// The cell.
    pub cell: CellId,
    /// How many trials there are.
    pub of: usize,
    /// They passed.
    pub passed: Vec<String>,
    /// They failed.
    pub failed: Vec<String>,
    /// They failed as a known issue says that this ATS does on every distro.
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

impl Rests {
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
        let told = more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
        format!("{answered} of {} trials{}", self.of, told.collect::<String>())
    }
}

/// Why the gate is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What kind of reason.
    pub cause: Cause,
    /// The cell, if it is about one.
    pub cell: Option<CellId>,
    /// What there is to say, in one sentence; may hold text from containers.
    pub text: String,
    /// The trials that it is about, all of them; empty where it is about none.
    pub trials: Vec<String>,
    /// Why matrix.yaml expects it, if it does. It closes the upgrade question all the same.
    pub expected: Option<String>,
    /// Known issues that the cell's evidence matches.
    pub known_issues: Vec<IssueMatch>,
    /// What is different about what ran, from the cell that stood for good to this one.
    pub provenance: Vec<Fact>,
    /// What to do, besides what the known issues say.
    pub ways_out: Vec<String>,
}

impl Reason {
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

    /// A doubt about results as a whole, from outside of them.
    pub fn doubt(text: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(Cause::Unsound, text).way_out(way_out)
    }

    pub(super) fn way_out(mut self, text: impl Into<String>) -> Self {
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
    /// Its ATS does not compile there.
    Unbuildable,
    /// No system is upgraded that way.
    NoUpgrade,
    /// It passes at times.
    Flaky,
    /// It is worse than the baseline.
    Worse,
    /// Trials that passed are not tested any more.
    NoLongerTested,
    /// It has a known limitation that where hosts come from does not have.
    Limited,
    /// What matrix.yaml expects of it is out of date.
    Expectation,
    /// Trials were not tested, and nobody knows what they would come to.
    NotTested,
    /// It is not in the results.
    Missing,
    /// A part of it could not be had.
    Unavailable,
    /// Our side broke.
    Error,
    /// The results contradict themselves.
    Unsound,
    /// matrix.yaml is another than the one that was run.
    MatrixChanged,
    /// The results are too old, or of unknown age.
    Age,
    /// There was nothing to ask about.
    NothingAsked,
}

impl Cause {
    /// Whether it is an answer (no), rather than the lack of one.
    pub fn closes(self) -> bool {
        match self {
            Self::Fails
            | Self::Unbuildable
            | Self::NoUpgrade
            | Self::Flaky
            | Self::Worse
            | Self::NoLongerTested
            | Self::Limited
            | Self::Expectation => true,
            Self::NotTested
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
