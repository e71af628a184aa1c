//! The `atsmatrix` program.

fn main() {}
