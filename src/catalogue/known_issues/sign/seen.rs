//! Whether a sign shows in evidence, and its witness.

use super::super::affected::within;
use super::pattern::{is_like, matches};
use super::{Evidence, Sign, TrialCase, Witness};
use crate::model::{
    AtsLife, ClientPhase, ClosedBy, Exchange, Flow, Hello, LogFile, LogLine, Observation, OriginConnection,
    OriginRequest, Outcome,
};
use crate::wire::facts;

/// The witness of `sign` in the evidence of `case`; `None`: it does not show.
pub(super) fn shown(sign: &Sign, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> Option<Witness> {
    use Witness::{Client, Log, Origin, Process, SetUp, Trials, Wire};
    let seen = case.observation;
    let (shows, witness) = match sign {
        Sign::Answer(pattern) => (any_exchange(seen, |exchange| answers(exchange, pattern)), Client),
        Sign::NoAnswer => (any_exchange(seen, |exchange| exchange.status.is_none()), Client),
        Sign::Hung => (any_exchange(seen, |exchange| failed(exchange, true)), Client),
        Sign::CutOff => (any_exchange(seen, |exchange| failed(exchange, false)), Client),
        Sign::LaterFails => (later_fails(exchanges(seen)), Client),
        Sign::Slow(ms) => (any_exchange(seen, |exchange| exchange.head_us.is_some_and(|us| us >= ms * 1000)), Client),
        Sign::Interim(status) => (any_exchange(seen, |exchange| exchange.interim.contains(status)), Client),
        Sign::Log(file, pattern) => (lines(&seen.logs, *file, pattern) > 0, Log(file.name())),
        Sign::LogLines(file, pattern, count) => (lines(&seen.logs, *file, pattern) >= *count, Log(file.name())),
        Sign::CellLog(file, pattern) => (lines(evidence.logs, *file, pattern) > 0, Log(file.name())),
        Sign::Process(pattern) => (last_words(seen).is_some_and(|words| matches(pattern, words)), Process),
        Sign::ClosedBeforeFirstByte => (lossless_flow(seen, facts::closed_before_first_byte_by_client), Wire),
        Sign::OriginClosedBeforeFirstByte => (lossless_flow(seen, facts::closed_before_first_byte_by_server), Wire),
        Sign::Refused => (lossless_flow(seen, facts::refused), Wire),
        Sign::Unanswered => (lossless_flow(seen, facts::unanswered), Wire),
        Sign::Connected => (seen.wire.iter().any(facts::handshake_completed), Wire),
        Sign::TriedIpv4 => (seen.wire.iter().any(to_ipv4), Wire),
        Sign::ClosedUnheard => (seen.origin.iter().any(closed_unheard), Origin),
        Sign::HelloOf(len) => (hellos(seen).any(|hello| hello.len >= *len), Origin),
        Sign::Sni(pattern) => (hellos(seen).any(|hello| sni_matches(hello, pattern)), Origin),
        // Without a client nothing is known about who was reached.
        Sign::NotReached => (seen.client.is_some() && seen.origin.is_empty(), Origin),
        Sign::Connections(count) => (seen.origin.len() >= *count, Origin),
        Sign::NoBody => (requests(seen).any(|request| promises_body(request) && request.body_len == 0), Origin),
        Sign::Served(count) => (requests(seen).count() >= *count, Origin),
        Sign::ServedThenClosed => (seen.origin.iter().any(served_then_closed), Origin),
        Sign::OriginError(pattern) => (seen.origin.iter().any(|it| error_matches(it, pattern)), Origin),
        Sign::Alpn(name) => (seen.origin.iter().any(|it| it.tls.as_ref().is_some_and(|tls| tls.alpn == *name)), Origin),
        Sign::Passes(glob) => (others_pass(glob, case, evidence), Trials),
        Sign::Elsewhere(glob, sign) => {
            (others(glob, case, evidence).any(|other| shown(sign, other, evidence).is_some()), Trials)
        }
        Sign::Unset(name) => (leaves_unset(name, case), SetUp),
        Sign::Ran(id, range) => (ran(id, range, evidence), SetUp),
        #[cfg(test)]
        Sign::Given(witness) => (true, *witness),
        Sign::Any(signs) => return signs.iter().find_map(|sign| shown(sign, case, evidence)),
    };
    shows.then_some(witness)
}

fn exchanges(seen: &Observation) -> &[Exchange] {
    seen.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default()
}

fn any_exchange(seen: &Observation, holds: impl Fn(&Exchange) -> bool) -> bool {
    exchanges(seen).iter().any(holds)
}

fn answers(exchange: &Exchange, pattern: &str) -> bool {
    exchange.status.is_some_and(|status| matches(pattern, &format!("{status} {}", exchange.reason)))
}

/// Whether it ended with an error: by the client's deadline, or otherwise.
fn failed(exchange: &Exchange, by_deadline: bool) -> bool {
    exchange.error.as_ref().is_some_and(|error| (error.phase == ClientPhase::Deadline) == by_deadline)
}

fn later_fails(exchanges: &[Exchange]) -> bool {
    let bad = |exchange: &Exchange| exchange.status.is_none_or(|status| status >= 500);
    exchanges.split_first().is_some_and(|(first, later)| !bad(first) && later.iter().any(bad))
}

/// Whether a flow of a complete capture is like this: lost packets could be the very ones that do not show.
fn lossless_flow(seen: &Observation, holds: fn(&Flow) -> bool) -> bool {
    seen.wire_lost == 0 && seen.wire.iter().any(holds)
}

fn to_ipv4(flow: &Flow) -> bool {
    flow.server.parse::<std::net::SocketAddrV4>().is_ok()
}

fn hellos(seen: &Observation) -> impl Iterator<Item = &Hello> {
    seen.origin.iter().filter_map(|connection| connection.hello.as_ref())
}

fn requests(seen: &Observation) -> impl Iterator<Item = &OriginRequest> {
    seen.origin.iter().flat_map(|connection| &connection.requests)
}

fn closed_unheard(connection: &OriginConnection) -> bool {
    let unheard = connection.first_byte_us.is_none() && connection.bytes_in == 0;
    unheard && connection.closed.is_some_and(|closed| closed.by != ClosedBy::Origin)
}

fn served_then_closed(connection: &OriginConnection) -> bool {
    !connection.requests.is_empty() && connection.closed.is_some_and(|closed| closed.by == ClosedBy::Origin)
}

fn sni_matches(hello: &Hello, pattern: &str) -> bool {
    hello.sni.as_ref().is_some_and(|name| matches(pattern, name))
}

fn error_matches(connection: &OriginConnection, pattern: &str) -> bool {
    connection.error.as_ref().is_some_and(|text| matches(pattern, text))
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
fn others<'a>(glob: &str, case: &TrialCase<'_>, evidence: &Evidence<'a>) -> impl Iterator<Item = &'a TrialCase<'a>> {
    let ran = |case: &&TrialCase<'_>| !matches!(case.outcome, Outcome::Unsupported | Outcome::Skipped);
    evidence.cases.iter().filter(move |other| other.trial != case.trial && is_like(glob, other.trial)).filter(ran)
}

fn others_pass(glob: &str, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> bool {
    let mut others = others(glob, case, evidence).peekable();
    others.peek().is_some() && others.all(|other| other.outcome == Outcome::Pass)
}

/// Whether a known trial leaves a setting at its default.
fn leaves_unset(name: &str, case: &TrialCase<'_>) -> bool {
    case.definition.is_some_and(|trial| !trial.spec().records.iter().any(|record| record.name == name))
}

fn ran(id: &str, range: &str, evidence: &Evidence<'_>) -> bool {
    let release = evidence.provenance.distro.as_ref();
    release.is_some_and(|release| release.id == id && within(range, Some(&release.version)) == Some(true))
}
