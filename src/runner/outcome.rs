//! From what a cell came to, to the entry of results/matrix.json. Pure.

use jiff::civil::Date;

use crate::cell::CellRun;
use crate::matrix::{CellFacts, Matrix};
use crate::model::{CellResult, Expected, ImageDigests, Provenance, Verdict};
use crate::plan::PlannedCell;

/// The result of a cell that ran.
pub(super) fn of_run(
    matrix: &Matrix,
    planned: &PlannedCell,
    run: CellRun,
    images: ImageDigests,
    today: Date,
) -> CellResult {
    let mut provenance = run.provenance;
    if let Some(ats) = &mut provenance.ats {
        ats.source.clone_from(&planned.source);
    }
    provenance.images = Some(images);
    CellResult {
        id: planned.id.clone(),
        verdict: run.verdict,
        reason: run.reason,
        expected: expected(matrix, planned, &provenance, today),
        optional: planned.optional,
        trials: run.trials,
        known_issues: run.known_issues,
        provenance,
    }
}

/// The result of a cell that could not run: `verdict` is unbuildable, unavailable or error.
pub(super) fn of_no_run(
    matrix: &Matrix,
    planned: &PlannedCell,
    verdict: Verdict,
    reason: &str,
    today: Date,
) -> CellResult {
    let provenance = Provenance::default();
    // What never ran has no versions; only expectations without conditions over them apply. An
    // unavailable cell meets none.
    let expected = expected(matrix, planned, &provenance, today).filter(|_| verdict == Verdict::Unbuildable);
    CellResult {
        id: planned.id.clone(),
        verdict,
        reason: Some(crate::ats::log::normalise(reason)),
        expected,
        optional: planned.optional,
        trials: Vec::new(),
        known_issues: Vec::new(),
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
    }
}

/// The first expectation that applies to what was found.
fn expected(matrix: &Matrix, planned: &PlannedCell, provenance: &Provenance, today: Date) -> Option<Expected> {
    let facts = CellFacts {
        distro: &planned.id.distro,
        ats: &planned.id.ats,
        ats_version: provenance.ats.as_ref().map(|ats| ats.reported.as_str()),
        openssl: provenance.openssl.as_ref().map(|library| library.version.as_str()),
    };
    let applies =
        |expectation: &&crate::matrix::Expectation| expectation.holds_on(today) && expectation.applies(&facts);
    matrix.expect.iter().find(applies).map(crate::matrix::Expectation::stated)
}
