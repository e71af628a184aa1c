//! Lists what is not as expected, cell by cell: for the end of a run and for summaries.

use crate::model::{CellResult, Expected, MatrixResult, Verdict};
use crate::verdict::{self, Assessment, Surprise, Terms};

use super::finding::Trials;
use super::grid::Grid;
use super::outline::TextOutline;

/// Something to report about a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// The cell.
    pub cell: &'a CellResult,
    /// Whether there is no answer, rather than an unexpected one.
    pub unanswered: bool,
    /// The expectation that is out of date, if there is one.
    pub expected: Option<&'a Expected>,
    /// What is unexpected; may contain text from containers.
    pub text: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What to do about cells that are newly tested.
pub const NEWLY_TESTED_ADVICE: &str = "inspect them; to accept them: atsmatrix expect --update";

/// Everything that fails a run, in the order of the matrix.
pub fn items<'a>(result: &'a MatrixResult, terms: &Terms<'_>) -> Vec<Item<'a>> {
    Grid::new(result).cells().flat_map(|cell| of_cell(cell, terms)).collect()
}

/// Cells that fail but do not fail the run yet, in the order of the matrix.
pub fn newly_tested<'a>(result: &'a MatrixResult, terms: &Terms<'_>) -> Vec<&'a CellResult> {
    Grid::new(result).cells().filter(|cell| verdict::assess(cell, terms) == Assessment::NewlyTested).collect()
}

fn of_cell<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<Item<'a>> {
    match verdict::assess(cell, terms) {
        Assessment::NewlyTested => Vec::new(),
        Assessment::Unanswered => vec![unanswered(cell)],
        Assessment::Expected | Assessment::Unexpected | Assessment::Excused => {
            verdict::surprises(cell, terms).into_iter().map(|surprise| unexpected(cell, &surprise)).collect()
        }
    }
}

fn unanswered(cell: &CellResult) -> Item<'_> {
    let text = if cell.verdict.is_answer() {
        format!("has no answer for {}", verdict::unanswered(cell).join(", "))
    } else {
        format!("has no answer ({}){}", cell.verdict, reason(cell))
    };
    let advice = match cell.verdict {
        Verdict::Unavailable => "make what it needs available, or declare it `optional`",
        Verdict::Pass | Verdict::Fail | Verdict::Flaky | Verdict::Unbuildable | Verdict::Broken | Verdict::Error => {
            "it was tried twice: fix what it names, then run the cell again; the evidence is in the run's folder"
        }
    };
    Item { cell, unanswered: true, expected: None, text, advice }
}

fn unexpected<'a>(cell: &'a CellResult, surprise: &Surprise<'a>) -> Item<'a> {
    let text = match (surprise, Trials::of(cell).one_cause()) {
        (Surprise::Undeclared { trials: strays, .. }, Some(cause)) if strays.len() > 1 => {
            format!("fails in all of its trials, which matrix.yaml does not expect: {cause}")
        }
        _ => surprise.to_string(),
    };
    let (expected, text, advice) = match surprise {
        Surprise::Undeclared { .. } if !cell.known_issues.is_empty() => (
            None,
            text + &reason(cell),
            "follow the advice of its known issue; to accept it: atsmatrix expect --update",
        ),
        Surprise::Undeclared { .. } => {
            (None, text + &reason(cell), "inspect its evidence; to accept it: atsmatrix expect --update")
        }
        Surprise::Fixed { expected, .. } => {
            (Some(*expected), text, "remove the entry from matrix.yaml: atsmatrix expect --update")
        }
        Surprise::LimitationGone { .. } => (None, text, verdict::LIMITATION_GONE_ADVICE),
        Surprise::Expired { expected, .. } => {
            (Some(*expected), text, "review it: fix it, or give the entry in matrix.yaml a later date and a new reason")
        }
    };
    Item { cell, unanswered: false, expected, text, advice }
}

/// The reason of `cell` after a colon, if it has one.
fn reason(cell: &CellResult) -> String {
    cell.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"))
}

/// The items as an outline; empty if everything is as expected.
pub fn outline(items: &[Item<'_>]) -> TextOutline {
    let mut outline = TextOutline::default();
    if items.is_empty() {
        return outline;
    }
    let count = |unanswered: bool| {
        let mut cells: Vec<_> = items.iter().filter(|it| it.unanswered == unanswered).map(|it| &it.cell.id).collect();
        cells.dedup();
        cells.len()
    };
    let parts: Vec<String> = [(count(false), "not as expected"), (count(true), "without an answer")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", super::count(count, "cell")))
        .collect();
    outline.line(0).strong(parts.join(", ")).say(":");
    for item in items {
        outline.line(1).strong(&item.cell.id).say(" ").say(&item.text);
        outline.line(2).say("what to do: ").say(item.advice);
    }
    outline
}

/// Newly tested cells as an outline; empty if there are none.
pub fn newly_tested_outline(cells: &[&CellResult]) -> TextOutline {
    let mut outline = TextOutline::default();
    if cells.is_empty() {
        return outline;
    }
    let count = super::count(cells.len(), "cell");
    outline.line(0).strong(format!("{count} newly tested")).say(", which does not fail this run:");
    for cell in cells {
        outline.line(1).strong(&cell.id).say(format!(" {}{}", cell.verdict, reason(cell)));
    }
    outline.line(1).say("what to do: ").say(NEWLY_TESTED_ADVICE);
    outline
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::words::fixture;

    #[test]
    fn every_unexpected_cell_has_a_reason_and_advice() {
        let result = fixture::matrix();
        assert_snapshot!(outline(&items(&result, &Terms::default())).text(), @"
        4 cells not as expected, 1 cell without an answer:
          debian-12/9.2.9 is flaky in keepalive-race, which matrix.yaml does not expect
            what to do: inspect its evidence; to accept it: atsmatrix expect --update
          debian-13/9.2.5-backport does not fail as matrix.yaml expects: the backport was incomplete
            what to do: remove the entry from matrix.yaml: atsmatrix expect --update
          debian-13/9.2.9 has no answer (error): the origin did not answer the direct control
            what to do: it was tried twice: fix what it names, then run the cell again; the evidence is in the run's folder
          debian-14/9.2.5 fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect
            what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update
          forecast/9.2.9 cannot be built, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
            what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update
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
            what to do: inspect its evidence; to accept it: atsmatrix expect --update
        ");
    }

    #[test]
    fn newly_tested_cells_are_listed_apart() {
        let result = fixture::matrix();
        let cells: Vec<&CellResult> = result.cells.iter().filter(|cell| cell.verdict == Verdict::Unbuildable).collect();
        assert_snapshot!(newly_tested_outline(&cells).text(), @"
        1 cell newly tested, which does not fail this run:
          forecast/9.2.9 unbuildable: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
          what to do: inspect them; to accept them: atsmatrix expect --update
        ");
        assert_eq!(newly_tested_outline(&[]).text(), "");
    }

    #[test]
    fn the_outline_is_empty_if_everything_is_as_expected() {
        let mut result = fixture::matrix();
        result.cells.retain(|cell| ["debian-12/9.2.5", "debian-13/9.2.5"].contains(&cell.id.to_string().as_str()));
        assert_eq!(outline(&items(&result, &Terms::default())).text(), "");
    }
}
