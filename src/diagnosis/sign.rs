//! Signs: patterns over the evidence of one cell, as data.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use globset::GlobMatcher;
use regex::Regex;

use super::{Case, Evidence};
use crate::model::{AtsLife, ClosedBy, LogFile, LogLine, Observation, Outcome};
use crate::wire::facts;

/// One thing that evidence may show.
#[derive(Debug, Clone, Copy)]
pub enum Sign {
    /// An answer to the client, as `STATUS REASON`, matches a regular expression.
    Answer(&'static str),
    /// A request of the client got no answer at all: the connection hung or was closed.
    NoAnswer,
    /// The first request was answered well, a later one with 5xx or not at all.
    LaterFails,
    /// The head of a response took at least so many milliseconds.
    Slow(u64),
    /// A line of a log that names the trial matches a regular expression.
    Log(LogFile, &'static str),
    /// A line of a log that names no trial (start-up, crash) matches a regular expression.
    CellLog(LogFile, &'static str),
    /// ATS did not start or died, and its last words match a regular expression.
    Process(&'static str),
    /// On the wire, ATS completed the TCP handshake and closed without sending a byte.
    ClosedBeforeFirstByte,
    /// On the wire, the origin closed or reset after the TCP handshake without having sent a byte.
    OriginClosedBeforeFirstByte,
    /// On the wire, a SYN of ATS was answered by a reset: nothing listens there.
    Refused,
    /// On the wire, a SYN of ATS was never answered.
    Unanswered,
    /// The origin saw a `ClientHello` of at least so many bytes.
    HelloOf(u32),
    /// The origin saw a server name (SNI) that matches a regular expression.
    Sni(&'static str),
    /// The origin saw no connection.
    NotReached,
    /// The origin received a request, and no byte of its body.
    NoBody,
    /// The origin received at least so many requests.
    Served(usize),
    /// The origin served a request and then closed the connection itself.
    ServedThenClosed,
    /// The origin gave up with words that match a regular expression: the alert that it got.
    OriginError(&'static str),
    /// Other trials of the cell that match a glob ran, and all passed.
    Passes(&'static str),
    /// At least one of these.
    Any(&'static [Sign]),
}

/// Who saw it. Two signs of one witness are one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// The client.
    Client,
    /// The origin.
    Origin,
    /// The packet capture.
    Wire,
    /// One of ATS's logs.
    Log(&'static str),
    /// The process itself.
    Process,
    /// Another trial.
    Trials,
}

impl Sign {
    /// Who saw it in the evidence of `case`; `None`: it does not show.
    pub fn shown(&self, case: &Case<'_>, evidence: &Evidence<'_>) -> Option<Witness> {
        let seen = case.observation;
        let (shows, witness) = match self {
            Self::Answer(_) | Self::NoAnswer | Self::LaterFails | Self::Slow(_) => {
                (self.by_client(seen), Witness::Client)
            }
            Self::Log(file, pattern) => (any_line(&seen.logs, *file, pattern), Witness::Log(file.name())),
            Self::CellLog(file, pattern) => (any_line(evidence.logs, *file, pattern), Witness::Log(file.name())),
            Self::Process(pattern) => (last_words(seen).is_some_and(|words| matches(pattern, words)), Witness::Process),
            Self::ClosedBeforeFirstByte | Self::OriginClosedBeforeFirstByte | Self::Refused | Self::Unanswered => {
                (self.on_the_wire(seen), Witness::Wire)
            }
            Self::HelloOf(_)
            | Self::Sni(_)
            | Self::NotReached
            | Self::NoBody
            | Self::Served(_)
            | Self::ServedThenClosed
            | Self::OriginError(_) => (self.at_the_origin(seen), Witness::Origin),
            Self::Passes(glob) => (others_pass(glob, case, evidence), Witness::Trials),
            Self::Any(signs) => return signs.iter().find_map(|sign| sign.shown(case, evidence)),
        };
        shows.then_some(witness)
    }

    fn by_client(&self, seen: &Observation) -> bool {
        let exchanges = seen.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default();
        let bad = |status: Option<u16>| status.is_none_or(|status| status >= 500);
        match self {
            Self::Answer(pattern) => exchanges.iter().any(|exchange| {
                exchange.status.is_some_and(|status| matches(pattern, &format!("{status} {}", exchange.reason)))
            }),
            Self::NoAnswer => exchanges.iter().any(|exchange| exchange.status.is_none()),
            Self::LaterFails => exchanges
                .split_first()
                .is_some_and(|(first, later)| !bad(first.status) && later.iter().any(|exchange| bad(exchange.status))),
            Self::Slow(ms) => exchanges.iter().any(|exchange| exchange.head_us.is_some_and(|us| us >= ms * 1000)),
            _ => false,
        }
    }

    fn on_the_wire(&self, seen: &Observation) -> bool {
        let shows = match self {
            Self::ClosedBeforeFirstByte => facts::closed_before_first_byte_by_client,
            Self::OriginClosedBeforeFirstByte => facts::closed_before_first_byte_by_server,
            Self::Refused => facts::refused,
            Self::Unanswered => facts::unanswered,
            _ => return false,
        };
        seen.wire.iter().any(shows)
    }

    fn at_the_origin(&self, seen: &Observation) -> bool {
        let hellos = || seen.origin.iter().filter_map(|connection| connection.hello.as_ref());
        match self {
            Self::HelloOf(len) => hellos().any(|hello| hello.len >= *len),
            Self::Sni(pattern) => hellos().any(|hello| hello.sni.as_ref().is_some_and(|name| matches(pattern, name))),
            // Without a client nothing can be said about who was reached.
            Self::NotReached => seen.client.is_some() && seen.origin.is_empty(),
            Self::NoBody => {
                let mut requests = seen.origin.iter().flat_map(|connection| &connection.requests);
                requests.any(|request| request.body_len == 0)
            }
            Self::Served(count) => {
                seen.origin.iter().map(|connection| connection.requests.len()).sum::<usize>() >= *count
            }
            Self::ServedThenClosed => seen.origin.iter().any(|connection| {
                !connection.requests.is_empty() && connection.closed.is_some_and(|closed| closed.by == ClosedBy::Origin)
            }),
            Self::OriginError(pattern) => seen
                .origin
                .iter()
                .any(|connection| connection.error.as_ref().is_some_and(|text| matches(pattern, text))),
            _ => false,
        }
    }

    /// Whether its patterns parse.
    pub fn is_well_formed(&self) -> bool {
        match self {
            Self::Answer(pattern)
            | Self::Log(_, pattern)
            | Self::CellLog(_, pattern)
            | Self::Process(pattern)
            | Self::Sni(pattern)
            | Self::OriginError(pattern) => Regex::new(pattern).is_ok(),
            Self::Passes(glob) => globset::Glob::new(glob).is_ok(),
            Self::Any(signs) => !signs.is_empty() && signs.iter().all(Self::is_well_formed),
            _ => true,
        }
    }
}

fn any_line(lines: &[LogLine], file: LogFile, pattern: &str) -> bool {
    lines.iter().any(|line| line.file == file && matches(pattern, &line.text))
}

fn last_words(seen: &Observation) -> Option<&str> {
    match &seen.ats {
        AtsLife::Alive => None,
        AtsLife::NeverReady(words) | AtsLife::Died(words) => Some(words),
    }
}

fn others_pass(glob: &str, case: &Case<'_>, evidence: &Evidence<'_>) -> bool {
    let mut others = evidence
        .cases
        .iter()
        .filter(|other| other.trial != case.trial && is_like(glob, other.trial))
        .filter(|other| !matches!(other.outcome, Outcome::Unsupported | Outcome::Skipped))
        .peekable();
    others.peek().is_some() && others.all(|other| other.outcome == Outcome::Pass)
}

/// Whether a trial's id matches a glob.
pub(super) fn is_like(glob: &str, id: &str) -> bool {
    static COMPILED: Compiled<GlobMatcher> = LazyLock::new(Mutex::default);
    let compile = || globset::Glob::new(glob).ok().map(|glob| glob.compile_matcher());
    once(&COMPILED, glob, compile).is_some_and(|glob| glob.is_match(id))
}

/// A pattern that does not parse matches nothing; a test sees to it that all do.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: Compiled<Regex> = LazyLock::new(Mutex::default);
    once(&COMPILED, pattern, || Regex::new(pattern).ok()).is_some_and(|regex| regex.is_match(text))
}

/// Patterns that were compiled, by their text: each is tried on every trial of every cell, and compiling takes
/// far longer than matching.
type Compiled<T> = LazyLock<Mutex<HashMap<String, Option<T>>>>;

fn once<T: Clone>(compiled: &Compiled<T>, pattern: &str, compile: impl FnOnce() -> Option<T>) -> Option<T> {
    let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(pattern) {
        return known.clone();
    }
    let made = compile();
    compiled.insert(pattern.to_owned(), made.clone());
    made
}
