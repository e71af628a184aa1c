//! How a cell differs from what matrix.yaml expects of it. Exit codes, marks, JUnit, annotations and the gate all
//! use this comparison.

use std::collections::BTreeSet;
use std::fmt;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use super::{is_answer, misses_named};
use crate::catalogue::trials;
use crate::model::{CellId, CellResult, Expected, IssueMatch, Outcome, TrialResult, Verdict};

/// How to compare results with expectations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// Count optional cells too.
    pub strict: bool,
    /// The day on which to compare; `None`: expectations do not expire.
    pub today: Option<Date>,
    /// The catalogue of trials. A cell that ran only some of them cannot show that something is fixed. If it is
    /// empty, the cell's trials are the catalogue.
    pub trials: &'a [&'a str],
    /// Cells that had no answer in earlier results; `None`: not known.
    pub unanswered: Option<&'a BTreeSet<CellId>>,
}

/// A difference between a cell and its expectations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surprise<'a> {
    /// It failed, was flaky or could not be built, and no expectation covers that.
    Undeclared {
        /// Fail, flaky or unbuildable.
        verdict: Verdict,
        /// The trials; empty if it is about the cell as a whole.
        trials: Vec<&'a str>,
    },
    /// An expected failure does not happen.
    Fixed {
        /// The expectation that is out of date.
        expected: &'a Expected,
        /// The trials that it names and that no longer fail; empty if none of its trials fails.
        trials: Vec<&'a str>,
    },
    /// Trials pass that a known issue is declared to break in this ATS.
    LimitationGone {
        /// Id of the known issue.
        issue: &'a str,
        /// The trials.
        trials: Vec<&'a str>,
    },
    /// The last day of the expectation is over.
    Expired {
        /// The expectation.
        expected: &'a Expected,
        /// Its last day.
        last: Date,
    },
}

/// What to do about [`Surprise::LimitationGone`].
pub const LIMITATION_GONE_ADVICE: &str = "if this build has the fix, declare it in matrix.yaml with `verdict: pass` and \
                                          that `issue`; else the catalogue is wrong about this version: report it to \
                                          atsmatrix";

impl fmt::Display for Surprise<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared { verdict, trials } => {
                let what = match verdict {
                    Verdict::Unbuildable => "cannot be built",
                    Verdict::Broken => "is broken by the upgrade",
                    Verdict::Flaky => "is flaky",
                    Verdict::Pass | Verdict::Fail | Verdict::Error | Verdict::Unavailable => "fails",
                };
                let which = if trials.is_empty() { String::new() } else { format!(" in {}", trials.join(", ")) };
                write!(f, "{what}{which}, which matrix.yaml does not expect")
            }
            Self::Fixed { expected, .. } if expected.verdict == Verdict::Pass => {
                let issue = expected.issue.as_deref().unwrap_or("no known issue");
                write!(
                    f,
                    "is not affected by {issue}, so matrix.yaml need not say that it is fixed: {}",
                    expected.reason
                )
            }
            Self::Fixed { expected, trials } => {
                let which = if trials.is_empty() { String::new() } else { format!(" in {}", trials.join(", ")) };
                write!(f, "does not {}{which} as matrix.yaml expects: {}", verb(expected), expected.reason)
            }
            Self::LimitationGone { issue, trials } => {
                write!(f, "passes {}, although {issue} is known to limit this ATS", trials.join(", "))
            }
            Self::Expired { expected, last } => {
                write!(f, "was expected to {} until {last}, which is over: {}", verb(expected), expected.reason)
            }
        }
    }
}

/// The verb for what `expected` says: `fail with ATS-11465`.
fn verb(expected: &Expected) -> String {
    let word = match expected.verdict {
        Verdict::Unbuildable => "fail to build",
        Verdict::Broken => "be broken by the upgrade",
        Verdict::Flaky => "be flaky",
        Verdict::Pass => "pass",
        Verdict::Fail | Verdict::Error | Verdict::Unavailable => "fail",
    };
    match (&expected.issue, expected.verdict) {
        (None, _) => word.to_owned(),
        (Some(issue), Verdict::Pass) => format!("{word} without {issue}"),
        (Some(issue), _) => format!("{word} with {issue}"),
    }
}

/// Everything about `cell` that is not as expected; empty for a cell without an answer.
pub fn surprises<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<Surprise<'a>> {
    if !cell.verdict.is_answer() {
        return Vec::new();
    }
    let expected: Vec<Declaration> = cell.expectations().map(|it| Declaration::new(it, cell)).collect();
    let mut found = undeclared(cell, &expected);
    found.extend(limitations_gone(cell, &expected));
    for entry in &expected {
        found.extend(entry.fixed(terms));
        let expected = entry.expected;
        let over = expected.expires.filter(|last| terms.today.is_some_and(|today| today > *last));
        found.extend(over.map(|last| Surprise::Expired { expected, last }));
    }
    found
}

/// Whether `expected` covers a failure of `trial` in `cell`, by its trials and its known issue. Its verdict and last day
/// are not checked.
pub fn covers(expected: &Expected, cell: &CellResult, trial: &str) -> bool {
    Declaration::new(expected, cell).covers(trial)
}

/// Failures that are not declared, and known limitations that are declared fixed but still happen.
fn undeclared<'a>(cell: &'a CellResult, expected: &[Declaration<'a>]) -> Vec<Surprise<'a>> {
    // An expectation with an issue covers only trials in which the issue was recognised.
    let declared = |wanted: &[Verdict]| expected.iter().any(|it| it.expected.issue.is_none() && it.is_one_of(wanted));
    let mut found = Vec::new();
    for (outcome, verdict, excuses) in [
        (Outcome::Fail, Verdict::Fail, &[Verdict::Fail][..]),
        (Outcome::Flaky, Verdict::Flaky, &[Verdict::Fail, Verdict::Flaky][..]),
    ] {
        let excused = |trial: &TrialResult| expected.iter().any(|it| it.is_one_of(excuses) && it.covers(&trial.id));
        let all: Vec<&TrialResult> = cell.trials.iter().filter(|trial| trial.outcome == outcome).collect();
        let mut strays: Vec<&str> = all.iter().filter(|trial| !excused(trial)).map(|trial| trial.id.as_str()).collect();
        if outcome == Outcome::Fail {
            strays.extend(expected.iter().flat_map(Declaration::still_limited));
        }
        let no_trial = all.is_empty() && cell.verdict == verdict && !declared(excuses);
        if no_trial || !strays.is_empty() {
            found.push(Surprise::Undeclared { verdict, trials: strays });
        }
    }
    if cell.verdict.is_without_ats() && !declared(&[cell.verdict]) {
        found.push(Surprise::Undeclared { verdict: cell.verdict, trials: Vec::new() });
    }
    found
}

/// Trials with a known limitation that pass, by issue, unless the limitation is declared fixed. Such a pass needs
/// attention: the trial may test something else in this build, or the build has a fix that hides later changes.
fn limitations_gone<'a>(cell: &'a CellResult, expected: &[Declaration<'a>]) -> Vec<Surprise<'a>> {
    let mut found: Vec<Surprise<'a>> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass) {
        let Some(issue) = trial.limitation.as_deref() else { continue };
        if expected.iter().any(|it| it.declares_fixed(trial)) {
            continue;
        }
        let same = found.iter_mut().find_map(|one| match one {
            Surprise::LimitationGone { issue: other, trials } => (*other == issue).then_some(trials),
            Surprise::Undeclared { .. } | Surprise::Fixed { .. } | Surprise::Expired { .. } => None,
        });
        match same {
            Some(trials) => trials.push(&trial.id),
            None => found.push(Surprise::LimitationGone { issue, trials: vec![&trial.id] }),
        }
    }
    found
}

/// An expectation together with its cell.
struct Declaration<'a> {
    expected: &'a Expected,
    scope: Scope,
    cell: &'a CellResult,
}

impl<'a> Declaration<'a> {
    fn new(expected: &'a Expected, cell: &'a CellResult) -> Self {
        Self { expected, scope: Scope::of(&expected.trials), cell }
    }

    fn is_one_of(&self, verdicts: &[Verdict]) -> bool {
        verdicts.contains(&self.expected.verdict)
    }

    /// Whether it is about `trial`, and its known issue, if it has one, was recognised there with certainty.
    fn covers(&self, trial: &str) -> bool {
        let recognised = |issue: &String| {
            self.cell.known_issues.iter().any(|known| known.id == *issue && known.is_certain_of(trial))
        };
        self.scope.has(trial) && self.expected.issue.as_ref().is_none_or(recognised)
    }

    /// Like [`Self::covers`], but also if the trial only looks like the issue. This does not excuse a failure, but neither
    /// does it show that the issue is fixed.
    fn may_cover(&self, trial: &str) -> bool {
        let looks_like = |issue: &String| {
            let same = |known: &&IssueMatch| known.id == *issue;
            self.cell.known_issues.iter().filter(same).any(|known| known.trials.iter().any(|id| id == trial))
        };
        self.scope.has(trial) && self.expected.issue.as_ref().is_none_or(looks_like)
    }

    /// Whether it says that the known limitation of `trial` is fixed in this build.
    fn declares_fixed(&self, trial: &TrialResult) -> bool {
        let same = self.expected.issue.is_some() && self.expected.issue == trial.limitation;
        self.expected.verdict == Verdict::Pass && same && self.scope.has(&trial.id)
    }

    /// Trials whose known limitation still happens although it says that it is fixed.
    fn still_limited(&self) -> impl Iterator<Item = &'a str> {
        let limited = self.cell.trials.iter().filter(|trial| trial.outcome == Outcome::Limitation);
        limited.filter(|trial| self.declares_fixed(trial)).map(|trial| trial.id.as_str())
    }

    /// The declared failure that does not happen. A flaky trial that passes is as declared.
    fn fixed(&self, terms: &Terms<'_>) -> Option<Surprise<'a>> {
        let (cell, expected) = (self.cell, self.expected);
        match (expected.verdict, cell.verdict) {
            // An ATS that cannot be built or started never ran, so it may still fail.
            (Verdict::Fail | Verdict::Pass, Verdict::Unbuildable | Verdict::Broken)
            | (Verdict::Flaky | Verdict::Error | Verdict::Unavailable, _) => None,
            (Verdict::Unbuildable | Verdict::Broken, now) if now == expected.verdict => None,
            (Verdict::Unbuildable | Verdict::Broken, _) => Some(Surprise::Fixed { expected, trials: Vec::new() }),
            (Verdict::Fail, _) => {
                let seen = |outcome| move |trial: &&TrialResult| trial.outcome == outcome && self.scope.has(&trial.id);
                let fails = cell.trials.iter().filter(seen(Outcome::Fail)).any(|trial| self.may_cover(&trial.id));
                let no_trial =
                    cell.verdict == Verdict::Fail && cell.trials.iter().all(|it| it.outcome != Outcome::Fail);
                let named = |trial: &&TrialResult| expected.trials.contains(&trial.id);
                let passes = cell.trials.iter().filter(seen(Outcome::Pass)).filter(named);
                let passes: Vec<&str> = passes.map(|trial| trial.id.as_str()).collect();
                let tried = cell.trials.is_empty()
                    || cell.trials.iter().any(|it| seen(Outcome::Pass)(&it) || seen(Outcome::Flaky)(&it));
                let none_fails = !fails && !no_trial && tried && self.all_answered(terms);
                let trials = if none_fails { Vec::new() } else { passes };
                (none_fails || !trials.is_empty()).then_some(Surprise::Fixed { expected, trials })
            }
            // It says that a limitation is fixed which this ATS does not have.
            (Verdict::Pass, _) => {
                let limited = cell.trials.iter().any(|trial| self.declares_fixed(trial));
                (!limited && self.all_answered(terms)).then_some(Surprise::Fixed { expected, trials: Vec::new() })
            }
        }
    }

    /// Whether every trial in scope ran and has an answer. A trial in error may still fail.
    fn all_answered(&self, terms: &Terms<'_>) -> bool {
        let (cell, scope) = (self.cell, &self.scope);
        let ran = |id: &str| cell.trials.iter().any(|trial| trial.id == id && is_answer(trial.outcome));
        let open = cell.trials.iter().any(|trial| !is_answer(trial.outcome) && scope.has(&trial.id));
        let left_out = !terms.trials.is_empty() && misses_named(&self.expected.trials, ran);
        // A cell with two ATS does not have all trials.
        let has_two = cell.provenance.parent.is_some();
        let is_there = |id: &str| !has_two || trials::by_id(id).is_some_and(|known| known.beyond_tiers().is_none());
        !open && !left_out && terms.trials.iter().all(|id| !scope.has(id) || ran(id) || !is_there(id))
    }
}

/// The trials that an expectation is about. Build it once and reuse it: it compiles patterns.
#[derive(Debug, Clone)]
pub struct Scope {
    all: bool,
    names: Vec<String>,
    globs: Vec<GlobMatcher>,
}

impl Scope {
    /// The trials that match `patterns`; all trials if there are none. The patterns were checked when the matrix was read;
    /// one that cannot be built matches nothing.
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

    /// Whether it contains the trial `id`.
    pub fn has(&self, id: &str) -> bool {
        self.all || self.names.iter().any(|name| name == id) || self.globs.iter().any(|glob| glob.is_match(id))
    }
}

#[cfg(test)]
mod tests;
