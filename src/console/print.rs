//! Text that leaves the program outside of a run's progress. Here everything that is printed becomes inert: names
//! and paths come from files and arguments, and neither the terminal nor GitHub must obey them.

use std::io::{self, Write as _};

use super::deliver;
use crate::exit::{Exit, Failure};
use crate::report::github::inert;
use crate::words::escape;

/// Writes lines to stdout.
///
/// # Errors
/// As [`document`].
pub fn print(text: &str) -> Result<(), Failure> {
    document(&tame(text))
}

/// Writes to stdout what was made inert where it was made: a document of some format, a table with colours.
///
/// # Errors
/// Where not all of it could be written: what is there would be taken for the whole. A reader that has seen
/// enough (`| head`) is no error.
pub fn document(text: &str) -> Result<(), Failure> {
    deliver(&mut io::stdout().lock(), text).map_err(|error| cut_off(&error))
}

/// What becomes of a command that could not write all it had to say.
pub fn cut_off(error: &io::Error) -> Failure {
    Failure::new(Exit::Internal, format!("cannot write to stdout: {error}; what is there is cut off"))
}

/// Writes lines to stderr: for whoever runs the program, when stdout is for what it answers.
pub fn aside(text: &str) {
    command(&tame(text));
}

/// Writes to stderr what GitHub shall obey.
pub fn command(text: &str) {
    // What cannot be written to can be told nothing.
    let _ = deliver(&mut io::stderr().lock(), text);
}

/// Writes an error with its causes to stderr, on as many lines as it has.
pub fn error(error: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "{}", tame(&format!("atsmatrix: {error:#}")));
}

/// `text` with its line ends, and with nothing else that a terminal or GitHub would obey.
pub fn tame(text: &str) -> String {
    inert(&escape::lines(text))
}

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn hostile_names_command_nobody() {
        let text = "`debian\n::error file=x::pwned\u{1b}[31m\r\u{9b}` is no name\n";
        assert_eq!(tame(text), "`debian\n\\::error file=x::pwned\\u{1b}[31m\\r\\u{9b}` is no name\n");
        assert_eq!(tame("a\n  b: Ünïcode \"x\" 'y' \\\n"), "a\n  b: Ünïcode \"x\" 'y' \\\n");
    }
}
