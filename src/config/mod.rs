//! What the user asks for: matrix.yaml, which of its cells are selected, and the image steps they need.

pub mod matrix;
pub mod plan;
pub mod shard;
