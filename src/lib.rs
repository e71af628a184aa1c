//! `atsmatrix`: does this Apache Traffic Server work on that distro?
//!
//! For every combination of Linux distro and ATS version it starts containers, ATS beside a TLS
//! origin, runs connection trials through ATS and builds a pass/fail table with evidence.
//! `DESIGN.md` has the map of this tree and says who may import whom.

pub mod agent;
pub mod ats;
pub mod bisect;
pub mod cell;
pub mod cli;
pub mod compare;
pub mod console;
pub mod diagnosis;
pub mod engine;
pub mod exit;
pub mod expect;
pub mod explain;
pub mod gate;
pub mod git;
pub mod history;
pub mod images;
pub mod lab;
pub mod matrix;
pub mod merge;
pub mod model;
pub mod plan;
pub mod report;
pub mod run;
pub mod shard;
pub mod store;
pub mod trial;
pub mod verdict;
pub mod wire;
