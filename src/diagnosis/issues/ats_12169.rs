//! GCC 15.

use crate::diagnosis::{Affected, KnownIssue, Provoked, Shows};

/// Headers that older compilers included by the way are missing with it.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12169",
    title: "does not compile with GCC 15 (Fedora 42, Debian 14)",
    link: "https://github.com/apache/trafficserver/pull/12169",
    also: &["https://github.com/wolfi-dev/os/issues/54958"],
    affected: Affected { ats: &["<9.2.11"], openssl: None, distro: None, patched: &[] },
    when: "a build from source where GCC 15 is the compiler",
    fixed_in: "ATS 9.2.11",
    way_out: "build 9.2.11 or later; or build on the distro's last release and run it there (`build_on`)",
    workarounds: &[],
    shows: Shows::Build(&[
        r"error: .?(?:std::)?u?int(?:8|16|32|64)_t.? (?:does not name a type|was not declared|has not been declared)",
    ]),
    provoked: Provoked::Not("Debian from 14 on runs what Debian 12 built, and Fedora's rows need their registry"),
};
