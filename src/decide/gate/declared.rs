//! What matrix.yaml declares of cells, which the results must agree with.

use crate::config::matrix::{Matrix, MatrixCell};
use crate::model::{CellId, CellKind, Os};

/// What matrix.yaml declares of a cell, apart from expectations.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Whether it may be missing.
    pub(super) optional: bool,
    /// The version that `traffic_server -V` must report.
    pub(super) reports: String,
    /// The kinds that it is of.
    pub(super) kinds: Vec<CellKind>,
    /// What must run as its parent, if it has two ATS.
    pub(super) parent: Option<DeclaredParent>,
}

/// What matrix.yaml declares of the parent of a cell with two ATS.
#[derive(Debug, Clone)]
pub(super) struct DeclaredParent {
    /// The cell whose image it has.
    pub(super) cell: CellId,
    /// The version that `traffic_server -V` must report there.
    pub(super) reports: String,
    /// What `/etc/os-release` must contain there.
    pub(super) os: Option<Os>,
}

impl Declared {
    /// What `matrix` declares of `cell`.
    pub(super) fn of(matrix: &Matrix, cell: &MatrixCell<'_>) -> Self {
        let parent = matrix.tiers_of(cell).map(|(_, parent)| DeclaredParent {
            cell: parent.id(),
            reports: parent.reports().to_owned(),
            os: parent.distro.os.clone(),
        });
        Self {
            optional: cell.optional(),
            reports: cell.reports().to_owned(),
            kinds: CellKind::ALL.iter().copied().filter(|kind| cell.is(*kind)).collect(),
            parent,
        }
    }
}
