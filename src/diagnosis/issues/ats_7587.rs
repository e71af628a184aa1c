//! The default that changed with ATS 10.

use crate::diagnosis::{Affected, KnownIssue, Shows, Sign, Workaround};
use crate::model::LogFile;

/// Origins of a private CA worked because nobody verified them.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-7587",
    title: "ATS 10 verifies origins' certificates by default: those of a private CA turn 502 with the upgrade",
    link: "https://github.com/apache/trafficserver/pull/7587",
    also: &["https://github.com/apache/trafficserver/pull/7636"],
    affected: Affected { ats: &[">=10.0"], openssl: None, distro: None, patched: &[] },
    when: "the upgrade from ATS 9, whose default is PERMISSIVE, with origins whose CA ATS does not know",
    fixed_in: "by design",
    way_out: "give ATS the CA (proxy.config.ssl.client.CA.cert.filename)",
    workarounds: &[Workaround {
        name: "permissive",
        what: "the default of ATS 9: warn and go on",
        records: &[("proxy.config.ssl.client.verify.server.policy", "STRING", "PERMISSIVE")],
        cost: "nobody verifies origins: whoever is on the way can read and change everything",
    }],
    shows: Shows::Trials {
        among: &[],
        must: &[
            Sign::Answer("^502 "),
            Sign::Log(
                LogFile::Diags,
                r"Core server certificate verification failed .*Action=Terminate .*(?:unable to get|self.signed)",
            ),
        ],
        may: &[Sign::OriginError("(?i)alert")],
    },
};
