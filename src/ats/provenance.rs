//! What a running ATS consists of, out of texts and bytes of its container: the pure half. Whoever
//! calls reads `/proc/PID/maps`, libraries and `/etc/os-release`.
//!
//! `traffic_layout info --versions` is of no use for that: it names the OpenSSL that ATS was *built*
//! with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
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

/// Where an ATS is from, out of the file that its recipe left beside it (`images/README.md`), for people. `None`
/// where the file tells of another program than the one with the digest `binary`: it was put there later.
///
/// `FILE sha256:HEX (pinned) + PATCH sha256:HEX`; `built on ...` where that is not the distro `here`.
pub fn source(facts: &str, binary: &str, here: Option<&Release>) -> Option<String> {
    let lines: Vec<(&str, Vec<(&str, &str)>)> = facts.lines().take(100).filter_map(fact).collect();
    let told = |kind: &str, key: &str| {
        let (_, words) = lines.iter().find(|(found, _)| *found == kind)?;
        words.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    };
    if told("binary", "sha256") != Some(binary) {
        return None;
    }
    let mut text = match (told("source", "sha256"), told("package", "verified")) {
        (Some(sha256), _) => {
            let file = told("source", "url").and_then(file_name).unwrap_or("a tarball");
            format!("{file} sha256:{sha256} ({})", verified(told("source", "verified").unwrap_or_default()))
        }
        (None, Some(how)) => verified(how),
        (None, None) => return None,
    };
    for (_, words) in lines.iter().filter(|(kind, _)| *kind == "patch") {
        let word = |key: &str| words.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let name = word("file").or(word("url")).and_then(file_name).unwrap_or("a patch");
        let part = if word("only").is_some() { "part of " } else { "" };
        let _ = write!(text, " + {part}{name} sha256:{}", word("sha256").unwrap_or("?"));
    }
    if let (Some(id), Some(version)) = (told("built", "id"), told("built", "version"))
        && here.is_none_or(|here| here.id != id || here.version != version)
    {
        // Debian's testing and sid have none.
        let version = if version.is_empty() { String::new() } else { format!(" {version}") };
        let _ = write!(text, ", built on {id}{version}");
    }
    Some(text.chars().take(2000).collect())
}

/// `KIND KEY=VALUE ...`.
fn fact(line: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let (kind, words) = line.split_once(' ')?;
    Some((kind, words.split_whitespace().filter_map(|word| word.split_once('=')).collect()))
}

fn file_name(path: &str) -> Option<&str> {
    path.rsplit('/').next().filter(|name| !name.is_empty())
}

/// How a download or a package was verified, for people.
fn verified(how: &str) -> String {
    let word = |how: &str| match how.split_once(':') {
        Some(("signature", key)) => format!("signed by {key}"),
        Some(("sha256", hex)) => format!("sha256:{hex} (pinned)"),
        _ => match how {
            "sha256" => "pinned".to_owned(),
            "sha512" => "sha512 as published".to_owned(),
            "repository" => "out of a signed repository".to_owned(),
            _ => "verified by nothing".to_owned(),
        },
    };
    how.split(',').map(word).collect::<Vec<_>>().join(", ")
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

/// The file that the loader would take for the library whose name begins so, out of what it prints with
/// `LD_TRACE_LOADED_OBJECTS` set: `NAME => PATH (0x...)`.
pub fn traced<'a>(loader: &'a str, name: &str) -> Option<&'a str> {
    loader.lines().find_map(|line| {
        let (library, rest) = line.trim().split_once(" => ")?;
        let path = rest.rsplit_once(" (0x").map_or(rest, |(path, _)| path);
        (library.starts_with(name) && path.starts_with('/')).then_some(path)
    })
}

/// The variables among `environ` (those of `/proc/PID/environ`, each ended by a zero) that decide which libraries a
/// process loads and how its OpenSSL behaves. Bounded: an image may set anything.
pub fn telling_variables(environ: &[u8]) -> BTreeMap<String, String> {
    const NAMES: [&str; 8] = [
        "GLIBC_TUNABLES",
        "LD_AUDIT",
        "LD_BIND_NOW",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "SSLKEYLOGFILE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    ];
    let decides = |name: &str| NAMES.contains(&name) || name.starts_with("OPENSSL_");
    let text = String::from_utf8_lossy(environ);
    let set = text.split('\0').filter_map(|variable| variable.split_once('=')).filter(|(name, _)| decides(name));
    let short = |text: &str| text.chars().take(MAX_VARIABLE).collect::<String>();
    set.take(MAX_VARIABLES).map(|(name, value)| (short(name), short(value))).collect()
}

/// Variables that are told, and characters of each.
const MAX_VARIABLES: usize = 20;
const MAX_VARIABLE: usize = 500;

/// Soft and hard limit of open files, out of the text of `/proc/PID/limits`: `1024:524288`.
pub fn nofile(limits: &str) -> Option<String> {
    let mut words = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    Some(format!("{}:{}", words.next()?, words.next()?))
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

    const TARBALL: &str = "\
source sha256=aa11 verified=signature:0BAD,sha512 url=https://a.test/dist/ats-9.2.5.tar.bz2
patch url=http://d.test/x.debian.tar.xz url=http://e.test/y sha256=bb22 file=debian/patches/0023-update-to-929.patch only=iocore/net/*
built id=debian version=12
binary sha256=cc33
";

    #[test]
    fn a_source_is_told_with_how_it_was_verified_and_with_its_patches() {
        let here = |version: &str| Release { id: "debian".into(), version: version.into(), ..Release::default() };
        let told = "ats-9.2.5.tar.bz2 sha256:aa11 (signed by 0BAD, sha512 as published) \
                    + part of 0023-update-to-929.patch sha256:bb22";
        assert_eq!(source(TARBALL, "cc33", Some(&here("12"))).as_deref(), Some(told));
        let moved = source(TARBALL, "cc33", Some(&here("13"))).unwrap();
        assert_eq!(moved, format!("{told}, built on debian 12"));
        let without = TARBALL.replace("version=12", "version=");
        assert_eq!(source(&without, "cc33", Some(&here("12"))).unwrap(), format!("{told}, built on debian"));
        for (verified, text) in [
            ("repository", "out of a signed repository"),
            ("signature:4f", "signed by 4f"),
            ("sha256:dd44", "sha256:dd44 (pinned)"),
            ("nothing", "verified by nothing"),
        ] {
            let facts = format!("package name=trafficserver version=9.2.5-1 verified={verified}\nbinary sha256=cc33\n");
            assert_eq!(source(&facts, "cc33", None).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_file_that_tells_of_another_program_tells_nothing() {
        assert_eq!(source(TARBALL, "dd44", None), None);
        assert_eq!(source("source sha256=aa11 verified=sha256 url=x\n", "cc33", None), None, "and without a program");
        assert_eq!(source("", "", None), None);
        assert_eq!(source("binary sha256=cc33\n", "cc33", None), None);
    }

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
    fn what_the_loader_would_take_is_read() {
        let traced = |name| {
            let text = "\tlinux-vdso.so.1 (0x7ffd)\n\tlibssl.so.3 => /opt/my libs/libssl.so.3 (0x7f1c)\n\
                        \tlibcrypto.so.3 => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x7f1d)\n";
            super::traced(text, name)
        };
        assert_eq!(traced("libssl"), Some("/opt/my libs/libssl.so.3"));
        assert_eq!((traced("libcrypto"), traced("libgnutls"), super::traced("", "libssl")), (None, None, None));
    }

    #[test]
    fn variables_that_decide_are_told_and_no_others() {
        let environ = b"PATH=/x\0LD_PRELOAD=/a.so\0OPENSSL_CONF=\0TOKEN=secret\0LD_LIBRARY_PATH=/b=c\0broken\0";
        let told = telling_variables(environ);
        let told: Vec<_> = told.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(told, [("LD_LIBRARY_PATH", "/b=c"), ("LD_PRELOAD", "/a.so"), ("OPENSSL_CONF", "")]);
        let value = "x".repeat(9999);
        let many = (0..99).fold(String::new(), |all, n| all + &format!("OPENSSL_{n}={value}\0"));
        let many = telling_variables(many.as_bytes());
        assert!(many.len() == MAX_VARIABLES && many.values().all(|value| value.len() == MAX_VARIABLE));
        assert_eq!(
            nofile("Limit\nMax open files            1024                 524288               files\n").as_deref(),
            Some("1024:524288")
        );
        assert_eq!(nofile(""), None);
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
