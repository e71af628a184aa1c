//! What an answer is based on: complete cells, and what is no longer tested.

use super::*;
use crate::decide::compare::fixture::trial;
use crate::decide::gate::path::{self, Costs};

const ALL: [&str; 3] = ["ctl-direct-tls", "tls-remote-origin", "http-post-1m"];

fn both() -> MatrixResult {
    matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", Verdict::Pass)])
}

fn ask(results: &MatrixResult, question: &Question<'_>) -> Decision {
    decide(&Basis::new(results).with_trials(&ALL), std::slice::from_ref(question))
}

fn from_to(results: &MatrixResult, named: &[&str]) -> Decision {
    let (from, to, named) = (distro("debian-12"), distro("debian-13"), ats(named));
    ask(results, &Question::Upgrade { from: &from, to: &to, ats: &named })
}

fn says(answer: &Decision, cause: Cause, part: &str) -> bool {
    answer.closed.iter().chain(&answer.unknown).any(|it| it.cause == cause && it.text.contains(part))
}

#[test]
fn a_trial_that_passed_and_can_no_longer_be_run_closes() {
    for id in ["http-post-1m", "ctl-direct-tls"] {
        let mut results = both();
        let at = results.cells[1].trials.iter().position(|it| it.id == id).unwrap();
        results.cells[1].trials[at] = trial(id, Outcome::Unsupported);
        for named in [&[][..], &["9.2.5"]] {
            let answer = from_to(&results, named);
            assert_eq!(answer.word(), Word::Closed, "{answer:?}");
            assert!(says(&answer, Cause::NoLongerTested, id), "{answer:?}");
            assert_eq!(answer.closed[0].trials, [id]);
            assert!(answer.held.is_empty());
        }
        // It is unsupported without a reason, so the cell alone does not open the gate either.
        let list: Requirement = "debian-13/9.2.5".parse().unwrap();
        let answer = ask(&results, &Question::Require { name: "list", list: &list });
        assert!(answer.word() == Word::CannotTell && says(&answer, Cause::NotTested, id), "{answer:?}");
        let basis = Basis::new(&results);
        let (from, to) = ("debian-12/9.2.5".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        assert_ne!(path::find(&basis, &from, &to, Costs::default()).word(), Word::Open);
    }
}

/// A cell with the known limitation of 9.2 in it, recognised.
fn limit(cell: &mut crate::model::CellResult) {
    let id = "tunnel-route-split-hello";
    let limited = crate::model::TrialResult { limitation: Some("ATS-11758".into()), ..trial(id, Outcome::Limitation) };
    cell.trials.push(limited);
    cell.known_issues.push(crate::model::IssueMatch {
        id: "ATS-11758".into(),
        trials: vec![id.into()],
        ..crate::decide::compare::fixture::issue()
    });
}

#[test]
fn a_known_limitation_of_the_goal_alone_closes_and_one_of_both_is_a_note() {
    let all = [&ALL[..], &["tunnel-route-split-hello"]].concat();
    let ask =
        |results: &MatrixResult, question: Question<'_>| decide(&Basis::new(results).with_trials(&all), &[question]);
    let (old, new, named) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.5"]));
    let go = |results: &MatrixResult| ask(results, Question::Upgrade { from: &old, to: &new, ats: &named });
    let mut results = both();
    results.cells.iter_mut().for_each(limit);
    let answer = go(&results);
    assert_eq!(answer.word(), Word::Open, "{answer:?}");
    let note = "debian-12/9.2.5 and debian-13/9.2.5 both have a known limitation: tunnel-route-split-hello (ATS-11758)";
    assert!(answer.notes.iter().any(|it| it == note), "{answer:?}");
    let list: Requirement = "debian-13/9.2.5".parse().unwrap();
    let required = ask(&results, Question::Require { name: "list", list: &list });
    let note = "debian-13/9.2.5 has a known limitation: tunnel-route-split-hello (ATS-11758)";
    assert!(required.word() == Word::Open && required.notes.iter().any(|it| it == note), "{required:?}");

    results.cells[0].trials.last_mut().unwrap().outcome = Outcome::Pass;
    results.cells[0].known_issues.pop();
    let answer = go(&results);
    assert_eq!(answer.word(), Word::Closed, "{answer:?}");
    let text = "a known limitation that debian-12 does not have: tunnel-route-split-hello (ATS-11758)";
    assert!(says(&answer, Cause::Limited, text), "{answer:?}");
    let reason = answer.closed.iter().find(|it| it.cause == Cause::Limited).unwrap();
    assert_eq!((reason.trials.len(), reason.known_issues[0].id.as_str()), (1, "ATS-11758"));
    assert!(answer.held.is_empty());
    // Marked as one but not recognised: its cause is unknown.
    results.cells[1].known_issues.clear();
    assert_ne!(go(&results).word(), Word::Open);
}

#[test]
fn a_trial_that_failed_and_can_no_longer_be_run_is_unknown() {
    let mut results = both();
    // OpenSSL 3.0 has no X25519MLKEM768, 3.5 has.
    for (at, outcome) in [(0, Outcome::Unsupported), (1, Outcome::Pass)] {
        results.cells[at].trials.push(trial("group-x25519mlkem768", outcome));
    }
    let (old, new) = (distro("debian-12"), distro("debian-13"));
    let go = |results: &MatrixResult, from, to| {
        decide(&Basis::new(results), &[Question::Upgrade { from, to, ats: &ats(&["9.2.5"]) }])
    };
    assert_eq!(go(&results, &old, &new).word(), Word::Open, "it can do more");
    let back = go(&results, &new, &old);
    assert!(
        back.word() == Word::Closed && says(&back, Cause::NoLongerTested, "1 trial passing on debian-13"),
        "{back:?}"
    );
    results.cells[1].trials[3].outcome = Outcome::Flaky;
    results.cells[1].verdict = Verdict::Flaky;
    let back = go(&results, &new, &old);
    assert!(back.word() == Word::CannotTell && says(&back, Cause::NotTested, "group-x25519mlkem768"), "{back:?}");
    // A path leads only where nothing is lost.
    results.cells[1] = both().cells[1].clone();
    results.cells[1].trials.push(trial("group-x25519mlkem768", Outcome::Pass));
    let (from, to) = ("debian-13/9.2.5".parse().unwrap(), "debian-12/9.2.5".parse().unwrap());
    let there = path::find(&Basis::new(&results), &to, &from, Costs::default());
    assert_eq!((there.word(), there.steps.len()), (Word::Open, 1));
    let back = path::find(&Basis::new(&results), &from, &to, Costs::default());
    assert_eq!((back.word(), back.arrives, back.blocks[0].cause), (Word::Closed, false, Cause::NoLongerTested));
}

#[test]
fn trials_that_failed_and_were_left_out_are_not_fixed() {
    let before = matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", Verdict::Fail)]);
    let mut after = both();
    after.cells[1].trials.retain(|trial| trial.id != "tls-remote-origin");
    let answer = ask(&after, &Question::Baseline { name: "the baseline", results: &before });
    assert!(
        answer.word() == Word::CannotTell && says(&answer, Cause::Missing, "ran only 2 of 3 trials; missing: "),
        "{answer:?}"
    );
    assert!(!answer.notes.iter().any(|note| note.contains("fixed")), "{answer:?}");
    assert_eq!(ids(&answer.held), ["debian-12/9.2.5"]);
    // Nor are those that are marked as unsupported.
    after.cells[1].trials.insert(1, trial("tls-remote-origin", Outcome::Unsupported));
    assert_eq!(ask(&after, &Question::Baseline { name: "the baseline", results: &before }).word(), Word::CannotTell);
    // A new cell with a few trials is not complete either, whether it passes or fails.
    for verdict in [Verdict::Pass, Verdict::Fail] {
        let mut after = matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.9", verdict)]);
        after.cells[1].trials.retain(|trial| trial.id != "http-post-1m");
        let baseline = matrix(&[("debian-12/9.2.5", Verdict::Pass)]);
        let answer = ask(&after, &Question::Baseline { name: "the baseline", results: &baseline });
        assert!(says(&answer, Cause::Missing, "ran only 2 of 3 trials"), "{answer:?}");
        assert_ne!(answer.word(), Word::Open);
    }
}

#[test]
fn a_trial_without_an_answer_is_missed_even_if_nothing_ran_before() {
    let before = matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", Verdict::Unbuildable)]);
    let mut after = matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", Verdict::Fail)]);
    assert_eq!(against(&before, &after).word(), Word::Open, "it fails in another way");
    after.cells[1].trials[2] = trial("http-post-1m", Outcome::Error);
    let answer = against(&before, &after);
    assert!(answer.word() == Word::CannotTell && says(&answer, Cause::Error, "http-post-1m"), "{answer:?}");
}

#[test]
fn every_answer_lists_the_trials_behind_it() {
    let results = known_answers();
    let answer = from_to(&results, &[]);
    let json: serde_json::Value = serde_json::from_str(&json::render(&answer)).unwrap();
    assert_eq!(json["closed"][0]["trials"], serde_json::json!(["tls-remote-origin"]));
    assert_eq!(json["rests"][1]["cell"], "debian-13/9.2.9");
    assert_eq!(json["rests"][1]["passed"], serde_json::json!(ALL));
    assert_eq!((&json["rests"][1]["of"], &json["rests"][0]["failed"][0]), (&3.into(), &"tls-remote-origin".into()));
    let path = path::find(
        &Basis::new(&results),
        &"debian-12/9.2.5".parse().unwrap(),
        &"debian-13/9.2.9".parse().unwrap(),
        Costs::default(),
    );
    let json: serde_json::Value = serde_json::from_str(&json::path(&path)).unwrap();
    assert_eq!(json["steps"][1]["rests"]["passed"], serde_json::json!(ALL));
}

#[test]
fn the_count_comes_before_a_few_names() {
    let mut results = both();
    results.cells[1].trials.extend((0..90).map(|n| trial(&format!("tls-{n}"), Outcome::Fail)));
    results.cells[1].verdict = Verdict::Fail;
    let answer = decide(
        &Basis::new(&results),
        &[Question::Upgrade { from: &distro("debian-12"), to: &distro("debian-13"), ats: &ats(&["9.2.5"]) }],
    );
    assert_eq!(answer.closed[0].text, "fails 90 of 92 trials: tls-0, tls-1, tls-2, tls-3 and 86 more");
    assert_eq!(answer.closed[0].trials.len(), 90);
    let answer = against(&both(), &results);
    assert_eq!(
        answer.closed[0].text,
        "regressed, pass -> fail: 90 trials: tls-0 newly failing, tls-1 newly failing, tls-2 newly failing, \
         tls-3 newly failing and 86 more"
    );
}

#[test]
fn a_cell_without_an_earlier_answer_is_newly_tested_whatever_its_verdict() {
    let pass = ("debian-12/9.2.5", Verdict::Pass);
    let before = matrix(&[pass, ("fedora-40/9.2.5", Verdict::Unavailable)]);
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Unbuildable, Verdict::Flaky] {
        let mut after = matrix(&[pass, ("fedora-40/9.2.5", verdict)]);
        after.cells[1].optional = true;
        let answer = against(&before, &after);
        assert_eq!(answer.word(), Word::Open, "{verdict}: {answer:?}");
        assert!(answer.notes[0].starts_with("fedora-40/9.2.5: newly tested"), "{:?}", answer.notes);
        // So is a row that the baseline's matrix did not have.
        let older = MatrixResult { matrix: "1f".repeat(32), ..matrix(&[pass]) };
        after.cells[1].optional = false;
        assert_eq!(against(&older, &after).word(), Word::Open, "{verdict}");
        // If an answer was due, it is unknown whether it is worse.
        let wanted = if verdict == Verdict::Pass { Word::Open } else { Word::CannotTell };
        assert_eq!(against(&before, &after).word(), wanted, "{verdict}");
        assert_eq!(against(&matrix(&[pass]), &after).word(), wanted, "the same matrix, run in part: {verdict}");
    }
}
