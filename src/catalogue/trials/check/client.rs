//! What the client must have seen.

use super::super::body;
use super::super::spec::BODY;
use super::{Check, client_hello, list};
use crate::model::{Exchange, Observation};

/// What the client saw, request by request.
pub(in crate::catalogue::trials) fn exchanges(observation: &Observation) -> &[Exchange] {
    observation.client.as_ref().map(|run| run.exchanges.as_slice()).unwrap_or_default()
}

/// One whole answer with the body of a trial that is not about bodies.
pub(in crate::catalogue::trials) fn one_answer(observation: &Observation) -> Vec<Check> {
    answers(observation, 1, BODY)
}

/// The client got `count` answers of status 200, each with the whole response body.
pub(in crate::catalogue::trials) fn answers(observation: &Observation, count: usize, body_len: u64) -> Vec<Check> {
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

/// The client's last answer has one of these statuses.
pub(in crate::catalogue::trials) fn status(observation: &Observation, wanted: &[u16]) -> Check {
    let last = exchanges(observation).last();
    let listed: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let expected = format!("status {}", listed.join(" or "));
    let held = last.and_then(|exchange| exchange.status).is_some_and(|status| wanted.contains(&status));
    // The reason of a right status can differ from run to run: it depends on which side was quicker.
    let seen = if held { expected.clone() } else { last.map_or_else(|| "no answer".into(), status_text) };
    Check::new(held, expected, seen)
}

/// The answers have these statuses, in order.
pub(in crate::catalogue::trials) fn statuses(observation: &Observation, wanted: &[u16]) -> Check {
    statuses_if_any(observation, &wanted.iter().copied().map(Some).collect::<Vec<_>>())
}

/// The same, with `None` for a request without an answer.
pub(in crate::catalogue::trials) fn statuses_if_any(observation: &Observation, wanted: &[Option<u16>]) -> Check {
    let seen: Vec<Option<u16>> = exchanges(observation).iter().map(|exchange| exchange.status).collect();
    let name = |status: &Option<u16>| status.map_or_else(|| "none".into(), |status| status.to_string());
    let text = |list: &[Option<u16>]| format!("statuses {}", list.iter().map(name).collect::<Vec<_>>().join(", "));
    Check::new(seen == wanted, text(wanted), text(&seen))
}

/// The client's exchanges ended without a connection error.
pub(in crate::catalogue::trials) fn no_error(observation: &Observation) -> Check {
    let error = exchanges(observation).iter().find_map(|exchange| exchange.error.as_ref());
    Check::new(error.is_none(), "no error at the client", error.map_or("no error", |error| &error.text))
}

/// The client notices that it did not get everything.
pub(in crate::catalogue::trials) fn not_a_clean_success(observation: &Observation, whole: u64) -> Check {
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
    // How much came before the end, and how it ended, depends on timing.
    Check::new(held, expected, if held { expected.to_owned() } else { seen })
}

/// All answers have bodies of these lengths with the counting pattern.
pub(in crate::catalogue::trials) fn bodies(observation: &Observation, wanted: &[u64]) -> Check {
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

/// This interim response came before the last answer.
pub(in crate::catalogue::trials) fn interim(observation: &Observation, wanted: u16) -> Check {
    let seen = exchanges(observation).last().map(|exchange| exchange.interim.as_slice()).unwrap_or_default();
    let names: Vec<String> = seen.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Check::new(
        seen.contains(&wanted),
        format!("an interim {wanted} at the client"),
        format!("interim {} at the client", list(&names)),
    )
}

/// All answers at the client have this HTTP version.
pub(in crate::catalogue::trials) fn answered_by(observation: &Observation, version: &str) -> Check {
    let mut seen: Vec<&str> = exchanges(observation).iter().map(|exchange| exchange.version.as_str()).collect();
    seen.dedup();
    Check::new(seen == [version], format!("{version} at the client"), format!("{} at the client", list(&seen)))
}

/// The client saw the certificate of `ats` or of `origin`.
pub(in crate::catalogue::trials) fn shown(observation: &Observation, whose: &str) -> Check {
    let seen = exchanges(observation).iter().filter_map(|exchange| exchange.tls.as_ref()).map(|tls| tls.peer.as_str());
    let mut seen: Vec<&str> = seen.collect();
    seen.dedup();
    let name = |whose: &str| format!("the certificate of {}", if whose == "ats" { "ATS" } else { "the origin" });
    let held = seen == [whose];
    Check::new(held, name(whose), seen.first().map_or_else(|| "no TLS at the client".into(), |whose| name(whose)))
}

/// The page of `openssl s_server -www` came, and names one of these versions.
pub(in crate::catalogue::trials) fn page_of_openssl(observation: &Observation, versions: &[&str]) -> Vec<Check> {
    let page = exchanges(observation).last().map_or("", |exchange| &exchange.body_head);
    let version = page.split("Protocol  : ").nth(1).and_then(|rest| rest.split('\\').next());
    let held = version.is_some_and(|version| versions.contains(&version));
    let describe = |version: &str| format!("{version} on the page of s_server");
    vec![
        status(observation, &[200]),
        client_hello(observation),
        Check::new(held, describe(&versions.join(" or ")), describe(version.unwrap_or("no protocol"))),
    ]
}

/// Every request of a load got a whole answer.
pub(in crate::catalogue::trials) fn all_whole(observation: &Observation, wanted: u32) -> Check {
    let load = observation.client.as_ref().and_then(|run| run.load.as_ref());
    let whole = load.map_or(0, |load| load.whole);
    Check::new(whole == wanted, format!("{wanted} whole answers"), format!("{whole} whole answers"))
}

/// A reload under traffic lost no request and kept the process.
pub(in crate::catalogue::trials) fn reloaded(observation: &Observation, body_len: u64) -> Vec<Check> {
    let mut checks = answers(observation, 1, body_len);
    let load = observation.client.as_ref().and_then(|run| run.load.clone()).unwrap_or_default();
    // How many were sent depends on timing.
    let lost = load.sent.saturating_sub(load.whole);
    let seen = if load.sent == 0 { "no request".into() } else { format!("{lost} requests lost") };
    checks.push(Check::new(load.sent > 0 && lost == 0, "0 requests lost", seen));
    let same = load.same_process == Some(true);
    checks.push(Check::new(same, "the same process", if same { "the same process" } else { "another process" }));
    checks
}
