//! The bug this program was made for.

use crate::diagnosis::{KnownIssue, Sign};
use crate::model::LogFile;

/// OpenSSL 3.2 changed what its socket BIO passes on, and ATS's fast-open BIO then called `sendto()`
/// with an address on a connected socket: EINVAL, before the first byte of the ClientHello.
pub(in crate::diagnosis) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-11465",
    title: "on OpenSSL 3.2 and later ATS closes every connection to a TLS origin before the ClientHello",
    link: "https://github.com/apache/trafficserver/issues/11465",
    ats: "<9.2.7",
    openssl: ">=3.2",
    fixed_in: "ATS 9.2.7 and 10.0.0; backported in Fedora's 9.2.6-2 and Debian's 9.2.5+ds-0+deb12u2",
    way_out: "upgrade ATS to 9.2.7 or later (or a build with the backport) before OpenSSL reaches 3.2: \
              ATS first, then the distro",
    signs: &[
        Sign::Answer("^502 Invalid argument$"),
        Sign::Log(LogFile::Error, r"CONNECT: attempt fail \[CONNECTION_ERROR\] .*Invalid argument \[22\]"),
        Sign::ClosedBeforeFirstByte,
    ],
};
