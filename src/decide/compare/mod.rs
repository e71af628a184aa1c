//! Two results side by side: what became of every cell and trial, and what changed in what ran.
//! Pure: knows neither files nor git, and does not say whether a change is acceptable beyond its
//! [`Bearing`]; that is the gate's business.

mod change;
mod difference;
#[cfg(test)]
pub(crate) mod fixture;
pub mod json;
mod moved;
mod provenance;
pub mod words;

pub use change::{Bearing, Change, State};
pub use difference::{CellChange, Difference, Issues, TrialChange, Turn, cell, results};
pub use moved::moved;
pub use provenance::{Fact, Field, provenance};
