//! Runs bisections: each experiment that the search requests is a cell in containers, with evidence. [`crate::bisect`] decides
//! which experiment comes next and what the outcomes mean.

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
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::Matrix;
use crate::engine::Engine;
use crate::engine::labels::Owner;
use crate::model::{Bisection, CellId, Event, Over};
use crate::run::cell::SingleAttempt;
use bench::Bench;

/// What to bisect, and how.
pub struct SearchRequest {
    /// The matrix that contains both ends.
    pub matrix: Matrix,
    /// Its trials.
    pub catalogue: Catalogue,
    /// The end that passes.
    pub good: CellId,
    /// The end that fails.
    pub bad: CellId,
    /// The trial that distinguishes the ends; `None` to find one by running all.
    pub trial: Option<&'static Trial>,
    /// Whether the user requested that trial; otherwise another one may be used instead.
    pub is_requested: bool,
    /// Files of the images folder, by path.
    pub recipes: BTreeMap<String, Vec<u8>>,
    /// The policy for building images.
    pub policy: Policy,
    /// The folder for build logs.
    pub image_logs: PathBuf,
    /// Number of parallel experiments.
    pub jobs: usize,
    /// Maximum number of experiments.
    pub limit: usize,
}

/// Stores the raw evidence of experiments.
pub trait ExperimentSink: Send + Sync {
    /// Stores the evidence of experiment `number` in the image of `cell`. The implementation reports its errors itself.
    fn experiment(&self, cell: &CellId, number: u32, once: &SingleAttempt);
}

/// Finds the parts of the distro, or the version or patch of ATS, that cause a failure. Containers and networks are removed
/// at the end.
///
/// # Errors
/// The image of a cell cannot be made, the two ends do not differ in any trial, or the engine fails.
pub async fn bisect(
    over: Over,
    engine: Arc<dyn Engine>,
    owner: &Owner,
    request: &SearchRequest,
    sink: &dyn ExperimentSink,
    events: UnboundedSender<Event>,
    stop: CancellationToken,
) -> anyhow::Result<Bisection> {
    let bench = Bench::new(engine, owner, request, sink, events, stop).await?;
    // Boxed: the future is large, and would be part of every future that awaits it.
    let done = match over {
        Over::Distro => Box::pin(distro::bisect(&bench)).await,
        Over::Ats => Box::pin(line::bisect(&bench)).await,
    };
    bench.end(done).await
}

#[cfg(test)]
mod tests;
