//! What `atsmatrix bisect` found, as it is kept in results/bisect/. Deterministic like matrix.json: no
//! times, no addresses, no run ids.

use serde::{Deserialize, Serialize};

use super::id::CellId;

/// Version of the shape of a kept bisection. Rises with every change that an older reader would
/// misunderstand.
pub const BISECT_SCHEMA: u32 = 1;

/// One bisection: what was asked, what it came to, and every experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bisection {
    /// [`BISECT_SCHEMA`] of the writer.
    pub schema: u32,
    /// What was varied between the two ends.
    pub over: Over,
    /// The cell that passes.
    pub good: CellId,
    /// The cell that fails.
    pub bad: CellId,
    /// The trial that tells them apart.
    pub trial: String,
    /// How sure the answer is.
    pub standing: Standing,
    /// The answer, one sentence with the two versions.
    pub answer: String,
    /// What else must be known to weigh it: which binary ran, what could not be loaded.
    pub notes: Vec<String>,
    /// Everything that was under suspicion, and what became of it.
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

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A culprit is named, and it was confirmed in both images: with it the trial fails, without it it passes.
    BothWays,
    /// A culprit is named and confirmed in one image; in the other the experiment could not be made.
    OneWay,
    /// The culprit is among the parts named, which could not be told apart.
    Narrowed,
    /// No answer.
    Open,
}

/// A part of the distro under suspicion, or a step between two versions of ATS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// Its name, for example `openssl`.
    pub name: String,
    /// What it consists of: sonames, files, settings.
    pub members: Vec<String>,
    /// What the good cell has, for example `3.0.20`.
    pub good: String,
    /// What the bad cell has.
    pub bad: String,
    /// What became of the suspicion.
    pub fate: Fate,
}

/// What became of a suspicion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It decides the outcome.
    Culprit,
    /// It had to come along so that the culprit could be loaded, and was seen to decide nothing.
    Companion,
    /// It may be the culprit: no experiment could tell it from others.
    Unresolved,
    /// Experiments cleared it.
    RuledOut,
    /// Neither cell runs with it, so it cannot be why they differ; laid over the cell it changed nothing.
    NotApplied,
    /// It is the same in both.
    Same,
}

/// One experiment: a real cell, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// What ran: the cell whose image it was, or the build.
    pub base: String,
    /// The suspects that it took from the other end; empty: it ran as it is.
    pub swapped: Vec<String>,
    /// 1, or more when it was repeated as a confirmation.
    pub round: u32,
    /// What it came to.
    pub result: Effect,
    /// One line: what was seen, or why nothing can be concluded.
    pub summary: String,
    /// Evidence, one line each, without times and addresses.
    pub evidence: Vec<String>,
}

/// What an experiment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The trial passed.
    Pass,
    /// The trial failed in the way the bad cell fails.
    Fail,
    /// Nothing can be concluded: it did not load, or failed in another way.
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
            Self::Companion => "only carries it",
            Self::Unresolved => "not told apart",
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
