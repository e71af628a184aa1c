//! Converts the outcome of a cell to its entry in results/matrix.json. Pure.

use crate::catalogue::known_issues;
use crate::config::matrix::Matrix;
use crate::config::plan::{CellImage, PlannedCell};
use crate::model::{CellBehaviour, CellResult, ImageDigests, Provenance, Verdict};
use crate::run::cell::CellRun;

/// The result of a cell that ran.
pub(super) fn of_run(matrix: &Matrix, planned: &PlannedCell, run: CellRun, images: ImageDigests) -> CellResult {
    let mut provenance = run.provenance;
    // A ready image is identified by the id that its registry knows, an image made here by its content.
    provenance.images = Some(match provenance.content.take() {
        Some(content) if planned.image != CellImage::Ready => {
            ImageDigests { ats: content, id: Some(images.ats), ..images }
        }
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

/// The result of a cell that did not run; `verdict` is unbuildable, broken, unavailable or error.
pub(super) fn of_no_run(matrix: &Matrix, planned: &PlannedCell, verdict: Verdict, reason: &str) -> CellResult {
    let provenance = Provenance::default();
    CellResult {
        id: planned.id.clone(),
        verdict,
        reason: Some(crate::ats::log::normalise(&match verdict {
            Verdict::Unavailable if !planned.seen => format!("{reason}; this row has never been seen to work"),
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

/// The outcome of a cell whose containers could not be started.
pub(super) fn broken(reason: String) -> CellRun {
    CellRun {
        verdict: Verdict::Error,
        reason: Some(reason),
        trials: Vec::new(),
        known_issues: Vec::new(),
        provenance: Provenance::default(),
        behaviour: CellBehaviour::new(),
        evidence: Vec::new(),
        transcript: Vec::new(),
        setup_failed: true,
    }
}
