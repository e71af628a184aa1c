//! HTTP over the TLS leg: bodies, connections.

pub(super) mod keepalive_reuse;
pub(super) mod post_1m;
pub(super) mod response_10m;
