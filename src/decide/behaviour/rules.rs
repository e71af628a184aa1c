//! The behaviour of remap rules of the user's own. What ATS did with the request for each rule, and with its answer, are facts like
//! `Host` and `request header x-edge`. A record has each fact once, with its values and the rules of each: thousands of rules do few
//! different things.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::model::Aspects;

use super::normal;
use super::record::THEN;

/// The trial that asks for rules.
const TRIAL: &str = "your-rules";

/// Values of a fact, and rules of a value, that are kept as they are; of the rest there is a digest.
const MAX_VALUES: usize = 8;
const MAX_RULES: usize = 3;

/// Seconds since the epoch, as plugins and rules put them into headers. Longer numbers are replaced everywhere.
static EPOCH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[12]\d{9}(?:\.\d+)?\b").ok());

/// How a header changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderChange<'a> {
    /// It has this value, and was not there.
    Added(&'a str),
    /// It was there.
    Removed,
    /// It has this value, and had another one.
    Changed(&'a str),
}

/// How headers changed on their way, by name. The values of one that is there several times are one value.
pub fn header_changes<'a>(
    sent: &'a BTreeMap<String, String>,
    got: &'a BTreeMap<String, String>,
) -> BTreeMap<&'a str, HeaderChange<'a>> {
    let names: BTreeSet<&String> = sent.keys().chain(got.keys()).collect();
    let change = |name: &'a String| match (sent.get(name), got.get(name)) {
        (None, Some(value)) => Some((name.as_str(), HeaderChange::Added(value))),
        (Some(_), None) => Some((name.as_str(), HeaderChange::Removed)),
        (Some(before), Some(value)) if before != value => Some((name.as_str(), HeaderChange::Changed(value))),
        (None, None) | (Some(_), Some(_)) => None,
    };
    names.into_iter().filter_map(change).collect()
}

/// What ATS did with the request for one rule, and with its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// What was asked: `GET https://www.example.com/`. Unlike its line, it stays when rules are added before it.
    asked: String,
    facts: BTreeMap<String, String>,
}

impl RuleFacts {
    /// Nothing yet, of the rule that `asked` is for.
    pub fn new(asked: String) -> Self {
        Self { asked, facts: BTreeMap::new() }
    }

    /// Adds a fact, without what differs from run to run.
    pub fn add(&mut self, fact: &str, value: &str) {
        self.facts.insert(fact.to_owned(), plain(value));
    }

    /// Adds how the headers of `message` changed: `request` or `answer`.
    pub fn add_headers(&mut self, message: &str, changes: &BTreeMap<&str, HeaderChange<'_>>) {
        for (name, change) in changes {
            let of = |value: &str| plain(&normal::header(TRIAL, name, value));
            let value = match change {
                HeaderChange::Added(value) => format!("added {}", of(value)),
                HeaderChange::Removed => "removed".to_owned(),
                HeaderChange::Changed(value) => format!("changed to {}", of(value)),
            };
            self.facts.insert(format!("{message} header {name}"), value);
        }
    }
}

fn plain(value: &str) -> String {
    let value = normal::text(TRIAL, value);
    EPOCH.as_ref().map_or_else(|| value.clone(), |epoch| epoch.replace_all(&value, "{time}").into_owned())
}

/// The behaviour of all rules: each fact with its values, and the rules of each, in the order of the rules.
pub fn by_fact(all: &[RuleFacts]) -> Aspects {
    let mut facts: BTreeMap<&str, BTreeMap<&str, (usize, Vec<&str>)>> = BTreeMap::new();
    for (number, rule) in all.iter().enumerate() {
        for (fact, value) in &rule.facts {
            let (_, rules) = facts.entry(fact).or_default().entry(value).or_insert((number, Vec::new()));
            rules.push(&rule.asked);
        }
    }
    let told = |(fact, values): (&str, BTreeMap<&str, (usize, Vec<&str>)>)| {
        let mut values: Vec<_> = values.into_iter().map(|(value, (first, rules))| (first, value, rules)).collect();
        values.sort_by_key(|(first, ..)| *first);
        let texts: Vec<String> =
            values.iter().map(|(_, value, rules)| format!("{value} [{}]", named(rules, all.len()))).collect();
        (fact.to_owned(), kept(&texts, MAX_VALUES, THEN))
    };
    facts.into_iter().map(told).collect()
}

fn named(rules: &[&str], of: usize) -> String {
    if rules.len() == of && of > 1 {
        return format!("all {of} rules");
    }
    kept(rules, MAX_RULES, ", ")
}

/// The first of `entries`, and a digest of the others.
fn kept<T: AsRef<str>>(entries: &[T], most: usize, between: &str) -> String {
    let (first, rest) = entries.split_at(entries.len().min(most));
    let join = |some: &[T]| some.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(between);
    if rest.is_empty() { join(first) } else { join(first) + between + &normal::more(rest.len(), &join(rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn rule(number: usize, edge: &str) -> RuleFacts {
        let mut facts = RuleFacts::new(format!("GET http://{number}.example.com/"));
        facts.add("Host", "of the origin");
        let (sent, got) = (headers(&[("cookie", "a")]), headers(&[("x-edge", edge)]));
        facts.add_headers("request", &header_changes(&sent, &got));
        facts
    }

    #[test]
    fn each_fact_has_its_values_with_their_rules() {
        let told = by_fact(&[rule(1, "www"), rule(2, "img"), rule(3, "www")]);
        assert_eq!(told["Host"], "of the origin [all 3 rules]");
        assert_eq!(told["request header cookie"], "removed [all 3 rules]");
        assert_eq!(
            told["request header x-edge"],
            "added www [GET http://1.example.com/, GET http://3.example.com/] | added img [GET http://2.example.com/]"
        );
        assert_eq!(by_fact(&[rule(1, "www")])["Host"], "of the origin [GET http://1.example.com/]");
    }

    #[test]
    fn what_differs_from_request_to_request_is_replaced_and_nothing_else() {
        let of = |name: &str, value: &str| {
            let mut facts = RuleFacts::new("GET http://a/".into());
            facts.add_headers("answer", &BTreeMap::from([(name, HeaderChange::Added(value))]));
            facts.facts.into_values().next().unwrap()
        };
        for (name, value, told) in [
            ("date", "Sun, 29 Nov 2026 11:00:00 GMT", "added *"),
            ("x-start", "t=1764413100", "added t={time}"),
            ("x-start", "t=1764413100.123", "added t={time}"),
            ("x-start", "t=1764413100123", "added t={hex}"),
            ("x-id", "5f0c1a52-43a3-4d8f-9f1b-0a6f6e2f7d11", "added {uuid}"),
            ("via", "http/1.1 edge (ApacheTrafficServer/9.2.9)", "added http/1.1 edge (ApacheTrafficServer/{version})"),
            ("strict-transport-security", "max-age=31536000", "added max-age=31536000"),
        ] {
            assert_eq!(of(name, value), told);
        }
    }

    #[test]
    fn of_thousands_of_rules_a_change_of_one_still_shows() {
        let all = |odd: &str| {
            let rules: Vec<RuleFacts> =
                (0..5000).map(|number| rule(number, if number == 4321 { odd } else { "www" })).collect();
            by_fact(&rules)
        };
        let distinct = |odd: usize| {
            let rules: Vec<RuleFacts> = (0..5000)
                .map(|number| rule(number, &format!("edge {}", if number == 4321 { odd } else { number })))
                .collect();
            by_fact(&rules)
        };
        assert_eq!(all("www"), all("www"));
        assert_ne!(all("www"), all("img"));
        assert_ne!(distinct(4321), distinct(9999));
        let size: usize = distinct(4321).values().map(String::len).sum();
        assert!(size < 2000, "{size}");
    }
}
