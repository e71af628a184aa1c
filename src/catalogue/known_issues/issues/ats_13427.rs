//! OpenSSL 4.0.

use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows};

/// `ASN1_STRING` became opaque, and much of what was not const is now.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-13427",
    title: "does not compile with OpenSSL 4.0, whose ASN1_STRING is opaque",
    link: "https://github.com/apache/trafficserver/issues/13427",
    also: &["https://github.com/apache/trafficserver/pull/13471", "https://github.com/apache/trafficserver/pull/13476"],
    affected: Affected { ats: &["<10.2"], openssl: Some(">=4.0"), distro: None, patched: &[] },
    when: "headers of OpenSSL 4.0 (Fedora 45, Debian's experimental)",
    fixed_in: "ATS 10.2.0",
    way_out: "stay on a distro with OpenSSL 3, or build 10.2.0 or later",
    workarounds: &[],
    shows: Shows::Build(&[
        r"X509HostnameValidator\.cc|SSLUtils\.cc|SSLNetVConnection\.cc",
        r"incomplete type .{0,4}ASN1_STRING",
    ]),
    provoked: Provoked::By(&[], "the build of debian-sid-openssl4/9.2.9"),
};
