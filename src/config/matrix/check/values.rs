//! Which texts are valid as single values. They become build arguments, image names and table cells, so only characters
//! that are safe there are allowed.

use crate::model::{Version, VersionRange};

/// Longest title, characters: it is a cell of tables.
pub(super) const MAX_TITLE: usize = 60;
/// Longest reason, characters.
pub(super) const MAX_REASON: usize = 400;
/// Longest value of a build argument, bytes: it has room for lists of package sources.
pub(super) const MAX_ARG_VALUE: usize = 4096;
/// Longest URL, line of sources.list or list of options.
const MAX_LINE: usize = 1000;
/// Longest image reference or path.
const MAX_REFERENCE: usize = 512;
/// Longest key in ASCII armour: room for one of several thousand bits with signatures of others.
const MAX_GPG_KEY: usize = 16_384;
/// Longest pattern over paths.
const MAX_PATTERN: usize = 256;
/// Longest name or version of a package.
const MAX_PACKAGE: usize = 128;
/// Longest other word.
const MAX_WORD: usize = 64;
/// Longest version that ATS reports.
const MAX_VERSION: usize = 32;

/// One line, not empty, without control characters.
pub(super) fn is_line(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// 64 lower-case hex digits.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// An http or https URL without spaces, quotes or other characters that lists of URLs and shells interpret.
pub(super) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let starts = rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['));
    starts && text.len() <= MAX_LINE && only(text, "-._~:/?#[]@!&*+,=%")
}

/// An image reference, perhaps with tag and digest.
pub(super) fn is_image(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= MAX_REFERENCE && only(text, "._/:@-")
}

/// A folder name of `images/`.
pub(super) fn is_family(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= MAX_WORD && text.chars().all(legal)
}

/// A value of os-release that names a distro or a release (os-release(5)).
pub(super) fn is_os_value(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    !text.is_empty() && text.len() <= MAX_WORD && text.chars().all(legal)
}

/// A distro's suite.
pub(super) fn is_suite(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= MAX_WORD && only(text, "-./")
}

/// A line of sources.list.
pub(super) fn is_source_line(text: &str) -> bool {
    let names_a_source = text.strip_prefix("deb ").is_some_and(|rest| !rest.trim().is_empty());
    names_a_source && is_line(text, MAX_LINE) && !text.contains(';')
}

/// The URL of an rpm repository, in which dnf fills in the release and the architecture.
pub(super) fn is_repository(text: &str) -> bool {
    is_url(&text.replace("$releasever", "0").replace("$basearch", "0"))
}

/// A key: the name of a file of distribution-gpg-keys, or the key itself.
pub(super) fn is_gpg_key(text: &str) -> bool {
    let armoured = text.trim().strip_prefix("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    match armoured.and_then(|rest| rest.strip_suffix("-----END PGP PUBLIC KEY BLOCK-----")) {
        Some(inner) => text.len() <= MAX_GPG_KEY && !inner.contains("-----") && only(inner, "\n+/=:.()<>@- "),
        None => is_member(text),
    }
}

/// A package's name.
pub(super) fn is_package_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= MAX_PACKAGE && only(text, "+-._")
}

/// A package's version as Debian and Fedora write it, a pattern over such versions with `*`, or `latest`.
pub(super) fn is_package_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= MAX_PACKAGE && only(text, ".+-~:_^*")
}

/// What `traffic_server -V` may report: a version, or a range with a lower bound.
pub(super) fn is_reported(text: &str) -> bool {
    let ranged = |range: VersionRange| text.len() <= MAX_WORD && range.lower().is_some();
    is_reported_version(text) || text.parse().is_ok_and(ranged)
}

/// What `traffic_server -V` reports: digits and dots.
pub(super) fn is_reported_version(text: &str) -> bool {
    text.len() <= MAX_VERSION && text.chars().all(|c| c.is_ascii_digit() || c == '.') && text.parse::<Version>().is_ok()
}

/// The name of a build argument.
pub(super) fn is_arg_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.len() <= MAX_WORD && text.chars().all(legal)
}

/// The value of a build argument: lines of text.
pub(super) fn is_arg_value(text: &str) -> bool {
    text.len() <= MAX_ARG_VALUE && !text.chars().any(|c| c.is_control() && c != '\n')
}

/// A path inside an archive: relative and without `..`.
pub(super) fn is_member(text: &str) -> bool {
    !text.starts_with('/') && is_path(text)
}

/// An absolute path inside an image.
pub(super) fn is_absolute_path(text: &str) -> bool {
    text.starts_with('/') && is_path(text)
}

fn is_path(text: &str) -> bool {
    let stays_inside = text.split('/').all(|part| part != "..");
    !text.is_empty() && text.len() <= MAX_REFERENCE && only(text, "/._+~-") && stays_inside
}

/// The name of a variable, which need not be in upper case.
pub(super) fn is_variable(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.len() <= MAX_WORD && only(text, "_")
}

/// A relative path that ends in `extension`; its last part may be a pattern.
pub(super) fn is_package_file(text: &str, extension: &str) -> bool {
    let (folder, name) = text.rsplit_once('/').unwrap_or((".", text));
    let is_name = name.ends_with(extension) && name.len() <= MAX_PATTERN && only(name, ".+-~:_^*?@");
    is_name && is_member(folder)
}

/// A pattern over paths in a source tree.
pub(super) fn is_path_pattern(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PATTERN && only(text, "/._+~-*?[]")
}

/// Options of `./configure`.
pub(super) fn is_configure(text: &str) -> bool {
    let are_options = text.split_whitespace().all(|option| option.starts_with("--"));
    is_line(text, MAX_LINE) && only(text, " -_=/.,:+@") && are_options
}

fn only(text: &str, more: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_texts_are_accepted_and_invalid_ones_are_not() {
        type Accepts = fn(&str) -> bool;
        let cases: [(Accepts, &[&str], &[&str]); 10] = [
            (
                is_url,
                &["http://deb.debian.org/a%2bb.tar.xz", "https://h:8443/x?y=1", "http://[::1]/x"],
                &["", "ftp://h/x", "https://", "http://h/a b", "http://h/a;b", "http://h/$(x)", "https:///x"],
            ),
            (is_image, &["registry.fedoraproject.org/fedora:40", "a@sha256:00"], &["", "-v", "a b", "a;b"]),
            (is_family, &["debian", "el-9"], &["", "../x", "Debian", "a/b"]),
            (is_source_line, &["deb http://h/d s main"], &["http://h", "deb ", "deb x;rm", "deb x\ny"]),
            (
                is_package_version,
                &["9.2.5+ds-0+deb12u4", "1:9.2.5-1.fc40", "9.2.5+ds-*", "latest"],
                &["", "1 2", "-1", "*", "9.2.[5]", "9.2.?"],
            ),
            (is_reported, &["9.2.5", ">=9.2.9,<9.3", "=10.1.2"], &["", "9.2.*", "<9.3", ">=x", "latest"]),
            (is_reported_version, &["9.2.5", "10"], &["", "9.2.5-1", "9..2", "v9"]),
            (is_member, &["debian/patches/x.patch"], &["", "/etc/x", "../x", "a/../b", "a b"]),
            (is_arg_name, &["APT_SOURCES", "A1"], &["", "apt", "_X", "1A", "A-B"]),
            (is_configure, &["--with-yaml-cpp=/usr --enable-x"], &["", "x", "--a `b`", "--a; b"]),
        ];
        for (i, (is_good, good, bad)) in cases.into_iter().enumerate() {
            for text in good {
                assert!(is_good(text), "{i}: {text}");
            }
            for text in bad {
                assert!(!is_good(text), "{i}: {text}");
            }
        }
    }

    #[test]
    fn a_sha256_is_lower_case_hex_of_full_length() {
        assert!(is_sha256(&"0a".repeat(32)));
        for bad in ["", "0A", &"0A".repeat(32), &"0a".repeat(31), &"0g".repeat(32)] {
            assert!(!is_sha256(bad), "{bad}");
        }
    }
}
