//! What an experiment tells while it is made.

use crate::bisect::parts::CellDifferences;
use crate::bisect::search::Parts;
use crate::model::{Event, Tried};

/// What is still suspected, and what is not any more.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) suspects: Vec<String>,
    pub(super) ruled_out: Vec<String>,
    /// Of a line, where it still may turn.
    pub(super) range: Option<String>,
}

impl Left {
    /// By the parts that are still suspected.
    pub(super) fn of(differences: &CellDifferences, suspects: &Parts) -> Self {
        let rest: Parts = (0..differences.parts.len()).filter(|part| !suspects.contains(part)).collect();
        Self { suspects: differences.names(suspects), ruled_out: differences.names(&rest), range: None }
    }

    /// By the places of a line between which it turns: step `n` leads from place `n` to the next.
    pub(super) fn between(steps: &[String], last: usize, first: usize, range: String) -> Self {
        let inside = |at: usize| (last..first).contains(&at);
        let those = |wanted: bool| {
            let steps = steps.iter().enumerate().filter(move |(at, _)| inside(*at) == wanted);
            steps.map(|(_, name)| name.clone()).collect()
        };
        Self { suspects: those(true), ruled_out: those(false), range: Some(range) }
    }
}

pub(super) fn started(number: usize, what: String, left: &Left) -> Event {
    let what = match &left.range {
        Some(range) => format!("{what}, {range}"),
        None => what,
    };
    Event::ExperimentStarted { number, what, suspects: left.suspects.clone(), ruled_out: left.ruled_out.clone() }
}

pub(super) fn finished(number: usize, line: &Tried, what: String) -> Event {
    Event::ExperimentFinished { number, what, result: line.result, summary: line.summary.clone() }
}
