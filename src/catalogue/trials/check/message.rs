//! What the messages at either end must have, and which end closed first. A message that is not there has nothing.

use super::{Check, NOT_RECORDED, exchanges};
use crate::model::{ClosedBy, Exchange, FirstCloser, HeaderPattern, Observation, OriginRequest};

/// Headers that are recorded of one message: with so many, others may be missing.
const MAX_HEADERS: usize = 32;

/// Most characters of a value that a check repeats.
const MAX_SHOWN: usize = 100;

type Headers = [(String, String)];

/// The answers at the client: those that have a status.
fn answers(observation: &Observation) -> Vec<&Headers> {
    let answered = |exchange: &&Exchange| exchange.status.is_some();
    exchanges(observation).iter().filter(answered).map(|exchange| exchange.headers.as_slice()).collect()
}

fn requests(observation: &Observation) -> impl Iterator<Item = &OriginRequest> {
    observation.origin.iter().flat_map(|connection| &connection.requests)
}

fn headers_of_requests(observation: &Observation) -> Vec<&Headers> {
    requests(observation).map(|request| request.headers.as_slice()).collect()
}

/// Every answer at the client has this header.
pub(in crate::catalogue::trials) fn answer_header(observation: &Observation, wanted: &HeaderPattern) -> Check {
    has(&answers(observation), wanted, "at the client", "no answer")
}

/// No answer at the client has a header of this name, and there is one.
pub(in crate::catalogue::trials) fn no_answer_header(observation: &Observation, name: &str) -> Check {
    lacks(&answers(observation), name, "at the client", "no answer")
}

/// Every request at the origin has this header.
pub(in crate::catalogue::trials) fn request_header(observation: &Observation, wanted: &HeaderPattern) -> Check {
    has(&headers_of_requests(observation), wanted, "at the origin", "no request")
}

/// No request at the origin has a header of this name, and there is one.
pub(in crate::catalogue::trials) fn no_request_header(observation: &Observation, name: &str) -> Check {
    lacks(&headers_of_requests(observation), name, "at the origin", "no request")
}

fn has(messages: &[&Headers], wanted: &HeaderPattern, place: &str, none: &str) -> Check {
    let HeaderPattern { name, value } = wanted;
    let expected = format!("header {name}: {value} {place}");
    let fits_one = |headers: &&Headers| headers.iter().any(|(known, has)| known == name && fits(value, has));
    let Some(other) = messages.iter().find(|headers| !fits_one(headers)) else {
        // Without a message nothing has it. What `*` stands for may differ from run to run.
        let held = !messages.is_empty();
        return Check::new(held, expected.clone(), if held { expected } else { none.to_owned() + " " + place });
    };
    let values: Vec<&str> = other.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
    let seen = match values.as_slice() {
        [] => format!("no header {name} {place}"),
        values => format!("header {name}: {} {place}", shown(&values.join(", "))),
    };
    Check::new(false, expected, seen)
}

fn lacks(messages: &[&Headers], name: &str, place: &str, none: &str) -> Check {
    let expected = format!("no header {name} {place}");
    let value = messages.iter().find_map(|headers| headers.iter().find(|(known, _)| known == name));
    let seen = if let Some((_, value)) = value {
        format!("header {name}: {} {place}", shown(value))
    } else if messages.is_empty() {
        format!("{none} {place}")
    } else if messages.iter().any(|headers| headers.len() >= MAX_HEADERS) {
        format!("more headers {place}{NOT_RECORDED}")
    } else {
        expected.clone()
    };
    Check::new(seen == expected, expected, seen)
}

fn shown(value: &str) -> String {
    value.chars().take(MAX_SHOWN).flat_map(char::escape_debug).collect()
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    true
}

/// The requests at the origin have these methods and targets, in order.
pub(in crate::catalogue::trials) fn request_lines(observation: &Observation, wanted: &[String]) -> Check {
    let lines: Vec<String> = requests(observation).map(|it| format!("{} {}", it.method, it.target)).collect();
    let text = |lines: &[String]| match lines {
        [] => "no request at the origin".to_owned(),
        lines => format!("{} at the origin", lines.join(", ")),
    };
    let held = lines == wanted;
    let seen: Vec<String> = lines.iter().take(MAX_SHOWN).map(|line| shown(line)).collect();
    Check::new(held, text(wanted), if held { text(wanted) } else { text(&seen) })
}

/// Every request came to the origin without TLS, and there is one.
pub(in crate::catalogue::trials) fn over_plain(observation: &Observation) -> Check {
    let serving = super::origin::serving(observation);
    let seen = match (serving.is_empty(), serving.iter().all(|connection| connection.tls.is_none())) {
        (true, _) => "no request at the origin",
        (false, true) => "plain HTTP to the origin",
        (false, false) => "TLS to the origin",
    };
    Check::new(seen == "plain HTTP to the origin", "plain HTTP to the origin", seen)
}

/// This end closed every connection of the origin first. Of ATS only what it closed before the client was done counts: after that
/// it is ended, which closes all connections.
pub(in crate::catalogue::trials) fn closed_first(observation: &Observation, by: FirstCloser) -> Check {
    let ends = exchanges(observation).iter().map(|exchange| exchange.started_us.saturating_add(exchange.total_us));
    let done = ends.max().unwrap_or_default();
    let name = |by: Option<FirstCloser>| match by {
        Some(FirstCloser::Ats) => "a connection closed first by ATS",
        Some(FirstCloser::AtsReset) => "a connection reset by ATS",
        Some(FirstCloser::Origin) => "a connection closed first by the origin",
        None => "a connection that was open until the client was done",
    };
    let closer = |closed: crate::model::Closed| match closed.by {
        ClosedBy::Origin => Some(FirstCloser::Origin),
        ClosedBy::Peer => (closed.at_us <= done).then_some(FirstCloser::Ats),
        ClosedBy::PeerReset => (closed.at_us <= done).then_some(FirstCloser::AtsReset),
    };
    let closers: Vec<_> = observation.origin.iter().map(|connection| connection.closed.and_then(closer)).collect();
    let other = closers.iter().find(|closer| **closer != Some(by));
    let seen = match (closers.is_empty(), other) {
        (true, _) => "no connection at the origin",
        (false, Some(other)) => name(*other),
        (false, None) => name(Some(by)),
    };
    Check::new(!closers.is_empty() && other.is_none(), name(Some(by)), seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientRun, Closed, OriginConnection};

    fn pattern(name: &str, value: &str) -> HeaderPattern {
        HeaderPattern { name: name.into(), value: value.into() }
    }

    fn seen(headers: &[(&str, &str)]) -> Observation {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = OriginRequest { headers: headers.clone(), ..OriginRequest::default() };
        let connection = OriginConnection { requests: vec![request], ..OriginConnection::default() };
        let exchange = Exchange { status: Some(200), headers, ..Exchange::default() };
        let client = Some(ClientRun { exchanges: vec![exchange], ..ClientRun::default() });
        Observation { client, origin: vec![connection], ..Observation::default() }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("", ""), ("a", "a"), ("*", ""), ("*", "x"), ("a*", "ab"), ("*b*d", "abcd"), ("a**", "a")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*b", "a"), ("*b*b", "ab"), ("a*", "ba"), ("ab*b", "ab")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn headers_are_found_and_missed_in_every_message() {
        let one = seen(&[("via", "http/1.1 ats")]);
        assert!(request_header(&one, &pattern("via", "*ats")).held && answer_header(&one, &pattern("via", "*")).held);
        assert_eq!(request_header(&one, &pattern("via", "x")).seen, "header via: http/1.1 ats at the origin");
        assert_eq!(request_header(&one, &pattern("age", "*")).seen, "no header age at the origin");
        assert!(no_answer_header(&one, "age").held && !no_request_header(&one, "via").held);
        let mut two = one;
        two.origin[0].requests.push(OriginRequest::default());
        assert!(!request_header(&two, &pattern("via", "*")).held);
    }

    #[test]
    fn without_a_message_nothing_is_as_expected() {
        let nothing = Observation::default();
        assert_eq!(request_header(&nothing, &pattern("via", "*")).seen, "no request at the origin");
        assert_eq!(no_answer_header(&nothing, "via").seen, "no answer at the client");
        for check in [
            request_header(&nothing, &pattern("via", "*")),
            no_request_header(&nothing, "via"),
            no_answer_header(&nothing, "via"),
            over_plain(&nothing),
            request_lines(&nothing, &["GET /".into()]),
            closed_first(&nothing, FirstCloser::Origin),
        ] {
            assert!(!check.held, "{check:?}");
        }
    }

    #[test]
    fn a_message_with_more_headers_than_recorded_lacks_none_for_certain() {
        let many: Vec<(&str, &str)> = vec![("x", "y"); MAX_HEADERS];
        assert_eq!(no_request_header(&seen(&many), "via").seen, "more headers at the origin than are recorded");
    }

    #[test]
    fn what_is_closed_when_ats_is_ended_is_not_closed_by_ats() {
        let mut one = seen(&[]);
        let end = |by, at_us| Some(Closed { by, at_us });
        one.client.as_mut().unwrap().exchanges[0].total_us = 100;
        one.origin[0].closed = end(ClosedBy::Peer, 90);
        assert!(closed_first(&one, FirstCloser::Ats).held && !closed_first(&one, FirstCloser::Origin).held);
        one.origin[0].closed = end(ClosedBy::Peer, 110);
        assert!(!closed_first(&one, FirstCloser::Ats).held);
        one.origin[0].closed = end(ClosedBy::Origin, 110);
        assert!(closed_first(&one, FirstCloser::Origin).held);
    }
}
