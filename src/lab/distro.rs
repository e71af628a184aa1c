//! Bisection over parts of the distro: the two ends as they are, then what the search asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::bench::{self, Bench, Setup};
use super::{Order, Record, one_build};
use crate::bisect::answer::{self, Case, End};
use crate::bisect::parts::{self, LAYER, Parting, Swapped};
use crate::bisect::search::{Experiment, Known, Parts, Problem, Seen, Side, search};
use crate::cell::Once;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::images::{Layer, layer};
use crate::matrix::{Globs, Matrix};
use crate::model::{Bisection, CellId, Effect, Event, Inventory, Swap, Tried};
use crate::plan::{Plan, PlannedCell, Selection};
use crate::trial::{CATALOGUE, Trial, by_id};

/// Sets that are tried at the same time while one is searched for. Not the number of jobs: what is tried is
/// committed, and must not depend on the machine.
const AHEAD: usize = 2;

/// How often an experiment that a conclusion rests on is made.
const ROUNDS: u32 = 2;

/// Finds which parts of the distro decide. Everything made on the engine but images is removed again.
///
/// # Errors
/// When a cell's image cannot be had, the two ends do not differ in any trial, or the engine fails.
pub async fn over_distro(
    engine: Arc<dyn Engine>,
    owner: &Owner,
    order: &Order,
    record: &dyn Record,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
) -> anyhow::Result<Bisection> {
    let bench = Bench::new(engine, owner, order, record, events, stop).await?;
    let done = bisect(&bench).await;
    bench.clear().await?;
    done
}

/// One end.
struct Cell {
    planned: PlannedCell,
    /// Content digest of its image.
    id: String,
    inventory: Inventory,
}

/// Both ends, and how they are told apart.
struct Ends {
    good: Cell,
    bad: Cell,
    parting: Parting,
    trial: &'static Trial,
    /// How the bad one fails.
    failure: Option<String>,
}

async fn bisect(bench: &Bench<'_>) -> anyhow::Result<Bisection> {
    let (plan, mut notes) = plan(&bench.order.matrix, bench.order)?;
    let made = bench.make(&plan).await;
    let mut planned = Vec::new();
    for cell in [&bench.order.good, &bench.order.bad] {
        let cell = bench::planned(&plan, cell)?;
        let id = Bench::needed(&made, &cell)?;
        planned.push((cell, id));
    }
    let (mut known, mut tried) = (Known::default(), Vec::new());
    let ends = look(bench, planned, &mut known, &mut tried).await?;
    notes.extend(build_note(&ends));
    let problem = Problem {
        libraries: ends.parting.libraries,
        others: ends.parting.parts.len() - ends.parting.libraries,
        rounds: ROUNDS,
        width: AHEAD,
    };
    let images = Images { bench, ends: &ends, plain: tokio::sync::OnceCell::new() };
    let end = loop {
        let need = match search(&problem, &known) {
            Ok(conclusion) => break End::Concluded(conclusion),
            Err(need) => need,
        };
        if known.count() + need.experiments.len() > bench.order.limit {
            break End::OutOfExperiments(need.suspects);
        }
        let left = ends.parting.names(&need.suspects);
        let first = tried.len() + 1;
        let experiments = need.experiments.into_iter().enumerate();
        let experiments = experiments.map(|(more, experiment)| try_one(&images, experiment, first + more, &left));
        let results: Vec<_> = stream::iter(experiments).buffered(bench.order.jobs.max(1)).try_collect().await?;
        for (experiment, seen, line) in results {
            known.add(experiment, seen);
            tried.push(line);
        }
    };
    let (good, bad) = (&bench.order.good, &bench.order.bad);
    let case = Case { good, bad, trial: ends.trial.id, parting: &ends.parting, notes: &notes };
    Ok(answer::over_distro(case, &end, tried))
}

/// The plan of both cells with one build of ATS, and what is to be said about that.
fn plan(matrix: &Matrix, order: &Order) -> anyhow::Result<(Plan, Vec<String>)> {
    let of = |matrix: &Matrix| -> anyhow::Result<Plan> {
        let names = [order.good.distro.as_str(), order.bad.distro.as_str()];
        let columns = [order.good.ats.as_str(), order.bad.ats.as_str()];
        let selection = Selection { distros: Some(Globs::new(names)?), ats: Some(Globs::new(columns)?) };
        let plan = Plan::of(matrix, &selection, &order.recipes);
        let mut plan = plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        plan.keep(|cells| cells.into_iter().filter(|cell| [&order.good, &order.bad].contains(&&cell.id)).collect());
        Ok(plan)
    };
    let as_stated = of(matrix)?;
    let builds = [&order.good, &order.bad]
        .map(|id| bench::planned(&as_stated, id).map(|cell| one_build::build(&as_stated, &cell)));
    let [good, bad] = builds;
    if good? == bad? {
        return Ok((as_stated, Vec::new()));
    }
    let Some(changed) = one_build::with_one_build(matrix, &order.good, &order.bad) else {
        return Ok((as_stated, Vec::new()));
    };
    let note = format!(
        "matrix.yaml builds the ATS of {} for itself; here both cells run the one built for {}, as after an in-place \
         upgrade of the distro",
        order.bad, order.good
    );
    Ok((of(&changed)?, vec![note]))
}

/// What to say about the build that ran.
fn build_note(ends: &Ends) -> Option<String> {
    let (good, bad) = (&ends.good.inventory.binary, &ends.bad.inventory.binary);
    (good == bad && !good.is_empty()).then(|| {
        let from = &ends.bad.planned.origin;
        format!("both cells run one binary of traffic_server, sha256 {} ({from})", good.get(..12).unwrap_or(good))
    })
}

/// Runs the two ends as they are, with an account of all they consist of.
async fn look(
    bench: &Bench<'_>,
    planned: Vec<(PlannedCell, String)>,
    known: &mut Known,
    tried: &mut Vec<Tried>,
) -> anyhow::Result<Ends> {
    let run = |number: usize, trials: &[&'static Trial]| {
        let (planned, _) = &planned[number];
        let swap = Swap { account: true, ..Swap::default() };
        let swapped = Some(Swapped { swap, ..Swapped::default() });
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        bench.tell(started(number as usize, format!("{} as it is", planned.id), &[]));
        bench.run(Setup { number, planned, image: &planned.tag, swapped, trials: trials.to_vec() })
    };
    let (mut both, mut trial) = (Vec::<Once>::new(), bench.order.trial);
    for trials in bench::stages(trial) {
        let ends = stream::iter([run(0, &trials), run(1, &trials)]);
        both = ends.buffered(bench.order.jobs.max(1)).try_collect().await?;
        trial = trial.or_else(|| telling_trial(&both));
        if trial.is_some() {
            break;
        }
    }
    let trial = trial.ok_or_else(|| {
        let message =
            format!("nothing to search: no trial passes on {} and fails on {}", planned[0].0.id, planned[1].0.id);
        Failure::new(Exit::Incomplete, message)
    })?;
    let failure = bench::said(&both[1], trial, None);
    let failure = (failure.effect == Effect::Fail).then_some(failure.summary);
    let mut ends = Vec::new();
    for ((once, (cell, id)), at) in both.iter().zip(planned).zip([Side::Good, Side::Bad]) {
        let said = bench::said(once, trial, failure.as_deref());
        let line = Tried {
            base: cell.id.to_string(),
            swapped: Vec::new(),
            round: 1,
            result: said.effect,
            summary: said.summary,
            evidence: said.evidence,
        };
        bench.tell(finished(tried.len() + 1, &line, format!("{} as it is", cell.id)));
        tried.push(line);
        let experiment = Experiment { at, swapped: Parts::new(), round: 1 };
        known.add(experiment, Seen { effect: said.effect, needs: Parts::new() });
        let inventory = once.inventory.clone().ok_or_else(|| mute(&cell.id, once))?;
        ends.push(Cell { planned: cell, id, inventory });
    }
    let (Some(bad), Some(good)) = (ends.pop(), ends.pop()) else { anyhow::bail!("a search has two ends") };
    let parting = Parting::between(&good.inventory, &bad.inventory);
    Ok(Ends { good, bad, parting, trial, failure })
}

/// No account of what ATS consists of: the error says what was seen instead.
fn mute(cell: &CellId, once: &Once) -> Failure {
    let said = once.transcript.first().cloned().unwrap_or_else(|| "ATS did not stay up".to_owned());
    let message = format!("nobody knows what ATS consists of in {cell}: {said}");
    Failure::new(Exit::Incomplete, message)
}

fn telling_trial(both: &[Once]) -> Option<&'static Trial> {
    let [good, bad] = both else { return None };
    let catalogue: Vec<&str> = CATALOGUE.iter().map(|trial| trial.id).collect();
    answer::telling_trial(&catalogue, &bench::answers(good), &bench::answers(bad)).and_then(by_id)
}

/// The images of experiments, made when first needed.
struct Images<'a> {
    bench: &'a Bench<'a>,
    ends: &'a Ends,
    /// Both sides with each other's libraries: made at the same time, as both are always needed.
    plain: tokio::sync::OnceCell<[String; 2]>,
}

impl Images<'_> {
    /// The image of one side with the libraries of the other beside its own, and `placed` in place.
    async fn of(&self, at: Side, placed: &BTreeMap<String, String>) -> anyhow::Result<String> {
        if !placed.is_empty() {
            return self.make(at, placed).await;
        }
        let none = BTreeMap::new();
        let both = || async { futures_util::try_join!(self.make(Side::Good, &none), self.make(Side::Bad, &none)) };
        let [good, bad] = self.plain.get_or_try_init(|| async { both().await.map(<[String; 2]>::from) }).await?;
        Ok(if at == Side::Good { good.clone() } else { bad.clone() })
    }

    async fn make(&self, at: Side, placed: &BTreeMap<String, String>) -> anyhow::Result<String> {
        let (here, from) = match at {
            Side::Good => (&self.ends.good, &self.ends.bad),
            Side::Bad => (&self.ends.bad, &self.ends.good),
        };
        let files = parts::layer(&from.inventory, &here.inventory);
        let made = Layer { base: &here.planned.tag, from: &from.planned.tag, files: &files, folder: LAYER, placed };
        layer(self.bench.engine.as_ref(), &made, [&here.id, &from.id]).await
    }
}

/// Makes one experiment of the search.
async fn try_one(
    images: &Images<'_>,
    experiment: Experiment,
    number: usize,
    left: &[String],
) -> anyhow::Result<(Experiment, Seen, Tried)> {
    let Images { bench, ends, .. } = images;
    let (good, bad) = (&ends.good.inventory, &ends.bad.inventory);
    let here = if experiment.at == Side::Good { &ends.good } else { &ends.bad };
    let what = describe(ends, &experiment);
    bench.tell(started(number, what.clone(), left));
    let swapped = ends.parting.swapped(&experiment.swapped, experiment.at, good, bad);
    let image = images.of(experiment.at, &swapped.fixed).await?;
    let setup = Setup {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        planned: &here.planned,
        image: &image,
        swapped: Some(swapped),
        trials: bench::beside_controls(ends.trial),
    };
    let once = bench.run(setup).await?;
    let mut said = bench::said(&once, ends.trial, ends.failure.as_deref());
    let mapped = once.inventory.filter(|inventory| !inventory.libraries.is_empty());
    let mistake = match mapped {
        Some(mapped) => ends.parting.mistaken(&experiment.swapped, &mapped),
        None => Some("nobody saw what the process had mapped".to_owned()),
    };
    if let Some(mistake) = mistake.filter(|_| said.effect != Effect::Inconclusive) {
        said.effect = Effect::Inconclusive;
        said.summary = mistake;
    }
    let needs = ends.parting.needs(&said.missing, &experiment.swapped, good, bad);
    let line = Tried {
        base: here.planned.id.to_string(),
        swapped: ends.parting.names(&experiment.swapped),
        round: experiment.round,
        result: said.effect,
        summary: said.summary,
        evidence: said.evidence,
    };
    bench.tell(finished(number, &line, what));
    Ok((experiment, Seen { effect: said.effect, needs }, line))
}

/// `debian-13/9.2.5 with openssl of debian-12`.
fn describe(ends: &Ends, experiment: &Experiment) -> String {
    let (here, from) = match experiment.at {
        Side::Good => (&ends.good, &ends.bad),
        Side::Bad => (&ends.bad, &ends.good),
    };
    let names = ends.parting.names(&experiment.swapped);
    let again = if experiment.round > 1 { ", once more" } else { "" };
    match names.len() {
        0 => format!("{} as it is{again}", here.planned.id),
        1..=4 => format!("{} with {} of {}{again}", here.planned.id, answer::list(&names), from.planned.id.distro),
        count => {
            let (all, distro) = (ends.parting.parts.len(), &from.planned.id.distro);
            format!("{} with {count} of {all} parts of {distro}{again}", here.planned.id)
        }
    }
}

pub(super) fn started(number: usize, what: String, left: &[String]) -> Event {
    Event::ExperimentStarted { number, what, suspects: left.to_vec() }
}

pub(super) fn finished(number: usize, line: &Tried, what: String) -> Event {
    Event::ExperimentFinished { number, what, result: line.result, summary: line.summary.clone() }
}
