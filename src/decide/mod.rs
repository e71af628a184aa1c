//! Answers from existing results: comparisons, history, gates, merges, expectations, explanations. Pure.

pub mod behaviour;
pub mod citation;
pub mod compare;
pub mod diagnose;
pub mod expect;
pub mod explain;
pub mod gate;
pub mod history;
pub mod merge;
pub mod predict;
