//! Edits to `expect` in matrix.yaml that make results as expected, and results under other expectations. Pure: text and
//! results in, edits and results out.
//!
//! Edits are cautious: what did not run changes nothing, an entry that is out of date in one cell is kept for the others,
//! and an entry that has expired is left to a person.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::config::matrix::{Addition, CellFacts, Edit, Expectation, Globs, Matrix};
use crate::model::{CellId, CellResult, Confidence, Expected, IssueMatch, MatrixResult, Outcome, TrialResult, Verdict};
use crate::verdict::{self, Scope, is_answer, misses_named};
use crate::words::escape::terminal;

pub use words::outline;

/// The beginning of a reason that a person has to replace.
const UNEXPLAINED: &str = "not explained yet";

/// Longest generated reason, in characters: one line of matrix.yaml.
const MAX_REASON: usize = 200;

/// The changes that would make results as expected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The edits: first those of entries, in order, then additions.
    pub edits: Vec<Edit>,
    /// Entries (counted from 0) that have expired and still apply, with their last day.
    pub expired: Vec<(usize, Date)>,
    /// Entries (counted from 0) that no result covers.
    pub unjudged: Vec<usize>,
    /// Trials of the user's own whose results do not count: what they do or expect has changed since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redefined: Vec<String>,
}

impl Changes {
    /// Whether matrix.yaml and the results agree.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.expired.is_empty() && self.redefined.is_empty()
    }
}

/// An entry of `expect` and the edits to it so far.
struct EntryState<'a> {
    declared: &'a Expectation,
    stated: Expected,
    /// The trials that it covers, without those that an edit removes.
    scope: Scope,
    /// Whether an edit removes it.
    removed: bool,
    /// The cells that an edit excepts from it.
    except: BTreeSet<&'a CellId>,
    /// The trials that an edit removes from it.
    uncovered: BTreeSet<String>,
}

impl<'a> EntryState<'a> {
    fn new(entry: &'a Expectation) -> Self {
        let stated = entry.stated();
        let scope = Scope::of(&stated.trials);
        Self { declared: entry, stated, scope, removed: false, except: BTreeSet::new(), uncovered: BTreeSet::new() }
    }

    fn applies(&self, cell: &CellResult) -> bool {
        self.declared.applies(&CellFacts::of(&cell.id, &cell.provenance))
    }

    /// Whether it excuses a trial of the cell, or the cell as a whole, after the edits.
    fn excuses(&self, cell: &CellResult, trial: Option<&str>) -> bool {
        let about = trial.is_none_or(|trial| self.covers(trial) && verdict::covers(&self.stated, cell, trial));
        !self.removed && !self.except.contains(&cell.id) && about && self.applies(cell)
    }

    /// Whether it covers a trial of the cell after the edits, whatever the outcome.
    fn applies_after(&self, cell: &CellResult, trial: &str) -> bool {
        !self.removed && !self.except.contains(&cell.id) && self.covers(trial) && self.applies(cell)
    }

    /// Whether it covers `trial`. An empty list covers all trials; a list that an edit empties covers none.
    fn covers(&self, trial: &str) -> bool {
        !self.is_emptied() && self.scope.has(trial)
    }

    /// Whether the result of `cell` can confirm or refute it: an ATS that cannot be built or started runs no trial.
    fn is_tested_by(&self, cell: &CellResult) -> bool {
        self.stated.verdict.is_without_ats() || !cell.verdict.is_without_ats()
    }

    /// Whether everything that it covers ran in `cell` and has an answer.
    fn is_fully_tested(&self, cell: &CellResult, trials: &[&str]) -> bool {
        let ran = |id: &str| cell.trials.iter().any(|trial| trial.id == id && is_answer(trial.outcome));
        let unanswered = cell.trials.iter().any(|trial| !is_answer(trial.outcome) && self.covers(&trial.id));
        let left_out = || misses_named(&self.stated.trials, ran);
        let all = || !unanswered && !left_out() && trials.iter().all(|id| !self.covers(id) || ran(id));
        self.stated.verdict.is_without_ats() || all()
    }

    /// Whether edits remove every trial from it.
    fn is_emptied(&self) -> bool {
        !self.uncovered.is_empty() && self.stated.trials.iter().all(|pattern| self.uncovered.contains(pattern))
    }

    fn has_outcome(&self, cell: &CellResult, outcome: Outcome) -> bool {
        cell.trials.iter().any(|trial| trial.outcome == outcome && self.covers(&trial.id))
    }

    /// Whether `cell` shows what it expects. A flaky trial may pass, and a failure that only looks like its known issue may
    /// still be that issue.
    fn is_met_by(&self, cell: &CellResult) -> bool {
        match (self.stated.verdict, &self.stated.issue) {
            (Verdict::Unbuildable | Verdict::Broken, _) => cell.verdict == self.stated.verdict,
            (Verdict::Flaky, _) => !self.has_outcome(cell, Outcome::Fail),
            (Verdict::Pass, issue) => {
                let lifted = |trial: &&TrialResult| trial.outcome == Outcome::Pass && trial.limitation == *issue;
                cell.trials.iter().filter(lifted).any(|trial| self.covers(&trial.id))
            }
            (Verdict::Fail | Verdict::Unavailable | Verdict::Error, None) => self.has_outcome(cell, Outcome::Fail),
            (Verdict::Fail | Verdict::Unavailable | Verdict::Error, Some(issue)) => {
                let fails = |id: &String| cell.trials.iter().any(|it| it.id == *id && it.outcome == Outcome::Fail);
                let shown = cell.known_issues.iter().filter(|known| known.id == *issue).flat_map(|known| &known.trials);
                shown.filter(|id| self.covers(id)).any(fails)
            }
        }
    }
}

/// The changes to `matrix` that make `cells` as expected. `trials` is the whole catalogue: an entry is removed only if
/// all of its trials ran.
pub fn changes(matrix: &Matrix, cells: &[CellResult], trials: &[&str], today: Date) -> Changes {
    let known: BTreeSet<CellId> = matrix.cells().map(|cell| cell.id()).collect();
    let (cells, redefined) = as_defined(matrix, cells);
    let cells: Vec<&CellResult> =
        cells.iter().filter(|cell| cell.verdict.is_answer() && known.contains(&cell.id)).collect();
    let mut entries: Vec<EntryState> = matrix.expect.iter().map(EntryState::new).collect();
    let mut changes = Changes { redefined, ..Changes::default() };
    let mut inherited = BTreeMap::new();
    for (number, entry) in entries.iter_mut().enumerate() {
        update_entry(number, entry, &cells, trials, today, &mut changes, &mut inherited);
    }
    let added = additions(&entries, &cells, &inherited);
    changes.edits.extend(added.into_iter().map(Edit::Add));
    changes
}

/// `cells` without the results of trials of the user's own that did or expected something else when they ran, and the ids of
/// these.
fn as_defined(matrix: &Matrix, cells: &[CellResult]) -> (Vec<CellResult>, Vec<String>) {
    let present: BTreeMap<&str, &str> = matrix.own_trials().map(|own| (own.id.as_str(), own.digest.as_str())).collect();
    let mut redefined = BTreeSet::new();
    let mut cells = cells.to_vec();
    for cell in &mut cells {
        cell.trials.retain(|trial| {
            let is_present = present.get(trial.id.as_str()).copied() == trial.definition.as_deref();
            if !is_present {
                redefined.insert(trial.id.clone());
            }
            is_present
        });
    }
    (cells, redefined.into_iter().collect())
}

/// The entry that expected a trial's failure, for trials that an edit removes from it.
type Inherited<'a> = BTreeMap<(&'a CellId, String), Expected>;

/// Decides the edits of one entry.
fn update_entry<'a>(
    number: usize,
    entry: &mut EntryState<'a>,
    cells: &[&'a CellResult],
    trials: &[&str],
    today: Date,
    changes: &mut Changes,
    inherited: &mut Inherited<'a>,
) {
    let relevant: Vec<&CellResult> =
        cells.iter().copied().filter(|cell| entry.applies(cell) && entry.is_tested_by(cell)).collect();
    if entry.stated.verdict == Verdict::Fail {
        // A trial that is named in full is judged by a run of a few trials, too.
        let informative =
            relevant.iter().copied().filter(|cell| entry.is_met_by(cell) || !entry.is_fully_tested(cell, trials));
        uncover(entry, &informative.collect::<Vec<_>>(), inherited);
    }
    // Without the removed trials, fewer cells may meet it and more may test it fully.
    let is_judged = |cell: &&CellResult| entry.is_met_by(cell) || entry.is_fully_tested(cell, trials);
    let (met, outdated): (Vec<&CellResult>, Vec<&CellResult>) =
        relevant.into_iter().filter(is_judged).partition(|cell| entry.is_met_by(cell));
    if met.is_empty() && outdated.is_empty() && entry.uncovered.is_empty() {
        return changes.unjudged.push(number);
    }
    if met.is_empty() && (!outdated.is_empty() || entry.is_emptied()) {
        entry.removed = true;
        return changes.edits.push(Edit::Remove { entry: number });
    }
    changes.expired.extend(entry.declared.expires.filter(|last| today > *last).map(|last| (number, last)));
    entry.except = outdated.iter().map(|cell| &cell.id).collect();
    let (named, others): (Vec<CellId>, Vec<CellId>) =
        outdated.iter().map(|cell| cell.id.clone()).partition(|id| applies_by_name_only(entry.declared, id));
    changes.edits.extend(named.into_iter().map(|cell| Edit::Unname { entry: number, cell }));
    if !others.is_empty() {
        changes.edits.push(Edit::Except { entry: number, cells: others });
    }
    let uncovered = entry.uncovered.iter().cloned();
    changes.edits.extend(uncovered.map(|trial| Edit::Uncover { entry: number, trial }));
}

/// Whether `entry` applies to `cell` only because its `cells` name it in full.
fn applies_by_name_only(entry: &Expectation, cell: &CellId) -> bool {
    let name = cell.to_string();
    let Some(cells) = &entry.cells else { return false };
    let others = || cells.patterns().filter(|pattern| *pattern != name);
    let matched = || Globs::new(others()).is_ok_and(|globs| globs.matches(&name));
    cells.patterns().any(|pattern| pattern == name) && (others().next().is_none() || !matched())
}

/// Removes the trials that are named in full and passed in one of `cells`. Where they still fail, they get an entry of
/// their own with the same reason.
fn uncover<'a>(entry: &mut EntryState<'a>, cells: &[&'a CellResult], inherited: &mut Inherited<'a>) {
    let outcome = |cell: &CellResult, id: &str| cell.trials.iter().find(|it| it.id == id).map(|it| it.outcome);
    for name in &entry.stated.trials {
        let passes = cells.iter().any(|cell| matches!(outcome(cell, name), Some(Outcome::Pass | Outcome::Flaky)));
        if !passes {
            continue;
        }
        let still_fails = |cell: &&&CellResult| {
            outcome(cell, name) == Some(Outcome::Fail) && verdict::covers(&entry.stated, cell, name)
        };
        for cell in cells.iter().filter(still_fails) {
            inherited.insert((&cell.id, name.clone()), entry.stated.clone());
        }
        entry.uncovered.insert(name.clone());
    }
    let rest: Vec<String> = entry.stated.trials.iter().filter(|it| !entry.uncovered.contains(*it)).cloned().collect();
    entry.scope = Scope::of(&rest);
}

/// New entries for everything unexpected: one for all cells in which the same trials fail for the same reason.
fn additions(entries: &[EntryState], cells: &[&CellResult], inherited: &Inherited) -> Vec<Addition> {
    let mut found: Vec<Addition> = Vec::new();
    for cell in cells {
        for addition in cell_additions(entries, cell, inherited) {
            let alike = |other: &&mut Addition| Addition { cells: Vec::new(), ..(*other).clone() } == addition;
            match found.iter_mut().find(alike) {
                Some(other) => other.cells.push(cell.id.clone()),
                None => found.push(Addition { cells: vec![cell.id.clone()], ..addition }),
            }
        }
    }
    found
}

/// New entries for one cell, by verdict and reason, without the cell's name.
fn cell_additions(entries: &[EntryState], cell: &CellResult, inherited: &Inherited) -> Vec<Addition> {
    let excused = |verdicts: &[Verdict], trial: Option<&str>| {
        entries.iter().any(|it| verdicts.contains(&it.stated.verdict) && it.excuses(cell, trial))
    };
    let mut found: Vec<Addition> = Vec::new();
    if cell.verdict == Verdict::Unbuildable && !excused(&[Verdict::Unbuildable], None) {
        found.push(explained(cell, Verdict::Unbuildable, None, cell.reason.as_deref().unwrap_or("cannot be built")));
    }
    for trial in &cell.trials {
        let (verdict, declared) = match trial.outcome {
            Outcome::Fail => (Verdict::Fail, &[Verdict::Fail][..]),
            Outcome::Flaky => (Verdict::Flaky, &[Verdict::Fail, Verdict::Flaky][..]),
            Outcome::Pass | Outcome::Limitation | Outcome::Unsupported | Outcome::Error | Outcome::Skipped => continue,
        };
        if excused(declared, Some(&trial.id)) {
            continue;
        }
        let addition = match inherited.get(&(&cell.id, trial.id.clone())).filter(|it| it.verdict == verdict) {
            Some(Expected { reason, link, expires, issue, .. }) => {
                let (reason, link, expires, issue) = (reason.clone(), link.clone(), *expires, issue.clone());
                Addition { cells: Vec::new(), trials: Vec::new(), issue, verdict, reason, link, expires }
            }
            None => explained(cell, verdict, Some(&trial.id), &trial.summary),
        };
        // Unexplained failures get one entry, even if their symptoms differ from trial to trial.
        let unexplained = |of: &Addition| of.reason.starts_with(UNEXPLAINED) && of.verdict == addition.verdict;
        let alike = |other: &&mut Addition| Addition { trials: Vec::new(), ..(*other).clone() } == addition;
        // An issue needs no list of trials: it covers those in which it is recognised with certainty.
        let issue_covers = addition.issue.is_some() && addition.verdict == Verdict::Fail;
        let named: Vec<String> = if issue_covers { Vec::new() } else { vec![trial.id.clone()] };
        match found.iter_mut().find(|other| alike(other) || (unexplained(other) && unexplained(&addition))) {
            Some(other) => other.trials.extend(named),
            None => found.push(Addition { trials: named, ..addition }),
        }
    }
    found.extend(lifted_limitations(entries, cell));
    found
}

/// New entries for known limitations that this cell does not have, unless an entry says so already. A person has to say
/// why.
fn lifted_limitations(entries: &[EntryState], cell: &CellResult) -> Vec<Addition> {
    let is_expected = |it: &EntryState, trial: &TrialResult| {
        it.stated.verdict == Verdict::Pass && it.stated.issue == trial.limitation && it.applies_after(cell, &trial.id)
    };
    let mut found: Vec<Addition> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass && trial.limitation.is_some()) {
        if entries.iter().any(|it| is_expected(it, trial)) {
            continue;
        }
        if let Some(other) = found.iter_mut().find(|other| other.issue == trial.limitation) {
            other.trials.push(trial.id.clone());
            continue;
        }
        let issue = trial.limitation.as_deref().unwrap_or_default();
        found.push(Addition {
            cells: Vec::new(),
            trials: vec![trial.id.clone()],
            issue: trial.limitation.clone(),
            verdict: Verdict::Pass,
            reason: one_line(&format!("{UNEXPLAINED}: passes although {issue} is known to limit this ATS")),
            link: None,
            expires: None,
        });
    }
    found
}

/// An entry with the title of the known issue as its reason, or else with the symptom, which a person has to replace.
fn explained(cell: &CellResult, verdict: Verdict, trial: Option<&str>, symptom: &str) -> Addition {
    let about = |trials: &[String]| trial.is_none_or(|trial| trials.iter().any(|id| id == trial));
    let mut matched: Vec<&IssueMatch> = cell.known_issues.iter().filter(|issue| about(&issue.trials)).collect();
    matched.sort_by_key(|issue| issue.confidence != Confidence::Certain);
    let issue = matched.first().copied();
    let certain = |issue: &&IssueMatch| trial.is_some() && issue.confidence == Confidence::Certain;
    let id = issue.filter(certain).map(|issue| issue.id.clone());
    let reason = match issue {
        Some(issue) => one_line(&issue.title),
        None => one_line(&format!("{UNEXPLAINED}: {symptom}")),
    };
    let link = issue.map(|issue| issue.link.clone());
    Addition { cells: Vec::new(), trials: Vec::new(), issue: id, verdict, reason, link, expires: None }
}

/// `text` as one line of limited length. Control characters, Unicode line ends and characters that change the reading
/// direction become spaces.
fn one_line(text: &str) -> String {
    let is_visible = |c: &char| c.is_alphanumeric() || terminal(c.encode_utf8(&mut [0; 4]), 1) == c.to_string();
    let plain: String = text.chars().map(|c| if is_visible(&c) { c } else { ' ' }).take(MAX_REASON).collect();
    plain.trim().to_owned()
}

/// `result` as a run of `matrix` would have written it. `matrix` may differ from the one that was run only in its
/// expectations.
pub fn restated(result: &MatrixResult, matrix: &Matrix) -> MatrixResult {
    let restate = |cell: &CellResult| CellResult {
        expected: matrix.expected(&cell.id, cell.verdict, &cell.provenance),
        ..cell.clone()
    };
    let cells = result.cells.iter().map(restate).collect();
    MatrixResult { matrix: matrix.digest.clone(), cells, ..result.clone() }
}

#[cfg(test)]
mod tests;
