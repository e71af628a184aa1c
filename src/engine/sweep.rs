//! Removes what runs left behind: by label only, containers before their networks. Never
//! touches objects of a live run.

use futures_util::StreamExt;
use futures_util::stream;

use super::labels::{self, Ownership};
use super::{Engine, EngineError, Labelled, Result, with_timeout};
use crate::model::RunId;

/// Removals at a time: engines serialise them anyway.
const CONCURRENCY: usize = 4;

/// Result of a sweep.
#[derive(Debug, Default)]
pub struct Swept {
    /// Containers removed.
    pub containers: usize,
    /// Networks removed.
    pub networks: usize,
    /// Objects of other live runs, left alone.
    pub alive: usize,
    /// Objects of other machines or earlier boots, or kept on purpose. They are left alone because it is unknown whether
    /// their run is alive. [`SweepScope::Everything`] removes them.
    pub unknown: usize,
    /// Failed removals.
    pub failed: Vec<EngineError>,
}

impl Swept {
    /// A message about objects of unknown ownership with the command that removes them; `None` if there are none.
    pub fn undecided(&self) -> Option<String> {
        let objects = if self.unknown == 1 { "container or network was" } else { "containers and networks were" };
        let text = format!(
            "{} {objects} kept on purpose (--keep) or come from another machine or an earlier boot, and stay: \
             `atsmatrix clean --all` removes everything that no live run of this machine owns",
            self.unknown
        );
        Some(text).filter(|_| self.unknown > 0)
    }
}

/// What to remove.
#[derive(Debug, Clone, Copy)]
pub enum SweepScope<'a> {
    /// Left-overs of dead runs of this machine.
    LeftOvers {
        /// This machine: [`labels::Owner::host`].
        host: &'a str,
    },
    /// Everything of this run.
    Run(&'a RunId),
    /// Everything with a label of atsmatrix, except what live runs of this machine own. Only on request.
    Everything {
        /// This machine: [`labels::Owner::host`].
        host: &'a str,
    },
}

/// Removes the left-overs of dead runs of this machine.
pub async fn sweep(engine: &dyn Engine, host: &str) -> Result<Swept> {
    remove(engine, SweepScope::LeftOvers { host }).await
}

/// Removes everything of `run`: at its end, and when it is interrupted.
pub async fn remove_run(engine: &dyn Engine, run: &RunId) -> Result<Swept> {
    remove(engine, SweepScope::Run(run)).await
}

/// Removes containers, then networks, of `scope`. Fails only if they cannot be listed; a failed removal
/// does not stop the others.
pub async fn remove(engine: &dyn Engine, scope: SweepScope<'_>) -> Result<Swept> {
    let mut swept = Swept::default();
    let chosen = choose(with_timeout("list", "containers", engine.containers()).await?, scope, &mut swept);
    let mut results = stream::iter(chosen)
        .map(|id| async move { with_timeout("remove container", &id, engine.remove_container(&id)).await })
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = results.next().await {
        match result {
            Ok(()) => swept.containers += 1,
            Err(error) => swept.failed.push(error),
        }
    }
    let chosen = choose(with_timeout("list", "networks", engine.networks()).await?, scope, &mut swept);
    let mut results = stream::iter(chosen)
        .map(|id| async move { with_timeout("remove network", &id, engine.remove_network(&id)).await })
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = results.next().await {
        match result {
            Ok(()) => swept.networks += 1,
            Err(error) => swept.failed.push(error),
        }
    }
    Ok(swept)
}

/// Ids of the `objects` in `scope`; counts the others in `swept`.
fn choose(objects: Vec<Labelled>, scope: SweepScope<'_>, swept: &mut Swept) -> Vec<String> {
    let mut chosen = Vec::new();
    for object in objects {
        let remove = match scope {
            SweepScope::Run(run) => object.labels.get(labels::RUN).is_some_and(|it| it == run.as_str()),
            SweepScope::LeftOvers { host } | SweepScope::Everything { host } => {
                let ownership = labels::ownership(&object.labels, host, labels::process_start);
                swept.alive += usize::from(ownership == Ownership::Alive);
                let remove = match ownership {
                    Ownership::LeftOver => true,
                    Ownership::Alive => false,
                    Ownership::Unknown => matches!(scope, SweepScope::Everything { .. }),
                };
                swept.unknown += usize::from(ownership == Ownership::Unknown && !remove);
                remove
            }
        };
        if remove {
            chosen.push(object.id);
        }
    }
    chosen
}
