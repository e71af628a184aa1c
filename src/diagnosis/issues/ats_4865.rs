//! Two values that stood for each other.

use crate::diagnosis::{Affected, KnownIssue, Shows, Sign, Workaround};
use crate::model::LogFile;

/// In 8.0 the value 1 warned and 2 refused; documentation and 8.1 have it the other way round.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-4865",
    title: "verify.server 1 only warns, 2 refuses: the two are swapped",
    link: "https://github.com/apache/trafficserver/issues/4865",
    also: &[],
    affected: Affected { ats: &[">=8.0,<8.1"], openssl: None, distro: None, patched: &[] },
    when: "proxy.config.ssl.client.verify.server is 1 or 2",
    fixed_in: "ATS 8.1.0",
    way_out: "upgrade to 8.1, and swap the value back",
    workarounds: &[Workaround {
        name: "other-value",
        what: "the value that refuses in 8.0",
        records: &[("proxy.config.ssl.client.verify.server", "INT", "2")],
        cost: "the same value only warns once ATS is upgraded: the setting must be changed with it",
    }],
    shows: Shows::Trials {
        among: &["refuse-*"],
        must: &[Sign::Answer("^200 ")],
        may: &[Sign::Log(LogFile::Diags, r"certificate verification failed .*Action=Continue"), Sign::Served(1)],
    },
};
