//! Cells with two ATS: an upgrade asks for every pair that runs until both tiers are on the new distro.

use super::*;
use crate::config::matrix::Matrix;
use crate::decide::gate::path::{self, Costs};
use crate::model::ParentRan;

const MATRIX: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: a }
  debian-13: { family: debian, image: b }
ats:
  \"9.2.9\":
    version: \"9.2.5\"
    sources: [{ on: [debian-12, debian-13], package: { name: trafficserver, version: \"9\" } }]
tiers:
  edge:
    child: [debian-12/9.2.9, debian-13/9.2.9]
    parent: [debian-12/9.2.9, debian-13/9.2.9]
";

/// Child and parent of each pair, and the cell that they are.
const PAIRS: [(&str, &str, &str); 4] = [
    ("debian-12", "debian-12", "debian-12/9.2.9-over-debian-12-9.2.9"),
    ("debian-12", "debian-13", "debian-12/9.2.9-over-debian-13-9.2.9"),
    ("debian-13", "debian-12", "debian-13/9.2.9-over-debian-12-9.2.9"),
    ("debian-13", "debian-13", "debian-13/9.2.9-over-debian-13-9.2.9"),
];

/// A change to a cell of the results.
type Change = fn(&mut CellResult);

fn ran(distro: &str) -> crate::model::Provenance {
    fixture::provenance(distro, if distro == "debian-12" { "3.0.20" } else { "3.5.7" })
}

/// Results with these verdicts of the pairs.
fn results(verdicts: [Verdict; 4]) -> MatrixResult {
    let alone = [("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)];
    let pairs = PAIRS.iter().zip(verdicts).map(|((_, _, id), verdict)| (*id, verdict));
    let mut results = matrix(&alone.into_iter().chain(pairs).collect::<Vec<_>>());
    for cell in &mut results.cells {
        let Some((_, parent, _)) = PAIRS.iter().find(|(_, _, id)| cell.id.to_string() == *id) else { continue };
        let parent = ParentRan { cell: format!("{parent}/9.2.9").parse().unwrap(), provenance: ran(parent) };
        cell.provenance.parent = Some(Box::new(parent));
    }
    results
}

fn asked(yaml: &str, results: &MatrixResult, named: &[&str]) -> Decision {
    let matrix = Matrix::parse("matrix.yaml", yaml).unwrap();
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(named));
    decide(&Basis::new(results).with_matrix(&matrix), &[Question::Upgrade { from: &from, to: &to, ats: &ats }])
}

#[test]
fn every_pair_on_the_way_must_pass_and_is_named_if_it_does_not() {
    use Verdict::{Error, Fail, Pass, Unavailable};
    for named in [&[][..], &["9.2.9"]] {
        let open = asked(MATRIX, &results([Pass; 4]), named);
        assert_eq!(open.word(), Word::Open, "{open:?}");
        let held = ids(&open.held);
        assert_eq!(held, ["debian-13/9.2.9", PAIRS[1].2, PAIRS[2].2, PAIRS[3].2]);
        for at in 1..4 {
            for (verdict, word) in [(Fail, Word::Closed), (Error, Word::CannotTell), (Unavailable, Word::CannotTell)] {
                let mut verdicts = [Pass; 4];
                verdicts[at] = verdict;
                let answer = asked(MATRIX, &results(verdicts), named);
                assert_eq!(answer.word(), word, "{} {verdict}: {answer:?}", PAIRS[at].2);
                let reasons = answer.closed.iter().chain(&answer.unknown);
                let about: Vec<String> = reasons.filter_map(|it| it.cell.as_ref()).map(ToString::to_string).collect();
                assert_eq!(about, [PAIRS[at].2], "{answer:?}");
            }
            let mut without = results([Pass; 4]);
            without.cells.retain(|cell| cell.id.to_string() != PAIRS[at].2);
            assert_eq!(asked(MATRIX, &without, named).word(), Word::CannotTell, "{} is missing", PAIRS[at].2);
        }
    }
}

#[test]
fn a_pair_that_matrix_yaml_does_not_have_leaves_the_answer_open() {
    let one = MATRIX.replace("    parent: [debian-12/9.2.9, debian-13/9.2.9]\n", "    parent: [debian-12/9.2.9]\n");
    let mut results = results([Verdict::Pass; 4]);
    results.cells.retain(|cell| !cell.id.ats.as_str().ends_with("debian-13-9.2.9"));
    results.ats.retain(|ats| !ats.as_str().ends_with("debian-13-9.2.9"));
    let answer = asked(&one, &results, &[]);
    assert_eq!(answer.word(), Word::CannotTell);
    let says: Vec<&str> = answer.unknown.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(
        says,
        [
            "matrix.yaml has no cell for debian-12/9.2.9 over debian-13/9.2.9, a pair that runs while the fleet is upgraded",
            "matrix.yaml has no cell for debian-13/9.2.9 over debian-13/9.2.9, a pair that runs while the fleet is upgraded",
        ]
    );
}

#[test]
fn a_pair_that_fails_today_may_not_be_what_hosts_run() {
    use Verdict::{Fail, Pass};
    let answer = asked(MATRIX, &results([Fail, Fail, Pass, Pass]), &[]);
    assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
    assert!(answer.unknown[0].text.starts_with("is fail, so it is unknown whether hosts run this pair"), "{answer:?}");
}

#[test]
fn another_parent_than_is_declared_opens_nothing() {
    let with = |change: fn(&mut CellResult)| {
        let mut results = results([Verdict::Pass; 4]);
        let at = results.cells.iter().position(|cell| cell.id.to_string() == PAIRS[1].2).unwrap();
        change(&mut results.cells[at]);
        asked(MATRIX, &results, &[])
    };
    let parent = |cell: &mut CellResult| cell.provenance.parent.take().unwrap();
    let cases: [(Change, &str); 4] = [
        (|cell| cell.provenance.parent = None, "the parent debian-13/9.2.9 for it, but they name no parent"),
        (
            |cell| cell.provenance.parent.as_mut().unwrap().cell = "debian-12/9.2.9".parse().unwrap(),
            "but they name the parent debian-12/9.2.9",
        ),
        (
            |cell| cell.provenance.parent.as_mut().unwrap().provenance = ran("debian-12"),
            "its parent debian-13/9.2.9 is debian 13, but Debian 12 ran",
        ),
        (
            |cell| cell.provenance.parent.as_mut().unwrap().provenance.ats.as_mut().unwrap().reported = "9.2.3".into(),
            "declares ATS 9.2.5 for its parent, but 9.2.3 ran",
        ),
    ];
    for (change, says) in cases {
        let answer = with(change);
        assert_eq!(answer.word(), Word::CannotTell, "{says}");
        assert!(answer.unknown.iter().any(|reason| reason.text.contains(says)), "{says}: {answer:?}");
    }
    let alone = with(|cell| {
        let taken = cell.provenance.parent.clone();
        cell.provenance.parent = taken;
    });
    assert_eq!(alone.word(), Word::Open);
    // A cell with one ATS that names a parent would have fewer trials.
    let mut forged = results([Verdict::Pass; 4]);
    let taken = parent(&mut forged.cells[2].clone());
    let at = forged.cells.iter().position(|cell| cell.id.to_string() == "debian-13/9.2.9").unwrap();
    forged.cells[at].provenance.parent = Some(taken);
    assert_eq!(asked(MATRIX, &forged, &[]).word(), Word::CannotTell);
}

#[test]
fn no_host_stops_in_a_column_of_two_tiers() {
    let results = results([Verdict::Pass; 4]);
    let matrix = Matrix::parse("matrix.yaml", MATRIX).unwrap();
    let basis = Basis::new(&results).with_matrix(&matrix);
    let find = |from: &str, to: &str| {
        let path = path::find(&basis, &from.parse().unwrap(), &to.parse().unwrap(), Costs::default());
        (path.word(), path.steps.iter().map(|step| step.to.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(find("debian-12/9.2.9", "debian-13/9.2.9"), (Word::Open, vec!["debian-13/9.2.9".to_owned()]));
    let (word, steps) = find(PAIRS[0].2, PAIRS[2].2);
    assert_eq!((word, steps), (Word::Open, vec![PAIRS[2].2.to_owned()]), "children first");
}

#[test]
fn a_cell_with_two_ats_needs_the_trials_that_go_through_both() {
    use crate::catalogue::trials::{self, Catalogue};
    use crate::model::CellKind;
    let matrix = Matrix::parse("matrix.yaml", MATRIX).unwrap();
    let mut results = results([Verdict::Pass; 4]);
    let at = results.cells.iter().position(|cell| cell.id.to_string() == PAIRS[3].2).unwrap();
    let all = trials::CATALOGUE.iter().filter(|it| it.is_in(|kind| kind == CellKind::Tiers));
    results.cells[at].trials = all.map(|it| trial_of(it)).collect();
    let doubts = |results: &MatrixResult| {
        let basis = Basis::new(results).with_matrix(&matrix).with_catalogue(Catalogue::built_in());
        let cell = basis.cell(&PAIRS[3].2.parse().unwrap()).unwrap();
        basis.distrust(cell).into_iter().map(|reason| reason.text).collect::<Vec<_>>()
    };
    assert_eq!(doubts(&results), [""; 0]);
    let mut less = results.clone();
    less.cells[at].trials.retain(|trial| trial.id != "tier-tls");
    assert!(doubts(&less)[0].ends_with("missing: tier-tls"), "{:?}", doubts(&less));
    let mut more = results.clone();
    more.cells[at].trials.push(trial_of(trials::by_id("tls-same-host").unwrap()));
    assert!(doubts(&more)[0].contains("tls-same-host"), "a trial that it cannot have: {:?}", doubts(&more));
}

fn trial_of(known: &crate::catalogue::trials::Trial) -> crate::model::TrialResult {
    crate::model::TrialResult { control: known.is_control(), ..trial(known.id, Outcome::Pass) }
}
