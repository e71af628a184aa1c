//! A bisection as JSON, as it is kept and read back, and as tables.

use super::json::ReadError;
use crate::model::{BISECT_SCHEMA, Bisection};

mod table;

pub(super) use table::{RESULT, Rows, experiments, suspects};
pub use table::{page, text};

/// `bisection` as pretty JSON with a newline at the end, as kept in results/bisect/.
///
/// # Panics
/// Never: the model has string keys only.
pub fn json(bisection: &Bisection) -> String {
    #[expect(clippy::expect_used, reason = "the model has string keys only")]
    let text = serde_json::to_string_pretty(bisection).expect("plain data serializes");
    text + "\n"
}

/// Reads what [`json`] wrote.
pub fn read(bytes: &[u8]) -> Result<Bisection, ReadError> {
    super::json::parse(bytes, "it", BISECT_SCHEMA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::bisection::fixture;

    #[test]
    fn written_bisections_are_read_back_and_newer_files_are_refused() {
        let bisection = fixture::bisection();
        assert_eq!(read(json(&bisection).as_bytes()).unwrap(), bisection);
        assert!(read(b"{\"schema\": 99, \"x\": 1}").unwrap_err().to_string().contains("use a newer atsmatrix"));
        assert!(read(b"<<<<<<<").is_err());
    }
}
