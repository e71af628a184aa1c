//! HTTP over the TLS leg: bodies and framing.

pub(super) mod close_delimited;
pub(super) mod early_413;
pub(super) mod early_hints;
pub(super) mod expect_100;
pub(super) mod expect_get;
pub(super) mod head;
pub(super) mod no_close_notify;
pub(super) mod no_content;
pub(super) mod not_modified;
pub(super) mod post_1m;
pub(super) mod post_chunked;
pub(super) mod response_10m;
pub(super) mod response_chunked;
pub(super) mod response_trailers;
pub(super) mod slow_response;
