//! Converts the outcome of a cell to its entry in results/matrix.json. Pure.

use crate::catalogue::known_issues;
use crate::config::matrix::Matrix;
use crate::config::plan::{CellImage, PlannedCell};
use crate::model::{CellBehaviour, CellResult, ImageDigests, Provenance, Verdict};
use crate::run::cell::CellRun;

/// What identifies an image: a ready one the id that its registry knows, one made here its content.
fn digests(content: Option<String>, image: CellImage, images: ImageDigests) -> ImageDigests {
    match content {
        Some(content) if image != CellImage::Ready => ImageDigests { ats: content, id: Some(images.ats), ..images },
        _ => images,
    }
}

/// The result of a cell that ran. `images` are its own, and that of the parent in a cell with two ATS.
pub(super) fn of_run(
    matrix: &Matrix,
    planned: &PlannedCell,
    run: CellRun,
    images: [Option<ImageDigests>; 2],
) -> CellResult {
    let mut provenance = run.provenance;
    let [images, of_parent] = images;
    provenance.images = images.map(|images| digests(provenance.content.take(), planned.image, images));
    if let Some((ran, (planned, images))) = provenance.parent.as_mut().zip(planned.parent.as_ref().zip(of_parent)) {
        ran.provenance.images = Some(digests(ran.provenance.content.take(), planned.image, images));
    }
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
            // Of two ATS, the version here is the child's.
            Verdict::Unbuildable if planned.parent.is_none() => known_issues::diagnose_build(reason, &planned.version),
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
