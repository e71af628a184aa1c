//! What became of a merge, in words and as JSON.

use serde::Serialize;

use crate::model::CellId;
use crate::words::answer;
use crate::words::outline::TextOutline;

use super::{Conflict, Merged};

/// What was merged from so many parts.
pub fn merged(merged: &Merged, parts: usize) -> TextOutline {
    let mut outline = TextOutline::default();
    let (cells, plural) = (merged.result.cells.len(), if parts == 1 { "" } else { "s" });
    outline.line(0).strong(format!("{cells} cells")).say(format!(" from {parts} result{plural}, no contradiction"));
    if !merged.agreed.is_empty() {
        outline.line(1).say("answered alike more than once, and kept once: ").list(&merged.agreed);
    }
    if !merged.answered.is_empty() {
        outline.line(1).say("answered by some only, and the answer kept: ").list(&merged.answered);
    }
    outline
}

/// Why nothing was merged.
pub fn conflicts(conflicts: &[Conflict]) -> TextOutline {
    let mut outline = TextOutline::default();
    let plural = if conflicts.len() == 1 { "" } else { "s" };
    outline.line(0).strong(format!("{} contradiction{plural}", conflicts.len())).say(": nothing was merged");
    for conflict in conflicts {
        match conflict {
            Conflict::Nothing => outline.line(1).say("there is nothing to merge: name results/matrix.json files"),
            Conflict::Matrix { .. } => outline.line(1).say("they were made with different matrix.yaml files"),
            Conflict::Cell { id, .. } => outline.line(1).strong(id).say(" has different outcomes"),
        };
        let (Conflict::Matrix { kinds: claims } | Conflict::Cell { claims, .. }) = conflict else { continue };
        for (claim, names) in claims {
            outline.line(2).say(claim).say(": ").list(names);
        }
    }
    if conflicts.iter().any(|conflict| matches!(conflict, Conflict::Cell { .. })) {
        outline.line(1).say("way out: run these cells again on one machine, and leave the other results out");
    }
    outline
}

/// Why nothing was written: a shard is not there, or a cell was taken out of it.
pub fn incomplete(missing: &[CellId]) -> TextOutline {
    let mut outline = TextOutline::default();
    let plural = if missing.len() == 1 { "" } else { "s" };
    outline.line(0).strong(format!("{} cell{plural} missing", missing.len())).say(": nothing was merged");
    outline.line(1).say("of matrix.yaml, and in none of the results: ").list(missing);
    outline.line(1).say("way out: name the results of every shard, or take what there is: --partial");
    outline
}

/// The same for machines. Ends with a line end.
pub fn json_incomplete(missing: &[CellId]) -> String {
    answer::json(&Incomplete { missing })
}

#[derive(Serialize)]
struct Incomplete<'a> {
    missing: &'a [CellId],
}

#[derive(Serialize)]
struct Document<'a> {
    conflicts: &'a [Conflict],
}

/// Why nothing was merged, for machines. Ends with a line end.
pub fn json(conflicts: &[Conflict]) -> String {
    answer::json(&Document { conflicts })
}
