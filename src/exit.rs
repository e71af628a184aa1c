//! The exit codes of the program, documented in `docs/exit-codes.md`. A code is never a count.

use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// The exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything is as expected.
    Success = 0,
    /// A bug or an unforeseen failure.
    Internal = 1,
    /// Invalid usage or matrix.yaml.
    Usage = 2,
    /// Unexpected results, or a closed gate.
    Unexpected = 3,
    /// No answer: cells are unavailable, in error or missing.
    Incomplete = 4,
    /// The selection matches no cell.
    NothingSelected = 5,
    /// No container engine answers.
    NoEngine = 6,
    /// Interrupted; finished cells are kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with an exit code. Other errors exit with [`Exit::Internal`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, where, and what to do.
    pub message: String,
}

/// The exit code for `error`. A file that cannot be found, opened or created under its name is a usage error; a full disk is
/// not.
pub fn of(error: &anyhow::Error) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    let is_usage = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        matches!(
            error.kind(),
            ErrorKind::NotFound
                | ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::IsADirectory
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::InvalidFilename
                // A folder in use, such as `.`, in place of a file.
                | ErrorKind::ResourceBusy
        )
    });
    if is_usage { Exit::Usage } else { Exit::Internal }
}

impl Failure {
    /// Creates an error with exit code `exit` and the text `message`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_wrong_file_name_is_a_usage_error_and_a_full_disk_is_not() {
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
