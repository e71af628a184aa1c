//! What is not as expected, cell by cell, in a few lines: for the end of a run, for summaries.

use crate::model::{CellResult, Expected, MatrixResult, Verdict};
use crate::verdict::{self, Standing, Surprise, Terms};

use super::finding::Trials;
use super::grid::Grid;
use super::outline::Outline;

/// Something to be told about a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// The cell.
    pub cell: &'a CellResult,
    /// Whether there is no answer, rather than another one than expected.
    pub unanswered: bool,
    /// The expectation that is out of date, if it is about one.
    pub expected: Option<&'a Expected>,
    /// What there is to say; may hold text from containers.
    pub text: String,
    /// What to do.
    pub way_out: &'static str,
}

/// What to do about cells that are newly tested.
pub const NEWS_WAY_OUT: &str = "look at them; if they must be lived with: atsmatrix expect --update";

/// Everything that turns a run red, in the order of the matrix.
pub fn items<'a>(result: &'a MatrixResult, terms: &Terms<'_>) -> Vec<Item<'a>> {
    Grid::new(result).cells().flat_map(|cell| of_cell(cell, terms)).collect()
}

/// Cells that fail and turn no run red yet, in the order of the matrix.
pub fn newly_tested<'a>(result: &'a MatrixResult, terms: &Terms<'_>) -> Vec<&'a CellResult> {
    Grid::new(result).cells().filter(|cell| verdict::standing(cell, terms) == Standing::New).collect()
}

fn of_cell<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<Item<'a>> {
    let reason = cell.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let standing = verdict::standing(cell, terms);
    if standing == Standing::New {
        return Vec::new();
    }
    if standing == Standing::Unanswered {
        let text = if cell.verdict.is_answer() {
            format!("has no answer in {}", verdict::unanswered(cell).join(", "))
        } else {
            format!("has no answer, {}{reason}", cell.verdict)
        };
        let way_out = match cell.verdict {
            Verdict::Unavailable => "see to it that its parts can be had, or declare it `optional`",
            _ => "it was tried twice: see to what it names, then run the cell; its evidence is in the run's folder",
        };
        return vec![Item { cell, unanswered: true, expected: None, text, way_out }];
    }
    let trials = Trials::of(cell);
    let told = |surprise: Surprise<'a>| {
        let text = match (&surprise, trials.one_cause()) {
            (Surprise::Trouble { trials: strays, .. }, Some(cause)) if strays.len() > 1 => {
                format!("fails in all of its trials, which matrix.yaml does not expect: {cause}")
            }
            _ => surprise.to_string(),
        };
        let (expected, text, way_out) = match surprise {
            Surprise::Trouble { .. } if !cell.known_issues.is_empty() => (
                None,
                text + &reason,
                "its known issue has a way out; if it must be lived with: atsmatrix expect --update",
            ),
            Surprise::Trouble { .. } => {
                (None, text + &reason, "look at its evidence; if it must be lived with: atsmatrix expect --update")
            }
            Surprise::Mended { expected, .. } => {
                (Some(expected), text, "take it out of matrix.yaml: atsmatrix expect --update")
            }
            Surprise::Lifted { .. } => (None, text, verdict::LIFTED_WAY_OUT),
            Surprise::Expired { expected, .. } => {
                (Some(expected), text, "look at it again: mend it, or give matrix.yaml a later day and a new reason")
            }
        };
        Item { cell, unanswered: false, expected, text, way_out }
    };
    verdict::surprises(cell, terms).into_iter().map(told).collect()
}

/// The items in words; no lines where all is as expected.
pub fn outline(items: &[Item<'_>]) -> Outline {
    let mut outline = Outline::default();
    if items.is_empty() {
        return outline;
    }
    let count = |unanswered: bool| {
        let mut cells: Vec<_> = items.iter().filter(|it| it.unanswered == unanswered).map(|it| &it.cell.id).collect();
        cells.dedup();
        cells.len()
    };
    let cells = |count: usize| if count == 1 { "1 cell".to_owned() } else { format!("{count} cells") };
    let parts: Vec<String> = [(count(false), "not as expected"), (count(true), "without an answer")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", cells(count)))
        .collect();
    outline.line(0).strong(parts.join(", ")).say(":");
    for item in items {
        outline.line(1).strong(&item.cell.id).say(" ").say(&item.text);
        outline.line(2).say("way out: ").say(item.way_out);
    }
    outline
}

/// Cells that have an answer for the first time, in words; no lines where there are none.
pub fn news(cells: &[&CellResult]) -> Outline {
    let mut outline = Outline::default();
    if cells.is_empty() {
        return outline;
    }
    let count = if cells.len() == 1 { "1 cell".to_owned() } else { format!("{} cells", cells.len()) };
    outline.line(0).strong(format!("{count} newly tested")).say(", which turns no run red yet:");
    for cell in cells {
        let reason = cell.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
        outline.line(1).strong(&cell.id).say(format!(" {}{reason}", cell.verdict));
    }
    outline.line(1).say("way out: ").say(NEWS_WAY_OUT);
    outline
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::words::fixture;

    #[test]
    fn every_red_cell_says_why_and_what_to_do() {
        let result = fixture::matrix();
        assert_snapshot!(outline(&items(&result, &Terms::default())).text(), @"
        4 cells not as expected, 1 cell without an answer:
          debian-12/9.2.9 is flaky in keepalive-race, which matrix.yaml does not expect
            way out: look at its evidence; if it must be lived with: atsmatrix expect --update
          debian-13/9.2.5-backport does not fail as matrix.yaml expects: the backport was incomplete
            way out: take it out of matrix.yaml: atsmatrix expect --update
          debian-13/9.2.9 has no answer, error: the origin did not answer the direct control
            way out: it was tried twice: see to what it names, then run the cell; its evidence is in the run's folder
          debian-14/9.2.5 fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect
            way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update
          forecast/9.2.9 does not compile, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
            way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update
        ");
        let red = items(&result, &Terms::default()).len();
        assert_eq!(items(&result, &Terms { strict: true, ..Terms::default() }).len(), red + 3);
    }

    #[test]
    fn one_cause_is_one_line() {
        let mut result = fixture::matrix();
        result.cells = vec![fixture::stillborn("debian-13/9.2.5")];
        assert_snapshot!(outline(&items(&result, &Terms::default())).text(), @"
        1 cell not as expected:
          debian-13/9.2.5 fails in all of its trials, which matrix.yaml does not expect: ATS did not start: it said: FATAL: no libssl.so.9
            way out: look at its evidence; if it must be lived with: atsmatrix expect --update
        ");
    }

    #[test]
    fn what_is_newly_tested_is_told_by_itself() {
        let result = fixture::matrix();
        let cells: Vec<&CellResult> = result.cells.iter().filter(|cell| cell.verdict == Verdict::Unbuildable).collect();
        assert_snapshot!(news(&cells).text(), @"
        1 cell newly tested, which turns no run red yet:
          forecast/9.2.9 unbuildable: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
          way out: look at them; if they must be lived with: atsmatrix expect --update
        ");
        assert_eq!(news(&[]).text(), "");
    }

    #[test]
    fn nothing_is_said_where_all_is_as_expected() {
        let mut result = fixture::matrix();
        result.cells.retain(|cell| ["debian-12/9.2.5", "debian-13/9.2.5"].contains(&cell.id.to_string().as_str()));
        assert_eq!(outline(&items(&result, &Terms::default())).text(), "");
    }
}
