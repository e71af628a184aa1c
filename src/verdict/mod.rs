//! From judgements to outcomes, from outcomes to a verdict, from verdicts to an exit code. Pure.

mod surprise;
mod whole;

use crate::catalogue::trials::{self, Kind};
use crate::exit::Exit;
use crate::model::{CellResult, Outcome, TrialResult, Verdict};

pub use surprise::{LIFTED_WAY_OUT, Scope, Surprise, Terms, covers, surprises};
pub use whole::{Lost, Whole, cannot, few, lost};

/// What a trial came to after its first attempt and, if that did not pass, its repetition in a fresh
/// ATS. Only the same trouble twice counts; a repetition that could not be had leaves the question
/// open.
pub fn settle(first: Outcome, repeated: Option<Outcome>) -> Outcome {
    use Outcome::{Error, Fail, Flaky, Pass};
    match (first, repeated) {
        (Fail, Some(Fail)) => Fail,
        (Fail, Some(Pass)) => Flaky,
        (Error, Some(second)) => second,
        (Fail, _) => Error,
        (first, _) => first,
    }
}

/// Takes failures back where a direct control failed too: then the origin or the network is at
/// fault, and nothing is said about ATS.
pub fn weigh_controls(outcomes: &mut [(Kind, Outcome)]) {
    let broken = outcomes.iter().any(|&(kind, outcome)| {
        kind == Kind::DirectControl && matches!(outcome, Outcome::Fail | Outcome::Error | Outcome::Flaky)
    });
    if broken {
        for (_, outcome) in outcomes.iter_mut().filter(|(_, outcome)| *outcome == Outcome::Fail) {
            *outcome = Outcome::Error;
        }
    }
}

/// Whether a control does not go through ATS: when it fails, that is not ATS's fault.
pub fn goes_past_ats(control: &TrialResult) -> bool {
    trials::by_id(&control.id).is_some_and(|known| known.kind == Kind::DirectControl)
}

/// The verdict on a cell that ran. A known limitation does not by itself make it anything but a pass.
pub fn of_trials(trials: &[TrialResult]) -> Verdict {
    let any = |wanted: Outcome| trials.iter().any(|trial| trial.outcome == wanted);
    let passed = trials.iter().any(|trial| trial.outcome == Outcome::Pass && !trial.control);
    if any(Outcome::Fail) {
        Verdict::Fail
    } else if any(Outcome::Error) {
        Verdict::Error
    } else if any(Outcome::Flaky) {
        Verdict::Flaky
    } else if any(Outcome::Skipped) || !passed {
        // A cell in which nothing of ATS was tested is not green.
        Verdict::Error
    } else {
        Verdict::Pass
    }
}

/// How a cell stands against what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As expected, be it a pass or a declared failure.
    Expected,
    /// Another answer than expected: a failure, a flake, a pass where a failure is declared, or an
    /// expectation that has expired.
    Unexpected,
    /// No answer, of the cell or of one of its trials, and one was due.
    Unanswered,
    /// No answer, and the cell is optional.
    Excused,
    /// An optional cell fails that an earlier run had no answer of: news, and no more this once.
    New,
}

/// How `cell` stands.
pub fn standing(cell: &CellResult, terms: &Terms<'_>) -> Standing {
    if !cell.verdict.is_answer() {
        let excused = cell.optional && !terms.strict && cell.verdict == Verdict::Unavailable;
        return if excused { Standing::Excused } else { Standing::Unanswered };
    }
    if is_newly_tested(cell, terms) {
        Standing::New
    } else if !surprises(cell, terms).is_empty() {
        Standing::Unexpected
    } else if unanswered(cell).is_empty() {
        Standing::Expected
    } else {
        // The declared failure is there, and something else came to nothing.
        Standing::Unanswered
    }
}

/// Whether `cell` is news and no more: it may be missing, an earlier run had no answer of it, and matrix.yaml says
/// nothing of it yet. So a run is not red for what a registry that is in reach for once has brought; from the next run
/// on it is, unless matrix.yaml expects it.
fn is_newly_tested(cell: &CellResult, terms: &Terms<'_>) -> bool {
    let troubled = cell.verdict.is_answer() && cell.verdict != Verdict::Pass;
    let had_none = || terms.unanswered.is_some_and(|cells| cells.contains(&cell.id));
    troubled && cell.optional && !terms.strict && cell.expected.is_none() && had_none()
}

/// The trials of `cell` that came to nothing.
pub fn unanswered(cell: &CellResult) -> Vec<&str> {
    cell.trials.iter().filter(|trial| !is_answer(trial.outcome)).map(|trial| trial.id.as_str()).collect()
}

/// Whether `outcome` says anything about ATS. A trial in error or not reached may fail as well as pass.
pub fn is_answer(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Pass | Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Unsupported => true,
        Outcome::Error | Outcome::Skipped => false,
    }
}

/// The exit code of a run over `cells`.
pub fn exit(cells: &[CellResult], terms: &Terms<'_>) -> Exit {
    let any = |wanted| cells.iter().any(|cell| standing(cell, terms) == wanted);
    if cells.is_empty() {
        Exit::NothingSelected
    } else if any(Standing::Unexpected) {
        Exit::Unexpected
    } else if any(Standing::Unanswered) {
        Exit::Incomplete
    } else {
        Exit::Success
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{Expected, Provenance};

    const STRICT: Terms<'_> = Terms { strict: true, today: None, trials: &[], unanswered: None };

    fn trial(id: &str, outcome: Outcome) -> TrialResult {
        let control = id.starts_with("ctl-");
        TrialResult { id: id.into(), outcome, control, limitation: None, summary: String::new(), evidence: Vec::new() }
    }

    fn cell(verdict: Verdict, expected: Option<Verdict>, trials: Vec<TrialResult>) -> CellResult {
        let expected = expected.map(|verdict| Expected {
            verdict,
            reason: "known".into(),
            link: None,
            trials: vec!["tls-*".into()],
            issue: None,
            expires: None,
            also: Vec::new(),
        });
        CellResult {
            id: "debian-13/9.2.5".parse().unwrap(),
            verdict,
            reason: None,
            expected,
            optional: false,
            trials,
            known_issues: Vec::new(),
            provenance: Provenance::default(),
        }
    }

    #[test]
    fn only_the_same_failure_twice_counts() {
        use Outcome::{Error, Fail, Flaky, Pass, Unsupported};
        assert_eq!(settle(Fail, Some(Fail)), Fail);
        assert_eq!(settle(Fail, Some(Pass)), Flaky);
        assert_eq!(settle(Fail, None), Error);
        assert_eq!(settle(Fail, Some(Error)), Error);
        assert_eq!(settle(Error, Some(Pass)), Pass);
        assert_eq!(settle(Error, Some(Fail)), Fail);
        assert_eq!(settle(Error, None), Error);
        assert_eq!(settle(Pass, None), Pass);
        assert_eq!(settle(Unsupported, None), Unsupported);
    }

    #[test]
    fn a_failing_direct_control_takes_failures_back() {
        let mut outcomes = [(Kind::DirectControl, Outcome::Fail), (Kind::Subject, Outcome::Fail)];
        weigh_controls(&mut outcomes);
        assert_eq!(outcomes.map(|(_, outcome)| outcome), [Outcome::Error; 2]);
        let mut outcomes = [(Kind::PlainControl, Outcome::Fail), (Kind::Subject, Outcome::Fail)];
        weigh_controls(&mut outcomes);
        assert_eq!(outcomes.map(|(_, outcome)| outcome), [Outcome::Fail; 2]);
    }

    #[test]
    fn a_cell_in_which_no_subject_passed_is_not_green() {
        assert_eq!(of_trials(&[]), Verdict::Error);
        assert_eq!(of_trials(&[trial("ctl-direct-tls", Outcome::Pass)]), Verdict::Error);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Pass)]), Verdict::Pass);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Pass), trial("tls-b", Outcome::Skipped)]), Verdict::Error);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Fail), trial("tls-b", Outcome::Error)]), Verdict::Fail);
    }

    #[test]
    fn expectations_bite_both_ways() {
        let failing = vec![trial("tls-get", Outcome::Fail)];
        assert_eq!(exit(&[cell(Verdict::Fail, Some(Verdict::Fail), failing.clone())], &STRICT), Exit::Success);
        assert_eq!(exit(&[cell(Verdict::Fail, None, failing.clone())], &Terms::default()), Exit::Unexpected);
        assert_eq!(exit(&[cell(Verdict::Pass, Some(Verdict::Fail), Vec::new())], &Terms::default()), Exit::Unexpected);
        let stray = vec![trial("tls-get", Outcome::Fail), trial("http-post", Outcome::Fail)];
        assert_eq!(exit(&[cell(Verdict::Fail, Some(Verdict::Fail), stray)], &Terms::default()), Exit::Unexpected);
    }

    #[test]
    fn an_expected_failure_does_not_hide_a_trial_without_an_answer() {
        for (outcome, wanted) in [
            (Outcome::Error, Exit::Incomplete),
            (Outcome::Skipped, Exit::Incomplete),
            (Outcome::Unsupported, Exit::Success),
        ] {
            let trials = vec![trial("tls-get", Outcome::Fail), trial("http-post", outcome)];
            assert_eq!(exit(&[cell(Verdict::Fail, Some(Verdict::Fail), trials.clone())], &STRICT), wanted, "{outcome}");
            assert_eq!(exit(&[cell(Verdict::Fail, None, trials)], &STRICT), Exit::Unexpected, "{outcome}");
        }
    }

    #[test]
    fn what_an_optional_cell_comes_to_for_the_first_time_is_news() {
        let unanswered = BTreeSet::from(["debian-13/9.2.5".parse().unwrap()]);
        let before = |terms: &Terms<'static>| Terms { unanswered: Some(&unanswered), ..*terms };
        let news = |cell: &CellResult, terms: &Terms<'static>| standing(cell, &before(terms)) == Standing::New;
        for verdict in [Verdict::Fail, Verdict::Unbuildable, Verdict::Flaky] {
            let mut one = cell(verdict, None, Vec::new());
            assert!(!news(&one, &Terms::default()), "an answer was due before");
            one.optional = true;
            assert!(news(&one, &Terms::default()), "{verdict}");
            assert_eq!(exit(&[one.clone()], &before(&Terms::default())), Exit::Success, "{verdict}");
            assert_eq!(exit(&[one.clone()], &Terms::default()), Exit::Unexpected, "{verdict}");
            assert!(!news(&one, &STRICT), "strict");
            let answered = Terms { unanswered: Some(&BTreeSet::new()), ..Terms::default() };
            assert_eq!(standing(&one, &answered), Standing::Unexpected, "there was an answer before");
            one.expected = cell(verdict, Some(Verdict::Fail), Vec::new()).expected;
            assert!(!news(&one, &Terms::default()), "matrix.yaml says what is expected");
        }
        for verdict in [Verdict::Pass, Verdict::Error, Verdict::Unavailable] {
            assert!(!news(&CellResult { optional: true, ..cell(verdict, None, Vec::new()) }, &Terms::default()));
        }
    }

    #[test]
    fn missing_answers_are_incomplete_unless_optional() {
        let mut missing = cell(Verdict::Unavailable, None, Vec::new());
        assert_eq!(exit(&[missing.clone()], &Terms::default()), Exit::Incomplete);
        missing.optional = true;
        assert_eq!(exit(&[missing.clone()], &Terms::default()), Exit::Success);
        assert_eq!(exit(&[missing.clone()], &STRICT), Exit::Incomplete);
        missing.verdict = Verdict::Error;
        assert_eq!(exit(&[missing], &Terms::default()), Exit::Incomplete);
        assert_eq!(exit(&[], &Terms::default()), Exit::NothingSelected);
    }
}
