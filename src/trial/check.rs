//! Checks over an observation, and what they come to together.

use crate::model::{AtsLife, ClientPhase, Exchange, Observation, OriginConnection, Outcome, TlsSeen};

use super::body;

/// One thing a trial looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    if exchanges.is_empty() {
        return (Outcome::Error, "the client did not run".into());
    }
    if let Some(broken) = checks.iter().find(|check| !check.held) {
        return (Outcome::Fail, format!("expected {}, saw {}", broken.expected, broken.seen));
    }
    (Outcome::Pass, checks.iter().map(|check| check.seen.as_str()).collect::<Vec<_>>().join(", "))
}

/// The client got `count` answers of status 200, each with the whole response body.
pub(super) fn answers(observation: &Observation, count: usize, body_len: u64) -> Vec<Check> {
    let exchanges = observation.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default();
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

/// Any TLS at all, with the version shown.
pub(super) fn over_tls(observation: &Observation) -> Check {
    negotiated(observation, "TLS to the origin", |_| true, |tls| tls.version.clone())
}

/// Exactly this TLS version.
pub(super) fn over_version(observation: &Observation, version: &str) -> Check {
    negotiated(observation, format!("{version} to the origin"), |tls| tls.version == version, |tls| tls.version.clone())
}
