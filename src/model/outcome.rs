//! Outcomes of trials and verdicts on cells.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every check passed.
    Pass,
    /// A check failed twice, each time in a fresh ATS, while the controls that bypass ATS passed.
    Fail,
    /// It failed twice for certain because of a known issue that affects this ATS on every distro;
    /// [`super::TrialResult::limitation`] names it. Any other failure is a [`Self::Fail`].
    #[serde(rename = "known-limitation")]
    Limitation,
    /// It failed once and passed once.
    Flaky,
    /// The setup, the engine or the origin failed, which says nothing about ATS.
    Error,
    /// This ATS does not support it, according to its version and features, never because of a failure.
    Unsupported,
    /// Not reached.
    Skipped,
}

/// The verdict on a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every supported trial passed, apart from known limitations. Only this is green.
    Pass,
    /// At least one trial failed.
    Fail,
    /// This ATS cannot be built or installed on this distro: a finding.
    Unbuildable,
    /// The upgrade of the distro removed this ATS, or it no longer starts: a finding about the upgrade. Only cells that are
    /// upgraded in place have this verdict.
    Broken,
    /// No trial failed, at least one was flaky.
    Flaky,
    /// The setup failed: no answer.
    Error,
    /// A part is not available, for a reason that says nothing about ATS.
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
            Self::Broken => "broken",
            Self::Flaky => "flaky",
            Self::Error => "error",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether it is a failure without trials: there is no ATS that could run them.
    pub fn is_without_ats(self) -> bool {
        matches!(self, Self::Unbuildable | Self::Broken)
    }

    /// Whether this verdict says anything about ATS.
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
