//! Progress events of experiments.

use crate::bisect::parts::CellDifferences;
use crate::bisect::search::Parts;
use crate::model::{Event, Tried};

/// The remaining suspects, and those that are ruled out.
#[derive(Debug, Default)]
pub(super) struct Remaining {
    pub(super) suspects: Vec<String>,
    pub(super) ruled_out: Vec<String>,
    /// The remaining range, in a search over versions.
    pub(super) range: Option<String>,
}

impl Remaining {
    /// From the parts that are still suspected.
    pub(super) fn of(parting: &CellDifferences, suspects: &Parts) -> Self {
        let rest: Parts = (0..parting.parts.len()).filter(|part| !suspects.contains(part)).collect();
        Self { suspects: parting.names(suspects), ruled_out: parting.names(&rest), range: None }
    }

    /// From the positions between which the outcome changes: step `n` leads from position `n` to the next.
    pub(super) fn between(steps: &[String], last: usize, first: usize, range: String) -> Self {
        let inside = |at: usize| (last..first).contains(&at);
        let names = |wanted: bool| {
            let steps = steps.iter().enumerate().filter(move |(at, _)| inside(*at) == wanted);
            steps.map(|(_, name)| name.clone()).collect()
        };
        Self { suspects: names(true), ruled_out: names(false), range: Some(range) }
    }
}

pub(super) fn started(number: usize, what: String, left: &Remaining) -> Event {
    let what = match &left.range {
        Some(range) => format!("{what}, {range}"),
        None => what,
    };
    Event::ExperimentStarted { number, what, suspects: left.suspects.clone(), ruled_out: left.ruled_out.clone() }
}

pub(super) fn finished(number: usize, line: &Tried, what: String) -> Event {
    Event::ExperimentFinished { number, what, result: line.result, summary: line.summary.clone() }
}
