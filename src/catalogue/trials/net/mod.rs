//! Addresses and names.

pub(super) mod dead_address;
pub(super) mod ipv6;
pub(super) mod refused;
pub(super) mod v6_dead_v4_alive;
