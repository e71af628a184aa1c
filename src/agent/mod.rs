//! Everything that runs inside containers, and the protocol.

#[cfg_attr(not(test), expect(dead_code, reason = "the cell agent, which captures, is not here yet"))]
pub(crate) mod capture;
