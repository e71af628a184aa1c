//! Marks beside a verdict: whether it is as expected. All reports use them.

use crate::model::{CellResult, Verdict};
use crate::verdict::{self, Surprise, Terms};

use super::finding::Trials;
use super::ink::Ink;
use super::legend::VERDICTS;

/// What a report adds to a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: there is no expectation for it.
    None,
    /// A failure as expected.
    Expected,
    /// Something else was expected; most often this is an unexpected pass.
    Unexpected(Verdict),
    /// Only some of its trials are as expected.
    Partly,
    /// A trial passes that a known issue is declared to break in this ATS.
    LimitationGone,
    /// Unavailable, and declared optional.
    Optional,
}

impl Mark {
    /// The mark of a cell. A cell without an answer has no mark about its expectation. The mark does not depend on
    /// expiry dates: committed files contain it, and must not change with the day.
    pub fn of(cell: &CellResult) -> Self {
        if cell.optional && cell.verdict == Verdict::Unavailable {
            return Self::Optional;
        }
        let surprises = verdict::surprises(cell, &Terms::default());
        if cell.verdict == Verdict::Pass && surprises.iter().any(|it| matches!(it, Surprise::LimitationGone { .. })) {
            return Self::LimitationGone;
        }
        let mut expected = cell.expectations().map(|expected| expected.verdict).filter(|it| *it != Verdict::Pass);
        if cell.verdict == Verdict::Pass && surprises.iter().any(|it| matches!(it, Surprise::Undeclared { .. })) {
            // matrix.yaml says that the known limitation is gone, but it is not.
            return Self::Partly;
        }
        let Some(first) = expected.next().filter(|_| cell.verdict.is_answer()) else { return Self::None };
        match &surprises[..] {
            [] if cell.verdict == Verdict::Pass => Self::None,
            [] => Self::Expected,
            _ if cell.verdict == first || expected.any(|it| it == cell.verdict) => Self::Partly,
            _ => Self::Unexpected(first),
        }
    }

    /// The note in brackets, if any.
    pub fn note(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Expected => Some("(expected)".to_owned()),
            Self::Unexpected(expected) => Some(format!("(expected {expected})")),
            Self::Partly => Some("(partly expected)".to_owned()),
            Self::LimitationGone => Some("(known limitation gone)".to_owned()),
            Self::Optional => Some("(optional)".to_owned()),
        }
    }
}

/// The verdict of a cell as a word, marked if it is not as expected: `fail`, `PASS?!`.
pub fn word(cell: &CellResult) -> String {
    match (cell.verdict, Mark::of(cell)) {
        (Verdict::Pass, Mark::Unexpected(_) | Mark::LimitationGone) => "PASS?!".to_owned(),
        (verdict, Mark::Unexpected(_) | Mark::Partly) => format!("{verdict} ?!"),
        (verdict, _) => verdict.to_string(),
    }
}

/// The colour of a cell: that of its verdict if it is as expected.
pub fn ink(cell: &CellResult) -> Ink {
    match Mark::of(cell) {
        Mark::Unexpected(_) | Mark::Partly | Mark::LimitationGone => Ink::Doubt,
        Mark::None | Mark::Expected | Mark::Optional => Ink::of(cell.verdict),
    }
}

/// [`word()`] with its note: `fail (expected)`, `PASS?! (expected fail)`.
pub fn label(cell: &CellResult) -> String {
    match Mark::of(cell).note() {
        Some(note) => format!("{} {note}", word(cell)),
        None => word(cell),
    }
}

/// [`label()`] with the trial count if the cell has known limitations: `pass, 93/94, 1 known limitation`.
pub fn label_with_count(cell: &CellResult) -> String {
    match Trials::of(cell).count() {
        Some(count) => format!("{}, {count}", label(cell)),
        None => label(cell),
    }
}

/// A summary of all cells: `12 cells: 8 pass, 2 fail (2 expected), 1 unbuildable`.
pub fn tally<'a>(cells: impl Iterator<Item = &'a CellResult>) -> String {
    let cells: Vec<_> = cells.collect();
    let counts: Vec<String> = VERDICTS
        .into_iter()
        .filter_map(|verdict| {
            let same: Vec<_> = cells.iter().filter(|cell| cell.verdict == verdict).collect();
            let with = |wanted: fn(Mark) -> bool| same.iter().filter(|cell| wanted(Mark::of(cell))).count();
            let notes: Vec<String> = [
                (with(|mark| mark == Mark::Expected), "expected"),
                (with(|mark| matches!(mark, Mark::Unexpected(_) | Mark::Partly | Mark::LimitationGone)), "unexpected"),
                (with(|mark| mark == Mark::Optional), "optional"),
                (same.iter().filter(|cell| !Trials::of(cell).limited.is_empty()).count(), "with known limitations"),
            ]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, note)| format!("{count} {note}"))
            .collect();
            let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            (!same.is_empty()).then(|| format!("{} {verdict}{notes}", same.len()))
        })
        .collect();
    let cells = super::count(cells.len(), "cell");
    if counts.is_empty() { cells } else { format!("{cells}: {}", counts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use crate::model::{Expected, Outcome};
    use crate::words::fixture;

    use super::*;

    fn cell(verdict: Verdict, expected: Option<Verdict>, optional: bool) -> CellResult {
        let mut cell = fixture::passing("debian-12/9.2.5", "3.0.20");
        cell.verdict = verdict;
        cell.expected = expected.map(|verdict| Expected {
            verdict,
            reason: "why".into(),
            link: None,
            trials: Vec::new(),
            issue: None,
            expires: None,
            also: Vec::new(),
        });
        cell.optional = optional;
        cell
    }

    #[test]
    fn expected_failures_and_unexpected_passes_are_marked() {
        let table = [
            (Verdict::Pass, None, "pass"),
            (Verdict::Pass, Some(Verdict::Pass), "pass"),
            (Verdict::Pass, Some(Verdict::Fail), "PASS?! (expected fail)"),
            (Verdict::Fail, None, "fail"),
            (Verdict::Fail, Some(Verdict::Fail), "fail (expected)"),
            (Verdict::Fail, Some(Verdict::Pass), "fail"),
            (Verdict::Flaky, Some(Verdict::Flaky), "flaky (expected)"),
            (Verdict::Pass, Some(Verdict::Flaky), "pass"),
            (Verdict::Unbuildable, Some(Verdict::Fail), "unbuildable ?! (expected fail)"),
            (Verdict::Error, Some(Verdict::Fail), "error"),
            (Verdict::Unavailable, Some(Verdict::Fail), "unavailable"),
        ];
        for (verdict, expected, text) in table {
            assert_eq!(label(&cell(verdict, expected, false)), text);
        }
        assert_eq!(label(&cell(Verdict::Unavailable, None, true)), "unavailable (optional)");
        assert_eq!(label(&cell(Verdict::Fail, None, true)), "fail");
    }

    #[test]
    fn a_known_limitation_is_counted_and_marked_when_it_is_gone() {
        let mut limited = cell(Verdict::Pass, None, false);
        (limited.trials[3].outcome, limited.trials[3].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
        assert_eq!(label(&limited), "pass");
        assert_eq!(label_with_count(&limited), "pass, 3/4, 1 known limitation");
        assert_eq!(tally([&limited].into_iter()), "1 cell: 1 pass (1 with known limitations)");
        limited.trials[3].outcome = Outcome::Pass;
        assert_eq!(label_with_count(&limited), "PASS?! (known limitation gone)");
        assert_eq!(tally([&limited].into_iter()), "1 cell: 1 pass (1 unexpected)");
    }

    #[test]
    fn the_summary_counts_every_cell_once() {
        assert_eq!(tally([].into_iter()), "0 cells");
        let cells = [
            cell(Verdict::Pass, None, false),
            cell(Verdict::Pass, Some(Verdict::Fail), false),
            cell(Verdict::Fail, Some(Verdict::Fail), false),
            cell(Verdict::Unavailable, None, true),
        ];
        assert_eq!(tally(cells[..1].iter()), "1 cell: 1 pass");
        assert_eq!(
            tally(cells.iter()),
            "4 cells: 2 pass (1 unexpected), 1 fail (1 expected), 1 unavailable (1 optional)"
        );
    }
}
