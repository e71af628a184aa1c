//! Renders events as single lines of text, and counts finished cells. Pure.

use std::collections::BTreeMap;

use crate::model::{CellResult, Effect, Event, Verdict};
use crate::words::count;
use crate::words::escape::{LINE, SHORT, terminal};
use crate::words::finding::Trials;
use crate::words::ink::Ink;
use crate::words::mark;

/// Maximum number of ruled-out parts that are named.
const MAX_NAMED: usize = 6;

/// Counts of cells so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Number of selected cells.
    pub(super) cells: usize,
    /// Number of finished cells.
    pub(super) done: usize,
    kinds: BTreeMap<(Verdict, String), usize>,
}

impl Tally {
    /// Counts `event`.
    pub(super) fn count(&mut self, event: &Event) {
        match event {
            Event::Started { cells, .. } => self.cells = *cells,
            Event::CellFinished { result, .. } => {
                self.done += 1;
                *self.kinds.entry((result.verdict, mark::label(result))).or_default() += 1;
            }
            _ => (),
        }
    }

    /// Cells by result: `2 pass, 1 fail (expected)`.
    pub(super) fn kinds(&self) -> String {
        let kinds = self.kinds.iter().map(|((_, label), count)| format!("{count} {label}"));
        kinds.collect::<Vec<_>>().join(", ")
    }
}

/// The line for an event in a log, without line end; `None` for events that have none.
pub(super) fn log_line(event: &Event, tally: &Tally, colour: bool) -> Option<String> {
    match event {
        Event::ImageStarted(work) => Some(format!("image {}: building", terminal(&work.name, SHORT))),
        Event::ImageFinished { name, error: None, ms } => {
            Some(format!("image {}: ready ({})", terminal(name, SHORT), span(*ms)))
        }
        Event::ExperimentStarted { number, what, suspects, ruled_out } => {
            let left = suspected(suspects, ruled_out);
            let left = if left.is_empty() { left } else { format!(" ({left})") };
            Some(format!("[{number}] trying {}{left}", terminal(what, LINE)))
        }
        event => permanent_line(event, tally, colour),
    }
}

/// The line for an event that stays on the screen above the live progress.
pub(super) fn permanent_line(event: &Event, tally: &Tally, colour: bool) -> Option<String> {
    match event {
        Event::Started { cells, engine } => Some(format!("{} on {}", count(*cells, "cell"), terminal(engine, SHORT))),
        Event::Swept { containers, networks } if containers + networks > 0 => Some(format!(
            "removed {} and {} of dead runs",
            count(*containers, "container"),
            count(*networks, "network")
        )),
        Event::ImageFinished { name, error: Some(error), ms } => {
            let what = Ink::Doubt.paint("failed", colour);
            Some(format!("image {}: {what} ({}): {}", terminal(name, SHORT), span(*ms), terminal(error, LINE)))
        }
        Event::CellFinished { result, ms } => Some(cell(result, *ms, tally, colour)),
        Event::ExperimentFinished { number, what, result, summary } => {
            Some(experiment(*number, what, *result, summary, colour))
        }
        Event::Note(text) => Some(format!("note: {}", terminal(text, LINE))),
        Event::Finished { interrupted: true } => Some("interrupted: finished cells are kept".to_owned()),
        Event::Finished { interrupted: false }
        | Event::Swept { .. }
        | Event::ImageStarted(_)
        | Event::ImageStep { .. }
        | Event::ImageFinished { error: None, .. }
        | Event::CellStarted { .. }
        | Event::ExperimentStarted { .. }
        | Event::TrialBegan { .. }
        | Event::TrialFinished { .. } => None,
    }
}

/// The line for a cell: `[3/12] debian-13/9.2.5: fail (expected), 7 of 9 trials did not pass, ATS-11465 (1.6 s)`.
fn cell(result: &CellResult, ms: u64, tally: &Tally, colour: bool) -> String {
    let mut facts = vec![mark::ink(result).paint(&mark::label(result), colour)];
    facts.extend(Trials::of(result).count().filter(|_| result.verdict == Verdict::Pass));
    if result.verdict != Verdict::Pass {
        facts.extend(result.reason.as_ref().map(|reason| terminal(reason, LINE)));
        let trials = Trials::of(result);
        if !trials.failing.is_empty() {
            facts.push(trials.tally());
        }
        if !trials.broken_controls.is_empty() {
            facts.push(trials.control_tally());
        }
        facts.extend(result.known_issues.iter().map(|issue| terminal(&issue.id, SHORT)));
    }
    format!("[{}/{}] {}: {} ({})", tally.done, tally.cells, result.id, facts.join(", "), span(ms))
}

/// The line for an experiment: `[7] debian-13/9.2.5 with openssl of debian-12: pass`; an inconclusive one has its reason.
fn experiment(number: usize, what: &str, result: Effect, summary: &str, colour: bool) -> String {
    let (ink, why) = match result {
        Effect::Pass => (Ink::Good, String::new()),
        Effect::Fail => (Ink::Bad, String::new()),
        Effect::Inconclusive => (Ink::Doubt, format!(": {}", terminal(summary, LINE))),
    };
    format!("[{number}] {}: {}{why}", terminal(what, LINE), ink.paint(result.word(), colour))
}

/// The ruled-out parts and the remaining suspects of a running experiment.
pub(super) fn suspected(suspects: &[String], ruled_out: &[String]) -> String {
    let still = match suspects {
        [] => return String::new(),
        few @ ([_] | [_, _] | [_, _, _]) => format!("suspected: {}", few.join(", ")),
        many => format!("{} suspected", many.len()),
    };
    let text = match ruled_out {
        [] => still,
        few if few.len() <= MAX_NAMED => format!("ruled out: {}; still {still}", few.join(", ")),
        many => {
            format!("ruled out: {} and {} more; still {still}", many[..MAX_NAMED].join(", "), many.len() - MAX_NAMED)
        }
    };
    terminal(&text, LINE)
}

/// Formats milliseconds: `1.6 s`, `5 min 12 s`.
fn span(ms: u64) -> String {
    match ms / 1000 {
        0..60 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_shows_its_parts_and_the_remaining_suspects() {
        let what = "debian-13/9.2.5 with openssl of debian-12".to_owned();
        let strings = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let tried = |suspects: &[&str], ruled_out: &[&str]| Event::ExperimentStarted {
            number: 7,
            what: what.clone(),
            suspects: strings(suspects),
            ruled_out: strings(ruled_out),
        };
        let plain = |event: &Event| log_line(event, &Tally::default(), false).unwrap();
        let line = plain(&tried(&["openssl", "zlib"], &[]));
        assert_eq!(line, "[7] trying debian-13/9.2.5 with openssl of debian-12 (suspected: openssl, zlib)");
        assert!(plain(&tried(&["a", "b", "c", "d"], &[])).ends_with("(4 suspected)"));
        let line = plain(&tried(&["a", "b", "c", "d"], &["xz-utils", "zlib"]));
        assert!(line.ends_with("(ruled out: xz-utils, zlib; still 4 suspected)"), "{line}");
        let line = plain(&tried(&["a"], &["1", "2", "3", "4", "5", "6", "7", "8"]));
        assert!(line.ends_with("(ruled out: 1, 2, 3, 4, 5, 6 and 2 more; still suspected: a)"), "{line}");
        assert!(plain(&tried(&[], &[])).ends_with("of debian-12"), "the ends: no suspects yet");
        let done =
            |result| Event::ExperimentFinished { number: 7, what: what.clone(), result, summary: "why\n".into() };
        assert!(plain(&done(Effect::Pass)).ends_with("debian-12: pass"));
        assert!(plain(&done(Effect::Inconclusive)).ends_with("inconclusive: why\\n"));
    }

    #[test]
    fn spans_are_short() {
        for (ms, text) in [(0, "0.0 s"), (1649, "1.6 s"), (59_999, "59.9 s"), (312_000, "5 min 12 s")] {
            assert_eq!(span(ms), text);
        }
    }
}
