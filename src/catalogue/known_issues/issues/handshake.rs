//! TLS connections that do not come up.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::LogFile;

pub(super) const ISSUES: &[KnownIssue] = &[
    // OpenSSL 3.2 changed what its socket BIO passes on, and ATS's fast-open BIO then called `sendto()`
    // with an address on a connected socket: EINVAL, before the first byte of the ClientHello.
    KnownIssue {
        id: "ATS-11465",
        title: "on OpenSSL 3.2 and later ATS closes every connection to a TLS origin before the ClientHello",
        link: "https://github.com/apache/trafficserver/issues/11465",
        also: &[
            "https://github.com/apache/trafficserver/issues/11858",
            "https://github.com/apache/trafficserver/pull/11501",
            "https://github.com/apache/trafficserver/pull/11882",
        ],
        affected: Affected {
            ats: &["<9.2.7"],
            openssl: Some(">=3.2"),
            patched: &[
                Patched {
                    build: "Fedora's and EPEL's 9.2.6-2 and later",
                    pattern: r"^trafficserver 9\.2\.6-(?:[2-9]|\d\d)",
                },
                Patched {
                    build: "a build with the fix of Debian's update to 9.2.9",
                    pattern: r"0023-update-to-929\.patch",
                },
            ],
            ..ANYTHING
        },
        when: "any https origin, on any host and with any version of TLS",
        fixed_in: "ATS 9.2.7 and 10.0.0; backported in Fedora's 9.2.6-2 and Debian's 9.2.5+ds-0+deb12u2",
        way_out: "upgrade ATS to 9.2.7 or later (or a build with the backport) before OpenSSL reaches 3.2: ATS first, \
                  then the distro",
        workarounds: &[Workaround {
            name: "tcp-fast-open",
            what: "TCP Fast Open towards origins: ATS then takes another path through its fast-open BIO",
            // 8 is Fast Open, 1 keeps TCP_NODELAY, which is ATS's default.
            records: &[("proxy.config.net.sock_option_flag_out", "INT", "9")],
            cost: "data in the SYN, which middleboxes may drop, and a possible leak in ATS's BIO; experimental, not \
                   documented upstream",
            decides: false,
        }],
        shows: Shows::Trials(Signature {
            must: &[
                // Packets may be lost on a busy machine; the origin also sees a connection without a byte.
                Sign::Any(&[Sign::ClosedBeforeFirstByte, Sign::ClosedUnheard]),
                Sign::Any(&[
                    Sign::Answer("^502 Invalid argument$"),
                    Sign::Log(LogFile::Error, r"CONNECT: attempt fail \[CONNECTION_ERROR\] .*Invalid argument \[22\]"),
                ]),
            ],
            may: &[
                Sign::Answer("^502 Invalid argument$"),
                Sign::Log(LogFile::Error, r"CONNECT: attempt fail \[CONNECTION_ERROR\] .*Invalid argument \[22\]"),
            ],
            // With this issue no handshake begins, here or with the simplest origin.
            not: &[Sign::HelloOf(1)],
            unless: &[Sign::Elsewhere("tls-remote-origin", &Sign::HelloOf(1))],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(
            &["tls-remote-origin", "tls-same-host", "tls12-only", "tls13-only"],
            "fail, and so does every other trial of a TLS origin but `tfo-on`, on debian-13/9.2.5 and later distros",
        ),
    },
    // Configure tests with `-Werror` stopped finding `SSL_set1_verify_cert_store`.
    KnownIssue {
        id: "ATS-11938",
        title: "9.2.7 built from source does not know verify_client_ca_certs and refuses the sni.yaml that has it",
        link: "https://github.com/apache/trafficserver/pull/11938",
        also: &[],
        affected: Affected { ats: &["=9.2.7"], ..ANYTHING },
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
            // Start-up lines name no trial: with a second complaint, either may be the cause of this trial's failure.
            unless: &[Sign::CellLog(LogFile::Diags, r"sni\.yaml:\d+|unsupported key|unknown key")],
            ..NO_SIGNS
        }),
        provoked: Provoked::Not(
            "no trial writes verify_client_ca_certs, and 9.2.7 is only in the Apache archive, which is not reachable \
             here",
        ),
    },
    // ATS read one segment and took it for the whole ClientHello.
    KnownIssue {
        id: "ATS-11758",
        title: "a ClientHello that comes in two segments hangs where ATS tunnels or reads the server name",
        link: "https://github.com/apache/trafficserver/issues/11758",
        also: &[
            "https://github.com/apache/trafficserver/pull/12290",
            "https://github.com/apache/trafficserver/pull/12319",
        ],
        affected: Affected { ats: &[">=8.0,<9.2.12", ">=10.0,<10.1"], ..ANYTHING },
        when: "tunnel_route in sni.yaml, or a plugin on the hooks for the server name, and a client whose ClientHello \
               is longer than a segment (X25519MLKEM768)",
        fixed_in: "ATS 9.2.12 and 10.1.0",
        way_out: "upgrade to 9.2.12 or 10.1.0",
        workarounds: &[],
        shows: Shows::Trials(Signature {
            among: &["*split-hello*"],
            // The same tunnel works with the ClientHello in one piece.
            must: &[Sign::Hung, Sign::NotReached, Sign::Passes("tunnel-route")],
            // An ATS that died or does not respond also hangs its clients.
            not: &[Sign::Process("")],
            ..NO_SIGNS
        }),
        provoked: Provoked::By(&["tunnel-route-split-hello"], "fails on every cell with ATS 8.1, 9.2.5 or 9.2.9"),
    },
];
