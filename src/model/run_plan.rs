//! What a run set out to do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::CellId;

/// What a run set out to do, kept in its folder, so that a run that did not reach its end can be resumed: only where all of
/// this is the same do the results of its finished cells and those of the others belong to one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlan {
    /// SHA-256 of the program: its trials, judges and agents.
    pub program: String,
    /// Digest of the matrix.
    pub matrix: String,
    /// The patterns of `--distro`.
    pub distro: Vec<String>,
    /// The patterns of `--ats`.
    pub ats: Vec<String>,
    /// The patterns of `--trial`.
    pub trial: Vec<String>,
    /// The part of the cells, `--shard`.
    pub shard: Option<String>,
    /// The selected cells, each with a digest of its inputs: the tag of its image, of its parent's, and the digest of a user's configuration.
    pub cells: BTreeMap<CellId, String>,
}
