//! The `atsmatrix` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    atsmatrix::cli::main(std::env::args_os())
}
