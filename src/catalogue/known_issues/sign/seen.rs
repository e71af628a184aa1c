//! Whether a sign shows in evidence, and who saw it.

use super::super::affected::within;
use super::pattern::{is_like, matches};
use super::{Case, Evidence, Sign, Witness};
use crate::model::{
    AtsLife, ClientPhase, ClosedBy, Exchange, Flow, LogFile, LogLine, Observation, OriginRequest, Outcome,
};
use crate::wire::facts;

/// Who saw `sign` in the evidence of `case`; `None`: it does not show.
pub(super) fn shown(sign: &Sign, case: &Case<'_>, evidence: &Evidence<'_>) -> Option<Witness> {
    let seen = case.observation;
    let (shows, witness) = match sign {
        Sign::Answer(_)
        | Sign::NoAnswer
        | Sign::Hung
        | Sign::CutOff
        | Sign::LaterFails
        | Sign::Slow(_)
        | Sign::Interim(_) => (by_client(sign, seen), Witness::Client),
        Sign::Log(file, pattern) => (lines(&seen.logs, *file, pattern) > 0, Witness::Log(file.name())),
        Sign::LogLines(file, pattern, count) => {
            (lines(&seen.logs, *file, pattern) >= *count, Witness::Log(file.name()))
        }
        Sign::CellLog(file, pattern) => (lines(evidence.logs, *file, pattern) > 0, Witness::Log(file.name())),
        Sign::Process(pattern) => (last_words(seen).is_some_and(|words| matches(pattern, words)), Witness::Process),
        Sign::ClosedBeforeFirstByte
        | Sign::OriginClosedBeforeFirstByte
        | Sign::Refused
        | Sign::Unanswered
        | Sign::Connected
        | Sign::TriedIpv4 => (on_the_wire(sign, seen), Witness::Wire),
        Sign::ClosedUnheard
        | Sign::HelloOf(_)
        | Sign::Sni(_)
        | Sign::NotReached
        | Sign::Connections(_)
        | Sign::NoBody
        | Sign::Served(_)
        | Sign::ServedThenClosed
        | Sign::OriginError(_)
        | Sign::Alpn(_) => (at_the_origin(sign, seen), Witness::Origin),
        Sign::Passes(glob) => (others_pass(glob, case, evidence), Witness::Trials),
        Sign::Elsewhere(glob, sign) => {
            (others(glob, case, evidence).any(|other| shown(sign, other, evidence).is_some()), Witness::Trials)
        }
        Sign::Unset(name) => (leaves_unset(name, case), Witness::SetUp),
        Sign::Ran(id, range) => (ran(id, range, evidence), Witness::SetUp),
        #[cfg(test)]
        Sign::Given(witness) => (true, *witness),
        Sign::Any(signs) => return signs.iter().find_map(|sign| shown(sign, case, evidence)),
    };
    shows.then_some(witness)
}

fn by_client(sign: &Sign, seen: &Observation) -> bool {
    let exchanges = seen.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default();
    let bad = |status: Option<u16>| status.is_none_or(|status| status >= 500);
    let ended = |exchange: &Exchange, patience: bool| {
        exchange.error.as_ref().is_some_and(|error| (error.phase == ClientPhase::Deadline) == patience)
    };
    match sign {
        Sign::Answer(pattern) => exchanges.iter().any(|exchange| {
            exchange.status.is_some_and(|status| matches(pattern, &format!("{status} {}", exchange.reason)))
        }),
        Sign::NoAnswer => exchanges.iter().any(|exchange| exchange.status.is_none()),
        Sign::Hung => exchanges.iter().any(|exchange| ended(exchange, true)),
        Sign::CutOff => exchanges.iter().any(|exchange| ended(exchange, false)),
        Sign::LaterFails => exchanges
            .split_first()
            .is_some_and(|(first, later)| !bad(first.status) && later.iter().any(|exchange| bad(exchange.status))),
        Sign::Slow(ms) => exchanges.iter().any(|exchange| exchange.head_us.is_some_and(|us| us >= ms * 1000)),
        Sign::Interim(status) => exchanges.iter().any(|exchange| exchange.interim.contains(status)),
        _ => false,
    }
}

fn on_the_wire(sign: &Sign, seen: &Observation) -> bool {
    // What was lost may have been the very bytes that do not show.
    let whole = seen.wire_lost == 0;
    let shows = match sign {
        Sign::Connected => facts::handshake_completed,
        Sign::TriedIpv4 => to_ipv4,
        _ if !whole => return false,
        Sign::ClosedBeforeFirstByte => facts::closed_before_first_byte_by_client,
        Sign::OriginClosedBeforeFirstByte => facts::closed_before_first_byte_by_server,
        Sign::Refused => facts::refused,
        Sign::Unanswered => facts::unanswered,
        _ => return false,
    };
    seen.wire.iter().any(shows)
}

fn to_ipv4(flow: &Flow) -> bool {
    flow.server.parse::<std::net::SocketAddrV4>().is_ok()
}

fn at_the_origin(sign: &Sign, seen: &Observation) -> bool {
    let hellos = || seen.origin.iter().filter_map(|connection| connection.hello.as_ref());
    let requests = || seen.origin.iter().flat_map(|connection| &connection.requests);
    match sign {
        Sign::ClosedUnheard => seen.origin.iter().any(|connection| {
            let unheard = connection.first_byte_us.is_none() && connection.bytes_in == 0;
            unheard && connection.closed.is_some_and(|closed| closed.by != ClosedBy::Origin)
        }),
        Sign::HelloOf(len) => hellos().any(|hello| hello.len >= *len),
        Sign::Sni(pattern) => hellos().any(|hello| hello.sni.as_ref().is_some_and(|name| matches(pattern, name))),
        // Without a client nothing can be said about who was reached.
        Sign::NotReached => seen.client.is_some() && seen.origin.is_empty(),
        Sign::Connections(count) => seen.origin.len() >= *count,
        Sign::NoBody => requests().any(|request| promises_body(request) && request.body_len == 0),
        Sign::Served(count) => requests().count() >= *count,
        Sign::ServedThenClosed => seen.origin.iter().any(|connection| {
            !connection.requests.is_empty() && connection.closed.is_some_and(|closed| closed.by == ClosedBy::Origin)
        }),
        Sign::OriginError(pattern) => {
            let errors = || seen.origin.iter().filter_map(|connection| connection.error.as_ref());
            errors().any(|text| matches(pattern, text))
        }
        Sign::Alpn(name) => {
            seen.origin.iter().filter_map(|connection| connection.tls.as_ref()).any(|tls| tls.alpn == *name)
        }
        _ => false,
    }
}

fn promises_body(request: &OriginRequest) -> bool {
    request.headers.iter().any(|(name, value)| {
        name == "transfer-encoding" || (name == "content-length" && value.parse::<u64>().is_ok_and(|len| len > 0))
    })
}

fn lines(lines: &[LogLine], file: LogFile, pattern: &str) -> usize {
    lines.iter().filter(|line| line.file == file && matches(pattern, &line.text)).count()
}

fn last_words(seen: &Observation) -> Option<&str> {
    match &seen.ats {
        AtsLife::Alive => None,
        AtsLife::NeverReady(words) | AtsLife::Died(words) => Some(words),
    }
}

/// The other trials of the cell that match `glob` and ran.
fn others<'a>(glob: &str, case: &Case<'_>, evidence: &Evidence<'a>) -> impl Iterator<Item = &'a Case<'a>> {
    let ran = |case: &&Case<'_>| !matches!(case.outcome, Outcome::Unsupported | Outcome::Skipped);
    evidence.cases.iter().filter(move |other| other.trial != case.trial && is_like(glob, other.trial)).filter(ran)
}

fn others_pass(glob: &str, case: &Case<'_>, evidence: &Evidence<'_>) -> bool {
    let mut others = others(glob, case, evidence).peekable();
    others.peek().is_some() && others.all(|other| other.outcome == Outcome::Pass)
}

/// Whether a trial of the catalogue says nothing about a setting.
fn leaves_unset(name: &str, case: &Case<'_>) -> bool {
    crate::catalogue::trials::by_id(case.trial)
        .is_some_and(|trial| !(trial.spec)().records.iter().any(|record| record.name == name))
}

fn ran(id: &str, range: &str, evidence: &Evidence<'_>) -> bool {
    let release = evidence.provenance.distro.as_ref();
    release.is_some_and(|release| release.id == id && within(range, Some(&release.version)) == Some(true))
}
