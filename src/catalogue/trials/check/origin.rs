//! What the origin must have seen.

use super::super::body;
use super::{Check, list};
use crate::model::{Hello, Observation, OriginConnection, TlsSeen};

/// Connections that carried at least one request.
pub(in crate::catalogue::trials) fn serving(observation: &Observation) -> Vec<&OriginConnection> {
    observation.origin.iter().filter(|connection| !connection.requests.is_empty()).collect()
}

/// The origin served `requests` requests, over `connections` connections when that is given.
pub(in crate::catalogue::trials) fn served(
    observation: &Observation,
    requests: usize,
    connections: Option<usize>,
) -> Check {
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

/// Some connections carried more than one request.
pub(in crate::catalogue::trials) fn reused(observation: &Observation) -> Check {
    let serving = serving(observation);
    let held = serving.iter().any(|connection| connection.requests.len() > 1);
    let text = |held| if held { "connections with several requests" } else { "no connection with several requests" };
    Check::new(held, text(true), text(held))
}

/// TLS on every connection that carried requests is like this.
pub(in crate::catalogue::trials) fn negotiated(
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

/// The origin got a client certificate.
pub(in crate::catalogue::trials) fn with_client_certificate(observation: &Observation) -> Check {
    let name = |tls: &TlsSeen| if tls.peer == "client" { "a client certificate" } else { "no client certificate" };
    negotiated(observation, "a client certificate at the origin", |tls| tls.peer == "client", |tls| name(tls).into())
}

/// Any version of TLS.
pub(in crate::catalogue::trials) fn over_tls(observation: &Observation) -> Check {
    negotiated(observation, "TLS to the origin", |_| true, |tls| tls.version.clone())
}

/// Exactly this TLS version.
pub(in crate::catalogue::trials) fn over_version(observation: &Observation, version: &str) -> Check {
    negotiated(observation, format!("{version} to the origin"), |tls| tls.version == version, |tls| tls.version.clone())
}

/// This cipher suite, by its name in rustls.
pub(in crate::catalogue::trials) fn over_suite(observation: &Observation, suite: &str) -> Check {
    negotiated(observation, format!("{suite} to the origin"), |tls| tls.suite == suite, |tls| tls.suite.clone())
}

/// This group.
pub(in crate::catalogue::trials) fn over_group(observation: &Observation, group: &str) -> Check {
    negotiated(observation, format!("{group} to the origin"), |tls| tls.group == group, |tls| tls.group.clone())
}

/// This ALPN protocol; empty: none.
pub(in crate::catalogue::trials) fn over_alpn(observation: &Observation, alpn: &str) -> Check {
    let name = |alpn: &str| if alpn.is_empty() { "no ALPN".to_owned() } else { format!("ALPN {alpn}") };
    negotiated(observation, format!("{} at the origin", name(alpn)), |tls| tls.alpn == alpn, |tls| name(&tls.alpn))
}

/// Connections on which the origin saw a ClientHello.
fn hellos(observation: &Observation) -> impl Iterator<Item = &Hello> {
    observation.origin.iter().filter_map(|connection| connection.hello.as_ref())
}

/// Bytes of payload in an Ethernet segment (MTU 1500).
pub(in crate::catalogue::trials) const SEGMENT: u32 = 1460;

/// Bytes that `hello` takes on the wire in one record.
pub(in crate::catalogue::trials) fn on_the_wire(hello: &Hello) -> u32 {
    hello.on_the_wire()
}

/// The first ClientHello at the origin.
pub(in crate::catalogue::trials) fn first_hello(observation: &Observation) -> Option<&Hello> {
    hellos(observation).next()
}

/// Every ClientHello is like this.
pub(in crate::catalogue::trials) fn hello(
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

/// Any ClientHello: the connection failed in TLS, not before.
pub(in crate::catalogue::trials) fn client_hello(observation: &Observation) -> Check {
    hello(observation, "a ClientHello at the origin", |_| true, |_| "a ClientHello".into())
}

/// Every ClientHello asks for this server name.
pub(in crate::catalogue::trials) fn server_name(observation: &Observation, wanted: Option<&str>) -> Check {
    let name = |sni: Option<&str>| sni.map_or_else(|| "no server name".to_owned(), |sni| format!("server name {sni}"));
    let holds = |hello: &Hello| hello.sni.as_deref() == wanted;
    hello(observation, name(wanted), holds, |hello| name(hello.sni.as_deref()))
}

/// Which TLS connections of the origin were resumed, in order.
pub(in crate::catalogue::trials) fn resumed(observation: &Observation, wanted: &[bool]) -> Check {
    let seen = observation.origin.iter().filter_map(|connection| connection.tls.as_ref()).map(|tls| tls.resumed);
    let seen: Vec<bool> = seen.collect();
    let describe = |list: &[bool]| {
        let words: Vec<&str> = list.iter().map(|resumed| if *resumed { "resumed" } else { "full" }).collect();
        format!("handshakes: {}", if words.is_empty() { "none".into() } else { words.join(", ") })
    };
    Check::new(seen == wanted, describe(wanted), describe(&seen))
}

/// The first request's body arrived whole at the origin.
pub(in crate::catalogue::trials) fn posted(observation: &Observation, len: u64) -> Check {
    let request = serving(observation).first().and_then(|connection| connection.requests.first());
    let (seen, whole) = request.map_or((0, false), |request| {
        (request.body_len, request.body_len == len && request.body_sha256 == body::sha256(len))
    });
    let altered = if whole || seen != len { "" } else { " altered" };
    Check::new(whole, format!("{len} bytes posted"), format!("{seen} bytes posted{altered}"))
}

/// All requests at the origin have this HTTP version.
pub(in crate::catalogue::trials) fn requested_by(observation: &Observation, version: &str) -> Check {
    let requests = observation.origin.iter().flat_map(|connection| &connection.requests);
    let mut seen: Vec<&str> = requests.map(|request| request.version.as_str()).collect();
    seen.dedup();
    Check::new(seen == [version], format!("{version} at the origin"), format!("{} at the origin", list(&seen)))
}

/// Connections that carried requests came from addresses that start with `prefix`.
pub(in crate::catalogue::trials) fn from_family(observation: &Observation, prefix: &str) -> Check {
    let family = |peer: &str| if peer.starts_with('[') { "IPv6" } else { "IPv4" };
    let serving = serving(observation);
    let held = !serving.is_empty() && serving.iter().all(|connection| connection.peer.starts_with(prefix));
    let seen = serving.first().map_or("no connection", |connection| family(&connection.peer));
    Check::new(held, format!("{} to the origin", family(prefix)), format!("{seen} to the origin"))
}

/// The origin's script ran to its end: everything it waited for came.
pub(in crate::catalogue::trials) fn script_done(observation: &Observation) -> Check {
    let error = observation.origin.iter().find_map(|connection| connection.error.as_deref());
    let held = !observation.origin.is_empty() && error.is_none();
    Check::new(held, "an origin that saw what it waited for", error.unwrap_or("the origin saw what it waited for"))
}
