//! Merges the results of shards or machines into one. Pure. One result of each cell remains; two different answers
//! are a contradiction that the user must resolve.

#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{CellId, CellResult, MatrixResult, Outcome, SCHEMA_VERSION, Verdict};
use crate::words::answer;

pub use words::{conflicts, incomplete, json, json_incomplete, merged};

/// A result with its name in messages.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name, for example its file.
    pub name: String,
    /// The result.
    pub result: MatrixResult,
}

/// The merged result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// All cells of all parts, each once, in the order of the matrix.
    pub result: MatrixResult,
    /// Cells with the same answer in several parts; one of them was kept.
    pub agreed: Vec<CellId>,
    /// Cells with an answer in some parts only; the answer was kept.
    pub answered: Vec<CellId>,
}

/// Why parts cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// There is nothing to merge.
    Nothing,
    /// They were made with different matrix.yaml files, or their rows or columns differ.
    Matrix {
        /// The names of the parts, by their matrix: digest of matrix.yaml, rows, columns.
        kinds: BTreeMap<String, BTreeSet<String>>,
    },
    /// The same cell has different outcomes.
    Cell {
        /// The cell.
        id: CellId,
        /// The names of the parts, by the outcome that they have.
        claims: BTreeMap<String, BTreeSet<String>>,
    },
}

/// The results of one cell, with the names of their parts.
type Claims<'a> = [(&'a str, &'a CellResult)];

/// Merges `parts`. Neither their order nor merging some of them first changes the result.
///
/// An answer replaces a missing one: a machine that cannot reach a mirror does not contradict one that can. Of equal
/// answers the one that sorts first as JSON is kept, with its provenance.
///
/// # Errors
/// All contradictions between the parts.
pub fn merge(parts: &[Part]) -> Result<Merged, Vec<Conflict>> {
    let Some(first) = parts.first() else { return Err(vec![Conflict::Nothing]) };
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut claims: BTreeMap<&CellId, Vec<(&str, &CellResult)>> = BTreeMap::new();
    for Part { name, result } in parts {
        kinds.entry(kind(result)).or_default().insert(name.clone());
        for cell in &result.cells {
            claims.entry(&cell.id).or_default().push((name, cell));
        }
    }
    let mut conflicts = Vec::new();
    if kinds.len() > 1 {
        conflicts.push(Conflict::Matrix { kinds });
    }
    conflicts.extend(claims.iter().filter_map(|(id, claims)| contradiction(id, claims)));
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let several = |alike: bool| -> Vec<CellId> {
        let wanted = claims.iter().filter(|(_, claims)| claims.len() > 1 && some_answer(claims));
        wanted.filter(|(_, claims)| all_answer(claims) == alike).map(|(id, _)| (*id).clone()).collect()
    };
    let (agreed, answered) = (several(true), several(false));
    let best = claims.values().filter_map(|claims| claims.iter().map(|(_, cell)| *cell).min_by_key(|cell| rank(cell)));
    let mut cells: Vec<CellResult> = best.cloned().collect();
    let result = &first.result;
    cells.sort_by_key(|cell| {
        let row = result.distros.iter().position(|distro| *distro == cell.id.distro);
        let column = result.ats.iter().position(|ats| *ats == cell.id.ats);
        (row.unwrap_or(usize::MAX), column.unwrap_or(usize::MAX), cell.id.clone())
    });
    let (matrix, distros, ats) = (result.matrix.clone(), result.distros.clone(), result.ats.clone());
    Ok(Merged { result: MatrixResult { schema: SCHEMA_VERSION, matrix, distros, ats, cells }, agreed, answered })
}

/// Those of `cells`, the cells of the matrix, that `result` lacks, in the same order.
pub fn missing(result: &MatrixResult, cells: impl IntoIterator<Item = CellId>) -> Vec<CellId> {
    let there: BTreeSet<&CellId> = result.cells.iter().map(|cell| &cell.id).collect();
    cells.into_iter().filter(|id| !there.contains(id)).collect()
}

/// What all parts must have in common, as text.
fn kind(result: &MatrixResult) -> String {
    fn list(names: &[impl ToString]) -> String {
        names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
    format!("matrix.yaml {}; distros {}; ats {}", result.matrix, list(&result.distros), list(&result.ats))
}

fn some_answer(claims: &Claims) -> bool {
    claims.iter().any(|(_, cell)| cell.verdict.is_answer())
}

fn all_answer(claims: &Claims) -> bool {
    claims.iter().all(|(_, cell)| cell.verdict.is_answer())
}

/// Answers first, then errors, which say more than unavailable; then any order that does not depend on the parts.
fn rank(cell: &CellResult) -> (u8, String) {
    let class = match cell.verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Unbuildable | Verdict::Broken | Verdict::Flaky => 0,
        Verdict::Error => 1,
        Verdict::Unavailable => 2,
    };
    (class, answer::json(cell))
}

/// The answers of a cell, if they differ in the verdict or in a trial.
fn contradiction(id: &CellId, claims: &Claims) -> Option<Conflict> {
    type TrialOutcomes<'a> = BTreeSet<(&'a str, Outcome)>;
    let mut answers: BTreeMap<(Verdict, TrialOutcomes), BTreeSet<String>> = BTreeMap::new();
    for (name, cell) in claims.iter().filter(|(_, cell)| cell.verdict.is_answer()) {
        let trials = cell.trials.iter().map(|trial| (trial.id.as_str(), trial.outcome)).collect();
        answers.entry((cell.verdict, trials)).or_default().insert((*name).to_owned());
    }
    if answers.len() < 2 {
        return None;
    }
    let shared = |trial: &&(&str, Outcome)| answers.keys().all(|(_, trials)| trials.contains(*trial));
    let claim = |(verdict, trials): &(Verdict, TrialOutcomes)| {
        let own = trials.iter().filter(|trial| !shared(trial)).map(|(id, outcome)| format!("{id} {outcome}"));
        format!("{verdict} ({})", own.collect::<Vec<_>>().join(", ")).replace(" ()", "")
    };
    let claims = answers.iter().map(|(answer, names)| (claim(answer), names.clone())).collect();
    Some(Conflict::Cell { id: id.clone(), claims })
}
