//! The bug this program was made for.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Patched, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::{LogFile, RecordType};

/// OpenSSL 3.2 changed what its socket BIO passes on, and ATS's fast-open BIO then called `sendto()`
/// with an address on a connected socket: EINVAL, before the first byte of the ClientHello.
pub(super) const ISSUE: KnownIssue = KnownIssue {
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
        distro: None,
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
    },
    when: "any https origin, whatever it speaks and wherever it is",
    fixed_in: "ATS 9.2.7 and 10.0.0; backported in Fedora's 9.2.6-2 and Debian's 9.2.5+ds-0+deb12u2",
    way_out: "upgrade ATS to 9.2.7 or later (or a build with the backport) before OpenSSL reaches 3.2: \
              ATS first, then the distro",
    workarounds: &[Workaround {
        name: "tcp-fast-open",
        what: "TCP Fast Open towards origins: ATS then takes another way through its fast-open BIO",
        // 8 is Fast Open, 1 keeps TCP_NODELAY, which is ATS's default.
        records: &[("proxy.config.net.sock_option_flag_out", RecordType::Int, "9")],
        cost: "data in the SYN, which middleboxes may drop, and a possible leak in ATS's BIO; experimental, no text of \
               upstream has it",
        decides: false,
    }],
    shows: Shows::Trials(Signature {
        must: &[
            // Packets may be lost on a busy machine; the origin sees as well that it is not spoken to.
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
        // It leaves no handshake to begin, here or for the plainest of origins.
        not: &[Sign::HelloOf(1)],
        unless: &[Sign::Elsewhere("tls-remote-origin", &Sign::HelloOf(1))],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["tls-remote-origin", "tls-same-host", "tls12-only", "tls13-only"],
        "fail, and so does every other trial of a TLS origin but `tfo-on`, on debian-13/9.2.5 and later distros",
    ),
};
