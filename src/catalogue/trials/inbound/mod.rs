//! Clients that speak TLS to ATS.

pub(super) mod h2;
pub(super) mod h2_post;
pub(super) mod key_passphrase;
pub(super) mod tls;
