//! What a trial came to, and what a cell came to.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check held.
    Pass,
    /// A check failed, twice, each time in a fresh ATS, while the controls that go past ATS held.
    Fail,
    /// It failed twice as a known issue says that this ATS does on every distro, recognised with certainty:
    /// [`super::TrialResult::limitation`] names it. Anything else that goes wrong there is a [`Self::Fail`].
    #[serde(rename = "known-limitation")]
    Limitation,
    /// It failed and, repeated, passed (or the other way round).
    Flaky,
    /// Our side, the engine, or the origin broke: nothing is said about ATS.
    Error,
    /// This ATS cannot do it: decided from its version and features, never from a failure.
    Unsupported,
    /// Not reached.
    Skipped,
}

/// The verdict on a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every trial that applies passed, known limitations left aside. Only this is green.
    Pass,
    /// At least one trial failed.
    Fail,
    /// This ATS does not compile on this distro: a finding about ATS.
    Unbuildable,
    /// No trial failed for good, at least one was flaky.
    Flaky,
    /// Infrastructure trouble: no answer.
    Error,
    /// A part could not be had, for a reason that says nothing about ATS.
    Unavailable,
}

impl Outcome {
    /// The word used in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Limitation => "known limitation",
            Self::Flaky => "flaky",
            Self::Error => "error",
            Self::Unsupported => "unsupported",
            Self::Skipped => "skipped",
        }
    }
}

impl Verdict {
    /// The word used in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unbuildable => "unbuildable",
            Self::Flaky => "flaky",
            Self::Error => "error",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether this verdict answers the upgrade question at all.
    pub fn is_answer(self) -> bool {
        !matches!(self, Self::Error | Self::Unavailable)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
