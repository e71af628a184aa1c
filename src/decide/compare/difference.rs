//! The differences between two results.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{CellId, CellResult, MatrixResult, Outcome, Verdict};

use super::change::{Change, ComparedState};
use super::provenance::{Fact, provenance};

/// A value on both sides; `None` where it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Turn<T> {
    /// Before.
    pub before: Option<T>,
    /// After.
    pub after: Option<T>,
}

impl<T: PartialEq> Turn<T> {
    /// Whether the two sides differ.
    pub fn differs(&self) -> bool {
        self.before != self.after
    }
}

/// The differences between two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether they were made with different matrix.yaml files.
    pub matrix_changed: bool,
    /// All cells of either side, counted by how they changed.
    pub tally: BTreeMap<Change, usize>,
    /// Cells with any difference, in the order of the newer matrix. Rows and columns that only the older one has come
    /// last.
    pub cells: Vec<CellChange>,
}

/// A cell with a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellChange {
    /// Its id.
    pub id: CellId,
    /// How its verdict changed.
    pub change: Change,
    /// Its verdicts on both sides.
    pub verdict: Turn<Verdict>,
    /// Why, where trials do not show it (hostile text).
    pub reason: Turn<String>,
    /// The verdicts that matrix.yaml expected.
    pub expected: Turn<Verdict>,
    /// Trials with another outcome, or with the same outcome and another summary.
    pub trials: Vec<TrialChange>,
    /// Known issues that match on one side only.
    pub known_issues: Issues,
    /// What ran differently. Empty when the cell is absent on a side.
    pub provenance: Vec<Fact>,
}

/// A trial with a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialChange {
    /// Its id.
    pub id: String,
    /// How its outcome changed.
    pub change: Change,
    /// Its outcomes on both sides.
    pub outcome: Turn<Outcome>,
    /// Its summaries on both sides (hostile text).
    pub seen: Turn<String>,
}

/// Ids of known issues on one side only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Issues {
    /// Match now and did not before.
    pub gained: Vec<String>,
    /// Matched before and do not now.
    pub lost: Vec<String>,
}

impl Difference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        !self.matrix_changed && self.cells.is_empty()
    }

    /// The number of cells of either side.
    pub fn total(&self) -> usize {
        self.tally.values().sum()
    }
}

/// Compares `before` with `after`. Of a cell that a result has twice the first counts.
pub fn results(before: &MatrixResult, after: &MatrixResult) -> Difference {
    let mut sides: BTreeMap<&CellId, Turn<&CellResult>> = BTreeMap::new();
    for cell in &before.cells {
        sides.entry(&cell.id).or_insert(Turn { before: None, after: None }).before.get_or_insert(cell);
    }
    for cell in &after.cells {
        sides.entry(&cell.id).or_insert(Turn { before: None, after: None }).after.get_or_insert(cell);
    }
    let mut tally = BTreeMap::new();
    let mut cells = Vec::new();
    for (id, side) in sides {
        let change = Change::of(verdict_of(side.before).into(), verdict_of(side.after).into());
        *tally.entry(change).or_insert(0) += 1;
        cells.extend(cell(id, side.before, side.after));
    }
    let row = |cell: &CellChange| place(&after.distros, &before.distros, &cell.id.distro);
    let column = |cell: &CellChange| place(&after.ats, &before.ats, &cell.id.ats);
    cells.sort_by_key(|cell| (row(cell), column(cell)));
    Difference { matrix_changed: before.matrix != after.matrix, tally, cells }
}

/// The position of a name: in the newer list, else in the older one, else last.
fn place<T: PartialEq>(newer: &[T], older: &[T], name: &T) -> usize {
    newer.iter().chain(older).position(|known| known == name).unwrap_or(usize::MAX)
}

/// Compares two results of the cell `id`; `None`: no difference. Evidence is not compared, only its summary.
pub fn cell(id: &CellId, before: Option<&CellResult>, after: Option<&CellResult>) -> Option<CellChange> {
    let verdict = Turn { before: verdict_of(before), after: verdict_of(after) };
    let expectation = |cell: Option<&CellResult>| cell.and_then(|cell| cell.expected.as_ref()).map(|it| it.verdict);
    let reason = |cell: Option<&CellResult>| cell.and_then(|cell| cell.reason.clone());
    let ran = match (before, after) {
        (Some(before), Some(after)) => provenance(&before.provenance, &after.provenance),
        _ => Vec::new(),
    };
    let change = CellChange {
        id: id.clone(),
        change: Change::of(verdict.before.into(), verdict.after.into()),
        verdict,
        reason: Turn { before: reason(before), after: reason(after) },
        expected: Turn { before: expectation(before), after: expectation(after) },
        trials: trials(before, after),
        known_issues: issues(before, after),
        provenance: ran,
    };
    let differs = change.verdict.differs()
        || change.reason.differs()
        || change.expected.differs()
        || !change.trials.is_empty()
        || change.known_issues != Issues::default()
        || !change.provenance.is_empty();
    differs.then_some(change)
}

fn verdict_of(cell: Option<&CellResult>) -> Option<Verdict> {
    cell.map(|cell| cell.verdict)
}

/// Trials in the order of the newer cell, then those that only the older one has. A cell without trials (not built, or
/// absent) says nothing about single ones, so then none is listed.
fn trials(before: Option<&CellResult>, after: Option<&CellResult>) -> Vec<TrialChange> {
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    if before.trials.is_empty() || after.trials.is_empty() {
        return Vec::new();
    }
    let gone = before.trials.iter().filter(|old| !after.trials.iter().any(|new| new.id == old.id));
    let mut changes = Vec::new();
    for id in after.trials.iter().chain(gone).map(|trial| &trial.id) {
        let old = before.trials.iter().find(|trial| trial.id == *id);
        let new = after.trials.iter().find(|trial| trial.id == *id);
        let outcome = Turn { before: old.map(|trial| trial.outcome), after: new.map(|trial| trial.outcome) };
        let seen = Turn { before: old.map(|t| t.summary.clone()), after: new.map(|t| t.summary.clone()) };
        if outcome.differs() || seen.differs() {
            let change = Change::of(ComparedState::from(outcome.before), ComparedState::from(outcome.after));
            changes.push(TrialChange { id: id.clone(), change, outcome, seen });
        }
    }
    changes
}

fn issues(before: Option<&CellResult>, after: Option<&CellResult>) -> Issues {
    let ids = |cell: Option<&CellResult>| -> Vec<String> {
        cell.map_or(Vec::new(), |cell| cell.known_issues.iter().map(|issue| issue.id.clone()).collect())
    };
    let (before, after) = (ids(before), ids(after));
    let without = |these: &[String], those: &[String]| these.iter().filter(|id| !those.contains(id)).cloned().collect();
    Issues { gained: without(&after, &before), lost: without(&before, &after) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decide::compare::fixture::{cell as one, expected, known_answers, matrix, result, trial};

    #[test]
    fn a_regression_names_trials_issue_and_provenance() {
        let before = matrix(&[("debian-13/9.2.5", Verdict::Pass)]);
        let mut after = matrix(&[("debian-13/9.2.5", Verdict::Fail)]);
        after.cells[0].provenance.openssl.as_mut().unwrap().version = "3.5.8".into();
        let difference = results(&before, &after);
        let change = &difference.cells[0];
        assert_eq!(change.change, Change::Regressed);
        assert_eq!(change.trials.len(), 1);
        assert_eq!((change.trials[0].id.as_str(), change.trials[0].change), ("tls-remote-origin", Change::Regressed));
        assert_eq!(change.known_issues.gained, ["ATS-11465"]);
        assert_eq!(change.provenance[0].after.as_deref(), Some("3.5.8"));
        assert_eq!(difference.tally, [(Change::Regressed, 1)].into());
    }

    #[test]
    fn the_same_outcome_with_another_summary_is_a_difference() {
        let before = known_answers();
        let mut after = before.clone();
        after.cells[2].trials[1].summary = "no response within 10 s".into();
        let difference = results(&before, &after);
        assert_eq!(difference.cells.len(), 1);
        assert_eq!(difference.cells[0].change, Change::SameFail);
        assert_eq!(difference.cells[0].trials[0].change, Change::SameFail);
    }

    #[test]
    fn a_new_expectation_is_a_difference() {
        let before = known_answers();
        let mut after = before.clone();
        after.cells[2].expected = Some(expected(Verdict::Fail));
        assert_eq!(results(&before, &after).cells[0].expected, Turn { before: None, after: Some(Verdict::Fail) });
    }

    #[test]
    fn trials_that_come_and_go_are_listed_one_by_one() {
        let before = known_answers();
        let mut after = before.clone();
        after.cells[0].trials.remove(2);
        after.cells[0].trials.push(trial("tls13-only", Outcome::Fail));
        let difference = results(&before, &after);
        let changes: Vec<_> =
            difference.cells[0].trials.iter().map(|trial| (trial.id.as_str(), trial.change)).collect();
        assert_eq!(changes, [("tls13-only", Change::NewlyFailing), ("http-post-1m", Change::NoLongerTested)]);
    }

    #[test]
    fn cells_are_in_the_order_of_the_newer_matrix_and_none_is_lost() {
        let before = matrix(&[("debian-11/9.2.5", Verdict::Pass), ("debian-12/9.2.5", Verdict::Pass)]);
        let after = matrix(&[("fedora-40/9.2.5", Verdict::Pass), ("debian-12/9.2.5", Verdict::Fail)]);
        let difference = results(&before, &after);
        let ids: Vec<_> = difference.cells.iter().map(|cell| cell.id.to_string()).collect();
        assert_eq!(ids, ["fedora-40/9.2.5", "debian-12/9.2.5", "debian-11/9.2.5"]);
        assert_eq!(difference.total(), 3);
    }

    fn any_result() -> impl Strategy<Value = MatrixResult> {
        let verdict = prop::sample::select(vec![
            Verdict::Pass,
            Verdict::Fail,
            Verdict::Unbuildable,
            Verdict::Flaky,
            Verdict::Error,
            Verdict::Unavailable,
        ]);
        prop::collection::btree_map((0..4_u8, 0..4_u8), verdict, 0..10).prop_map(|cells| {
            result(cells.into_iter().map(|((row, column), it)| one(&format!("d-{row}/{column}"), it)).collect())
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(any in any_result()) {
            let difference = results(&any, &any);
            prop_assert!(difference.is_empty());
            prop_assert_eq!(difference.total(), any.cells.len());
        }

        #[test]
        fn every_cell_of_either_side_is_counted_once(before in any_result(), after in any_result()) {
            let ids: std::collections::BTreeSet<_> =
                before.cells.iter().chain(&after.cells).map(|cell| &cell.id).collect();
            let difference = results(&before, &after);
            prop_assert_eq!(difference.total(), ids.len());
            prop_assert_eq!(difference.is_empty(), before == after);
        }
    }
}
