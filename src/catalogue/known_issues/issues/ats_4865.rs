//! Two values that stood for each other.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

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
        records: &[("proxy.config.ssl.client.verify.server", RecordType::Int, "2")],
        cost: "the same value only warns once ATS is upgraded: the setting must be changed with it",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["refuse-*"],
        must: &[Sign::Answer("^200 "), Sign::Log(LogFile::Diags, r"certificate verification failed .*Action=Continue")],
        may: &[Sign::Served(1)],
        // It was told by another setting, which it does not know.
        not: &[Sign::CellLog(LogFile::Diags, r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["refuse-expired", "refuse-untrusted-ca"],
        "fail on ATS 8.0, of which matrix.yaml has none: Debian's mirrors no longer have it",
    ),
};
