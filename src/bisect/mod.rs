//! Bisection: which parts of two cells differ, which experiment comes next, and what all of them show. Everything
//! here is pure except [`lab`], which runs the experiments.

pub mod answer;
pub mod failure;
pub mod lab;
pub mod linear;
pub mod parts;
pub mod search;
pub mod versions;
