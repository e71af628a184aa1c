//! Renders changes of expectations.

use crate::config::matrix::{Addition, Edit, Matrix};
use crate::model::Verdict;
use crate::words;
use crate::words::outline::TextOutline;

use super::Changes;

/// The changes that `matrix` needs, or that were made if `done`.
pub fn outline(changes: &Changes, matrix: &Matrix, done: bool) -> TextOutline {
    let mut outline = TextOutline::default();
    let count = changes.edits.len();
    let edits = words::count(count, "change");
    let head = outline.line(0);
    match (count, done) {
        (0, _) if changes.expired.is_empty() && !changes.redefined.is_empty() => {
            head.strong("not known").say(": trials changed since they ran")
        }
        (0, _) if changes.expired.is_empty() => head.strong("as expected").say(": the results and matrix.yaml agree"),
        (0, _) => head.strong("expired").say(": nothing to update, but a person has to review these entries"),
        (_, true) => head.strong(edits).say(format!(" made to {}", matrix.file())),
        (_, false) => head.strong(edits).say(": atsmatrix expect --update makes them"),
    };
    for edit in &changes.edits {
        add_edit(&mut outline, edit, matrix);
    }
    for (entry, last) in &changes.expired {
        let line = outline.line(1).strong("expired ").say(format!("{last}: "));
        line.say(name(matrix, *entry));
        outline.line(2).say("it still applies: fix the cause, or set a later `expires` and a new reason");
    }
    for id in &changes.redefined {
        outline.line(1).say(format!("not judged, it changed since it ran: {id}; run it: atsmatrix run --trial {id}"));
    }
    for entry in &changes.unjudged {
        outline.line(1).say("not judged, no result covers it: ").say(name(matrix, *entry));
    }
    outline
}

fn add_edit(outline: &mut TextOutline, edit: &Edit, matrix: &Matrix) {
    match edit {
        Edit::Remove { entry } => {
            outline.line(1).strong("out of date: ").say(name(matrix, *entry));
        }
        Edit::Except { entry, cells } => {
            outline.line(1).strong("out of date in ").list(cells).say(": ").say(name(matrix, *entry));
        }
        Edit::Unname { entry, cell } => {
            outline.line(1).strong("out of date in ").say(cell).say(": ").say(name(matrix, *entry));
        }
        Edit::Uncover { entry, trial } => {
            outline.line(1).strong(format!("out of date for {trial}")).say(": ").say(name(matrix, *entry));
        }
        Edit::Add(Addition { cells, trials, issue, verdict, reason, .. }) => {
            let issue = match (issue, verdict) {
                (None, _) => String::new(),
                (Some(issue), Verdict::Pass) => format!(" without {issue}"),
                (Some(issue), _) => format!(" by {issue}"),
            };
            outline.line(1).strong("new ").say(verdict).say(issue).say(" in ").list(cells).say(": ").say(reason);
            if !trials.is_empty() {
                outline.line(2).list(trials);
            }
        }
    }
}

/// `matrix.yaml:12: OpenSSL 3.2 broke ...`.
fn name(matrix: &Matrix, entry: usize) -> String {
    let Some(entry) = matrix.expect.get(entry) else { return String::new() };
    format!("{}:{}: {}", matrix.file(), entry.at.0, entry.reason)
}
