//! Text that leaves the program outside of a run's progress.

use std::io::{self, Write as _};

use super::deliver;

/// Writes `text` to stdout. A reader that has seen enough is no error, and one that cannot be written
/// to can be told nothing.
pub fn print(text: &str) {
    let _ = deliver(&mut io::stdout().lock(), text);
}

/// Writes `text` to stderr: for whoever runs the program, when stdout is for what it answers.
pub fn aside(text: &str) {
    let _ = deliver(&mut io::stderr().lock(), text);
}

/// Writes an error with its causes to stderr, on as many lines as it has.
pub fn error(error: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "atsmatrix: {error:#}");
}
