//! Addresses and names.

pub(super) mod dead_address;
pub(super) mod ipv6;
pub(super) mod refused;
