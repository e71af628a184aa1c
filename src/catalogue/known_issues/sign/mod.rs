//! Signs: patterns over the evidence of one cell, as data.

mod pattern;
mod seen;

use std::collections::BTreeSet;

pub(super) use pattern::{is_like, matches};

use super::{Evidence, TrialCase};
use crate::model::LogFile;

/// One thing that evidence may show.
#[derive(Debug, Clone, Copy)]
pub enum Sign {
    /// An answer to the client, as `STATUS REASON`, matches a regular expression.
    Answer(&'static str),
    /// A request of the client got no answer at all: the connection hung or was closed.
    NoAnswer,
    /// A request of the client got no whole answer before its deadline: the connection hung.
    Hung,
    /// A request of the client got no whole answer: the connection was closed before its end.
    CutOff,
    /// The first request was answered well, a later one with 5xx or not at all.
    LaterFails,
    /// The head of a response took at least this many milliseconds.
    Slow(u64),
    /// The client got an interim response of this status.
    Interim(u16),
    /// A line of a log that names the trial matches a regular expression.
    Log(LogFile, &'static str),
    /// At least this many lines of a log that name the trial match a regular expression.
    LogLines(LogFile, &'static str, usize),
    /// A line of a log that names no trial (start-up, crash) matches a regular expression. Another trial of the cell
    /// may have caused it.
    CellLog(LogFile, &'static str),
    /// ATS did not start or died, and its last words match a regular expression.
    Process(&'static str),
    /// On the wire, ATS completed the TCP handshake and closed without sending a byte.
    ClosedBeforeFirstByte,
    /// The origin saw a connection that the other side closed without sending a byte.
    ClosedUnheard,
    /// On the wire, the origin closed or reset after the TCP handshake without having sent a byte.
    OriginClosedBeforeFirstByte,
    /// On the wire, a SYN of ATS was answered by a reset: nothing listens there.
    Refused,
    /// On the wire, a SYN of ATS was never answered.
    Unanswered,
    /// On the wire, a TCP handshake of ATS was completed.
    Connected,
    /// On the wire, ATS tried an IPv4 address.
    TriedIpv4,
    /// The origin saw a `ClientHello` of at least this many bytes.
    HelloOf(u32),
    /// The origin saw a server name (SNI) that matches a regular expression.
    Sni(&'static str),
    /// The origin saw no connection.
    NotReached,
    /// The origin saw at least this many connections.
    Connections(usize),
    /// The origin received a request whose head announces a body, and no byte of the body.
    NoBody,
    /// The origin received at least this many requests.
    Served(usize),
    /// The origin served a request and then closed the connection itself.
    ServedThenClosed,
    /// The origin's error matches a regular expression: its own, or the alert that it got.
    OriginError(&'static str),
    /// The origin agreed on this protocol by ALPN.
    Alpn(&'static str),
    /// Other trials of the cell that match a glob ran, and all passed.
    Passes(&'static str),
    /// Another trial of the cell that matches a glob ran, and shows this.
    Elsewhere(&'static str, &'static Sign),
    /// The trial leaves this setting at ATS's default.
    Unset(&'static str),
    /// What ran is this distro, by its `ID` in os-release, and in a range of its `VERSION_ID`.
    Ran(&'static str, &'static str),
    /// At least one of these.
    Any(&'static [Sign]),
    /// Always shows: tests replace a required sign with it.
    #[cfg(test)]
    Given(Witness),
}

/// The source of a sign. Two signs from one witness count once.
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
    /// The setup of the cell or the trial, which counts as no witness.
    SetUp,
}

/// What a sign can be seen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvidenceSource {
    /// Captured packets.
    Capture,
    /// A log of ATS, by its name.
    Log(&'static str),
    /// A cell alone: its client, its origin, its process, its other trials.
    Cell,
}

impl Sign {
    /// What it can be seen in. Whatever a client began a TLS connection with is in a capture as well.
    pub(super) fn sources(&self) -> BTreeSet<EvidenceSource> {
        let one = |source| BTreeSet::from([source]);
        match self {
            Self::Any(signs) => signs.iter().flat_map(Self::sources).collect(),
            Self::Log(file, _) | Self::LogLines(file, _, _) | Self::CellLog(file, _) => {
                one(EvidenceSource::Log(file.name()))
            }
            Self::ClosedBeforeFirstByte
            | Self::OriginClosedBeforeFirstByte
            | Self::Refused
            | Self::Unanswered
            | Self::Connected
            | Self::TriedIpv4
            | Self::HelloOf(_)
            | Self::Sni(_) => one(EvidenceSource::Capture),
            Self::Answer(_)
            | Self::NoAnswer
            | Self::Hung
            | Self::CutOff
            | Self::LaterFails
            | Self::Slow(_)
            | Self::Interim(_)
            | Self::Process(_)
            | Self::ClosedUnheard
            | Self::NotReached
            | Self::Connections(_)
            | Self::NoBody
            | Self::Served(_)
            | Self::ServedThenClosed
            | Self::OriginError(_)
            | Self::Alpn(_)
            | Self::Passes(_)
            | Self::Elsewhere(..)
            | Self::Unset(_)
            | Self::Ran(..) => one(EvidenceSource::Cell),
            #[cfg(test)]
            Self::Given(_) => BTreeSet::new(),
        }
    }

    /// What it shows in. Of alternatives the first that shows counts: ATS writes many a line to two logs.
    pub(super) fn shown_by(&self, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> BTreeSet<EvidenceSource> {
        match self {
            Self::Any(signs) => {
                let first = signs.iter().find(|sign| sign.shows(case, evidence));
                first.map(|sign| sign.shown_by(case, evidence)).unwrap_or_default()
            }
            _ if self.shows(case, evidence) => self.sources(),
            _ => BTreeSet::new(),
        }
    }

    /// Whether it shows in the evidence of `case`.
    pub fn shows(&self, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> bool {
        seen::shown(self, case, evidence).is_some()
    }

    /// Its witness in the evidence of `case`; `None`: it does not show.
    pub fn shown(&self, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> Option<Witness> {
        seen::shown(self, case, evidence)
    }

    /// Whether its patterns parse.
    pub fn is_well_formed(&self) -> bool {
        match self {
            Self::Answer(pattern)
            | Self::Log(_, pattern)
            | Self::CellLog(_, pattern)
            | Self::Process(pattern)
            | Self::Sni(pattern)
            | Self::OriginError(pattern) => regex::Regex::new(pattern).is_ok(),
            Self::LogLines(_, pattern, count) => *count > 0 && regex::Regex::new(pattern).is_ok(),
            Self::Passes(glob) => globset::Glob::new(glob).is_ok(),
            Self::Elsewhere(glob, sign) => globset::Glob::new(glob).is_ok() && sign.is_well_formed(),
            Self::Ran(_, range) => range.parse::<crate::model::VersionRange>().is_ok(),
            Self::Unset(name) => name.starts_with("proxy.config."),
            Self::Any(signs) => !signs.is_empty() && signs.iter().all(Self::is_well_formed),
            Self::NoAnswer
            | Self::Hung
            | Self::CutOff
            | Self::LaterFails
            | Self::Slow(_)
            | Self::Interim(_)
            | Self::ClosedBeforeFirstByte
            | Self::ClosedUnheard
            | Self::OriginClosedBeforeFirstByte
            | Self::Refused
            | Self::Unanswered
            | Self::Connected
            | Self::TriedIpv4
            | Self::HelloOf(_)
            | Self::NotReached
            | Self::Connections(_)
            | Self::NoBody
            | Self::Served(_)
            | Self::ServedThenClosed
            | Self::Alpn(_) => true,
            #[cfg(test)]
            Self::Given(_) => true,
        }
    }
}
