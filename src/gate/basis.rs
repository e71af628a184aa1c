//! What answers rest on: the results, whether they are still those of today's matrix.yaml, how old
//! they are, and how a single cell stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;

use crate::model::{AtsId, CellId, CellResult, DistroId, MatrixResult, Os, Outcome, Release, Verdict};
use crate::verdict::{self, Terms};

use super::answer::{Cause, Reason};

/// The results to answer from.
#[derive(Debug)]
pub struct Basis<'a> {
    result: &'a MatrixResult,
    cells: BTreeMap<&'a CellId, &'a CellResult>,
    twice: BTreeSet<&'a CellId>,
    now: Now,
    /// The cells of matrix.yaml, where it is the one that was run.
    wanted: Option<BTreeSet<CellId>>,
    age: Option<Duration>,
    max_age: Option<Duration>,
    trials: &'a [&'a str],
    today: Option<Date>,
    /// What the rows of matrix.yaml are, where it is the one that was run.
    rows: Option<BTreeMap<DistroId, Option<Os>>>,
}

/// What matrix.yaml is now.
#[derive(Debug)]
enum Now {
    /// Nobody asks.
    Any,
    /// It is not there.
    Absent,
    /// It has this SHA-256.
    Digest(String),
}

/// How a cell stands when it must pass.
#[derive(Debug)]
pub(super) enum Stand {
    Passes,
    Not(Reason),
}

impl<'a> Basis<'a> {
    /// Answers from `result`, of whatever age and matrix.yaml.
    pub fn new(result: &'a MatrixResult) -> Self {
        let mut cells = BTreeMap::new();
        let mut twice = BTreeSet::new();
        for cell in &result.cells {
            if cells.insert(&cell.id, cell).is_some() {
                twice.insert(&cell.id);
            }
        }
        Self {
            result,
            cells,
            twice,
            now: Now::Any,
            wanted: None,
            age: None,
            max_age: None,
            trials: &[],
            today: None,
            rows: None,
        }
    }

    /// Only if matrix.yaml still has this SHA-256 (lower-case hex).
    #[must_use]
    pub fn for_matrix(self, sha256: impl Into<String>) -> Self {
        Self { now: Now::Digest(sha256.into()), ..self }
    }

    /// There is no matrix.yaml to compare with, which is no answer.
    #[must_use]
    pub fn without_matrix(self) -> Self {
        Self { now: Now::Absent, ..self }
    }

    /// These are the cells of the matrix.yaml that was run: what is not in the results was left out, and what
    /// is not among them is no cell.
    #[must_use]
    pub fn with_cells(self, cells: impl IntoIterator<Item = CellId>) -> Self {
        Self { wanted: Some(cells.into_iter().collect()), ..self }
    }

    /// These are the rows of the matrix.yaml that was run, and what each of them is, if it says so.
    #[must_use]
    pub fn with_rows(self, rows: impl IntoIterator<Item = (DistroId, Option<Os>)>) -> Self {
        Self { rows: Some(rows.into_iter().collect()), ..self }
    }

    /// Only if the results are no older than `max`; their age is `None` when nobody knows it.
    #[must_use]
    pub fn no_older_than(self, max: Duration, age: Option<Duration>) -> Self {
        Self { max_age: Some(max), age, ..self }
    }

    /// A pass counts only if each of these trials was run, or is one that the ATS cannot do.
    #[must_use]
    pub fn with_trials(self, trials: &'a [&'a str]) -> Self {
        Self { trials, ..self }
    }

    /// Expectations whose last day is before `today` are over.
    #[must_use]
    pub fn on(self, today: Date) -> Self {
        Self { today: Some(today), ..self }
    }

    /// What results are judged by.
    pub(super) fn terms(&self) -> Terms<'a> {
        Terms { strict: true, today: self.today, trials: self.trials }
    }

    pub(super) fn result(&self) -> &'a MatrixResult {
        self.result
    }

    pub(super) fn cell(&self, id: &CellId) -> Option<&'a CellResult> {
        self.cells.get(id).copied()
    }

    /// Whether `id` is a cell of matrix.yaml; `None`: nobody knows.
    pub(super) fn is_cell(&self, id: &CellId) -> Option<bool> {
        self.wanted.as_ref().map(|wanted| wanted.contains(id))
    }

    /// Whether `id` is a cell of matrix.yaml that is not in the results.
    pub(super) fn lacks(&self, id: &CellId) -> bool {
        self.is_cell(id) == Some(true) && self.cell(id).is_none()
    }

    /// Cells of matrix.yaml that are not in the results.
    pub(super) fn lacking(&self) -> impl Iterator<Item = &CellId> {
        self.wanted.iter().flatten().filter(|id| self.cell(id).is_none())
    }

    pub(super) fn has_distro(&self, distro: &DistroId) -> bool {
        self.result.distros.contains(distro) || self.cells.keys().any(|id| id.distro == *distro)
    }

    pub(super) fn has_ats(&self, ats: &AtsId) -> bool {
        self.result.ats.contains(ats) || self.cells.keys().any(|id| id.ats == *ats)
    }

    /// The verdict that the results give, if they can be believed.
    pub(super) fn verdict(&self, id: &CellId) -> Option<Verdict> {
        let cell = self.cell(id)?;
        self.distrust(cell).is_none().then_some(cell.verdict)
    }

    /// Why a cell cannot be taken at its word: a file that somebody edited, a bad merge or a run of
    /// a few trials must not open a gate.
    fn distrust(&self, cell: &CellResult) -> Option<Reason> {
        let unsound =
            |text: &str| Some(Reason::new(Cause::Unsound, format!("the results contradict themselves: {text}")));
        if self.twice.contains(&cell.id) {
            return unsound("it is there twice");
        }
        if cell.verdict != Verdict::Pass {
            return None;
        }
        if let (Some(os), Some(release)) = (self.os(&cell.id.distro), &cell.provenance.distro)
            && !os.fits(release)
        {
            let (row, name) = (&cell.id.distro, printable(release));
            return unsound(&format!("the row {row} is {os}, and what ran was {name}"));
        }
        if verdict::of_trials(&cell.trials) != Verdict::Pass {
            return unsound("the verdict is pass, but its trials do not say so");
        }
        let there = |wanted: &&&str| cell.trials.iter().any(|trial| trial.id == **wanted);
        let missing: Vec<&str> = self.trials.iter().filter(|id| !there(id)).copied().collect();
        let text = format!("only some trials were run: without {}", missing.join(", "));
        (!missing.is_empty()).then(|| Reason::new(Cause::Missing, text))
    }

    /// What matrix.yaml says that a row is.
    fn os(&self, row: &DistroId) -> Option<&Os> {
        self.rows.as_ref()?.get(row)?.as_ref()
    }

    /// The release that two cells of different rows both ran on, where nobody says that it is to be so: what
    /// they came to tells of one distro, and of no way to another.
    pub(super) fn same_release(&self, one: &CellId, other: &CellId) -> Option<String> {
        let release = |id: &CellId| self.cell(id)?.provenance.distro.as_ref();
        let (first, second) = (release(one)?, release(other)?);
        let stated = self.os(&one.distro).is_some() && self.os(&other.distro).is_some();
        // Releases without a number are told apart by their packages alone; matrix.yaml knows whether they are meant.
        let unknown = self.rows.is_none() && first.version.is_empty();
        (first == second && one.distro != other.distro && !stated && !unknown).then(|| printable(first))
    }

    /// What speaks against answering from these results at all.
    pub(super) fn doubts(&self) -> Vec<Reason> {
        let mut doubts = Vec::new();
        if self.result.cells.is_empty() {
            doubts.push(Reason::new(Cause::Missing, "the results have no cell").way_out("run it: atsmatrix run"));
        }
        match &self.now {
            Now::Digest(now) if *now != self.result.matrix => {
                let text = "matrix.yaml has changed since these results were made";
                doubts.push(Reason::new(Cause::MatrixChanged, text).way_out("run it again: atsmatrix run"));
            }
            Now::Absent => {
                let text = "matrix.yaml is not here, so nobody knows whether it changed since these results were made";
                let way_out =
                    "ask where it is, name it with --matrix FILE, or take the results for what they are: --any-matrix";
                doubts.push(Reason::new(Cause::MatrixChanged, text).way_out(way_out));
            }
            Now::Digest(_) | Now::Any => {}
        }
        let Some(max) = self.max_age else { return doubts };
        let too_old = match self.age {
            None => Some(format!("nobody knows how old the results are; at most {} are allowed", days(max))),
            Some(age) if age > max => {
                Some(format!("the results are {} old; at most {} are allowed", days(age), days(max)))
            }
            Some(_) => None,
        };
        doubts.extend(too_old.map(|text| Reason::new(Cause::Age, text).way_out("run it again: atsmatrix run")));
        doubts
    }

    /// How the cell `id` stands when it must pass.
    pub(super) fn must_pass(&self, id: &CellId) -> Stand {
        let again = run_again(id);
        let Some(cell) = self.cell(id) else {
            if self.is_cell(id) == Some(false) {
                let reason = Reason::new(Cause::Missing, "no cell of matrix.yaml, so it is never run").about(id);
                return Stand::Not(reason.way_out("give this ATS a source for this distro in matrix.yaml, and run it"));
            }
            let reason = Reason::new(Cause::Missing, "not in the results");
            return Stand::Not(reason.about(id).way_out(again));
        };
        if let Some(reason) = self.distrust(cell) {
            return Stand::Not(reason.about(id).way_out(again));
        }
        let reason = match cell.verdict {
            Verdict::Pass => return Stand::Passes,
            Verdict::Fail => Reason::new(Cause::Fails, with_trials("fails", cell)),
            Verdict::Unbuildable => Reason::new(Cause::Unbuildable, "this ATS does not compile on this distro"),
            Verdict::Flaky => Reason::new(Cause::Flaky, with_trials("passes only at times", cell)),
            Verdict::Error => Reason::new(Cause::Error, "in error, which says nothing about ATS").way_out(again),
            Verdict::Unavailable => {
                Reason::new(Cause::Unavailable, "unavailable, which says nothing about ATS").way_out(again)
            }
        };
        let why = cell.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
        let expected = cell.expectations().find(|expected| expected.verdict == cell.verdict);
        Stand::Not(Reason {
            text: format!("{}{why}", reason.text),
            expected: expected.map(|expected| expected.reason.clone()),
            known_issues: cell.known_issues.clone(),
            ..reason.about(id)
        })
    }
}

/// A release as a person knows it.
fn printable(release: &Release) -> String {
    let Release { id, version, codename, name } = release;
    let text = if name.is_empty() { format!("{id} {version} {codename}") } else { name.clone() };
    text.trim().chars().filter(|c| !c.is_control()).take(80).collect()
}

/// What to do about a cell without an answer.
pub(super) fn run_again(id: &CellId) -> String {
    format!("run it: atsmatrix run --distro {} --ats {}", id.distro, id.ats)
}

/// `fails: tls-remote-origin, tls-same-host (2 of 8 trials)`.
fn with_trials(what: &str, cell: &CellResult) -> String {
    let ran = cell.trials.iter().filter(|trial| !trial.control && trial.outcome != Outcome::Unsupported);
    let wrong: Vec<&str> = cell
        .trials
        .iter()
        .filter(|trial| matches!(trial.outcome, Outcome::Fail | Outcome::Flaky))
        .map(|trial| trial.id.as_str())
        .collect();
    if wrong.is_empty() {
        return what.to_owned();
    }
    format!("{what}: {} ({} of {} trials)", wrong.join(", "), wrong.len(), ran.count().max(wrong.len()))
}

/// A duration as people set limits: `30 days`, `5 hours`.
fn days(duration: Duration) -> String {
    let hours = duration.as_secs() / 3600;
    let (count, unit) = if hours >= 48 { (hours / 24, "day") } else { (hours, "hour") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
