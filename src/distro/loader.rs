//! What the dynamic loader (ld.so) prints: why it refuses to start a program, and which libraries it resolves.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// A symbol, symbol version or library that a program needed and that was missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingSymbol {
    /// The symbol or its version, for example `GLIBC_2.38`; the file name of a missing library.
    pub what: String,
    /// File name of the library that lacks it; empty when the loader does not say.
    pub provider: String,
    /// File name of the program or library that needs it; empty when the loader does not say.
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

/// Whether the loader refuses to start a program in this line.
pub fn is_refusal(line: &str) -> bool {
    VERSION.is_match(line) || SYMBOL.is_match(line) || line.contains("error while loading shared libraries: ")
}

/// Everything that the loader reports as missing in `text` (lines or parts of lines), sorted, without repetitions.
pub fn missing(text: &str) -> Vec<MissingSymbol> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for captures in VERSION.captures_iter(text) {
        found.push(MissingSymbol {
            what: captures["what"].to_owned(),
            provider: base(&captures["provider"]),
            needed_by: base(&captures["by"]),
        });
    }
    for captures in SYMBOL.captures_iter(text) {
        let version = captures.name("version").map(|version| format!("@{}", version.as_str()));
        let what = format!("{}{}", &captures["what"], version.unwrap_or_default());
        found.push(MissingSymbol { what, provider: String::new(), needed_by: base(&captures["by"]) });
    }
    for captures in LIBRARY.captures_iter(text) {
        let provider = base(&captures["provider"]);
        found.push(MissingSymbol { what: provider.clone(), provider, needed_by: String::new() });
    }
    found.sort();
    found.dedup();
    found
}

/// What was missing, in one sentence, grouped by library: `libc.so.6 has no GLIBC_2.38 (needed by libcrypto.so.3)`.
pub fn sentence(missing: &[MissingSymbol]) -> String {
    let mut grouped: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for one in missing {
        grouped.entry((&one.provider, &one.needed_by)).or_default().push(&one.what);
    }
    let parts = grouped.into_iter().map(|((provider, by), what)| {
        let what = what.join(", ");
        match (provider.is_empty(), by.is_empty()) {
            (false, false) => format!("{provider} has no {what} (needed by {by})"),
            (true, _) => format!("no library has {what} (needed by {by})"),
            (false, true) => format!("{provider} is missing"),
        }
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// The path that the loader would take for the library whose name starts with `name`, from what it prints with
/// `LD_TRACE_LOADED_OBJECTS` set: `NAME => PATH (0x...)`.
pub fn resolved<'a>(trace: &'a str, name: &str) -> Option<&'a str> {
    trace.lines().find_map(|line| {
        let (library, rest) = line.trim().split_once(" => ")?;
        let path = rest.rsplit_once(" (0x").map_or(rest, |(path, _)| path);
        (library.starts_with(name) && path.starts_with('/')).then_some(path)
    })
}

/// Whether this is the soname of a dynamic loader: `ld-linux-x86-64.so.2`, `ld64.so.2`, `ld-musl-x86_64.so.1` (which is
/// also the C library).
pub fn is_loader(soname: &str) -> bool {
    soname.starts_with("ld-") || soname.starts_with("ld64.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Recorded with the OpenSSL of Debian 13 in Debian 12, and with the glibc of Debian 12 below libraries of Debian 13.
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
    fn the_path_that_the_loader_resolves_is_read() {
        let resolved = |name| {
            let text = "\tlinux-vdso.so.1 (0x7ffd)\n\tlibssl.so.3 => /opt/my libs/libssl.so.3 (0x7f1c)\n\
                        \tlibcrypto.so.3 => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x7f1d)\n";
            super::resolved(text, name)
        };
        assert_eq!(resolved("libssl"), Some("/opt/my libs/libssl.so.3"));
        assert_eq!((resolved("libcrypto"), resolved("libgnutls"), super::resolved("", "libssl")), (None, None, None));
        assert!(is_loader("ld-linux-x86-64.so.2") && is_loader("ld64.so.2") && !is_loader("libdl.so.2"));
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "\\PC{0,200}") {
            let _ = (sentence(&missing(&text)), is_refusal(&text), super::resolved(&text, "lib"));
        }
    }
}
