//! Answers from results that are already there: comparisons, history, gates, merges, expectations, explanations. Pure:
//! values in, values out.

pub mod compare;
pub mod expect;
pub mod explain;
pub mod gate;
pub mod history;
pub mod merge;
