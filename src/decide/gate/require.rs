//! Do these cells pass? The list is a file: one cell a line, `#` begins a comment. Names only, no
//! patterns: a pattern cannot notice the cell that is not there.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::model::CellId;

use super::answer::{Answer, Cause, Reason};
use super::basis::{Basis, Stand};

/// Cells that must pass, in the order of the file, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The cells.
    pub cells: Vec<CellId>,
}

/// Why a text is no list of cells.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct RequirementError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl FromStr for Requirement {
    type Err = RequirementError;
    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let mut seen = BTreeSet::new();
        let mut cells = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if name.is_empty() {
                continue;
            }
            let cell: CellId = name.parse().map_err(|error: crate::model::IdError| {
                let message = format!("{}: {}", error.text.escape_debug(), error.rule);
                RequirementError { line: at + 1, message }
            })?;
            if seen.insert(cell.clone()) {
                cells.push(cell);
            }
        }
        Ok(Self { cells })
    }
}

pub(super) fn ask(basis: &Basis<'_>, name: &str, list: &Requirement, answer: &mut Answer) {
    answer.questions.push(format!("do the cells of {name} pass?"));
    if list.cells.is_empty() {
        let reason = Reason::new(Cause::NothingAsked, format!("{name} names no cell"));
        answer.unknown.push(reason.way_out("one cell a line, for example debian-13/9.2.9"));
    }
    for id in &list.cells {
        answer.rests_of(basis, basis.cell(id));
        match basis.must_pass(id) {
            Stand::Passes => {
                answer.notes.extend(basis.cell(id).and_then(super::coverage::own));
                answer.held.push(id.clone());
            }
            Stand::Not(reason) => answer.add(reason),
        }
    }
}
