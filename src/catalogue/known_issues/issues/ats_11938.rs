//! What 9.2.7 lost when it learned to build on Fedora 40.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature};
use crate::model::LogFile;

/// Configure tests with `-Werror` stopped finding `SSL_set1_verify_cert_store`.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-11938",
    title: "9.2.7 built from source does not know verify_client_ca_certs and refuses the sni.yaml that has it",
    link: "https://github.com/apache/trafficserver/pull/11938",
    also: &[],
    affected: Affected { ats: &["=9.2.7"], openssl: None, distro: None, patched: &[] },
    when: "sni.yaml with verify_client_ca_certs, on a build whose configure did not find the function",
    fixed_in: "ATS 9.2.8",
    way_out: "take 9.2.8 or later, or leave verify_client_ca_certs out of sni.yaml",
    workarounds: &[],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Process(r"verify_client_ca_certs requires features|sni\.yaml failed to load"),
            Sign::Any(&[
                Sign::CellLog(LogFile::Diags, "verify_client_ca_certs requires features from OpenSSL"),
                Sign::CellLog(LogFile::Output, "verify_client_ca_certs requires features from OpenSSL"),
            ]),
        ],
        // Lines of the start name no trial: with another complaint beside it, either may be this trial's.
        unless: &[Sign::CellLog(LogFile::Diags, r"sni\.yaml:\d+|unsupported key|unknown key")],
        ..NO_SIGNS
    }),
    provoked: Provoked::Not(
        "no trial writes verify_client_ca_certs, and 9.2.7 is in the Apache archive alone, which is out of reach here",
    ),
};
