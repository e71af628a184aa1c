//! GCC 15.

use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows};

/// Headers that older compilers included by the way are missing with it. The wording is GCC's for that: nobody here has
/// seen this build fail.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-12169",
    title: "parts of ATS do not compile with GCC 15 (Fedora 42)",
    link: "https://github.com/apache/trafficserver/pull/12169",
    also: &["https://github.com/wolfi-dev/os/issues/54958"],
    affected: Affected { ats: &["<9.2.11"], openssl: None, distro: None, patched: &[] },
    when: "a build of everything from source where GCC 15 is the compiler",
    fixed_in: "ATS 9.2.11",
    way_out: "build 9.2.11 or later; or build on the distro's last release and run it there (`build_on`)",
    workarounds: &[],
    shows: Shows::Build(&[
        r"error: .?(?:std::)?u?int(?:8|16|32|64)_t.? (?:does not name a type|was not declared|has not been declared)",
    ]),
    provoked: Provoked::Not(
        "no GCC 15 is in reach: Fedora's rows need their registry, and whether the parts that the recipe builds compile \
         there nobody has seen. Debian's GCC 16 compiles them from 9.2.5 (measured on sid), with warnings off, and without \
         tools and most plugins",
    ),
};
