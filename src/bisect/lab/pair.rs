//! The two cells of a search over parts of the distro, with one build of ATS where that can be had; and what is
//! said when the build itself decides.

use super::bench::{self, Bench, Setup};
use super::progress::{Left, finished, started};
use super::{Order, one_build};
use crate::builder::ImageState;
use crate::config::matrix::{Globs, Matrix};
use crate::config::plan::{Plan, PlannedCell, Selection};
use crate::exit::{Exit, Failure};
use crate::model::{BISECT_SCHEMA, Bisection, Effect, Fate, Over, Standing, Suspect};
use crate::run::cell::Once;

/// Both cells, each with the content digest of its image.
pub(super) struct Pair {
    pub(super) good: (PlannedCell, String),
    pub(super) bad: (PlannedCell, String),
    /// What is to be said about the builds.
    pub(super) notes: Vec<String>,
    /// The plan of the bad cell as matrix.yaml states it, where it runs the good cell's build instead.
    stated: Option<Plan>,
}

/// The plan of both cells, and of one build of ATS for both if matrix.yaml states two.
struct Builds {
    stated: Plan,
    moved: Option<Plan>,
}

impl Pair {
    /// Makes the images of both.
    pub(super) async fn of(bench: &Bench<'_>) -> anyhow::Result<Self> {
        let Builds { stated, moved } = builds(&bench.order.matrix, bench.order)?;
        let order = bench.order;
        let Some(moved) = moved else { return Self::made(bench, &stated, Vec::new()).await };
        let made = bench.make(&moved).await?;
        let bad = bench::planned(&moved, &order.bad)?;
        if let Some(ImageState::Unbuildable { reason } | ImageState::Unavailable { reason }) = made.get(&bad.tag) {
            let note = format!(
                "the ATS that was built for {} cannot be had on {}, so each cell runs its own: {}",
                order.good,
                order.bad.distro,
                crate::ats::log::normalise(reason)
            );
            return Self::made(bench, &stated, vec![note]).await;
        }
        let note = format!(
            "matrix.yaml builds the ATS of {} for itself; here both cells run the one built for {}, as after an \
             in-place upgrade of the distro",
            order.bad, order.good
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
        Ok(Self { good: cell(&bench.order.good)?, bad: cell(&bench.order.bad)?, notes, stated: None })
    }

    /// When no trial tells the ends apart under one build: whether one does with the bad cell as it is stated, so
    /// that where ATS was built decides. `ends` are the two ends under one build.
    pub(super) async fn where_it_was_built(
        &self,
        bench: &Bench<'_>,
        ends: &[Once],
    ) -> anyhow::Result<Option<Bisection>> {
        let (Some(plan), [good, moved]) = (&self.stated, ends) else { return Ok(None) };
        let made = bench.make(plan).await?;
        let planned = bench::planned(plan, &bench.order.bad)?;
        Bench::needed(&made, &planned)?;
        let trials: Vec<_> = moved.judged.iter().map(|(trial, _)| *trial).collect();
        let mut once = as_stated(bench, &planned, 3, trials).await?;
        let trial = bench::candidates(bench.order, good, &once).into_iter().find(|trial| {
            let effects = [good, moved, &once].map(|once| bench::said(once, trial, None).effect);
            effects == [Effect::Pass, Effect::Pass, Effect::Fail]
        });
        let Some(trial) = trial else { return Ok(None) };
        let failure = bench::said(&once, trial, None).summary;
        let name = "build of ATS";
        let mut experiments = vec![
            bench::said(good, trial, None).line(bench.order.good.to_string(), Vec::new(), 1),
            bench::said(moved, trial, None).line(bench.order.bad.to_string(), vec![name.to_owned()], 1),
        ];
        for round in [1, 2] {
            let line = bench::said(&once, trial, Some(&failure)).line(planned.id.to_string(), Vec::new(), round);
            bench.tell(finished(experiments.len() + 1, &line, format!("{} with its own build", planned.id)));
            experiments.push(line);
            if round == 1 {
                once = as_stated(bench, &planned, 4, bench::beside_controls(trial)).await?;
            }
        }
        let steady = experiments.last().is_some_and(|line| line.result == Effect::Fail);
        let (good, bad) = (bench.order.good.clone(), bench.order.bad.clone());
        let id = trial.id;
        let answer = if steady {
            format!(
                "where it was built decides: {bad} fails {id} with the ATS that matrix.yaml states for it ({}), and \
                 passes it with the one built for {good}",
                planned.origin
            )
        } else {
            format!("nothing to search: {bad} does not fail {id} steadily with the ATS that matrix.yaml states for it")
        };
        let suspect = Suspect {
            name: name.to_owned(),
            members: Vec::new(),
            good: self.bad.0.origin.clone(),
            bad: planned.origin.clone(),
            fate: if steady { Fate::Culprit } else { Fate::Unresolved },
        };
        Ok(Some(Bisection {
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
        }))
    }
}

/// The bad cell as matrix.yaml states it.
async fn as_stated(
    bench: &Bench<'_>,
    planned: &PlannedCell,
    number: u32,
    trials: Vec<&'static crate::catalogue::trials::Trial>,
) -> anyhow::Result<Once> {
    bench.tell(started(number as usize, format!("{} with its own build", planned.id), &Left::default()));
    let once = bench.run(Setup { number, planned, image: &planned.tag, swapped: None, trials }).await?;
    bench::as_declared(&once, &[&planned.declared])?;
    bench::on_its_distro(&once, planned)?;
    Ok(once)
}

fn builds(matrix: &Matrix, order: &Order) -> anyhow::Result<Builds> {
    let of = |matrix: &Matrix| -> anyhow::Result<Plan> {
        let names = [order.good.distro.as_str(), order.bad.distro.as_str()];
        let columns = [order.good.ats.as_str(), order.bad.ats.as_str()];
        let selection = Selection { distros: Some(Globs::new(names)?), ats: Some(Globs::new(columns)?) };
        let plan = Plan::of(matrix, &selection, &order.recipes);
        let mut plan = plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        plan.keep(|cells| cells.into_iter().filter(|cell| [&order.good, &order.bad].contains(&&cell.id)).collect());
        Ok(plan)
    };
    let stated = of(matrix)?;
    let build = |id| -> anyhow::Result<Option<String>> { Ok(one_build::build(&stated, &bench::planned(&stated, id)?)) };
    if build(&order.good)? == build(&order.bad)? {
        return Ok(Builds { stated, moved: None });
    }
    let moved = one_build::with_one_build(matrix, &order.good, &order.bad);
    Ok(Builds { moved: moved.map(|matrix| of(&matrix)).transpose()?, stated })
}
