//! Answers of the gate as JSON, for machines; the shape is versioned.

use serde::Serialize;

use crate::words::answer;

use super::answer::{Answer, Word};
use super::path::Path;

#[derive(Serialize)]
struct Document<'a, T> {
    answer: Word,
    exit: u8,
    #[serde(flatten)]
    parts: &'a T,
}

/// An answer. Ends with a line end.
pub fn render(it: &Answer) -> String {
    let word = it.word();
    answer::json(&Document { answer: word, exit: word.exit() as u8, parts: it })
}

/// A path. Ends with a line end.
pub fn path(path: &Path) -> String {
    let word = path.word();
    answer::json(&Document { answer: word, exit: word.exit() as u8, parts: path })
}
