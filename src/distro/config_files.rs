//! The configuration files of a distro that can decide how ATS behaves: `openssl.cnf`, sysctl.d, locale files.

use std::collections::BTreeMap;

/// What a system file at a fixed path configures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FixedGroup {
    /// The ciphers that the crypto policy of the distro sets for OpenSSL.
    CryptoPolicy,
    /// How host names are resolved.
    Resolver,
}

impl FixedGroup {
    /// All groups.
    pub const ALL: [Self; 2] = [Self::CryptoPolicy, Self::Resolver];

    /// Its name in tables and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::CryptoPolicy => "crypto-policy",
            Self::Resolver => "resolver",
        }
    }

    /// Paths of its files.
    pub fn files(self) -> impl Iterator<Item = &'static str> {
        FIXED_FILES.iter().filter(move |(_, group)| *group == self).map(|(path, _)| *path)
    }
}

/// System files that the process of ATS reads at fixed paths. A bisection swaps them in place, for the whole container:
/// libraries have these paths compiled in, so a process cannot choose others.
pub const FIXED_FILES: &[(&str, FixedGroup)] = &[
    ("/etc/crypto-policies/back-ends/openssl.config", FixedGroup::CryptoPolicy),
    ("/etc/gai.conf", FixedGroup::Resolver),
    ("/etc/host.conf", FixedGroup::Resolver),
    ("/etc/nsswitch.conf", FixedGroup::Resolver),
];

/// The directories of sysctl.d(5), lowest priority first: a file in a later directory replaces one with the same name
/// in an earlier directory.
pub const SYSCTL_FOLDERS: &[&str] = &["/usr/lib/sysctl.d", "/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/etc/sysctl.d"];

/// Files that set the locale of services.
pub const LOCALE_FILES: &[&str] = &["/etc/default/locale", "/etc/locale.conf"];

/// `text` without blank lines and whole-line comments (`#`, and `;` in sysctl.d).
pub fn without_comments(text: &str) -> String {
    let has_content = |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']);
    text.lines().map(str::trim).filter(has_content).fold(String::new(), |kept, line| kept + line + "\n")
}

/// `openssl.cnf` without blank lines and comments, including those after a value (config(5ssl)). Lines with quotes or
/// backslashes keep theirs: a `#` there may be part of the value.
pub fn openssl_without_comments(text: &str) -> String {
    let value = |line: &str| -> String {
        let end = if line.contains(['"', '\'', '\\']) { line.len() } else { line.find('#').unwrap_or(line.len()) };
        line[..end].split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
    };
    without_comments(text).lines().map(value).collect()
}

/// The path that a line of `openssl.cnf` includes (config(5ssl): `.include PATH`, `.include = PATH`).
pub fn included(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix(".include")?;
    if !rest.starts_with([' ', '\t', '=']) {
        return None;
    }
    Some(rest.trim_start().trim_start_matches('=').trim()).filter(|path| !path.is_empty())
}

/// The settings in a sysctl.d file, with dots in their keys.
pub fn sysctls(text: &str) -> BTreeMap<String, String> {
    let setting = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let key = key.trim().trim_start_matches('-').replace('/', ".");
        Some((key, value.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    without_comments(text).lines().filter_map(setting).collect()
}

/// Whether a kernel setting is namespaced, so that an engine can set it for one container.
pub fn is_namespaced(sysctl: &str) -> bool {
    let net = ["net.ipv4.", "net.ipv6.", "net.core."].iter().any(|prefix| sysctl.starts_with(prefix));
    net || sysctl.starts_with("fs.mqueue.")
        || ["kernel.msg", "kernel.shm"].iter().any(|prefix| sysctl.starts_with(prefix))
        || sysctl == "kernel.sem"
}

/// The locale variables that a file assigns.
pub fn locale(text: &str) -> BTreeMap<String, String> {
    let setting = |line: &str| {
        let (key, value) = line.trim_start_matches("export ").split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        is_locale(key.trim()).then(|| (key.trim().to_owned(), value.to_owned()))
    };
    without_comments(text).lines().filter_map(setting).collect()
}

/// Whether an environment variable sets a locale (locale(7)).
pub fn is_locale(variable: &str) -> bool {
    matches!(variable, "LANG" | "LANGUAGE") || variable.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_includes_are_recognised() {
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
    fn comments_are_removed_and_settings_read() {
        assert_eq!(without_comments("# x\n\n a = 1 \n;b\n[ c ]\n"), "a = 1\n[ c ]\n");
        assert_eq!(openssl_without_comments("key\t= $dir/a # why\n#x\nb = \"#\"\n"), "key = $dir/a\nb = \"#\"\n");
        let text = "# comment\n-net/ipv4/tcp_fastopen = 1\nnet.ipv4.tcp_rmem=4096  131072\t6291456\nkernel.sysrq = 1\n";
        let set = sysctls(text);
        assert_eq!(set["net.ipv4.tcp_fastopen"], "1");
        assert_eq!(set["net.ipv4.tcp_rmem"], "4096 131072 6291456");
        assert_eq!(set.keys().filter(|key| is_namespaced(key)).count(), 2);
        assert_eq!(
            locale("LANG=\"de_DE.UTF-8\"\nTZ=x\nexport LC_ALL=C"),
            [("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")].map(|(k, v)| (k.into(), v.into())).into()
        );
    }
}
