//! The answer of `atsmatrix bisect`, as stored in results/bisect/. Deterministic like matrix.json: no times, addresses or run
//! ids.

use serde::{Deserialize, Serialize};

use super::id::CellId;

/// Schema version of a stored bisection. Increases with every change that an older reader would misunderstand.
pub const BISECT_SCHEMA: u32 = 1;

/// One bisection: the question, the answer, and every experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bisection {
    /// [`BISECT_SCHEMA`] of the writer.
    pub schema: u32,
    /// What differs between the two ends.
    pub over: Over,
    /// The cell that passes.
    pub good: CellId,
    /// The cell that fails.
    pub bad: CellId,
    /// The trial that distinguishes them.
    pub trial: String,
    /// Certainty of the answer.
    pub standing: Standing,
    /// The answer, in one sentence with both versions.
    pub answer: String,
    /// Further facts for the reader: which binary ran, what could not be loaded.
    pub notes: Vec<String>,
    /// All suspects, with the conclusion about each.
    pub suspects: Vec<Suspect>,
    /// Every experiment, in the order of the search; the two ends come first.
    pub experiments: Vec<Tried>,
}

/// What a bisection varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Parts of the distro, under one ATS.
    Distro,
    /// Versions and patches of ATS, on one distro.
    Ats,
}

/// Certainty of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The culprit was confirmed in both images: the trial fails with it and passes without it.
    BothWays,
    /// The culprit was confirmed in one image; in the other the experiment was not possible.
    OneWay,
    /// The culprit is one of several parts that could not be separated.
    Narrowed,
    /// No answer.
    Open,
}

/// A suspect: a part of the distro, or a step between two versions of ATS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Name, for example `openssl`.
    pub name: String,
    /// The sonames, files or settings it consists of.
    pub members: Vec<String>,
    /// Version in the good cell, for example `3.0.20`.
    pub good: String,
    /// Version in the bad cell.
    pub bad: String,
    /// The conclusion.
    pub fate: Fate,
}

/// The conclusion about a suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It causes the failure.
    Culprit,
    /// The culprit cannot be loaded without it; alone it changes nothing.
    Companion,
    /// It may be the culprit: no experiment could separate it from others.
    Unresolved,
    /// Experiments cleared it.
    RuledOut,
    /// Neither cell uses it, so it cannot be the difference; applied to the cell it changed nothing.
    NotApplied,
    /// It is the same in both.
    Same,
}

/// One experiment: a real cell and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The cell whose image ran, or the build.
    pub base: String,
    /// Suspects taken from the other end; empty if it ran unchanged.
    pub swapped: Vec<String>,
    /// 1, or more for a repetition as confirmation.
    pub round: u32,
    /// The outcome.
    pub result: Effect,
    /// What was seen, or why it is inconclusive, in one line.
    pub summary: String,
    /// Evidence, one line each, without times and addresses.
    pub evidence: Vec<String>,
}

/// The outcome of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The trial passed.
    Pass,
    /// The trial failed in the same way as in the bad cell.
    Fail,
    /// ATS did not load, or the trial failed in another way.
    Inconclusive,
}

impl Effect {
    /// The word used in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl Fate {
    /// The word used in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Culprit => "culprit",
            Self::Companion => "only needed to load it",
            Self::Unresolved => "not separated",
            Self::RuledOut => "ruled out",
            Self::NotApplied => "not applied in cells",
            Self::Same => "same in both",
        }
    }
}

impl Standing {
    /// The words used in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::BothWays => "found, confirmed both ways",
            Self::OneWay => "found, confirmed one way",
            Self::Narrowed => "narrowed down",
            Self::Open => "no answer",
        }
    }
}
