//! What matrix.yaml declares counts; what the results state of it is only compared with it.

use super::*;
use crate::config::matrix::Matrix;
use crate::decide::compare::fixture::expected;

/// Two distros, one ATS, what more is expected.
fn declares(expect: &str, optional: &str) -> Matrix {
    let text = format!(
        "version: 1\ndistros:\n  debian-12: {{ family: debian, image: a }}\n  debian-13: {{ family: debian, image: b{optional} }}\n\
         ats:\n  \"9.2.5\":\n    sources: [{{ on: [\"*\"], image: {{ reference: x }} }}]\n{expect}"
    );
    Matrix::parse("matrix.yaml", &text).unwrap()
}

const EXPECT: &str =
    "expect:\n  - cells: [debian-13/9.2.5]\n    trials: [\"tls-*\"]\n    verdict: fail\n    reason: it breaks\n";

fn results(verdict: Verdict) -> MatrixResult {
    matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", verdict)])
}

fn weigh(matrix: &Matrix, baseline: &MatrixResult, results: &MatrixResult) -> Decision {
    let question = Question::Baseline { name: "the baseline", results: baseline };
    decide(&Basis::new(results).with_matrix(matrix), &[question])
}

fn says(answer: &Decision, part: &str) -> bool {
    answer.closed.iter().chain(&answer.unknown).any(|reason| reason.text.contains(part))
}

#[test]
fn an_expectation_only_in_the_results_excuses_nothing() {
    let (before, mut after) = (results(Verdict::Pass), results(Verdict::Fail));
    after.cells[1].expected = Some(expected(Verdict::Fail));
    let answer = weigh(&declares("", ""), &before, &after);
    assert_eq!((answer.word(), answer.closed[0].cause), (Word::Closed, Cause::Worse), "{answer:?}");
    assert!(says(&answer, "matrix.yaml expects nothing of it, but they state fail in tls-*"), "{answer:?}");
    assert!(!answer.notes.iter().any(|note| note.contains("as expected by matrix.yaml")), "{answer:?}");
}

#[test]
fn an_expectation_missing_from_the_results_is_a_contradiction() {
    let (before, mut after) = (results(Verdict::Pass), results(Verdict::Fail));
    let answer = weigh(&declares(EXPECT, ""), &before, &after);
    assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::Unsound), "{answer:?}");
    after.cells[1].expected = Some(expected(Verdict::Fail));
    let answer = weigh(&declares(EXPECT, ""), &before, &after);
    assert_eq!(answer.word(), Word::Open, "the text of a reason does not matter: {answer:?}");
    assert_eq!(answer.notes, ["debian-13/9.2.5 is worse (regressed), as expected by matrix.yaml"]);
    for (expect, part) in [
        (EXPECT.replace("tls-*", "tls-remote-origin"), "fail in tls-remote-origin"),
        (EXPECT.to_owned() + "    expires: 2027-01-31\n", "until 2027-01-31"),
    ] {
        let answer = weigh(&declares(&expect, ""), &before, &after);
        assert!(answer.word() == Word::CannotTell && says(&answer, part), "{answer:?}");
    }
}

#[test]
fn matrix_yaml_decides_what_is_optional() {
    let mut results = results(Verdict::Unavailable);
    assert_eq!(weigh(&declares("", ""), &results, &results).word(), Word::CannotTell);
    results.cells[1].optional = true;
    let answer = weigh(&declares("", ""), &results, &results);
    assert!(says(&answer, "still unanswered") || says(&answer, "unavailable as before"), "{answer:?}");
    assert!(says(&answer, "it is not optional in matrix.yaml, but optional here"), "{answer:?}");
    assert_eq!(answer.word(), Word::CannotTell);
    assert_eq!(weigh(&declares("", ", optional: true"), &results, &results).word(), Word::Open);
}

#[test]
fn cells_of_another_matrix_or_another_ats_are_contradictions() {
    let sound = results(Verdict::Pass);
    let matrix = declares("", "");
    let upgrade = |results: &MatrixResult, ats: &str| {
        let (from, to, named) = (distro("debian-12"), distro("debian-13"), ats_of(ats));
        decide(&Basis::new(results).with_matrix(&matrix), &[Question::Upgrade { from: &from, to: &to, ats: &named }])
    };
    assert_eq!(upgrade(&sound, "9.2.5").word(), Word::Open);
    let mut other = sound.clone();
    other.cells[1].provenance.ats.as_mut().unwrap().reported = "9.2.9".into();
    let answer = upgrade(&other, "9.2.5");
    assert!(
        answer.word() == Word::CannotTell && says(&answer, "declares ATS 9.2.5 for it, but 9.2.9 ran"),
        "{answer:?}"
    );
    let mut stranger = sound.clone();
    stranger.cells.extend([cell("debian-12/9.2.9", Verdict::Pass), cell("debian-13/9.2.9", Verdict::Pass)]);
    let answer = upgrade(&stranger, "9.2.9");
    assert!(answer.word() == Word::CannotTell && says(&answer, "the cell is not in the matrix.yaml"), "{answer:?}");
    let mut mixed = stranger;
    mixed.cells.swap_remove(2);
    mixed.cells[2].provenance.distro = mixed.cells[0].provenance.distro.clone();
    let answer = upgrade(&mixed, "9.2.5");
    let part = "cells of debian-13 ran on different distros: debian 12, debian 13";
    assert!(answer.word() == Word::CannotTell && says(&answer, part), "{answer:?}");
}

fn ats_of(name: &str) -> Vec<AtsId> {
    ats(&[name])
}
