use std::slice::from_ref;

use super::*;
use crate::model::{Confidence, Provenance};

fn trial(id: &str, outcome: Outcome) -> TrialResult {
    let control = id.starts_with("ctl-");
    TrialResult {
        id: id.into(),
        outcome,
        control,
        limitation: None,
        definition: None,
        summary: String::new(),
        evidence: Vec::new(),
    }
}

fn expects(verdict: Verdict, trials: &[&str]) -> Expected {
    let trials = trials.iter().map(|id| (*id).to_owned()).collect();
    Expected { verdict, reason: "why".into(), link: None, trials, issue: None, expires: None, also: Vec::new() }
}

fn cell(trials: &[(&str, Outcome)], expected: &[Expected]) -> CellResult {
    let trials: Vec<_> = trials.iter().map(|(id, outcome)| trial(id, *outcome)).collect();
    let mut expected = expected.iter().cloned();
    let first = expected.next().map(|first| Expected { also: expected.collect(), ..first });
    CellResult {
        id: "debian-13/9.2.5".parse().unwrap(),
        verdict: crate::verdict::of_trials(&trials),
        reason: None,
        expected: first,
        optional: false,
        trials,
        known_issues: Vec::new(),
        provenance: Provenance::default(),
    }
}

fn texts(cell: &CellResult, terms: &Terms<'_>) -> Vec<String> {
    surprises(cell, terms).iter().map(ToString::to_string).collect()
}

const P: Outcome = Outcome::Pass;
const F: Outcome = Outcome::Fail;

#[test]
fn only_undeclared_failures_are_surprises() {
    let tls = expects(Verdict::Fail, &["tls-*"]);
    let terms = Terms::default();
    assert!(texts(&cell(&[("tls-a", F), ("tls-b", P), ("http-a", P)], from_ref(&tls)), &terms).is_empty());
    assert_eq!(
        texts(&cell(&[("tls-a", F), ("http-a", F)], from_ref(&tls)), &terms),
        ["fails in http-a, which matrix.yaml does not expect"]
    );
    assert_eq!(
        texts(&cell(&[("tls-a", P), ("http-a", P)], &[tls]), &terms),
        ["does not fail as matrix.yaml expects: why"]
    );
    assert_eq!(texts(&cell(&[("tls-a", F)], &[]), &terms), ["fails in tls-a, which matrix.yaml does not expect"]);
}

#[test]
fn several_expectations_cover_a_cell_together() {
    let both = [expects(Verdict::Fail, &["tls-*"]), expects(Verdict::Flaky, &["http-race"])];
    let terms = Terms::default();
    assert!(texts(&cell(&[("tls-a", F), ("http-race", Outcome::Flaky)], &both), &terms).is_empty());
    assert!(texts(&cell(&[("tls-a", F), ("http-race", P)], &both), &terms).is_empty(), "flaky ones may pass");
    assert_eq!(
        texts(&cell(&[("tls-a", F), ("http-race", F)], &both), &terms),
        ["fails in http-race, which matrix.yaml does not expect"]
    );
    assert_eq!(
        texts(&cell(&[("tls-a", P), ("http-race", P)], &both), &terms),
        ["does not fail as matrix.yaml expects: why"]
    );
}

#[test]
fn a_trial_named_in_full_must_fail_and_one_matched_by_a_pattern_may() {
    let named = expects(Verdict::Fail, &["tls-a", "tls-b"]);
    assert_eq!(
        texts(&cell(&[("tls-a", F), ("tls-b", P)], &[named]), &Terms::default()),
        ["does not fail in tls-b as matrix.yaml expects: why"]
    );
}

#[test]
fn a_run_of_some_trials_fixes_nothing() {
    let tls = expects(Verdict::Fail, &["tls-*"]);
    let all = Terms { trials: &["tls-a", "tls-b", "http-a"], ..Terms::default() };
    assert!(texts(&cell(&[("tls-b", P)], from_ref(&tls)), &all).is_empty());
    assert!(texts(&cell(&[("http-a", P)], from_ref(&tls)), &Terms::default()).is_empty(), "none of its trials ran");
    assert_eq!(texts(&cell(&[("tls-a", P), ("tls-b", P)], &[tls]), &all).len(), 1);
}

#[test]
fn a_trial_without_an_answer_fixes_nothing() {
    let tls = expects(Verdict::Fail, &["tls-*"]);
    let all = Terms { trials: &["tls-a", "tls-b", "http-a"], ..Terms::default() };
    for outcome in [Outcome::Error, Outcome::Skipped] {
        let other = cell(&[("tls-a", P), ("tls-b", outcome), ("http-a", Outcome::Flaky)], from_ref(&tls));
        let other = CellResult { verdict: Verdict::Flaky, ..other };
        assert_eq!(texts(&other, &all), ["is flaky in http-a, which matrix.yaml does not expect"], "{outcome}");
        assert_eq!(texts(&other, &Terms::default()).len(), 1);
    }
    assert_eq!(texts(&cell(&[("tls-a", P), ("tls-b", Outcome::Unsupported)], &[tls]), &Terms::default()).len(), 1);
}

#[test]
fn a_known_limitation_is_a_surprise_only_if_it_passes() {
    let limited = |outcome| {
        let mut cell = cell(&[("tls-a", P), ("tls-b", outcome)], &[]);
        cell.trials[1].limitation = Some("ATS-11758".into());
        cell
    };
    let known = limited(Outcome::Limitation);
    assert_eq!(known.verdict, Verdict::Pass);
    assert!(texts(&known, &Terms::default()).is_empty());
    assert_eq!(texts(&limited(P), &Terms::default()), ["passes tls-b, although ATS-11758 is known to limit this ATS"]);
    // Another failure is a failure, and a trial that passes at times is flaky.
    assert_eq!(texts(&limited(F), &Terms::default()), ["fails in tls-b, which matrix.yaml does not expect"]);
    let flaky = texts(&limited(Outcome::Flaky), &Terms::default());
    assert_eq!(flaky, ["is flaky in tls-b, which matrix.yaml does not expect"]);
    let alone = cell(&[("tls-b", Outcome::Limitation)], &[]);
    assert_eq!(alone.verdict, Verdict::Error, "nothing passed");
}

fn known(id: &str, confidence: Confidence, trials: &[&str]) -> IssueMatch {
    IssueMatch {
        id: id.into(),
        title: String::new(),
        link: String::new(),
        fixed_in: String::new(),
        way_out: String::new(),
        confidence,
        of_parent: false,
        trials: trials.iter().map(|id| (*id).to_owned()).collect(),
        workarounds: Vec::new(),
    }
}

#[test]
fn an_issue_excuses_only_what_is_certainly_that_issue() {
    let seed = Expected { issue: Some("ATS-11465".into()), ..expects(Verdict::Fail, &[]) };
    let fails = |known_issues: &[IssueMatch]| {
        let trials = [("tls-a", F), ("tls-b", F), ("http-a", P), ("http-race", Outcome::Flaky)];
        let cell = CellResult { known_issues: known_issues.to_vec(), ..cell(&trials, from_ref(&seed)) };
        texts(&cell, &Terms::default())
    };
    let all = ["tls-a", "tls-b", "http-race"];
    assert!(fails(&[known("ATS-11465", Confidence::Certain, &all)]).is_empty());
    // One trial fails in another way.
    assert_eq!(
        fails(&[known("ATS-11465", Confidence::Certain, &["tls-a", "http-race"])]),
        ["fails in tls-b, which matrix.yaml does not expect"]
    );
    // It only looks like the issue: not excused, and not fixed either.
    assert_eq!(
        fails(&[known("ATS-11465", Confidence::LooksLike, &all)]),
        [
            "fails in tls-a, tls-b, which matrix.yaml does not expect",
            "is flaky in http-race, which matrix.yaml does not expect"
        ]
    );
    // Another issue, or none: the entry is out of date.
    for other in [vec![known("ATS-1344", Confidence::Certain, &all)], Vec::new()] {
        let found = fails(&other);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[2], "does not fail with ATS-11465 as matrix.yaml expects: why");
    }
}

#[test]
fn an_issue_that_no_longer_happens_is_out_of_date_and_one_that_was_not_tried_is_not() {
    let seed = Expected { issue: Some("ATS-11465".into()), ..expects(Verdict::Fail, &["tls-*"]) };
    let all = Terms { trials: &["tls-a", "tls-b", "http-a"], ..Terms::default() };
    let out_of_date = ["does not fail with ATS-11465 as matrix.yaml expects: why"];
    assert_eq!(texts(&cell(&[("tls-a", P), ("tls-b", P)], from_ref(&seed)), &all), out_of_date);
    assert!(texts(&cell(&[("tls-a", P)], from_ref(&seed)), &all).is_empty());
    assert!(texts(&cell(&[("http-a", P)], from_ref(&seed)), &Terms::default()).is_empty());
    // It excuses nothing outside its trials.
    let stray = CellResult {
        known_issues: vec![known("ATS-11465", Confidence::Certain, &["tls-a", "http-a"])],
        ..cell(&[("tls-a", F), ("http-a", F)], &[seed])
    };
    assert_eq!(texts(&stray, &Terms::default()), ["fails in http-a, which matrix.yaml does not expect"]);
}

#[test]
fn a_build_with_a_fix_is_declared_to_pass() {
    let fixed = Expected { issue: Some("ATS-11758".into()), ..expects(Verdict::Pass, &[]) };
    let limited = |outcome, limitation: Option<&str>| {
        let mut cell = cell(&[("tls-a", P), ("tls-b", outcome)], from_ref(&fixed));
        cell.trials[1].limitation = limitation.map(str::to_owned);
        texts(&cell, &Terms { trials: &["tls-a", "tls-b"], ..Terms::default() })
    };
    assert!(limited(P, Some("ATS-11758")).is_empty());
    let back = ["fails in tls-b, which matrix.yaml does not expect"];
    assert_eq!(limited(Outcome::Limitation, Some("ATS-11758")), back);
    assert_eq!(limited(F, Some("ATS-11758")), back);
    let gone = ["is not affected by ATS-11758, so matrix.yaml need not say that it is fixed: why"];
    assert_eq!(limited(P, None), gone);
    let other = "passes tls-b, although ATS-7346 is known to limit this ATS";
    assert_eq!(limited(P, Some("ATS-7346")), [other, gone[0]]);
}

#[test]
fn an_expectation_ends_after_its_last_day() {
    let mut tls = expects(Verdict::Fail, &["tls-*"]);
    tls.expires = Some("2027-01-31".parse().unwrap());
    let on = |day: &str, outcome| {
        let terms = Terms { today: Some(day.parse().unwrap()), ..Terms::default() };
        texts(&cell(&[("tls-a", outcome)], from_ref(&tls)), &terms)
    };
    assert!(on("2027-01-31", F).is_empty());
    assert_eq!(on("2027-02-01", F), ["was expected to fail until 2027-01-31, which is over: why"]);
    assert_eq!(on("2027-02-01", P).len(), 2);
    assert!(texts(&cell(&[("tls-a", F)], from_ref(&tls)), &Terms::default()).is_empty());
}

#[test]
fn a_cell_that_does_not_compile_says_nothing_about_trials() {
    let mut unbuildable = cell(&[], &[expects(Verdict::Unbuildable, &[]), expects(Verdict::Fail, &["tls-*"])]);
    unbuildable.verdict = Verdict::Unbuildable;
    assert!(texts(&unbuildable, &Terms::default()).is_empty());
    assert_eq!(
        texts(&cell(&[("tls-a", P)], &[expects(Verdict::Unbuildable, &[])]), &Terms::default()),
        ["does not fail to build as matrix.yaml expects: why"]
    );
    unbuildable.expected = None;
    assert_eq!(texts(&unbuildable, &Terms::default()), ["cannot be built, which matrix.yaml does not expect"]);
}
