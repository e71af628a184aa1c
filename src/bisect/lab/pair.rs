//! The two cells of a search over parts of the distro, with the same build of ATS if possible; and the answer if the build
//! itself is the cause.

use super::bench::{self, Bench, ExperimentSpec};
use super::progress::{Remaining, finished, started};
use super::{SearchRequest, one_build};
use crate::builder::ImageState;
use crate::catalogue::trials::Trial;
use crate::config::matrix::{Globs, Matrix};
use crate::config::plan::{Plan, PlannedCell, Selection};
use crate::exit::{Exit, Failure};
use crate::model::{BISECT_SCHEMA, Bisection, Effect, Fate, Over, Standing, Suspect, Tried};
use crate::run::cell::SingleAttempt;

/// Name of the suspect when the build of ATS is the cause.
const BUILD: &str = "build of ATS";

/// Both cells, each with the content digest of its image.
pub(super) struct Pair {
    pub(super) good: (PlannedCell, String),
    pub(super) bad: (PlannedCell, String),
    /// Notes about the builds for the answer.
    pub(super) notes: Vec<String>,
    /// The plan of the bad cell as in matrix.yaml, if it runs the good cell's build instead.
    stated: Option<Plan>,
}

/// The plan of both cells, and a plan with the same build of ATS for both if matrix.yaml has two.
struct Builds {
    stated: Plan,
    moved: Option<Plan>,
}

impl Pair {
    /// Makes the images of both cells.
    pub(super) async fn of(bench: &Bench<'_>) -> anyhow::Result<Self> {
        let Builds { stated, moved } = builds(&bench.request.matrix, bench.request)?;
        let request = bench.request;
        let Some(moved) = moved else { return Self::made(bench, &stated, Vec::new()).await };
        let made = bench.make(&moved).await?;
        let bad = bench::planned(&moved, &request.bad)?;
        if let Some(ImageState::Unbuildable { reason } | ImageState::Unavailable { reason }) = made.get(&bad.tag) {
            let note = format!(
                "the ATS built for {} cannot be installed on {}, so each cell runs its own build: {}",
                request.good,
                request.bad.distro,
                crate::ats::log::normalise(reason)
            );
            return Self::made(bench, &stated, vec![note]).await;
        }
        let note = format!(
            "matrix.yaml has a separate build of ATS for {}; here both cells run the one built for {}, as after an \
             in-place upgrade of the distro",
            request.bad, request.good
        );
        let pair = Self::made(bench, &moved, vec![note]).await?;
        Ok(Self { stated: Some(stated), ..pair })
    }

    async fn made(bench: &Bench<'_>, plan: &Plan, notes: Vec<String>) -> anyhow::Result<Self> {
        let made = bench.make(plan).await?;
        let cell = |id| -> anyhow::Result<(PlannedCell, String)> {
            let planned = bench::planned(plan, id)?;
            let image = Bench::needed(&made, &planned)?;
            Ok((planned, image))
        };
        Ok(Self { good: cell(&bench.request.good)?, bad: cell(&bench.request.bad)?, notes, stated: None })
    }

    /// If no trial distinguishes the ends with the same build: checks whether one does with the bad cell's own build, so that
    /// the build is the cause. `ends` are the two ends with the same build.
    pub(super) async fn where_it_was_built(
        &self,
        bench: &Bench<'_>,
        ends: &[SingleAttempt],
    ) -> anyhow::Result<Option<Bisection>> {
        let (Some(plan), [good, moved]) = (&self.stated, ends) else { return Ok(None) };
        let made = bench.make(plan).await?;
        let planned = bench::planned(plan, &bench.request.bad)?;
        Bench::needed(&made, &planned)?;
        let trials: Vec<_> = moved.judged.iter().map(|(trial, _)| *trial).collect();
        let mut once = as_stated(bench, &planned, 3, trials).await?;
        let trial = bench::candidates(bench.request, good, &once).into_iter().find(|trial| {
            let effects = [good, moved, &once].map(|once| bench::outcome_of(once, trial, None).effect);
            effects == [Effect::Pass, Effect::Pass, Effect::Fail]
        });
        let Some(trial) = trial else { return Ok(None) };
        let failure = bench::outcome_of(&once, trial, None).summary;
        let mut experiments = vec![
            bench::outcome_of(good, trial, None).into_record(bench.request.good.to_string(), Vec::new(), 1),
            bench::outcome_of(moved, trial, None).into_record(bench.request.bad.to_string(), vec![BUILD.to_owned()], 1),
        ];
        for round in [1, 2] {
            let line =
                bench::outcome_of(&once, trial, Some(&failure)).into_record(planned.id.to_string(), Vec::new(), round);
            bench.report(finished(experiments.len() + 1, &line, format!("{} with its own build", planned.id)));
            experiments.push(line);
            if round == 1 {
                once = as_stated(bench, &planned, 4, bench::with_controls(trial)).await?;
            }
        }
        Ok(Some(self.answer(bench, planned, trial, experiments)))
    }

    /// The answer that the build is the cause, from the experiments with both builds.
    fn answer(&self, bench: &Bench<'_>, planned: PlannedCell, trial: &Trial, experiments: Vec<Tried>) -> Bisection {
        let steady = experiments.last().is_some_and(|line| line.result == Effect::Fail);
        let (good, bad, id) = (bench.request.good.clone(), bench.request.bad.clone(), trial.id);
        let answer = if steady {
            format!(
                "the build is the cause: {bad} fails {id} with the ATS that matrix.yaml has for it ({}), and passes it \
                 with the one built for {good}",
                planned.origin
            )
        } else {
            format!("nothing to bisect: {bad} does not fail {id} reliably with the ATS that matrix.yaml has for it")
        };
        let suspect = Suspect {
            name: BUILD.to_owned(),
            members: Vec::new(),
            good: self.bad.0.origin.clone(),
            bad: planned.origin,
            fate: if steady { Fate::Culprit } else { Fate::Unresolved },
        };
        Bisection {
            schema: BISECT_SCHEMA,
            over: Over::Distro,
            good,
            bad,
            trial: id.to_owned(),
            standing: if steady { Standing::OneWay } else { Standing::Open },
            answer,
            notes: Vec::new(),
            suspects: vec![suspect],
            experiments,
        }
    }
}

/// Runs the bad cell as in matrix.yaml.
async fn as_stated(
    bench: &Bench<'_>,
    planned: &PlannedCell,
    number: u32,
    trials: Vec<&'static Trial>,
) -> anyhow::Result<SingleAttempt> {
    bench.report(started(number as usize, format!("{} with its own build", planned.id), &Remaining::default()));
    let once = bench.run(ExperimentSpec { number, planned, image: &planned.tag, swapped: None, trials }).await?;
    bench::check_version(&once, &[&planned.declared])?;
    bench::check_distro(&once, planned)?;
    Ok(once)
}

fn builds(matrix: &Matrix, request: &SearchRequest) -> anyhow::Result<Builds> {
    let of = |matrix: &Matrix| -> anyhow::Result<Plan> {
        let names = [request.good.distro.as_str(), request.bad.distro.as_str()];
        let columns = [request.good.ats.as_str(), request.bad.ats.as_str()];
        let selection = Selection { distros: Some(Globs::new(names)?), ats: Some(Globs::new(columns)?) };
        let plan = Plan::of(matrix, &selection, &request.recipes);
        let mut plan = plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        plan.keep(|cells| cells.into_iter().filter(|cell| [&request.good, &request.bad].contains(&&cell.id)).collect());
        Ok(plan)
    };
    let stated = of(matrix)?;
    let build = |id| -> anyhow::Result<Option<String>> { Ok(one_build::build(&stated, &bench::planned(&stated, id)?)) };
    if build(&request.good)? == build(&request.bad)? {
        return Ok(Builds { stated, moved: None });
    }
    let moved = one_build::with_one_build(matrix, &request.good, &request.bad);
    Ok(Builds { moved: moved.map(|matrix| of(&matrix)).transpose()?, stated })
}
