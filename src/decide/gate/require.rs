//! Do these cells pass? The list is a file with one cell per line; `#` starts a comment. Patterns are not allowed: they
//! would not notice a missing cell.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::model::CellId;

use super::answer::{Cause, Decision, GateReason};
use super::basis::{Basis, PassCheck};

/// Cells that must pass, in the order of the file, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The cells.
    pub cells: Vec<CellId>,
}

/// Why a text is not a list of cells.
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

pub(super) fn ask(basis: &Basis<'_>, name: &str, list: &Requirement, answer: &mut Decision) {
    answer.questions.push(format!("do all cells of {name} pass?"));
    if list.cells.is_empty() {
        let reason = GateReason::new(Cause::NothingAsked, format!("{name} lists no cells"));
        answer.unknown.push(reason.fix("write one cell per line, for example debian-13/9.2.9"));
    }
    for id in &list.cells {
        answer.add_trials_of(basis, basis.cell(id));
        match basis.must_pass(id) {
            PassCheck::Passes => {
                answer.notes.extend(basis.cell(id).and_then(super::coverage::own));
                answer.held.push(id.clone());
            }
            PassCheck::Not(reason) => answer.add(reason),
        }
    }
}
