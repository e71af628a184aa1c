//! Cells with two ATS: a child, and the parent that all its requests go through. A fleet is upgraded host by host, so pairs of
//! old and new are what runs meanwhile.

use schemars::JsonSchema;
use serde::Deserialize;

use super::source::SourceKind;
use super::{Matrix, MatrixCell};
use crate::model::{AtsId, CellId};

/// Every pair of a child and a parent of these lists is a cell: on the child's row, in a column `CHILD-over-PARENT`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TiersEntry {
    /// The cells whose ATS clients ask, as in `debian-12/9.2.9`.
    #[schemars(length(min = 1))]
    pub(super) child: Vec<String>,
    /// The cells whose ATS they ask in turn, and which asks the origins.
    #[schemars(length(min = 1))]
    pub(super) parent: Vec<String>,
}

/// The two cells whose images a cell with two ATS has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierPair {
    /// The column of the child, on the row of the cell.
    pub child: AtsId,
    /// The cell of the parent.
    pub parent: CellId,
    /// The entry of `tiers` that it comes from.
    pub entry: String,
}

impl TierPair {
    /// The name of the column of such cells.
    pub(super) fn column(child: &str, parent_distro: &str, parent_ats: &str) -> String {
        format!("{child}-over-{parent_distro}-{parent_ats}")
    }
}

impl<'a> MatrixCell<'a> {
    /// Its two ATS, if it has two.
    pub fn tiers(&self) -> Option<&'a TierPair> {
        match &self.source.kind {
            SourceKind::Tiers(pair) => Some(pair),
            _ => None,
        }
    }
}

impl Matrix {
    /// The cells of the child and of the parent of `cell`, if it has two ATS.
    pub fn tiers_of<'a>(&'a self, cell: &MatrixCell<'a>) -> Option<(MatrixCell<'a>, MatrixCell<'a>)> {
        let pair = cell.tiers()?;
        let of = |distro: &'a super::Distro, ats: &AtsId| -> Option<MatrixCell<'a>> {
            let ats = self.ats(ats)?;
            Some(MatrixCell { distro, ats, source: ats.source(&distro.id)? })
        };
        Some((of(cell.distro, &pair.child)?, of(self.distro(&pair.parent.distro)?, &pair.parent.ats)?))
    }

    /// The parent of the cell `id`, if it has two ATS.
    pub fn parent_of(&self, id: &CellId) -> Option<&CellId> {
        match &self.ats(&id.ats)?.source(&id.distro)?.kind {
            SourceKind::Tiers(pair) => Some(&pair.parent),
            _ => None,
        }
    }

    /// The child and the parent of the cell `id`, if it has two ATS.
    pub fn pair_of(&self, id: &CellId) -> Option<(CellId, &CellId)> {
        match &self.ats(&id.ats)?.source(&id.distro)?.kind {
            SourceKind::Tiers(pair) => {
                Some((CellId { distro: id.distro.clone(), ats: pair.child.clone() }, &pair.parent))
            }
            _ => None,
        }
    }
}
