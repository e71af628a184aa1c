//! Asks for every remap rule of a user's own configuration, and finds out where ATS took the request.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::agent::client::{self, RuleRequest, Target, Tls};
use crate::agent::targets::{ANSWER, ARRIVAL, Arrived, Targets};
use crate::agent::traffic_server::Ports;
use crate::ats::asks::{Ask, Destination, Leads, Unasked};
use crate::model::{Exchange, RuleMiss, RuleSample, RulesSeen, RulesUntried};

/// Requests at the same time.
const AT_ONCE: usize = 64;

/// Timeout for one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The request header with the number of the rule.
const NUMBER: &str = "x-atsmatrix-rule";

/// Rules of each kind that evidence describes; the others are counted.
const MAX_MISSED: usize = 200;
const MAX_SAMPLES: usize = 20;
const MAX_NAMED: usize = 5;

/// Headers that differ from request to request, or that every proxy changes.
const UNTOLD: &[&str] = &["host", NUMBER, ARRIVAL, "date", "content-length", "connection", "transfer-encoding"];

/// Characters told of a header.
const MAX_HEADER: usize = 120;

/// What became of a rule.
enum RuleFate {
    Reached(Arrived),
    /// ATS answered, as the rule says.
    Redirected,
    /// What was seen in place of what it says.
    Missed(String),
    /// Why it was not found out.
    Open(String),
}

/// Everything that the requests need.
pub(super) struct RulesPlan<'a> {
    pub(super) asks: &'a [Ask],
    pub(super) unasked: &'a [Unasked],
    pub(super) parents: &'a [Destination],
    pub(super) targets: &'a Targets,
    pub(super) ports: Ports,
    /// A client that takes any certificate: those of the user's own are not the cell's.
    pub(super) tls: Arc<ClientConfig>,
    pub(super) deadline: Duration,
}

/// Asks for all rules. The text says why some have no answer although they could be asked.
pub(super) async fn run(plan: &RulesPlan<'_>) -> (RulesSeen, Option<String>) {
    let until = Instant::now() + plan.deadline;
    let questions = plan.asks.iter().enumerate().map(|(number, ask)| async move {
        if Instant::now() >= until {
            return (number, None);
        }
        (number, Some(client::ask(&target(plan, ask), &question(number, ask), PATIENCE).await))
    });
    let mut asked = stream::iter(questions).buffer_unordered(AT_ONCE);
    let mut answers: BTreeMap<usize, Option<Exchange>> = BTreeMap::new();
    while let Some((number, answer)) = asked.next().await {
        answers.insert(number, answer);
    }
    let arrived = plan.targets.by_number(NUMBER);
    let mut told = RuleTally::default();
    for (number, ask) in plan.asks.iter().enumerate() {
        let answer = answers.remove(&number).flatten();
        let fate = fate(plan, ask, answer.as_ref(), arrived.get(&number));
        told.add(ask, answer.as_ref(), fate);
    }
    let open = told.open();
    for Unasked { at, reason } in plan.unasked {
        told.untried(at.to_string(), (*reason).to_owned());
    }
    (told.seen(plan.asks.len() + plan.unasked.len()), open)
}

fn target(plan: &RulesPlan<'_>, ask: &Ask) -> Target {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let over_tcp = Target::plain(at(plan.ports.http), ask.host.clone());
    if !ask.tls {
        return over_tcp;
    }
    let tls = Tls { config: Arc::clone(&plan.tls), split_hello: false, ats: None };
    Target { address: at(plan.ports.tls), tls: Some(tls), ..over_tcp }
}

fn question(number: usize, ask: &Ask) -> RuleRequest {
    let mut headers = vec![("host".to_owned(), ask.authority()), ("accept".to_owned(), "*/*".to_owned())];
    headers.push((NUMBER.to_owned(), number.to_string()));
    headers.extend(ask.headers.iter().cloned());
    RuleRequest { method: ask.method.clone(), path: ask.path.clone(), headers }
}

fn fate(plan: &RulesPlan<'_>, ask: &Ask, answer: Option<&Exchange>, at_origin: Option<&Arrived>) -> RuleFate {
    let Some(answer) = answer else {
        return RuleFate::Open(format!("the deadline of {} s passed before they were asked", plan.deadline.as_secs()));
    };
    // A plugin may remove the number of the rule; the answer still names its arrival.
    let arrived = at_origin.cloned().or_else(|| {
        let number = answer.headers.iter().find(|(name, _)| name == ARRIVAL).and_then(|(_, value)| value.parse().ok());
        plan.targets.arrival(number?)
    });
    match (&ask.leads, arrived) {
        (Leads::Redirect(statuses, to), None) => redirected(statuses, to, answer),
        (Leads::Redirect(..), Some(arrived)) => RuleFate::Missed(format!("{} got the request", place(&arrived))),
        (Leads::Origin(to), Some(arrived)) => came_back(answer, reached(to, plan.parents, arrived)),
        (Leads::Origin(to), None) => match plan.targets.missing.get(&(to.host.clone(), to.port)) {
            Some(why) => RuleFate::Open(format!("no stand-in could listen for their origin: {why}")),
            None => RuleFate::Missed(unreached(ask, answer)),
        },
    }
}

fn redirected(statuses: &[u16], to: &str, answer: &Exchange) -> RuleFate {
    let location = answer.headers.iter().find(|(name, _)| name == "location").map_or("", |(_, value)| value);
    let right = answer.status.is_some_and(|status| statuses.contains(&status));
    let goes = location.trim_end_matches('/').starts_with(to.trim_end_matches('/'));
    if right && goes {
        return RuleFate::Redirected;
    }
    RuleFate::Missed(format!("the client got {} with the Location `{location}`", status(answer)))
}

fn reached(to: &Destination, parents: &[Destination], arrived: Arrived) -> RuleFate {
    let itself = arrived.host == to.host && arrived.port == to.port;
    if itself && to.tls.is_none_or(|tls| tls == arrived.tls) {
        return RuleFate::Reached(arrived);
    }
    let is_parent = parents.iter().any(|parent| parent.host == arrived.host && parent.port == arrived.port);
    let host = arrived.headers.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value);
    // A parent gets the whole URL, or the host of the origin.
    let names_origin = arrived.target.contains(&to.host) || host.split(':').next() == Some(to.host.as_str());
    if is_parent && names_origin {
        return RuleFate::Reached(arrived);
    }
    RuleFate::Missed(format!("{} got the request", place(&arrived)))
}

/// `fate` of a request that arrived, if its answer arrived as well: every stand-in answers with 200.
fn came_back(answer: &Exchange, fate: RuleFate) -> RuleFate {
    match fate {
        RuleFate::Reached(_) if answer.error.is_some() || answer.status.is_none_or(|status| status >= 500) => {
            RuleFate::Missed(format!("it got the request, but the client got {}", status(answer)))
        }
        fate => fate,
    }
}

/// What is told of an answer that no origin gave. Plugins may give it on purpose, as one that asks for a token does; but it
/// does not show where the rule leads.
fn unreached(ask: &Ask, answer: &Exchange) -> String {
    let by = if ask.plugins && answer.status.is_some_and(|status| status < 500) {
        ", from ATS itself or from a plugin of the rule"
    } else {
        ""
    };
    format!("no origin got the request: the client got {}{by}", status(answer))
}

fn status(answer: &Exchange) -> String {
    match (answer.status, &answer.error) {
        (Some(status), None) => format!("{status} {}", answer.reason).trim_end().to_owned(),
        (Some(status), Some(error)) => format!("{status}, but not all of it ({})", error.text),
        (None, Some(error)) => format!("no answer ({})", error.text),
        (None, None) => "no answer".to_owned(),
    }
}

fn place(arrived: &Arrived) -> String {
    Destination { host: arrived.host.clone(), port: arrived.port, tls: Some(arrived.tls) }.words()
}

/// What is told of all rules.
#[derive(Default)]
struct RuleTally {
    reached: u32,
    missed: Vec<RuleMiss>,
    missed_count: u32,
    untried: BTreeMap<String, (u32, Vec<String>)>,
    samples: Vec<RuleSample>,
}

impl RuleTally {
    fn add(&mut self, ask: &Ask, answer: Option<&Exchange>, fate: RuleFate) {
        match fate {
            RuleFate::Redirected => self.reached += 1,
            RuleFate::Reached(arrived) => {
                self.reached += 1;
                self.sample(ask, answer, &arrived);
            }
            RuleFate::Missed(seen) => {
                self.missed_count += 1;
                if self.missed.len() < MAX_MISSED {
                    let expected = match &ask.leads {
                        Leads::Origin(to) => to.words(),
                        Leads::Redirect(_, to) => format!("a redirect to {to}"),
                    };
                    self.missed.push(RuleMiss { at: ask.at.to_string(), asked: ask.words(), expected, seen });
                }
            }
            RuleFate::Open(reason) => self.untried(ask.at.to_string(), reason),
        }
    }

    fn untried(&mut self, at: String, reason: String) {
        let (count, first) = self.untried.entry(reason).or_default();
        *count += 1;
        if first.len() < MAX_NAMED {
            first.push(at);
        }
    }

    /// Why rules that were to be asked have no answer; `None`: all have one.
    fn open(&self) -> Option<String> {
        let one = |(reason, (count, at)): (&String, &(u32, Vec<String>))| {
            format!("{count} of your rules have no answer ({}): {reason}", at.join(", "))
        };
        let all: Vec<String> = self.untried.iter().map(one).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Keeps what became of a request, if no other is like it.
    fn sample(&mut self, ask: &Ask, answer: Option<&Exchange>, arrived: &Arrived) {
        if self.samples.len() >= MAX_SAMPLES {
            return;
        }
        let request = changes(&question(0, ask).headers, &arrived.headers);
        let sent: Vec<(String, String)> =
            ANSWER.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = answer.map(|answer| changes(&sent, &answer.headers)).unwrap_or_default();
        if self.samples.iter().any(|known| known.request == request && known.answer == answer) {
            return;
        }
        let host = arrived.headers.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value);
        let sni = arrived.sni.as_ref().map(|sni| format!(", SNI {sni}")).unwrap_or_default();
        let got = format!("{}: {} {} with Host {host}{sni}", place(arrived), arrived.method, arrived.target);
        self.samples.push(RuleSample { at: ask.at.to_string(), asked: ask.words(), got, request, answer });
    }

    fn seen(self, rules: usize) -> RulesSeen {
        let untried = self.untried.into_iter().map(|(reason, (count, at))| RulesUntried { reason, count, at });
        RulesSeen {
            rules: u32::try_from(rules).unwrap_or(u32::MAX),
            reached: self.reached,
            missed: self.missed,
            missed_count: self.missed_count,
            untried: untried.collect(),
            samples: self.samples,
        }
    }
}

/// How headers changed on their way, sorted by name.
fn changes(sent: &[(String, String)], got: &[(String, String)]) -> Vec<String> {
    let of = |headers: &[(String, String)]| -> BTreeMap<String, String> {
        let told = headers.iter().filter(|(name, _)| !UNTOLD.contains(&name.as_str()));
        told.map(|(name, value)| (name.clone(), value.chars().take(MAX_HEADER).collect())).collect()
    };
    let (sent, got) = (of(sent), of(got));
    let removed = sent.keys().filter(|name| !got.contains_key(*name)).map(|name| (name, format!("- {name}")));
    let others = got.iter().filter_map(|(name, value)| match sent.get(name) {
        None => Some((name, format!("+ {name}: {value}"))),
        Some(before) if before != value => Some((name, format!("~ {name}: {value}"))),
        Some(_) => None,
    });
    let mut all: Vec<(&String, String)> = removed.chain(others).collect();
    all.sort();
    all.into_iter().map(|(_, change)| change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::site::FileLine;
    use crate::model::{ClientError, ClientPhase};

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn changes_of_headers_are_told_by_name() {
        let sent = [header("accept", "*/*"), header("host", "a"), header("x-gone", "1")];
        let got =
            [header("accept", "text/html"), header("host", "b"), header("x-edge", "yes"), header("date", "today")];
        assert_eq!(changes(&sent, &got), ["~ accept: text/html", "+ x-edge: yes", "- x-gone"]);
    }

    fn arrived(host: &str, port: u16, tls: bool) -> Arrived {
        Arrived { host: host.into(), port, tls, target: "/".into(), ..Arrived::default() }
    }

    #[test]
    fn an_answer_of_a_plugin_does_not_show_where_a_rule_leads() {
        let ask = |plugins| Ask {
            at: FileLine::new("remap.config", 3),
            tls: false,
            method: "GET".into(),
            host: "a.com".into(),
            port: None,
            path: "/".into(),
            headers: Vec::new(),
            leads: Leads::Origin(Destination { host: "b.com".into(), port: 80, tls: Some(false) }),
            plugins,
        };
        let answered = |status| Exchange { status: Some(status), reason: "X".into(), ..Exchange::default() };
        let forbidden = "no origin got the request: the client got 403 X";
        assert_eq!(unreached(&ask(false), &answered(403)), forbidden);
        assert_eq!(
            unreached(&ask(true), &answered(403)),
            format!("{forbidden}, from ATS itself or from a plugin of the rule")
        );
        assert_eq!(unreached(&ask(true), &answered(502)), "no origin got the request: the client got 502 X");
    }

    #[test]
    fn a_request_without_its_answer_is_no_pass() {
        let fate = |exchange| came_back(&exchange, RuleFate::Reached(arrived("b.com", 80, false)));
        let answered = |status| Exchange { status: Some(status), ..Exchange::default() };
        for right in [200, 301, 403] {
            assert!(matches!(fate(answered(right)), RuleFate::Reached(_)), "{right}");
        }
        let error = ClientError { phase: ClientPhase::Exchange, text: "cut".into() };
        let cut = Exchange { error: Some(error), ..answered(200) };
        for wrong in [answered(502), Exchange::default(), cut] {
            assert!(matches!(fate(wrong), RuleFate::Missed(_)));
        }
    }

    #[test]
    fn rules_without_an_answer_are_told_of_with_their_number() {
        let mut told = RuleTally::default();
        assert_eq!(told.open(), None);
        for line in 1..=7 {
            told.untried(format!("remap.config:{line}"), "late".into());
        }
        assert_eq!(
            told.open().unwrap(),
            "7 of your rules have no answer (remap.config:1, remap.config:2, remap.config:3, remap.config:4, \
             remap.config:5): late"
        );
    }

    #[test]
    fn only_its_own_origin_or_a_parent_that_is_asked_for_it_counts() {
        let to = Destination { host: "b.com".into(), port: 443, tls: Some(true) };
        let parent = Destination { host: "parent.com".into(), port: 3128, tls: None };
        let is_reached = |arrived| matches!(reached(&to, std::slice::from_ref(&parent), arrived), RuleFate::Reached(_));
        assert!(is_reached(arrived("b.com", 443, true)));
        assert!(!is_reached(arrived("b.com", 443, false)) && !is_reached(arrived("c.com", 443, true)));
        let through = |target: &str| Arrived { target: target.into(), ..arrived("parent.com", 3128, false) };
        assert!(is_reached(through("http://b.com/")) && !is_reached(through("http://other.com/")));
    }
}
