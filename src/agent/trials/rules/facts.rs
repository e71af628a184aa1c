//! What ATS did with the request for a rule and with its answer, as facts.

use std::collections::BTreeMap;

use super::{NUMBER, RuleFate, place, question};
use crate::agent::headers::MAX_HEADERS;
use crate::agent::targets::{ANSWER, ARRIVAL};
use crate::ats::asks::{Ask, Destination, Leads};
use crate::decide::behaviour::rules::{HeaderChange, RuleFacts, header_changes};
use crate::model::{Arrived, Exchange};

/// Headers that differ from request to request, or that every proxy changes. Host is a fact of its own.
const UNTOLD: &[&str] = &["host", NUMBER, ARRIVAL, "date", "content-length", "connection", "transfer-encoding"];

/// Characters that evidence has of a header.
const MAX_HEADER: usize = 120;

/// The headers of a message before and after ATS.
pub(super) struct HeadersOnTheWay {
    sent: BTreeMap<String, String>,
    got: BTreeMap<String, String>,
    /// Not all of them were recorded.
    cut: bool,
}

impl HeadersOnTheWay {
    fn of(sent: &[(String, String)], got: &[(String, String)]) -> Self {
        let by_name = |headers: &[(String, String)]| {
            let mut named = BTreeMap::<String, String>::new();
            for (name, value) in headers.iter().filter(|(name, _)| !UNTOLD.contains(&name.as_str())) {
                let known = named.entry(name.clone()).or_default();
                if !known.is_empty() {
                    known.push_str(", ");
                }
                known.push_str(value);
            }
            named
        };
        Self { sent: by_name(sent), got: by_name(got), cut: got.len() >= MAX_HEADERS }
    }

    fn changes(&self) -> BTreeMap<&str, HeaderChange<'_>> {
        header_changes(&self.sent, &self.got)
    }

    /// As evidence has them, sorted by name.
    pub(super) fn lines(&self) -> Vec<String> {
        let short = |value: &str| value.chars().take(MAX_HEADER).collect::<String>();
        let line = |(name, change): (&str, HeaderChange<'_>)| match change {
            HeaderChange::Added(value) => format!("+ {name}: {}", short(value)),
            HeaderChange::Removed => format!("- {name}"),
            HeaderChange::Changed(value) => format!("~ {name}: {}", short(value)),
        };
        self.changes().into_iter().map(line).collect()
    }

    fn add_to(&self, facts: &mut RuleFacts, message: &str) {
        if self.cut {
            // Which of them is beyond the limit says nothing about ATS.
            return facts.add(&format!("{message} headers"), &format!("{MAX_HEADERS} or more, which are not compared"));
        }
        facts.add_headers(message, &self.changes());
    }
}

/// The headers of the request for `ask`.
pub(super) fn of_request(ask: &Ask, arrived: &Arrived) -> HeadersOnTheWay {
    HeadersOnTheWay::of(&question(0, ask).headers, &arrived.headers)
}

/// The headers of an answer of a stand-in.
pub(super) fn of_answer(answer: Option<&Exchange>) -> HeadersOnTheWay {
    let sent: Vec<(String, String)> =
        ANSWER.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    answer.map_or_else(|| HeadersOnTheWay::of(&[], &[]), |answer| HeadersOnTheWay::of(&sent, &answer.headers))
}

/// All facts about the rule of `ask`.
pub(super) fn of(ask: &Ask, answer: Option<&Exchange>, fate: &RuleFate, parents_take_turns: bool) -> RuleFacts {
    let mut facts = RuleFacts::new(ask.words());
    match (fate, &ask.leads, answer) {
        (RuleFate::Reached(arrived), Leads::Origin(to), answer) => {
            at_origin(&mut facts, ask, to, arrived);
            if arrived.host != to.host {
                let parent =
                    if parents_take_turns { "one of those that take turns".to_owned() } else { place(arrived) };
                facts.add("parent", &parent);
            }
            of_request(ask, arrived).add_to(&mut facts, "request");
            // Each stand-in answers with 200.
            if let Some(status) = answer.and_then(|answer| answer.status) {
                facts.add("answer", &status.to_string());
            }
            of_answer(answer).add_to(&mut facts, "answer");
        }
        (RuleFate::Redirected, _, Some(answer)) => {
            let header = |name| answer.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value);
            let status = answer.status.map(|status| status.to_string()).unwrap_or_default();
            facts.add("redirect", &format!("{status} to {}", header("location")));
            let headers: Vec<(String, String)> =
                answer.headers.iter().filter(|(name, _)| name != "location").cloned().collect();
            HeadersOnTheWay::of(&[], &headers).add_to(&mut facts, "answer");
        }
        (RuleFate::Missed(seen), ..) => facts.add("leads elsewhere", seen),
        (RuleFate::Open(_) | RuleFate::Reached(_) | RuleFate::Redirected, ..) => facts.add("answer", "not found out"),
    }
    facts
}

/// How the request arrived, in words that hold for every rule as far as they can.
fn at_origin(facts: &mut RuleFacts, ask: &Ask, to: &Destination, arrived: &Arrived) {
    if arrived.method != ask.method {
        facts.add("method", &arrived.method);
    }
    let named = |name: &str| {
        let (host, port) = name.rsplit_once(':').unwrap_or((name, ""));
        let port = if port.is_empty() { "" } else { ", with its port" };
        match host.to_ascii_lowercase() {
            host if host == to.host => format!("of the origin{port}"),
            host if host == ask.host => format!("as asked{port}"),
            _ => name.to_owned(),
        }
    };
    facts.add("Host", &named(arrived.host_header()));
    if arrived.tls {
        facts.add("SNI", &arrived.sni.as_deref().map_or("none".to_owned(), named));
    }
    // A parent gets the whole URL.
    let (scheme, rest) = arrived.target.split_once("://").unwrap_or(("", &arrived.target));
    let path = if scheme.is_empty() { rest } else { rest.find('/').map_or("/", |at| &rest[at..]) };
    let whole = if scheme.is_empty() { "" } else { ", in a whole URL" };
    let path = if path == ask.path { "as asked" } else { path };
    facts.add("path", &format!("{path}{whole}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::site::FileLine;
    use crate::decide::behaviour::rules::by_fact;

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn changes_of_headers_are_told_by_name() {
        let sent = [header("accept", "*/*"), header("host", "a"), header("x-gone", "1")];
        let got = [
            header("accept", "text/html"),
            header("host", "b"),
            header("x-edge", "yes"),
            header("date", "today"),
            header("x-edge", "no"),
        ];
        let lines = HeadersOnTheWay::of(&sent, &got).lines();
        assert_eq!(lines, ["~ accept: text/html", "+ x-edge: yes, no", "- x-gone"]);
    }

    fn ask() -> Ask {
        Ask {
            at: FileLine::new("remap.config", 3),
            tls: false,
            method: "GET".into(),
            host: "a.com".into(),
            port: None,
            path: "/v1/".into(),
            headers: Vec::new(),
            leads: Leads::Origin(Destination { host: "b.com".into(), port: 443, tls: Some(true) }),
            plugins: true,
        }
    }

    fn arrived() -> Arrived {
        Arrived {
            host: "b.com".into(),
            port: 443,
            tls: true,
            sni: Some("b.com".into()),
            method: "GET".into(),
            target: "/v1/".into(),
            headers: [
                vec![header("host", "b.com")],
                question(0, &ask()).headers.into_iter().filter(|(name, _)| name != "host").collect(),
                vec![header("x-edge", "www")],
            ]
            .concat(),
        }
    }

    fn answer() -> Exchange {
        let headers = ANSWER.iter().map(|(name, value)| header(name, value)).collect();
        Exchange { status: Some(200), headers, ..Exchange::default() }
    }

    type Change<T> = (&'static str, fn(&mut T));

    fn told(arrived: Arrived, answer: &Exchange) -> BTreeMap<String, String> {
        by_fact(&[of(&ask(), Some(answer), &RuleFate::Reached(arrived), false)])
    }

    #[test]
    fn whatever_ats_or_a_plugin_does_to_a_request_or_its_answer_is_a_change() {
        let usual = told(arrived(), &answer());
        let facts: Vec<(&str, &str)> =
            usual.iter().map(|(fact, value)| (fact.as_str(), value.split(" [").next().unwrap())).collect();
        assert_eq!(
            facts,
            [
                ("Host", "of the origin"),
                ("SNI", "of the origin"),
                ("answer", "200"),
                ("path", "as asked"),
                ("request header x-edge", "added www"),
            ]
        );
        let requests: [Change<Arrived>; 7] = [
            ("Host", |it| it.headers[0].1 = "a.com".into()),
            ("Host", |it| it.headers[0].1 = "b.com:443".into()),
            ("SNI", |it| it.sni = None),
            ("method", |it| it.method = "POST".into()),
            ("path", |it| it.target = "/v2/".into()),
            ("request header accept", |it| drop(it.headers.remove(1))),
            ("parent", |it| it.host = "parent.com".into()),
        ];
        for (fact, change) in requests {
            let mut other = arrived();
            change(&mut other);
            let other = told(other, &answer());
            assert_ne!(usual.get(fact), other.get(fact), "{fact}");
        }
        let answers: [Change<Exchange>; 3] = [
            ("answer", |it| it.status = Some(404)),
            ("answer header server", |it| it.headers.push(header("server", "ATS/9.2.9"))),
            ("answer header cache-control", |it| it.headers.retain(|(name, _)| name != "cache-control")),
        ];
        for (fact, change) in answers {
            let mut other = answer();
            change(&mut other);
            assert_ne!(usual.get(fact), told(arrived(), &other).get(fact), "{fact}");
        }
    }

    #[test]
    fn a_redirect_and_a_rule_that_leads_elsewhere_are_told() {
        let moved = Exchange { status: Some(301), headers: vec![header("location", "https://a.com/")], ..answer() };
        let of = |fate| by_fact(&[of(&ask(), Some(&moved), &fate, false)]);
        assert_eq!(of(RuleFate::Redirected)["redirect"], "301 to https://a.com/ [GET http://a.com/v1/]");
        assert_eq!(of(RuleFate::Missed("x".into()))["leads elsewhere"], "x [GET http://a.com/v1/]");
    }
}
