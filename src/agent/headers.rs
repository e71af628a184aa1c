//! Headers as evidence: bounded, as text.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// Headers noted of one message.
pub(super) const MAX: usize = 32;

/// A value, bounded.
pub(super) fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).chars().take(256).collect()
}

/// Names in lower case and values of the first headers.
pub(super) fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().take(MAX).map(|(name, value)| (name.to_string(), text(value))).collect()
}
