//! The exit codes of the program: one enum, documented in `docs/exit-codes.md`. Never a count.

use std::io::{self, ErrorKind};
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

/// The exit code that `error` leaves with. A file that cannot be found, reached or made by its name was named
/// wrongly, which is no bug of ours; a disk that is full was not.
pub fn of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    let named_wrongly = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        matches!(
            error.kind(),
            ErrorKind::NotFound
                | ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::InvalidFilename
                // A folder that is in use, such as `.`, in place of a file.
                | ErrorKind::ResourceBusy
        )
    });
    if named_wrongly { Exit::Usage } else { Exit::Internal }
}

impl Failure {
    /// An error with exit code `exit` and the text `message`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_was_named_wrongly_is_bad_usage_and_a_full_disk_is_not() {
        let code = |error: anyhow::Error| of(&error.context("cannot write x").context("cannot report"));
        for kind in [ErrorKind::NotFound, ErrorKind::IsADirectory, ErrorKind::NotADirectory] {
            assert_eq!(code(io::Error::from(kind).into()), Exit::Usage, "{kind}");
        }
        assert_eq!(code(io::Error::from(ErrorKind::StorageFull).into()), Exit::Internal);
        assert_eq!(code(anyhow::anyhow!("no such thing")), Exit::Internal);
        let failure = Failure::new(Exit::Incomplete, "no answer");
        assert_eq!(code(failure.into()), Exit::Incomplete);
        let caused = Err::<(), _>(io::Error::from(ErrorKind::NotFound)).context(Failure::new(Exit::NoEngine, "none"));
        assert_eq!(of(&caused.unwrap_err()), Exit::NoEngine);
    }
}
