//! Configuration files of a distro that can change how ATS behaves: `openssl.cnf`, sysctl.d, locale files. Pure: the
//! agent reads the files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// System files that the ATS process reads by fixed paths, with their part. They are swapped in place, for the whole
/// container, because a process cannot choose a path that is compiled into a library.
pub const FIXED_FILES: &[(&str, FixedPart)] = &[
    ("/etc/crypto-policies/back-ends/openssl.config", FixedPart::CryptoPolicy),
    ("/etc/gai.conf", FixedPart::Resolver),
    ("/etc/host.conf", FixedPart::Resolver),
    ("/etc/nsswitch.conf", FixedPart::Resolver),
];

/// A part of a distro that consists of [`FIXED_FILES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixedPart {
    /// The back end file of a crypto policy that OpenSSL has compiled in.
    CryptoPolicy,
    /// The files of the name resolver.
    Resolver,
}

impl FixedPart {
    /// Every part, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::CryptoPolicy, Self::Resolver];

    /// Its name as a suspect.
    pub fn name(self) -> &'static str {
        match self {
            Self::CryptoPolicy => "crypto-policy",
            Self::Resolver => "resolver",
        }
    }

    /// The paths of its files.
    pub fn files(self) -> impl Iterator<Item = &'static str> {
        FIXED_FILES.iter().filter(move |(_, part)| *part == self).map(|(path, _)| *path)
    }
}

/// Folders of sysctl.d(5), lowest priority first: a file in a later folder replaces one of the same name in an earlier
/// one.
pub const SYSCTL_FOLDERS: &[&str] = &["/usr/lib/sysctl.d", "/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/etc/sysctl.d"];

/// Files that set the locale of services.
pub const LOCALE_FILES: &[&str] = &["/etc/default/locale", "/etc/locale.conf"];

/// The directory of `openssl.cnf`, from the bytes of a libcrypto: the text that `openssl version -d` prints.
pub fn openssl_directory(libcrypto: &[u8]) -> Option<String> {
    #[expect(clippy::expect_used, reason = "a literal pattern that a test uses")]
    static TEXT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"OPENSSLDIR: "(/[ -!#-~]{1,200})""#).expect("a literal pattern"));
    Some(String::from_utf8_lossy(&TEXT.captures(libcrypto)?[1]).into_owned())
}

/// `text` without blank lines and whole-line comments (`#`, and `;` as sysctl.d has them).
pub fn bare(text: &str) -> String {
    let has_content = |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']);
    text.lines().map(str::trim).filter(has_content).fold(String::new(), |kept, line| kept + line + "\n")
}

/// `openssl.cnf` without blank lines and comments, including those after a value (config(5ssl)). Lines with quotes or
/// backslashes are left as they are.
pub fn bare_openssl(text: &str) -> String {
    let value = |line: &str| -> String {
        let end = if line.contains(['"', '\'', '\\']) { line.len() } else { line.find('#').unwrap_or(line.len()) };
        line[..end].split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
    };
    bare(text).lines().map(value).collect()
}

/// The path that a line of `openssl.cnf` includes (config(5ssl): `.include PATH`, `.include = PATH`).
pub fn included(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix(".include")?;
    if !rest.starts_with([' ', '\t', '=']) {
        return None;
    }
    Some(rest.trim_start().trim_start_matches('=').trim()).filter(|path| !path.is_empty())
}

/// The settings of a sysctl.d file, with dots in the keys.
pub fn sysctls(text: &str) -> BTreeMap<String, String> {
    let setting = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let key = key.trim().trim_start_matches('-').replace('/', ".");
        Some((key, value.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    bare(text).lines().filter_map(setting).collect()
}

/// Whether a kernel setting is namespaced, so that an engine can set it for a container.
pub fn belongs_to_container(sysctl: &str) -> bool {
    let net = ["net.ipv4.", "net.ipv6.", "net.core."].iter().any(|prefix| sysctl.starts_with(prefix));
    net || sysctl.starts_with("fs.mqueue.")
        || ["kernel.msg", "kernel.shm"].iter().any(|prefix| sysctl.starts_with(prefix))
        || sysctl == "kernel.sem"
}

/// The locale variables that a file sets.
pub fn locale(text: &str) -> BTreeMap<String, String> {
    let setting = |line: &str| {
        let (key, value) = line.trim_start_matches("export ").split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        is_locale(key.trim()).then(|| (key.trim().to_owned(), value.to_owned()))
    };
    bare(text).lines().filter_map(setting).collect()
}

/// Whether an environment variable sets a locale (locale(7)).
pub fn is_locale(variable: &str) -> bool {
    matches!(variable, "LANG" | "LANGUAGE") || variable.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_parsed_in_both_spellings() {
        assert_eq!(
            included(".include = /etc/crypto-policies/back-ends/opensslcnf.config"),
            Some("/etc/crypto-policies/back-ends/opensslcnf.config")
        );
        assert_eq!(included("  .include /etc/ssl/openssl.cnf.d"), Some("/etc/ssl/openssl.cnf.d"));
        for none in [".includes x", ".include", ".include =", "include = x"] {
            assert_eq!(included(none), None, "{none}");
        }
    }

    #[test]
    fn only_settings_count() {
        assert_eq!(bare("# x\n\n a = 1 \n;b\n[ c ]\n"), "a = 1\n[ c ]\n");
        assert_eq!(bare_openssl("key\t= $dir/a # why\n#x\nb = \"#\"\n"), "key = $dir/a\nb = \"#\"\n");
        let text = "# comment\n-net/ipv4/tcp_fastopen = 1\nnet.ipv4.tcp_rmem=4096  131072\t6291456\nkernel.sysrq = 1\n";
        let set = sysctls(text);
        assert_eq!(set["net.ipv4.tcp_fastopen"], "1");
        assert_eq!(set["net.ipv4.tcp_rmem"], "4096 131072 6291456");
        assert_eq!(set.keys().filter(|key| belongs_to_container(key)).count(), 2);
        assert_eq!(
            locale("LANG=\"de_DE.UTF-8\"\nTZ=x\nexport LC_ALL=C"),
            [("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")].map(|(k, v)| (k.into(), v.into())).into()
        );
    }

    #[test]
    fn a_libcrypto_has_the_path_of_its_configuration() {
        assert_eq!(openssl_directory(b"\0x\0OPENSSLDIR: \"/usr/lib/ssl\"\0").as_deref(), Some("/usr/lib/ssl"));
        assert_eq!(openssl_directory(b"OPENSSLDIR: \"relative\""), None);
    }
}
