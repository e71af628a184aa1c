//! Answers from existing results: comparisons, history, gates, merges, expectations, explanations; and about a user's own
//! configuration. Pure.

pub mod behaviour;
pub mod citation;
pub mod compare;
pub mod config_check;
pub mod diagnose;
pub mod expect;
pub mod explain;
pub mod gate;
pub mod history;
pub mod merge;
pub mod predict;
