//! TCP Fast Open.

pub(super) mod off;
pub(super) mod on;
