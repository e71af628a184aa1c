//! Raw evidence of whatever ran cells, in the folder of its run.

use crate::model::{CellId, TrialEvidence};
use crate::run::cell::Raw;
use crate::store::RunFolder;

/// Writes evidence of `cell` and its packets below `folder`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep(folder: &RunFolder, cell: &CellId, evidence: &[Raw]) -> anyhow::Result<()> {
    for raw in evidence {
        let (trial, attempt) = (raw.trial.clone(), raw.attempt);
        folder.write_evidence(cell, &TrialEvidence { trial, attempt, observation: raw.observation.clone() })?;
        if let Some(pcapng) = &raw.pcapng {
            folder.write_pcapng(cell, &raw.trial, attempt, pcapng)?;
        }
    }
    Ok(())
}

/// Adds what was said outside of trials to the log of the run; `what` ran.
///
/// # Errors
/// When it cannot be written.
pub(super) fn log(folder: &RunFolder, what: &str, transcript: &[String]) -> anyhow::Result<()> {
    let mut log = folder.debug_log()?;
    for line in transcript {
        log.line(&format!("{what}: {line}"))?;
    }
    Ok(())
}
