//! Elements that several sections use.

use maud::{Markup, html};

use crate::model::{CellId, CellResult, Outcome, Verdict};
use crate::words::escape::{self, SHORT};
use crate::words::legend::{OUTCOMES, VERDICTS};
use crate::words::mark::{Mark, word};

/// Hostile text as one truncated line. maud escapes it for HTML.
pub(super) fn shown(text: &str, max: usize) -> String {
    escape::terminal(text, max)
}

/// A link if `url` is a harmless web address, else both as text.
pub(super) fn link(text: &str, url: &str) -> Markup {
    html! {
        @if escape::is_web_address(url) {
            a href=(url) rel="noreferrer" { (shown(text, SHORT)) }
        } @else {
            (shown(text, SHORT)) " (" (shown(url, escape::LINE)) ")"
        }
    }
}

/// The element id of a cell.
pub(super) fn cell_anchor(id: &CellId) -> String {
    format!("cell/{id}")
}

/// The element id of a trial. Ids must not contain spaces.
pub(super) fn trial_anchor(cell: &CellId, trial: &str) -> String {
    format!("trial/{cell}/{}", shown(trial, SHORT).replace(' ', "-"))
}

/// The symbol of a word. Symbols differ in shape, for readers who cannot distinguish the colours.
pub(super) fn icon(word: &str) -> Markup {
    html! { svg.icon aria-hidden="true" width="16" height="16" { use href={ "#i-" (name(word)) } {} } }
}

/// A word as part of an id or a class, which must not contain spaces.
pub(super) fn name(word: &str) -> String {
    word.replace(' ', "-")
}

/// The CSS classes of a verdict.
pub(super) fn class(cell: &CellResult) -> String {
    let mark = match Mark::of(cell) {
        Mark::None => "",
        Mark::Expected => " expected",
        Mark::Unexpected(_) | Mark::Partly | Mark::LimitationGone => " unexpected",
        Mark::Optional => " optional",
    };
    format!("v-{}{mark}", cell.verdict)
}

/// The symbol, word and note of a verdict.
pub(super) fn badge(cell: &CellResult) -> Markup {
    html! {
        span class={ "badge " (class(cell)) } {
            (icon(cell.verdict.word())) span.word { (word(cell)) }
            @if let Some(note) = Mark::of(cell).note() { " " span.note { (note) } }
        }
    }
}

/// The symbol and word of an outcome.
pub(super) fn outcome(outcome: Outcome) -> Markup {
    html! { span class={ "badge v-" (name(outcome.word())) } { (icon(outcome.word())) span.word { (outcome) } } }
}

/// A verdict as a symbol in a strip.
pub(super) fn dot(verdict: Option<Verdict>) -> Markup {
    html! {
        @match verdict {
            Some(verdict) => span class={ "dot v-" (verdict) } { (icon(verdict.word())) span.vh { (verdict) } },
            None => span.dot.none { span aria-hidden="true" { "·" } span.vh { "absent" } },
        }
    }
}

/// The drawings that [`icon`] uses.
pub(super) fn symbols() -> Markup {
    let verdicts = VERDICTS.map(|verdict| (verdict.word(), verdict_paths(verdict)));
    let is_new = |word: &str| VERDICTS.iter().all(|verdict| verdict.word() != word);
    let outcomes = OUTCOMES.into_iter().filter(|outcome| is_new(outcome.word()));
    let outcomes = outcomes.map(|outcome| (outcome.word(), outcome_paths(outcome)));
    html! {
        svg.symbols aria-hidden="true" width="0" height="0" {
            @for (word, paths) in verdicts.into_iter().chain(outcomes) {
                symbol id={ "i-" (name(word)) } viewBox="0 0 16 16" { @for path in paths { path d=(path) {} } }
            }
        }
    }
}

/// A circle with the radius 6.5.
const CIRCLE: &str = "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13";

/// The paths of a symbol, distinguishable without colour and at the size of a letter.
fn verdict_paths(verdict: Verdict) -> &'static [&'static str] {
    match verdict {
        Verdict::Pass => &[CIRCLE, "M4.8 8.3l2.3 2.3l4.2-4.8"],
        Verdict::Fail => &["M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3L1.5 10.7V5.3z", "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2"],
        Verdict::Unbuildable => &["M8 1.8L14.8 14H1.2z", "M8 6.2v3.6M8 11.6v.6"],
        // A chain link that is cut.
        Verdict::Broken => &["M1.5 5h4.2v6H1.5zM10.3 5h4.2v6h-4.2z", "M7.2 2.2l1.6 11.6"],
        Verdict::Flaky => &["M8 1.2L14.8 8L8 14.8L1.2 8z", "M4.9 8.4c1-1.6 2.1-1.6 3.1-.4s2.1 1.2 3.1-.4"],
        Verdict::Error => &["M2.5 2.5h11v11h-11z", "M8 4.8v4M8 10.7v.6"],
        Verdict::Unavailable => &[
            "M8 1.5a6.5 6.5 0 0 1 4.6 1.9M14.5 8a6.5 6.5 0 0 1-1.9 4.6M8 14.5a6.5 6.5 0 0 1-4.6-1.9M1.5 8a6.5 6.5 0 0 1 1.9-4.6",
            "M5.2 8h5.6",
        ],
    }
}

/// The paths of the symbol of an outcome.
fn outcome_paths(outcome: Outcome) -> &'static [&'static str] {
    match outcome {
        Outcome::Pass => verdict_paths(Verdict::Pass),
        Outcome::Fail => verdict_paths(Verdict::Fail),
        Outcome::Flaky => verdict_paths(Verdict::Flaky),
        Outcome::Error => verdict_paths(Verdict::Error),
        Outcome::Limitation => &[CIRCLE, "M8 4.6v4.2M8 10.7v.6"],
        Outcome::Unsupported => &[CIRCLE, "M3.6 3.6l8.8 8.8"],
        Outcome::Skipped => &["M3.5 3.5L8 8l-4.5 4.5M8.5 3.5L13 8l-4.5 4.5"],
    }
}
