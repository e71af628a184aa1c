//! The result as somebody reads it in a terminal or a CI log: the matrix, then what did not pass
//! and why, then one line of sum. The only user of comfy-table.

mod details;
mod table;

use crate::model::{CellResult, MatrixResult, Verdict};
use crate::words::finding::{Finding, Trials, findings, gaps};
use crate::words::grid::Grid;
use crate::words::ink::Ink;
use crate::words::mark::{Mark, sum};
use crate::words::{legend, limits, paragraph};

/// What the output must fit. The caller knows the terminal and the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Columns.
    pub width: u16,
    /// Whether to use ANSI colours. Without them every distinction is still there in words.
    pub colour: bool,
}

/// The whole report. Ends with a line end.
pub fn render(result: &MatrixResult, shape: Shape) -> String {
    let grid = Grid::new(result);
    let mut text = table::render(&grid, shape);
    for finding in findings(&grid) {
        text.push('\n');
        text.push_str(&details::finding(&finding, shape));
    }
    let limited = limits::of_all(&grid);
    if !limited.is_empty() {
        text.push('\n');
    }
    for one in &limited {
        text.push_str(&details::limited(one, shape));
    }
    let gaps = gaps(&grid);
    if !gaps.is_empty() {
        text.push('\n');
    }
    for gap in &gaps {
        text.push_str(&details::gap(gap, &grid, shape));
    }
    text.push('\n');
    text.push_str(&legend(&grid, shape));
    text.push('\n');
    text.push_str(&painted(&paragraph::wrap("", 2, &sum(grid.cells()), usize::from(shape.width)), Ink::Strong, shape));
    text
}

/// The matrix alone. Ends with a line end.
pub fn matrix(result: &MatrixResult, shape: Shape) -> String {
    table::render(&Grid::new(result), shape)
}

/// Everything about one cell, passed or not, as in the whole report. Ends with a line end.
pub fn cell(cell: &CellResult, shape: Shape) -> String {
    details::finding(&Finding::of(cell), shape)
}

/// The words that occur in this matrix; `pass` explains itself.
fn legend(grid: &Grid, shape: Shape) -> String {
    let width = usize::from(shape.width);
    let verdicts = legend::VERDICTS
        .into_iter()
        .filter(|verdict| *verdict != Verdict::Pass && grid.cells().any(|cell| cell.verdict == *verdict))
        .map(|verdict| (verdict.word(), legend::verdict(verdict)));
    let blank = grid.distros.iter().any(|distro| grid.ats.iter().any(|ats| grid.cell(distro, ats).is_none()));
    let marks = legend::MARKS.into_iter().filter(|(mark, _)| match *mark {
        "·" => blank,
        mark => grid.cells().any(|cell| shows(cell, mark)),
    });
    verdicts
        .chain(marks)
        .map(|(word, meaning)| painted(&paragraph::wrap(&format!("{word:<12} "), 13, meaning, width), Ink::Dim, shape))
        .collect()
}

/// Each line in a colour of its own, so that a pager or a cut does not leave the colour on.
fn painted(lines: &str, ink: Ink, shape: Shape) -> String {
    lines.lines().map(|line| ink.paint(line, shape.colour) + "\n").collect()
}

fn shows(cell: &CellResult, mark: &str) -> bool {
    if mark == "known limitation" {
        return !Trials::of(cell).limited.is_empty();
    }
    match Mark::of(cell) {
        Mark::None => false,
        Mark::Expected => mark == "(expected)",
        Mark::Lifted => mark == "PASS?!",
        Mark::Unexpected(_) if cell.verdict == Verdict::Pass => mark == "PASS?!",
        Mark::Unexpected(_) | Mark::Partly => mark == "?!",
        Mark::Optional => mark == "(optional)",
    }
}

#[cfg(test)]
mod tests;
