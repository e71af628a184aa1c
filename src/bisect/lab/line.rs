//! Bisection over versions of ATS: over the columns of matrix.yaml between two of them, and over patches where one column is
//! built from the other.

use super::bench::{self, Bench, ExperimentSpec};
use super::changes::Derivation;
use super::progress::{Remaining, finished, started};
use crate::bisect::linear::{self, KnownEffects, Next};
use crate::bisect::versions::{self, FoundSteps, VersionCase};
use crate::builder::ImageState;
use crate::catalogue::trials::Trial;
use crate::config::matrix::{Globs, Matrix};
use crate::config::plan::{Plan, PlannedCell, Selection};
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, Bisection, CellId, DistroId, Effect, Tried};
use crate::run::cell::SingleAttempt;

/// How often both ends run before the search starts.
const ENDS: u32 = 3;

/// How often the two versions run between which the outcome changes.
const ROUNDS: u32 = 2;

/// One end: the cell, and what was seen.
type EndRun = (PlannedCell, SingleAttempt);

/// Finds the version or patch of ATS that causes a failure.
///
/// # Errors
/// The engine fails, or an end cannot be run.
pub(super) async fn bisect(bench: &Bench<'_>) -> anyhow::Result<Bisection> {
    let request = bench.request;
    let distro = request.bad.distro.clone();
    let columns = between(&request.matrix, &distro, &request.good.ats, &request.bad.ats);
    let new = |trial| LineSearch {
        bench,
        distro: distro.clone(),
        trial,
        failure: None,
        experiments: Vec::new(),
        limited: false,
    };
    let mut ends = Vec::new();
    for id in [&columns[0], &columns[columns.len() - 1]] {
        let (planned, made) = image(bench, &request.matrix, &distro, id).await?;
        Bench::needed(&[(planned.tag.clone(), made)].into(), &planned)?;
        ends.push(planned);
    }
    let mut unsteady = None;
    for trials in bench::trial_sets(request) {
        let mut both: Vec<EndRun> = Vec::new();
        for (number, planned) in (1..).zip(&ends) {
            let once = once(bench, planned, number, trials.clone(), &Remaining::default()).await?;
            bench::check_version(&once, &[&planned.declared])?;
            bench::check_distro(&once, planned)?;
            both.push((planned.clone(), once));
        }
        let [(_, a), (_, b)] = both.as_slice() else { anyhow::bail!("a search has two ends") };
        // Either end may be the one that passes.
        let mut candidates = bench::candidates(request, a, b);
        candidates.extend(bench::candidates(request, b, a));
        candidates.dedup_by_key(|trial| trial.id);
        for trial in candidates {
            let mut search = new(trial);
            let (answer, distinguishes) = search.run(&columns, &both).await?;
            if distinguishes || request.is_requested {
                return Ok(answer);
            }
            unsteady = unsteady.or(Some(answer));
        }
    }
    unsteady.ok_or_else(|| {
        let (a, b) = (&ends[0].id, &ends[1].id);
        let message = format!("nothing to bisect: no trial passes on one of {a} and {b} and fails on the other");
        Failure::new(Exit::Incomplete, message).into()
    })
}

struct LineSearch<'a> {
    bench: &'a Bench<'a>,
    distro: DistroId,
    trial: &'static Trial,
    /// Summary of the failure of the failing end.
    failure: Option<String>,
    experiments: Vec<Tried>,
    /// Whether the limit of experiments was reached.
    limited: bool,
}

/// A version to try.
struct VersionToTry<'a> {
    matrix: &'a Matrix,
    ats: &'a AtsId,
    /// The versions that it may report; empty if unchecked.
    declared: Vec<String>,
}

impl LineSearch<'_> {
    /// Searches with one trial; also returns whether the trial distinguishes the ends.
    async fn run(&mut self, columns: &[AtsId], both: &[EndRun]) -> anyhow::Result<(Bisection, bool)> {
        let matrix = &self.bench.request.matrix;
        let steps: Vec<String> = columns.windows(2).map(|pair| format!("{} -> {}", pair[0], pair[1])).collect();
        let mut known = self.ends(columns, both);
        let steady = linear::differ(columns.len(), &known) && self.steady(columns).await?;
        let (good, bad) = self.sides(columns, &known);
        let (mut changes, mut confirmed, mut turn) = (None, false, None);
        if steady {
            let (last, first) = self.along(&mut known, columns, &steps).await?;
            turn = Some((last, first));
            let derivation = Derivation::between(matrix, &self.distro, &columns[last], &columns[first]);
            let mut pair = [columns[last].clone(), columns[first].clone()];
            let mut finest = matrix.clone();
            if let Some(derivation) = derivation.filter(|_| first == last + 1) {
                let ends =
                    [&derivation.base, &derivation.derived].map(|id| columns.iter().position(|column| column == id));
                let [Some(base), Some(derived)] = ends else {
                    anyhow::bail!("a derivation of columns has its columns")
                };
                let mut line = KnownEffects::from([(0, known[&base]), (derivation.changes.len(), known[&derived])]);
                let found = self.within(&derivation, &mut finest, &mut line).await?;
                pair = [derivation.at(found.0), derivation.at(found.1)];
                changes = Some((derivation, line, found));
            }
            confirmed = self.confirm(&finest, &pair).await?;
        }
        let names: Vec<String> =
            changes.iter().flat_map(|(derivation, ..)| &derivation.changes).map(|change| change.name.clone()).collect();
        let case = VersionCase {
            good: &good,
            bad: &bad,
            trial: self.trial.id,
            columns: turn.map(|(last, first)| FoundSteps { steps: &steps, known: &known, last, first }),
            changes: changes.as_ref().map(|(derivation, line, (last, first))| {
                let found = FoundSteps { steps: &names, known: line, last: *last, first: *first };
                (found, [derivation.base.as_str(), derivation.derived.as_str()])
            }),
            confirmed,
            limited: self.limited.then_some(self.experiments.len()),
            notes: &[],
        };
        Ok((versions::over_ats(case, std::mem::take(&mut self.experiments)), steady))
    }

    /// Records both ends for a search with this trial.
    fn ends(&mut self, columns: &[AtsId], both: &[EndRun]) -> KnownEffects {
        let failures = both.iter().map(|(_, once)| bench::outcome_of(once, self.trial, None));
        self.failure = failures.filter(|outcome| outcome.effect == Effect::Fail).map(|outcome| outcome.summary).next();
        let mut known = KnownEffects::new();
        for (place, (planned, once)) in [0, columns.len() - 1].into_iter().zip(both) {
            known.insert(place, self.note(once, planned, 1));
        }
        known
    }

    /// Whether both ends have the same outcome in all rounds: a flaky trial would give a random answer.
    async fn steady(&mut self, columns: &[AtsId]) -> anyhow::Result<bool> {
        let matrix = self.bench.request.matrix.clone();
        for round in 2..=ENDS {
            for ats in [&columns[0], &columns[columns.len() - 1]] {
                let place = self.column(&matrix, ats);
                let first = self.first(ats);
                let Some(again) = self.try_one(&place, round, &Remaining::default()).await? else { return Ok(true) };
                if first != Some(again) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// A column of the matrix as a version to try.
    fn column<'m>(&self, matrix: &'m Matrix, ats: &'m AtsId) -> VersionToTry<'m> {
        let id = CellId { distro: self.distro.clone(), ats: ats.clone() };
        let declared = matrix.cells().find(|cell| cell.id() == id).map(|cell| cell.reports().to_owned());
        VersionToTry { matrix, ats, declared: declared.into_iter().collect() }
    }

    /// The outcome of the first round of a version.
    fn first(&self, ats: &AtsId) -> Option<Effect> {
        let base = CellId { distro: self.distro.clone(), ats: ats.clone() }.to_string();
        self.experiments.iter().find(|it| it.base == base).map(|it| it.result)
    }

    /// The good cell and the bad one, according to their outcomes.
    fn sides(&self, columns: &[AtsId], known: &KnownEffects) -> (CellId, CellId) {
        let cell = |place: usize| CellId { distro: self.distro.clone(), ats: columns[place].clone() };
        let (begin, end) = (cell(0), cell(columns.len() - 1));
        if known.get(&0) == Some(&Effect::Pass) { (begin, end) } else { (end, begin) }
    }

    /// Searches the columns; returns the two between which the outcome changes, as far as the limit of experiments allows.
    async fn along(
        &mut self,
        known: &mut KnownEffects,
        columns: &[AtsId],
        steps: &[String],
    ) -> anyhow::Result<(usize, usize)> {
        let matrix = self.bench.request.matrix.clone();
        loop {
            match linear::next(columns.len(), known) {
                Next::NoEnds => anyhow::bail!("ends that differ are the ends of a line"),
                Next::Between { last, first } => return Ok((last, first)),
                Next::Try { place, after, before } => {
                    let column = self.column(&matrix, &columns[place]);
                    let range = format!("between {} and {}", columns[after], columns[before]);
                    let left = Remaining::between(steps, after, before, range);
                    let Some(effect) = self.try_one(&column, 1, &left).await? else { return Ok((after, before)) };
                    known.insert(place, effect);
                }
            }
        }
    }

    /// Searches the patches between two columns. Each version in between is built from the tree of the nearest earlier one that
    /// was built.
    async fn within(
        &mut self,
        derivation: &Derivation,
        matrix: &mut Matrix,
        line: &mut KnownEffects,
    ) -> anyhow::Result<(usize, usize)> {
        let steps: Vec<String> = derivation.changes.iter().map(|change| change.name.clone()).collect();
        // A version with some of the patches may report either version.
        let of = |ats: &AtsId| self.column(&self.bench.request.matrix, ats).declared;
        let declared = [of(&derivation.base), of(&derivation.derived)].concat();
        loop {
            match linear::next(steps.len() + 1, line) {
                Next::NoEnds => anyhow::bail!("two columns that differ are the ends of what lies between them"),
                Next::Between { last, first } => return Ok((last, first)),
                Next::Try { place, after, before } => {
                    let there = line.range(..place).rev().find(|(_, effect)| **effect != Effect::Inconclusive);
                    let from = there.map_or(0, |(place, _)| *place);
                    let ats = derivation.add(matrix, &self.distro, place, from);
                    let ats = ats.ok_or_else(|| anyhow::anyhow!("cannot build a version with {place} patches"))?;
                    let version = VersionToTry { matrix, ats: &ats, declared: declared.clone() };
                    let of = steps.len();
                    let range = format!("between {after} and {before} of {of} patches");
                    let left = Remaining::between(&steps, after, before, range);
                    let Some(effect) = self.try_one(&version, 1, &left).await? else { return Ok((after, before)) };
                    line.insert(place, effect);
                }
            }
        }
    }

    /// Whether both versions have the same outcome in all rounds.
    async fn confirm(&mut self, matrix: &Matrix, pair: &[AtsId; 2]) -> anyhow::Result<bool> {
        let mut same = true;
        for ats in pair {
            let base = CellId { distro: self.distro.clone(), ats: ats.clone() }.to_string();
            let seen = self.experiments.iter().filter(|it| it.base == base).count();
            let first = self.first(ats);
            let place = VersionToTry { matrix, ats, declared: Vec::new() };
            for round in (1..=ROUNDS).skip(seen) {
                let again = self.try_one(&place, round, &Remaining::default()).await?;
                same &= again.is_some() && first == again;
            }
        }
        Ok(same)
    }

    /// Builds a version and runs it; `None` if the limit of experiments is reached.
    async fn try_one(
        &mut self,
        place: &VersionToTry<'_>,
        round: u32,
        left: &Remaining,
    ) -> anyhow::Result<Option<Effect>> {
        let number = self.experiments.len() + 1;
        if number > self.bench.request.limit {
            self.limited = true;
            return Ok(None);
        }
        let (planned, made) = image(self.bench, place.matrix, &self.distro, place.ats).await?;
        match made {
            ImageState::Ready { .. } => {
                let trials = bench::with_controls(self.trial);
                let again = Remaining { range: Some("repeated".to_owned()), ..Remaining::default() };
                let left = if round > 1 { &again } else { left };
                let once = once(self.bench, &planned, number, trials, left).await?;
                let declared: Vec<&str> = place.declared.iter().map(String::as_str).collect();
                bench::check_version(&once, &declared)?;
                Ok(Some(self.note(&once, &planned, round)))
            }
            ImageState::Unbuildable { reason }
            | ImageState::UpgradeBroke { reason }
            | ImageState::Unavailable { reason } => {
                let line = Tried {
                    base: planned.id.to_string(),
                    swapped: Vec::new(),
                    round,
                    result: Effect::Inconclusive,
                    summary: crate::ats::log::normalise(&reason),
                    evidence: Vec::new(),
                };
                self.keep(line);
                Ok(Some(Effect::Inconclusive))
            }
            // The engine failed: nothing is known about this version, and further builds would fail as well.
            ImageState::Broken { reason } => {
                Err(Failure::new(Exit::Incomplete, format!("cannot run {}: {reason}", planned.id)).into())
            }
            ImageState::Stopped => Err(bench::interrupted()),
        }
    }

    /// Records the outcome.
    fn note(&mut self, once: &SingleAttempt, planned: &PlannedCell, round: u32) -> Effect {
        let line = bench::outcome_of(once, self.trial, self.failure.as_deref()).into_record(
            planned.id.to_string(),
            Vec::new(),
            round,
        );
        let effect = line.result;
        self.keep(line);
        effect
    }

    fn keep(&mut self, line: Tried) {
        let again = if line.round > 1 { ", repeated" } else { "" };
        self.bench.report(finished(self.experiments.len() + 1, &line, format!("{}{again}", line.base)));
        self.experiments.push(line);
    }
}

/// Builds the image of an ATS on this distro.
async fn image(
    bench: &Bench<'_>,
    matrix: &Matrix,
    distro: &DistroId,
    ats: &AtsId,
) -> anyhow::Result<(PlannedCell, ImageState)> {
    let selection = Selection { distros: Some(Globs::new([distro.as_str()])?), ats: Some(Globs::new([ats.as_str()])?) };
    let plan = Plan::of(matrix, &selection, &bench.request.recipes);
    let plan = plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let planned = bench::planned(&plan, &CellId { distro: distro.clone(), ats: ats.clone() })?;
    let mut made = bench.make(&plan).await?;
    let what = made.remove(&planned.tag);
    Ok((planned, what.unwrap_or(ImageState::Unavailable { reason: "its image is not part of the plan".into() })))
}

async fn once(
    bench: &Bench<'_>,
    planned: &PlannedCell,
    number: usize,
    trials: Vec<&'static Trial>,
    left: &Remaining,
) -> anyhow::Result<SingleAttempt> {
    bench.report(started(number, planned.id.to_string(), left));
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    bench.run(ExperimentSpec { number, planned, image: &planned.tag, swapped: None, trials }).await
}

/// The columns of `distro` from `a` to `b`, in the order of matrix.yaml.
fn between(matrix: &Matrix, distro: &DistroId, a: &AtsId, b: &AtsId) -> Vec<AtsId> {
    let row = matrix.cells().filter(|cell| cell.distro.id == *distro).map(|cell| cell.ats.id.clone());
    let row: Vec<AtsId> = row.collect();
    let place = |id: &AtsId| row.iter().position(|column| column == id).unwrap_or(0);
    let (first, last) = (place(a).min(place(b)), place(a).max(place(b)));
    row[first..=last].to_vec()
}
