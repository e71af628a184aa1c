//! Raw evidence of one attempt as lines, with the times and addresses that committed results lack.

use serde::Serialize;

use crate::model::{AtsLife, ClosedBy, Exchange, Observation, OriginConnection};
use crate::wire::timeline;

/// Connections shown of each attempt; further ones look alike.
const CONNECTIONS: usize = 4;

/// Packets shown of a connection.
const PACKETS: usize = 24;

/// Log lines shown of an attempt, and exchanges and connections of either end.
const LINES: usize = 20;

/// What one attempt saw, as lines.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptLines {
    /// From 1; the repetition in a fresh ATS is 2.
    pub attempt: u32,
    /// What the client saw, a line for each exchange.
    pub client: Vec<String>,
    /// What the origin saw, a line for each connection.
    pub origin: Vec<String>,
    /// The packets, a list of lines for each connection.
    pub wire: Vec<Vec<String>>,
    /// ATS's log lines, with the log's name.
    pub logs: Vec<String>,
    /// How ATS ended, unless it kept running.
    pub ats: Option<String>,
}

pub(super) fn attempt(number: u32, seen: &Observation) -> AttemptLines {
    let exchanges = seen.client.iter().flat_map(|run| &run.exchanges);
    let of_parent = seen.parent.iter().flat_map(|parent| &parent.logs).map(|line| ("parent's ", line));
    let logs = seen.logs.iter().map(|line| ("", line)).chain(of_parent);
    let logs = logs.map(|(of, line)| format!("{of}{}: {}", line.file.name(), line.text));
    AttemptLines {
        attempt: number,
        client: bounded(exchanges.map(exchange).collect(), LINES),
        origin: bounded(seen.origin.iter().map(connection).collect(), LINES),
        wire: seen
            .wire
            .iter()
            .take(CONNECTIONS)
            .map(|flow| bounded(timeline::detail(flow).lines().map(str::to_owned).collect(), PACKETS))
            .collect(),
        logs: bounded(logs.collect(), LINES),
        ats: match &seen.ats {
            AtsLife::Alive => None,
            AtsLife::NeverReady(why) => Some(format!("ATS did not start: {why}")),
            AtsLife::Died(how) => Some(format!("ATS died: {how}")),
        },
    }
}

/// The first `most` lines, and how many more there were.
fn bounded(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("... {more} more"));
    }
    lines
}

fn exchange(exchange: &Exchange) -> String {
    let mut parts = Vec::new();
    match exchange.status {
        Some(status) => {
            parts.push(format!("{status} {}", exchange.reason).trim_end().to_owned());
            parts.extend(exchange.head_us.map(|us| format!("after {}", ms(us))));
            parts.push(format!("{} bytes of body", exchange.body_len));
        }
        None => parts.push("no answer".to_owned()),
    }
    parts.extend(exchange.tls.as_ref().map(|tls| format!("{} {}", tls.version, tls.suite)));
    parts.extend(exchange.error.as_ref().map(|error| error.text.clone()));
    parts.push(format!("{} in total", ms(exchange.total_us)));
    parts.join(", ")
}

fn connection(connection: &OriginConnection) -> String {
    let since = |us: u64| ms(us.saturating_sub(connection.accepted_us));
    let mut parts = vec![format!("from {}", connection.peer)];
    match (connection.first_byte_us, &connection.hello) {
        (None, _) => parts.push("no byte received".to_owned()),
        (Some(us), None) => parts.push(format!("first byte after {}, no ClientHello", since(us))),
        (Some(us), Some(hello)) => {
            let name = hello.sni.as_deref().map_or_else(|| "no server name".to_owned(), |name| format!("for {name}"));
            let versions = hello.versions.join(" ");
            parts.push(format!("ClientHello of {} bytes after {}, {name}, {versions}", hello.len, since(us)));
        }
    }
    parts.extend(connection.tls.as_ref().map(|tls| format!("{} {} {}", tls.version, tls.suite, tls.group)));
    parts.extend(connection.requests.iter().map(|request| format!("{} {}", request.method, request.target)));
    parts.extend(connection.error.clone());
    parts.push(connection.closed.map_or_else(
        || "still open at the end".to_owned(),
        |closed| {
            let by = match closed.by {
                ClosedBy::Peer => "closed by ATS (FIN)",
                ClosedBy::PeerReset => "reset by ATS (RST)",
                ClosedBy::Origin => "closed by the origin",
            };
            format!("{by} after {}", since(closed.at_us))
        },
    ));
    parts.join(", ")
}

/// Microseconds as milliseconds with one decimal.
fn ms(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}
