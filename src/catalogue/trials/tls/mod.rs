//! The way to a TLS origin: place, version, suite, stack.

pub(super) mod legacy_renegotiation;
pub(super) mod openssl_origin;
pub(super) mod remote_origin;
pub(super) mod same_host;
pub(super) mod tls12_only;
pub(super) mod tls12_suite_chacha20;
pub(super) mod tls12_suite_rsa;
pub(super) mod tls13_only;
pub(super) mod tls13_suite_aes256;
pub(super) mod tls13_suite_chacha20;
