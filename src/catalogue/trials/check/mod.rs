//! Checks over an observation, and what they come to together.

use serde::Serialize;

use crate::model::{AtsLife, ClientPhase, Exchange, Hello, Observation, OriginConnection, Outcome, TlsSeen};

use super::body;
use super::spec::{BODY, CUT_BODY};

mod refusal;
mod time;
mod wire;

pub(super) use refusal::{Reason, refused, refused_for};
pub(super) use time::{after_a_second, at_once};
pub(super) use wire::{no_flow, reset_by_origin, syn_data, turned_away};

/// One thing a trial looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is expected, for example `status 200`.
    pub expected: String,
    /// What was seen. Without times or addresses: it is committed.
    pub seen: String,
    /// Whether it held.
    pub held: bool,
}

impl Check {
    /// A check that `expected` is what was `seen`.
    pub fn new(held: bool, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into(), held }
    }
}

/// What the checks of a trial came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Pass, fail or error; repetition and controls are weighed elsewhere.
    pub outcome: Outcome,
    /// One line: what was seen, or the first thing that did not hold.
    pub summary: String,
    /// All checks.
    pub checks: Vec<Check>,
}

impl Judgement {
    /// Pass when every check held. A client that never ran is an error, not a failure of ATS, unless
    /// ATS itself is why.
    pub(super) fn from_checks(checks: Vec<Check>, observation: &Observation) -> Self {
        let (outcome, summary) = weigh(&checks, observation);
        Self { outcome, summary, checks }
    }
}

fn weigh(checks: &[Check], observation: &Observation) -> (Outcome, String) {
    match &observation.ats {
        AtsLife::NeverReady(why) => return (Outcome::Fail, format!("ATS did not start: {why}")),
        AtsLife::Died(how) => return (Outcome::Fail, format!("ATS died: {how}")),
        AtsLife::Alive => {}
    }
    let exchanges = observation.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default();
    let missing = exchanges.iter().filter_map(|exchange| exchange.error.as_ref());
    if let Some(error) = missing.clone().find(|error| error.phase == ClientPhase::Missing) {
        return (Outcome::Unsupported, error.text.clone());
    }
    if exchanges.is_empty() && observation.client.as_ref().is_none_or(|run| run.load.is_none()) {
        return (Outcome::Error, "the client did not run".into());
    }
    // Whatever a trial is about: an end that only the client's patience made is never right.
    let mut errors = exchanges.iter().filter_map(|exchange| exchange.error.as_ref());
    if let Some(error) = errors.find(|error| error.phase == ClientPhase::Deadline) {
        return (Outcome::Fail, format!("expected an end of its own, saw {}", error.text));
    }
    if let Some(broken) = checks.iter().find(|check| !check.held) {
        if broken.seen == wire::INCOMPLETE {
            return (Outcome::Error, format!("expected {}: the capture lost packets", broken.expected));
        }
        if broken.seen == time::TOO_SLOW {
            return (Outcome::Error, format!("expected {}: {}", broken.expected, time::TOO_SLOW));
        }
        return (Outcome::Fail, format!("expected {}, saw {}", broken.expected, broken.seen));
    }
    (Outcome::Pass, checks.iter().map(|check| check.seen.as_str()).collect::<Vec<_>>().join(", "))
}

/// What the client saw, request by request.
pub(super) fn exchanges(observation: &Observation) -> &[Exchange] {
    observation.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default()
}

/// The client got `count` answers of status 200, each with the whole response body.
pub(super) fn answers(observation: &Observation, count: usize, body_len: u64) -> Vec<Check> {
    let exchanges = exchanges(observation);
    let expected_hash = body::sha256(body_len);
    let mut checks = Vec::new();
    for number in 0..count {
        let which = if count == 1 { String::new() } else { format!(" to request {}", number + 1) };
        let Some(exchange) = exchanges.get(number) else {
            checks.push(Check::new(false, format!("an answer{which}"), "none"));
            continue;
        };
        let status = status_text(exchange);
        checks.push(Check::new(exchange.status == Some(200), format!("status 200{which}"), status));
        let whole = exchange.body_len == body_len && exchange.body_sha256 == expected_hash && exchange.error.is_none();
        let seen = format!(
            "{} bytes{}{}",
            exchange.body_len,
            if whole || exchange.body_len != body_len { "" } else { " altered" },
            exchange.error.as_ref().map(|error| format!(", then {}", error.text)).unwrap_or_default(),
        );
        checks.push(Check::new(whole, format!("the whole body of {body_len} bytes{which}"), seen));
    }
    checks
}

/// `502 Invalid argument`, or why there is no status.
fn status_text(exchange: &Exchange) -> String {
    match (exchange.status, &exchange.error) {
        (Some(status), _) if exchange.reason.is_empty() => status.to_string(),
        (Some(status), _) => format!("{status} {}", exchange.reason),
        (None, Some(error)) => format!("no answer ({})", error.text),
        (None, None) => "no answer".into(),
    }
}

/// Connections that carried at least one request.
pub(super) fn serving(observation: &Observation) -> Vec<&OriginConnection> {
    observation.origin.iter().filter(|connection| !connection.requests.is_empty()).collect()
}

/// The origin served `requests` requests, over `connections` connections when that is given.
pub(super) fn served(observation: &Observation, requests: usize, connections: Option<usize>) -> Check {
    let serving = serving(observation);
    let seen_requests: usize = serving.iter().map(|connection| connection.requests.len()).sum();
    let held = seen_requests == requests && connections.is_none_or(|wanted| wanted == serving.len());
    let over = |count: usize| if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") };
    let text = |requests: usize, connections: Option<usize>| {
        let requests = if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") };
        connections.map_or_else(|| requests.clone(), |count| format!("{requests} on {}", over(count)))
    };
    Check::new(
        held,
        format!("{} at the origin", text(requests, connections)),
        format!("{} at the origin", text(seen_requests, connections.map(|_| serving.len()))),
    )
}

/// What TLS the origin negotiated on the connections that served.
pub(super) fn negotiated(
    observation: &Observation,
    expected: impl Into<String>,
    holds: impl Fn(&TlsSeen) -> bool,
    show: impl Fn(&TlsSeen) -> String,
) -> Check {
    let seen: Vec<&TlsSeen> = serving(observation).iter().filter_map(|connection| connection.tls.as_ref()).collect();
    let held = !seen.is_empty() && seen.len() == serving(observation).len() && seen.iter().all(|tls| holds(tls));
    let mut texts: Vec<String> = seen.iter().map(|tls| show(tls)).collect();
    texts.dedup();
    Check::new(held, expected, if texts.is_empty() { "no TLS connection".into() } else { texts.join(" and ") })
}

/// The origin was shown a client certificate.
pub(super) fn with_client_certificate(observation: &Observation) -> Check {
    let name = |tls: &TlsSeen| if tls.peer == "client" { "a client certificate" } else { "no client certificate" };
    negotiated(observation, "a client certificate at the origin", |tls| tls.peer == "client", |tls| name(tls).into())
}

/// Any TLS at all, with the version shown.
pub(super) fn over_tls(observation: &Observation) -> Check {
    negotiated(observation, "TLS to the origin", |_| true, |tls| tls.version.clone())
}

/// Exactly this TLS version.
pub(super) fn over_version(observation: &Observation, version: &str) -> Check {
    negotiated(observation, format!("{version} to the origin"), |tls| tls.version == version, |tls| tls.version.clone())
}

/// One answer with the whole body of a trial that is not about bodies, over TLS to the origin.
pub(super) fn one_tls_answer(observation: &Observation) -> Vec<Check> {
    let mut checks = answers(observation, 1, BODY);
    checks.push(served(observation, 1, None));
    checks.push(over_tls(observation));
    checks
}

/// This cipher suite, by rustls's name of it.
pub(super) fn over_suite(observation: &Observation, suite: &str) -> Check {
    negotiated(observation, format!("{suite} to the origin"), |tls| tls.suite == suite, |tls| tls.suite.clone())
}

/// This group.
pub(super) fn over_group(observation: &Observation, group: &str) -> Check {
    negotiated(observation, format!("{group} to the origin"), |tls| tls.group == group, |tls| tls.group.clone())
}

/// This ALPN protocol; empty: none.
pub(super) fn over_alpn(observation: &Observation, alpn: &str) -> Check {
    let name = |alpn: &str| if alpn.is_empty() { "no ALPN".to_owned() } else { format!("ALPN {alpn}") };
    negotiated(observation, format!("{} at the origin", name(alpn)), |tls| tls.alpn == alpn, |tls| name(&tls.alpn))
}

/// The client's last answer has one of these statuses.
pub(super) fn status(observation: &Observation, wanted: &[u16]) -> Check {
    let last = exchanges(observation).last();
    let listed: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let expected = format!("status {}", listed.join(" or "));
    let held = last.and_then(|exchange| exchange.status).is_some_and(|status| wanted.contains(&status));
    // The reason of a right status may differ from run to run: it tells who was quicker.
    let seen = if held { expected.clone() } else { last.map_or_else(|| "no answer".into(), status_text) };
    Check::new(held, expected, seen)
}

/// The client's exchanges ended without an error of the connection.
pub(super) fn no_error(observation: &Observation) -> Check {
    let error = exchanges(observation).iter().find_map(|exchange| exchange.error.as_ref());
    Check::new(error.is_none(), "no error at the client", error.map_or("no error", |error| &error.text))
}

/// The client can tell that it did not get everything: a clean success would be a lie.
pub(super) fn not_a_clean_success(observation: &Observation, whole: u64) -> Check {
    let last = exchanges(observation).last();
    let clean = |exchange: &Exchange| exchange.status == Some(200) && exchange.error.is_none();
    let seen = last.map_or_else(
        || "no answer".into(),
        |exchange| {
            let bytes = exchange.body_len;
            let end = exchange.error.as_ref().map_or_else(|| "a clean end".into(), |error| error.text.clone());
            format!(
                "{}, {} and {end}",
                status_text(exchange),
                if bytes < whole { "a part of the body" } else { "all bytes" }
            )
        },
    );
    let held = last.is_some_and(|exchange| !clean(exchange));
    let expected = "an error that the client can see";
    // How much came before the end, and how it ended, is a matter of timing.
    Check::new(held, expected, if held { expected.to_owned() } else { seen })
}

/// Connections on which the origin saw a ClientHello.
fn hellos(observation: &Observation) -> impl Iterator<Item = &Hello> {
    observation.origin.iter().filter_map(|connection| connection.hello.as_ref())
}

/// What an Ethernet segment carries.
pub(super) const SEGMENT: u32 = 1460;

/// The header of the record that a ClientHello comes in, bytes.
const RECORD_HEADER: u32 = 5;

/// Bytes that `hello` takes on the wire, where it comes in one record.
pub(super) fn on_the_wire(hello: &Hello) -> u32 {
    hello.len + RECORD_HEADER
}

/// The first ClientHello that the origin saw.
pub(super) fn first_hello(observation: &Observation) -> Option<&Hello> {
    hellos(observation).next()
}

/// Every ClientHello is like this.
pub(super) fn hello(
    observation: &Observation,
    expected: impl Into<String>,
    holds: impl Fn(&Hello) -> bool,
    show: impl Fn(&Hello) -> String,
) -> Check {
    let mut texts: Vec<String> = hellos(observation).map(&show).collect();
    texts.dedup();
    let held = !texts.is_empty() && hellos(observation).all(holds);
    Check::new(held, expected, if texts.is_empty() { "no ClientHello".into() } else { texts.join(" and ") })
}

/// Any ClientHello at all: it was TLS that ended a connection, not what comes before it.
pub(super) fn said_hello(observation: &Observation) -> Check {
    hello(observation, "a ClientHello at the origin", |_| true, |_| "a ClientHello".into())
}

/// The page of `openssl s_server -www` came, over one of these versions by its own word.
pub(super) fn page_of_openssl(observation: &Observation, versions: &[&str]) -> Vec<Check> {
    let page = exchanges(observation).last().map_or("", |exchange| &exchange.body_head);
    let version = page.split("Protocol  : ").nth(1).and_then(|rest| rest.split('\\').next());
    let held = version.is_some_and(|version| versions.contains(&version));
    let told = |version: &str| format!("{version} on the page of s_server");
    vec![
        status(observation, &[200]),
        said_hello(observation),
        Check::new(held, told(&versions.join(" or ")), told(version.unwrap_or("no protocol"))),
    ]
}

/// ATS gave up on a misbehaving TLS origin at once: the right error, and no timeout.
pub(super) fn gave_up(observation: &Observation) -> Vec<Check> {
    vec![status(observation, &[502]), said_hello(observation), at_once(observation)]
}

/// ATS gave up on a silent TLS origin by the timeout of a second that it was given.
pub(super) fn gave_up_waiting(observation: &Observation) -> Vec<Check> {
    vec![status(observation, &[502, 504]), said_hello(observation), after_a_second(observation)]
}

/// The body of a trial's origin that breaks off does not look whole to the client.
pub(super) fn body_cut(observation: &Observation) -> Vec<Check> {
    vec![not_a_clean_success(observation, CUT_BODY), said_hello(observation), at_once(observation)]
}

/// The server name that ATS asked for.
pub(super) fn server_name(observation: &Observation, wanted: Option<&str>) -> Check {
    let name = |sni: Option<&str>| sni.map_or_else(|| "no server name".to_owned(), |sni| format!("server name {sni}"));
    let holds = |hello: &Hello| hello.sni.as_deref() == wanted;
    hello(observation, name(wanted), holds, |hello| name(hello.sni.as_deref()))
}

/// A line of the logs holds `text`, or none does when it is not `wanted`.
pub(super) fn logged(observation: &Observation, text: &str, wanted: bool) -> Check {
    let found = observation.logs.iter().any(|line| line.text.contains(text));
    let told = |found: bool| format!("{} `{text}` in the logs", if found { "a line with" } else { "no line with" });
    Check::new(found == wanted, told(wanted), told(found))
}

/// Whose certificate the client was shown.
pub(super) fn shown(observation: &Observation, whose: &str) -> Check {
    let seen = exchanges(observation).iter().filter_map(|exchange| exchange.tls.as_ref()).map(|tls| tls.peer.as_str());
    let mut seen: Vec<&str> = seen.collect();
    seen.dedup();
    let name = |whose: &str| format!("the certificate of {}", if whose == "ats" { "ATS" } else { "the origin" });
    let held = seen == [whose];
    Check::new(held, name(whose), seen.first().map_or_else(|| "no TLS at the client".into(), |whose| name(whose)))
}

/// Which of the origin's TLS connections were resumed, in order.
pub(super) fn resumed(observation: &Observation, wanted: &[bool]) -> Check {
    let seen = observation.origin.iter().filter_map(|connection| connection.tls.as_ref()).map(|tls| tls.resumed);
    let seen: Vec<bool> = seen.collect();
    let told = |list: &[bool]| {
        let words: Vec<&str> = list.iter().map(|resumed| if *resumed { "resumed" } else { "full" }).collect();
        format!("handshakes: {}", if words.is_empty() { "none".into() } else { words.join(", ") })
    };
    Check::new(seen == wanted, told(wanted), told(&seen))
}

/// The first request's body arrived whole at the origin.
pub(super) fn posted(observation: &Observation, len: u64) -> Check {
    let request = serving(observation).first().and_then(|connection| connection.requests.first());
    let (seen, whole) = request.map_or((0, false), |request| {
        (request.body_len, request.body_len == len && request.body_sha256 == body::sha256(len))
    });
    let altered = if whole || seen != len { "" } else { " altered" };
    Check::new(whole, format!("{len} bytes posted"), format!("{seen} bytes posted{altered}"))
}

/// The HTTP version of the requests at the origin.
pub(super) fn requested_by(observation: &Observation, version: &str) -> Check {
    let requests = observation.origin.iter().flat_map(|connection| &connection.requests);
    let mut seen: Vec<&str> = requests.map(|request| request.version.as_str()).collect();
    seen.dedup();
    Check::new(seen == [version], format!("{version} at the origin"), format!("{} at the origin", list(&seen)))
}

/// The HTTP version of the answers at the client.
pub(super) fn answered_by(observation: &Observation, version: &str) -> Check {
    let mut seen: Vec<&str> = exchanges(observation).iter().map(|exchange| exchange.version.as_str()).collect();
    seen.dedup();
    Check::new(seen == [version], format!("{version} at the client"), format!("{} at the client", list(&seen)))
}

fn list(seen: &[&str]) -> String {
    if seen.is_empty() { "nothing".into() } else { seen.join(" and ") }
}

/// The statuses of all answers, in order.
pub(super) fn statuses(observation: &Observation, wanted: &[u16]) -> Check {
    let seen: Vec<Option<u16>> = exchanges(observation).iter().map(|exchange| exchange.status).collect();
    let told = |status: &Option<u16>| status.map_or_else(|| "none".into(), |status| status.to_string());
    let wanted: Vec<Option<u16>> = wanted.iter().copied().map(Some).collect();
    let text = |list: &[Option<u16>]| format!("statuses {}", list.iter().map(told).collect::<Vec<_>>().join(", "));
    Check::new(seen == wanted, text(&wanted), text(&seen))
}

/// The last answer was preceded by this interim response.
pub(super) fn interim(observation: &Observation, wanted: u16) -> Check {
    let seen = exchanges(observation).last().map(|exchange| exchange.interim.as_slice()).unwrap_or_default();
    let told: Vec<String> = seen.iter().map(ToString::to_string).collect();
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    Check::new(
        seen.contains(&wanted),
        format!("an interim {wanted} at the client"),
        format!("interim {} at the client", list(&told)),
    )
}

/// The lengths of all answers' bodies, each of the counting pattern.
pub(super) fn bodies(observation: &Observation, wanted: &[u64]) -> Check {
    let whole = |(exchange, len): (&Exchange, &u64)| {
        exchange.body_len == *len && (*len == 0 || exchange.body_sha256 == body::sha256(*len))
    };
    let exchanges = exchanges(observation);
    let text = |lens: Vec<String>| format!("bodies of {} bytes", lens.join(", "));
    Check::new(
        exchanges.len() == wanted.len() && exchanges.iter().zip(wanted).all(whole),
        text(wanted.iter().map(ToString::to_string).collect()),
        text(exchanges.iter().map(|exchange| exchange.body_len.to_string()).collect()),
    )
}

/// Connections that served came from addresses that begin with `prefix`.
pub(super) fn from_family(observation: &Observation, prefix: &str) -> Check {
    let family = |peer: &str| if peer.starts_with('[') { "IPv6" } else { "IPv4" };
    let serving = serving(observation);
    let held = !serving.is_empty() && serving.iter().all(|connection| connection.peer.starts_with(prefix));
    let seen = serving.first().map_or("no connection", |connection| family(&connection.peer));
    Check::new(held, format!("{} to the origin", family(prefix)), format!("{seen} to the origin"))
}

/// The origin's script went through: everything it waited for came.
pub(super) fn script_done(observation: &Observation) -> Check {
    let error = observation.origin.iter().find_map(|connection| connection.error.as_deref());
    let held = !observation.origin.is_empty() && error.is_none();
    Check::new(held, "an origin that saw what it waited for", error.unwrap_or("the origin saw what it waited for"))
}

/// A reload under traffic held, and cost neither a request nor the process.
pub(super) fn reloaded(observation: &Observation, body_len: u64) -> Vec<Check> {
    let mut checks = answers(observation, 1, body_len);
    let load = observation.client.as_ref().and_then(|run| run.load.clone()).unwrap_or_default();
    // How many were sent is a matter of timing.
    let lost = load.sent.saturating_sub(load.whole);
    let seen = if load.sent == 0 { "no request".into() } else { format!("{lost} requests lost") };
    checks.push(Check::new(load.sent > 0 && lost == 0, "0 requests lost", seen));
    let same = load.same_process == Some(true);
    checks.push(Check::new(same, "the same process", if same { "the same process" } else { "another process" }));
    checks
}

/// Every request of a load was answered whole.
pub(super) fn all_whole(observation: &Observation, wanted: u32) -> Check {
    let load = observation.client.as_ref().and_then(|run| run.load.as_ref());
    let whole = load.map_or(0, |load| load.whole);
    Check::new(whole == wanted, format!("{wanted} whole answers"), format!("{whole} whole answers"))
}
