//! Compares two results: how every cell and trial changed, and what ran differently. Pure. Whether a change is
//! acceptable is decided in [`gate`](crate::decide::gate), by its [`Bearing`].

mod change;
mod difference;
#[cfg(test)]
pub(crate) mod fixture;
pub mod json;
mod moved;
mod provenance;
pub mod words;

pub use change::{Bearing, Change, ComparedState};
pub use difference::{CellChange, Difference, Issues, TrialChange, Turn, cell, results};
pub use moved::moved;
pub use provenance::{Fact, Field, provenance};
