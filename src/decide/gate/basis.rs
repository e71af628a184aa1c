//! What answers are based on: the results, whether matrix.yaml is still the same, their age, and whether a cell passes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;

use crate::catalogue::trials::Catalogue;
use crate::config::matrix::Matrix;
use crate::model::{
    AtsId, CellId, CellKind, CellResult, DistroId, Expected, MatrixResult, Os, Outcome, Place, Verdict,
};
use crate::verdict::{Coverage, Terms, few, only_for};

use super::answer::{Cause, CellTrials, GateReason};
use super::declared::Declared;
use super::{age, trust};

/// The results to answer from.
#[derive(Debug)]
pub struct Basis<'a> {
    result: &'a MatrixResult,
    cells: BTreeMap<&'a CellId, &'a CellResult>,
    twice: BTreeSet<&'a CellId>,
    /// The releases that the cells of a row report, apart from those without a version (testing, unstable).
    releases: BTreeMap<&'a DistroId, BTreeSet<String>>,
    present: PresentMatrix,
    /// The matrix.yaml that was run, if it is here.
    matrix: Option<&'a Matrix>,
    /// Its cells, and what it declares of each.
    wanted: Option<BTreeMap<CellId, Option<Declared>>>,
    age: Option<Duration>,
    max_age: Option<Duration>,
    trials: &'a [&'a str],
    catalogue: Catalogue,
    today: Option<Date>,
    /// The `os` of each row of matrix.yaml, if it is the one that was run.
    rows: Option<BTreeMap<DistroId, Option<Os>>>,
    /// Reasons from outside not to trust these results.
    doubts: Vec<GateReason>,
}

/// The matrix.yaml of today.
#[derive(Debug)]
enum PresentMatrix {
    /// Any will do.
    Any,
    /// There is none.
    Absent,
    /// It has this digest.
    Digest(String),
}

/// Whether a cell that must pass does.
#[derive(Debug)]
pub(super) enum PassCheck {
    Passes,
    Not(GateReason),
}

impl<'a> Basis<'a> {
    /// Answers from `result`, of any age and any matrix.yaml.
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
            present: PresentMatrix::Any,
            matrix: None,
            wanted: None,
            age: None,
            max_age: None,
            trials: &[],
            catalogue: Catalogue::built_in(),
            today: None,
            rows: None,
            doubts: Vec::new(),
        }
    }

    /// Answers only if the results were made with the matrix.yaml of this digest.
    #[must_use]
    pub fn for_matrix(self, digest: impl Into<String>) -> Self {
        Self { present: PresentMatrix::Digest(digest.into()), ..self }
    }

    /// There is no matrix.yaml to compare with, so there is no answer.
    #[must_use]
    pub fn without_matrix(self) -> Self {
        Self { present: PresentMatrix::Absent, ..self }
    }

    /// The cells of the matrix.yaml that was run. Any of them that is not in the results was left out.
    #[must_use]
    pub fn with_cells(self, cells: impl IntoIterator<Item = CellId>) -> Self {
        Self { wanted: Some(cells.into_iter().map(|id| (id, None)).collect()), ..self }
    }

    /// The matrix.yaml that was run. Its declarations count, not what the results state of them.
    #[must_use]
    pub fn with_matrix(self, matrix: &'a Matrix) -> Self {
        let wanted = matrix.cells().map(|cell| (cell.id(), Some(Declared::of(matrix, &cell)))).collect();
        let rows = matrix.distros.iter().map(|distro| (distro.id.clone(), distro.os.clone()));
        Self { matrix: Some(matrix), wanted: Some(wanted), ..self }.with_rows(rows)
    }

    /// A reason not to trust these results that they do not show themselves.
    #[must_use]
    pub fn in_doubt(mut self, doubt: Option<GateReason>) -> Self {
        self.doubts.extend(doubt);
        self
    }

    /// The rows of the matrix.yaml that was run, each with its `os` if it states one.
    #[must_use]
    pub fn with_rows(self, rows: impl IntoIterator<Item = (DistroId, Option<Os>)>) -> Self {
        Self { rows: Some(rows.into_iter().collect()), ..self }
    }

    /// Answers only if the results are no older than `max`. `age` is `None` if it is unknown.
    #[must_use]
    pub fn no_older_than(self, max: Duration, age: Option<Duration>) -> Self {
        Self { max_age: Some(max), age, ..self }
    }

    /// A pass counts only if each of these trials was run or is unsupported by this ATS.
    #[must_use]
    pub fn with_trials(self, trials: &'a [&'a str]) -> Self {
        Self { trials, ..self }
    }

    /// The same of every trial of `catalogue`.
    #[must_use]
    pub fn with_catalogue(self, catalogue: Catalogue) -> Self {
        Self { catalogue, trials: catalogue.ids(), ..self }
    }

    /// Expectations whose last day is before `today` have expired.
    #[must_use]
    pub fn on(self, today: Date) -> Self {
        Self { today: Some(today), ..self }
    }

    /// The terms by which results are weighed.
    pub(super) fn terms(&self) -> Terms<'a> {
        Terms { strict: true, today: self.today, trials: self.trials, unanswered: None }
    }

    /// Whether results that name this digest were made with the same matrix.yaml.
    pub(super) fn is_same_matrix(&self, digest: &str) -> bool {
        digest == self.result.matrix || self.matrix.is_some_and(|matrix| matrix.is_named(digest))
    }

    /// Where expectations are read from.
    pub(super) fn who_expects(&self) -> &'static str {
        if self.matrix.is_some() { "matrix.yaml" } else { "matrix.yaml (according to the results)" }
    }

    pub(super) fn matrix(&self) -> Option<&'a Matrix> {
        self.matrix
    }

    pub(super) fn result(&self) -> &'a MatrixResult {
        self.result
    }

    pub(super) fn cell(&self, id: &CellId) -> Option<&'a CellResult> {
        self.cells.get(id).copied()
    }

    /// Whether `id` is a cell of matrix.yaml; `None`: unknown.
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

    /// The verdict of a cell that can be trusted.
    pub(super) fn verdict(&self, id: &CellId) -> Option<Verdict> {
        let cell = self.cell(id)?;
        self.distrust(cell).is_empty().then_some(cell.verdict)
    }

    /// Why a cell cannot be trusted; empty if it can.
    pub(super) fn distrust(&self, cell: &CellResult) -> Vec<GateReason> {
        trust::doubts(self, cell)
    }

    /// What no run could have written of a cell.
    pub(super) fn contradictions(&self, cell: &CellResult) -> Vec<GateReason> {
        trust::contradictions(self, cell)
    }

    pub(super) fn is_twice(&self, id: &CellId) -> bool {
        self.twice.contains(id)
    }

    /// The trials of `cell`, by what became of them.
    pub(super) fn whole<'c>(&self, cell: &'c CellResult) -> Coverage<'c>
    where
        'a: 'c,
    {
        // Without matrix.yaml it is unknown which origins there are.
        let has = |place: &Place| self.matrix.is_some_and(|it| it.origins.contains_key(place));
        let without: Vec<Place> = Place::BESIDE.into_iter().filter(|place| !has(place)).collect();
        let declared = self.declares(&cell.id).filter(|_| !self.trials.is_empty());
        let more = declared.into_iter().flat_map(|declared| &declared.kinds).flat_map(|kind| only_for(*kind));
        let has_two = self.pair(&cell.id).is_some();
        // A trial that the catalogue does not know is missed everywhere.
        let is_there = |id: &&'a str| {
            self.catalogue.by_id(id).is_none_or(|trial| trial.is_in(|kind| kind == CellKind::Tiers && has_two))
        };
        let shared = self.trials.iter().copied().filter(is_there);
        let wanted: Vec<&'c str> = shared.chain(more.map(|id| -> &'a str { id })).collect();
        Coverage::of(cell, &wanted, self.catalogue, &without)
    }

    /// The same as part of an answer.
    pub(super) fn trials_of(&self, cell: &CellResult) -> CellTrials {
        CellTrials::of(&cell.id, &self.whole(cell))
    }

    /// `cell` with what matrix.yaml declares of it, if that is known, instead of what the results state.
    pub(super) fn declared<'c>(&self, cell: &'c CellResult) -> Cow<'c, CellResult> {
        let Some((expected, optional)) = self.stated(cell) else { return Cow::Borrowed(cell) };
        if cell.expected == expected && cell.optional == optional {
            return Cow::Borrowed(cell);
        }
        Cow::Owned(CellResult { expected, optional, ..cell.clone() })
    }

    /// What matrix.yaml expects of `cell`, and whether the cell may be missing; `None`: unknown.
    fn stated(&self, cell: &CellResult) -> Option<(Option<Expected>, bool)> {
        let declared = self.declares(&cell.id)?;
        Some((self.matrix?.expected(&cell.id, cell.verdict, &cell.provenance), declared.optional))
    }

    /// What matrix.yaml declares of the cell `id`; `None`: unknown, or not a cell.
    pub(super) fn declares(&self, id: &CellId) -> Option<&Declared> {
        self.wanted.as_ref()?.get(id)?.as_ref()
    }

    /// The releases that the cells of a row report.
    pub(super) fn releases(&self, distro: &DistroId) -> Vec<&str> {
        self.releases.get(distro).into_iter().flatten().map(String::as_str).collect()
    }

    /// The `os` that matrix.yaml states for a row.
    pub(super) fn os(&self, row: &DistroId) -> Option<&Os> {
        self.rows.as_ref()?.get(row)?.as_ref()
    }

    /// The release that two cells of different rows both ran on, unless matrix.yaml states it for both. Such results
    /// are about one distro and say nothing about an upgrade.
    pub(super) fn same_release(&self, one: &CellId, other: &CellId) -> Option<String> {
        let release = |id: &CellId| self.cell(id)?.provenance.distro.as_ref();
        let (first, second) = (release(one)?, release(other)?);
        let stated = self.os(&one.distro).is_some() && self.os(&other.distro).is_some();
        // Releases without a number differ in their packages alone; only matrix.yaml shows whether that is meant.
        let unknown = self.rows.is_none() && first.version.is_empty();
        (first == second && one.distro != other.distro && !stated && !unknown).then(|| trust::printable(first))
    }

    /// Reasons not to answer from these results at all.
    pub(super) fn doubts(&self) -> Vec<GateReason> {
        let mut doubts = self.doubts.clone();
        if self.result.cells.is_empty() {
            doubts.push(
                GateReason::new(Cause::Missing, "the results have no cells").fix("run the matrix: atsmatrix run"),
            );
        }
        match &self.present {
            PresentMatrix::Digest(digest) if *digest != self.result.matrix => {
                let text = "matrix.yaml has changed since these results were made";
                doubts.push(GateReason::new(Cause::MatrixChanged, text).fix("run the matrix again: atsmatrix run"));
            }
            PresentMatrix::Absent => {
                let text =
                    "matrix.yaml is not here, so it is unknown whether it has changed since these results were made";
                let fix =
                    "run this command in its folder, name it with --matrix FILE, or skip this check with --any-matrix";
                doubts.push(GateReason::new(Cause::MatrixChanged, text).fix(fix));
            }
            PresentMatrix::Digest(_) | PresentMatrix::Any => {}
        }
        let Some(max) = self.max_age else { return doubts };
        let allowed = format!("at most {} allowed", age::limit(max));
        let too_old = match self.age {
            None => Some(format!("the age of the results is unknown; {allowed}")),
            Some(age) if age > max => Some(format!("the results are {} old; {allowed}", age::exact(age))),
            Some(_) => None,
        };
        doubts.extend(too_old.map(|text| GateReason::new(Cause::Age, text).fix("run the matrix again: atsmatrix run")));
        doubts
    }

    /// Whether the cell `id`, which must pass, does.
    pub(super) fn must_pass(&self, id: &CellId) -> PassCheck {
        let again = run_again(id);
        let Some(cell) = self.cell(id) else {
            if self.is_cell(id) == Some(false) {
                let reason =
                    GateReason::new(Cause::Missing, "is not a cell of matrix.yaml, so it is never run").about(id);
                return PassCheck::Not(
                    reason.fix("add a source of this ATS for this distro to matrix.yaml, then run it"),
                );
            }
            let reason = GateReason::new(Cause::Missing, "is not in the results");
            return PassCheck::Not(reason.about(id).fix(again));
        };
        // A failure counts even if something else is wrong with the cell.
        if cell.verdict == Verdict::Pass
            && let Some(reason) = self.distrust(cell).into_iter().next()
        {
            return PassCheck::Not(reason);
        }
        let cell = &*self.declared(cell);
        let reason = match cell.verdict {
            Verdict::Pass => return PassCheck::Passes,
            Verdict::Fail => GateReason::new(Cause::Fails, with_trials("fails", cell)),
            Verdict::Unbuildable => GateReason::new(Cause::Unbuildable, "cannot be built on this distro"),
            Verdict::Broken => GateReason::new(Cause::Broken, "does not survive the upgrade"),
            Verdict::Flaky => GateReason::new(Cause::Flaky, with_trials("is flaky in", cell)),
            Verdict::Error => GateReason::new(Cause::Error, "is in error, which says nothing about ATS")
                .fix(format!("see why: atsmatrix explain {id}; when that is fixed, {again}")),
            Verdict::Unavailable => {
                GateReason::new(Cause::Unavailable, "is unavailable, which says nothing about ATS").fix(again)
            }
        };
        let why = cell.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
        let expected = cell.expectations().find(|expected| expected.verdict == cell.verdict);
        PassCheck::Not(GateReason {
            text: format!("{}{why}", reason.text),
            expected: expected.map(|expected| expected.reason.clone()),
            known_issues: cell.known_issues.clone(),
            trials: wrong(cell).map(str::to_owned).collect(),
            ..reason.about(id)
        })
    }
}

/// What to do about a cell without an answer.
pub(super) fn run_again(id: &CellId) -> String {
    format!("run it: atsmatrix run --distro {} --ats {}", id.distro, id.ats)
}

/// Trials of `cell` that failed or were flaky.
fn wrong(cell: &CellResult) -> impl Iterator<Item = &str> {
    let wrong = cell.trials.iter().filter(|trial| matches!(trial.outcome, Outcome::Fail | Outcome::Flaky));
    wrong.map(|trial| trial.id.as_str())
}

/// `fails 2 of 8 trials: tls-remote-origin, tls-same-host`. The count comes first, so that it is never cut off.
fn with_trials(what: &str, cell: &CellResult) -> String {
    let ran = cell.trials.iter().filter(|trial| !trial.control && trial.outcome != Outcome::Unsupported);
    let wrong: Vec<&str> = wrong(cell).collect();
    if wrong.is_empty() {
        return what.trim_end_matches(" in").to_owned();
    }
    format!("{what} {} of {} trials: {}", wrong.len(), ran.count().max(wrong.len()), few(&wrong))
}
