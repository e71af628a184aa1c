//! `atsmatrix` tests which versions of Apache Traffic Server work on which Linux distros.
//!
//! For every combination of distro and version it starts ATS and a TLS origin in containers, runs connection trials through
//! ATS and builds a pass/fail table with evidence. `DESIGN.md` has the map of the modules and their layers.

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
pub mod words;
