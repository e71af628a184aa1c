//! The matrix as rows and columns.

use std::collections::BTreeMap;

use crate::model::{AtsId, CellId, CellResult, DistroId, MatrixResult};

/// Rows, columns and the cells between them.
#[derive(Debug)]
pub struct Grid<'a> {
    /// Rows in the order of matrix.yaml; a distro that is only in the cells comes last.
    pub distros: Vec<&'a DistroId>,
    /// Columns in the order of matrix.yaml; an ATS that is only in the cells comes last.
    pub ats: Vec<&'a AtsId>,
    cells: BTreeMap<&'a CellId, &'a CellResult>,
}

impl<'a> Grid<'a> {
    /// The grid of `result`. The order of its cells does not matter.
    pub fn new(result: &'a MatrixResult) -> Self {
        let cells: BTreeMap<_, _> = result.cells.iter().map(|cell| (&cell.id, cell)).collect();
        // Every cell is shown, also one that a manual edit put outside the axes.
        let distros = once_each(result.distros.iter().chain(cells.keys().map(|id| &id.distro)));
        let mut strays: Vec<_> = cells.keys().map(|id| &id.ats).collect();
        strays.sort();
        let ats = once_each(result.ats.iter().chain(strays));
        Self { distros, ats, cells }
    }

    /// The cell in a row and a column, if there is one.
    pub fn cell(&self, distro: &DistroId, ats: &AtsId) -> Option<&'a CellResult> {
        self.cells.get(&CellId { distro: distro.clone(), ats: ats.clone() }).copied()
    }

    /// The cells of a row, from left to right.
    pub fn row(&self, distro: &DistroId) -> impl Iterator<Item = &'a CellResult> {
        self.ats.iter().filter_map(|ats| self.cell(distro, ats))
    }

    /// All cells, row by row.
    pub fn cells(&self) -> impl Iterator<Item = &'a CellResult> {
        self.distros.iter().flat_map(|distro| self.row(distro))
    }

    /// The OpenSSL versions that the cells of a row loaded, each once, from left to right. More than one is normal:
    /// a package may pin another libssl.
    pub fn openssl(&self, distro: &DistroId) -> Vec<&'a str> {
        let mut versions = Vec::new();
        for library in self.row(distro).filter_map(|cell| cell.provenance.openssl.as_ref()) {
            if !versions.contains(&library.version.as_str()) {
                versions.push(library.version.as_str());
            }
        }
        versions
    }
}

fn once_each<'a, T: PartialEq>(names: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use crate::words::fixture;

    use super::*;

    #[test]
    fn cells_are_sorted_row_by_row() {
        let mut result = fixture::matrix();
        let ordered: Vec<_> = Grid::new(&result).cells().map(|cell| cell.id.clone()).collect();
        result.cells.reverse();
        let reversed: Vec<_> = Grid::new(&result).cells().map(|cell| cell.id.clone()).collect();
        assert_eq!(ordered, reversed);
        assert_eq!(ordered[0].to_string(), "debian-12/9.2.5");
    }

    #[test]
    fn a_cell_outside_the_axes_is_shown() {
        let mut result = fixture::matrix();
        result.distros.retain(|distro| distro.as_str() != "debian-13");
        result.ats.retain(|ats| ats.as_str() != "9.2.9");
        let grid = Grid::new(&result);
        assert_eq!(grid.cells().count(), result.cells.len());
        assert_eq!(grid.distros.last().unwrap().as_str(), "debian-13");
    }

    #[test]
    fn a_row_lists_every_openssl_it_ran_with() {
        let mut result = fixture::matrix();
        let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-13/9.2.9").unwrap();
        cell.provenance.openssl.as_mut().unwrap().version = "3.0.20".into();
        let grid = Grid::new(&result);
        assert_eq!(grid.openssl(&"debian-13".parse().unwrap()), ["3.5.7", "3.0.20"]);
        assert!(grid.openssl(&"fedora-40".parse().unwrap()).is_empty());
    }
}
