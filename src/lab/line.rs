//! Bisection along the versions of ATS that matrix.yaml has between two of its columns, and where one is made
//! from the other by patches, along these.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::bench::{self, Bench, Setup};
use super::changes::Derivation;
use super::distro::{finished, started};
use super::{Order, Record};
use crate::bisect::answer::telling_trial;
use crate::bisect::linear::{self, Line, Next};
use crate::bisect::versions::{self, Case, Found};
use crate::cell::Once;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::images::Made;
use crate::matrix::{Globs, Matrix};
use crate::model::{AtsId, Bisection, CellId, DistroId, Effect, Tried};
use crate::plan::{Plan, PlannedCell, Selection};
use crate::trial::{CATALOGUE, Trial, by_id};

/// Finds the version or change of ATS that decides. Everything made on the engine but images is removed
/// again.
///
/// # Errors
/// When the engine fails, or the two ends cannot be run.
pub async fn over_ats(
    engine: Arc<dyn Engine>,
    owner: &Owner,
    order: &Order,
    record: &dyn Record,
    events: UnboundedSender<crate::model::Event>,
    stop: CancellationToken,
) -> anyhow::Result<Bisection> {
    let bench = Bench::new(engine, owner, order, record, events, stop).await?;
    let mut search = Search {
        bench: &bench,
        distro: order.bad.distro.clone(),
        trial: order.trial,
        failure: None,
        tried: Vec::new(),
    };
    let done = search.run().await;
    bench.clear().await?;
    done
}

struct Search<'a> {
    bench: &'a Bench<'a>,
    distro: DistroId,
    trial: Option<&'static Trial>,
    /// How the end that fails does.
    failure: Option<String>,
    tried: Vec<Tried>,
}

impl Search<'_> {
    async fn run(&mut self) -> anyhow::Result<Bisection> {
        let matrix = &self.bench.order.matrix;
        let columns = between(matrix, &self.distro, &self.bench.order.good.ats, &self.bench.order.bad.ats);
        let mut known = self.ends(matrix, &columns).await?;
        let (good, bad) = self.sides(&columns, &known);
        let steps: Vec<String> = columns.windows(2).map(|pair| format!("{} -> {}", pair[0], pair[1])).collect();
        let (mut changes, mut confirmed) = (None, false);
        let turn = self.along(&mut known, columns.len(), |place| Ok((matrix.clone(), columns[place].clone()))).await?;
        if let Some((last, first)) = turn {
            let derivation = Derivation::between(matrix, &self.distro, &columns[last], &columns[first]);
            let mut pair = [columns[last].clone(), columns[first].clone()];
            let mut finest = matrix.clone();
            if let Some(derivation) = derivation.filter(|_| first == last + 1) {
                let ends =
                    [&derivation.base, &derivation.derived].map(|id| columns.iter().position(|column| column == id));
                let [Some(base), Some(derived)] = ends else {
                    anyhow::bail!("a derivation of columns has its columns")
                };
                let mut line = Line::from([(0, known[&base]), (derivation.changes.len(), known[&derived])]);
                let found = self.within(&derivation, &mut finest, &mut line).await?;
                pair = [derivation.at(found.0), derivation.at(found.1)];
                changes = Some((derivation, line, found));
            }
            confirmed = self.confirm(&finest, &pair).await?;
        }
        let names: Vec<String> =
            changes.iter().flat_map(|(derivation, ..)| &derivation.changes).map(|change| change.name.clone()).collect();
        let case = Case {
            good: &good,
            bad: &bad,
            trial: self.trial.map_or("", |trial| trial.id),
            columns: turn.map(|(last, first)| Found { steps: &steps, known: &known, last, first }),
            changes: changes.as_ref().map(|(derivation, line, (last, first))| {
                let found = Found { steps: &names, known: line, last: *last, first: *first };
                (found, [derivation.base.as_str(), derivation.derived.as_str()])
            }),
            confirmed,
            notes: &[],
        };
        Ok(versions::over_ats(case, std::mem::take(&mut self.tried)))
    }

    /// Runs both ends and settles which trial is searched for.
    async fn ends(&mut self, matrix: &Matrix, columns: &[AtsId]) -> anyhow::Result<Line> {
        let last = columns.len() - 1;
        let mut ends = Vec::new();
        for place in [0, last] {
            let (planned, made) = self.image(matrix, &columns[place]).await?;
            Bench::needed(&[(planned.tag.clone(), made)].into(), &planned)?;
            ends.push(planned);
        }
        let (mut both, mut trial) = (Vec::new(), self.trial);
        for trials in bench::stages(trial) {
            both.clear();
            for (number, planned) in (1..).zip(&ends) {
                both.push((self.once(planned, number, trials.clone()).await?, planned.clone()));
            }
            trial = trial.or_else(|| telling(&both));
            if trial.is_some() {
                break;
            }
        }
        let trial = trial.ok_or_else(|| {
            let (a, b) = (&ends[0].id, &ends[1].id);
            let message = format!("nothing to search: no trial passes on one and fails on the other of {a} and {b}");
            Failure::new(Exit::Incomplete, message)
        })?;
        self.trial = Some(trial);
        let failures = both.iter().map(|(once, _)| bench::said(once, trial, None));
        self.failure = failures.filter(|said| said.effect == Effect::Fail).map(|said| said.summary).next();
        let mut known = Line::new();
        for (place, (once, planned)) in [0, last].into_iter().zip(both) {
            known.insert(place, self.note(&once, &planned, 1));
        }
        Ok(known)
    }

    /// The good cell and the bad one, by what was seen.
    fn sides(&self, columns: &[AtsId], known: &Line) -> (CellId, CellId) {
        let cell = |place: usize| CellId { distro: self.distro.clone(), ats: columns[place].clone() };
        let (begin, end) = (cell(0), cell(columns.len() - 1));
        if known.get(&0) == Some(&Effect::Pass) { (begin, end) } else { (end, begin) }
    }

    /// Searches a line of `count` places, each an ATS of a matrix; returns the two places between which it
    /// turns.
    async fn along(
        &mut self,
        known: &mut Line,
        count: usize,
        mut at: impl FnMut(usize) -> anyhow::Result<(Matrix, AtsId)>,
    ) -> anyhow::Result<Option<(usize, usize)>> {
        loop {
            match linear::next(count, known) {
                Next::NoEnds => return Ok(None),
                Next::Between { last, first } => return Ok(Some((last, first))),
                Next::Try { place, .. } => {
                    let (matrix, ats) = at(place)?;
                    let effect = self.try_one(&matrix, &ats, 1).await?;
                    known.insert(place, effect);
                }
            }
        }
    }

    /// Searches the changes between two columns. Each version in between is built from the tree of the nearest
    /// one before it that is there.
    async fn within(
        &mut self,
        derivation: &Derivation,
        matrix: &mut Matrix,
        line: &mut Line,
    ) -> anyhow::Result<(usize, usize)> {
        let count = derivation.changes.len() + 1;
        loop {
            match linear::next(count, line) {
                Next::NoEnds => anyhow::bail!("two columns that differ are the ends of what lies between them"),
                Next::Between { last, first } => return Ok((last, first)),
                Next::Try { place, .. } => {
                    let there = line.range(..place).rev().find(|(_, effect)| **effect != Effect::Inconclusive);
                    let from = there.map_or(0, |(place, _)| *place);
                    let ats = derivation.add(matrix, &self.distro, place, from);
                    let ats = ats.ok_or_else(|| anyhow::anyhow!("cannot make a version with {place} changes"))?;
                    let effect = self.try_one(matrix, &ats, 1).await?;
                    line.insert(place, effect);
                }
            }
        }
    }

    /// Whether both places say the same once more.
    async fn confirm(&mut self, matrix: &Matrix, pair: &[AtsId; 2]) -> anyhow::Result<bool> {
        let mut seen = Vec::new();
        for ats in pair {
            let base = CellId { distro: self.distro.clone(), ats: ats.clone() }.to_string();
            let first = self.tried.iter().find(|tried| tried.base == base).map(|tried| tried.result);
            let again = self.try_one(matrix, ats, 2).await?;
            seen.push(first == Some(again));
        }
        Ok(seen.into_iter().all(|same| same))
    }

    /// Makes an ATS and tries it.
    async fn try_one(&mut self, matrix: &Matrix, ats: &AtsId, round: u32) -> anyhow::Result<Effect> {
        let number = self.tried.len() + 1;
        if number > self.bench.order.limit {
            let message = format!("{} experiments were not enough: allow more with --limit", self.tried.len());
            return Err(Failure::new(Exit::Incomplete, message).into());
        }
        let (planned, made) = self.image(matrix, ats).await?;
        match made {
            Made::Ready { .. } => {
                let trials = self.trial.map(bench::beside_controls).unwrap_or_default();
                let once = self.once(&planned, number, trials).await?;
                Ok(self.note(&once, &planned, round))
            }
            Made::Unbuildable { reason } | Made::Unavailable { reason } => {
                let line = Tried {
                    base: planned.id.to_string(),
                    swapped: Vec::new(),
                    round,
                    result: Effect::Inconclusive,
                    summary: crate::ats::log::normalise(&reason),
                    evidence: Vec::new(),
                };
                self.keep(line);
                Ok(Effect::Inconclusive)
            }
            Made::Stopped => Err(bench::stopped()),
        }
    }

    /// The image of an ATS on this distro.
    async fn image(&self, matrix: &Matrix, ats: &AtsId) -> anyhow::Result<(PlannedCell, Made)> {
        let selection =
            Selection { distros: Some(Globs::new([self.distro.as_str()])?), ats: Some(Globs::new([ats.as_str()])?) };
        let plan = Plan::of(matrix, &selection, &self.bench.order.recipes);
        let plan = plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        let planned = bench::planned(&plan, &CellId { distro: self.distro.clone(), ats: ats.clone() })?;
        let mut made = self.bench.make(&plan).await;
        let what = made.remove(&planned.tag);
        Ok((planned, what.unwrap_or(Made::Unavailable { reason: "its image is not part of the plan".into() })))
    }

    async fn once(&self, planned: &PlannedCell, number: usize, trials: Vec<&'static Trial>) -> anyhow::Result<Once> {
        self.bench.tell(started(number, planned.id.to_string(), &[]));
        let setup = Setup {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            planned,
            image: &planned.tag,
            swapped: None,
            trials,
        };
        self.bench.run(setup).await
    }

    /// Writes down what was seen.
    fn note(&mut self, once: &Once, planned: &PlannedCell, round: u32) -> Effect {
        let Some(trial) = self.trial else { return Effect::Inconclusive };
        let said = bench::said(once, trial, self.failure.as_deref());
        self.keep(Tried {
            base: planned.id.to_string(),
            swapped: Vec::new(),
            round,
            result: said.effect,
            summary: said.summary,
            evidence: said.evidence,
        });
        said.effect
    }

    fn keep(&mut self, line: Tried) {
        self.bench.tell(finished(self.tried.len() + 1, &line, line.base.clone()));
        self.tried.push(line);
    }
}

/// The trial that tells the two ends apart, whichever of them passes.
fn telling(both: &[(Once, PlannedCell)]) -> Option<&'static Trial> {
    let [(a, _), (b, _)] = both else { return None };
    let catalogue: Vec<&str> = CATALOGUE.iter().map(|trial| trial.id).collect();
    let (a, b) = (bench::answers(a), bench::answers(b));
    telling_trial(&catalogue, &a, &b).or_else(|| telling_trial(&catalogue, &b, &a)).and_then(by_id)
}

/// The columns from one to the other that `distro` has, in the order of matrix.yaml.
fn between(matrix: &Matrix, distro: &DistroId, a: &AtsId, b: &AtsId) -> Vec<AtsId> {
    let row = matrix.cells().filter(|cell| cell.distro.id == *distro).map(|cell| cell.ats.id.clone());
    let row: Vec<AtsId> = row.collect();
    let place = |id: &AtsId| row.iter().position(|column| column == id).unwrap_or(0);
    let (first, last) = (place(a).min(place(b)), place(a).max(place(b)));
    row[first..=last].to_vec()
}
