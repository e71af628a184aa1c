//! nginx as the origin: what most origins are, with OpenSSL on the other end too.

pub(super) mod get;
pub(super) mod keepalive;
pub(super) mod mtls;
pub(super) mod tls12;
