//! What verdicts, outcomes and marks mean: the legend of all formats.

use crate::model::{Outcome, Verdict};

/// Every verdict in the order of the legend.
pub const VERDICTS: [Verdict; 7] = [
    Verdict::Pass,
    Verdict::Fail,
    Verdict::Unbuildable,
    Verdict::Broken,
    Verdict::Flaky,
    Verdict::Error,
    Verdict::Unavailable,
];

/// Every outcome in the order of the legend.
pub const OUTCOMES: [Outcome; 7] = [
    Outcome::Pass,
    Outcome::Fail,
    Outcome::Limitation,
    Outcome::Flaky,
    Outcome::Error,
    Outcome::Unsupported,
    Outcome::Skipped,
];

/// What a verdict on a cell means.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "every applicable trial passed, apart from known limitations",
        Verdict::Fail => "a trial failed, then failed again in a fresh ATS, while the controls that bypass ATS passed",
        Verdict::Unbuildable => "this ATS cannot be built or installed on this distro",
        Verdict::Broken => "after the upgrade of the distro this ATS is gone or does not start",
        Verdict::Flaky => "a trial failed, then passed, or the other way round",
        Verdict::Error => "atsmatrix, the engine or the origin broke: says nothing about ATS",
        Verdict::Unavailable => "something it needs could not be obtained: says nothing about ATS",
    }
}

/// What an outcome of a trial means.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "every check passed",
        Outcome::Fail => "a check failed twice, each time in a fresh ATS, while the controls that bypass ATS passed",
        Outcome::Limitation => "it failed twice because of a known issue that affects this ATS on every distro",
        Outcome::Flaky => "it failed, then passed when repeated, or the other way round",
        Outcome::Error => "atsmatrix, the engine or the origin broke: says nothing about ATS",
        Outcome::Unsupported => "this ATS does not support it, by its version and features",
        Outcome::Skipped => "not reached",
    }
}

/// A mark beside a verdict, or in place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegendMark {
    /// A declared failure.
    Expected,
    /// A pass that is not as declared.
    UnexpectedPass,
    /// A trial with a known limitation.
    Limitation,
    /// Anything else that is not as declared.
    Unexpected,
    /// Unavailable, and declared optional.
    Optional,
    /// No such cell.
    Absent,
}

/// Every mark in the order of the legend.
pub const MARKS: [LegendMark; 6] = [
    LegendMark::Expected,
    LegendMark::UnexpectedPass,
    LegendMark::Limitation,
    LegendMark::Unexpected,
    LegendMark::Optional,
    LegendMark::Absent,
];

impl LegendMark {
    /// The mark as the matrix shows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Expected => "(expected)",
            Self::UnexpectedPass => "PASS?!",
            Self::Limitation => "known limitation",
            Self::Unexpected => "?!",
            Self::Optional => "(optional)",
            Self::Absent => "·",
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Expected => "matrix.yaml expects exactly this; it still closes the gate",
            Self::UnexpectedPass => {
                "an unexpected pass, or a known limitation that is gone: its declaration is out of date"
            }
            Self::Limitation => "a trial fails because of a known issue that affects this ATS on every distro",
            Self::Unexpected => "not what matrix.yaml expects",
            Self::Optional => "it may be missing without failing the run",
            Self::Absent => "not in these results",
        }
    }
}
