//! Misbehaving origins: ATS answers the right error in bounded time and stays alive.

pub(super) mod alert;
pub(super) mod bad_chunk;
pub(super) mod close_before_response;
pub(super) mod fin_after_hello;
pub(super) mod garbage_response;
pub(super) mod half_close;
pub(super) mod oversized_header;
pub(super) mod plain_for_tls;
pub(super) mod reset_after_accept;
pub(super) mod reset_mid_body;
pub(super) mod short_body;
pub(super) mod silent_handshake;
pub(super) mod silent_response;
