//! Bisection over parts of the distro: the two ends as they are, then what the search asks for.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::bench::{self, Bench, Setup};
use super::pair::Pair;
use super::progress::{Left, finished, started};
use crate::bisect::answer::{self, DistroCase, SearchEnd};
use crate::bisect::parts::{self, CellDifferences, LAYER, Swapped};
use crate::bisect::search::{Conclusion, Experiment, ExperimentResult, ImageSide, Known, Parts, Problem, search};
use crate::builder::{Layer, layer};
use crate::catalogue::trials::Trial;
use crate::config::plan::PlannedCell;
use crate::exit::{Exit, Failure};
use crate::model::{Bisection, CellId, Effect, Event, Inventory, Swap, Tried};
use crate::run::cell::Once;

/// Sets that are tried at the same time while one is searched for. Not the number of jobs: what is tried is
/// committed, and must not depend on the machine.
const AHEAD: usize = 2;

/// How often both ends are run before anything is searched.
const ENDS: u32 = 3;

/// How often an experiment that a conclusion rests on is made.
const ROUNDS: u32 = 2;

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
    differences: CellDifferences,
    trial: &'static Trial,
    /// How the bad one fails.
    failure: Option<String>,
}

/// Finds which parts of the distro decide.
///
/// # Errors
/// When a cell's image cannot be had, the two ends do not differ in any trial, or the engine fails.
pub(super) async fn bisect(bench: &Bench<'_>) -> anyhow::Result<Bisection> {
    let pair = Pair::of(bench).await?;
    let (mut seen, mut unsteady) = (Vec::new(), None);
    for trials in bench::stages(bench.order) {
        let both = look(bench, &pair, &trials).await?;
        for trial in bench::candidates(bench.order, &both[0], &both[1]) {
            let (ends, tried, known) = ends(&pair, &both, trial)?;
            for (number, line) in (1..).zip(&tried) {
                bench.tell(finished(number, line, format!("{} as it is", line.base)));
            }
            let answer = with(bench, &pair, &ends, tried, known).await?;
            if answer.1 {
                return Ok(answer.0);
            }
            // A trial that does not tell the ends apart steadily: the next one may.
            unsteady = unsteady.or(Some(answer.0));
        }
        bench.tell(Event::Note(format!("of {} trials none tells the two cells apart steadily", trials.len())));
        seen = both;
    }
    if let Some(found) = pair.where_it_was_built(bench, &seen).await? {
        return Ok(found);
    }
    let hint = match seen.as_slice() {
        [good, bad] => bench::reversed(good, bad, bench.order.trial.filter(|_| bench.order.asked)),
        _ => "",
    };
    if let Some(answer) = unsteady {
        return Ok(Bisection { answer: answer.answer + hint, ..answer });
    }
    let (good, bad) = (&bench.order.good, &bench.order.bad);
    let message = format!("nothing to search: no trial passes on {good} and fails on {bad}{hint}");
    Err(Failure::new(Exit::Incomplete, message).into())
}

/// Searches with one trial; also whether it told the ends apart.
async fn with(
    bench: &Bench<'_>,
    pair: &Pair,
    ends: &Ends,
    mut tried: Vec<Tried>,
    mut known: Known,
) -> anyhow::Result<(Bisection, bool)> {
    let mut notes = pair.notes.clone();
    notes.extend(build_note(ends));
    let problem = Problem {
        libraries: ends.differences.libraries,
        others: ends.differences.parts.len() - ends.differences.libraries,
        ends: ENDS,
        rounds: ROUNDS,
        width: AHEAD,
    };
    let images = Images { bench, ends, plain: tokio::sync::OnceCell::new() };
    let end = loop {
        let need = match search(&problem, &known) {
            Ok(conclusion) => break SearchEnd::Concluded(conclusion),
            Err(need) => need,
        };
        if known.count() + need.experiments.len() > bench.order.limit {
            break SearchEnd::OutOfExperiments(need.suspects);
        }
        let left = Left::of(&ends.differences, &need.suspects);
        let first = tried.len() + 1;
        let experiments = need.experiments.into_iter().enumerate();
        let experiments = experiments.map(|(more, experiment)| try_one(&images, experiment, first + more, &left));
        let results: Vec<_> = stream::iter(experiments).buffered(bench.order.jobs.max(1)).try_collect().await?;
        for (experiment, seen, line) in results {
            known.add(experiment, seen);
            tried.push(line);
        }
    };
    let told = end != SearchEnd::Concluded(Conclusion::NoEnds);
    let (good, bad) = (&bench.order.good, &bench.order.bad);
    let case = DistroCase { good, bad, trial: ends.trial.id, differences: &ends.differences, notes: &notes };
    Ok((answer::over_distro(case, &end, tried), told))
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
async fn look(bench: &Bench<'_>, pair: &Pair, trials: &[&'static Trial]) -> anyhow::Result<Vec<Once>> {
    let run = |number: u32, planned: &'_ PlannedCell| {
        let (planned, trials) = (planned.clone(), trials.to_vec());
        async move {
            let swapped = Some(Swapped { swap: Swap { account: true, ..Swap::default() }, ..Swapped::default() });
            bench.tell(started(number as usize, format!("{} as it is", planned.id), &Left::default()));
            let once = bench.run(Setup { number, planned: &planned, image: &planned.tag, swapped, trials }).await?;
            bench::as_declared(&once, &[&planned.declared])?;
            bench::on_its_distro(&once, &planned)?;
            Ok::<_, anyhow::Error>(once)
        }
    };
    let both = stream::iter([run(1, &pair.good.0), run(2, &pair.bad.0)]);
    both.buffered(bench.order.jobs.max(1)).try_collect().await
}

/// What both ends are to a search with `trial`, and the first two experiments.
fn ends(pair: &Pair, both: &[Once], trial: &'static Trial) -> anyhow::Result<(Ends, Vec<Tried>, Known)> {
    let failure = both.last().map(|bad| bench::said(bad, trial, None));
    let failure = failure.filter(|said| said.effect == Effect::Fail).map(|said| said.summary);
    let (mut known, mut tried, mut ends) = (Known::default(), Vec::new(), Vec::new());
    for ((once, (planned, id)), at) in both.iter().zip([&pair.good, &pair.bad]).zip([ImageSide::Good, ImageSide::Bad]) {
        let said = bench::said(once, trial, failure.as_deref());
        known.add(
            Experiment { at, swapped: Parts::new(), round: 1 },
            ExperimentResult { effect: said.effect, needs: Parts::new() },
        );
        tried.push(said.line(planned.id.to_string(), Vec::new(), 1));
        let inventory = once.inventory.clone().ok_or_else(|| mute(&planned.id, once))?;
        ends.push(Cell { planned: planned.clone(), id: id.clone(), inventory });
    }
    let (Some(bad), Some(good)) = (ends.pop(), ends.pop()) else { anyhow::bail!("a search has two ends") };
    let differences = CellDifferences::between(&good.inventory, &bad.inventory);
    Ok((Ends { good, bad, differences, trial, failure }, tried, known))
}

/// No account of what ATS consists of: the error says what was seen instead.
fn mute(cell: &CellId, once: &Once) -> Failure {
    let said = once.transcript.first().cloned().unwrap_or_else(|| "ATS did not stay up".to_owned());
    let message = format!("nobody knows what ATS consists of in {cell}: {said}");
    Failure::new(Exit::Incomplete, message)
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
    async fn of(&self, at: ImageSide, placed: &BTreeMap<String, String>) -> anyhow::Result<String> {
        if !placed.is_empty() {
            return self.make(at, placed).await;
        }
        let none = BTreeMap::new();
        let both =
            || async { futures_util::try_join!(self.make(ImageSide::Good, &none), self.make(ImageSide::Bad, &none)) };
        let [good, bad] = self.plain.get_or_try_init(|| async { both().await.map(<[String; 2]>::from) }).await?;
        Ok(if at == ImageSide::Good { good.clone() } else { bad.clone() })
    }

    async fn make(&self, at: ImageSide, placed: &BTreeMap<String, String>) -> anyhow::Result<String> {
        let (here, from) = match at {
            ImageSide::Good => (&self.ends.good, &self.ends.bad),
            ImageSide::Bad => (&self.ends.bad, &self.ends.good),
        };
        let files = parts::layer(&from.inventory, &here.inventory);
        let made = Layer { base: &here.planned.tag, from: &from.planned.tag, files: &files, folder: LAYER, placed };
        layer(self.bench.engine(), &made, [&here.id, &from.id]).await
    }
}

/// Makes one experiment of the search.
async fn try_one(
    images: &Images<'_>,
    experiment: Experiment,
    number: usize,
    left: &Left,
) -> anyhow::Result<(Experiment, ExperimentResult, Tried)> {
    let Images { bench, ends, .. } = images;
    let (good, bad) = (&ends.good.inventory, &ends.bad.inventory);
    let here = if experiment.at == ImageSide::Good { &ends.good } else { &ends.bad };
    let what = describe(ends, &experiment);
    bench.tell(started(number, what.clone(), left));
    let swapped = ends.differences.swapped(&experiment.swapped, experiment.at, good, bad);
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
        Some(mapped) => ends.differences.mistaken(&experiment.swapped, &mapped),
        None => Some("nobody saw what the process had mapped".to_owned()),
    };
    if let Some(mistake) = mistake.filter(|_| said.effect != Effect::Inconclusive) {
        said.effect = Effect::Inconclusive;
        said.summary = mistake;
    }
    let needs = ends.differences.needs(&said.missing, &experiment.swapped, good, bad);
    let line = said.line(here.planned.id.to_string(), ends.differences.names(&experiment.swapped), experiment.round);
    bench.tell(finished(number, &line, what));
    let effect = line.result;
    Ok((experiment, ExperimentResult { effect, needs }, line))
}

/// `debian-13/9.2.5 with openssl of debian-12`.
fn describe(ends: &Ends, experiment: &Experiment) -> String {
    let (here, from) = match experiment.at {
        ImageSide::Good => (&ends.good, &ends.bad),
        ImageSide::Bad => (&ends.bad, &ends.good),
    };
    let names = ends.differences.names(&experiment.swapped);
    let again = if experiment.round > 1 { ", once more" } else { "" };
    match names.len() {
        0 => format!("{} as it is{again}", here.planned.id),
        1..=4 => format!("{} with {} of {}{again}", here.planned.id, answer::list(&names), from.planned.id.distro),
        count => {
            let (all, distro) = (ends.differences.parts.len(), &from.planned.id.distro);
            format!("{} with {count} of {all} parts of {distro}{again}", here.planned.id)
        }
    }
}
