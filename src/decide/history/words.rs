//! A history in words and as JSON.

use crate::decide::compare::words::{changes, turn_of};
use crate::words::answer;
use crate::words::escape::terminal;
use crate::words::outline::{OutlineLine, TextOutline};

use super::{History, Revision};

/// Characters shown of a commit's subject.
const SUBJECT: usize = 60;

/// `history` as text: since when and why, then all changes, newest first.
pub fn outline(history: &History) -> TextOutline {
    let mut outline = TextOutline::default();
    let cell = &history.cell;
    let head = outline.line(0);
    match &history.since {
        None => {
            head.strong(cell).say(format!(" never had an answer in {} revisions", history.revisions));
        }
        Some(since) => {
            let stale = if since.stale { "no answer now; the last one is " } else { "" };
            let open = since.before.is_none() && (history.cut || !history.unreadable.is_empty());
            let bound = if open { "at least " } else { "" };
            let line = head.strong(cell).say(": ").say(format!("{stale}{} since {bound}", since.verdict));
            name(line, &since.revision);
            match since.before {
                Some(before) => line.say(format!("; {before} before")),
                None => line.say("; no answer before"),
            };
            if let Some(change) = &since.change {
                outline.line(1).say("what changed then:");
                changes(&mut outline, 2, change);
            }
        }
    }
    if !history.events.is_empty() {
        outline.line(1).say("all changes, newest first:");
    }
    for event in history.events.iter().rev() {
        let line = outline.line(2);
        name(line, &event.revision);
        line.say(": ").say(turn_of(&event.change));
    }
    for (revision, why) in &history.unreadable {
        name(outline.line(1).say("unreadable: "), revision);
        outline.line(2).say(why);
    }
    if history.cut {
        outline.line(1).say("note: there may be earlier revisions (a shallow clone, --limit, or a renamed file)");
    }
    outline
}

/// Digits shown of a commit's id.
const COMMIT: usize = 12;

/// `2026-11-03 (3f2a9c1d2e4b, Results of today)`.
fn name<'a>(line: &'a mut OutlineLine, revision: &Revision) -> &'a mut OutlineLine {
    let commit: String = revision.commit.chars().take(COMMIT).collect();
    let subject = terminal(&revision.subject, SUBJECT);
    line.say(&revision.day).say(format!(" ({commit}, ")).say(subject).say(")")
}

/// `history` as JSON, with a final line break.
pub fn json(history: &History) -> String {
    answer::json(history)
}
