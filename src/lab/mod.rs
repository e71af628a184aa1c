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

use crate::cell::Once;
use crate::images::Policy;
use crate::matrix::Matrix;
use crate::model::CellId;
use crate::trial::Trial;

pub use distro::over_distro;
pub use line::over_ats;

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

#[cfg(test)]
mod tests;
