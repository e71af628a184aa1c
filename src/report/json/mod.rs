//! results/matrix.json: the one format that is read back. Keys stand in the order of the model's
//! fields and cells in the order of the matrix, so the same outcomes give the same bytes.

use serde::Deserialize;

use crate::model::{MatrixResult, SCHEMA_VERSION};
use crate::words::grid::Grid;

/// Why bytes are no matrix.json that this program understands.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Written by a newer program: reading it as if it were ours could give a wrong answer.
    #[error("matrix.json has schema {found}, this atsmatrix knows up to {SCHEMA_VERSION}: use a newer atsmatrix")]
    Newer {
        /// The schema in the file.
        found: u32,
    },
    /// A merge stopped in it.
    #[error(
        "line {line} of matrix.json is a conflict marker: take one side whole (`git checkout --ours` or `--theirs`), as \
         halves of two results are no result"
    )]
    Conflict {
        /// Line of the first marker, from 1.
        line: usize,
    },
    /// No JSON, or not of that shape.
    #[error("matrix.json is damaged or was not written by atsmatrix: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// `result` as pretty JSON with a line end. The order of its cells does not matter.
///
/// # Panics
/// Never: the model has string keys and finite numbers only.
pub fn write(result: &MatrixResult) -> Vec<u8> {
    let ordered = ordered(result);
    #[expect(clippy::expect_used, reason = "the model has string keys only, and a Vec takes all that is written")]
    let mut bytes = serde_json::to_vec_pretty(&ordered).expect("plain data serializes");
    bytes.push(b'\n');
    bytes
}

/// Reads what [`write()`] wrote, in this version or an older one; the result has the current schema.
pub fn read(bytes: &[u8]) -> Result<MatrixResult, ReadError> {
    /// The schema alone: the rest of a newer file may have any shape.
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
    }
    let marker = bytes.split(|byte| *byte == b'\n').position(|line| line.starts_with(b"<<<<<<< "));
    if let Some(before) = marker {
        return Err(ReadError::Conflict { line: before + 1 });
    }
    let Head { schema } = serde_json::from_slice(bytes)?;
    if schema > SCHEMA_VERSION {
        return Err(ReadError::Newer { found: schema });
    }
    let result: MatrixResult = serde_json::from_slice(bytes)?;
    Ok(MatrixResult { schema: SCHEMA_VERSION, ..result })
}

/// The JSON schema (draft 2020-12) of what [`write()`] writes; what older versions wrote meets it too.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(MatrixResult).to_value()
}

/// The same result with its cells row by row.
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
