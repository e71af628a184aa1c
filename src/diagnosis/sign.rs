//! Signs: patterns over one observation, as data.

use regex::Regex;

use crate::model::{LogFile, Observation};
use crate::wire::facts;

/// One thing that evidence may show.
#[derive(Debug, Clone, Copy)]
pub enum Sign {
    /// The client's answer, as `STATUS REASON`, matches a regular expression.
    Answer(&'static str),
    /// A line of a log matches a regular expression.
    Log(LogFile, &'static str),
    /// On the wire, ATS completed the TCP handshake and closed without sending a byte.
    ClosedBeforeFirstByte,
}

impl Sign {
    /// Whether `observation` shows it.
    pub fn shows(&self, observation: &Observation) -> bool {
        match self {
            Self::Answer(pattern) => observation.client.iter().flat_map(|run| &run.exchanges).any(|exchange| {
                let status = exchange.status.map(|status| status.to_string()).unwrap_or_default();
                matches(pattern, &format!("{status} {}", exchange.reason))
            }),
            Self::Log(file, pattern) => {
                observation.logs.iter().any(|line| line.file == *file && matches(pattern, &line.text))
            }
            Self::ClosedBeforeFirstByte => observation.wire.iter().any(facts::closed_before_first_byte_by_client),
        }
    }

    /// Whether its pattern parses.
    pub fn is_well_formed(&self) -> bool {
        match self {
            Self::Answer(pattern) | Self::Log(_, pattern) => Regex::new(pattern).is_ok(),
            Self::ClosedBeforeFirstByte => true,
        }
    }
}

/// A pattern that does not parse matches nothing; a test sees to it that all do.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}
