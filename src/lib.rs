//! `atsmatrix`: does this Apache Traffic Server work on that distro?
//!
//! For every combination of Linux distro and ATS version it starts containers, ATS beside a TLS
//! origin, runs connection trials through ATS and builds a pass/fail table with evidence.
//! `DESIGN.md` has the map of this tree and says who may import whom.

pub mod agent;
pub mod ats;
pub mod bisect;
pub mod builder;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod console;
pub mod decide;
pub mod distro;
pub mod engine;
pub mod exit;
pub mod git;
pub mod model;
pub mod report;
pub mod run;
pub mod store;
pub mod verdict;
pub mod wire;
