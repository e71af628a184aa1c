//! Texts without what differs from run to run, or from trial to trial by its name alone.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::matrix::sha256_hex;
use crate::model::{added_name, front_name, origin_name, wild_name};

/// Characters kept of a value as they are; of the rest there is a digest.
const MAX_VALUE: usize = 600;

/// Hex digits of the digest of what is not kept.
const DIGITS: usize = 12;

/// Headers whose values depend on the time, or on how a program made its answer: only their presence is behaviour.
const VARYING: &[&str] =
    &["age", "date", "etag", "expires", "last-modified", "set-cookie", "x-envoy-upstream-service-time"];

/// The value that stands for one that varies.
pub(super) const ANY: &str = "*";

/// Replacements, in this order.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // ATS names its version in Via and Server, and its process in Via.
        (r"\b(?<name>ApacheTrafficServer|ATS)/[0-9][0-9A-Za-z.+-]*", "$name/{version}"),
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "{uuid}"),
        (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\b", "{date}"),
        // Containers have random names of hex digits, as have digests.
        (r"\b[0-9a-f]{12,}\b", "{hex}"),
        (r"\[?::1\]?", "{loopback}"),
        (r"\b127\.0\.0\.1\b", "{loopback}"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "{ip}"),
        (r":\d{2,5}\b", ":{port}"),
    ]
    .into_iter()
    .filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with)))
    .collect()
});

/// `value` of the trial `trial` without addresses, ports, dates, versions of ATS, random values and the trial's names.
pub(super) fn text(trial: &str, value: &str) -> String {
    let mut text = value.to_owned();
    for (name, with) in [
        (wild_name(trial), "{origin}"),
        (origin_name(trial), "{origin}"),
        (added_name(trial), "{added}"),
        (front_name(trial), "{host}"),
    ] {
        text = text.replace(&name, with);
    }
    for (pattern, with) in RULES.iter() {
        text = pattern.replace_all(&text, *with).into_owned();
    }
    match text.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => {
            let rest = text.split_off(end);
            text + &more(rest.chars().count(), &rest)
        }
        None => text,
    }
}

/// Stands for `count` values or characters that are not kept, so that another rest is another value.
pub(super) fn more(count: usize, rest: &str) -> String {
    let digest = sha256_hex(rest.as_bytes());
    format!("... and {count} more ({})", digest.get(..DIGITS).unwrap_or(&digest))
}

/// The name of a group: a program of an OpenSSL that does not know it says its number.
pub(super) fn group(name: &str) -> String {
    if name == "0x11ec" { "X25519MLKEM768".to_owned() } else { name.to_owned() }
}

/// The value of the header `name`, normalised.
pub(super) fn header(trial: &str, name: &str, value: &str) -> String {
    if VARYING.contains(&name) { ANY.to_owned() } else { text(trial, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        let of = |value: &str| text("tls-get", value);
        assert_eq!(
            of("http/1.1 traffic_server[d62a3d79-8f93-4f31-9c13-435e3f0bd8ee] (ApacheTrafficServer/9.2.9)"),
            "http/1.1 traffic_server[{uuid}] (ApacheTrafficServer/{version})"
        );
        assert_eq!(of("ATS/10.0.6"), "ATS/{version}");
        assert_eq!(of("tls-get.test:20046"), "{origin}:{port}");
        assert_eq!(of("tls-get.wild.test:20046"), "{origin}:{port}");
        assert_eq!(of("http://tls-get.t/a"), "http://{host}/a");
        assert_eq!(of("172.31.0.3:41880, 127.0.0.1"), "{ip}:{port}, {loopback}");
        assert_eq!(of("Mon, 23 Nov 2026 11:34:54 GMT"), "{date}");
        assert_eq!(of("http/1.1 4f1a0c9be2d3"), "http/1.1 {hex}");
    }

    #[test]
    fn what_a_proxy_does_stays() {
        for kept in
            ["keep-alive", "text/html; charset=iso-8859-1", "chunked", "HTTP/1.1", "[c sSf ]", "1000", "max-age=60"]
        {
            assert_eq!(text("t", kept), kept);
        }
        assert_eq!(header("t", "date", "Mon, 23 Nov 2026 11:34:54 GMT"), ANY);
        assert_eq!(header("t", "cache-control", "no-store"), "no-store");
    }

    #[test]
    fn what_is_not_kept_is_compared_all_the_same() {
        let long = |end: &str| text("t", &("x".repeat(200_000) + end));
        assert_eq!(long("a"), long("a"));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() < 700 && long("a").contains("... and 199401 more ("), "{}", long("a"));
        assert_eq!(text("t", &"x".repeat(600)), "x".repeat(600));
    }

    #[test]
    fn every_rule_is_a_valid_expression() {
        assert_eq!(RULES.len(), 8);
    }
}
