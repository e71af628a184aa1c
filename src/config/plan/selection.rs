//! The cells that a user selected.

use crate::config::matrix::{Globs, Matrix, did_you_mean};
use crate::model::CellId;

/// Patterns over the axes; `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Over distro names.
    pub distros: Option<Globs>,
    /// Over ATS names.
    pub ats: Option<Globs>,
}

/// Why nothing can be planned and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectionError(pub(super) String);

impl Selection {
    /// Whether it selects the cell.
    pub fn matches(&self, cell: &CellId) -> bool {
        self.distros.as_ref().is_none_or(|globs| globs.matches(cell.distro.as_str()))
            && self.ats.as_ref().is_none_or(|globs| globs.matches(cell.ats.as_str()))
    }

    /// Checks that every pattern matches a name of the matrix.
    pub fn check(&self, matrix: &Matrix) -> Result<(), SelectionError> {
        let distros: Vec<&str> = matrix.distros.iter().map(|distro| distro.id.as_str()).collect();
        let ats: Vec<&str> = matrix.ats.iter().map(|ats| ats.id.as_str()).collect();
        for (what, globs, names) in [("distro", &self.distros, distros), ("ATS", &self.ats, ats)] {
            let dangling = globs.as_ref().map(|globs| globs.dangling(&names)).unwrap_or_default();
            if let Some(pattern) = dangling.first() {
                let help = did_you_mean(pattern, names.iter().copied());
                let help = help.unwrap_or_else(|| format!("expected one of {}", names.join(", ")));
                return Err(SelectionError(format!("no {what} matches `{pattern}`; {help}")));
            }
        }
        Ok(())
    }
}
