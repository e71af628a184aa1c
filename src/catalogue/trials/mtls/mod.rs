//! Client certificates towards the origin.

pub(super) mod global;
pub(super) mod missing;
pub(super) mod sni_yaml;
