//! What OpenSSL 3 finds too weak.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

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
            ("proxy.config.ssl.client.cipher_suite", RecordType::String, "ALL:@SECLEVEL=0"),
            ("proxy.config.ssl.client.TLSv1", RecordType::Int, "1"),
            ("proxy.config.ssl.client.TLSv1_1", RecordType::Int, "1"),
        ],
        cost: "broken cryptography towards every origin, also those that could do better",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        must: &[
            Sign::Any(&[
                Sign::Log(LogFile::Diags, r"signature digest algorithm too weak|certificate key too weak"),
                Sign::Log(LogFile::Output, r"signature digest algorithm too weak|certificate key too weak"),
            ]),
            Sign::Answer("^502 "),
        ],
        // The level is the usual one: an origin with RSA of 2048 bits and SHA-256 is not too weak for it. Where even
        // that is, whoever raised the level is to be asked, not the origin.
        sure: &[Sign::Passes("cert-rsa")],
        // There a crypto policy decides.
        unless: &[Sign::Any(&[Sign::Ran("fedora", ">=30"), Sign::Ran("rhel", ">=8"), Sign::Ran("rocky", ">=8")])],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &[
            "refuse-sha1-signature",
            "refuse-rsa1024",
            "refuse-tls10-only",
            "seclevel0-sha1",
            "seclevel0-rsa1024",
            "tls10-legacy-on",
        ],
        "pass where ATS refuses, and where it does not at level 0",
    ),
};
