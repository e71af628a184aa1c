//! The runs on disk, as sources of raw evidence of committed results.

use std::cell::OnceCell;

use crate::decide::citation::{CitableRun, cite};
use crate::model::{CellId, CellResult, RunEvidence, RunId, TrialEvidence};
use crate::store::{Results, RunFolder};

/// The runs below a results directory, the newest first.
pub(super) struct KeptRuns(Vec<KeptRun>);

struct KeptRun {
    id: RunId,
    folder: RunFolder,
    /// The cells that its journal has, once read.
    finished: OnceCell<Vec<CellResult>>,
}

impl KeptRuns {
    /// # Errors
    /// When the folder of runs cannot be listed.
    pub(super) fn of(results: &Results) -> anyhow::Result<Self> {
        let newest_first = results.runs()?.into_iter().rev();
        let runs = newest_first.map(|id| Ok(KeptRun { folder: results.run(&id)?, id, finished: OnceCell::new() }));
        runs.collect::<anyhow::Result<_>>().map(Self)
    }

    /// The raw evidence to show with `committed`; `None`: no run on disk recorded this result.
    pub(super) fn cited(&self, committed: &CellResult) -> Option<RunEvidence> {
        let (run, attempts) = cite(committed, &self.0)?;
        Some(RunEvidence { run: run.id.clone(), attempts })
    }
}

/// A journal or evidence that cannot be read (cut off, or of another version) is as if it did not exist.
impl CitableRun for &KeptRun {
    fn recorded(&self, cell: &CellId) -> Option<CellResult> {
        let read = || self.folder.recover().map(|journal| journal.cells()).unwrap_or_default();
        self.finished.get_or_init(read).iter().find(|finished| finished.id == *cell).cloned()
    }

    fn evidence(&self, cell: &CellId) -> Vec<TrialEvidence> {
        self.folder.read_evidence(cell).unwrap_or_default()
    }
}
