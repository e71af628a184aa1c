//! What a running ATS consists of, out of texts and bytes of its container: the pure half. Whoever
//! calls reads `/proc/PID/maps`, libraries and `/etc/os-release`.
//!
//! `traffic_layout info --versions` is of no use for that: it names the OpenSSL that ATS was *built*
//! with.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::model::Release;

fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "every pattern is a literal that a test uses")]
    Regex::new(text).expect("a literal pattern")
}

/// The version in the bytes of a libcrypto (or of a program that holds one): the `3.5.7` of
/// `OpenSSL 3.5.7 9 Jun 2026`, the text of `OPENSSL_VERSION_TEXT`. `None` for libssl alone and for
/// other makes of the library.
pub fn openssl_version(library: &[u8]) -> Option<String> {
    static TEXT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:[-+][0-9A-Za-z.+-]{1,32})?) {1,2}(?:FIPS )?\d{1,2} [A-Z][a-z]{2} \d{4}",
        )
    });
    first(&TEXT, library)
}

/// The version in the bytes of a glibc: the `2.41` of `GNU C Library (...) stable release version 2.41`.
/// `None` for musl.
pub fn glibc_version(library: &[u8]) -> Option<String> {
    static TEXT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"GNU C Library [^\n\x00]{0,120}release version (\d+\.\d+(?:\.\d+)?)"));
    first(&TEXT, library)
}

fn first(pattern: &Regex, bytes: &[u8]) -> Option<String> {
    // What these patterns capture is ASCII.
    pattern.captures(bytes).map(|found| String::from_utf8_lossy(&found[1]).into_owned())
}

/// The libssl that a process has mapped, from the text of `/proc/PID/maps`.
pub fn libssl(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libssl.so") || name.starts_with("libssl3.so"))
}

/// The libcrypto that a process has mapped; it carries the version, libssl does not.
pub fn libcrypto(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libcrypto.so"))
}

/// The C library that a process has mapped: `libc.so.6`, `libc-2.31.so` (before glibc 2.34), or musl's
/// loader.
pub fn libc(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libc.so") || name.starts_with("libc-2.") || name.starts_with("ld-musl-"))
}

/// The first mapped file whose name fits (proc(5): address, mode, offset, device, inode, path). A file
/// that was replaced under the process is marked ` (deleted)`, which is no part of its name.
fn mapped(maps: &str, fits: impl Fn(&str) -> bool) -> Option<&str> {
    maps.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        fits(path.rsplit('/').next()?).then_some(path)
    })
}

/// Reads the text of `/etc/os-release` (os-release(5)): `ID`, `VERSION_ID`, `VERSION_CODENAME`, `PRETTY_NAME`, without
/// their quotes and each bounded. `VERSION_ID` is missing in Debian's testing and unstable; `None` when there is no `ID`.
pub fn release(os_release: &str) -> Option<Release> {
    let value = |key: &str| {
        let line = os_release.lines().rfind(|line| line.split_once('=').is_some_and(|(name, _)| name == key))?;
        Some(unquoted(line.split_once('=')?.1.trim()).chars().take(MAX_VALUE).collect::<String>())
    };
    Some(Release {
        id: value("ID")?,
        version: value("VERSION_ID").unwrap_or_default(),
        codename: value("VERSION_CODENAME").unwrap_or_default(),
        name: value("PRETTY_NAME").unwrap_or_default(),
    })
}

/// Characters kept of a value of os-release: an image may say anything there.
const MAX_VALUE: usize = 100;

/// A value as a shell would take it: quotes off, backslashes before `$`, `"`, `\` and backquote too.
fn unquoted(value: &str) -> String {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    if let Some(value) = inside('\'') {
        return value.to_owned();
    }
    let mut characters = inside('"').unwrap_or(value).chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn openssl_tells_its_version_in_its_bytes() {
        let version = |text: &str| openssl_version(format!("\x7fELF\0\u{ff}{text}\0more").as_bytes());
        assert_eq!(version("OpenSSL 3.5.7 9 Jun 2026").as_deref(), Some("3.5.7"));
        assert_eq!(version("OpenSSL 1.1.1w  11 Sep 2023").as_deref(), Some("1.1.1w"));
        assert_eq!(version("OpenSSL 1.1.1k  FIPS 25 Mar 2021").as_deref(), Some("1.1.1k"), "RHEL 8");
        assert_eq!(version("OpenSSL 3.0.7+quic 1 Nov 2022").as_deref(), Some("3.0.7+quic"));
        assert_eq!(version("OpenSSL 4.0.0-beta1 2 Mar 2026").as_deref(), Some("4.0.0-beta1"));
        assert_eq!(version("OpenSSL 3 is needed; OpenSSL 3.0.0"), None);
    }

    #[test]
    fn glibc_tells_its_version_in_its_bytes() {
        let version = |text: &str| glibc_version(format!("\0{text}\nCopyright").as_bytes());
        assert_eq!(
            version("GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.").as_deref(),
            Some("2.41")
        );
        assert_eq!(
            version("GNU C Library (GNU libc) development release version 2.38.9000.").as_deref(),
            Some("2.38.9000")
        );
        assert_eq!(version("musl libc (x86_64)"), None);
    }

    const MAPS: &str = "\
55d731e42000-55d731e46000 r--p 00000000 00:35 912204                     /usr/bin/traffic_server
7f5f91220000-7f5f91246000 r--p 00000000 00:35 11                         [heap]
7f5f91220000-7f5f91246000 r--p 00000000 00:35 11                         /usr/lib/x86_64-linux-gnu/libc-2.31.so
7f5f91220000-7f5f91246000 r--p 00000000 00:35 12                         /usr/lib/x86_64-linux-gnu/libcrypto.so.3
7f5f91220000-7f5f91246000 r--p 00000000 00:35 13                         /opt/my libs/libssl.so.3 (deleted)
7f5f91220000-7f5f91246000 rw-p 00000000 00:00 0
";

    #[test]
    fn mapped_libraries_are_found_by_name_even_when_replaced_or_with_blanks() {
        assert_eq!(libssl(MAPS), Some("/opt/my libs/libssl.so.3"));
        assert_eq!(libcrypto(MAPS), Some("/usr/lib/x86_64-linux-gnu/libcrypto.so.3"));
        assert_eq!(libc(MAPS), Some("/usr/lib/x86_64-linux-gnu/libc-2.31.so"));
        assert_eq!((libssl(""), libc("55d7 r--p 0 0 0 [vdso]")), (None, None));
        assert_eq!(libc("1-2 r--p 0 00:35 1 /lib/ld-musl-x86_64.so.1"), Some("/lib/ld-musl-x86_64.so.1"));
    }

    #[test]
    fn releases_are_read_with_and_without_a_version() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=x\nVERSION_ID=\"12\"\n\
                      VERSION_CODENAME=bookworm\nID=debian\n";
        let expected = Release {
            id: "debian".into(),
            version: "12".into(),
            codename: "bookworm".into(),
            name: "Debian GNU/Linux 12 (bookworm)".into(),
        };
        assert_eq!(release(debian), Some(expected));
        let sid = release("PRETTY_NAME='Debian forky/sid'\n#ID=no\nID=debian").unwrap();
        assert_eq!((sid.version.as_str(), sid.name.as_str()), ("", "Debian forky/sid"));
        assert_eq!(release("ID=\"a\\\"b\"").unwrap().id, "a\"b");
        assert_eq!(release("NAME=x"), None);
        assert_eq!(release(&format!("ID={}", "x".repeat(9999))).unwrap().id.len(), MAX_VALUE);
    }

    #[test]
    fn this_machines_own_texts_are_read() {
        let text = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert_eq!(libssl(&text), None, "the test program is static");
        if let Ok(text) = std::fs::read_to_string("/etc/os-release") {
            assert!(release(&text).is_some(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC{0,200}", key in "(ID|VERSION_ID)=['\"\\\\a-z]{0,9}") {
            let _ = (release(&text), release(&key), libc(&text), libssl(&text));
            let _ = (openssl_version(text.as_bytes()), glibc_version(text.as_bytes()));
        }
    }
}
