//! CONNECT to nowhere.

use crate::diagnosis::affected::ANYTHING;
use crate::diagnosis::{KnownIssue, Shows, Sign};

/// ATS says 200 before it has tried.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-7677",
    title: "CONNECT to a closed port is answered 200, and only then closed",
    link: "https://github.com/apache/trafficserver/issues/7677",
    also: &[],
    affected: ANYTHING,
    when: "a CONNECT whose target refuses",
    fixed_in: "no release yet",
    way_out: "clients must take an early end of the tunnel for a refusal",
    workarounds: &[],
    shows: Shows::Trials { among: &["tunnel-connect*"], must: &[Sign::Answer("^200 "), Sign::Refused], may: &[] },
};
