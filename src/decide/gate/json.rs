//! Answers of the gate as versioned JSON.

use serde::Serialize;

use crate::words::answer;

use super::answer::{Decision, Word};
use super::path::UpgradePath;

#[derive(Serialize)]
struct AnswerJson<'a, T> {
    answer: Word,
    exit: u8,
    #[serde(flatten)]
    parts: &'a T,
}

/// `decision` as JSON, with a final line break.
pub fn render(decision: &Decision) -> String {
    let word = decision.word();
    answer::json(&AnswerJson { answer: word, exit: word.exit() as u8, parts: decision })
}

/// `path` as JSON, with a final line break.
pub fn path(path: &UpgradePath) -> String {
    let word = path.word();
    answer::json(&AnswerJson { answer: word, exit: word.exit() as u8, parts: path })
}
