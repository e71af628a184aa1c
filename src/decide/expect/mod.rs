//! What would have to change below `expect` in matrix.yaml so that a run's results are as expected, and
//! those results under other expectations. Pure: text and results come in, edits and results go out.
//!
//! Cautious both ways: what was not run says nothing, an entry that went wrong in one cell is kept for
//! the others, and an entry whose day is over is left to a person, who gave it that day.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::config::matrix::{Addition, CellFacts, Edit, Expectation, Globs, Matrix};
use crate::model::{CellId, CellResult, Confidence, Expected, IssueMatch, MatrixResult, Outcome, TrialResult, Verdict};
use crate::verdict::{self, Scope, is_answer};
use crate::words::escape::terminal;

pub use words::outline;

/// How a reason begins that a person has to replace.
const UNEXPLAINED: &str = "not explained yet";

/// Longest reason that is made from what was seen, in characters.
const REASON: usize = 200;

/// What would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The edits, entry by entry, then what is new.
    pub edits: Vec<Edit>,
    /// Entries (counted from 0) whose day is over and that still happen.
    pub expired: Vec<(usize, Date)>,
    /// Entries that nothing in the results speaks about.
    pub unjudged: Vec<usize>,
}

impl Changes {
    /// Whether matrix.yaml and the results agree.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.expired.is_empty()
    }
}

/// An entry of `expect` against all cells.
struct Entry<'a> {
    declared: &'a Expectation,
    stated: Expected,
    /// The trials it is about, names that are taken out left aside.
    scope: Scope,
    /// Gone, or told to say nothing about these cells and trials.
    removed: bool,
    except: BTreeSet<&'a CellId>,
    uncovered: BTreeSet<String>,
}

impl<'a> Entry<'a> {
    fn new(entry: &'a Expectation) -> Self {
        let stated = entry.stated();
        let scope = Scope::of(&stated.trials);
        Self { declared: entry, stated, scope, removed: false, except: BTreeSet::new(), uncovered: BTreeSet::new() }
    }

    fn applies(&self, cell: &CellResult) -> bool {
        self.declared.applies(&CellFacts::of(&cell.id, &cell.provenance))
    }

    /// Whether it would apply to a trial of the cell, or to the cell as a whole, after the edits.
    fn excuses(&self, cell: &CellResult, trial: Option<&str>) -> bool {
        let about = trial.is_none_or(|trial| self.covers(trial) && verdict::covers(&self.stated, cell, trial));
        !self.removed && !self.except.contains(&cell.id) && about && self.applies(cell)
    }

    /// Whether it is about a trial of the cell after the edits, whatever that came to.
    fn applies_after(&self, cell: &CellResult, trial: &str) -> bool {
        !self.removed && !self.except.contains(&cell.id) && self.covers(trial) && self.applies(cell)
    }

    /// Whether it is about `trial`. An empty list is about all trials; one that was emptied is about none.
    fn covers(&self, trial: &str) -> bool {
        !self.is_emptied() && self.scope.has(trial)
    }

    /// Whether `cell` can say anything about it: what does not compile runs no trial.
    fn concerns_what_ran(&self, cell: &CellResult) -> bool {
        self.stated.verdict == Verdict::Unbuildable || cell.verdict != Verdict::Unbuildable
    }

    /// Whether everything that it is about was run in `cell`, and came to something.
    fn whole(&self, cell: &CellResult, trials: &[&str]) -> bool {
        let ran = |id: &str| cell.trials.iter().any(|trial| trial.id == id && is_answer(trial.outcome));
        let open = cell.trials.iter().any(|trial| !is_answer(trial.outcome) && self.covers(&trial.id));
        let all = || !open && trials.iter().all(|id| !self.covers(id) || ran(id));
        self.stated.verdict == Verdict::Unbuildable || all()
    }

    /// Whether every trial was taken out of it.
    fn is_emptied(&self) -> bool {
        !self.uncovered.is_empty() && self.stated.trials.iter().all(|pattern| self.uncovered.contains(pattern))
    }

    fn seen(&self, cell: &CellResult, outcome: Outcome) -> bool {
        cell.trials.iter().any(|trial| trial.outcome == outcome && self.covers(&trial.id))
    }

    /// Whether what it expects is what `cell` came to. A flaky trial may pass, and what only looks like its known issue may
    /// still be that.
    fn happens(&self, cell: &CellResult) -> bool {
        match (self.stated.verdict, &self.stated.issue) {
            (Verdict::Unbuildable, _) => cell.verdict == Verdict::Unbuildable,
            (Verdict::Flaky, _) => !self.seen(cell, Outcome::Fail),
            (Verdict::Pass, issue) => {
                let gone = |trial: &&TrialResult| trial.outcome == Outcome::Pass && trial.limitation == *issue;
                cell.trials.iter().filter(gone).any(|trial| self.covers(&trial.id))
            }
            (_, None) => self.seen(cell, Outcome::Fail),
            (_, Some(issue)) => {
                let fails = |id: &String| cell.trials.iter().any(|it| it.id == *id && it.outcome == Outcome::Fail);
                let shown = cell.known_issues.iter().filter(|known| known.id == *issue).flat_map(|known| &known.trials);
                shown.filter(|id| self.covers(id)).any(fails)
            }
        }
    }
}

/// What would have to change in `matrix` so that `cells` are as expected. `trials` are all there are:
/// a run of a few of them mends nothing.
pub fn changes(matrix: &Matrix, cells: &[CellResult], trials: &[&str], today: Date) -> Changes {
    let known: BTreeSet<CellId> = matrix.cells().map(|cell| cell.id()).collect();
    let cells: Vec<&CellResult> =
        cells.iter().filter(|cell| cell.verdict.is_answer() && known.contains(&cell.id)).collect();
    let mut entries: Vec<Entry> = matrix.expect.iter().map(Entry::new).collect();
    let mut changes = Changes::default();
    let mut inherited = BTreeMap::new();
    for (number, entry) in entries.iter_mut().enumerate() {
        weigh(number, entry, &cells, trials, today, &mut changes, &mut inherited);
    }
    let added = additions(&entries, &cells, &inherited);
    changes.edits.extend(added.into_iter().map(Edit::Add));
    changes
}

/// The entry that stood for a trial's failure before its name was taken out of it.
type Inherited<'a> = BTreeMap<(&'a CellId, String), Expected>;

/// What becomes of one entry.
fn weigh<'a>(
    number: usize,
    entry: &mut Entry<'a>,
    cells: &[&'a CellResult],
    trials: &[&str],
    today: Date,
    changes: &mut Changes,
    inherited: &mut Inherited<'a>,
) {
    let relevant: Vec<&CellResult> =
        cells.iter().copied().filter(|cell| entry.applies(cell) && entry.concerns_what_ran(cell)).collect();
    if entry.stated.verdict == Verdict::Fail {
        // A trial that is named in full can be told from a run of a few of them as well.
        let telling = relevant.iter().copied().filter(|cell| entry.happens(cell) || !entry.whole(cell, trials));
        uncover(entry, &telling.collect::<Vec<_>>(), inherited);
    }
    // Without the trials that were taken out it may happen in fewer cells, and more may be judged.
    let judged = |cell: &&CellResult| entry.happens(cell) || entry.whole(cell, trials);
    let (still, mended): (Vec<&CellResult>, Vec<&CellResult>) =
        relevant.into_iter().filter(judged).partition(|cell| entry.happens(cell));
    if still.is_empty() && mended.is_empty() && entry.uncovered.is_empty() {
        return changes.unjudged.push(number);
    }
    let judged = !(still.is_empty() && mended.is_empty());
    if still.is_empty() && (judged || entry.is_emptied()) {
        entry.removed = true;
        return changes.edits.push(Edit::Remove { entry: number });
    }
    changes.expired.extend(entry.declared.expires.filter(|last| today > *last).map(|last| (number, last)));
    entry.except = mended.iter().map(|cell| &cell.id).collect();
    let (named, others): (Vec<CellId>, Vec<CellId>) =
        mended.iter().map(|cell| cell.id.clone()).partition(|id| named_alone(entry.declared, id));
    changes.edits.extend(named.into_iter().map(|cell| Edit::Unname { entry: number, cell }));
    if !others.is_empty() {
        changes.edits.push(Edit::Except { entry: number, cells: others });
    }
    let gone = entry.uncovered.iter().cloned();
    changes.edits.extend(gone.map(|trial| Edit::Uncover { entry: number, trial }));
}

/// Whether `entry` is about `cell` for no other reason than that it names it.
fn named_alone(entry: &Expectation, cell: &CellId) -> bool {
    let name = cell.to_string();
    let Some(cells) = &entry.cells else { return false };
    let others = || cells.patterns().filter(|pattern| *pattern != name);
    let matched = || Globs::new(others()).is_ok_and(|globs| globs.matches(&name));
    cells.patterns().any(|pattern| pattern == name) && (others().next().is_none() || !matched())
}

/// Takes out the trials that are named in full and passed in one of `cells`. Where they fail still, they
/// get an entry of their own with the same reason.
fn uncover<'a>(entry: &mut Entry<'a>, cells: &[&'a CellResult], inherited: &mut Inherited<'a>) {
    let outcome = |cell: &CellResult, id: &str| cell.trials.iter().find(|it| it.id == id).map(|it| it.outcome);
    for name in &entry.stated.trials {
        let mended = cells.iter().any(|cell| matches!(outcome(cell, name), Some(Outcome::Pass | Outcome::Flaky)));
        if !mended {
            continue;
        }
        let stood = |cell: &&&CellResult| {
            outcome(cell, name) == Some(Outcome::Fail) && verdict::covers(&entry.stated, cell, name)
        };
        for cell in cells.iter().filter(stood) {
            inherited.insert((&cell.id, name.clone()), entry.stated.clone());
        }
        entry.uncovered.insert(name.clone());
    }
    let rest: Vec<String> = entry.stated.trials.iter().filter(|it| !entry.uncovered.contains(*it)).cloned().collect();
    entry.scope = Scope::of(&rest);
}

/// New entries for all trouble that no entry stands for: one for all cells in which the same trials fail
/// for the same reason.
fn additions(entries: &[Entry], cells: &[&CellResult], inherited: &Inherited) -> Vec<Addition> {
    let mut found: Vec<Addition> = Vec::new();
    for cell in cells {
        for one in of_cell(entries, cell, inherited) {
            let alike = |other: &&mut Addition| Addition { cells: Vec::new(), ..(*other).clone() } == one;
            match found.iter_mut().find(alike) {
                Some(other) => other.cells.push(cell.id.clone()),
                None => found.push(Addition { cells: vec![cell.id.clone()], ..one }),
            }
        }
    }
    found
}

/// What is new in one cell, by verdict and reason; without the cell's name.
fn of_cell(entries: &[Entry], cell: &CellResult, inherited: &Inherited) -> Vec<Addition> {
    let excused = |verdicts: &[Verdict], trial: Option<&str>| {
        entries.iter().any(|it| verdicts.contains(&it.stated.verdict) && it.excuses(cell, trial))
    };
    let mut found: Vec<Addition> = Vec::new();
    if cell.verdict == Verdict::Unbuildable && !excused(&[Verdict::Unbuildable], None) {
        found.push(explained(cell, Verdict::Unbuildable, None, cell.reason.as_deref().unwrap_or("does not compile")));
    }
    for trial in &cell.trials {
        let (verdict, declared) = match trial.outcome {
            Outcome::Fail => (Verdict::Fail, &[Verdict::Fail][..]),
            Outcome::Flaky => (Verdict::Flaky, &[Verdict::Fail, Verdict::Flaky][..]),
            _ => continue,
        };
        if excused(declared, Some(&trial.id)) {
            continue;
        }
        let one = match inherited.get(&(&cell.id, trial.id.clone())).filter(|it| it.verdict == verdict) {
            Some(Expected { reason, link, expires, issue, .. }) => {
                let (reason, link, expires, issue) = (reason.clone(), link.clone(), *expires, issue.clone());
                Addition { cells: Vec::new(), trials: Vec::new(), issue, verdict, reason, link, expires }
            }
            None => explained(cell, verdict, Some(&trial.id), &trial.summary),
        };
        // What nobody can explain yet is one riddle, however different it looks from trial to trial.
        let riddle = |of: &Addition| of.reason.starts_with(UNEXPLAINED) && of.verdict == one.verdict;
        let alike = |other: &&mut Addition| Addition { trials: Vec::new(), ..(*other).clone() } == one;
        // An issue says by itself which trials fail by it: those in which it shows with certainty.
        let by_itself = one.issue.is_some() && one.verdict == Verdict::Fail;
        let own: Vec<String> = if by_itself { Vec::new() } else { vec![trial.id.clone()] };
        match found.iter_mut().find(|other| alike(other) || (riddle(other) && riddle(&one))) {
            Some(other) => other.trials.extend(own),
            None => found.push(Addition { trials: own, ..one }),
        }
    }
    found.extend(lifted(entries, cell));
    found
}

/// Known limitations that do not show, and that no entry says to be gone: a person has to say why.
fn lifted(entries: &[Entry], cell: &CellResult) -> Vec<Addition> {
    let gone = |it: &Entry, trial: &TrialResult| {
        it.stated.verdict == Verdict::Pass && it.stated.issue == trial.limitation && it.applies_after(cell, &trial.id)
    };
    let mut found: Vec<Addition> = Vec::new();
    for trial in cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass && trial.limitation.is_some()) {
        if entries.iter().any(|it| gone(it, trial)) {
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
            reason: line(&format!("{UNEXPLAINED}: passes although {issue} is known to limit this ATS")),
            link: None,
            expires: None,
        });
    }
    found
}

/// An entry for trouble with the reason that a known issue gives, or else with what was seen, for a
/// person to replace.
fn explained(cell: &CellResult, verdict: Verdict, trial: Option<&str>, seen: &str) -> Addition {
    let about = |trials: &[String]| trial.is_none_or(|trial| trials.iter().any(|id| id == trial));
    let mut matched: Vec<&IssueMatch> = cell.known_issues.iter().filter(|issue| about(&issue.trials)).collect();
    matched.sort_by_key(|issue| issue.confidence != Confidence::Certain);
    let issue = matched.first().copied();
    let certain = |issue: &&IssueMatch| trial.is_some() && issue.confidence == Confidence::Certain;
    let id = issue.filter(certain).map(|issue| issue.id.clone());
    let reason = match issue {
        Some(issue) => line(&issue.title),
        None => line(&format!("{UNEXPLAINED}: {seen}")),
    };
    let link = issue.map(|issue| issue.link.clone());
    Addition { cells: Vec::new(), trials: Vec::new(), issue: id, verdict, reason, link, expires: None }
}

/// One bounded line of what has a glyph: no control characters, no line ends that only Unicode knows, nothing
/// that reorders what is read.
fn line(text: &str) -> String {
    let shows = |c: &char| c.is_alphanumeric() || terminal(c.encode_utf8(&mut [0; 4]), 1) == c.to_string();
    let plain: String = text.chars().map(|c| if shows(&c) { c } else { ' ' }).take(REASON).collect();
    plain.trim().to_owned()
}

/// `result` as a run under `matrix` would have written it, if `matrix` differs from the one that was run in
/// nothing but its expectations.
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
