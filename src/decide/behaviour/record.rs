//! The behaviour in an observation.

use std::collections::BTreeSet;

use crate::model::{
    Aspects, AtsLife, BehaviourPart, ClientPhase, Closed, ClosedBy, Exchange, Hello, Observation, OriginConnection,
    OriginRequest, Route, Speak, TlsSeen, TrialBehaviour, TrialSpec,
};

use super::{chance, normal};

/// Joins the values of several messages or connections.
pub(super) const THEN: &str = " | ";

/// Joins the entries of a list.
pub(super) const COMMA: &str = ", ";

/// The value of something that a message or connection does not have.
pub(super) const NONE: &str = "none";

/// Most values of an aspect that are kept as they are; of the rest there is a digest.
const MAX_VALUES: usize = 8;

/// The behaviour of `trial`, which did what `spec` says and saw `seen`; `None` if it says nothing about ATS: a control without
/// ATS, or an ATS that did not run.
pub fn of(trial: &str, spec: &TrialSpec, seen: &Observation) -> Option<TrialBehaviour> {
    if spec.route != Route::Ats || seen.client.is_none() || seen.ats != AtsLife::Alive {
        return None;
    }
    let reader = BehaviourReader { trial, seen, spec, crowd: chance::is_crowd(spec) };
    let parts = [
        (BehaviourPart::Hello, reader.hello()),
        (BehaviourPart::Size, reader.size()),
        (BehaviourPart::Tls, reader.tls()),
        (BehaviourPart::Request, reader.requests()),
        (BehaviourPart::Connections, reader.connections()),
        (BehaviourPart::Response, reader.responses()),
        (BehaviourPart::Headers, reader.headers()),
        (BehaviourPart::Rules, reader.rules()),
    ];
    let left_out = chance::left_out(trial, spec);
    let kept = |(part, mut aspects): (BehaviourPart, Aspects)| {
        aspects.retain(|aspect, _| !left_out.keys().any(|fact| chance::covers(fact, part, aspect)));
        (part, aspects)
    };
    let mut parts: Vec<(BehaviourPart, Aspects)> = parts.into_iter().map(kept).collect();
    parts.push((BehaviourPart::NotCompared, left_out));
    Some(TrialBehaviour(parts.into_iter().filter(|(_, aspects)| !aspects.is_empty()).collect()))
}

struct BehaviourReader<'a> {
    trial: &'a str,
    spec: &'a TrialSpec,
    seen: &'a Observation,
    /// Many requests at once: their order and number, and those of connections, are chance.
    crowd: bool,
}

impl BehaviourReader<'_> {
    /// Values in order; of a crowd each value once. `None` without a value that says something.
    fn values(&self, values: impl IntoIterator<Item = String>) -> Option<String> {
        let mut kept: Vec<String> = values.into_iter().collect();
        if kept.iter().all(|value| value.is_empty() || value == NONE) {
            return None;
        }
        for value in &mut kept {
            if value.is_empty() {
                NONE.clone_into(value);
            }
        }
        if self.crowd {
            kept = kept.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        }
        let rest = kept.split_off(kept.len().min(MAX_VALUES));
        kept.extend((!rest.is_empty()).then(|| normal::more(rest.len(), &rest.join(THEN))));
        Some(kept.join(THEN))
    }

    /// `aspects` with those that have a value.
    fn aspects<'n>(&self, aspects: impl IntoIterator<Item = (&'n str, Vec<String>)>) -> Aspects {
        let with = aspects.into_iter().filter_map(|(name, values)| Some((name.to_owned(), self.values(values)?)));
        with.collect()
    }

    /// Each `ClientHello` in order; of a crowd those that resume no session, because how many do is chance.
    fn hellos(&self) -> impl Iterator<Item = &Hello> {
        let all = self.seen.origin.iter().filter_map(|connection| connection.hello.as_ref());
        all.filter(|hello| !(self.crowd && hello.resuming))
    }

    fn hello(&self) -> Aspects {
        let list = |of: fn(&Hello) -> &[String]| self.hellos().map(|hello| of(hello).join(COMMA)).collect();
        let sorted = |hello: &Hello| {
            let names: BTreeSet<&str> = hello.extensions.iter().map(String::as_str).collect();
            names.into_iter().collect::<Vec<_>>().join(COMMA)
        };
        let name = |hello: &Hello| normal::text(self.trial, hello.sni.as_deref().unwrap_or(NONE));
        let mut aspects = self.aspects([
            ("versions", list(|hello| &hello.versions)),
            ("suites", list(|hello| &hello.suites)),
            ("groups", list(|hello| &hello.groups)),
            ("key shares", list(|hello| &hello.key_shares)),
            ("ALPN", list(|hello| &hello.alpn)),
            ("extensions", self.hellos().map(sorted).collect()),
            ("signature algorithms", list(|hello| &hello.signatures)),
            ("resuming", self.hellos().map(|hello| yes(hello.resuming)).collect()),
        ]);
        // A hello without a name says so: an origin may refuse it.
        if self.hellos().next().is_some() {
            let names: Vec<String> = self.hellos().map(name).collect();
            aspects.insert("SNI".to_owned(), self.values(names).unwrap_or_else(|| NONE.to_owned()));
        }
        aspects
    }

    fn size(&self) -> Aspects {
        self.aspects([("size", self.hellos().map(|hello| hello.on_the_wire().to_string()).collect())])
    }

    fn tls(&self) -> Aspects {
        let all = self.seen.origin.iter().filter_map(|connection| connection.tls.as_ref());
        let all: Vec<&TlsSeen> = all.filter(|tls| !(self.crowd && tls.resumed)).collect();
        let of = |value: fn(&TlsSeen) -> String| all.iter().map(|tls| value(tls)).collect();
        self.aspects([
            ("version", of(|tls| tls.version.clone())),
            ("suite", of(|tls| tls.suite.clone())),
            ("group", of(|tls| normal::group(&tls.group))),
            ("ALPN", of(|tls| tls.alpn.clone())),
            ("client certificate", of(|tls| yes(!tls.peer.is_empty()))),
            ("resumed", of(|tls| yes(tls.resumed))),
        ])
    }

    fn requests(&self) -> Aspects {
        let all: Vec<&OriginRequest> = self.seen.origin.iter().flat_map(|connection| &connection.requests).collect();
        let line = |request: &&OriginRequest| {
            normal::text(self.trial, &format!("{} {} {}", request.method, request.target, request.version))
        };
        let mut aspects = self.aspects([("line", all.iter().map(line).collect())]);
        let messages: Vec<&[(String, String)]> = all.iter().map(|request| request.headers.as_slice()).collect();
        aspects.extend(self.header_values(&messages, |_, _| false));
        aspects
    }

    /// The values of each header in `messages`; only their presence where `varies` says so.
    fn header_values(&self, messages: &[&[(String, String)]], varies: impl Fn(usize, &str) -> bool) -> Aspects {
        let names: BTreeSet<&str> =
            messages.iter().flat_map(|headers| headers.iter()).map(|it| it.0.as_str()).collect();
        let value = |at: usize, name: &str| {
            let own = messages[at].iter().filter(|(other, _)| other == name);
            if varies(at, name) {
                return own.take(1).map(|_| normal::ANY.to_owned()).collect();
            }
            own.map(|(_, value)| normal::header(self.trial, name, value)).collect::<Vec<_>>().join(COMMA)
        };
        let of = |name: &str| (0..messages.len()).map(|at| value(at, name)).collect::<Vec<String>>();
        // A header that is there without a value is told apart from one that is not there.
        let present = |name: &str| self.values(of(name)).unwrap_or_else(|| "empty".to_owned());
        names.into_iter().map(|name| (format!("header {name}"), present(name))).collect()
    }

    fn connections(&self) -> Aspects {
        let all = &self.seen.origin;
        let limit = self.seen.deadline_us();
        let mut aspects = Aspects::new();
        aspects.insert("connections".to_owned(), all.len().to_string());
        // Programs that answer by themselves do not tell of requests.
        let requests: usize = all.iter().map(|connection| connection.requests.len()).sum();
        aspects.insert("requests".to_owned(), requests.to_string());
        let closed = all.iter().map(|connection| closed(connection, limit).to_owned()).collect();
        let alert = all.iter().map(|connection| alert(connection).unwrap_or_default()).collect();
        aspects.extend(self.aspects([("closed by", closed), ("alert", alert)]));
        aspects
    }

    fn exchanges(&self) -> &[Exchange] {
        self.seen.client.as_ref().map_or(&[], |run| &run.exchanges)
    }

    fn responses(&self) -> Aspects {
        if self.crowd {
            let load = self.seen.client.as_ref().and_then(|run| run.load.as_ref());
            let whole = load.map(|load| yes(load.whole == load.sent));
            return self.aspects([("every one whole", whole.into_iter().collect())]);
        }
        let all = self.exchanges();
        let of = |value: &dyn Fn(&Exchange) -> String| all.iter().map(value).collect::<Vec<_>>();
        let mut aspects = self.aspects([
            ("status", of(&|one| one.status.map_or("no response".to_owned(), |status| status.to_string()))),
            ("reason", of(&|one| normal::text(self.trial, &one.reason))),
            ("version", of(&|one| one.version.clone())),
            ("interim", of(&|one| one.interim.iter().map(ToString::to_string).collect::<Vec<_>>().join(COMMA))),
            ("trailers", of(&|one| one.trailers.iter().map(|it| it.0.clone()).collect::<Vec<_>>().join(COMMA))),
            ("error", of(&|one| one.error.as_ref().map(|error| phase(error.phase).to_owned()).unwrap_or_default())),
            ("TLS of the client", of(&|one| one.tls.as_ref().map(negotiated).unwrap_or_default())),
        ]);
        // The status page of `openssl s_server`, and error pages, have names and times in them.
        if !matches!(self.spec.origin.speak, Speak::Openssl { .. }) {
            let length = |one: &Exchange| {
                let whole = one.error.is_none() && is_success(one);
                if whole { one.body_len.to_string() } else { String::new() }
            };
            aspects.extend(self.aspects([("body bytes", of(&length))]));
        }
        aspects
    }

    /// The agent tells the behaviour of rules by itself: what each of thousands did is no evidence of a few lines.
    fn rules(&self) -> Aspects {
        let rules = self.seen.own.as_ref().and_then(|own| own.rules.as_ref());
        rules.map(|rules| rules.behaviour.clone()).unwrap_or_default()
    }

    fn headers(&self) -> Aspects {
        let messages: Vec<&[(String, String)]> = self.exchanges().iter().map(|one| one.headers.as_slice()).collect();
        let page = |at: usize, name: &str| name == "content-length" && !is_success(&self.exchanges()[at]);
        let named = self.header_values(&messages, page);
        named.into_iter().map(|(name, value)| (name.trim_start_matches("header ").to_owned(), value)).collect()
    }
}

fn yes(is: bool) -> String {
    if is { "yes" } else { NONE }.to_owned()
}

fn is_success(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| status < 400)
}

/// Who closed a connection, unless only the trial's deadline did.
fn closed(connection: &OriginConnection, limit_us: u64) -> &'static str {
    match connection.closed {
        Some(Closed { by, at_us }) if at_us < limit_us => match by {
            ClosedBy::Peer => "ATS (FIN)",
            ClosedBy::PeerReset => "ATS (RST)",
            ClosedBy::Origin => "the origin",
        },
        _ => "nobody",
    }
}

/// The TLS alert by which ATS ended a handshake, in the words of the origin's library.
fn alert(connection: &OriginConnection) -> Option<String> {
    let text = connection.error.as_deref()?;
    let (_, alert) = text.split_once("received fatal alert: ")?;
    let word: String = alert.chars().take_while(char::is_ascii_alphanumeric).collect();
    (!word.is_empty()).then_some(word)
}

fn phase(phase: ClientPhase) -> &'static str {
    match phase {
        ClientPhase::Missing => "no program",
        ClientPhase::Connect => "connect",
        ClientPhase::Handshake => "handshake",
        ClientPhase::Exchange => "before the response",
        ClientPhase::Body => "in the body",
        ClientPhase::Deadline => "deadline",
    }
}

fn negotiated(tls: &TlsSeen) -> String {
    let TlsSeen { version, suite, group, alpn, resumed, peer } = tls;
    let alpn = if alpn.is_empty() { String::new() } else { format!(", ALPN {alpn}") };
    let peer = if peer.is_empty() { String::new() } else { format!(", certificate of {peer}") };
    let resumed = if *resumed { ", resumed" } else { "" };
    format!("{version}, {suite}, {group}{alpn}{peer}{resumed}")
}
