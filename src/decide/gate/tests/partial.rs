//! Matrices that were run in part, and results without a matrix.yaml.

use super::*;

#[test]
fn a_matrix_that_was_run_in_part_does_not_open() {
    let whole = known_answers();
    let (from, to) = (distro("debian-12"), distro("debian-13"));
    let cells: Vec<CellId> = whole.cells.iter().map(|cell| cell.id.clone()).collect();
    let ask = |results: &MatrixResult, question: Question| {
        decide(&Basis::new(results).with_cells(cells.clone()), &[question])
    };
    let all = Question::Upgrade { from: &from, to: &to, ats: &[] };
    let mut part = whole.clone();
    part.cells.remove(0);
    let answer = ask(&part, all.clone());
    assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::Missing), "{answer:?}");
    assert_eq!(answer.unknown[0].ways_out, ["run it: atsmatrix run --distro debian-12 --ats 9.2.5"]);
    // Not even if both were run in part, or if only a failure is gone.
    for (baseline, gone) in [(&part, 0), (&whole, 2)] {
        let mut results = whole.clone();
        results.cells.remove(gone);
        let answer = ask(&results, Question::Baseline { name: "the baseline", results: baseline });
        assert_eq!((answer.word(), answer.unknown.len()), (Word::CannotTell, 1), "{answer:?}");
    }
    let answer = ask(&whole, Question::Baseline { name: "itself", results: &whole });
    assert_eq!((answer.word(), answer.unknown.len()), (Word::Open, 0));
}

#[test]
fn a_pair_that_is_not_a_cell_is_named() {
    let results = matrix(&[
        ("debian-12/9.2.9", Verdict::Pass),
        ("debian-13/9.2.9", Verdict::Pass),
        ("debian-13/10", Verdict::Fail),
    ]);
    let (from, to) = (distro("debian-12"), distro("debian-13"));
    let ask = |from, to, named: &[AtsId]| {
        let basis = Basis::new(&results).with_cells(results.cells.iter().map(|cell| cell.id.clone()));
        decide(&basis, &[Question::Upgrade { from, to, ats: named }])
    };
    let answer = ask(&from, &to, &[]);
    assert_eq!(answer.word(), Word::Open);
    assert_eq!(answer.notes, ["debian-12/10 is not a cell of matrix.yaml, so it was not checked"]);
    let answer = ask(&to, &from, &ats(&["10"]));
    assert_eq!(
        (answer.word(), &*answer.unknown[0].text),
        (Word::CannotTell, "is not a cell of matrix.yaml, so it is never run")
    );
}

#[test]
fn without_matrix_yaml_the_gate_cannot_tell() {
    let results = known_answers();
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.9"]));
    let question = Question::Upgrade { from: &from, to: &to, ats: &ats };
    let answer = decide(&Basis::new(&results).without_matrix(), &[question]);
    assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::MatrixChanged));
}
