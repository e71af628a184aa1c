//! From what a cell came to, to the entry of results/matrix.json. Pure.

use crate::catalogue::known_issues;
use crate::config::matrix::Matrix;
use crate::config::plan::PlannedCell;
use crate::model::{CellResult, ImageDigests, Provenance, Verdict};
use crate::run::cell::CellRun;

/// The result of a cell that ran.
pub(super) fn of_run(matrix: &Matrix, planned: &PlannedCell, run: CellRun, images: ImageDigests) -> CellResult {
    let mut provenance = run.provenance;
    // Of a ready image the id is what its registry knows it by; one that was made here is told by its content.
    provenance.images = Some(match provenance.content.take() {
        Some(content) if planned.made => ImageDigests { ats: content, id: Some(images.ats), ..images },
        _ => images,
    });
    CellResult {
        id: planned.id.clone(),
        verdict: run.verdict,
        reason: run.reason,
        expected: matrix.expected(&planned.id, run.verdict, &provenance),
        optional: planned.optional,
        trials: run.trials,
        known_issues: run.known_issues,
        provenance,
    }
}

/// The result of a cell that could not run: `verdict` is unbuildable, unavailable or error.
pub(super) fn of_no_run(matrix: &Matrix, planned: &PlannedCell, verdict: Verdict, reason: &str) -> CellResult {
    let provenance = Provenance::default();
    CellResult {
        id: planned.id.clone(),
        verdict,
        reason: Some(crate::ats::log::normalise(&match verdict {
            Verdict::Unavailable if !planned.seen => format!("{reason}; nobody has seen this row work yet"),
            _ => reason.to_owned(),
        })),
        expected: matrix.expected(&planned.id, verdict, &provenance),
        optional: planned.optional,
        trials: Vec::new(),
        known_issues: match verdict {
            Verdict::Unbuildable => known_issues::diagnose_build(reason, &planned.version),
            _ => Vec::new(),
        },
        provenance,
    }
}

/// A cell that could not even be tried.
pub(super) fn broken(reason: String) -> CellRun {
    CellRun {
        verdict: Verdict::Error,
        reason: Some(reason),
        trials: Vec::new(),
        known_issues: Vec::new(),
        provenance: Provenance::default(),
        evidence: Vec::new(),
        transcript: Vec::new(),
        ours: true,
    }
}
