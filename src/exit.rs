//! The exit codes of the program: one enum, documented in `docs/exit-codes.md`. Never a count.

use std::process::ExitCode;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// All as expected.
    Success = 0,
    /// A bug or an unforeseen failure of ours.
    Internal = 1,
    /// Bad usage or a bad matrix.yaml.
    Usage = 2,
    /// Unexpected outcomes, or the gate is closed.
    Unexpected = 3,
    /// Cells unavailable, in error or missing: no answer.
    Incomplete = 4,
    /// The selection matches no cell.
    NothingSelected = 5,
    /// No container engine answers.
    NoEngine = 6,
    /// Interrupted; results so far are kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its exit code. Anything without one leaves as [`Exit::Internal`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The code to leave with.
    pub exit: Exit,
    /// What happened, where, and what to do next.
    pub message: String,
}

impl Failure {
    /// An error with exit code `exit` and the text `message`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}
