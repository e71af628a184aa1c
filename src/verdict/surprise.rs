//! How a cell differs from what matrix.yaml expects of it. The one place that weighs results against
//! expectations: exit codes, marks, JUnit, annotations and the gate follow from what it finds.

use std::fmt;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use super::is_answer;
use crate::model::{CellResult, Expected, Outcome, TrialResult, Verdict};

/// What results are judged by, besides themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// Count optional cells too.
    pub strict: bool,
    /// The day of whoever judges, of the run or of the decision; `None`: expectations do not expire.
    pub today: Option<Date>,
    /// Every trial there is. A cell in which only some of them were run cannot show that something is
    /// mended. Empty: those of the cell are all.
    pub trials: &'a [&'a str],
}

/// Something that is not as matrix.yaml expects it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surprise<'a> {
    /// It failed, was flaky or did not compile, and nothing said so.
    Trouble {
        /// What it came to: fail, flaky or unbuildable.
        verdict: Verdict,
        /// The trials; empty where none says it.
        trials: Vec<&'a str>,
    },
    /// What was expected to go wrong went well.
    Mended {
        /// The expectation that is out of date.
        expected: &'a Expected,
        /// The trials that it names in full and that do not fail any more; empty: none fails.
        trials: Vec<&'a str>,
    },
    /// Trials pass although a known issue is declared to limit this ATS in them.
    Lifted {
        /// Id of the known issue.
        issue: &'a str,
        /// The trials.
        trials: Vec<&'a str>,
    },
    /// The expectation was to hold until a day that is over.
    Expired {
        /// The expectation.
        expected: &'a Expected,
        /// Its last day.
        last: Date,
    },
}

/// What to do about [`Surprise::Lifted`].
pub const LIFTED_WAY_OUT: &str = "if this build carries the fix, say so in matrix.yaml: `verdict: pass` with that \
                                  `issue`; else the catalogue is wrong about this version: tell atsmatrix";

impl fmt::Display for Surprise<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trouble { verdict, trials } => {
                let what = match verdict {
                    Verdict::Unbuildable => "does not compile",
                    Verdict::Flaky => "is flaky",
                    _ => "fails",
                };
                let which = if trials.is_empty() { String::new() } else { format!(" in {}", trials.join(", ")) };
                write!(f, "{what}{which}, which matrix.yaml does not expect")
            }
            Self::Mended { expected, trials } => {
                let which = if trials.is_empty() { String::new() } else { format!(" in {}", trials.join(", ")) };
                write!(f, "does not {}{which} as matrix.yaml expects: {}", word(expected), expected.reason)
            }
            Self::Lifted { issue, trials } => {
                write!(f, "passes {}, in which {issue} is known to limit this ATS", trials.join(", "))
            }
            Self::Expired { expected, last } => {
                write!(f, "was expected to {} until {last}, which is over: {}", word(expected), expected.reason)
            }
        }
    }
}

fn word(expected: &Expected) -> &'static str {
    match expected.verdict {
        Verdict::Unbuildable => "break the compiler",
        Verdict::Flaky => "be flaky",
        Verdict::Pass => "pass",
        _ => "fail",
    }
}

/// Everything about `cell` that is not as expected. Nothing is surprising about a cell without an
/// answer.
pub fn surprises<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<Surprise<'a>> {
    if !cell.verdict.is_answer() {
        return Vec::new();
    }
    let expected: Vec<(&Expected, Scope)> = cell.expectations().map(|it| (it, Scope::of(&it.trials))).collect();
    let mut found = troubles(cell, &expected);
    found.extend(lifted(cell, &expected));
    for (expected, scope) in expected {
        found.extend(mended(cell, expected, &scope, terms));
        let over = expected.expires.filter(|last| terms.today.is_some_and(|today| today > *last));
        found.extend(over.map(|last| Surprise::Expired { expected, last }));
    }
    found
}

/// What went wrong without being declared.
fn troubles<'a>(cell: &'a CellResult, expected: &[(&Expected, Scope)]) -> Vec<Surprise<'a>> {
    let declared = |wanted: &[Verdict]| expected.iter().any(|(it, _)| wanted.contains(&it.verdict));
    let mut found = Vec::new();
    for (outcome, verdict, excuses) in [
        (Outcome::Fail, Verdict::Fail, &[Verdict::Fail][..]),
        (Outcome::Flaky, Verdict::Flaky, &[Verdict::Fail, Verdict::Flaky][..]),
    ] {
        let excused = |trial: &TrialResult| {
            expected.iter().any(|(it, scope)| excuses.contains(&it.verdict) && scope.has(&trial.id))
        };
        let all: Vec<&TrialResult> = cell.trials.iter().filter(|trial| trial.outcome == outcome).collect();
        let strays: Vec<&str> = all.iter().filter(|trial| !excused(trial)).map(|trial| trial.id.as_str()).collect();
        let unsaid = all.is_empty() && cell.verdict == verdict && !declared(excuses);
        if unsaid || !strays.is_empty() {
            found.push(Surprise::Trouble { verdict, trials: strays });
        }
    }
    if cell.verdict == Verdict::Unbuildable && !declared(&[Verdict::Unbuildable]) {
        found.push(Surprise::Trouble { verdict: Verdict::Unbuildable, trials: Vec::new() });
    }
    found
}

/// Known limitations that do not show, by issue, and are not declared to. What passes in a build without the fix may be
/// another test, and what nobody knows of a build with it hides what comes next.
fn lifted<'a>(cell: &'a CellResult, expected: &[(&Expected, Scope)]) -> Vec<Surprise<'a>> {
    let mut found: Vec<Surprise<'a>> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass) {
        let Some(issue) = trial.limitation.as_deref() else { continue };
        let declared = |(it, scope): &(&Expected, Scope)| {
            it.verdict == Verdict::Pass && it.issue.as_deref() == Some(issue) && scope.has(&trial.id)
        };
        if expected.iter().any(declared) {
            continue;
        }
        let same = found.iter_mut().find_map(|one| match one {
            Surprise::Lifted { issue: other, trials } if *other == issue => Some(trials),
            _ => None,
        });
        match same {
            Some(trials) => trials.push(&trial.id),
            None => found.push(Surprise::Lifted { issue, trials: vec![&trial.id] }),
        }
    }
    found
}

/// What was declared and did not happen. A flaky trial that passes is as declared.
fn mended<'a>(cell: &'a CellResult, expected: &'a Expected, scope: &Scope, terms: &Terms<'_>) -> Option<Surprise<'a>> {
    match (expected.verdict, cell.verdict) {
        // What does not compile is never run, so nobody knows whether it would still fail.
        (Verdict::Unbuildable | Verdict::Fail, Verdict::Unbuildable) => None,
        (Verdict::Unbuildable, _) => Some(Surprise::Mended { expected, trials: Vec::new() }),
        (Verdict::Fail, _) => {
            let seen = |outcome| move |trial: &&TrialResult| trial.outcome == outcome && scope.has(&trial.id);
            let fails = cell.trials.iter().any(|trial| seen(Outcome::Fail)(&trial));
            let unsaid = cell.verdict == Verdict::Fail && cell.trials.iter().all(|it| it.outcome != Outcome::Fail);
            let named = |trial: &&TrialResult| expected.trials.contains(&trial.id);
            let passes: Vec<&str> =
                cell.trials.iter().filter(seen(Outcome::Pass)).filter(named).map(|trial| trial.id.as_str()).collect();
            let tried = cell.trials.is_empty()
                || cell.trials.iter().any(|it| seen(Outcome::Pass)(&it) || seen(Outcome::Flaky)(&it));
            let none_fails = !fails && !unsaid && tried && whole(cell, scope, terms);
            let trials = if none_fails { Vec::new() } else { passes };
            (none_fails || !trials.is_empty()).then_some(Surprise::Mended { expected, trials })
        }
        _ => None,
    }
}

/// Whether every trial in `scope` was run and came to something. One in error may fail still.
fn whole(cell: &CellResult, scope: &Scope, terms: &Terms<'_>) -> bool {
    let ran = |id: &str| cell.trials.iter().any(|trial| trial.id == id && is_answer(trial.outcome));
    let open = cell.trials.iter().any(|trial| !is_answer(trial.outcome) && scope.has(&trial.id));
    !open && terms.trials.iter().all(|id| !scope.has(id) || ran(id))
}

/// The trials that an expectation is about. Made once and asked often: patterns become automata.
#[derive(Debug, Clone)]
pub struct Scope {
    all: bool,
    names: Vec<String>,
    globs: Vec<GlobMatcher>,
}

impl Scope {
    /// Of `patterns`; without any, all trials. They were checked when the matrix was read; one that does not parse
    /// here matches nothing.
    pub fn of(patterns: &[String]) -> Self {
        let is_name = |pattern: &&String| !pattern.contains(['*', '?', '[', '{', '\\']);
        let (names, globs): (Vec<&String>, Vec<&String>) = patterns.iter().partition(is_name);
        let compile = |pattern: &String| Some(Glob::new(pattern).ok()?.compile_matcher());
        Self {
            all: patterns.is_empty(),
            names: names.into_iter().cloned().collect(),
            globs: globs.into_iter().filter_map(compile).collect(),
        }
    }

    /// Whether the trial `id` is one of them.
    pub fn has(&self, id: &str) -> bool {
        self.all || self.names.iter().any(|name| name == id) || self.globs.iter().any(|glob| glob.is_match(id))
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::model::Provenance;

    fn trial(id: &str, outcome: Outcome) -> TrialResult {
        let control = id.starts_with("ctl-");
        TrialResult { id: id.into(), outcome, control, limitation: None, summary: String::new(), evidence: Vec::new() }
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

    fn words(cell: &CellResult, terms: &Terms<'_>) -> Vec<String> {
        surprises(cell, terms).iter().map(ToString::to_string).collect()
    }

    const P: Outcome = Outcome::Pass;
    const F: Outcome = Outcome::Fail;

    #[test]
    fn what_is_declared_is_no_surprise_and_what_is_not_is() {
        let tls = expects(Verdict::Fail, &["tls-*"]);
        let terms = Terms::default();
        assert!(words(&cell(&[("tls-a", F), ("tls-b", P), ("http-a", P)], from_ref(&tls)), &terms).is_empty());
        assert_eq!(
            words(&cell(&[("tls-a", F), ("http-a", F)], from_ref(&tls)), &terms),
            ["fails in http-a, which matrix.yaml does not expect"]
        );
        assert_eq!(
            words(&cell(&[("tls-a", P), ("http-a", P)], &[tls]), &terms),
            ["does not fail as matrix.yaml expects: why"]
        );
        assert_eq!(words(&cell(&[("tls-a", F)], &[]), &terms), ["fails in tls-a, which matrix.yaml does not expect"]);
    }

    #[test]
    fn several_expectations_cover_a_cell_together() {
        let both = [expects(Verdict::Fail, &["tls-*"]), expects(Verdict::Flaky, &["http-race"])];
        let terms = Terms::default();
        assert!(words(&cell(&[("tls-a", F), ("http-race", Outcome::Flaky)], &both), &terms).is_empty());
        assert!(words(&cell(&[("tls-a", F), ("http-race", P)], &both), &terms).is_empty(), "flaky ones may pass");
        assert_eq!(
            words(&cell(&[("tls-a", F), ("http-race", F)], &both), &terms),
            ["fails in http-race, which matrix.yaml does not expect"]
        );
        assert_eq!(
            words(&cell(&[("tls-a", P), ("http-race", P)], &both), &terms),
            ["does not fail as matrix.yaml expects: why"]
        );
    }

    #[test]
    fn a_trial_named_in_full_must_fail_and_one_matched_by_a_pattern_may() {
        let named = expects(Verdict::Fail, &["tls-a", "tls-b"]);
        assert_eq!(
            words(&cell(&[("tls-a", F), ("tls-b", P)], &[named]), &Terms::default()),
            ["does not fail in tls-b as matrix.yaml expects: why"]
        );
    }

    #[test]
    fn a_run_of_some_trials_mends_nothing() {
        let tls = expects(Verdict::Fail, &["tls-*"]);
        let all = Terms { trials: &["tls-a", "tls-b", "http-a"], ..Terms::default() };
        assert!(words(&cell(&[("tls-b", P)], from_ref(&tls)), &all).is_empty());
        assert!(words(&cell(&[("http-a", P)], from_ref(&tls)), &Terms::default()).is_empty(), "nothing was tried");
        assert_eq!(words(&cell(&[("tls-a", P), ("tls-b", P)], &[tls]), &all).len(), 1);
    }

    #[test]
    fn a_trial_without_an_answer_mends_nothing() {
        let tls = expects(Verdict::Fail, &["tls-*"]);
        let all = Terms { trials: &["tls-a", "tls-b", "http-a"], ..Terms::default() };
        for outcome in [Outcome::Error, Outcome::Skipped] {
            let other = cell(&[("tls-a", P), ("tls-b", outcome), ("http-a", Outcome::Flaky)], from_ref(&tls));
            let other = CellResult { verdict: Verdict::Flaky, ..other };
            assert_eq!(words(&other, &all), ["is flaky in http-a, which matrix.yaml does not expect"], "{outcome}");
            assert_eq!(words(&other, &Terms::default()).len(), 1);
        }
        assert_eq!(words(&cell(&[("tls-a", P), ("tls-b", Outcome::Unsupported)], &[tls]), &Terms::default()).len(), 1);
    }

    #[test]
    fn a_known_limitation_is_no_news_and_one_that_passes_is() {
        let limited = |outcome| {
            let mut cell = cell(&[("tls-a", P), ("tls-b", outcome)], &[]);
            cell.trials[1].limitation = Some("ATS-11758".into());
            cell
        };
        let known = limited(Outcome::Limitation);
        assert_eq!(known.verdict, Verdict::Pass);
        assert!(words(&known, &Terms::default()).is_empty());
        assert_eq!(
            words(&limited(P), &Terms::default()),
            ["passes tls-b, in which ATS-11758 is known to limit this ATS"]
        );
        // A failure of another kind is a failure, and what passes at times is flaky.
        assert_eq!(words(&limited(F), &Terms::default()), ["fails in tls-b, which matrix.yaml does not expect"]);
        let flaky = words(&limited(Outcome::Flaky), &Terms::default());
        assert_eq!(flaky, ["is flaky in tls-b, which matrix.yaml does not expect"]);
        let alone = cell(&[("tls-b", Outcome::Limitation)], &[]);
        assert_eq!(alone.verdict, Verdict::Error, "nothing passed");
    }

    #[test]
    fn an_expectation_ends_after_its_last_day_whatever_the_cell_comes_to() {
        let mut tls = expects(Verdict::Fail, &["tls-*"]);
        tls.expires = Some("2027-01-31".parse().unwrap());
        let on = |day: &str, outcome| {
            let terms = Terms { today: Some(day.parse().unwrap()), ..Terms::default() };
            words(&cell(&[("tls-a", outcome)], from_ref(&tls)), &terms)
        };
        assert!(on("2027-01-31", F).is_empty());
        assert_eq!(on("2027-02-01", F), ["was expected to fail until 2027-01-31, which is over: why"]);
        assert_eq!(on("2027-02-01", P).len(), 2);
        assert!(words(&cell(&[("tls-a", F)], from_ref(&tls)), &Terms::default()).is_empty());
    }

    #[test]
    fn what_does_not_compile_says_nothing_about_trials() {
        let mut unbuildable = cell(&[], &[expects(Verdict::Unbuildable, &[]), expects(Verdict::Fail, &["tls-*"])]);
        unbuildable.verdict = Verdict::Unbuildable;
        assert!(words(&unbuildable, &Terms::default()).is_empty());
        assert_eq!(
            words(&cell(&[("tls-a", P)], &[expects(Verdict::Unbuildable, &[])]), &Terms::default()),
            ["does not break the compiler as matrix.yaml expects: why"]
        );
        unbuildable.expected = None;
        assert_eq!(words(&unbuildable, &Terms::default()), ["does not compile, which matrix.yaml does not expect"]);
    }
}
