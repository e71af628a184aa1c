//! The default that changed with ATS 10.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

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
        records: &[("proxy.config.ssl.client.verify.server.policy", RecordType::String, "PERMISSIVE")],
        cost: "nobody verifies origins: whoever is on the way can read and change everything",
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Answer("^502 "),
            Sign::Log(
                LogFile::Diags,
                r"Core server certificate verification failed .*Action=Terminate .*(?:unable to get|self.signed)",
            ),
        ],
        may: &[Sign::OriginError("(?i)alert")],
        // Nobody asked for verification; and the chain ends in a root that ATS does not know. An issuer that is
        // missing at the leaf may as well be an intermediate certificate that the origin does not send.
        sure: &[
            Sign::Unset("proxy.config.ssl.client.verify.server.policy"),
            Sign::Log(LogFile::Diags, r"Error=self.signed certificate|Error=unable to get .*depth=[1-9]"),
        ],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "it needs ATS 10, which only Fedora's rows could run: no registry is in reach here; `verify-integer-key` would meet it",
    ),
};
