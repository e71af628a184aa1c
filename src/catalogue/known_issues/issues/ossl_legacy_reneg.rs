//! Servers from before RFC 5746.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::LogFile;

/// OpenSSL 3 no longer connects to servers without secure renegotiation.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "OSSL-LEGACY-RENEG",
    title: "OpenSSL 3 refuses origins that do not know secure renegotiation (RFC 5746)",
    link: "https://github.com/curl/curl/issues/8943",
    also: &[],
    affected: Affected { ats: &[], openssl: Some(">=3.0"), distro: None, patched: &[] },
    when: "a TLS 1.2 origin whose ServerHello lacks renegotiation_info",
    fixed_in: "not a bug: OpenSSL 3.0 changed the default",
    way_out: "renew the origin",
    workarounds: &[Workaround {
        name: "legacy-connect",
        what: "Options = UnsafeLegacyServerConnect in openssl.cnf",
        records: &[],
        cost: "renegotiation of these connections can be attacked (CVE-2009-3555), and it holds for every program that \
               reads that openssl.cnf",
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        must: &[Sign::Any(&[
            Sign::Log(LogFile::Diags, "0A000152|unsafe legacy renegotiation disabled"),
            Sign::Log(LogFile::Output, "0A000152|unsafe legacy renegotiation disabled"),
        ])],
        may: &[
            Sign::OriginError(r"(?i)handshake.?failure|alert 40\b"),
            Sign::Answer("^502 "),
            Sign::Log(LogFile::Error, r"ENET_SSL_CONNECT_FAILED \[-20104\]"),
        ],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(&["tls-legacy-renegotiation"], "passes where ATS refuses"),
};
