//! Checks how base images are made from package mirrors.

use super::super::bootstrap::{AptSuite, Bootstrap, BootstrapEntry, RpmRelease};
use super::super::diagnostic::Path;
use super::{Checker, values};

/// What a base of the family fedora has by default: Fedora's own container image, without sudo, vim and the like.
const PACKAGES: [&str; 7] =
    ["bash", "ca-certificates", "coreutils-single", "dnf", "fedora-release-container", "glibc-minimal-langpack", "rpm"];

impl Checker<'_> {
    /// `None`: it is neither a suite nor a release.
    pub(super) fn bootstrap(&mut self, path: &Path, entry: BootstrapEntry) -> Option<Bootstrap> {
        let (of_suite, of_release) = (["sources", "check_valid_until"], ["repositories", "gpg_keys", "packages"]);
        let is_given = |key: &str| match key {
            "sources" => entry.sources.is_some(),
            "check_valid_until" => entry.check_valid_until.is_some(),
            "repositories" => entry.repositories.is_some(),
            "gpg_keys" => entry.gpg_keys.is_some(),
            _ => entry.packages.is_some(),
        };
        let (needs, lacks, others): (&str, &[&str], &[&str]) = match (&entry.suite, &entry.release) {
            (Some(_), None) => ("release", &["sources"], &of_release),
            (None, Some(_)) => ("suite", &["repositories", "gpg_keys"], &of_suite),
            (suite, _) => {
                let message = if suite.is_some() { "it has both `suite` and `release`" } else { "it makes nothing" };
                self.key_error(path, message, "write `suite` (apt) or `release` (dnf)");
                return None;
            }
        };
        for key in others.iter().filter(|key| is_given(key)) {
            self.key_error(&path.key(key), format!("`{key}` belongs to a `{needs}`"), "remove it");
        }
        for key in lacks.iter().filter(|key| !is_given(key)) {
            self.key_error(path, format!("the key `{key}` is missing"), "add it");
        }
        if entry.suite.is_some() { Some(self.suite(path, entry)) } else { Some(self.release(path, entry)) }
    }

    fn suite(&mut self, path: &Path, entry: BootstrapEntry) -> Bootstrap {
        let suite = entry.suite.unwrap_or_default();
        self.text(&path.key("suite"), &suite, values::is_suite, "suite", "write it like bookworm or sid");
        let sources = entry.sources.unwrap_or_default();
        let help = "write it like `deb http://deb.debian.org/debian bookworm main`";
        for (key, lines) in [("sources", &sources), ("archive", &entry.archive)] {
            self.each(&path.key(key), lines, values::is_source_line, "line of sources.list", help);
        }
        let check_valid_until = entry.check_valid_until.unwrap_or(true);
        Bootstrap::Suite(AptSuite { suite, sources, archive: entry.archive, check_valid_until })
    }

    fn release(&mut self, path: &Path, entry: BootstrapEntry) -> Bootstrap {
        let release = entry.release.unwrap_or_default();
        self.text(&path.key("release"), &release, values::is_suite, "release", "write it like 40 or 9.5");
        let repositories = entry.repositories.unwrap_or_default();
        let help = "write an http:// or https:// URL; only $releasever and $basearch are filled in";
        for (key, urls) in [("repositories", &repositories), ("archive", &entry.archive)] {
            self.each(&path.key(key), urls, values::is_repository, "URL of a repository", help);
        }
        let gpg_keys = entry.gpg_keys.unwrap_or_default();
        let help = "write a name like fedora/RPM-GPG-KEY-fedora-40-primary, or the whole block in ASCII armour";
        self.each(&path.key("gpg_keys"), &gpg_keys, values::is_gpg_key, "key", help);
        let packages = entry.packages.unwrap_or_else(|| PACKAGES.map(str::to_owned).to_vec());
        self.each(&path.key("packages"), &packages, values::is_package_name, "package", "write its name");
        let archive = entry.archive;
        Bootstrap::Release(RpmRelease { release, repositories, archive, gpg_keys, packages })
    }

    fn each(&mut self, path: &Path, texts: &[String], is_good: fn(&str) -> bool, what: &str, help: &str) {
        for (i, text) in texts.iter().enumerate() {
            self.text(&path.index(i), text, is_good, what, help);
        }
    }
}
