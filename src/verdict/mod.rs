//! Derives outcomes of trials from judgements, verdicts of cells from outcomes, and the exit code from verdicts.

mod coverage;
mod surprise;

use crate::catalogue::trials::{self, Kind};
use crate::exit::Exit;
use crate::model::{CellKind, CellResult, Outcome, TrialResult, Verdict};

pub use coverage::{Coverage, Lost, few, lost, unsupported_reason};
pub use surprise::{LIMITATION_GONE_ADVICE, Scope, Surprise, Terms, covers, surprises};

/// The outcome of a trial after its first attempt and, if that did not pass, its repetition in a fresh ATS. A failure
/// counts only if it happens twice; a failure that was not repeated is an error.
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

/// Turns failures into errors if a direct control did not pass: then the origin or the network is at fault, not ATS.
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

/// The trials that only cells of this kind have.
pub fn only_for(kind: CellKind) -> impl Iterator<Item = &'static str> {
    trials::only_for(kind).map(|trial| trial.id)
}

/// Whether a trial that not all cells have did not run although one of `patterns` is its name: only then is it missed.
pub fn misses_named(patterns: &[String], ran: impl Fn(&str) -> bool) -> bool {
    let named = |id: &str| patterns.iter().any(|pattern| pattern == id);
    trials::of_some_cells().any(|trial| named(trial.id) && !ran(trial.id))
}

/// Whether a control bypasses ATS. If it fails, ATS is not at fault.
pub fn bypasses_ats(control: &TrialResult) -> bool {
    // Every control is built in.
    trials::by_id(&control.id).is_some_and(|known| known.kind == Kind::DirectControl)
}

/// The verdict on a cell that ran. A cell whose only failures are known limitations passes.
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
        // A cell that tested nothing of ATS must not pass.
        Verdict::Error
    } else {
        Verdict::Pass
    }
}

/// How a cell compares with what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assessment {
    /// As expected: a pass or a declared failure.
    Expected,
    /// Not as expected: an undeclared failure or flake, a pass where a failure is declared, or an expired
    /// expectation.
    Unexpected,
    /// The cell or one of its trials has no answer, and it should have one.
    Unanswered,
    /// The cell has no answer and is optional.
    Excused,
    /// An optional cell fails, and earlier results had no answer for it. It does not fail the run this time.
    NewlyTested,
}

/// Compares `cell` with what is expected of it.
pub fn assess(cell: &CellResult, terms: &Terms<'_>) -> Assessment {
    if !cell.verdict.is_answer() {
        let excused = cell.optional && !terms.strict && cell.verdict == Verdict::Unavailable;
        return if excused { Assessment::Excused } else { Assessment::Unanswered };
    }
    if is_newly_tested(cell, terms) {
        Assessment::NewlyTested
    } else if !surprises(cell, terms).is_empty() {
        Assessment::Unexpected
    } else if unanswered(cell).is_empty() {
        Assessment::Expected
    } else {
        // The declared failure is there, but another trial has no answer.
        Assessment::Unanswered
    }
}

/// Whether `cell` is optional, fails, had no answer in earlier results, and has no expectation yet. A registry that is
/// reachable for once must not fail the run; from the next run on such a cell does, unless matrix.yaml expects it.
fn is_newly_tested(cell: &CellResult, terms: &Terms<'_>) -> bool {
    let troubled = cell.verdict.is_answer() && cell.verdict != Verdict::Pass;
    let had_none = || terms.unanswered.is_some_and(|cells| cells.contains(&cell.id));
    troubled && cell.optional && !terms.strict && cell.expected.is_none() && had_none()
}

/// The trials of `cell` without an answer.
pub fn unanswered(cell: &CellResult) -> Vec<&str> {
    cell.trials.iter().filter(|trial| !is_answer(trial.outcome)).map(|trial| trial.id.as_str()).collect()
}

/// Whether `outcome` says anything about ATS. A trial that is in error or was not reached might pass or fail.
pub fn is_answer(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Pass | Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Unsupported => true,
        Outcome::Error | Outcome::Skipped => false,
    }
}

/// The exit code of a run over `cells`.
pub fn exit(cells: &[CellResult], terms: &Terms<'_>) -> Exit {
    let any = |wanted| cells.iter().any(|cell| assess(cell, terms) == wanted);
    if cells.is_empty() {
        Exit::NothingSelected
    } else if any(Assessment::Unexpected) {
        Exit::Unexpected
    } else if any(Assessment::Unanswered) {
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
    fn a_failure_counts_only_if_it_happens_twice() {
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
    fn a_failing_direct_control_turns_failures_into_errors() {
        let mut outcomes = [(Kind::DirectControl, Outcome::Fail), (Kind::Subject, Outcome::Fail)];
        weigh_controls(&mut outcomes);
        assert_eq!(outcomes.map(|(_, outcome)| outcome), [Outcome::Error; 2]);
        let mut outcomes = [(Kind::PlainControl, Outcome::Fail), (Kind::Subject, Outcome::Fail)];
        weigh_controls(&mut outcomes);
        assert_eq!(outcomes.map(|(_, outcome)| outcome), [Outcome::Fail; 2]);
    }

    #[test]
    fn a_cell_without_a_passing_subject_is_an_error() {
        assert_eq!(of_trials(&[]), Verdict::Error);
        assert_eq!(of_trials(&[trial("ctl-direct-tls", Outcome::Pass)]), Verdict::Error);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Pass)]), Verdict::Pass);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Pass), trial("tls-b", Outcome::Skipped)]), Verdict::Error);
        assert_eq!(of_trials(&[trial("tls-get", Outcome::Fail), trial("tls-b", Outcome::Error)]), Verdict::Fail);
    }

    #[test]
    fn unexpected_passes_and_failures_have_an_exit_code() {
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
    fn the_first_failure_of_an_optional_cell_does_not_fail_the_run() {
        let unanswered = BTreeSet::from(["debian-13/9.2.5".parse().unwrap()]);
        let before = |terms: &Terms<'static>| Terms { unanswered: Some(&unanswered), ..*terms };
        let is_new =
            |cell: &CellResult, terms: &Terms<'static>| assess(cell, &before(terms)) == Assessment::NewlyTested;
        for verdict in [Verdict::Fail, Verdict::Unbuildable, Verdict::Flaky] {
            let mut one = cell(verdict, None, Vec::new());
            assert!(!is_new(&one, &Terms::default()), "the cell is not optional");
            one.optional = true;
            assert!(is_new(&one, &Terms::default()), "{verdict}");
            assert_eq!(exit(&[one.clone()], &before(&Terms::default())), Exit::Success, "{verdict}");
            assert_eq!(exit(&[one.clone()], &Terms::default()), Exit::Unexpected, "{verdict}");
            assert!(!is_new(&one, &STRICT), "strict");
            let answered = Terms { unanswered: Some(&BTreeSet::new()), ..Terms::default() };
            assert_eq!(assess(&one, &answered), Assessment::Unexpected, "there was an answer before");
            one.expected = cell(verdict, Some(Verdict::Fail), Vec::new()).expected;
            assert!(!is_new(&one, &Terms::default()), "matrix.yaml has an expectation");
        }
        for verdict in [Verdict::Pass, Verdict::Error, Verdict::Unavailable] {
            assert!(!is_new(&CellResult { optional: true, ..cell(verdict, None, Vec::new()) }, &Terms::default()));
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
