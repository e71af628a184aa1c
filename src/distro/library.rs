//! What a shared library contains about itself: its soname, its version, where it looks for its configuration.

use std::sync::LazyLock;

use elf::ElfBytes;
use elf::abi::{DT_SONAME, ET_DYN};
use elf::endian::AnyEndian;
use regex::bytes::Regex;

/// Longest soname that is accepted, in bytes. It becomes a file name.
const MAX_SONAME: usize = 100;

fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "every pattern is a literal that a test uses")]
    Regex::new(text).expect("a literal pattern")
}

/// The soname of a shared library. `None` for programs, plugins and files that are not ELF.
pub fn soname(file: &[u8]) -> Option<String> {
    let elf = ElfBytes::<AnyEndian>::minimal_parse(file).ok()?;
    if elf.ehdr.e_type != ET_DYN {
        return None;
    }
    let entry = elf.dynamic().ok()??.iter().find(|entry| entry.d_tag == DT_SONAME)?;
    let (_, strings) = elf.dynamic_symbol_table().ok()??;
    let name = strings.get(usize::try_from(entry.d_val()).ok()?).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (!name.is_empty() && name.len() <= MAX_SONAME && !name.starts_with('.') && name.chars().all(plain))
        .then(|| name.to_owned())
}

/// The version of the library with this soname, from its own bytes. `None` for libraries whose bytes are not known to
/// contain one.
pub fn version(soname: &str, bytes: &[u8]) -> Option<String> {
    match soname.split('.').next()? {
        "libcrypto" => openssl_version(bytes),
        "libc" => glibc_version(bytes),
        _ => None,
    }
}

/// The OpenSSL version in the bytes of a libcrypto, or of a program linked to it statically: the `3.5.7` of
/// `OpenSSL 3.5.7 9 Jun 2026` (`OPENSSL_VERSION_TEXT`). `None` for libssl alone and for other TLS libraries.
pub fn openssl_version(library: &[u8]) -> Option<String> {
    static TEXT: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"OpenSSL (\d+\.\d+\.\d+[a-z]{0,2}(?:[-+][0-9A-Za-z.+-]{1,32})?) {1,2}(?:FIPS )?\d{1,2} [A-Z][a-z]{2} \d{4}",
        )
    });
    first_capture(&TEXT, library)
}

/// The version in the bytes of a glibc: the `2.41` of `GNU C Library (...) stable release version 2.41`.
/// `None` for musl.
pub fn glibc_version(library: &[u8]) -> Option<String> {
    static TEXT: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"GNU C Library [^\n\x00]{0,120}release version (\d+\.\d+(?:\.\d+)?)"));
    first_capture(&TEXT, library)
}

/// The directory of `openssl.cnf`, from the bytes of a libcrypto: the text that `openssl version -d` prints.
pub fn openssl_directory(libcrypto: &[u8]) -> Option<String> {
    static TEXT: LazyLock<Regex> = LazyLock::new(|| pattern(r#"OPENSSLDIR: "(/[ -!#-~]{1,200})""#));
    first_capture(&TEXT, libcrypto)
}

fn first_capture(pattern: &Regex, bytes: &[u8]) -> Option<String> {
    // These patterns capture ASCII only.
    pattern.captures(bytes).map(|found| String::from_utf8_lossy(&found[1]).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_shared_libraries_have_a_soname() {
        assert_eq!(soname(b"#!/bin/sh"), None);
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(soname(&this), None, "a program is not a library");
        let library = ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/usr/lib64/libgcc_s.so.1"];
        if let Some(bytes) = library.iter().find_map(|path| std::fs::read(path).ok()) {
            assert_eq!(soname(&bytes).as_deref(), Some("libgcc_s.so.1"));
            // A truncated file is not a library and must not cause a panic.
            for len in (0..bytes.len()).step_by(997) {
                let _ = soname(&bytes[..len]);
            }
        }
    }

    #[test]
    fn the_openssl_version_is_found_in_the_bytes() {
        let version = |text: &str| openssl_version(format!("\x7fELF\0\u{ff}{text}\0more").as_bytes());
        assert_eq!(version("OpenSSL 3.5.7 9 Jun 2026").as_deref(), Some("3.5.7"));
        assert_eq!(version("OpenSSL 1.1.1w  11 Sep 2023").as_deref(), Some("1.1.1w"));
        assert_eq!(version("OpenSSL 1.1.1k  FIPS 25 Mar 2021").as_deref(), Some("1.1.1k"), "RHEL 8");
        assert_eq!(version("OpenSSL 3.0.7+quic 1 Nov 2022").as_deref(), Some("3.0.7+quic"));
        assert_eq!(version("OpenSSL 4.0.0-beta1 2 Mar 2026").as_deref(), Some("4.0.0-beta1"));
        assert_eq!(version("OpenSSL 3 is needed; OpenSSL 3.0.0"), None);
    }

    #[test]
    fn the_glibc_version_is_found_in_the_bytes() {
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

    #[test]
    fn the_directory_of_openssl_cnf_is_found_in_the_bytes() {
        assert_eq!(openssl_directory(b"\0x\0OPENSSLDIR: \"/usr/lib/ssl\"\0").as_deref(), Some("/usr/lib/ssl"));
        assert_eq!(openssl_directory(b"OPENSSLDIR: \"relative\""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
            let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
            file.extend(bytes);
            let _ = (soname(&file), openssl_version(text.as_bytes()), glibc_version(text.as_bytes()));
        }
    }
}
