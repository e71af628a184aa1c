//! Writes raw evidence of cells and experiments to the folder of their run.

use crate::model::{CellId, TrialEvidence};
use crate::run::cell::RawEvidence;
use crate::store::RunFolder;

/// Writes the evidence of `cell` and its packets below `folder`.
///
/// # Errors
/// A file cannot be written.
pub(super) fn keep(folder: &RunFolder, cell: &CellId, evidence: &[RawEvidence]) -> anyhow::Result<()> {
    for raw in evidence {
        let (trial, attempt) = (raw.trial.clone(), raw.attempt);
        folder.write_evidence(cell, &TrialEvidence { trial, attempt, observation: raw.observation.clone() })?;
        if let Some(pcapng) = &raw.pcapng {
            folder.write_pcapng(cell, &raw.trial, attempt, pcapng)?;
        }
    }
    Ok(())
}

/// Appends a transcript to the debug log of the run, each line after `what`, the name of the cell or experiment.
///
/// # Errors
/// The log cannot be written.
pub(super) fn log(folder: &RunFolder, what: &str, transcript: &[String]) -> anyhow::Result<()> {
    let mut log = folder.debug_log()?;
    for line in transcript {
        log.line(&format!("{what}: {line}"))?;
    }
    Ok(())
}
