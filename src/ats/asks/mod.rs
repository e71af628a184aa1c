//! What to ask of each remap rule of a user's own configuration, and where it says that leads.

mod sample;

use std::net::{IpAddr, Ipv4Addr};

use super::site::{ConfigFolder, FileLine, Rule, RuleKind, RuleUrl};

/// A request for a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The rule.
    pub at: FileLine,
    /// Whether it comes over TLS.
    pub tls: bool,
    /// The method.
    pub method: String,
    /// The host, without port.
    pub host: String,
    /// The port in the Host header, if the rule names one.
    pub port: Option<u16>,
    /// The path, with its slash.
    pub path: String,
    /// Headers besides Host.
    pub headers: Vec<(String, String)>,
    /// Where the rule says that it leads.
    pub leads: Leads,
    /// Whether plugins take part, which may answer themselves.
    pub plugins: bool,
}

/// Where a rule leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To an origin.
    Origin(Destination),
    /// To an answer of ATS with one of these statuses, whose Location begins so.
    Redirect(&'static [u16], String),
}

/// An origin or a parent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination {
    /// Its host name, in lower case.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether it is asked over TLS; `None`: whatever comes, as of a parent.
    pub tls: Option<bool>,
}

/// A rule that cannot be asked in a cell, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unasked {
    /// The rule.
    pub at: FileLine,
    /// Why.
    pub reason: &'static str,
}

/// A host for rules of any host.
const ANY_HOST: &str = "any-host.example";

impl Ask {
    /// As it would be written: `GET https://www.example.com/`.
    pub fn words(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{} {scheme}://{}{}", self.method, self.authority(), self.path)
    }

    /// The Host header.
    pub fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

impl Destination {
    /// `https://origin.example.com`, or `http://origin.example.com (TCP 8081)`: summaries of trials mask ports behind a
    /// colon, as those of a cell differ from run to run, and here the port matters.
    pub fn words(&self) -> String {
        let (scheme, usual) = match self.tls {
            Some(true) => ("https://", Some(443)),
            Some(false) => ("http://", Some(80)),
            None => ("", None),
        };
        let port = if usual == Some(self.port) { String::new() } else { format!(" (TCP {})", self.port) };
        format!("{scheme}{}{port}", self.host)
    }
}

/// What to ask of each rule, in order; the rules that cannot be asked with the reason.
pub fn asks(folder: &ConfigFolder) -> (Vec<Ask>, Vec<Unasked>) {
    let (mut asks, mut unasked) = (Vec::new(), Vec::new());
    for rule in &folder.rules {
        match ask(rule) {
            Ok(ask) => asks.push(ask),
            Err(reason) => unasked.push(Unasked { at: rule.at.clone(), reason }),
        }
    }
    (asks, unasked)
}

/// The parents of parent.config, each once.
pub fn parents(folder: &ConfigFolder) -> Vec<Destination> {
    let named = folder.parents.iter().flat_map(|line| line.parents.iter().chain(&line.secondary));
    let split = |text: &String| {
        let (host, port) = text.rsplit_once(':')?;
        // A weight follows the port behind a bar.
        let port = port.split(['|', '&']).next()?.parse().ok()?;
        let host = parent_name(host).unwrap_or_else(|| host.to_ascii_lowercase());
        is_name(&host).then_some(Destination { host, port, tls: None })
    };
    let mut found: Vec<Destination> = named.filter_map(split).collect();
    found.sort();
    found.dedup();
    found
}

/// The name that a parent has in a cell in place of its address, which is not there; `None`: it has a name.
pub fn parent_name(host: &str) -> Option<String> {
    host.parse::<Ipv4Addr>().ok().map(|_| format!("{}.parent.example", host.replace('.', "-")))
}

fn ask(rule: &Rule) -> Result<Ask, &'static str> {
    match rule.kind {
        RuleKind::ReverseMap => return Err("reverse_map changes answers, and nobody asks for it"),
        RuleKind::MapWithRecvPort => return Err("map_with_recv_port goes by ports, and a cell has its own"),
        RuleKind::Map | RuleKind::MapWithReferer | RuleKind::Redirect | RuleKind::RedirectTemporary => {}
    }
    let tls = match rule.from.scheme.as_str() {
        "http" | "" => false,
        "https" => true,
        "ws" | "wss" => return Err("a WebSocket needs an upgrade that no stand-in makes"),
        _ => return Err("its scheme is neither http nor https"),
    };
    if rule.options.iter().any(|option| option.starts_with("strategy=")) {
        return Err("it goes by strategies.yaml, whose hosts have no stand-ins");
    }
    let (host, groups) = from(rule)?;
    let method = method(rule)?;
    let path = if rule.from.path.is_empty() { "/" } else { rule.from.path.as_str() };
    if !path.chars().all(|c| c.is_ascii_graphic()) {
        return Err("its path cannot be asked for as it is written");
    }
    let fill = |text: &str| match &groups {
        Some(groups) => sample::filled(text, groups).ok_or("its target names a group that the host does not have"),
        None => Ok(text.to_owned()),
    };
    let leads = match rule.kind {
        RuleKind::Redirect => Leads::Redirect(&[301], fill(&rule.to.text)?),
        RuleKind::RedirectTemporary => Leads::Redirect(&[302, 307], fill(&rule.to.text)?),
        _ => Leads::Origin(destination(&rule.to, &fill(&rule.to.host)?)?),
    };
    Ok(Ask {
        at: rule.at.clone(),
        tls,
        method,
        host,
        port: rule.from.port,
        path: path.to_owned(),
        headers: referer(rule)?,
        leads,
        plugins: !rule.plugins.is_empty(),
    })
}

/// The host to ask for, and the groups of a regular expression.
fn from(rule: &Rule) -> Result<(String, Option<Vec<String>>), &'static str> {
    let host = rule.from.host.as_str();
    if rule.regex {
        let groups = sample::host(host).ok_or("no host can be derived from its regular expression")?;
        let host = groups[0].clone();
        return if is_name(&host) {
            Ok((host, Some(groups)))
        } else {
            Err("its regular expression matches no host name")
        };
    }
    match host {
        "" => Ok((ANY_HOST.to_owned(), None)),
        host if is_name(&host.to_ascii_lowercase()) => Ok((host.to_ascii_lowercase(), None)),
        _ => Err("its host is no host name"),
    }
}

fn destination(to: &RuleUrl, host: &str) -> Result<Destination, &'static str> {
    let tls = match to.scheme.as_str() {
        "http" => false,
        "https" => true,
        "" => return Err("its target has no host"),
        _ => return Err("its target is neither http nor https"),
    };
    let host = host.to_ascii_lowercase();
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err("its target is an address, and a cell has others");
    }
    if !is_name(&host) {
        return Err("its target has no host name");
    }
    let port = to.port_or_default().ok_or("its target has no port")?;
    Ok(Destination { host, port, tls: Some(tls) })
}

/// The method that a rule is for.
fn method(rule: &Rule) -> Result<String, &'static str> {
    const BY_CLIENT: &str = "it goes by who asks (a filter or an address), and in a cell that is 127.0.0.1";
    if !rule.filters.is_empty() {
        return Err(BY_CLIENT);
    }
    let value =
        |name: &'static str| rule.options.iter().filter_map(move |option| option.strip_prefix(name)?.strip_prefix('='));
    if ["src_ip", "in_ip", "src_ip_category", "internal"].iter().any(|name| value(name).next().is_some()) {
        return Err(BY_CLIENT);
    }
    let denies = value("action").any(|action| action.eq_ignore_ascii_case("deny"));
    let methods: Vec<String> = value("method").map(str::to_ascii_uppercase).collect();
    match (denies, methods.first()) {
        (false, Some(method)) if method.chars().all(|c| c.is_ascii_alphabetic()) => Ok(method.clone()),
        (true, Some(_)) if methods.iter().all(|method| method != "GET") => Ok("GET".to_owned()),
        (false, None) => Ok("GET".to_owned()),
        _ => Err("it refuses what could be asked for"),
    }
}

/// The headers that a rule with referers asks for.
fn referer(rule: &Rule) -> Result<Vec<(String, String)>, &'static str> {
    if rule.kind != RuleKind::MapWithReferer {
        return Ok(Vec::new());
    }
    // The first word is where other referers are sent.
    let mut expressions = rule.rest.iter().skip(1).filter(|word| !word.starts_with('~'));
    let Some(expression) = expressions.next() else { return Ok(Vec::new()) };
    if expression == "*" {
        return Ok(Vec::new());
    }
    let groups = sample::host(expression).ok_or("no referer can be derived from its regular expression")?;
    Ok(vec![("referer".to_owned(), groups[0].clone())])
}

/// A name that DNS and certificates can have.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    host.len() <= 253 && host.split('.').all(is_label) && host.parse::<IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(remap: &str) -> (Vec<Ask>, Vec<Unasked>) {
        let files = BTreeMap::from([("remap.config".to_owned(), remap.as_bytes().to_vec())]);
        asks(&ConfigFolder::read(&files))
    }

    #[test]
    fn each_rule_is_asked_as_it_is_written() {
        let one = |line: &str| {
            let (asks, unasked) = of(line);
            assert!(unasked.is_empty(), "{line}: {unasked:?}");
            let ask = asks.into_iter().next().unwrap();
            let leads = match &ask.leads {
                Leads::Origin(to) => to.words(),
                Leads::Redirect(statuses, to) => format!("{statuses:?} {to}"),
            };
            format!("{} -> {leads}", ask.words())
        };
        for (line, words) in [
            (
                "map http://WWW.example.com/ https://origin.example.com/x",
                "GET http://www.example.com/ -> https://origin.example.com",
            ),
            ("map https://a.com:8443/img/ http://b.com:81/", "GET https://a.com:8443/img/ -> http://b.com (TCP 81)"),
            ("map / http://b.com/", "GET http://any-host.example/ -> http://b.com"),
            ("regex_map http://(.*)\\.a\\.com/ http://$1.b.com/", "GET http://a.a.com/ -> http://a.b.com"),
            (
                "map http://a.com/ http://b.com/ @plugin=x.so @method=post @action=allow",
                "POST http://a.com/ -> http://b.com",
            ),
            ("redirect http://a.com/ https://a.com/", "GET http://a.com/ -> [301] https://a.com/"),
            ("redirect_temporary http://a.com/ https://a.com/", "GET http://a.com/ -> [302, 307] https://a.com/"),
        ] {
            assert_eq!(one(line), words, "{line}");
        }
    }

    #[test]
    fn a_parent_by_address_has_a_name_here() {
        let text = "dest_domain=. parent=\"10.1.2.3:80|0.5;UP.example.com:81\" secondary_parent=\"10.1.2.3:80\"\n";
        let files = BTreeMap::from([("parent.config".to_owned(), text.as_bytes().to_vec())]);
        let found: Vec<String> =
            parents(&ConfigFolder::read(&files)).iter().map(|it| format!("{}:{}", it.host, it.port)).collect();
        assert_eq!(found, ["10-1-2-3.parent.example:80", "up.example.com:81"]);
    }

    #[test]
    fn rules_that_a_cell_cannot_ask_have_a_reason() {
        for (line, reason) in [
            ("reverse_map http://b.com/ http://a.com/", "reverse_map changes answers, and nobody asks for it"),
            (
                "map_with_recv_port http://a.com:8080/ http://b.com/",
                "map_with_recv_port goes by ports, and a cell has its own",
            ),
            ("map ws://a.com/ ws://b.com/", "a WebSocket needs an upgrade that no stand-in makes"),
            (
                "map http://a.com/ http://b.com/ @strategy=upper",
                "it goes by strategies.yaml, whose hosts have no stand-ins",
            ),
            ("map http://a.com/ http://192.0.2.1/", "its target is an address, and a cell has others"),
            ("map http://a.com/ http://[2001:db8::1]:80/", "its target is an address, and a cell has others"),
            ("regex_map http://(?=x)y/ http://b.com/", "no host can be derived from its regular expression"),
            (
                "map http://a.com/ http://b.com/ @src_ip=10.0.0.0/8",
                "it goes by who asks (a filter or an address), and in a cell that is 127.0.0.1",
            ),
        ] {
            assert_eq!(of(line).1.first().map(|unasked| unasked.reason), Some(reason), "{line}");
        }
    }
}
