//! Settings of ATS 9 in ATS 8.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// ATS 8 only warns of the keys it does not know, and its default is not to verify.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-VERIFY-KEY",
    title: "ATS 8 does not know verify.server.policy, and so accepts every certificate of an origin",
    link: "https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html",
    also: &[],
    affected: Affected { ats: &["<9.0"], openssl: None, distro: None, patched: &[] },
    when: "a records.config written for ATS 9",
    fixed_in: "not a bug: the setting is new in ATS 9.0",
    way_out: "set proxy.config.ssl.client.verify.server to 1 where ATS 8 runs",
    workarounds: &[Workaround {
        name: "verify-as-in-8",
        what: "the setting that ATS 8 knows",
        records: &[("proxy.config.ssl.client.verify.server", RecordType::Int, "1")],
        cost: "origins with bad certificates are refused, which is what was meant",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["refuse-*"],
        must: &[
            Sign::Answer("^200 "),
            Sign::CellLog(
                LogFile::Diags,
                r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify\.server\.p",
            ),
        ],
        may: &[Sign::Served(1)],
        // It did verify, and went on.
        not: &[Sign::Log(LogFile::Diags, r"verification failed|not in certificate")],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "trials write the setting that each ATS knows, and one that it does not makes them errors; `verify-integer-key` has the mirror of it",
    ),
};
