//! Bisection over parts of the distro: runs both ends unchanged, then the experiments that the search requests.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::bench::{self, Bench, ExperimentSpec};
use super::pair::Pair;
use super::progress::{Remaining, finished, started};
use crate::bisect::answer::{self, DistroCase, SearchEnd};
use crate::bisect::parts::{self, CellDifferences, LAYER, Swapped};
use crate::bisect::search::{Conclusion, Experiment, ExperimentResult, ImageSide, Known, Parts, Problem, search};
use crate::builder::{Layer, layer};
use crate::catalogue::trials::Trial;
use crate::config::plan::PlannedCell;
use crate::exit::{Exit, Failure};
use crate::model::{Bisection, CellId, Effect, Event, Inventory, Swap, Tried};
use crate::run::cell::SingleAttempt;

/// Number of sets that are tried in parallel while one is searched for. It is not the number of jobs, as the experiments are
/// committed and must not depend on the machine.
const AHEAD: usize = 2;

/// How often both ends run before the search starts.
const ENDS: u32 = 3;

/// How often an experiment runs that a conclusion depends on.
const ROUNDS: u32 = 2;

/// One end of the search.
struct EndCell {
    planned: PlannedCell,
    /// Content digest of its image.
    id: String,
    inventory: Inventory,
}

/// Both ends, and the trial that distinguishes them.
struct Ends {
    good: EndCell,
    bad: EndCell,
    differences: CellDifferences,
    trial: &'static Trial,
    /// Summary of the failure of the bad end.
    failure: Option<String>,
}

/// Finds the parts of the distro that cause a failure.
///
/// # Errors
/// The image of a cell cannot be made, the two ends do not differ in any trial, or the engine fails.
pub(super) async fn bisect(bench: &Bench<'_>) -> anyhow::Result<Bisection> {
    let pair = Pair::of(bench).await?;
    let (mut seen, mut unsteady) = (Vec::new(), None);
    for trials in bench::trial_sets(bench.request) {
        let both = run_ends(bench, &pair, &trials).await?;
        for trial in bench::candidates(bench.request, &both[0], &both[1]) {
            let (ends, records, known) = ends(&pair, &both, trial)?;
            for (number, line) in (1..).zip(&records) {
                bench.report(finished(number, line, format!("{} unchanged", line.base)));
            }
            let answer = with(bench, &pair, &ends, records, known).await?;
            if answer.1 {
                return Ok(answer.0);
            }
            // The trial does not distinguish the ends reliably; try the next one.
            unsteady = unsteady.or(Some(answer.0));
        }
        bench.report(Event::Note(format!("none of {} trials distinguishes the two cells reliably", trials.len())));
        seen = both;
    }
    if let Some(found) = pair.where_it_was_built(bench, &seen).await? {
        return Ok(found);
    }
    let hint = match seen.as_slice() {
        [good, bad] => {
            let requested = bench.request.trial.filter(|_| bench.request.is_requested);
            bench::reversed_hint(good, bad, requested, bench.request.catalogue)
        }
        _ => "",
    };
    if let Some(answer) = unsteady {
        return Ok(Bisection { answer: answer.answer + hint, ..answer });
    }
    let (good, bad) = (&bench.request.good, &bench.request.bad);
    let message = format!("nothing to bisect: no trial passes on {good} and fails on {bad}{hint}");
    Err(Failure::new(Exit::Incomplete, message).into())
}

/// Searches with one trial; also returns whether the trial distinguishes the ends.
async fn with(
    bench: &Bench<'_>,
    pair: &Pair,
    ends: &Ends,
    mut records: Vec<Tried>,
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
        if known.count() + need.experiments.len() > bench.request.limit {
            break SearchEnd::OutOfExperiments(need.suspects);
        }
        let left = Remaining::of(&ends.differences, &need.suspects);
        let first = records.len() + 1;
        let experiments = need.experiments.into_iter().enumerate();
        let experiments = experiments.map(|(more, experiment)| try_one(&images, experiment, first + more, &left));
        let results: Vec<_> = stream::iter(experiments).buffered(bench.request.jobs.max(1)).try_collect().await?;
        for (experiment, seen, line) in results {
            known.add(experiment, seen);
            records.push(line);
        }
    };
    let distinguishes = end != SearchEnd::Concluded(Conclusion::NoEnds);
    let (good, bad) = (&bench.request.good, &bench.request.bad);
    let case = DistroCase { good, bad, trial: ends.trial.id, differences: &ends.differences, notes: &notes };
    Ok((answer::over_distro(case, &end, records), distinguishes))
}

/// A note if both ends run the same binary.
fn build_note(ends: &Ends) -> Option<String> {
    let (good, bad) = (&ends.good.inventory.binary, &ends.bad.inventory.binary);
    (good == bad && !good.is_empty()).then(|| {
        let from = &ends.bad.planned.origin;
        format!("both cells run the same traffic_server binary, sha256 {} ({from})", good.get(..12).unwrap_or(good))
    })
}

/// Runs both ends unchanged, and takes an inventory of their parts.
async fn run_ends(bench: &Bench<'_>, pair: &Pair, trials: &[&'static Trial]) -> anyhow::Result<Vec<SingleAttempt>> {
    let run = |number: u32, planned: &'_ PlannedCell| {
        let (planned, trials) = (planned.clone(), trials.to_vec());
        Box::pin(async move {
            let swapped = Some(Swapped { swap: Swap { account: true, ..Swap::default() }, ..Swapped::default() });
            bench.report(started(number as usize, format!("{} unchanged", planned.id), &Remaining::default()));
            let once =
                bench.run(ExperimentSpec { number, planned: &planned, image: &planned.tag, swapped, trials }).await?;
            bench::check_version(&once, &[&planned.declared])?;
            bench::check_distro(&once, &planned)?;
            Ok::<_, anyhow::Error>(once)
        })
    };
    let both = stream::iter([run(1, &pair.good.0), run(2, &pair.bad.0)]);
    both.buffered(bench.request.jobs.max(1)).try_collect().await
}

/// Both ends for a search with `trial`, and the first two experiments.
fn ends(pair: &Pair, both: &[SingleAttempt], trial: &'static Trial) -> anyhow::Result<(Ends, Vec<Tried>, Known)> {
    let failure = both.last().map(|bad| bench::outcome_of(bad, trial, None));
    let failure = failure.filter(|outcome| outcome.effect == Effect::Fail).map(|outcome| outcome.summary);
    let (mut known, mut records, mut ends) = (Known::default(), Vec::new(), Vec::new());
    for ((once, (planned, id)), at) in both.iter().zip([&pair.good, &pair.bad]).zip([ImageSide::Good, ImageSide::Bad]) {
        let outcome = bench::outcome_of(once, trial, failure.as_deref());
        known.add(
            Experiment { at, swapped: Parts::new(), round: 1 },
            ExperimentResult { effect: outcome.effect, needs: Parts::new() },
        );
        records.push(outcome.into_record(planned.id.to_string(), Vec::new(), 1));
        let inventory = once.inventory.clone().ok_or_else(|| no_inventory(&planned.id, once))?;
        ends.push(EndCell { planned: planned.clone(), id: id.clone(), inventory });
    }
    let (Some(bad), Some(good)) = (ends.pop(), ends.pop()) else { anyhow::bail!("a search has two ends") };
    let differences = CellDifferences::between(&good.inventory, &bad.inventory);
    Ok((Ends { good, bad, differences, trial, failure }, records, known))
}

/// The error if there is no inventory of ATS; the message says what was seen instead.
fn no_inventory(cell: &CellId, once: &SingleAttempt) -> Failure {
    let outcome = once.transcript.first().cloned().unwrap_or_else(|| "ATS did not keep running".to_owned());
    let message = format!("no inventory of ATS in {cell}: {outcome}");
    Failure::new(Exit::Incomplete, message)
}

/// The images of experiments, made when first needed.
struct Images<'a> {
    bench: &'a Bench<'a>,
    ends: &'a Ends,
    /// Both ends with each other's libraries, made together as both are always needed.
    plain: tokio::sync::OnceCell<[String; 2]>,
}

impl Images<'_> {
    /// The image of one end that also contains the libraries of the other, and the files `placed` at their paths.
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

/// Runs one experiment of the search.
async fn try_one(
    images: &Images<'_>,
    experiment: Experiment,
    number: usize,
    left: &Remaining,
) -> anyhow::Result<(Experiment, ExperimentResult, Tried)> {
    let Images { bench, ends, .. } = images;
    let (good, bad) = (&ends.good.inventory, &ends.bad.inventory);
    let here = if experiment.at == ImageSide::Good { &ends.good } else { &ends.bad };
    let what = describe(ends, &experiment);
    bench.report(started(number, what.clone(), left));
    let swapped = ends.differences.swapped(&experiment.swapped, experiment.at, good, bad);
    let image = images.of(experiment.at, &swapped.fixed).await?;
    let setup = ExperimentSpec {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        planned: &here.planned,
        image: &image,
        swapped: Some(swapped),
        trials: bench::with_controls(ends.trial),
    };
    let once = bench.run(setup).await?;
    let mut outcome = bench::outcome_of(&once, ends.trial, ends.failure.as_deref());
    let mapped = once.inventory.filter(|inventory| !inventory.libraries.is_empty());
    let mistake = match mapped {
        Some(mapped) => ends.differences.mistaken(&experiment.swapped, &mapped),
        None => Some("the libraries of the process are unknown".to_owned()),
    };
    if let Some(mistake) = mistake.filter(|_| outcome.effect != Effect::Inconclusive) {
        outcome.effect = Effect::Inconclusive;
        outcome.summary = mistake;
    }
    let needs = ends.differences.needs(&outcome.missing, &experiment.swapped, good, bad);
    let line =
        outcome.into_record(here.planned.id.to_string(), ends.differences.names(&experiment.swapped), experiment.round);
    bench.report(finished(number, &line, what));
    let effect = line.result;
    Ok((experiment, ExperimentResult { effect, needs }, line))
}

/// Describes an experiment: `debian-13/9.2.5 with openssl of debian-12`.
fn describe(ends: &Ends, experiment: &Experiment) -> String {
    let (here, from) = match experiment.at {
        ImageSide::Good => (&ends.good, &ends.bad),
        ImageSide::Bad => (&ends.bad, &ends.good),
    };
    let names = ends.differences.names(&experiment.swapped);
    let again = if experiment.round > 1 { ", repeated" } else { "" };
    match names.len() {
        0 => format!("{} unchanged{again}", here.planned.id),
        1..=4 => format!("{} with {} of {}{again}", here.planned.id, answer::list(&names), from.planned.id.distro),
        count => {
            let (all, distro) = (ends.differences.parts.len(), &from.planned.id.distro);
            format!("{} with {count} of {all} parts of {distro}{again}", here.planned.id)
        }
    }
}
