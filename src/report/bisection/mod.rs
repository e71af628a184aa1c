//! A bisection as JSON, which is what is kept and read back, and as tables.

use crate::model::{BISECT_SCHEMA, Bisection};

mod table;

pub(super) use table::{Rows, experiments, suspects};
pub use table::{page, text};

/// Why bytes are no bisection that this program understands.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Written by a newer program.
    #[error("it has schema {found}, this atsmatrix knows up to {BISECT_SCHEMA}: use a newer atsmatrix")]
    Newer {
        /// The schema in the file.
        found: u32,
    },
    /// No JSON, or not of that shape.
    #[error("it is damaged or was not written by atsmatrix: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// `bisection` as pretty JSON with a line end: what is kept in results/bisect/.
///
/// # Panics
/// Never: the model has string keys only.
pub fn json(bisection: &Bisection) -> String {
    #[expect(clippy::expect_used, reason = "the model has string keys only, and a String takes all that is written")]
    let text = serde_json::to_string_pretty(bisection).expect("plain data serializes");
    text + "\n"
}

/// Reads what [`json`] wrote.
pub fn read(bytes: &[u8]) -> Result<Bisection, ReadError> {
    /// The schema alone: the rest of a newer file may have any shape.
    #[derive(serde::Deserialize)]
    struct Head {
        schema: u32,
    }
    let Head { schema } = serde_json::from_slice(bytes)?;
    if schema > BISECT_SCHEMA {
        return Err(ReadError::Newer { found: schema });
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::bisection::fixture;

    #[test]
    fn what_was_written_is_read_again_and_newer_files_are_refused() {
        let bisection = fixture::bisection();
        assert_eq!(read(json(&bisection).as_bytes()).unwrap(), bisection);
        assert!(read(b"{\"schema\": 99, \"x\": 1}").unwrap_err().to_string().contains("use a newer atsmatrix"));
        assert!(read(b"<<<<<<<").is_err());
    }
}
