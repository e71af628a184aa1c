//! Cells that are upgraded in place, which show what happens to hosts.

use crate::model::{CellId, DistroId};

use super::basis::Basis;

impl Basis<'_> {
    /// The cell that shows what hosts on `from` are after an upgrade to `fresh`: the one that is upgraded in place between the
    /// two, if matrix.yaml has it, else `fresh`, which is installed anew.
    pub(super) fn after_upgrade(&self, from: &DistroId, fresh: &CellId) -> CellId {
        let row = self.matrix().and_then(|matrix| matrix.upgrade(from, &fresh.distro));
        let upgraded = row.map(|row| CellId { distro: row.id.clone(), ats: fresh.ats.clone() });
        upgraded.filter(|id| self.is_cell(id) == Some(true)).unwrap_or_else(|| fresh.clone())
    }

    /// Whether the cells of `row` are upgraded in place; `None` if matrix.yaml has no such rows.
    pub(super) fn is_upgraded(&self, row: &DistroId) -> Option<bool> {
        let mut rows = self.matrix()?.distros.iter().filter(|row| row.upgrade.is_some()).peekable();
        rows.peek()?;
        Some(rows.any(|upgraded| upgraded.id == *row))
    }
}
