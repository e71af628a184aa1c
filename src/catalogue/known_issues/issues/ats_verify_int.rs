//! Settings of ATS 8 in ATS 9: the mirror of ATS-VERIFY-KEY.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// ATS 9 warns once of the key that it does not know any more, and goes on with its default, PERMISSIVE.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-VERIFY-INT",
    title: "ATS 9 does not know verify.server any more, and so accepts every certificate of an origin",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html",
    also: &["https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html"],
    affected: Affected { ats: &[">=9.0,<10.0"], openssl: None, distro: None, patched: &[] },
    when: "proxy.config.ssl.client.verify.server 1 or 2 in a records.config that was written for ATS 8",
    fixed_in: "not a bug: the setting went with ATS 9.0; the default of ATS 10 refuses",
    way_out: "set proxy.config.ssl.client.verify.server.policy to ENFORCED, and .properties to ALL, before ATS 9 starts",
    workarounds: &[Workaround {
        name: "verify-as-in-9",
        what: "the settings that ATS 9 knows",
        records: &[
            ("proxy.config.ssl.client.verify.server.policy", RecordType::String, "ENFORCED"),
            ("proxy.config.ssl.client.verify.server.properties", RecordType::String, "ALL"),
        ],
        cost: "origins with bad certificates are refused, which is what was meant",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        among: &["verify-integer-key"],
        must: &[
            Sign::Answer("^200 "),
            Sign::CellLog(
                LogFile::Diags,
                r"Unrecognized configuration value 'proxy\.config\.ssl\.client\.verify\.server'",
            ),
        ],
        may: &[Sign::Served(1)],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["verify-integer-key"], "fails on every cell with ATS 9"),
};
