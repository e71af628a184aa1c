//! TLS session resumption.

pub(super) mod resume_off;
pub(super) mod resume_tls12;
pub(super) mod resume_tls13;
