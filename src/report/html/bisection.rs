//! Bisections of a cell: the answer, the suspects and the experiments.

use maud::{Markup, html};

use crate::model::{Bisection, CellId, Effect};
use crate::report::bisection::{RESULT, Rows, experiments, suspects};
use crate::words::bisection;
use crate::words::escape::{LINE, SHORT};

use super::Page;
use super::parts::{icon, shown};

/// The element id of a bisection. Ids must not contain spaces.
fn anchor(bisection: &Bisection) -> String {
    let trial = shown(&bisection.trial, SHORT).replace(' ', "-");
    format!("bisection/{}/{}/{trial}", bisection.bad, bisection.good)
}

/// All bisections of `cell`.
pub(super) fn of_cell(page: Page, cell: &CellId) -> Markup {
    html! { @for one in bisection::of_cell(&page.details.bisections, cell) { (section(page, one)) } }
}

/// Links from a trial to its bisections.
pub(super) fn links(page: Page, cell: &CellId, trial: &str) -> Markup {
    let found = bisection::of_cell(&page.details.bisections, cell).filter(|one| one.trial == trial);
    html! {
        @for one in found {
            p.about { "Bisected against " (one.good) ": " a href={ "#" (anchor(one)) } { (one.standing.words()) } }
        }
    }
}

fn section(page: Page, one: &Bisection) -> Markup {
    // A page may have several bisections: each table needs a unique name.
    let named = |what: &str| format!("{what}: {}, {}, {}", one.bad, one.good, shown(&one.trial, SHORT));
    let effects: Vec<Effect> = one.experiments.iter().map(|tried| tried.result).collect();
    let numbered = (1..).zip(&one.experiments);
    let supporting: Vec<_> =
        numbered.filter(|(_, tried)| bisection::supports(one, tried) && !tried.evidence.is_empty()).collect();
    html! {
        div.issue.bisection id=(anchor(one)) tabindex="-1" {
            h3 { "What decides " (shown(&one.trial, SHORT)) }
            p { strong { (one.standing.words()) } ": " (shown(&one.answer, 4 * LINE)) }
            @if let Some(why) = bisection::stale(one, page.result) {
                p { strong { "Out of date: " } (shown(&why, LINE)) ". Repeat it with " code { (shown(&bisection::command(one), LINE)) } "." }
            }
            @if !one.notes.is_empty() { ul { @for note in &one.notes { li { (shown(note, LINE)) } } } }
            details.group {
                summary { h3 { (bisection::title(one)) " " span.count { (one.suspects.len()) } } }
                (table(&named(bisection::title(one)), &suspects(one), None))
            }
            details.group {
                summary { h3 { "experiments " span.count { (one.experiments.len()) } } }
                (table(&named("experiments"), &experiments(one), Some(&effects)))
            }
            @if !supporting.is_empty() {
                details.group {
                    summary { h3 { "evidence " span.count { (supporting.len()) } } }
                    @for (number, tried) in &supporting {
                        p { (number) ". " (shown(&tried.base, SHORT)) (shown(&bisection::swapped(one, tried).unwrap_or_default(), LINE)) ": " (effect(tried.result)) }
                        pre { @for line in &tried.evidence { (shown(line, LINE)) "\n" } }
                    }
                }
            }
            p.hint { "Command: " code { (shown(&bisection::command(one), LINE)) } }
        }
    }
}

/// A table of `rows`. With `effects`, the results of the rows have symbols.
fn table(what: &str, rows: &Rows, effects: Option<&[Effect]>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(what) {
            table.plain {
                thead { tr { @for head in &rows.heads { th scope="col" { (head) } } } }
                tbody {
                    @for (at, row) in rows.rows.iter().enumerate() {
                        tr { @for (column, text) in row.iter().enumerate() {
                            td {
                                @match effects.and_then(|effects| effects.get(at)).filter(|_| column == RESULT) {
                                    Some(result) => (effect(*result)),
                                    None => (shown(text, LINE)),
                                }
                            }
                        } }
                    }
                }
            }
        }
    }
}

/// The symbol and the word of an effect.
fn effect(effect: Effect) -> Markup {
    let (class, symbol) = match effect {
        Effect::Pass => ("badge v-pass", "pass"),
        Effect::Fail => ("badge v-fail", "fail"),
        Effect::Inconclusive => ("badge v-skipped", "skipped"),
    };
    html! { span class=(class) { (icon(symbol)) span.word { (effect.word()) } } }
}
