//! What a user requests: matrix.yaml, the selected cells, the images they need, and the shard of one machine.

pub mod matrix;
pub mod plan;
pub mod shard;
