//! Raw evidence of an attempt as text: what client, origin and logs recorded.

use maud::{Markup, html};

use crate::model::{AtsLife, ClosedBy, Exchange, Hello, OriginConnection, TlsSeen, TrialEvidence};
use crate::words::escape::{LINE, SHORT};

use super::ladder::span;
use super::parts::shown;

/// Maximum number of exchanges, connections and log lines shown. The files of the run have all of them.
const MOST: usize = 12;

pub(super) fn attempt(attempt: &TrialEvidence) -> Markup {
    let seen = &attempt.observation;
    let exchanges: Vec<&Exchange> = seen.client.iter().flat_map(|run| &run.exchanges).collect();
    let began = exchanges.first().map(|exchange| exchange.started_us);
    let of_parent = seen.parent.as_ref().map(|parent| parent.logs.as_slice()).unwrap_or_default();
    html! {
        dl.evidence {
            dt { "client" }
            @if exchanges.is_empty() { dd { "did not run" } }
            @for one in exchanges.iter().take(MOST) { dd { (shown(&exchange(one), LINE)) } }
            (more(exchanges.len()))
            dt { "origin" }
            @if seen.origin.is_empty() { dd { "no connection" } }
            @for one in seen.origin.iter().take(MOST) { dd { (shown(&connection(one, began), LINE)) (hello(one.hello.as_ref())) } }
            (more(seen.origin.len()))
            @if let Some(ended) = life(&seen.ats) { dt { "ATS" } dd { (shown(&ended, LINE)) } }
            @for (at, line) in seen.logs.iter().take(MOST).enumerate() {
                @if at == 0 || seen.logs[at - 1].file != line.file { dt { (line.file.name()) } }
                dd { (shown(&line.text, LINE)) }
            }
            (more(seen.logs.len()))
            @for (at, line) in of_parent.iter().take(MOST).enumerate() {
                @if at == 0 || of_parent[at - 1].file != line.file { dt { "parent's " (line.file.name()) } }
                dd { (shown(&line.text, LINE)) }
            }
            (more(of_parent.len()))
        }
    }
}

fn more(count: usize) -> Markup {
    html! { @if count > MOST { dd.hint { "and " (count - MOST) " more" } } }
}

/// `502 Invalid argument, 0 bytes; head after 1.2 ms, end after 1.3 ms`.
fn exchange(exchange: &Exchange) -> String {
    let answer = match exchange.status {
        Some(status) => format!("{status} {}, {} bytes", exchange.reason, exchange.body_len),
        None => "no response".to_owned(),
    };
    let tls = exchange.tls.as_ref().map(|tls| format!("; {}", negotiated(tls))).unwrap_or_default();
    let error = exchange.error.as_ref().map(|error| format!("; {}", error.text)).unwrap_or_default();
    let head = exchange.head_us.map(|us| format!("; head after {}", span(i128::from(us)))).unwrap_or_default();
    format!("{answer}{tls}{error}{head}, end after {}", span(i128::from(exchange.total_us)))
}

/// `accepted 1.1 ms after the request; no byte; closed by the peer (FIN) after 0.2 ms`.
fn connection(seen: &OriginConnection, began: Option<u64>) -> String {
    let after = |from: u64, to: u64| span(i128::from(to) - i128::from(from));
    let mut parts = vec![match began {
        Some(began) => format!("accepted {} after the client began", after(began, seen.accepted_us)),
        None => "accepted".to_owned(),
    }];
    parts.push(match seen.first_byte_us {
        Some(at) => format!("first byte after {}", after(seen.accepted_us, at)),
        None => "no byte received".to_owned(),
    });
    parts.extend(seen.tls.as_ref().map(negotiated));
    parts.extend(
        seen.requests
            .iter()
            .take(MOST)
            .map(|request| format!("{} {} {}", request.method, request.target, request.version)),
    );
    parts.push(format!("{} bytes in, {} out", seen.bytes_in, seen.bytes_out));
    parts.extend(seen.error.clone());
    parts.push(match seen.closed {
        Some(closed) => format!("{} after {}", by(closed.by), after(seen.accepted_us, closed.at_us)),
        None => "still open at the end".to_owned(),
    });
    parts.join("; ")
}

fn by(by: ClosedBy) -> &'static str {
    match by {
        ClosedBy::Peer => "closed by the peer (FIN)",
        ClosedBy::PeerReset => "reset by the peer (RST)",
        ClosedBy::Origin => "closed by the origin",
    }
}

fn negotiated(tls: &TlsSeen) -> String {
    let named = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(" {name}{value}") };
    let resumed = if tls.resumed { " resumed" } else { "" };
    format!("{} {}{}{}{resumed}", tls.version, tls.suite, named("", &tls.group), named("ALPN ", &tls.alpn))
}

fn hello(hello: Option<&Hello>) -> Markup {
    let Some(hello) = hello else { return html! { " " span.hint { "No ClientHello received." } } };
    let or_none = |names: &[String]| if names.is_empty() { "none".to_owned() } else { shown(&names.join(", "), LINE) };
    html! {
        details {
            summary { "ClientHello of " (hello.len) " bytes" }
            dl.facts {
                dt { "SNI" } dd { (shown(hello.sni.as_deref().unwrap_or("none"), SHORT)) }
                dt { "versions" } dd { (or_none(&hello.versions)) }
                dt { "groups" } dd { (or_none(&hello.groups)) }
                dt { "key shares" } dd { (or_none(&hello.key_shares)) }
                dt { "ALPN" } dd { (or_none(&hello.alpn)) }
                dt { "suites" } dd { (or_none(&hello.suites)) }
                @if hello.resuming { dt { "resuming" } dd { "offered" } }
            }
        }
    }
}

fn life(life: &AtsLife) -> Option<String> {
    match life {
        AtsLife::Alive => None,
        AtsLife::NeverReady(why) => Some(format!("never became ready: {why}")),
        AtsLife::Died(how) => Some(format!("died: {how}")),
    }
}
