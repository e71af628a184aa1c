//! Headers as evidence: text of bounded length.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// Headers recorded of one message.
pub(super) const MAX_HEADERS: usize = 32;

/// Characters recorded of a header value, of a target, of a part of a start line.
pub(super) const MAX_VALUE: usize = 256;

/// Characters recorded of a reason phrase.
pub(super) const MAX_REASON: usize = 120;

/// A value as text.
pub(super) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).chars().take(MAX_VALUE).collect()
}

/// The first headers: names in lower case, and values.
pub(super) fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().take(MAX_HEADERS).map(|(name, value)| (name.to_string(), text(value))).collect()
}
