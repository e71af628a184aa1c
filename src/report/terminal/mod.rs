//! The result for a terminal or a CI log: the matrix, then what did not pass and why, then a summary line.

mod details;
mod table;

use crate::model::{CellResult, MatrixResult, Verdict};
use crate::words::finding::{Finding, Trials, findings, gaps};
use crate::words::grid::Grid;
use crate::words::ink::Ink;
use crate::words::legend::LegendMark;
use crate::words::mark::{Mark, tally};
use crate::words::{legend, limits, paragraph};

/// The terminal that the output is for. The caller detects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Width in columns.
    pub width: u16,
    /// Whether to use ANSI colours. Colours only repeat what the words say.
    pub colour: bool,
}

/// The full report. Ends with a newline.
pub fn render(result: &MatrixResult, screen: Screen) -> String {
    let grid = Grid::new(result);
    let mut text = table::render(&grid, screen);
    for finding in findings(&grid) {
        text.push('\n');
        text.push_str(&details::finding(&finding, screen));
    }
    let limited = limits::of_all(&grid);
    if !limited.is_empty() {
        text.push('\n');
    }
    for one in &limited {
        text.push_str(&details::limited(one, screen));
    }
    let gaps = gaps(&grid);
    if !gaps.is_empty() {
        text.push('\n');
    }
    for gap in &gaps {
        text.push_str(&details::gap(gap, &grid, screen));
    }
    text.push('\n');
    text.push_str(&legend(&grid, screen));
    text.push('\n');
    text.push_str(&painted(
        &paragraph::wrap("", 2, &tally(grid.cells()), usize::from(screen.width)),
        Ink::Strong,
        screen,
    ));
    text
}

/// Only the matrix. Ends with a newline.
pub fn matrix(result: &MatrixResult, screen: Screen) -> String {
    table::render(&Grid::new(result), screen)
}

/// Everything about one cell, as in the full report. Ends with a newline.
pub fn cell(cell: &CellResult, screen: Screen) -> String {
    details::finding(&Finding::of(cell), screen)
}

/// The legend of the verdicts and marks that occur in this matrix, without `pass`.
fn legend(grid: &Grid, screen: Screen) -> String {
    let width = usize::from(screen.width);
    let verdicts = legend::VERDICTS
        .into_iter()
        .filter(|verdict| *verdict != Verdict::Pass && grid.cells().any(|cell| cell.verdict == *verdict))
        .map(|verdict| (verdict.word(), legend::verdict(verdict)));
    let blank = grid.distros.iter().any(|distro| grid.ats.iter().any(|ats| grid.cell(distro, ats).is_none()));
    let marks = legend::MARKS
        .into_iter()
        .filter(|mark| (blank && *mark == LegendMark::Absent) || grid.cells().any(|cell| shows(cell, *mark)))
        .map(|mark| (mark.text(), mark.meaning()));
    verdicts
        .chain(marks)
        .map(|(word, meaning)| painted(&paragraph::wrap(&format!("{word:<12} "), 13, meaning, width), Ink::Dim, screen))
        .collect()
}

/// Paints each line separately, so that a pager or a truncation does not leave the colour on.
fn painted(lines: &str, ink: Ink, screen: Screen) -> String {
    lines.lines().map(|line| ink.paint(line, screen.colour) + "\n").collect()
}

/// Whether a cell of the matrix shows `mark`.
fn shows(cell: &CellResult, mark: LegendMark) -> bool {
    let passes = cell.verdict == Verdict::Pass;
    match mark {
        LegendMark::Limitation => !Trials::of(cell).limited.is_empty(),
        LegendMark::Expected => Mark::of(cell) == Mark::Expected,
        LegendMark::UnexpectedPass => match Mark::of(cell) {
            Mark::LimitationGone => true,
            Mark::Unexpected(_) => passes,
            Mark::None | Mark::Expected | Mark::Partly | Mark::Optional => false,
        },
        LegendMark::Unexpected => match Mark::of(cell) {
            Mark::Unexpected(_) => !passes,
            Mark::Partly => true,
            Mark::None | Mark::Expected | Mark::LimitationGone | Mark::Optional => false,
        },
        LegendMark::Optional => Mark::of(cell) == Mark::Optional,
        LegendMark::Absent => false,
    }
}

#[cfg(test)]
mod tests;
