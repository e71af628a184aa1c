//! What the gate says: a word, and a reason with a way out for everything that keeps it shut.

use std::fmt;

use serde::Serialize;

use crate::compare::Fact;
use crate::exit::Exit;
use crate::model::{CellId, IssueMatch};

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

/// Why the gate is not open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What kind of reason.
    pub cause: Cause,
    /// The cell, if it is about one.
    pub cell: Option<CellId>,
    /// What there is to say, in one sentence; may hold text from containers.
    pub text: String,
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
            expected: None,
            known_issues: Vec::new(),
            provenance: Vec::new(),
            ways_out: Vec::new(),
        }
    }

    pub(super) fn about(self, cell: &CellId) -> Self {
        Self { cell: Some(cell.clone()), ..self }
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
    /// What matrix.yaml expects of it is out of date.
    Expectation,
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
            Self::Fails | Self::Unbuildable | Self::NoUpgrade | Self::Flaky | Self::Worse | Self::Expectation => true,
            Self::Missing
            | Self::Unavailable
            | Self::Error
            | Self::Unsound
            | Self::MatrixChanged
            | Self::Age
            | Self::NothingAsked => false,
        }
    }
}
