//! Asks for every remap rule of a user's own configuration, and finds out where ATS took the request.

mod facts;
mod tally;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::agent::client::{self, RuleRequest, Target, Tls};
use crate::agent::targets::{ARRIVAL, Targets};
use crate::agent::traffic_server::Ports;
use crate::ats::asks::{Ask, Destination, Leads, Unasked};
use crate::model::{Arrived, Exchange, RulesSeen};
use tally::RuleTally;

/// Requests at the same time.
const AT_ONCE: usize = 64;

/// Timeout for one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// The request header with the number of the rule.
const NUMBER: &str = "x-atsmatrix-rule";

/// Headers that clients send, and rules remove or change.
const USUAL: &[(&str, &str)] =
    &[("accept", "*/*"), ("accept-encoding", "gzip"), ("cookie", "session=1"), ("user-agent", "atsmatrix")];

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
    /// Which parent gets a request is chance.
    pub(super) parents_take_turns: bool,
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
        told.add(ask, answer.as_ref(), &fate, plan.parents_take_turns);
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
    let mut headers = vec![("host".to_owned(), ask.authority())];
    headers.extend(USUAL.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
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
    let host = arrived.host_header();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::site::FileLine;
    use crate::model::{ClientError, ClientPhase};

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
