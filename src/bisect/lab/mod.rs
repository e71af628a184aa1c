//! Bisection for real: each experiment that the search asks for is a cell in containers, with evidence.
//! Knows how experiments are made; which come next and what they mean, [`crate::bisect`] knows.

mod bench;
mod changes;
mod distro;
mod line;
mod one_build;
mod pair;
mod progress;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::builder::Policy;
use crate::catalogue::trials::Trial;
use crate::config::matrix::Matrix;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::model::{Bisection, CellId, Event, Over};
use crate::run::cell::Once;
use bench::Bench;

/// What to bisect, and how.
pub struct Order {
    /// The matrix.
    pub matrix: Matrix,
    /// One end.
    pub good: CellId,
    /// The other end.
    pub bad: CellId,
    /// The trial that tells them apart; `None`: found out by running all.
    pub trial: Option<&'static Trial>,
    /// Whether somebody asked for that trial; else another one will do as well.
    pub asked: bool,
    /// Files of the images folder.
    pub recipes: BTreeMap<String, Vec<u8>>,
    /// How images are made.
    pub policy: Policy,
    /// Where build logs go.
    pub image_logs: PathBuf,
    /// Experiments at the same time.
    pub jobs: usize,
    /// Most experiments.
    pub limit: usize,
}

/// Keeps the raw evidence of experiments.
pub trait Record: Send + Sync {
    /// Of the experiment `number`, in the image of `cell`. Errors are the recorder's to tell.
    fn experiment(&self, cell: &CellId, number: u32, once: &Once);
}

/// Finds which parts of the distro, or which version or change of ATS, decide. Everything made on the engine but
/// images is removed again.
///
/// # Errors
/// When a cell's image cannot be had, the two ends do not differ in any trial, or the engine fails.
pub async fn bisect(
    over: Over,
    engine: Arc<dyn Engine>,
    owner: &Owner,
    order: &Order,
    record: &dyn Record,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
) -> anyhow::Result<Bisection> {
    let bench = Bench::new(engine, owner, order, record, events, stop).await?;
    // Boxed: a search holds all that it knows, and so do those who wait for it.
    let done = match over {
        Over::Distro => Box::pin(distro::bisect(&bench)).await,
        Over::Ats => Box::pin(line::bisect(&bench)).await,
    };
    bench.end(done).await
}

#[cfg(test)]
mod tests;
