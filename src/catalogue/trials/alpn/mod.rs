//! Protocols agreed on in the handshake.

pub(super) mod h2_fallback;
pub(super) mod h2_origin;
pub(super) mod http11_origin;
