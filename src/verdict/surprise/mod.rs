//! How a cell differs from what matrix.yaml expects of it. The one place that weighs results against
//! expectations: exit codes, marks, JUnit, annotations and the gate follow from what it finds.

use std::collections::BTreeSet;
use std::fmt;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use super::is_answer;
use crate::model::{CellId, CellResult, Expected, IssueMatch, Outcome, TrialResult, Verdict};

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
    /// Cells of which earlier results had no answer; `None`: nobody knows of any.
    pub unanswered: Option<&'a BTreeSet<CellId>>,
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
            Self::Mended { expected, .. } if expected.verdict == Verdict::Pass => {
                let issue = expected.issue.as_deref().unwrap_or("no known issue");
                write!(f, "is not limited by {issue}, whose absence matrix.yaml expects: {}", expected.reason)
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

fn word(expected: &Expected) -> String {
    let word = match expected.verdict {
        Verdict::Unbuildable => "break the compiler",
        Verdict::Flaky => "be flaky",
        Verdict::Pass => "pass",
        _ => "fail",
    };
    match (&expected.issue, expected.verdict) {
        (None, _) => word.to_owned(),
        (Some(issue), Verdict::Pass) => format!("{word} without {issue}"),
        (Some(issue), _) => format!("{word} by {issue}"),
    }
}

/// Everything about `cell` that is not as expected. Nothing is surprising about a cell without an
/// answer.
pub fn surprises<'a>(cell: &'a CellResult, terms: &Terms<'_>) -> Vec<Surprise<'a>> {
    if !cell.verdict.is_answer() {
        return Vec::new();
    }
    let expected: Vec<Entry> = cell.expectations().map(|it| Entry::new(it, cell)).collect();
    let mut found = troubles(cell, &expected);
    found.extend(lifted(cell, &expected));
    for entry in &expected {
        found.extend(entry.mended(terms));
        let expected = entry.expected;
        let over = expected.expires.filter(|last| terms.today.is_some_and(|today| today > *last));
        found.extend(over.map(|last| Surprise::Expired { expected, last }));
    }
    found
}

/// Whether `expected` excuses what went wrong with `trial` in `cell`, by its trials and its known issue; whatever its
/// verdict and last day.
pub fn covers(expected: &Expected, cell: &CellResult, trial: &str) -> bool {
    Entry::new(expected, cell).covers(trial)
}

/// What went wrong without being declared, or although it was declared to be gone.
fn troubles<'a>(cell: &'a CellResult, expected: &[Entry<'a>]) -> Vec<Surprise<'a>> {
    // What names an issue is about trials in which that shows.
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
            strays.extend(expected.iter().flat_map(Entry::back));
        }
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

/// Known limitations that do not show, by issue, and are not declared to be gone. What passes in a build without the
/// fix may be another test, and what nobody knows of a build with it hides what comes next.
fn lifted<'a>(cell: &'a CellResult, expected: &[Entry<'a>]) -> Vec<Surprise<'a>> {
    let mut found: Vec<Surprise<'a>> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass) {
        let Some(issue) = trial.limitation.as_deref() else { continue };
        if expected.iter().any(|it| it.says_gone(trial)) {
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

/// An expectation of a cell.
struct Entry<'a> {
    expected: &'a Expected,
    scope: Scope,
    cell: &'a CellResult,
}

impl<'a> Entry<'a> {
    fn new(expected: &'a Expected, cell: &'a CellResult) -> Self {
        Self { expected, scope: Scope::of(&expected.trials), cell }
    }

    fn is_one_of(&self, verdicts: &[Verdict]) -> bool {
        verdicts.contains(&self.expected.verdict)
    }

    /// Whether it is about `trial`, and the trial fails by its known issue, with certainty.
    fn covers(&self, trial: &str) -> bool {
        let recognised = |issue: &String| {
            self.cell.known_issues.iter().any(|known| known.id == *issue && known.is_certain_of(trial))
        };
        self.scope.has(trial) && self.expected.issue.as_ref().is_none_or(recognised)
    }

    /// The same, where it is not certain. That something only looks like an issue excuses nothing, and does not show that
    /// it is gone either.
    fn may_cover(&self, trial: &str) -> bool {
        let looks_like = |issue: &String| {
            let same = |known: &&IssueMatch| known.id == *issue;
            self.cell.known_issues.iter().filter(same).any(|known| known.trials.iter().any(|id| id == trial))
        };
        self.scope.has(trial) && self.expected.issue.as_ref().is_none_or(looks_like)
    }

    /// Whether it says that the known limitation of `trial` does not show here.
    fn says_gone(&self, trial: &TrialResult) -> bool {
        let same = self.expected.issue.is_some() && self.expected.issue == trial.limitation;
        self.expected.verdict == Verdict::Pass && same && self.scope.has(&trial.id)
    }

    /// Trials whose known limitation shows although it says that it does not.
    fn back(&self) -> impl Iterator<Item = &'a str> {
        let limited = self.cell.trials.iter().filter(|trial| trial.outcome == Outcome::Limitation);
        limited.filter(|trial| self.says_gone(trial)).map(|trial| trial.id.as_str())
    }

    /// What was declared and did not happen. A flaky trial that passes is as declared.
    fn mended(&self, terms: &Terms<'_>) -> Option<Surprise<'a>> {
        let (cell, expected) = (self.cell, self.expected);
        match (expected.verdict, cell.verdict) {
            // What does not compile is never run, so nobody knows whether it would still fail.
            (Verdict::Unbuildable | Verdict::Fail | Verdict::Pass, Verdict::Unbuildable) => None,
            (Verdict::Unbuildable, _) => Some(Surprise::Mended { expected, trials: Vec::new() }),
            (Verdict::Fail, _) => {
                let seen = |outcome| move |trial: &&TrialResult| trial.outcome == outcome && self.scope.has(&trial.id);
                let fails = cell.trials.iter().filter(seen(Outcome::Fail)).any(|trial| self.may_cover(&trial.id));
                let unsaid = cell.verdict == Verdict::Fail && cell.trials.iter().all(|it| it.outcome != Outcome::Fail);
                let named = |trial: &&TrialResult| expected.trials.contains(&trial.id);
                let passes = cell.trials.iter().filter(seen(Outcome::Pass)).filter(named);
                let passes: Vec<&str> = passes.map(|trial| trial.id.as_str()).collect();
                let tried = cell.trials.is_empty()
                    || cell.trials.iter().any(|it| seen(Outcome::Pass)(&it) || seen(Outcome::Flaky)(&it));
                let none_fails = !fails && !unsaid && tried && self.whole(terms);
                let trials = if none_fails { Vec::new() } else { passes };
                (none_fails || !trials.is_empty()).then_some(Surprise::Mended { expected, trials })
            }
            // It says that a limitation is gone which this ATS does not have any more.
            (Verdict::Pass, _) => {
                let limited = cell.trials.iter().any(|trial| self.says_gone(trial));
                (!limited && self.whole(terms)).then_some(Surprise::Mended { expected, trials: Vec::new() })
            }
            _ => None,
        }
    }

    /// Whether every trial in scope was run and came to something. One in error may fail still.
    fn whole(&self, terms: &Terms<'_>) -> bool {
        let (cell, scope) = (self.cell, &self.scope);
        let ran = |id: &str| cell.trials.iter().any(|trial| trial.id == id && is_answer(trial.outcome));
        let open = cell.trials.iter().any(|trial| !is_answer(trial.outcome) && scope.has(&trial.id));
        !open && terms.trials.iter().all(|id| !scope.has(id) || ran(id))
    }
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
mod tests;
