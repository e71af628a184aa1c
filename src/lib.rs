//! `atsmatrix`: does this Apache Traffic Server work on that distro?
//!
//! For every combination of Linux distro and ATS version it starts containers, ATS beside a TLS
//! origin, runs connection trials through ATS and builds a pass/fail table with evidence.
//! `DESIGN.md` has the map of this tree and says who may import whom.

pub mod exit;
pub mod matrix;
pub mod model;
