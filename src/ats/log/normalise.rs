//! Log lines without the parts that differ from run to run, so that they can be committed and compared.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

/// Characters kept of a line.
const MAX_LINE: usize = 500;

/// Replacements, in this order.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // Timestamps of error.log and diags.log, then the thread or program.
        (r"^\d{8}\.\d\dh\d\dm\d\ds ", ""),
        (r"^\[\w{3} +\d+ [\d:.]+\] ", ""),
        (r"^(?:\[[A-Z][A-Z_]*(?: \d+)?\]|traffic_\w+|\{0x[0-9a-f]+\}) ", ""),
        (r"\{0x[0-9a-f]+\} ?", ""),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}:\d+", "IP:PORT"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "IP"),
        (r"\bIP:\d+", "IP:PORT"),
        (r"(?<host>//[^/\s':]+):\d+", "$host:PORT"),
        (r"(?<name>\b(?:src_)?port[= ])\d+", "${name}PORT"),
        // ATS names its process by one in Via.
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "UUID"),
        // The thread id of OpenSSL, addresses in stack traces, and error numbers that ATS has no name for.
        (r"\bSSL::\d+:", "SSL::THREAD:"),
        (r"\b0x[0-9a-f]{5,}", "0xADDRESS"),
        (r"Unknown error \d{5,}(?: \[\d+\])?", "Unknown error N"),
    ]
    .map(|(text, with)| (pattern(text), with))
    .into()
});

/// Candidates for an IPv6 address, perhaps in brackets.
static IPV6: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[?[0-9a-fA-F]*:[0-9a-fA-F:]*(?:\.[0-9.]+)?\]?"));

/// `line` without timestamp, thread, addresses and ports, cut at 500 characters. Error numbers, host names and URLs
/// stay.
pub fn normalise(line: &str) -> String {
    let line: String = line.trim_end().chars().take(MAX_LINE).collect();
    let mut text = without_ipv6(&line);
    for (pattern, with) in RULES.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&text, *with) {
            text = replaced;
        }
    }
    text
}

/// `line` with `IP` instead of every IPv6 address that is a word of its own: `SSL::add` in C++ names is not one.
fn without_ipv6(line: &str) -> String {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut text = String::new();
    let mut done = 0;
    for found in IPV6.find_iter(line) {
        let word = found.as_str().trim_matches(['[', ']']);
        let alone = !line[..found.start()].ends_with(part_of_word) && !line[found.end()..].starts_with(part_of_word);
        if alone && word != "::" && word.parse::<Ipv6Addr>().is_ok() {
            text.push_str(&line[done..found.start()]);
            text.push_str("IP");
            done = found.end();
        }
    }
    text.push_str(&line[done..]);
    text
}
