//! Builds that fail.

use crate::catalogue::known_issues::affected::ANYTHING;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Workaround};

pub(super) const ISSUES: &[KnownIssue] = &[
    // Fedora's OpenSSL from 41 on has no engines; ATS included their header all the same.
    KnownIssue {
        id: "ATS-12902",
        title: "does not compile where OpenSSL comes without openssl/engine.h (Fedora, OpenSSL 4)",
        link: "https://github.com/apache/trafficserver/pull/12902",
        also: &["https://github.com/apache/trafficserver/issues/7512"],
        affected: Affected { ats: &["<10.2"], ..ANYTHING },
        when: "headers of an OpenSSL that was built without engines",
        fixed_in: "ATS 10.2.0",
        way_out: "build 10.2.0 or later, or a distro's package that carries the patch",
        workarounds: &[Workaround {
            name: "engine-header",
            what: "install the header where the distro packages it separately (Fedora: openssl-devel-engine)",
            records: &[],
            cost: "a package that Fedora deprecates",
            decides: false,
        }],
        shows: Shows::Build(&[r"openssl/engine\.h: No such file or directory"]),
        provoked: Provoked::Not("Debian's OpenSSL 4 still has the header, and Fedora's rows need their registry"),
    },
    // `ASN1_STRING` became opaque, and much of what was not const is now.
    KnownIssue {
        id: "ATS-13427",
        title: "does not compile with OpenSSL 4.0, whose ASN1_STRING is opaque",
        link: "https://github.com/apache/trafficserver/issues/13427",
        also: &[
            "https://github.com/apache/trafficserver/pull/13471",
            "https://github.com/apache/trafficserver/pull/13476",
        ],
        affected: Affected { ats: &["<10.2"], openssl: Some(">=4.0"), ..ANYTHING },
        when: "headers of OpenSSL 4.0 (Fedora 45, Debian's experimental)",
        fixed_in: "ATS 10.2.0",
        way_out: "stay on a distro with OpenSSL 3, or build 10.2.0 or later",
        workarounds: &[],
        shows: Shows::Build(&[
            r"X509HostnameValidator\.cc|SSLUtils\.cc|SSLNetVConnection\.cc",
            r"incomplete type .{0,4}ASN1_STRING",
        ]),
        provoked: Provoked::By(&[], "the build of debian-sid-openssl4/9.2.9"),
    },
    // With GCC 15, headers that older compilers included indirectly are missing. The wording is GCC's: this build was
    // not seen to fail here.
    KnownIssue {
        id: "ATS-12169",
        title: "parts of ATS do not compile with GCC 15 (Fedora 42)",
        link: "https://github.com/apache/trafficserver/pull/12169",
        also: &["https://github.com/wolfi-dev/os/issues/54958"],
        affected: Affected { ats: &["<9.2.11"], ..ANYTHING },
        when: "a build of everything from source where GCC 15 is the compiler",
        fixed_in: "ATS 9.2.11",
        way_out: "build 9.2.11 or later; or build on the distro's last release and run it there (`build_on`)",
        workarounds: &[],
        shows: Shows::Build(&[
            r"error: .?(?:std::)?u?int(?:8|16|32|64)_t.? (?:does not name a type|(?:was not|has not been) declared)",
        ]),
        provoked: Provoked::Not(
            "no GCC 15 is available: Fedora's rows need their registry, and whether the parts that the recipe builds \
             compile there is unknown. Debian's GCC 16 compiles them from 9.2.5 (measured on sid), with warnings off, \
             and without tools and most plugins",
        ),
    },
    // Debian's yaml-cpp hides symbols that ATS 9.2 links with.
    KnownIssue {
        id: "ATS-9882",
        title: "does not link with the yaml-cpp of Debian, which hides some of its symbols",
        link: "https://github.com/apache/trafficserver/issues/9882",
        also: &["https://salsa.debian.org/debian/yaml-cpp/-/blob/master/debian/patches/symbol-visibility.patch"],
        affected: Affected { ats: &[">=9.2,<10.0"], ..ANYTHING },
        when: "a build from source with --with-yaml-cpp on Debian or Ubuntu",
        fixed_in: "no release of 9.2; Debian's package has a patch (0014-use_system_yaml-cpp.patch)",
        way_out: "build with the yaml-cpp that ATS bundles, or with Debian's patch",
        workarounds: &[Workaround {
            name: "bundled-yaml-cpp",
            what: "leave --with-yaml-cpp out: the release tarball has its own yaml-cpp",
            records: &[],
            cost: "a copy that the distro's security updates do not reach",
            decides: false,
        }],
        shows: Shows::Build(&[r"undefined reference to .{0,3}YAML::|undefined symbol.{0,12}YAML"]),
        provoked: Provoked::Not(
            "Debian's tarball comes without the yaml-cpp that ATS bundles, and cannot be configured without Debian's \
             patch",
        ),
    },
    // ATS before 10.2 is written for PCRE 8, which has had no release since 2021.
    KnownIssue {
        id: "DEB-PCRE3",
        title: "cannot be built where the distro no longer has PCRE 8 (Debian from 13 on)",
        link: "https://tracker.debian.org/pkg/pcre3",
        also: &[],
        affected: Affected { ats: &["<10.2"], ..ANYTHING },
        when: "a build from source on Debian 13 or later, without packages of an older release",
        fixed_in: "ATS 10.2.0, which is built with PCRE2",
        way_out: "build 10.2.0 or later; or build on the older distro and take its libpcre3 along (`build_on`), or \
                  take libpcre3-dev from there (APT_SOURCES)",
        workarounds: &[Workaround {
            name: "older-release",
            what: "libpcre3-dev from bookworm, pinned below the distro's own packages",
            records: &[],
            cost: "an unmaintained library",
            decides: false,
        }],
        // The package's name in any other message may come from a mirror that does not answer.
        shows: Shows::Build(&[r"the distro has no package ", r"\blibpcre3-dev\b"]),
        provoked: Provoked::Not(
            "every row that builds names bookworm as an additional source, or runs what was built there",
        ),
    },
];
