//! Prints text to stdout and stderr, apart from the progress of a run. Names and paths in it come from files and arguments,
//! so it is made inert: neither the terminal nor GitHub must interpret it.

use std::io::{self, Write as _};

use super::write_all_to;
use crate::exit::{Exit, Failure};
use crate::report::github::inert;
use crate::words::escape;

/// Sanitizes text and writes it to stdout.
///
/// # Errors
/// As [`print_document`].
pub fn print(text: &str) -> Result<(), Failure> {
    print_document(&sanitize(text))
}

/// Writes text to stdout that is inert already: a document in some format, or a table with colours.
///
/// # Errors
/// Not all of it could be written, so the output is truncated. A reader that closes early (`| head`) is not an error.
pub fn print_document(text: &str) -> Result<(), Failure> {
    write_all_to(&mut io::stdout().lock(), text).map_err(|error| truncated(&error))
}

/// The error of a command whose output to stdout is truncated.
pub fn truncated(error: &io::Error) -> Failure {
    Failure::new(Exit::Internal, format!("cannot write to stdout: {error}; the output is truncated"))
}

/// Sanitizes text and writes it to stderr, for notes beside the answer on stdout.
pub fn eprint(text: &str) {
    github_command(&sanitize(text));
}

/// Writes workflow commands for GitHub to stderr.
pub fn github_command(text: &str) {
    // An error on stderr cannot be reported anywhere.
    let _ = write_all_to(&mut io::stderr().lock(), text);
}

/// Writes an error with its causes to stderr.
pub fn error(error: &anyhow::Error) {
    let _ = writeln!(io::stderr().lock(), "{}", sanitize(&format!("atsmatrix: {error:#}")));
}

/// Escapes everything in `text` that a terminal or GitHub would interpret, except line ends.
pub fn sanitize(text: &str) -> String {
    inert(&escape::lines(text))
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn hostile_names_are_escaped() {
        let text = "`debian\n::error file=x::pwned\u{1b}[31m\r\u{9b}` is no name\n";
        assert_eq!(sanitize(text), "`debian\n\\::error file=x::pwned\\u{1b}[31m\\r\\u{9b}` is no name\n");
        assert_eq!(sanitize("a\n  b: Ünïcode \"x\" 'y' \\\n"), "a\n  b: Ünïcode \"x\" 'y' \\\n");
    }
}
