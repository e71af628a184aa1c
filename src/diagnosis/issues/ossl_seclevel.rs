//! What OpenSSL 3 finds too weak.

use crate::diagnosis::{Affected, KnownIssue, Shows, Sign, Workaround};
use crate::model::LogFile;

/// At security level 1 and above OpenSSL 3 takes no SHA-1 signatures, and so no TLS before 1.2.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "OSSL-SECLEVEL",
    title: "OpenSSL 3 refuses old origins: TLS 1.0 and 1.1, SHA-1 signatures, RSA keys of 1024 bits",
    link: "https://github.com/openssl/openssl/issues/17476",
    also: &["https://github.com/apache/trafficserver/pull/9947"],
    affected: Affected { ats: &[], openssl: Some(">=3.0"), distro: None, patched: &[] },
    when: "origins from before 2015 or so; distros set other levels",
    fixed_in: "not a bug: OpenSSL 3.0 moved these below its default security level",
    way_out: "renew the origin's certificate and TLS",
    workarounds: &[Workaround {
        name: "security-level-0",
        what: "security level 0 and old versions towards origins",
        records: &[
            ("proxy.config.ssl.client.cipher_suite", "STRING", "ALL:@SECLEVEL=0"),
            ("proxy.config.ssl.client.TLSv1", "INT", "1"),
            ("proxy.config.ssl.client.TLSv1_1", "INT", "1"),
        ],
        cost: "broken cryptography towards every origin, also those that could do better",
    }],
    shows: Shows::Trials {
        among: &[],
        must: &[Sign::Any(&[
            Sign::Log(LogFile::Diags, r"digest algorithm too weak|key too weak|0A00042E|0A0000BF|0A000102"),
            Sign::Log(LogFile::Output, r"too weak|0A00042E|0A0000BF|0A000102"),
            Sign::CellLog(LogFile::Diags, r"digest algorithm too weak|key too weak"),
            Sign::OriginError(r"(?i)protocol.?version|alert 70\b|unsupported protocol"),
        ])],
        may: &[Sign::Answer("^502 "), Sign::Log(LogFile::Error, r"ENET_SSL_CONNECT_FAILED \[-20104\]")],
    },
};
