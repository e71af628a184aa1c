//! What decides that a cell fails where its neighbour passes: the answer, who was suspected, every experiment.

use maud::{Markup, html};

use crate::model::{Bisection, CellId, Effect};
use crate::report::bisection::{Rows, experiments, suspects};
use crate::words::bisection;
use crate::words::escape::{LINE, SHORT};

use super::Page;
use super::parts::{icon, shown};

/// The element of a bisection of `cell` by `trial`. Ids of elements have no blanks.
fn anchor(bisection: &Bisection) -> String {
    let trial = shown(&bisection.trial, SHORT).replace(' ', "-");
    format!("bisection/{}/{}/{trial}", bisection.bad, bisection.good)
}

/// All that was found about `cell`.
pub(super) fn of_cell(page: Page, cell: &CellId) -> Markup {
    html! { @for one in bisection::of_cell(&page.details.bisections, cell) { (section(page, one)) } }
}

/// A way from a trial to what decides it.
pub(super) fn links(page: Page, cell: &CellId, trial: &str) -> Markup {
    let found = bisection::of_cell(&page.details.bisections, cell).filter(|one| one.trial == trial);
    html! {
        @for one in found {
            p.about { "Bisected against " (one.good) ": " a href={ "#" (anchor(one)) } { (one.standing.words()) } }
        }
    }
}

fn section(page: Page, one: &Bisection) -> Markup {
    // A page may have several: each table has a name of its own.
    let named = |what: &str| format!("{what}: {}, {}, {}", one.bad, one.good, shown(&one.trial, SHORT));
    let effects: Vec<Effect> = one.experiments.iter().map(|tried| tried.result).collect();
    let shown_evidence = (1..).zip(&one.experiments);
    let rests: Vec<_> =
        shown_evidence.filter(|(_, tried)| bisection::rests_on(one, tried) && !tried.evidence.is_empty()).collect();
    html! {
        div.issue.bisection id=(anchor(one)) tabindex="-1" {
            h3 { "What decides " (shown(&one.trial, SHORT)) }
            p { strong { (one.standing.words()) } ": " (shown(&one.answer, 4 * LINE)) }
            @if let Some(why) = bisection::stale(one, page.result) {
                p { strong { "Out of date: " } (shown(&why, LINE)) ". Ask again with " code { (shown(&bisection::command(one), LINE)) } "." }
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
            @if !rests.is_empty() {
                details.group {
                    summary { h3 { "evidence " span.count { (rests.len()) } } }
                    @for (number, tried) in &rests {
                        p { (number) ". " (shown(&tried.base, SHORT)) (shown(&bisection::swapped(one, tried).unwrap_or_default(), LINE)) ": " (effect(tried.result)) }
                        pre { @for line in &tried.evidence { (shown(line, LINE)) "\n" } }
                    }
                }
            }
            p.hint { "Asked with " code { (shown(&bisection::command(one), LINE)) } }
        }
    }
}

/// With `effects` the results of rows: they have a symbol.
fn table(what: &str, rows: &Rows, effects: Option<&[Effect]>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(what) {
            table.plain {
                thead { tr { @for head in &rows.heads { th scope="col" { (head) } } } }
                tbody {
                    @for (at, row) in rows.rows.iter().enumerate() {
                        tr { @for (head, text) in rows.heads.iter().zip(row) {
                            td {
                                @match effects.and_then(|effects| effects.get(at)).filter(|_| *head == "result") {
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

/// Symbol and word.
fn effect(effect: Effect) -> Markup {
    let (class, symbol) = match effect {
        Effect::Pass => ("badge v-pass", "pass"),
        Effect::Fail => ("badge v-fail", "fail"),
        Effect::Inconclusive => ("badge v-skipped", "skipped"),
    };
    html! { span class=(class) { (icon(symbol)) span.word { (effect.word()) } } }
}
