mod attacks;
mod coverage;
mod declared;
mod hello;
mod in_place;
mod partial;
mod rows;
mod tiers;
mod unchanged;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::decide::compare::fixture::{self, cell, expected, known_answers, matrix, result, trial};
use crate::model::{CellId, CellResult, Outcome, Verdict};

const DAY: Duration = Duration::from_hours(24);

fn distro(name: &str) -> DistroId {
    name.parse().unwrap()
}

fn ats(names: &[&str]) -> Vec<AtsId> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn upgrade(results: &MatrixResult, named: &[&str]) -> Decision {
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(named));
    decide(&Basis::new(results), &[Question::Upgrade { from: &from, to: &to, ats: &ats }])
}

fn against(baseline: &MatrixResult, results: &MatrixResult) -> Decision {
    decide(&Basis::new(results), &[Question::Baseline { name: "the baseline", results: baseline }])
}

fn require(list: &str, results: &MatrixResult) -> Decision {
    let list: Requirement = list.parse().unwrap();
    decide(&Basis::new(results), &[Question::Require { name: "required.txt", list: &list }])
}

fn ids(cells: &[CellId]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

#[test]
fn the_seed_bug_closes_the_upgrade_and_another_ats_first_is_the_fix() {
    let answer = upgrade(&known_answers(), &[]);
    assert_eq!(answer.word(), Word::Closed);
    assert_eq!(ids(&answer.held), ["debian-13/9.2.9"]);
    let [reason] = &answer.closed[..] else { panic!("{answer:?}") };
    assert_eq!(reason.text, "fails 1 of 2 trials: tls-remote-origin");
    assert_eq!(reason.known_issues[0].id, "ATS-11465");
    assert_eq!(reason.provenance[0].before.as_deref(), Some("3.0.20"));
    assert_eq!(
        reason.ways_out,
        ["change ATS to 9.2.9 first, which passes on debian-12 and debian-13: \
             atsmatrix path debian-12/9.2.5 debian-13/9.2.9"]
    );
}

#[test]
fn an_expected_failure_still_closes_the_upgrade() {
    let mut results = known_answers();
    results.cells[2].expected = Some(expected(Verdict::Fail));
    let answer = upgrade(&results, &["9.2.5"]);
    assert_eq!(answer.word(), Word::Closed);
    assert_eq!(answer.closed[0].expected.as_deref(), Some("OpenSSL 3.2 breaks outgoing TLS"));
}

#[test]
fn a_named_ats_that_passes_opens() {
    let answer = upgrade(&known_answers(), &["9.2.9"]);
    assert_eq!((answer.word(), answer.unknown.len()), (Word::Open, 0));
}

#[test]
fn each_verdict_on_the_new_distro_has_its_answer() {
    for (verdict, word) in [
        (Verdict::Pass, Word::Open),
        (Verdict::Fail, Word::Closed),
        (Verdict::Unbuildable, Word::Closed),
        (Verdict::Flaky, Word::Closed),
        (Verdict::Error, Word::CannotTell),
        (Verdict::Unavailable, Word::CannotTell),
    ] {
        let mut results = matrix(&[("debian-12/9.2.5", Verdict::Pass), ("debian-13/9.2.5", verdict)]);
        results.cells[1].optional = true;
        assert_eq!(upgrade(&results, &[]).word(), word, "{verdict}");
        assert_eq!(upgrade(&results, &["9.2.5"]).word(), word, "{verdict}");
        assert_eq!(require("debian-13/9.2.5", &results).word(), word, "{verdict}");
    }
}

#[test]
fn an_ats_that_fails_today_matters_only_if_it_fails_after_the_upgrade() {
    let mut results = known_answers();
    results.cells[0] = cell("debian-12/9.2.5", Verdict::Fail);
    let answer = upgrade(&results, &[]);
    assert_eq!((answer.word(), ids(&answer.held)), (Word::CannotTell, vec!["debian-13/9.2.9".to_owned()]));
    assert_eq!(
        (&*answer.unknown[0].text, &*answer.unknown[0].ways_out[0]),
        (
            "fails, so it is unknown whether hosts run this ATS; debian-13/9.2.5 does not pass",
            "if they do not, name the ones that they run: --ats 9.2.9"
        )
    );
    results.cells[2] = cell("debian-13/9.2.5", Verdict::Pass);
    let answer = upgrade(&results, &[]);
    assert_eq!(answer.word(), Word::Open, "whether hosts run it or not");
    assert_eq!(answer.notes, ["debian-12/9.2.5 does not pass today: fail"]);
    results.cells[2] = cell("debian-13/9.2.5", Verdict::Fail);
    results.cells[0] = cell("debian-12/9.2.5", Verdict::Error);
    assert_eq!(upgrade(&results, &[]).word(), Word::CannotTell);
}

#[test]
fn nothing_is_open_without_a_cell_that_passes() {
    let empty = matrix(&[]);
    let one = matrix(&[("debian-12/9.2.5", Verdict::Pass)]);
    let rows = matrix(&[("debian-12/9.2.5", Verdict::Fail), ("debian-13/9.2.5", Verdict::Pass)]);
    for answer in [
        upgrade(&empty, &[]),
        upgrade(&empty, &["9.2.5"]),
        upgrade(&one, &[]),
        upgrade(&rows, &[]),
        upgrade(&known_answers(), &["9.2.6"]),
        against(&empty, &empty),
        against(&known_answers(), &empty),
        against(&empty, &known_answers()),
        require("", &known_answers()),
        require("# nothing", &known_answers()),
        require("debian-13/9.2.5", &empty),
        decide(&Basis::new(&known_answers()), &[]),
    ] {
        assert_ne!(answer.word(), Word::Open, "{answer:?}");
        assert!(!answer.unknown.is_empty() || !answer.closed.is_empty(), "it has a reason: {answer:?}");
        assert!(answer.unknown.iter().all(|reason| !reason.ways_out.is_empty() || reason.cause == Cause::NothingAsked));
    }
}

#[test]
fn a_changed_matrix_yaml_or_old_results_cannot_open() {
    let results = known_answers();
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.9"]));
    let ask = |basis: Basis| decide(&basis, &[Question::Upgrade { from: &from, to: &to, ats: &ats }]);
    let cause = |answer: &Decision| answer.unknown.first().map(|reason| reason.cause);
    assert_eq!(ask(Basis::new(&results).for_matrix("0f".repeat(32))).word(), Word::Open);
    assert_eq!(cause(&ask(Basis::new(&results).for_matrix("1f".repeat(32)))), Some(Cause::MatrixChanged));
    assert_eq!(ask(Basis::new(&results).no_older_than(30 * DAY, Some(30 * DAY))).word(), Word::Open);
    let old = ask(Basis::new(&results).no_older_than(30 * DAY, Some(31 * DAY)));
    assert_eq!(old.unknown[0].text, "the results are 31 days old; at most 30 days are allowed");
    assert_eq!(cause(&ask(Basis::new(&results).no_older_than(30 * DAY, None))), Some(Cause::Age));
}

#[test]
fn results_that_contradict_themselves_do_not_open() {
    let mut forged = known_answers();
    forged.cells[2].verdict = Verdict::Pass;
    let mut bare = known_answers();
    bare.cells[2] = CellResult { trials: Vec::new(), ..cell("debian-13/9.2.5", Verdict::Pass) };
    let mut twice = known_answers();
    twice.cells.push(cell("debian-13/9.2.5", Verdict::Pass));
    for results in [forged, bare, twice] {
        for answer in [upgrade(&results, &["9.2.5"]), against(&results, &results), require("debian-13/9.2.5", &results)]
        {
            assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::Unsound), "{answer:?}");
        }
    }
}

#[test]
fn a_pass_of_a_few_trials_does_not_open() {
    let results = known_answers();
    let (from, to) = (distro("debian-12"), distro("debian-13"));
    let ask = |trials: &[&str]| {
        decide(
            &Basis::new(&results).with_trials(trials),
            &[Question::Upgrade { from: &from, to: &to, ats: &ats(&["9.2.9"]) }],
        )
    };
    let all = ["ctl-direct-tls", "tls-remote-origin", "http-post-1m"];
    assert_eq!(ask(&all).word(), Word::Open);
    let answer = ask(&[&all[..], &["tls12-only"]].concat());
    assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::Missing));
    assert_eq!(answer.unknown[0].text, "ran only 3 of 4 trials; missing: tls12-only");
}

#[test]
fn an_expected_failure_does_not_excuse_a_trial_without_an_answer() {
    let baseline = matrix(&[("debian-13/9.2.5", Verdict::Pass)]);
    let mut results = matrix(&[("debian-13/9.2.5", Verdict::Fail)]);
    results.cells[0].expected = Some(expected(Verdict::Fail));
    assert_eq!(against(&baseline, &results).word(), Word::Open);
    for outcome in [Outcome::Error, Outcome::Skipped] {
        results.cells[0].trials[2] = trial("http-post-1m", outcome);
        let answer = against(&baseline, &results);
        assert_eq!(answer.word(), Word::CannotTell, "{answer:?}");
        assert_eq!(answer.unknown[0].text, "regressed, pass -> fail: http-post-1m infrastructure");
    }
}

#[test]
fn a_regression_closes_and_an_expected_one_does_not() {
    let baseline = matrix(&[("debian-13/9.2.5", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    let mut results = matrix(&[("debian-13/9.2.5", Verdict::Fail), ("debian-13/9.2.9", Verdict::Pass)]);
    let answer = against(&baseline, &results);
    assert_eq!(answer.word(), Word::Closed);
    assert_eq!(answer.closed[0].text, "regressed, pass -> fail: tls-remote-origin regressed");
    results.cells[0].expected = Some(expected(Verdict::Fail));
    let answer = against(&baseline, &results);
    assert_eq!((answer.word(), answer.held.len()), (Word::Open, 2));
    assert_eq!(
        answer.notes,
        ["debian-13/9.2.5 is worse (regressed), as expected by matrix.yaml (according to the results)"]
    );
    results.cells[0].trials.push(trial("http-response-10m", Outcome::Fail));
    assert_eq!(against(&baseline, &results).word(), Word::Closed, "the expectation is about tls-* only");
}

#[test]
fn an_expectation_that_is_out_of_date_closes_the_baseline_and_no_other_question() {
    let mut results = known_answers();
    results.cells[2].expected = Some(expected(Verdict::Fail));
    assert_eq!(against(&results, &results).word(), Word::Open);

    let mut mended = results.clone();
    mended.cells[2] = CellResult { expected: Some(expected(Verdict::Fail)), ..cell("debian-13/9.2.5", Verdict::Pass) };
    let answer = against(&results, &mended);
    assert_eq!((answer.word(), answer.closed[0].cause), (Word::Closed, Cause::Expectation));
    assert_eq!(answer.closed[0].ways_out, ["remove it from matrix.yaml: atsmatrix expect --update"]);
    assert_eq!(upgrade(&mended, &["9.2.5"]).word(), Word::Open);

    results.cells[2].expected.as_mut().unwrap().expires = Some("2027-01-31".parse().unwrap());
    let on = |day: &str| {
        let question = Question::Baseline { name: "itself", results: &results };
        decide(&Basis::new(&results).on(day.parse().unwrap()), &[question])
    };
    assert_eq!(on("2027-01-31").word(), Word::Open);
    let answer = on("2027-02-01");
    assert_eq!((answer.word(), answer.closed[0].cause), (Word::Closed, Cause::Expectation));
    assert!(answer.closed[0].text.contains("until 2027-01-31, which is over"), "{:?}", answer.closed);
}

#[test]
fn a_trial_that_regressed_in_a_cell_that_failed_anyway_closes() {
    let baseline = known_answers();
    let mut results = known_answers();
    results.cells[2].trials[2] = trial("http-post-1m", Outcome::Fail);
    let answer = against(&baseline, &results);
    assert_eq!(answer.closed[0].text, "fail as before: http-post-1m regressed");
    results.cells[2].trials[2] = trial("http-post-1m", Outcome::Error);
    let answer = against(&baseline, &results);
    assert_eq!(
        (answer.word(), &*answer.unknown[0].text),
        (Word::CannotTell, "fail as before: http-post-1m infrastructure")
    );
}

#[test]
fn a_cell_that_is_gone_is_missed_unless_it_failed() {
    let baseline = known_answers();
    let mut results = known_answers();
    results.cells.remove(2);
    let answer = against(&baseline, &results);
    assert_eq!((answer.word(), &*answer.notes), (Word::Open, &["debian-13/9.2.5: failure removed".to_owned()][..]));
    results.cells.remove(0);
    let answer = against(&baseline, &results);
    assert_eq!(answer.word(), Word::CannotTell);
    assert_eq!(answer.unknown[0].text, "no longer tested, pass -> absent");
    assert_eq!(answer.unknown[0].ways_out, ["run it: atsmatrix run --distro debian-12 --ats 9.2.5"]);
}

#[test]
fn a_lost_answer_is_missed_and_an_optional_cell_that_never_had_one_is_not() {
    let pass = ("debian-12/9.2.9", Verdict::Pass);
    let baseline = matrix(&[pass, ("fedora-40/9.2.5", Verdict::Unavailable)]);
    let mut results = baseline.clone();
    assert_eq!(against(&baseline, &results).word(), Word::CannotTell);
    results.cells[1].optional = true;
    assert_eq!(against(&baseline, &results).word(), Word::Open);
    let baseline = matrix(&[pass, ("fedora-40/9.2.5", Verdict::Pass)]);
    let answer = against(&baseline, &results);
    assert_eq!((answer.word(), answer.unknown[0].cause), (Word::CannotTell, Cause::Unavailable));
}

#[test]
fn every_question_must_be_open() {
    let results = known_answers();
    let (from, to, ats) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.9"]));
    let good = Question::Upgrade { from: &from, to: &to, ats: &ats };
    let list: Requirement = "debian-13/9.2.5 # the old one\n\ndebian-13/9.2.5".parse().unwrap();
    assert_eq!(list.cells.len(), 1);
    let bad = Question::Require { name: "required.txt", list: &list };
    let answer = decide(&Basis::new(&results), &[good.clone(), bad]);
    assert_eq!((answer.word(), answer.questions.len()), (Word::Closed, 2));
    assert_eq!(decide(&Basis::new(&results), &[good]).word(), Word::Open);
}

#[test]
fn an_invalid_list_names_the_line() {
    let error = "debian-13/9.2.9\ndebian-*/9.2.9".parse::<Requirement>().unwrap_err();
    assert!(error.to_string().starts_with("line 2: debian-*: use lower-case letters"), "{error}");
}

#[test]
fn each_answer_has_its_exit_code() {
    let codes = [Word::Open, Word::Closed, Word::CannotTell].map(|word| word.exit() as u8);
    assert_eq!(codes, [0, 3, 4]);
}

/// From good to bad. `None`: not in the results.
const WORSE: [(Option<Verdict>, &[Option<Verdict>]); 4] = [
    (
        Some(Verdict::Pass),
        &[
            Some(Verdict::Flaky),
            Some(Verdict::Fail),
            Some(Verdict::Unbuildable),
            Some(Verdict::Error),
            Some(Verdict::Unavailable),
            None,
        ],
    ),
    (Some(Verdict::Flaky), &[Some(Verdict::Fail), Some(Verdict::Unbuildable)]),
    (Some(Verdict::Error), &[None]),
    (Some(Verdict::Unavailable), &[None]),
];

fn any_verdict() -> impl Strategy<Value = Option<Verdict>> {
    prop::sample::select(vec![
        Some(Verdict::Pass),
        Some(Verdict::Pass),
        Some(Verdict::Pass),
        Some(Verdict::Fail),
        Some(Verdict::Unbuildable),
        Some(Verdict::Flaky),
        Some(Verdict::Error),
        Some(Verdict::Unavailable),
        None,
    ])
}

const SIZE: usize = 6;

/// debian-12 and debian-13 by three ATS; some failures are expected, some cells optional.
fn cells() -> impl Strategy<Value = Vec<(Option<Verdict>, bool, bool)>> {
    prop::collection::vec((any_verdict(), any::<bool>(), any::<bool>()), SIZE)
}

fn build(cells: &[(Option<Verdict>, bool, bool)]) -> MatrixResult {
    let names =
        ["debian-12", "debian-13"].into_iter().flat_map(|row| ["1", "2", "3"].map(|ats| format!("{row}/{ats}")));
    let cells = names.zip(cells).filter_map(|(id, (verdict, expects, optional))| {
        let expected = expects.then(|| fixture::expected(Verdict::Fail));
        Some(CellResult { expected, optional: *optional, ..cell(&id, (*verdict)?) })
    });
    let cells = cells.collect();
    let whole =
        matrix(&[("debian-12/1", Verdict::Pass), ("debian-13/2", Verdict::Pass), ("debian-13/3", Verdict::Pass)]);
    MatrixResult { cells, ..whole }
}

proptest! {
    #[test]
    fn making_a_cell_worse_never_opens(before in cells(), baseline in cells(), at in 0..SIZE, pick in 0..6_usize) {
        let mut after = before.clone();
        let Some((_, worse)) = WORSE.iter().find(|(from, _)| *from == before[at].0) else { return Ok(()) };
        after[at].0 = worse[pick % worse.len()];
        let (old, new, baseline) = (build(&before), build(&after), build(&baseline));
        let opened = |old: &Decision, new: &Decision| old.word() != Word::Open && new.word() == Word::Open;
        let list = "debian-13/1\ndebian-13/2";
        prop_assert!(!opened(&require(list, &old), &require(list, &new)));
        prop_assert!(!opened(&upgrade(&old, &["1", "2"]), &upgrade(&new, &["1", "2"])));
        // A removed failure does not count: what is gone from today's matrix cannot be worse than before. And a pass
        // where matrix.yaml expects a failure closes by itself: there the declared failure is in order.
        let in_order = !(before[at].1 && before[at].0 == Some(Verdict::Pass));
        if in_order && (after[at].0.is_some() || before[at].0 == Some(Verdict::Pass)) {
            prop_assert!(!opened(&against(&baseline, &old), &against(&baseline, &new)));
        }
        prop_assert!(!opened(&upgrade(&old, &[]), &upgrade(&new, &[])));
    }

    #[test]
    fn open_means_that_every_cell_asked_about_passes(cells in cells()) {
        let results = build(&cells);
        let answer = upgrade(&results, &["1", "3"]);
        let passes = |at: usize| cells[at].0 == Some(Verdict::Pass);
        prop_assert_eq!(answer.word() == Word::Open, passes(3) && passes(5));
    }

    #[test]
    fn a_result_of_answers_is_no_worse_than_itself(cells in cells()) {
        let mut results = build(&cells);
        results.cells.retain(|cell| cell.verdict.is_answer());
        let stale = results.cells.iter().any(|cell| cell.expected.is_some() && cell.verdict == Verdict::Pass);
        let wanted = match results.cells.len() {
            _ if stale => Word::Closed,
            0 => Word::CannotTell,
            _ => Word::Open,
        };
        prop_assert_eq!(against(&results, &results).word(), wanted);
    }
}

/// Anything quadratic in the number of cells would take far too long here.
#[test]
fn a_big_matrix_is_decided() {
    let cells = (0..60).flat_map(|row| (0..60).map(move |column| cell(&format!("d-{row}/{column}"), Verdict::Pass)));
    let results = result(cells.collect());
    let (from, to) = (distro("d-0"), distro("d-59"));
    let questions = [
        Question::Upgrade { from: &from, to: &to, ats: &[] },
        Question::Baseline { name: "itself", results: &results },
    ];
    assert_eq!(decide(&Basis::new(&results), &questions).word(), Word::Open);
}
