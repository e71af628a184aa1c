//! Removes what runs left behind: by label only, containers before the networks they are in. Never
//! touches what a live run owns.

use futures_util::StreamExt;
use futures_util::stream;

use super::labels::{self, Ownership};
use super::{Engine, EngineError, Labelled, Result, answered};
use crate::model::RunId;

/// Removals under way at a time: engines serialise them anyway.
const AT_ONCE: usize = 4;

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Containers removed.
    pub containers: usize,
    /// Networks removed.
    pub networks: usize,
    /// Things of other live runs, left alone.
    pub alive: usize,
    /// Things of other machines or earlier boots, left alone because nobody here can tell whether
    /// their run lives. [`SweepScope::Everything`] takes them.
    pub unknown: usize,
    /// What could not be removed, and why.
    pub failed: Vec<EngineError>,
}

impl Swept {
    /// What nobody here can decide about, and the command that removes it.
    pub fn undecided(&self) -> Option<String> {
        let things = if self.unknown == 1 { "container or network is" } else { "containers and networks are" };
        let text = format!(
            "{} {things} kept on purpose (--keep), of another machine or from before its last boot, and left alone: \
             `atsmatrix clean --all` removes what no live run of this machine has",
            self.unknown
        );
        Some(text).filter(|_| self.unknown > 0)
    }
}

/// What to remove.
#[derive(Debug, Clone, Copy)]
pub enum SweepScope<'a> {
    /// What dead runs of this machine left; `host` is [`labels::Owner::host`].
    LeftOvers {
        /// This machine.
        host: &'a str,
    },
    /// All of this one run.
    Run(&'a RunId),
    /// All with our labels but what live runs of this machine own: asked for by hand only.
    Everything {
        /// This machine.
        host: &'a str,
    },
}

/// Removes the left-overs of dead runs of this machine.
pub async fn sweep(engine: &dyn Engine, host: &str) -> Result<Swept> {
    remove(engine, SweepScope::LeftOvers { host }).await
}

/// Removes all that `run` has: at its end, and when it is interrupted.
pub async fn remove_run(engine: &dyn Engine, run: &RunId) -> Result<Swept> {
    remove(engine, SweepScope::Run(run)).await
}

/// Removes containers, then networks, of `scope`. Fails only if they cannot be listed; a removal that
/// fails does not keep the others from being tried.
pub async fn remove(engine: &dyn Engine, scope: SweepScope<'_>) -> Result<Swept> {
    let mut swept = Swept::default();
    let doomed = choose(with_timeout("list", "containers", engine.containers()).await?, scope, &mut swept);
    let mut results = stream::iter(doomed)
        .map(|id| async move { with_timeout("remove container", &id, engine.remove_container(&id)).await })
        .buffer_unordered(AT_ONCE);
    while let Some(result) = results.next().await {
        match result {
            Ok(()) => swept.containers += 1,
            Err(error) => swept.failed.push(error),
        }
    }
    let doomed = choose(with_timeout("list", "networks", engine.networks()).await?, scope, &mut swept);
    let mut results = stream::iter(doomed)
        .map(|id| async move { with_timeout("remove network", &id, engine.remove_network(&id)).await })
        .buffer_unordered(AT_ONCE);
    while let Some(result) = results.next().await {
        match result {
            Ok(()) => swept.networks += 1,
            Err(error) => swept.failed.push(error),
        }
    }
    Ok(swept)
}

/// Ids of what `scope` takes of `things`; counts what it leaves.
fn choose(things: Vec<Labelled>, scope: SweepScope<'_>, swept: &mut Swept) -> Vec<String> {
    let mut doomed = Vec::new();
    for thing in things {
        let take = match scope {
            SweepScope::Run(run) => thing.labels.get(labels::RUN).is_some_and(|it| it == run.as_str()),
            SweepScope::LeftOvers { host } | SweepScope::Everything { host } => {
                let ownership = labels::ownership(&thing.labels, host, labels::process_start);
                swept.alive += usize::from(ownership == Ownership::Alive);
                let taken = match ownership {
                    Ownership::LeftOver => true,
                    Ownership::Alive => false,
                    Ownership::Unknown => matches!(scope, SweepScope::Everything { .. }),
                };
                swept.unknown += usize::from(ownership == Ownership::Unknown && !taken);
                taken
            }
        };
        if take {
            doomed.push(thing.id);
        }
    }
    doomed
}
