//! Kinds of cells that have trials of their own.

/// A kind of cell that has trials of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Its image is the user's own, ready or made by a Dockerfile: it can be started as it is delivered.
    OwnImage,
    /// Its ATS runs under a configuration of the user's own.
    OwnConfig,
    /// It has two ATS: a child, and the parent that all its requests go through.
    Tiers,
}

impl CellKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::OwnImage, Self::OwnConfig, Self::Tiers];
}
