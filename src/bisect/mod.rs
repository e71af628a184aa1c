//! Bisection without a container: which parts two cells differ in, which experiment comes next, what
//! all of them come to. Pure; whoever makes the experiments ([`crate::bisect::lab`]) asks here again after each.

pub mod answer;
pub mod failure;
pub mod lab;
pub mod linear;
pub mod parts;
pub mod search;
pub mod versions;
