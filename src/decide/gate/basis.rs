//! What answers rest on: the results, whether they are still those of today's matrix.yaml, how old
//! they are, and how a single cell stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;

use crate::config::matrix::{Matrix, MatrixCell};
use crate::model::{AtsId, CellId, CellResult, DistroId, Expected, MatrixResult, Os, Outcome, Place, Release, Verdict};
use crate::verdict::{Coverage, Terms, few};

use super::answer::{Cause, Reason, Rests};
use super::{age, trust};

/// The results to answer from.
#[derive(Debug)]
pub struct Basis<'a> {
    result: &'a MatrixResult,
    cells: BTreeMap<&'a CellId, &'a CellResult>,
    twice: BTreeSet<&'a CellId>,
    /// The releases that the cells of a row report. One without a version (testing, unstable) moves, and says nothing.
    releases: BTreeMap<&'a DistroId, BTreeSet<String>>,
    now: Now,
    /// The matrix.yaml that was run, where it is here.
    matrix: Option<&'a Matrix>,
    /// Its cells, and what it declares of each.
    wanted: Option<BTreeMap<CellId, Option<Declared>>>,
    age: Option<Duration>,
    max_age: Option<Duration>,
    trials: &'a [&'a str],
    today: Option<Date>,
    /// What the rows of matrix.yaml are, where it is the one that was run.
    rows: Option<BTreeMap<DistroId, Option<Os>>>,
    /// What speaks against these results from outside of them.
    doubts: Vec<Reason>,
}

/// What matrix.yaml declares of a cell, besides what it expects of it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// Whether it may be missing.
    pub(super) optional: bool,
    /// What `traffic_server -V` reports in it.
    pub(super) reports: String,
}

/// What matrix.yaml is now.
#[derive(Debug)]
enum Now {
    /// Nobody asks.
    Any,
    /// It is not there.
    Absent,
    /// It has this digest.
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
        let mut releases: BTreeMap<&DistroId, BTreeSet<String>> = BTreeMap::new();
        for cell in &result.cells {
            if let Some(release) = cell.provenance.distro.as_ref().filter(|release| !release.version.is_empty()) {
                let release = format!("{} {}", release.id, release.version);
                releases.entry(&cell.id.distro).or_default().insert(release);
            }
            if cells.insert(&cell.id, cell).is_some() {
                twice.insert(&cell.id);
            }
        }
        Self {
            result,
            cells,
            twice,
            releases,
            now: Now::Any,
            matrix: None,
            wanted: None,
            age: None,
            max_age: None,
            trials: &[],
            today: None,
            rows: None,
            doubts: Vec::new(),
        }
    }

    /// Only if matrix.yaml still has this digest.
    #[must_use]
    pub fn for_matrix(self, digest: impl Into<String>) -> Self {
        Self { now: Now::Digest(digest.into()), ..self }
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
        Self { wanted: Some(cells.into_iter().map(|id| (id, None)).collect()), ..self }
    }

    /// This is the matrix.yaml that was run. What it declares is what counts, whatever the results say that it does.
    #[must_use]
    pub fn with_matrix(self, matrix: &'a Matrix) -> Self {
        let declared =
            |cell: &MatrixCell<'_>| Declared { optional: cell.optional(), reports: cell.reports().to_owned() };
        let wanted = matrix.cells().map(|cell| (cell.id(), Some(declared(&cell)))).collect();
        let rows = matrix.distros.iter().map(|distro| (distro.id.clone(), distro.os.clone()));
        Self { matrix: Some(matrix), wanted: Some(wanted), ..self }.with_rows(rows)
    }

    /// Something that speaks against these results, and is not to be seen in them.
    #[must_use]
    pub fn in_doubt(mut self, doubt: Option<Reason>) -> Self {
        self.doubts.extend(doubt);
        self
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
        Terms { strict: true, today: self.today, trials: self.trials, unanswered: None }
    }

    /// Whether results that name this digest were made with the same matrix.yaml.
    pub(super) fn is_same_matrix(&self, digest: &str) -> bool {
        digest == self.result.matrix || self.matrix.is_some_and(|matrix| matrix.is_named(digest))
    }

    /// Who says what is expected.
    pub(super) fn who_expects(&self) -> &'static str {
        if self.matrix.is_some() { "matrix.yaml" } else { "matrix.yaml, by what the results say," }
    }

    pub(super) fn result(&self) -> &'a MatrixResult {
        self.result
    }

    pub(super) fn cell(&self, id: &CellId) -> Option<&'a CellResult> {
        self.cells.get(id).copied()
    }

    /// Whether `id` is a cell of matrix.yaml; `None`: nobody knows.
    pub(super) fn is_cell(&self, id: &CellId) -> Option<bool> {
        self.wanted.as_ref().map(|wanted| wanted.contains_key(id))
    }

    /// Whether `id` is a cell of matrix.yaml that is not in the results.
    pub(super) fn lacks(&self, id: &CellId) -> bool {
        self.is_cell(id) == Some(true) && self.cell(id).is_none()
    }

    /// Cells of matrix.yaml that are not in the results.
    pub(super) fn lacking(&self) -> impl Iterator<Item = &CellId> {
        self.wanted.iter().flatten().map(|(id, _)| id).filter(|id| self.cell(id).is_none())
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
        self.distrust(cell).is_empty().then_some(cell.verdict)
    }

    /// What is wrong with a cell, so that it cannot be taken at its word.
    pub(super) fn distrust(&self, cell: &CellResult) -> Vec<Reason> {
        trust::doubts(self, cell)
    }

    /// What no run could have written of a cell.
    pub(super) fn contradictions(&self, cell: &CellResult) -> Vec<Reason> {
        trust::contradictions(self, cell)
    }

    pub(super) fn is_twice(&self, id: &CellId) -> bool {
        self.twice.contains(id)
    }

    /// What the answer of `cell` rests on.
    pub(super) fn whole<'c>(&self, cell: &'c CellResult) -> Coverage<'c>
    where
        'a: 'c,
    {
        // Without matrix.yaml nobody knows which origins there are.
        let has = |place: &Place| self.matrix.is_some_and(|it| it.origins.contains_key(place));
        let without: Vec<Place> = Place::BESIDE.into_iter().filter(|place| !has(place)).collect();
        Coverage::of(cell, self.trials, &without)
    }

    /// The same for the answer.
    pub(super) fn rests(&self, cell: &CellResult) -> Rests {
        Rests::of(&cell.id, &self.whole(cell))
    }

    /// `cell` with what matrix.yaml declares of it, where it is known, in place of what the results say that it does.
    pub(super) fn declared<'c>(&self, cell: &'c CellResult) -> Cow<'c, CellResult> {
        let Some((expected, optional)) = self.stated(cell) else { return Cow::Borrowed(cell) };
        if cell.expected == expected && cell.optional == optional {
            return Cow::Borrowed(cell);
        }
        Cow::Owned(CellResult { expected, optional, ..cell.clone() })
    }

    /// What matrix.yaml expects of `cell`, and whether it may be missing; `None`: nobody knows.
    fn stated(&self, cell: &CellResult) -> Option<(Option<Expected>, bool)> {
        let declared = self.declares(&cell.id)?;
        Some((self.matrix?.expected(&cell.id, cell.verdict, &cell.provenance), declared.optional))
    }

    /// What matrix.yaml declares of the cell `id`; `None`: nobody knows, or it is no cell.
    pub(super) fn declares(&self, id: &CellId) -> Option<&Declared> {
        self.wanted.as_ref()?.get(id)?.as_ref()
    }

    /// The releases that the cells of a row report.
    pub(super) fn releases(&self, distro: &DistroId) -> Vec<&str> {
        self.releases.get(distro).into_iter().flatten().map(String::as_str).collect()
    }

    /// What matrix.yaml says that a row is.
    pub(super) fn os(&self, row: &DistroId) -> Option<&Os> {
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
        let mut doubts = self.doubts.clone();
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
        let allowed = format!("at most {} allowed", age::limit(max));
        let too_old = match self.age {
            None => Some(format!("nobody knows how old the results are; {allowed}")),
            Some(age) if age > max => Some(format!("the results are {} old; {allowed}", age::exact(age))),
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
        // A failure is one whatever else is wrong with the cell.
        if cell.verdict == Verdict::Pass
            && let Some(reason) = self.distrust(cell).into_iter().next()
        {
            return Stand::Not(reason);
        }
        let cell = &*self.declared(cell);
        let reason = match cell.verdict {
            Verdict::Pass => return Stand::Passes,
            Verdict::Fail => Reason::new(Cause::Fails, with_trials("fails", cell)),
            Verdict::Unbuildable => Reason::new(Cause::Unbuildable, "this ATS does not compile on this distro"),
            Verdict::Flaky => Reason::new(Cause::Flaky, with_trials("passes only at times in", cell)),
            Verdict::Error => Reason::new(Cause::Error, "in error, which says nothing about ATS")
                .way_out(format!("see why: atsmatrix explain {id}; once that is mended, {again}")),
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
            trials: wrong(cell).map(str::to_owned).collect(),
            ..reason.about(id)
        })
    }
}

/// A release as a person knows it.
pub(super) fn printable(release: &Release) -> String {
    let Release { id, version, codename, name } = release;
    let text = if name.is_empty() { format!("{id} {version} {codename}") } else { name.clone() };
    text.trim().chars().filter(|c| !c.is_control()).take(80).collect()
}

/// What to do about a cell without an answer.
pub(super) fn run_again(id: &CellId) -> String {
    format!("run it: atsmatrix run --distro {} --ats {}", id.distro, id.ats)
}

/// Trials of `cell` that went wrong.
fn wrong(cell: &CellResult) -> impl Iterator<Item = &str> {
    let wrong = cell.trials.iter().filter(|trial| matches!(trial.outcome, Outcome::Fail | Outcome::Flaky));
    wrong.map(|trial| trial.id.as_str())
}

/// `fails 2 of 8 trials: tls-remote-origin, tls-same-host`: the count comes first, so that it is never cut.
fn with_trials(what: &str, cell: &CellResult) -> String {
    let ran = cell.trials.iter().filter(|trial| !trial.control && trial.outcome != Outcome::Unsupported);
    let wrong: Vec<&str> = wrong(cell).collect();
    if wrong.is_empty() {
        return what.to_owned();
    }
    format!("{what} {} of {} trials: {}", wrong.len(), ran.count().max(wrong.len()), few(&wrong))
}
