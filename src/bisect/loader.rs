//! The dynamic loader's errors about libraries that do not fit together, and the soname of a file. Pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use elf::ElfBytes;
use elf::abi::{DT_SONAME, ET_DYN};
use elf::endian::AnyEndian;
use regex::Regex;

/// A symbol or symbol version that a library needed and another did not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The version or symbol, for example `GLIBC_2.38`.
    pub what: String,
    /// File name of the library that should have it; empty if the loader does not say.
    pub provider: String,
    /// File name of what needs it; empty if the loader does not say.
    pub needed_by: String,
}

fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "every pattern is a literal that a test uses")]
    Regex::new(text).expect("a literal pattern")
}

/// glibc: elf/dl-version.c (`match_symbol`), elf/dl-lookup.c, elf/dl-load.c.
static VERSION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?P<provider>\S+): version `(?P<what>[^']+)' not found \(required by (?P<by>[^)]+)\)"));
static SYMBOL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"symbol lookup error: (?P<by>\S+): undefined symbol: (?P<what>[^\s,]+)(?:, version (?P<version>\S+))?")
});
static LIBRARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"error while loading shared libraries: (?P<provider>[^:\s]+): cannot open shared object file")
});

/// Whether a line is the loader's refusal to run a program.
pub fn is_refusal(line: &str) -> bool {
    VERSION.is_match(line) || SYMBOL.is_match(line) || line.contains("error while loading shared libraries: ")
}

/// Everything that is missing according to `text` (lines or parts of lines), sorted and without duplicates.
pub fn missing(text: &str) -> Vec<Missing> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for captures in VERSION.captures_iter(text) {
        found.push(Missing {
            what: captures["what"].to_owned(),
            provider: base(&captures["provider"]),
            needed_by: base(&captures["by"]),
        });
    }
    for captures in SYMBOL.captures_iter(text) {
        let version = captures.name("version").map(|version| format!("@{}", version.as_str()));
        let what = format!("{}{}", &captures["what"], version.unwrap_or_default());
        found.push(Missing { what, provider: String::new(), needed_by: base(&captures["by"]) });
    }
    for captures in LIBRARY.captures_iter(text) {
        let provider = base(&captures["provider"]);
        found.push(Missing { what: provider.clone(), provider, needed_by: String::new() });
    }
    found.sort();
    found.dedup();
    found
}

/// What is missing in one sentence, grouped by library: `libc.so.6 has no GLIBC_2.38 (needed by libcrypto.so.3)`.
pub fn sentence(missing: &[Missing]) -> String {
    let mut grouped: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for one in missing {
        grouped.entry((&one.provider, &one.needed_by)).or_default().push(&one.what);
    }
    let sentences = grouped.into_iter().map(|((provider, by), what)| {
        let what = what.join(", ");
        match (provider.is_empty(), by.is_empty()) {
            (false, false) => format!("{provider} has no {what} (needed by {by})"),
            (true, _) => format!("no library has {what} (needed by {by})"),
            (false, true) => format!("{provider} is missing"),
        }
    });
    sentences.collect::<Vec<_>>().join("; ")
}

/// The soname of a shared library; `None` for programs, plugins and files that are not ELF.
pub fn soname(file: &[u8]) -> Option<String> {
    let elf = ElfBytes::<AnyEndian>::minimal_parse(file).ok()?;
    if elf.ehdr.e_type != ET_DYN {
        return None;
    }
    let entry = elf.dynamic().ok()??.iter().find(|entry| entry.d_tag == DT_SONAME)?;
    let (_, strings) = elf.dynamic_symbol_table().ok()??;
    let name = strings.get(usize::try_from(entry.d_val()).ok()?).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    (!name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(plain))
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As seen when Debian 13's OpenSSL is put into Debian 12, and when Debian 12's glibc is put under
    /// Debian 13's libraries.
    const VERSIONS: &str = "/opt/ats/bin/traffic_server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not \
        found (required by /atsmatrix-bisect/lib/libcrypto.so.3) | traffic_server: libm.so.6: version `GLIBC_2.38' \
        not found (required by /usr/lib/x86_64-linux-gnu/libhwloc.so.15)";

    #[test]
    fn missing_versions_are_read_with_their_providers() {
        let found = missing(VERSIONS);
        assert_eq!(
            sentence(&found),
            "libc.so.6 has no GLIBC_2.38 (needed by libcrypto.so.3); libm.so.6 has no GLIBC_2.38 (needed by libhwloc.so.15)"
        );
        assert!(is_refusal(VERSIONS));
    }

    #[test]
    fn missing_symbols_and_libraries_are_read() {
        let text = "/opt/ats/bin/traffic_server: symbol lookup error: /lib/libcurl.so.4: undefined symbol: \
            SSL_get0_group_name, version OPENSSL_3.2.0";
        assert_eq!(
            sentence(&missing(text)),
            "no library has SSL_get0_group_name@OPENSSL_3.2.0 (needed by libcurl.so.4)"
        );
        let text = "traffic_server: error while loading shared libraries: libicuuc.so.76: cannot open shared object file: No such file or directory";
        assert_eq!(sentence(&missing(text)), "libicuuc.so.76 is missing");
        assert!(is_refusal(text) && !is_refusal("Fatal: no version `x' found"));
    }

    #[test]
    fn only_shared_libraries_have_a_soname() {
        assert_eq!(soname(b"#!/bin/sh"), None);
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(soname(&this), None, "a program is not a library");
        let library = ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/usr/lib64/libgcc_s.so.1"];
        if let Some(bytes) = library.iter().find_map(|path| std::fs::read(path).ok()) {
            assert_eq!(soname(&bytes).as_deref(), Some("libgcc_s.so.1"));
            // A truncated library must not cause a panic.
            for len in (0..bytes.len()).step_by(997) {
                let _ = soname(&bytes[..len]);
            }
        }
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
            let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0".to_vec();
            file.extend(bytes);
            let _ = (soname(&file), sentence(&missing(&text)));
        }
    }
}
