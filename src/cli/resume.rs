//! `atsmatrix run --resume`: continues a run that did not reach its end, with exactly the cells that it lacks.

use std::collections::BTreeSet;
use std::fs::File;

use anyhow::Context as _;
use jiff::civil::Date;

use super::{PathArgs, SelectionArgs};
use crate::config::matrix::sha256_hex;
use crate::config::plan::Plan;
use crate::config::shard::Shard;
use crate::exit::{Exit, Failure};
use crate::model::{BehaviourRecords, CellId, CellResult, RunId, RunPlan, Verdict};
use crate::store::{Results, RunFolder};

/// A run to be resumed.
pub(super) struct Resumed {
    pub(super) id: RunId,
    pub(super) folder: RunFolder,
    /// Held until the end, so that nobody else resumes it meanwhile.
    pub(super) lock: File,
    plan: RunPlan,
    /// The results that it has.
    pub(super) cells: Vec<CellResult>,
    pub(super) behaviour: BehaviourRecords,
}

impl Resumed {
    /// The run `id`, or the latest one, of the results in `places`.
    ///
    /// # Errors
    /// There is no such run, it is still going on, or its folder cannot be read.
    pub(super) fn find(places: &PathArgs, id: Option<RunId>) -> anyhow::Result<Self> {
        let results = Results::new(places.results());
        let usage = |message: String| Failure::new(Exit::Usage, message);
        let unreadable = |error: anyhow::Error| usage(format!("{error:#}"));
        // Bisections have a folder of this kind, and no plan.
        let has_plan = |id: &RunId| results.run(id).is_ok_and(|folder| !matches!(folder.read_plan(), Ok(None)));
        let latest = || results.runs().map_err(unreadable).map(|runs| runs.into_iter().rfind(has_plan));
        let Some(id) = id.map_or_else(latest, |id| Ok(Some(id)))? else {
            let message = format!("there is no run in {} to resume", places.results().display());
            return Err(usage(message).into());
        };
        let folder = results.run(&id).map_err(unreadable)?;
        let lock = folder.lock().map_err(unreadable)?;
        let Some(lock) = lock else {
            return Err(usage(format!("the run {id} is still going on: wait for its end, or interrupt it")).into());
        };
        let Some(plan) = folder.read_plan().map_err(unreadable)? else {
            let message = format!(
                "the run {id} cannot be resumed: it is a bisection, or was ended before its plan was written; run it anew"
            );
            return Err(usage(message).into());
        };
        let recovered = folder.recover().map_err(unreadable)?;
        // A cell in error has no answer: it runs again.
        let cells: Vec<CellResult> =
            recovered.cells().into_iter().filter(|cell| cell.verdict != Verdict::Error).collect();
        let behaviour = folder.behaviour().map_err(unreadable)?;
        Ok(Self { id, folder, lock, plan, cells, behaviour })
    }

    /// Its selection.
    pub(super) fn selection(&self) -> SelectionArgs {
        let RunPlan { distro, ats, trial, .. } = self.plan.clone();
        SelectionArgs { distro, ats, trial }
    }

    /// Its part of the cells.
    ///
    /// # Errors
    /// Its plan is damaged.
    pub(super) fn shard(&self) -> anyhow::Result<Option<Shard>> {
        let parse = |text: &String| text.parse::<Shard>().map_err(|error| anyhow::anyhow!("{error}"));
        self.plan.shard.as_ref().map(parse).transpose().context("the plan of the run is damaged: run it anew")
    }

    /// Removes the cells that it has from `plan`, which must be the same as its own, and what it kept of the others.
    ///
    /// # Errors
    /// The program, the matrix or the inputs of a cell are not what they were, or a folder cannot be removed.
    pub(super) fn rest(&self, now: &RunPlan, plan: &mut Plan) -> anyhow::Result<()> {
        if let Some(what) = changed(&self.plan, now) {
            let message = format!("the run {} cannot be resumed: {what} since it began; run it anew", self.id);
            return Err(Failure::new(Exit::Usage, message).into());
        }
        let finished: BTreeSet<&CellId> = self.cells.iter().map(|cell| &cell.id).collect();
        plan.keep(|cells| cells.into_iter().filter(|cell| !finished.contains(&cell.id)).collect());
        plan.cells.iter().try_for_each(|cell| self.folder.forget(&cell.id))
    }

    /// The day on which it began, in UTC.
    pub(super) fn day(&self) -> Option<Date> {
        Date::strptime("%Y%m%d", self.id.as_str().get(..8)?).ok()
    }
}

/// What a run sets out to do.
///
/// # Errors
/// The file of this program cannot be read.
pub(super) fn plan_of(
    matrix: &str,
    plan: &Plan,
    selection: &SelectionArgs,
    shard: Option<Shard>,
) -> anyhow::Result<RunPlan> {
    let program = std::env::current_exe().context("cannot find the file of this program")?;
    let bytes = std::fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    let cells = plan.cells.iter().map(|cell| {
        let config = cell.config.as_ref().map(|files| files.digest().to_owned());
        (cell.id.clone(), cell.tags().map(str::to_owned).chain(config).collect::<Vec<_>>().join(" "))
    });
    Ok(RunPlan {
        program: sha256_hex(&bytes),
        matrix: matrix.to_owned(),
        distro: selection.distro.clone(),
        ats: selection.ats.clone(),
        trial: selection.trial.clone(),
        shard: shard.map(|shard| shard.to_string()),
        cells: cells.collect(),
    })
}

/// What is not as it was, for a sentence that ends in "since it began".
fn changed(then: &RunPlan, now: &RunPlan) -> Option<String> {
    if then.program != now.program {
        return Some("atsmatrix itself has changed".into());
    }
    if then.matrix != now.matrix {
        return Some("the matrix has changed".into());
    }
    let other = then.cells.iter().find(|(cell, inputs)| now.cells.get(cell) != Some(inputs));
    if let Some((cell, _)) = other {
        return Some(format!("the inputs of {cell} (recipes, files of your own) have changed"));
    }
    (then != now).then(|| "its selection has changed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_run_is_resumed() {
        let plan = RunPlan {
            program: "p".into(),
            matrix: "m".into(),
            distro: vec!["debian-1*".into()],
            ats: Vec::new(),
            trial: Vec::new(),
            shard: None,
            cells: [("debian-12/9.2.9".parse().unwrap(), "atsmatrix/package:1".to_owned())].into(),
        };
        assert_eq!(changed(&plan, &plan), None);
        let other = |change: fn(&mut RunPlan)| {
            let mut now = plan.clone();
            change(&mut now);
            changed(&plan, &now).unwrap_or_default()
        };
        assert_eq!(other(|now| now.program = "q".into()), "atsmatrix itself has changed");
        assert_eq!(other(|now| now.matrix = "n".into()), "the matrix has changed");
        assert!(
            other(|now| now.cells.values_mut().for_each(|it| it.push('2')))
                .starts_with("the inputs of debian-12/9.2.9")
        );
        assert!(other(|now| now.cells.clear()).starts_with("the inputs of debian-12/9.2.9"));
        assert_eq!(other(|now| now.shard = Some("1/2".into())), "its selection has changed");
    }
}
