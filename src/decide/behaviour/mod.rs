//! What trials negotiated and exchanged, beyond whether they passed. An observation becomes a [`TrialBehaviour`], which is the same in
//! every run of the same software; two cells are compared trial by trial; each change is expected by OpenSSL, expected by ATS, or
//! unexplained. Pure.
//!
//! [`TrialBehaviour`]: crate::model::TrialBehaviour

mod chance;
mod change;
mod defaults;
mod expected;
pub mod json;
mod merge;
mod normal;
mod record;
pub mod rules;
mod size;
mod turn;
pub mod words;

pub use change::{BehaviourChange, BehaviourDifference, BehaviourSide, NotCompared, compare, predecessor};
pub use expected::ExpectedCause;
pub use merge::merged;
pub use record::of;
pub use turn::AspectTurn;
