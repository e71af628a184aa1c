//! The evidence of a trial: the committed lines, and raw evidence of a run if there is any.

use maud::{Markup, html};

use crate::model::{RunEvidence, RunId, TrialEvidence, TrialResult};
use crate::words::escape::{LINE, SHORT};

use super::ladder::Ladder;
use super::parts::shown;
use super::{observed, svg};

/// Maximum length of the name of a source, in bytes; a longer prefix is part of the text.
const SOURCE: usize = 20;

/// Maximum number of connections drawn per attempt, or for the committed lines.
const DRAWN: usize = 6;

/// `direct`: the client speaks to the origin itself. Where there are committed lines, the first
/// attempt's packets are drawn beside them, and the rest of the raw evidence is folded away.
pub(super) fn section(trial: &TrialResult, kept: Option<&RunEvidence>, direct: bool) -> Markup {
    let client = if direct { "client" } else { "ATS" };
    let Some(kept) = kept else { return committed(trial, client) };
    let mut attempts = kept.attempts.iter().filter(|attempt| attempt.trial == trial.id);
    let Some(first) = attempts.next() else { return committed(trial, client) };
    html! {
        @if trial.evidence.is_empty() {
            (raw(&kept.run, first, client))
        } @else {
            div.split {
                (lines(trial))
                (drawn(&ladders(first), client))
            }
            details.raw { (headline(&kept.run, first)) (observed::attempt(first)) }
        }
        @for attempt in attempts {
            details.raw { (headline(&kept.run, attempt)) (raw(&kept.run, attempt, client)) }
        }
    }
}

/// The evidence without raw evidence.
fn committed(trial: &TrialResult, client: &str) -> Markup {
    let ladders: Vec<Ladder> = trial.evidence.iter().filter_map(|line| wire(line)).collect();
    html! {
        @if trial.evidence.is_empty() {
            p.hint { "No evidence was kept: it passed or did not run." }
        } @else {
            div.split {
                (lines(trial))
                (drawn(&ladders, client))
            }
        }
    }
}

fn lines(trial: &TrialResult) -> Markup {
    html! {
        dl.evidence {
            @for (source, lines) in by_source(&trial.evidence) {
                dt { (shown(source, SHORT)) }
                @for line in lines { dd { (shown(line, LINE)) } }
            }
        }
    }
}

fn headline(run: &RunId, attempt: &TrialEvidence) -> Markup {
    html! { summary { "Raw evidence of attempt " (attempt.attempt) " " span.note { "run " (run) } } }
}

fn raw(run: &RunId, attempt: &TrialEvidence, client: &str) -> Markup {
    html! {
        p.note { "Attempt " (attempt.attempt) " of run " (run) }
        div.split {
            (observed::attempt(attempt))
            (drawn(&ladders(attempt), client))
        }
    }
}

fn ladders(attempt: &TrialEvidence) -> Vec<Ladder> {
    attempt.observation.wire.iter().map(Ladder::of_flow).collect()
}

fn drawn(ladders: &[Ladder], client: &str) -> Markup {
    html! {
        @if !ladders.is_empty() { div.ladders {
            @for ladder in ladders.iter().take(DRAWN) { (svg::figure(ladder, client)) }
            @if ladders.len() > DRAWN { p.hint { (ladders.len() - DRAWN) " further connections are not drawn." } }
        } }
    }
}

fn wire(line: &str) -> Option<Ladder> {
    Ladder::of_line(line.strip_prefix("wire: ")?)
}

/// Groups adjacent lines by source: `client`, `origin`, `wire`, or the name of a log.
fn by_source(lines: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in lines {
        let (source, text) = match line.split_once(": ") {
            Some((source, text)) if source.len() <= SOURCE && !source.contains(' ') => (source, text),
            _ => ("also", line.as_str()),
        };
        match groups.last_mut() {
            Some((last, texts)) if *last == source => texts.push(text),
            _ => groups.push((source, vec![text])),
        }
    }
    groups
}
