//! Changes in OpenSSL and distros.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

pub(super) const ISSUES: &[KnownIssue] = &[
    // OpenSSL 3 no longer connects to servers without secure renegotiation.
    KnownIssue {
        id: "OSSL-LEGACY-RENEG",
        title: "OpenSSL 3 refuses origins that do not know secure renegotiation (RFC 5746)",
        link: "https://github.com/curl/curl/issues/8943",
        also: &[],
        affected: Affected { openssl: Some(">=3.0"), ..ANYTHING },
        when: "a TLS 1.2 origin whose ServerHello lacks renegotiation_info",
        fixed_in: "not a bug: OpenSSL 3.0 changed the default",
        way_out: "renew the origin",
        workarounds: &[Workaround {
            name: "legacy-connect",
            what: "Options = UnsafeLegacyServerConnect in openssl.cnf",
            records: &[],
            cost: "renegotiation of these connections can be attacked (CVE-2009-3555), and every program that reads \
                   that openssl.cnf is affected",
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
        provoked: Provoked::Withstood(&["tls-legacy-renegotiation"], "passes where ATS refuses"),
    },
    // At security level 1 and above OpenSSL 3 takes no SHA-1 signatures, and so no TLS before 1.2.
    KnownIssue {
        id: "OSSL-SECLEVEL",
        title: "OpenSSL 3 refuses old origins: TLS 1.0 and 1.1, SHA-1 signatures, RSA keys of 1024 bits",
        link: "https://github.com/openssl/openssl/issues/17476",
        also: &["https://github.com/apache/trafficserver/pull/9947"],
        affected: Affected { openssl: Some(">=3.0"), ..ANYTHING },
        when: "origins from before about 2015; distros set other levels",
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
            cost: "broken cryptography towards every origin, even those that support better",
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
            // The level is the usual one: it accepts an origin with 2048-bit RSA and SHA-256. Where even
            // that fails, a raised level is the cause, not the origin.
            sure: &[Sign::Passes("cert-rsa")],
            // On these distros a crypto policy decides.
            unless: &[Sign::Any(&[Sign::Ran("fedora", ">=30"), Sign::Ran("rhel", ">=8"), Sign::Ran("rocky", ">=8")])],
            ..NO_SIGNS
        }),
        provoked: Provoked::Withstood(
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
    },
    // X25519MLKEM768 makes the key share 1216 bytes.
    KnownIssue {
        id: "OSSL-PQ-HELLO",
        title: "from OpenSSL 3.5 on the ClientHello takes two segments, which old origins and middleboxes drop",
        link: "https://github.com/openssl/openssl/issues/27557",
        also: &["https://github.com/openssl/openssl/pull/26801", "https://github.com/openssl/openssl/issues/27601"],
        affected: Affected { openssl: Some(">=3.5"), ..ANYTHING },
        when: "an origin, or something before it, that expects a ClientHello in one segment",
        fixed_in: "not a bug of OpenSSL or ATS: the other side has to be fixed",
        way_out: "fix or replace what drops it",
        workarounds: &[Workaround {
            name: "classic-groups",
            what: "no post-quantum group towards origins: a ClientHello of 517 bytes again",
            records: &[("proxy.config.ssl.client.groups_list", RecordType::String, "P-256:X25519")],
            cost: "traffic recorded today can be decrypted once there are quantum computers",
            decides: true,
        }],
        shows: Shows::Trials(Signature {
            // Only these trials have origins that drop a ClientHello larger than a segment.
            among: &["pq-intolerant-*"],
            must: &[Sign::HelloOf(1400), Sign::OriginClosedBeforeFirstByte],
            may: &[Sign::Answer("^502 (?:connect failed)?$"), Sign::NoAnswer],
            // The origin read the ClientHello and reports a problem with it; or ATS died.
            not: &[Sign::OriginError("incompatible|received fatal alert|heard"), Sign::Process("")],
            // The same origin is reached with a ClientHello that fits.
            sure: &[Sign::Passes("pq-intolerant-groups-list")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Withstood(
            &["pq-intolerant-origin", "pq-intolerant-groups-list"],
            "pass where a ClientHello that is too large is dropped and a small one is not; `diff` and `gate` report \
             that it grew",
        ),
    },
    // The DEFAULT policy of Fedora 41 no longer takes SHA-1 in signatures.
    KnownIssue {
        id: "FED-SHA1",
        title: "from Fedora 41 on the crypto policy refuses origins whose certificate is signed with SHA-1",
        link: "https://gitlab.com/redhat-crypto/fedora-crypto-policies/-/merge_requests/184",
        also: &[],
        affected: Affected { distro: Some(("fedora", ">=41")), ..ANYTHING },
        when: "the policy DEFAULT",
        fixed_in: "by design",
        way_out: "renew the origin's certificate",
        workarounds: &[Workaround {
            name: "fedora-40-policy",
            what: "update-crypto-policies --set FEDORA40",
            records: &[],
            cost: "SHA-1 signatures, which can be forged, for every program of the host",
            decides: false,
        }],
        shows: Shows::Trials(Signature {
            must: &[
                Sign::Log(LogFile::Diags, r"digest algorithm too weak|invalid digest|md too weak"),
                Sign::Answer("^502 "),
            ],
            // The policy accepts SHA-256, so it is not stricter than DEFAULT.
            sure: &[Sign::Passes("cert-rsa")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Unseen(
            &["refuse-sha1-signature", "seclevel0-sha1"],
            "only on Fedora's rows, which need their registry",
        ),
    },
];
