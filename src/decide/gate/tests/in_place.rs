//! Cells that are upgraded in place show what happens to hosts, so they are preferred to new installations.

use super::*;
use crate::config::matrix::Matrix;
use crate::decide::gate::path::{self, Costs};

const MATRIX: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: a }
  debian-13: { family: debian, image: b }
upgrades:
  debian-12-to-13: { from: debian-12, to: debian-13 }
ats:
  \"9.2.9\":
    version: \"9.2.5\"
    sources: [{ on: [debian-12, debian-13], package: { name: trafficserver, version: \"9\" } }]
  \"9.2.10\":
    version: \"9.2.5\"
    sources: [{ on: [debian-12, debian-13], package: { name: trafficserver, version: \"9\" } }]
";

fn ask(yaml: &str, results: &MatrixResult) -> Decision {
    let matrix = Matrix::parse("matrix.yaml", yaml).unwrap();
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.9"]));
    decide(&Basis::new(results).with_matrix(&matrix), &[Question::Upgrade { from: &from, to: &to, ats: &ats }])
}

fn results(fresh: Verdict, upgraded: Verdict) -> MatrixResult {
    let mut results = matrix(&[
        ("debian-12/9.2.9", Verdict::Pass),
        ("debian-12/9.2.10", Verdict::Pass),
        ("debian-13/9.2.9", fresh),
        ("debian-13/9.2.10", Verdict::Pass),
        ("debian-12-to-13/9.2.9", upgraded),
        ("debian-12-to-13/9.2.10", Verdict::Pass),
    ]);
    for cell in &mut results.cells[4..] {
        cell.provenance = fixture::provenance("debian-13", "3.5.7");
    }
    results
}

#[test]
fn the_upgraded_cell_decides_whatever_the_new_installation_does() {
    let open = ask(MATRIX, &results(Verdict::Fail, Verdict::Pass));
    assert_eq!((open.word(), ids(&open.held)), (Word::Open, vec!["debian-12-to-13/9.2.9".to_owned()]), "{open:?}");
    assert!(open.notes.contains(&"rests on an upgrade in place: debian-12-to-13/9.2.9".to_owned()), "{open:?}");
    let broken = ask(MATRIX, &results(Verdict::Pass, Verdict::Broken));
    let [reason] = &broken.closed[..] else { panic!("{broken:?}") };
    assert_eq!((broken.word(), reason.cause), (Word::Closed, Cause::Broken));
    assert!(reason.text.starts_with("does not survive the upgrade"), "{reason:?}");
    assert_eq!(ask(MATRIX, &results(Verdict::Pass, Verdict::Unavailable)).word(), Word::CannotTell);
}

#[test]
fn without_such_a_cell_the_answer_says_that_it_rests_on_a_new_installation() {
    let excluded =
        MATRIX.to_owned() + "exclude: [{ distro: [debian-12-to-13], ats: [\"9.2.9\"], reason: it takes too long }]\n";
    let answer = ask(&excluded, &results(Verdict::Pass, Verdict::Fail));
    assert_eq!(answer.word(), Word::Open, "{answer:?}");
    let note = "rests on a new installation, not on an upgrade in place: debian-13/9.2.9";
    assert!(answer.notes.contains(&note.to_owned()), "{answer:?}");
    let without = MATRIX.replace("upgrades:\n  debian-12-to-13: { from: debian-12, to: debian-13 }\n", "");
    let answer = ask(&without, &results(Verdict::Pass, Verdict::Fail));
    assert!(!answer.notes.iter().any(|note| note.starts_with("rests on")), "there is nothing to tell apart");
}

#[test]
fn a_path_needs_the_upgrade_in_place_and_does_not_stop_in_its_row() {
    let matrix = Matrix::parse("matrix.yaml", MATRIX).unwrap();
    let find = |results: &MatrixResult, to: &str| {
        let basis = Basis::new(results).with_matrix(&matrix);
        path::find(&basis, &"debian-12/9.2.9".parse().unwrap(), &to.parse().unwrap(), Costs::default())
    };
    let broken = results(Verdict::Pass, Verdict::Broken);
    let around = find(&broken, "debian-13/9.2.9");
    assert_eq!(around.word(), Word::Open, "ATS first: {around:?}");
    let stops: Vec<String> = around.steps.iter().map(|step| step.to.to_string()).collect();
    assert_eq!(stops, ["debian-12/9.2.10", "debian-13/9.2.10", "debian-13/9.2.9"]);
    let rests: Vec<String> = around.steps.iter().flat_map(|step| &step.rests).map(|it| it.cell.to_string()).collect();
    assert_eq!(rests, ["debian-12/9.2.10", "debian-12-to-13/9.2.10", "debian-13/9.2.9"]);
    let mut both = broken;
    both.cells[5].verdict = Verdict::Broken;
    both.cells[5].trials.clear();
    let closed = find(&both, "debian-13/9.2.10");
    assert_eq!(closed.word(), Word::Closed, "{closed:?}");
    assert!(closed.blocks.iter().any(|reason| reason.cause == Cause::Broken), "{closed:?}");
}
