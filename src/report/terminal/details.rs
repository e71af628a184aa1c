//! The part below the matrix: failures with their evidence, known issues and expectations.

use std::fmt::Write as _;

use crate::model::{CellResult, IssueMatch, TrialResult};
use crate::words::escape::{LINE, SHORT, terminal};
use crate::words::finding::{Finding, Gap, Trials, names};
use crate::words::grid::Grid;
use crate::words::ink::Ink;
use crate::words::limits::{self, Limited};
use crate::words::mark::{Mark, ink, word};
use crate::words::paragraph::wrap;
use crate::words::workaround;

use super::{Screen, painted};

/// Number of lines of evidence shown.
const EVIDENCE: usize = 3;

/// Maximum length of a list of trials, in characters.
const NAMES: usize = 2000;

/// A failure and the cells that share it.
pub(super) fn finding(finding: &Finding, screen: Screen) -> String {
    let width = usize::from(screen.width);
    let example = finding.example;
    let mut text = heading(finding, screen);
    if let Some(reason) = &example.reason {
        text.push_str(&wrap("  ", 2, &terminal(reason, LINE), width));
    }
    if !example.trials.is_empty() {
        text.push_str(&trials(finding, width));
    }
    for issue in &example.known_issues {
        text.push_str(&known_issue(issue, width));
    }
    for gone in limits::gone(example) {
        text.push_str(&wrap("  ", 4, &terminal(&gone, LINE), width));
    }
    text.push_str(&unknown(example, width));
    for cell in &finding.cells {
        text.push_str(&expectation(cell, finding.cells.len() > 1, width));
    }
    text
}

/// `fail: debian-13/9.2.5 (expected), debian-14/9.2.5`.
fn heading(finding: &Finding, screen: Screen) -> String {
    let ids: Vec<String> = finding
        .cells
        .iter()
        .map(|cell| match Mark::of(cell).note() {
            Some(note) => format!("{} {note}", cell.id),
            None => cell.id.to_string(),
        })
        .collect();
    let word = word(finding.example);
    let plain = wrap(&format!("{word}: "), 2, &ids.join(", "), usize::from(screen.width));
    // Painted after wrapping: escape sequences take no columns.
    plain.replacen(&word, &ink(finding.example).paint(&word, screen.colour), 1)
}

/// The trials of the first cell. The cell is named if the tally of another one differs.
fn trials(finding: &Finding, width: usize) -> String {
    let cell = finding.example;
    let trials = Trials::of(cell);
    let same = finding.cells.iter().all(|other| Trials::of(other).tally() == trials.tally());
    let whose = if same { String::new() } else { format!("{}: ", cell.id) };
    if let Some(cause) = trials.one_cause() {
        let cause = format!("{whose}{}: {}", trials.tally(), terminal(cause, LINE));
        return wrap("  ", 4, &cause, width) + &wrap("  ", 4, &trials.control_tally(), width);
    }
    let mut text = String::new();
    let listed = |title: String, trials: &[&TrialResult]| match trials {
        [] => wrap("  ", 4, &title, width),
        trials => wrap("  ", 4, &format!("{title}: {}", terminal(&names(trials), NAMES)), width),
    };
    text.push_str(&listed(whose + &trials.tally(), &trials.failing));
    text.push_str(&listed(trials.control_tally(), &trials.broken_controls));
    if let Some(first) = trials.not_passed().next() {
        let line = format!("{}: {}", terminal(&first.id, SHORT), terminal(&first.summary, LINE));
        text.push_str(&wrap("  ", 4, &line, width));
        for line in first.evidence.iter().take(EVIDENCE) {
            text.push_str(&wrap("    ", 6, &terminal(line, LINE), width));
        }
        if first.evidence.len() > EVIDENCE {
            let more = format!("{} more lines in results/README.md, {}", first.evidence.len() - EVIDENCE, cell.id);
            text.push_str(&wrap("    ", 6, &more, width));
        }
    }
    text
}

fn known_issue(issue: &IssueMatch, width: usize) -> String {
    let title = format!("{} ({}): {}", terminal(&issue.id, SHORT), issue.certainty(), terminal(&issue.title, LINE));
    let fix = format!("fixed in {}; what to do: {}", terminal(&issue.fixed_in, SHORT), terminal(&issue.way_out, LINE));
    let tried = issue.workarounds.iter().map(|tried| wrap("    ", 4, &terminal(&workaround::line(tried), LINE), width));
    let link = wrap("    ", 4, &terminal(&issue.link, LINE), width);
    wrap("  ", 4, &title, width) + &link + &wrap("    ", 4, &fix, width) + &tried.collect::<String>()
}

/// Failures that no known issue explains.
fn unknown(cell: &CellResult, width: usize) -> String {
    let trials = workaround::unexplained(cell);
    if trials.is_empty() {
        return String::new();
    }
    let trials = match Trials::of(cell).one_cause() {
        Some(_) => "this".to_owned(),
        None => terminal(&trials.join(", "), NAMES),
    };
    let text = format!("unknown: no known issue matches {trials}; see `atsmatrix explain {}`", cell.id);
    wrap("  ", 4, &text, width)
}

/// What matrix.yaml expects of the cell, and what to do if that is out of date.
fn expectation(cell: &CellResult, named: bool, width: usize) -> String {
    let whose = if named { format!("{} ", cell.id) } else { String::new() };
    let mut lines = String::new();
    for expected in cell.expectations() {
        let mut text =
            format!("{whose}expected {}: {}", terminal(&expected.what(), SHORT), terminal(&expected.reason, LINE));
        if let Some(link) = &expected.link {
            let _ = write!(text, " ({})", terminal(link, LINE));
        }
        if let Some(last) = expected.expires {
            let _ = write!(text, ", until {last}");
        }
        if let Mark::Unexpected(_) = Mark::of(cell) {
            let _ = write!(text, "; now {}: correct `expect` in matrix.yaml", cell.verdict);
        }
        lines.push_str(&wrap("  ", 4, &text, width));
    }
    lines
}

/// Cells with the same known limitation, and the known issue.
pub(super) fn limited(limited: &Limited, screen: Screen) -> String {
    let width = usize::from(screen.width);
    let cells: Vec<String> = limited.cells.iter().map(|cell| cell.id.to_string()).collect();
    let trials = terminal(&limited.trials.join(", "), NAMES);
    let text = format!("{} in {trials}: {}", terminal(limited.issue, SHORT), cells.join(", "));
    painted(&wrap("known limitation: ", 2, &text, width), Ink::Dim, screen)
        + &limited.known.map_or(String::new(), |issue| painted(&known_issue(issue, width), Ink::Dim, screen))
}

/// Cells that are unavailable for the same reason. A complete row is written as `fedora-40/*`.
pub(super) fn gap(gap: &Gap, grid: &Grid, screen: Screen) -> String {
    let mut names: Vec<String> = Vec::new();
    for distro in &grid.distros {
        let here: Vec<_> = gap.cells.iter().filter(|cell| cell.id.distro == **distro).collect();
        let alike = here.windows(2).all(|pair| pair[0].optional == pair[1].optional);
        let note = |cell: &CellResult| Mark::of(cell).note().map_or(String::new(), |note| format!(" {note}"));
        match here.as_slice() {
            [first, _, ..] if alike && here.len() == grid.row(distro).count() => {
                names.push(format!("{distro}/*{}", note(first)));
            }
            here => names.extend(here.iter().map(|cell| format!("{}{}", cell.id, note(cell)))),
        }
    }
    let text = format!("{}: {}", names.join(", "), terminal(gap.reason, LINE));
    painted(&wrap("unavailable: ", 2, &text, usize::from(screen.width)), Ink::Dim, screen)
}
