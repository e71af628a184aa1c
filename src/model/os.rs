//! The operating system of a row, and the comparison with the one that ran.

use std::fmt;

use super::provenance::Release;

/// The operating system of a row, in terms of os-release(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Os {
    /// `ID`, for example `debian`.
    pub id: String,
    /// `VERSION_ID`, or its first parts: `9` matches every 9.x. `None` matches any.
    pub version: Option<String>,
    /// `VERSION_CODENAME`, for releases without a version: Debian testing is `forky`. `None` matches any.
    pub codename: Option<String>,
}

impl Os {
    /// Whether `release` is this operating system.
    pub fn fits(&self, release: &Release) -> bool {
        let version = self.version.as_deref().is_none_or(|version| starts_with(&release.version, version));
        let codename = self.codename.as_deref().is_none_or(|codename| has_codename(release, codename));
        self.id == release.id && version && codename
    }

    /// Derives the operating system from the name of a row: `debian-12` and `debian-12-hardened` are Debian 12. `None` if the
    /// name does not contain one.
    pub fn of_name(name: &str) -> Option<Self> {
        let id = NAMED.iter().find(|id| name.strip_prefix(**id).is_some_and(|rest| rest.starts_with('-')))?;
        let version = name[id.len() + 1..].split('-').next()?;
        let number = |part: &str| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit());
        let version = version.split('.').all(number).then(|| version.to_owned())?;
        Some(Self { id: (*id).to_owned(), version: Some(version), codename: None })
    }
}

/// `ID`s of distros with numbered releases.
const NAMED: [&str; 12] = [
    "almalinux",
    "alpine",
    "amzn",
    "centos",
    "debian",
    "fedora",
    "ol",
    "opensuse-leap",
    "rhel",
    "rocky",
    "sles",
    "ubuntu",
];

/// Whether `whole` starts with the parts of `version`.
fn starts_with(whole: &str, version: &str) -> bool {
    whole.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether `release` has `codename`. In older results only the pretty name contains it.
fn has_codename(release: &Release, codename: &str) -> bool {
    let words = || release.name.split(|c: char| !c.is_ascii_alphanumeric());
    release.codename == codename || (release.codename.is_empty() && words().any(|word| word == codename))
}

impl fmt::Display for Os {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, version, codename } = self;
        let words = [Some(id.as_str()), version.as_deref(), codename.as_deref()];
        f.pad(&words.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(id: &str, version: Option<&str>, codename: Option<&str>) -> Os {
        Os { id: id.into(), version: version.map(Into::into), codename: codename.map(Into::into) }
    }

    fn release(id: &str, version: &str, codename: &str, name: &str) -> Release {
        Release { id: id.into(), version: version.into(), codename: codename.into(), name: name.into() }
    }

    #[test]
    fn names_of_rows_contain_the_release() {
        let os = |name| Os::of_name(name).map(|it| it.to_string()).unwrap_or_default();
        let names = [
            ("debian-12", "debian 12"),
            ("debian-12-hardened", "debian 12"),
            ("ubuntu-24.04", "ubuntu 24.04"),
            ("opensuse-leap-15.6", "opensuse-leap 15.6"),
            ("rocky-9", "rocky 9"),
            ("debian-sid", ""),
            ("debian-sid-12", ""),
            ("debian", ""),
            ("debian-", ""),
            ("debian-12.", ""),
            ("debian-12x", ""),
            ("prod-12", ""),
            ("debianish-12", ""),
        ];
        for (name, expected) in names {
            assert_eq!(os(name), expected, "{name}");
        }
    }

    #[test]
    fn a_release_fits_if_every_stated_part_matches() {
        let bookworm = release("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)");
        let testing = release("debian", "", "forky", "Debian GNU/Linux forky/sid");
        let old_result = release("debian", "", "", "Debian GNU/Linux forky/sid");
        let rocky = release("rocky", "9.5", "", "Rocky Linux 9.5 (Blue Onyx)");
        let cases = [
            (os("debian", Some("12"), None), &bookworm, true),
            (os("debian", Some("1"), None), &bookworm, false),
            (os("debian", Some("13"), None), &bookworm, false),
            (os("debian", None, Some("bookworm")), &bookworm, true),
            (os("debian", Some("12"), Some("trixie")), &bookworm, false),
            (os("ubuntu", Some("12"), None), &bookworm, false),
            (os("debian", None, None), &bookworm, true),
            (os("debian", None, Some("forky")), &testing, true),
            (os("debian", None, Some("forky")), &old_result, true),
            (os("debian", None, Some("trixie")), &old_result, false),
            (os("debian", Some("14"), None), &testing, false),
            (os("rocky", Some("9"), None), &rocky, true),
            (os("rocky", Some("9.5"), None), &rocky, true),
            (os("rocky", Some("9.4"), None), &rocky, false),
            (os("rocky", Some("9.50"), None), &rocky, false),
        ];
        for (os, release, fits) in cases {
            assert_eq!(os.fits(release), fits, "{os} {release:?}");
        }
    }
}
