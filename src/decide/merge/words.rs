//! The outcome of a merge in words and as JSON.

use serde::Serialize;

use crate::model::CellId;
use crate::words::outline::TextOutline;
use crate::words::{self, answer};

use super::{Conflict, Merged};

/// `merged` as text; it was merged from so many `parts`.
pub fn merged(merged: &Merged, parts: usize) -> TextOutline {
    let mut outline = TextOutline::default();
    let (cells, results) = (words::count(merged.result.cells.len(), "cell"), words::count(parts, "result"));
    outline.line(0).strong(cells).say(format!(" from {results}, no contradictions"));
    if !merged.agreed.is_empty() {
        outline.line(1).say("same answer in several results, kept once: ").list(&merged.agreed);
    }
    if !merged.answered.is_empty() {
        outline.line(1).say("answered in some results only, answer kept: ").list(&merged.answered);
    }
    outline
}

/// The conflicts as text.
pub fn conflicts(conflicts: &[Conflict]) -> TextOutline {
    let mut outline = TextOutline::default();
    outline.line(0).strong(words::count(conflicts.len(), "contradiction")).say(": nothing was merged");
    for conflict in conflicts {
        match conflict {
            Conflict::Nothing => outline.line(1).say("there is nothing to merge: name results/matrix.json files"),
            Conflict::Matrix { .. } => outline.line(1).say("the results were made with different matrix.yaml files"),
            Conflict::Cell { id, .. } => outline.line(1).strong(id).say(" has different outcomes"),
        };
        let (Conflict::Matrix { kinds: claims } | Conflict::Cell { claims, .. }) = conflict else { continue };
        for (claim, names) in claims {
            outline.line(2).say(claim).say(": ").list(names);
        }
    }
    if conflicts.iter().any(|conflict| matches!(conflict, Conflict::Cell { .. })) {
        outline.line(1).say("what to do: run these cells again on one machine, and leave the other results out");
    }
    outline
}

/// Why nothing was written: a shard is missing, or a cell was removed from one.
pub fn incomplete(missing: &[CellId]) -> TextOutline {
    let mut outline = TextOutline::default();
    outline.line(0).strong(format!("{} missing", words::count(missing.len(), "cell"))).say(": nothing was merged");
    outline.line(1).say("in matrix.yaml, but in none of the results: ").list(missing);
    outline.line(1).say("what to do: name the results of every shard, or merge what there is with --partial");
    outline
}

/// The missing cells as JSON, with a final line break.
pub fn json_incomplete(missing: &[CellId]) -> String {
    answer::json(&Incomplete { missing })
}

#[derive(Serialize)]
struct Incomplete<'a> {
    missing: &'a [CellId],
}

#[derive(Serialize)]
struct ConflictsJson<'a> {
    conflicts: &'a [Conflict],
}

/// The conflicts as JSON, with a final line break.
pub fn json(conflicts: &[Conflict]) -> String {
    answer::json(&ConflictsJson { conflicts })
}
