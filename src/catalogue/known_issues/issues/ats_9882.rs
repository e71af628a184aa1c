//! yaml-cpp as Debian builds it.

use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Workaround};

/// Debian's yaml-cpp hides symbols that ATS 9.2 links with.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "ATS-9882",
    title: "does not link with the yaml-cpp of Debian, which hides some of its symbols",
    link: "https://github.com/apache/trafficserver/issues/9882",
    also: &["https://salsa.debian.org/debian/yaml-cpp/-/blob/master/debian/patches/symbol-visibility.patch"],
    affected: Affected { ats: &[">=9.2,<10.0"], openssl: None, distro: None, patched: &[] },
    when: "a build from source with --with-yaml-cpp on Debian or Ubuntu",
    fixed_in: "no release of 9.2; Debian's package has a patch (0014-use_system_yaml-cpp.patch)",
    way_out: "build with the yaml-cpp that ATS brings along, or with Debian's patch",
    workarounds: &[Workaround {
        name: "bundled-yaml-cpp",
        what: "leave --with-yaml-cpp out: the release tarball has its own yaml-cpp",
        records: &[],
        cost: "a copy that the distro's security updates do not reach",
        decides: false,
    }],
    shows: Shows::Build(&[r"undefined reference to .{0,3}YAML::|undefined symbol.{0,12}YAML"]),
    provoked: Provoked::Not(
        "Debian's tarball comes without the yaml-cpp that ATS brings along, and is not even configured without Debian's patch",
    ),
};
