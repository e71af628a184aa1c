//! Raw evidence as runs keep it, outside of the committed results.

use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::observation::Observation;

/// What one attempt of a trial saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialEvidence {
    /// Trial id.
    pub trial: String,
    /// From 1; the repetition in a fresh ATS is 2.
    pub attempt: u32,
    /// What was seen.
    pub observation: Observation,
}

/// What one run saw of a cell. It has times and addresses, which committed results do not.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEvidence {
    /// The run that kept it.
    pub run: RunId,
    /// In the order of trials and attempts.
    pub attempts: Vec<TrialEvidence>,
}
