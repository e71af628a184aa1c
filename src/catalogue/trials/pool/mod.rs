//! Kept connections to the origin: sharing, idle closes, races.

pub(super) mod idle_close;
pub(super) mod keepalive_reuse;
pub(super) mod off;
pub(super) mod race;
pub(super) mod shared;
