//! Merges the results of a run with earlier ones. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::known_issues;
use crate::model::{AtsId, CellId, CellResult, DistroId, IssueMatch, MatrixResult, SCHEMA_VERSION, Verdict};
use crate::verdict;

/// The current matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentMatrix {
    /// Digest of matrix.yaml, hex.
    pub matrix: String,
    /// Rows, in the order of matrix.yaml.
    pub distros: Vec<DistroId>,
    /// Columns, in the order of matrix.yaml.
    pub ats: Vec<AtsId>,
    /// All cells of the matrix, selected or not.
    pub cells: BTreeSet<CellId>,
}

/// Merges the results of a run (`fresh`) into those of earlier runs.
///
/// A cell in `fresh` replaces its previous result. A cell that was not run (not selected, or not
/// reached before an interruption) keeps its previous result if the matrix still has it, and is
/// dropped otherwise. So after a partial run with a changed matrix.yaml, the digest in the file is
/// that of the current matrix.yaml, but kept cells come from the previous one, with its
/// expectations. Only a full run makes the file consistent.
pub fn merge(previous: Option<MatrixResult>, current: &CurrentMatrix, fresh: Vec<CellResult>) -> MatrixResult {
    let kept = previous.map(|previous| previous.cells).unwrap_or_default();
    let fresh = fresh.into_iter().map(|cell| with_workarounds(cell, &kept)).collect::<Vec<_>>();
    let kept = kept.into_iter();
    let cells: BTreeMap<CellId, CellResult> =
        kept.filter(|cell| current.cells.contains(&cell.id)).chain(fresh).map(|cell| (cell.id.clone(), cell)).collect();
    MatrixResult {
        schema: SCHEMA_VERSION,
        matrix: current.matrix.clone(),
        distros: current.distros.clone(),
        ats: current.ats.clone(),
        cells: cells.into_values().collect(),
    }
}

/// Splits off cells for which a run has no answer because of a failure of this program or its environment (`ours`) and
/// which have an earlier answer. Returns the other fresh results, and these earlier answers, which keep their age.
pub fn keep_earlier_answers(
    previous: Option<&MatrixResult>,
    fresh: Vec<CellResult>,
    ours: &BTreeSet<CellId>,
) -> (Vec<CellResult>, Vec<CellResult>) {
    let mut kept = Vec::new();
    let before = |id: &CellId| previous?.cells.iter().find(|cell| cell.id == *id && cell.verdict.is_answer());
    let fresh = fresh.into_iter().filter(|cell| {
        let answer = before(&cell.id).filter(|_| ours.contains(&cell.id) && !cell.verdict.is_answer());
        kept.extend(answer.cloned());
        answer.is_none()
    });
    let fresh = fresh.collect();
    (fresh, kept)
}

/// Keeps what is known about workarounds if a run tried none: if exactly the same software ran and
/// fails in the same trials, earlier experiments are still valid, also for the name of the issue.
fn with_workarounds(mut cell: CellResult, previous: &[CellResult]) -> CellResult {
    let before = previous.iter().find(|before| before.id == cell.id && before.provenance.is_same(&cell.provenance));
    let Some(before) = before else { return cell };
    for at in 0..cell.known_issues.len() {
        let id = cell.known_issues[at].id.clone();
        let same = failing_with(&cell.known_issues, &id) == failing_with(&before.known_issues, &id);
        let known = before.known_issues.iter().find(|known| known.id == id);
        if let (Some(known), true, true) = (known, same, cell.known_issues[at].workarounds.is_empty()) {
            cell.known_issues[at].workarounds.clone_from(&known.workarounds);
        }
    }
    cell.known_issues = known_issues::after_workarounds(cell.known_issues);
    if known_issues::without_doubtful(&mut cell.trials, &cell.known_issues) && cell.verdict != Verdict::Error {
        cell.verdict = verdict::of_trials(&cell.trials);
    }
    cell
}

/// Trials that fail with an issue, certain or not.
fn failing_with<'a>(found: &'a [IssueMatch], id: &str) -> BTreeSet<&'a str> {
    found.iter().filter(|issue| issue.id == id).flat_map(|issue| &issue.trials).map(String::as_str).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use crate::model::WorkaroundTried;
    use crate::words::fixture;

    use super::*;

    pub(crate) fn frame(result: &MatrixResult) -> CurrentMatrix {
        CurrentMatrix {
            matrix: "new".into(),
            distros: result.distros.clone(),
            ats: result.ats.clone(),
            cells: result.cells.iter().map(|cell| cell.id.clone()).collect(),
        }
    }

    #[test]
    fn cells_not_run_keep_their_result_while_the_matrix_has_them() {
        let previous = fixture::matrix();
        let mut frame = frame(&previous);
        frame.distros.retain(|distro| distro.as_str() != "fedora-40");
        frame.cells.retain(|cell| cell.distro.as_str() != "fedora-40");
        let fresh = fixture::passing("debian-13/9.2.5", "3.5.7");
        let merged = merge(Some(previous.clone()), &frame, vec![fresh.clone()]);

        assert_eq!(merged.matrix, "new");
        assert_eq!(merged.cells.len(), previous.cells.len() - 3);
        assert!(merged.cells.contains(&fresh), "the new result replaces the old one");
        assert!(merged.cells.iter().any(|cell| cell.verdict == Verdict::Flaky), "a cell not run is kept");
        assert!(merged.cells.iter().all(|cell| cell.id.distro.as_str() != "fedora-40"), "a removed cell is dropped");
    }

    #[test]
    fn tried_workarounds_are_kept_while_the_same_software_runs() {
        let fresh = fixture::failing("debian-13/9.2.5", "3.5.7");
        let mut tried = fresh.clone();
        tried.known_issues[0].workarounds.push(WorkaroundTried {
            name: "w".into(),
            settings: Vec::new(),
            worked: true,
            passed: vec!["tls-get".into()],
            not_passed: Vec::new(),
            cost: "c".into(),
        });
        let mut previous = fixture::matrix();
        previous.cells = vec![tried.clone()];
        let merged = |fresh: CellResult| merge(Some(previous.clone()), &frame(&previous), vec![fresh]).cells.remove(0);
        assert_eq!(merged(fresh.clone()), tried);
        let mut other = fresh.clone();
        other.provenance.kernel = Some("7.0".into());
        assert_eq!(merged(other.clone()), other, "other software ran");
        let mut other = fresh;
        other.known_issues[0].trials.pop();
        assert_eq!(merged(other.clone()), other, "other trials fail");
    }

    #[test]
    fn an_earlier_answer_is_kept_only_if_our_own_failure_prevented_a_new_one() {
        let mut previous = fixture::matrix();
        previous.cells = vec![fixture::passing("debian-13/9.2.5", "3.5.7")];
        let id = previous.cells[0].id.clone();
        let mut lost = fixture::failing("debian-13/9.2.5", "3.5.7");
        lost.verdict = Verdict::Error;
        let (none, ours) = (BTreeSet::new(), BTreeSet::from([id]));
        let counts = |previous: Option<&MatrixResult>, fresh: &CellResult, ours: &BTreeSet<CellId>| {
            let (fresh, kept) = keep_earlier_answers(previous, vec![fresh.clone()], ours);
            (fresh.len(), kept.len())
        };
        assert_eq!(counts(Some(&previous), &lost, &ours), (0, 1));
        assert_eq!(counts(Some(&previous), &lost, &none), (1, 0), "an error of another kind");
        assert_eq!(counts(None, &lost, &ours), (1, 0), "there was no answer");
        let failing = fixture::failing("debian-13/9.2.5", "3.5.7");
        assert_eq!(counts(Some(&previous), &failing, &ours), (1, 0), "a new answer always counts");
        previous.cells[0].verdict = Verdict::Unavailable;
        assert_eq!(counts(Some(&previous), &lost, &ours), (1, 0), "the earlier result was not an answer");
    }

    #[test]
    fn the_first_run_has_nothing_to_keep() {
        let result = fixture::matrix();
        assert_eq!(merge(None, &frame(&result), result.cells.clone()).cells.len(), result.cells.len());
    }
}
