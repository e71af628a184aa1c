//! `atsmatrix schema`: the JSON schema of matrix.yaml, for editors.

use crate::exit::Exit;
use crate::{console, matrix};

pub(super) fn run() -> anyhow::Result<Exit> {
    console::print(&format!("{}\n", serde_json::to_string_pretty(&matrix::schema())?));
    Ok(Exit::Success)
}
