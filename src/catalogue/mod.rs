//! What atsmatrix knows: the trials it runs and the known issues it recognises.

pub mod known_issues;
pub mod trials;
