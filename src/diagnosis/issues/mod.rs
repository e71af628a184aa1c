//! One file a known issue.

pub(super) mod ats_11465;
