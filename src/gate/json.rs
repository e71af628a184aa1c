//! Answers of the gate as JSON, for machines; the shape is versioned.

use serde::Serialize;

use crate::compare::json::{SCHEMA, pretty};

use super::answer::{Answer, Word};
use super::path::Path;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    answer: Word,
    exit: u8,
    #[serde(flatten)]
    parts: &'a T,
}

/// An answer. Ends with a line end.
pub fn render(answer: &Answer) -> String {
    let word = answer.word();
    pretty(&Document { schema: SCHEMA, answer: word, exit: word.exit() as u8, parts: answer })
}

/// A path. Ends with a line end.
pub fn path(path: &Path) -> String {
    let word = path.word();
    pretty(&Document { schema: SCHEMA, answer: word, exit: word.exit() as u8, parts: path })
}
