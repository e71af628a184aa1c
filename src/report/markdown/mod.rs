//! results/README.md: the result as a Markdown page. Deterministic: it has no times and no run id, and does not depend on
//! the order of the cells, so that a diff shows only what changed.

mod cell;
mod provenance;

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::{Bisection, CellId, CellResult, IssueMatch, MatrixResult};
use crate::words::bisection;
use crate::words::escape::{LINE, SHORT, markdown, markdown_link};
use crate::words::finding::{Trials, gaps, needs_explanation};
use crate::words::grid::Grid;
use crate::words::legend;
use crate::words::limits;
use crate::words::mark::{Mark, label_with_count, tally};

/// The page. Ends with a newline.
pub fn render(result: &MatrixResult) -> String {
    with_bisections(result, &[])
}

/// The page with a section about bisections.
pub fn with_bisections(result: &MatrixResult, bisections: &[Bisection]) -> String {
    let grid = Grid::new(result);
    let sections = [
        title(&grid),
        reproduce(result),
        matrix(&grid),
        findings(&grid),
        bisected(result, bisections),
        limited(&grid),
        unavailable(&grid),
        known_issues(&grid),
        provenance::section(&grid),
        legend(),
    ];
    sections.into_iter().filter(|section| !section.is_empty()).collect::<Vec<_>>().join("\n")
}

fn title(grid: &Grid) -> String {
    format!(
        "# Apache Traffic Server by Linux distro\n\n\
         {}.\n\n\
         Written by `atsmatrix run`, which overwrites manual changes. `matrix.json` has the same results for machines.\n",
        tally(grid.cells())
    )
}

fn reproduce(result: &MatrixResult) -> String {
    format!(
        "## How to reproduce\n\n\
         ```sh\natsmatrix run\n```\n\n\
         Digest of `matrix.yaml` as run: `{}`.\n",
        markdown(&result.matrix, SHORT)
    )
}

/// The matrix; a cell links to its section, whose anchor is the cell's name.
fn matrix(grid: &Grid) -> String {
    let mut rows = vec![
        row(["distro".to_owned(), "OpenSSL at run time".to_owned()]
            .into_iter()
            .chain(grid.ats.iter().map(|ats| markdown(ats.as_str(), SHORT)))),
        format!("|---|---|{}", "---|".repeat(grid.ats.len())),
    ];
    for distro in &grid.distros {
        let head = [markdown(distro.as_str(), SHORT), markdown(&grid.openssl(distro).join(", "), SHORT)];
        let cells = grid.ats.iter().map(|ats| grid.cell(distro, ats).map_or("·".to_owned(), linked));
        rows.push(row(head.into_iter().chain(cells)));
    }
    format!("## Matrix\n\n{}\n", rows.join("\n"))
}

fn linked(cell: &CellResult) -> String {
    let has_section = needs_explanation(cell) || !cell.verdict.is_answer() || !Trials::of(cell).limited.is_empty();
    let label = label_with_count(cell);
    if has_section { format!("[{label}](#{})", cell.id) } else { label }
}

/// The target of `#debian-13/9.2.5`.
fn anchor(id: &CellId) -> String {
    format!("<a id=\"{id}\"></a>")
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.fold("|".to_owned(), |row, cell| format!("{row} {cell} |"))
}

fn findings(grid: &Grid) -> String {
    let sections: Vec<String> = grid.cells().filter(|cell| needs_explanation(cell)).map(cell::section).collect();
    if sections.is_empty() {
        return String::new();
    }
    format!("## Findings\n\n{}", sections.join("\n"))
}

/// The answers of bisections.
fn bisected(result: &MatrixResult, bisections: &[Bisection]) -> String {
    if bisections.is_empty() {
        return String::new();
    }
    let mut text = "## Found by bisecting\n\n".to_owned();
    for one in bisections {
        let (trial, sentence) = (markdown(&one.trial, SHORT), markdown(&bisection::sentence(one), 4 * LINE));
        let _ = write!(text, "- [{0}](#{0}), {trial}: {sentence}", one.bad);
        if let Some(why) = bisection::stale(one, result) {
            let _ = write!(
                text,
                ". **Out of date**: {}; repeat it with `{}`",
                markdown(&why, LINE),
                bisection::command(one)
            );
        }
        text.push('\n');
    }
    text
}

/// The known limitations of cells. Cells with a section of their own repeat them there.
fn limited(grid: &Grid) -> String {
    let cells: Vec<&CellResult> = grid.cells().filter(|cell| !Trials::of(cell).limited.is_empty()).collect();
    if cells.is_empty() {
        return String::new();
    }
    let mut text = "## Known limitations\n\n\
                    Each fails because of a known issue that affects this ATS on every distro. For its evidence: \
                    `atsmatrix explain CELL TRIAL`.\n\n"
        .to_owned();
    for cell in cells {
        let anchor = if needs_explanation(cell) { String::new() } else { anchor(&cell.id) };
        let tally = Trials::of(cell).count().unwrap_or_default();
        let _ = writeln!(text, "- {anchor}{}: {tally}: {}", cell.id, markdown(&limits::names(cell), LINE));
    }
    text
}

fn unavailable(grid: &Grid) -> String {
    let gaps = gaps(grid);
    if gaps.is_empty() {
        return String::new();
    }
    let mut text = "## Unavailable\n\n".to_owned();
    for gap in gaps {
        let name = |cell: &&CellResult| match Mark::of(cell).note() {
            Some(note) => format!("{}{} {note}", anchor(&cell.id), cell.id),
            None => format!("{}{}", anchor(&cell.id), cell.id),
        };
        let cells = gap.cells.iter().map(name).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "- {cells}: {}", markdown(gap.reason, LINE));
    }
    text
}

fn known_issues(grid: &Grid) -> String {
    let mut issues: Vec<(&IssueMatch, Vec<&CellId>)> = Vec::new();
    for cell in grid.cells() {
        for issue in &cell.known_issues {
            match issues.iter_mut().find(|(known, _)| known.id == issue.id) {
                Some((_, cells)) => cells.push(&cell.id),
                None => issues.push((issue, vec![&cell.id])),
            }
        }
    }
    if issues.is_empty() {
        return String::new();
    }
    issues.sort_by_key(|(issue, _)| &issue.id);
    let mut text = "## Known issues\n\n\
                    | issue | title | fixed in | what to do | cells |\n|---|---|---|---|---|\n"
        .to_owned();
    for (issue, cells) in issues {
        let cells = cells.iter().map(|id| format!("[{id}](#{id})")).collect::<Vec<_>>().join(", ");
        let line = [
            markdown_link(&issue.id, &issue.link),
            markdown(&issue.title, LINE),
            markdown(&issue.fixed_in, SHORT),
            markdown(&issue.way_out, LINE),
            cells,
        ];
        text.push_str(&row(line.into_iter()));
        text.push('\n');
    }
    text
}

fn legend() -> String {
    let mut text = "## Legend\n\nVerdict of a cell:\n\n".to_owned();
    for verdict in legend::VERDICTS {
        let _ = writeln!(text, "- **{verdict}**: {}", legend::verdict(verdict));
    }
    for mark in legend::MARKS {
        let _ = writeln!(text, "- **{}**: {}", mark.text(), mark.meaning());
    }
    text.push_str("\nOutcome of a trial:\n\n");
    for outcome in legend::OUTCOMES {
        let _ = writeln!(text, "- **{outcome}**: {}", legend::outcome(outcome));
    }
    text
}

#[cfg(test)]
mod tests;
