//! results/matrix.json, the format that is read back. Keys are in the order of the model's fields and cells in the order
//! of the matrix, so that the same outcomes give the same bytes.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::{MatrixResult, SCHEMA_VERSION};
use crate::words::grid::Grid;

/// Why a results file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Written by a newer program. Reading it as an older schema could give a wrong answer.
    #[error("{what} has schema {found}, this atsmatrix knows up to {known}: use a newer atsmatrix")]
    Newer {
        /// What the file holds, for the message.
        what: &'static str,
        /// The schema in the file.
        found: u32,
        /// The newest schema that this program can read.
        known: u32,
    },
    /// It contains the conflict markers of a git merge.
    #[error(
        "line {line} of matrix.json is a conflict marker: take one side completely (`git checkout --ours` or `--theirs`), \
         because a mix of two results is not a result"
    )]
    Conflict {
        /// Line of the first marker, from 1.
        line: usize,
    },
    /// Not JSON, or not of the expected structure.
    #[error("{what} is damaged or was not written by atsmatrix: {source}")]
    Malformed {
        /// What the file holds, for the message.
        what: &'static str,
        /// Where and why parsing failed.
        source: serde_json::Error,
    },
}

/// Parses JSON whose field `schema` is at most `known`. `what` names the file in errors.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8], what: &'static str, known: u32) -> Result<T, ReadError> {
    /// The schema alone: the rest of a newer file may have any structure.
    #[derive(Deserialize)]
    struct SchemaOnly {
        schema: u32,
    }
    let malformed = |source| ReadError::Malformed { what, source };
    let SchemaOnly { schema: found } = serde_json::from_slice(bytes).map_err(malformed)?;
    if found > known {
        return Err(ReadError::Newer { what, found, known });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

/// `result` as pretty JSON with a newline at the end. The order of its cells does not matter.
///
/// # Panics
/// Never: the model has string keys and finite numbers only.
pub fn write(result: &MatrixResult) -> Vec<u8> {
    let ordered = ordered(result);
    #[expect(clippy::expect_used, reason = "the model has string keys and finite numbers only")]
    let mut bytes = serde_json::to_vec_pretty(&ordered).expect("plain data serializes");
    bytes.push(b'\n');
    bytes
}

/// Reads a file that this or an older version of [`write()`] wrote. The result has the current schema.
pub fn read(bytes: &[u8]) -> Result<MatrixResult, ReadError> {
    let marker = bytes.split(|byte| *byte == b'\n').position(|line| line.starts_with(b"<<<<<<< "));
    if let Some(before) = marker {
        return Err(ReadError::Conflict { line: before + 1 });
    }
    let result: MatrixResult = parse(bytes, "matrix.json", SCHEMA_VERSION)?;
    Ok(MatrixResult { schema: SCHEMA_VERSION, ..result })
}

/// The JSON schema (draft 2020-12) of [`write()`]. Files of older versions match it too.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(MatrixResult).to_value()
}

/// `result` with its cells sorted row by row.
pub fn ordered(result: &MatrixResult) -> MatrixResult {
    let cells = Grid::new(result).cells().cloned().collect();
    MatrixResult {
        schema: result.schema,
        matrix: result.matrix.clone(),
        distros: result.distros.clone(),
        ats: result.ats.clone(),
        cells,
    }
}

#[cfg(test)]
mod tests;
