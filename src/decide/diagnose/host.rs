//! The evidence of a host, gathered in bounded memory: connections by server, log lines by the server that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Counted, Named, Server, words};
use crate::ats::log;
use crate::catalogue::known_issues::{Evidence, EvidenceSource, Resemblance, TrialCase, resembled};
use crate::catalogue::trials::Kind;
use crate::model::{Flow, Hello, LogFile, LogLine, Observation, OriginConnection, Outcome, Provenance};
use crate::wire::{SeenFlow, timeline};

/// Servers that are kept apart.
const MAX_SERVERS: usize = 10_000;

/// Different lines that are kept of a server, and of those that name none.
const MAX_LINES: usize = 200;

/// Connections and lines of a kind that are kept whole for the signs.
const MAX_EXAMPLES: usize = 8;

/// Server names kept of a server.
const MAX_NAMES: usize = 5;

/// Bytes of the header of a record, which a ClientHello has on the wire.
const RECORD_HEADER: u32 = 5;

/// Captured connections and log lines of a host.
#[derive(Debug, Default)]
pub struct HostEvidence {
    given: BTreeSet<EvidenceSource>,
    servers: BTreeMap<String, ServerEvidence>,
    /// Addresses that opened connections.
    clients: BTreeSet<IpAddr>,
    elsewhere: LinesSeen,
    further_connections: u64,
}

/// What there is about one server.
#[derive(Debug, Default)]
struct ServerEvidence {
    /// By summary: the number, and the first ones.
    connections: BTreeMap<String, (u64, Vec<Flow>)>,
    hello: Option<Hello>,
    names: BTreeSet<String>,
    lines: LinesSeen,
    /// Whether a log says that ATS connects to it.
    is_origin: bool,
}

/// Log lines, equal ones together.
#[derive(Debug, Default)]
struct LinesSeen {
    counted: BTreeMap<(&'static str, String), u64>,
    whole: Vec<LogLine>,
    further: u64,
}

impl LinesSeen {
    fn add(&mut self, file: LogFile, line: &str) {
        let key = (file.name(), log::normalise(line));
        if !self.counted.contains_key(&key) && self.counted.len() >= MAX_LINES {
            self.further += 1;
            return;
        }
        let count = self.counted.entry(key).or_default();
        *count += 1;
        if *count <= MAX_EXAMPLES as u64 {
            self.whole.push(LogLine { trial: None, file, text: line.to_owned() });
        }
    }

    fn list(&self) -> Vec<Counted> {
        let list = self.counted.iter();
        list.map(|((file, text), count)| Counted { text: format!("{file}: {text}"), count: *count }).collect()
    }
}

impl HostEvidence {
    /// States that a capture or a log was given, so that what it does not show counts.
    pub fn given(&mut self, source: EvidenceSource) {
        self.given.insert(source);
    }

    /// Adds a connection.
    pub fn add_flow(&mut self, seen: SeenFlow) {
        self.clients.extend(ip_of(&seen.flow.client));
        let Some(server) = self.server(seen.flow.server.clone()) else {
            self.further_connections += 1;
            return;
        };
        if let Some(hello) = seen.hello {
            if server.names.len() < MAX_NAMES {
                server.names.extend(hello.sni.clone());
            }
            if server.hello.as_ref().is_none_or(|largest| largest.len < hello.len) {
                server.hello = Some(hello);
            }
        }
        let (count, examples) = server.connections.entry(timeline::summary(&seen.flow)).or_default();
        *count += 1;
        if examples.len() < MAX_EXAMPLES {
            examples.push(seen.flow);
        }
    }

    /// Adds a line of a log.
    pub fn add_line(&mut self, file: LogFile, line: &str) {
        let Some(failure) = log::connect_failure(line) else {
            self.elsewhere.add(file, line);
            return;
        };
        match self.server(failure.addr) {
            Some(server) => {
                server.is_origin = true;
                server.lines.add(file, line);
            }
            None => self.elsewhere.add(file, line),
        }
    }

    fn server(&mut self, address: String) -> Option<&mut ServerEvidence> {
        let known = self.servers.contains_key(&address) || self.servers.len() < MAX_SERVERS;
        known.then(|| self.servers.entry(address).or_default())
    }

    /// The known issues that this resembles on a host with these versions.
    pub(super) fn resembled(&self, ran: &Provenance) -> Vec<Named> {
        let mut found: Vec<Named> = Vec::new();
        let cases = self.servers.iter().filter(|(address, server)| self.is_behind(address, server));
        let cases = cases.map(|(address, server)| (Some(address.as_str()), server.observation()));
        for (address, observation) in cases.chain([(None, Observation::default())]) {
            let case = TrialCase {
                trial: "",
                definition: None,
                kind: Kind::Subject,
                outcome: Outcome::Fail,
                observation: &observation,
            };
            let evidence = Evidence { cases: &[case], provenance: ran, logs: &self.elsewhere.whole };
            for resemblance in resembled(&case, &evidence, &self.given) {
                match found.iter_mut().find(|named| named.issue == resemblance.issue.id) {
                    Some(named) => named.add(&resemblance, address),
                    None => found.push(named(&resemblance, address)),
                }
            }
        }
        found.sort_by_key(|named| named.likeness);
        found
    }

    /// Whether ATS connects to a server, as far as that can be told: a log says so, or it is no address of a host that itself
    /// connects elsewhere, which ATS's own are.
    fn is_behind(&self, address: &str, server: &ServerEvidence) -> bool {
        server.is_origin || !ip_of(address).is_some_and(|ip| self.clients.contains(&ip))
    }

    pub(super) fn servers(&self) -> Vec<Server> {
        let count = |(text, (count, _)): (&String, &(u64, Vec<Flow>))| Counted { text: text.clone(), count: *count };
        let server = |(address, server): (&String, &ServerEvidence)| Server {
            address: address.clone(),
            connections: server.connections.iter().map(count).collect(),
            hello: server.hello.as_ref().map(|hello| hello.len + RECORD_HEADER),
            names: server.names.iter().cloned().collect(),
            lines: server.lines.list(),
        };
        self.servers.iter().map(server).collect()
    }

    pub(super) fn lines(&self) -> Vec<Counted> {
        self.elsewhere.list()
    }

    pub(super) fn further_connections(&self) -> u64 {
        self.further_connections
    }

    pub(super) fn further_lines(&self) -> u64 {
        self.elsewhere.further + self.servers.values().map(|server| server.lines.further).sum::<u64>()
    }
}

impl ServerEvidence {
    /// As the origin of a trial.
    fn observation(&self) -> Observation {
        let wire = self.connections.values().flat_map(|(_, examples)| examples).cloned().collect();
        let origin =
            self.hello.clone().map(|hello| OriginConnection { hello: Some(hello), ..OriginConnection::default() });
        Observation {
            wire,
            origin: origin.into_iter().collect(),
            logs: self.lines.whole.clone(),
            ..Observation::default()
        }
    }
}

fn ip_of(address: &str) -> Option<IpAddr> {
    address.parse::<std::net::SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse()).ok()
}

impl Named {
    fn add(&mut self, resemblance: &Resemblance, address: Option<&str>) {
        self.likeness = self.likeness.min(resemblance.likeness);
        self.seen_in.extend(&resemblance.sources);
        self.not_given.retain(|source| resemblance.not_given.contains(source));
        self.servers.extend(address.map(str::to_owned));
    }
}

fn named(resemblance: &Resemblance, address: Option<&str>) -> Named {
    let issue = resemblance.issue;
    Named {
        issue: issue.id,
        title: issue.title,
        link: issue.link,
        likeness: resemblance.likeness,
        seen_in: resemblance.sources.clone(),
        not_given: resemblance.not_given.clone(),
        versions: resemblance.reach,
        servers: address.map(str::to_owned).into_iter().collect(),
        affects: issue.affected.words(),
        fixed_in: issue.fixed_in,
        way_out: issue.way_out,
        workarounds: issue.workarounds.iter().map(words::workaround).collect(),
        proof: None,
    }
}
