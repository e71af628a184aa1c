//! TLS to the origin: the thing that OpenSSL 3.2 broke, and its variations.

pub(super) mod remote_origin;
pub(super) mod same_host;
pub(super) mod tls12_only;
pub(super) mod tls13_only;
pub(super) mod verify_enforced;
