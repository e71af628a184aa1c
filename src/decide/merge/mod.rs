//! Results of shards or of several machines made into one. Pure. Of each cell one result remains;
//! two answers that differ are a contradiction, which a person has to settle.

#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{CellId, CellResult, MatrixResult, Outcome, SCHEMA_VERSION, Verdict};
use crate::words::answer;

pub use words::{conflicts, incomplete, json, json_incomplete, merged};

/// A result and what it is called in messages.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name, for example that of its file.
    pub name: String,
    /// The result.
    pub result: MatrixResult,
}

/// Parts made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// All cells of all parts, each once, in the order of the matrix.
    pub result: MatrixResult,
    /// Cells that several parts answered alike; one result of each was kept.
    pub agreed: Vec<CellId>,
    /// Cells of which only some parts had an answer; the answer was kept.
    pub answered: Vec<CellId>,
}

/// Why parts cannot be one result.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// There is nothing to merge.
    Nothing,
    /// They were made with different matrix.yaml files, or their rows and columns differ.
    Matrix {
        /// The parts by what they agree on: digest of matrix.yaml, rows, columns.
        kinds: BTreeMap<String, BTreeSet<String>>,
    },
    /// The same cell has different outcomes.
    Cell {
        /// Which.
        id: CellId,
        /// What it came to, and the parts that say so.
        claims: BTreeMap<String, BTreeSet<String>>,
    },
}

/// What parts say about one cell.
type Claims<'a> = [(&'a str, &'a CellResult)];

/// Makes `parts` one result. Neither their order nor merging some of them first changes what comes
/// out.
///
/// An answer replaces the lack of one: a machine without a way to some mirror says nothing against
/// one that has it. Of equal answers the one that sorts first as JSON is kept, and its provenance with it.
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

/// Those of `cells`, the cells of the matrix, that `result` does not have, in their order.
pub fn missing(result: &MatrixResult, cells: impl IntoIterator<Item = CellId>) -> Vec<CellId> {
    let there: BTreeSet<&CellId> = result.cells.iter().map(|cell| &cell.id).collect();
    cells.into_iter().filter(|id| !there.contains(id)).collect()
}

/// What all parts must have in common.
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

/// Answers first, then what says more; then anything that does not depend on the order of parts.
fn rank(cell: &CellResult) -> (u8, String) {
    let class = match cell.verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Unbuildable | Verdict::Flaky => 0,
        Verdict::Error => 1,
        Verdict::Unavailable => 2,
    };
    (class, answer::json(cell))
}

/// The cell's answers, if there are several that differ in the verdict or in a trial.
fn contradiction(id: &CellId, claims: &Claims) -> Option<Conflict> {
    type Trials<'a> = BTreeSet<(&'a str, Outcome)>;
    let mut answers: BTreeMap<(Verdict, Trials), BTreeSet<String>> = BTreeMap::new();
    for (name, cell) in claims.iter().filter(|(_, cell)| cell.verdict.is_answer()) {
        let trials = cell.trials.iter().map(|trial| (trial.id.as_str(), trial.outcome)).collect();
        answers.entry((cell.verdict, trials)).or_default().insert((*name).to_owned());
    }
    if answers.len() < 2 {
        return None;
    }
    let shared = |trial: &&(&str, Outcome)| answers.keys().all(|(_, trials)| trials.contains(*trial));
    let claim = |(verdict, trials): &(Verdict, Trials)| {
        let own = trials.iter().filter(|trial| !shared(trial)).map(|(id, outcome)| format!("{id} {outcome}"));
        format!("{verdict} ({})", own.collect::<Vec<_>>().join(", ")).replace(" ()", "")
    };
    let claims = answers.iter().map(|(answer, names)| (claim(answer), names.clone())).collect();
    Some(Conflict::Cell { id: id.clone(), claims })
}
