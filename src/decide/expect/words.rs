//! Changes of expectations in words.

use crate::config::matrix::{Addition, Edit, Matrix};
use crate::model::Verdict;
use crate::words::outline::TextOutline;

use super::Changes;

/// What would change in `matrix`, or has been changed when `done`.
pub fn outline(changes: &Changes, matrix: &Matrix, done: bool) -> TextOutline {
    let mut outline = TextOutline::default();
    let count = changes.edits.len();
    let plural = if count == 1 { "" } else { "s" };
    let head = outline.line(0);
    match (count, done) {
        (0, _) if changes.expired.is_empty() => head.strong("as expected").say(": the results and matrix.yaml agree"),
        (0, _) => head.strong("expired").say(": nothing to rewrite, but something to look at again"),
        (_, true) => head.strong(format!("{count} change{plural}")).say(format!(" made to {}", matrix.file())),
        (_, false) => head.strong(format!("{count} change{plural}")).say(": atsmatrix expect --update makes them"),
    };
    for edit in &changes.edits {
        say(&mut outline, edit, matrix);
    }
    for (entry, last) in &changes.expired {
        let line = outline.line(1).strong("expired ").say(format!("{last}: "));
        line.say(name(matrix, *entry));
        outline.line(2).say("it happens still: mend it, or give it a later day and a new reason");
    }
    for entry in &changes.unjudged {
        outline.line(1).say("not judged, as no cell here speaks about it: ").say(name(matrix, *entry));
    }
    outline
}

fn say(outline: &mut TextOutline, edit: &Edit, matrix: &Matrix) {
    match edit {
        Edit::Remove { entry } => {
            outline.line(1).strong("mended: ").say(name(matrix, *entry));
        }
        Edit::Except { entry, cells } => {
            outline.line(1).strong("mended in ").list(cells).say(": ").say(name(matrix, *entry));
        }
        Edit::Unname { entry, cell } => {
            outline.line(1).strong("mended in ").say(cell).say(": ").say(name(matrix, *entry));
        }
        Edit::Uncover { entry, trial } => {
            outline.line(1).strong(format!("mended {trial}")).say(": ").say(name(matrix, *entry));
        }
        Edit::Add(Addition { cells, trials, issue, verdict, reason, .. }) => {
            let by = match (issue, verdict) {
                (None, _) => String::new(),
                (Some(issue), Verdict::Pass) => format!(" without {issue}"),
                (Some(issue), _) => format!(" by {issue}"),
            };
            outline.line(1).strong("new ").say(verdict).say(by).say(" in ").list(cells).say(": ").say(reason);
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
