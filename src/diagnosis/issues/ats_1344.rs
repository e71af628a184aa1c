//! The name that ATS sends and verifies when the client's Host is kept.

use crate::diagnosis::affected::ANYTHING;
use crate::diagnosis::{KnownIssue, Shows, Sign, Workaround};
use crate::model::LogFile;

/// With a pristine Host the client's name is what ATS asks the origin's certificate for.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-1344",
    title: "with pristine_host_hdr ATS verifies the origin's certificate against the client's host name",
    link: "https://github.com/apache/trafficserver/issues/1344",
    also: &["https://github.com/apache/trafficserver/issues/4023", "https://github.com/apache/trafficserver/pull/6049"],
    affected: ANYTHING,
    when: "proxy.config.url_remap.pristine_host_hdr is 1, names are verified, and sni_policy is the default",
    fixed_in: "not a bug: a setting, since ATS 9.0",
    way_out: "set proxy.config.ssl.client.sni_policy to remap (or verify_with_name_source)",
    workarounds: &[Workaround {
        name: "sni-of-the-origin",
        what: "ATS sends and verifies the name that remap.config gives",
        records: &[("proxy.config.ssl.client.sni_policy", "STRING", "remap")],
        cost: "origins that choose their certificate by the client's host name choose another",
    }],
    shows: Shows::Trials {
        among: &[],
        must: &[
            Sign::Answer("^502 "),
            Sign::Log(LogFile::Diags, r"SNI \([^)]*\) not in certificate\. Action=Terminate"),
            // Client hosts end in .t, origins in .test: the name that was asked for is the client's.
            Sign::Sni(r"\.t$"),
        ],
        may: &[],
    },
};
