//! Many requests at once.

pub(super) mod load_200;
pub(super) mod reload;
