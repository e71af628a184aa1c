//! OpenSSL without engines.

use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Workaround};

/// Fedora's OpenSSL from 41 on has no engines; ATS included their header all the same.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12902",
    title: "does not compile where OpenSSL comes without openssl/engine.h (Fedora, OpenSSL 4)",
    link: "https://github.com/apache/trafficserver/pull/12902",
    also: &["https://github.com/apache/trafficserver/issues/7512"],
    affected: Affected { ats: &["<10.2"], openssl: None, distro: None, patched: &[] },
    when: "headers of an OpenSSL that was built without engines",
    fixed_in: "ATS 10.2.0",
    way_out: "build 10.2.0 or later, or a distro's package that carries the patch",
    workarounds: &[Workaround {
        name: "engine-header",
        what: "install the header where the distro has it apart (Fedora: openssl-devel-engine)",
        records: &[],
        cost: "a package that Fedora deprecates",
        decides: false,
    }],
    shows: Shows::Build(&[r"openssl/engine\.h: No such file or directory"]),
    provoked: Provoked::Not("Debian's OpenSSL 4 still has the header, and Fedora's rows need their registry"),
};
