//! What the kernel reports about a process in `/proc/PID`, as text: mapped files, environment, limits.

use std::collections::BTreeMap;

/// The files that a process has mapped, from the text of `/proc/PID/maps` (proc(5): address, mode, offset, device,
/// inode, path). A file appears once per mapping. One that was replaced on disk is marked ` (deleted)`; the mark is not
/// part of its path.
pub fn mapped_files(maps: &str) -> impl Iterator<Item = &str> {
    maps.lines().filter_map(|line| {
        let path = &line[line.find('/')?..];
        Some(path.strip_suffix(" (deleted)").unwrap_or(path))
    })
}

/// The libssl that a process has mapped.
pub fn libssl(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libssl.so") || name.starts_with("libssl3.so"))
}

/// The libcrypto that a process has mapped. It contains the version text; libssl does not.
pub fn libcrypto(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libcrypto.so"))
}

/// The C library that a process has mapped: `libc.so.6`, `libc-2.31.so` (before glibc 2.34), or the loader of musl.
pub fn libc(maps: &str) -> Option<&str> {
    mapped(maps, |name| name.starts_with("libc.so") || name.starts_with("libc-2.") || name.starts_with("ld-musl-"))
}

/// The first mapped file whose name matches.
fn mapped(maps: &str, matches: impl Fn(&str) -> bool) -> Option<&str> {
    mapped_files(maps).find(|path| path.rsplit('/').next().is_some_and(&matches))
}

/// Variables reported at most, and characters of each: an image may set anything.
const MAX_VARIABLES: usize = 20;
const MAX_VARIABLE: usize = 500;

/// The variables that decide which libraries a process loads and how its OpenSSL behaves, from the bytes of
/// `/proc/PID/environ` (each ended by a zero).
pub fn tls_variables(environ: &[u8]) -> BTreeMap<String, String> {
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

/// Soft and hard limit of open files, from the text of `/proc/PID/limits`: `1024:524288`.
pub fn open_file_limits(limits: &str) -> Option<String> {
    let mut words = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    Some(format!("{}:{}", words.next()?, words.next()?))
}

/// The number of the user that a process acts as, in its `/proc/PID/status`.
pub fn user(status: &str) -> Option<&str> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // The real one, then the effective one.
    ids.split_whitespace().nth(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_user_is_the_effective_one() {
        assert_eq!(user("Name:\tx\nUid:\t0\t100\t100\t100\nGid:\t0\t1\t1\t1\n"), Some("100"));
        assert_eq!(user("Name:\tx\n"), None);
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
    fn mapped_libraries_are_found_by_name_even_when_replaced_or_with_spaces() {
        assert_eq!(libssl(MAPS), Some("/opt/my libs/libssl.so.3"));
        assert_eq!(libcrypto(MAPS), Some("/usr/lib/x86_64-linux-gnu/libcrypto.so.3"));
        assert_eq!(libc(MAPS), Some("/usr/lib/x86_64-linux-gnu/libc-2.31.so"));
        assert_eq!((libssl(""), libc("55d7 r--p 0 0 0 [vdso]")), (None, None));
        assert_eq!(libc("1-2 r--p 0 00:35 1 /lib/ld-musl-x86_64.so.1"), Some("/lib/ld-musl-x86_64.so.1"));
        assert_eq!(mapped_files(MAPS).count(), 4);
    }

    #[test]
    fn only_variables_that_decide_tls_are_reported() {
        let environ = b"PATH=/x\0LD_PRELOAD=/a.so\0OPENSSL_CONF=\0TOKEN=secret\0LD_LIBRARY_PATH=/b=c\0broken\0";
        let reported = tls_variables(environ);
        let reported: Vec<_> = reported.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(reported, [("LD_LIBRARY_PATH", "/b=c"), ("LD_PRELOAD", "/a.so"), ("OPENSSL_CONF", "")]);
        let value = "x".repeat(9999);
        let many = (0..99).fold(String::new(), |all, n| all + &format!("OPENSSL_{n}={value}\0"));
        let many = tls_variables(many.as_bytes());
        assert!(many.len() == MAX_VARIABLES && many.values().all(|value| value.len() == MAX_VARIABLE));
    }

    #[test]
    fn limits_of_open_files_are_read() {
        let limits = "Limit\nMax open files            1024                 524288               files\n";
        assert_eq!(open_file_limits(limits).as_deref(), Some("1024:524288"));
        assert_eq!(open_file_limits(""), None);
    }

    #[test]
    fn the_maps_of_this_process_are_read() {
        let text = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert_eq!(libssl(&text), None, "the test program is static");
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "\\PC{0,200}") {
            let _ = (libc(&text), libssl(&text), open_file_limits(&text), tls_variables(text.as_bytes()));
        }
    }
}
