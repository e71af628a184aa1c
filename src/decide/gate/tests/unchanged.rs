use super::*;
use crate::model::{BehaviourPart, BehaviourRecords, MatrixResult, TrialBehaviour};

/// Both sides pass, and each trial has the group that is given for its side.
fn asked(groups: [Option<&str>; 2], named: &[&str]) -> Decision {
    let mut results = matrix(&[("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    for (cell, version) in results.cells.iter_mut().zip(["3.0.20", "3.5.7"]) {
        cell.provenance.openssl.as_mut().unwrap().version = version.into();
    }
    let mut records = BehaviourRecords::new();
    for (cell, group) in results.cells.iter().zip(groups) {
        let Some(group) = group else { continue };
        let one = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
        let shares = if group == "X25519MLKEM768" { "X25519MLKEM768, x25519" } else { "x25519" };
        let hello =
            [("key shares".to_owned(), shares.to_owned()), ("versions".to_owned(), "TLSv1.3, TLSv1.2".to_owned())];
        let of_trial =
            TrialBehaviour([(BehaviourPart::Tls, one("group", group)), (BehaviourPart::Hello, hello.into())].into());
        let trials = cell.trials.iter().map(|trial| (trial.id.clone(), of_trial.clone()));
        records.insert(cell.id.clone(), trials.collect());
    }
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(named));
    let (from, to, ats) = (&from, &to, ats.as_slice());
    let questions = [Question::Upgrade { from, to, ats }, Question::Unchanged { from, to, ats, records: &records }];
    decide(&Basis::new(&results), &questions)
}

#[test]
fn the_same_behaviour_keeps_the_gate_open() {
    for named in [&["9.2.9"][..], &[]] {
        let answer = asked([Some("x25519"), Some("x25519")], named);
        assert_eq!(answer.word(), Word::Open, "{answer:?}");
        assert!(answer.notes.iter().any(|note| note.ends_with("no change")), "{:?}", answer.notes);
    }
}

#[test]
fn a_change_that_openssl_explains_is_a_note() {
    let answer = asked([Some("x25519"), Some("X25519MLKEM768")], &["9.2.9"]);
    assert_eq!(answer.word(), Word::Open, "{answer:?}");
    let told = answer.notes.iter().find(|note| note.starts_with("expected by OpenSSL 3.5 with debian-13/9.2.9: TLS"));
    assert!(told.unwrap().contains("TLS group: x25519 -> X25519MLKEM768, in "), "{:?}", answer.notes);
}

#[test]
fn a_change_without_a_reason_closes_the_gate() {
    let answer = asked([Some("x25519"), Some("secp256r1")], &["9.2.9"]);
    assert_eq!(answer.word(), Word::Closed);
    let [reason] = &answer.closed[..] else { panic!("{answer:?}") };
    assert_eq!((reason.cause, ids(reason.cell.as_slice())), (Cause::Behaviour, vec!["debian-13/9.2.9".to_owned()]));
    assert!(reason.text.contains("TLS group: x25519 -> secp256r1"), "{}", reason.text);
    assert!(!reason.trials.is_empty());
}

#[test]
fn without_records_of_both_sides_nobody_can_tell() {
    for groups in [[None, Some("x25519")], [Some("x25519"), None], [None, None]] {
        let answer = asked(groups, &["9.2.9"]);
        assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
        assert!(answer.unknown.iter().all(|reason| reason.cause == Cause::NotRecorded), "{answer:?}");
    }
}

#[test]
fn a_trial_without_a_record_cannot_be_told() {
    let results = matrix(&[("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    let all: BehaviourRecords = results
        .cells
        .iter()
        .map(|cell| {
            let trials = cell.trials.iter().map(|trial| (trial.id.clone(), TrialBehaviour::default()));
            (cell.id.clone(), trials.collect())
        })
        .collect();
    let (from, to, none) = (&distro("debian-12"), &distro("debian-13"), &ats(&[])[..]);
    let ask = |records: &BehaviourRecords| {
        let questions =
            [Question::Upgrade { from, to, ats: none }, Question::Unchanged { from, to, ats: none, records }];
        decide(&Basis::new(&results), &questions)
    };
    assert_eq!(ask(&all).word(), Word::Open);
    let subject = results.cells[1].trials.iter().find(|trial| !trial.control).unwrap();
    let mut less = all;
    less.get_mut(&results.cells[1].id).unwrap().remove(&subject.id);
    let answer = ask(&less);
    assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
    assert_eq!(answer.unknown[0].trials, std::slice::from_ref(&subject.id));
}

#[test]
fn a_cell_that_did_not_run_cannot_be_compared() {
    let results = matrix(&[("debian-13/9.2.9", Verdict::Pass)]);
    let (from, to, named) = (&distro("debian-12"), &distro("debian-13"), &ats(&["9.2.9"])[..]);
    let records = BehaviourRecords::new();
    let answer = decide(&Basis::new(&results), &[Question::Unchanged { from, to, ats: named, records: &records }]);
    assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
    assert_eq!(answer.unknown[0].cell, "debian-12/9.2.9".parse().ok());
}

/// The answer to whether 9.2.9 behaves on debian-13 as on debian-12, alone.
fn alone(results: &MatrixResult, records: &BehaviourRecords) -> Decision {
    let (from, to, named) = (&distro("debian-12"), &distro("debian-13"), &ats(&["9.2.9"])[..]);
    decide(&Basis::new(results), &[Question::Unchanged { from, to, ats: named, records }])
}

/// Both cells with the same group in each trial.
fn both(group: &str) -> (MatrixResult, BehaviourRecords) {
    let results = matrix(&[("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    let of_trial = TrialBehaviour([(BehaviourPart::Tls, [("group".to_owned(), group.to_owned())].into())].into());
    let of = |cell: &CellResult| cell.trials.iter().map(|trial| (trial.id.clone(), of_trial.clone())).collect();
    let records = results.cells.iter().map(|cell| (cell.id.clone(), of(cell))).collect();
    (results, records)
}

#[test]
fn a_trial_without_an_answer_or_a_counterpart_is_not_unchanged() {
    for outcome in [Outcome::Flaky, Outcome::Error, Outcome::Skipped, Outcome::Unsupported] {
        let (mut results, records) = both("x25519");
        let subject = results.cells[1].trials.iter_mut().find(|trial| !trial.control).unwrap();
        subject.outcome = outcome;
        let id = subject.id.clone();
        let answer = alone(&results, &records);
        assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
        let named =
            |reason: &GateReason| reason.cause == Cause::NotRecorded && reason.trials == std::slice::from_ref(&id);
        assert!(answer.unknown.iter().any(named), "{outcome:?}: {answer:?}");
    }
    // A trial that only the new distro supports was nothing to rely on before.
    let (mut results, records) = both("x25519");
    results.cells[0].trials.iter_mut().find(|trial| !trial.control).unwrap().outcome = Outcome::Unsupported;
    let answer = alone(&results, &records);
    assert!(answer.notes.iter().any(|note| note.starts_with("not compared, because debian-12/9.2.9")), "{answer:?}");
}

#[test]
fn what_is_left_out_is_said() {
    let (results, mut records) = both("x25519");
    let id = results.cells[1].trials.iter().find(|trial| !trial.control).unwrap().id.clone();
    let other = records.get_mut(&results.cells[1].id).unwrap().get_mut(&id).unwrap();
    other.0.insert(BehaviourPart::Tls, [("group".to_owned(), "secp384r1".to_owned())].into());
    assert_eq!(alone(&results, &records).word(), Word::Closed);
    let other = records.get_mut(&results.cells[1].id).unwrap().get_mut(&id).unwrap();
    other.0.insert(BehaviourPart::NotCompared, [("TLS group".to_owned(), "a coin decides".to_owned())].into());
    let answer = alone(&results, &records);
    // This question alone opens no gate.
    assert!(answer.closed.is_empty() && answer.unknown.is_empty(), "{answer:?}");
    let said = format!("not compared in 1 trial: TLS group (a coin decides): {id}");
    assert!(answer.notes.iter().any(|note| note.ends_with(&said)), "{:?}", answer.notes);
}
