//! Known limitations of cells.

use crate::model::{CellResult, IssueMatch, Outcome};
use crate::verdict::{self, Surprise, Terms};

use super::grid::Grid;

/// Cells with the same known limitation.
#[derive(Debug)]
pub struct Limited<'a> {
    /// Id of the known issue.
    pub issue: &'a str,
    /// The known issue as committed.
    pub known: Option<&'a IssueMatch>,
    /// The trials, in the catalogue's order.
    pub trials: Vec<&'a str>,
    /// Row by row.
    pub cells: Vec<&'a CellResult>,
}

/// The known limitations of a cell, one per known issue.
pub fn of_cell(cell: &CellResult) -> Vec<Limited<'_>> {
    let mut found: Vec<Limited<'_>> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Limitation) {
        let issue = trial.limitation.as_deref().unwrap_or("an unnamed issue");
        if let Some(limited) = found.iter_mut().find(|limited| limited.issue == issue) {
            limited.trials.push(&trial.id);
            continue;
        }
        let known = cell.known_issues.iter().find(|known| known.id == issue);
        found.push(Limited { issue, known, trials: vec![&trial.id], cells: vec![cell] });
    }
    found
}

/// The known limitations of all cells, equal ones grouped, in order of the first cell.
pub fn of_all<'a>(grid: &Grid<'a>) -> Vec<Limited<'a>> {
    let mut found: Vec<Limited<'a>> = Vec::new();
    for limited in grid.cells().flat_map(of_cell) {
        match found.iter_mut().find(|other| other.issue == limited.issue && other.trials == limited.trials) {
            Some(other) => other.cells.extend(limited.cells),
            None => found.push(limited),
        }
    }
    found
}

/// `tunnel-route-split-hello (ATS-11758), http-expect-100 (ATS-7346)`; empty if there is none.
pub fn names(cell: &CellResult) -> String {
    let one = |limited: &Limited<'_>| format!("{} ({})", limited.trials.join(", "), limited.issue);
    of_cell(cell).iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Known limitations whose trials pass, as sentences.
pub fn gone(cell: &CellResult) -> Vec<String> {
    let surprises = verdict::surprises(cell, &Terms::default());
    surprises.iter().filter(|it| matches!(it, Surprise::LimitationGone { .. })).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fixture;

    #[test]
    fn cells_with_the_same_limitation_are_grouped() {
        let mut result = fixture::matrix();
        let limited = ["debian-12/9.2.5", "debian-14/9.2.9"];
        for cell in result.cells.iter_mut().filter(|cell| limited.contains(&cell.id.to_string().as_str())) {
            (cell.trials[3].outcome, cell.trials[3].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
        }
        let grid = Grid::new(&result);
        let all = of_all(&grid);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].issue, all[0].trials.as_slice(), all[0].cells.len()), ("ATS-11758", &["tls12-only"][..], 2));
        assert_eq!(names(all[0].cells[1]), "tls12-only (ATS-11758)");
        assert!(gone(all[0].cells[0]).is_empty());
    }
}
