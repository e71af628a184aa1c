//! PCRE 8, which distros drop.

use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Workaround};

/// ATS before 10.2 is written for PCRE 8, which has had no release since 2021.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "DEB-PCRE3",
    title: "cannot be built where the distro has no PCRE 8 any more (Debian from 13 on)",
    link: "https://tracker.debian.org/pkg/pcre3",
    also: &[],
    affected: Affected { ats: &["<10.2"], openssl: None, distro: None, patched: &[] },
    when: "a build from source on Debian 13 or later, without packages of an older release",
    fixed_in: "ATS 10.2.0, which is built with PCRE2",
    way_out: "build 10.2.0 or later; or build on the older distro and take its libpcre3 along (`build_on`), or take \
              libpcre3-dev from there (APT_SOURCES)",
    workarounds: &[Workaround {
        name: "older-release",
        what: "libpcre3-dev from bookworm, pinned below the distro's own packages",
        records: &[],
        cost: "a library that nobody mends any more",
        decides: false,
    }],
    // A name of the package in any other sentence may be a mirror that does not answer.
    shows: Shows::Build(&[r"the distro has no package ", r"\blibpcre3-dev\b"]),
    provoked: Provoked::Not("every row that builds names bookworm as a further source, or runs what was built there"),
};
