//! Scenes: the evidence of a cell in a few lines of text.
//!
//! ```text
//! scene WHAT IT SHOWS
//! ats 9.2.5 | openssl 3.5.7 | distro fedora 41 | package NAME VERSION | source FILE + PATCHES
//! log FILE LINE                     a line that names no trial
//! control ID OUTCOME | trial ID OUTCOME, and below it, indented:
//!   answer STATUS REASON | no answer | hung | then for the last of them: after MS | interim STATUS | cut
//!   FILE LINE                       a line of error.log, diags.log or traffic.out
//!   wire [to ADDRESS] > S 0 0 , < S. 0 0 ... | wire-lost PACKETS
//!   connection                      another connection at the origin; the first needs no such line
//!   hello LEN NAME | alpn NAME | request METHOD BODY [NAME:VALUE]... | closed WHO | unheard | origin-error TEXT
//!   died WORDS | never-ready WORDS
//! build VERSION REASON              in place of all trials
//! tried WORKAROUND WHAT DID NOT PASS, WITH OUTCOMES
//! expect certain TRIAL... | looks like TRIAL... | certain TRIAL... ; looks like TRIAL... | nothing
//! ```

use super::super::{Evidence, KnownIssue, TrialCase, diagnose_among, diagnose_build_among, tried};
use crate::catalogue::trials::Kind;
use crate::model::{
    AtsBuild, AtsLife, ClientError, ClientPhase, Closed, ClosedBy, Direction, Exchange, Flow, Hello, IssueMatch,
    Library, LogFile, LogLine, Observation, OriginConnection, OriginRequest, Outcome, Packet, Provenance, Release,
    TlsSeen, WorkaroundTried,
};

/// One scene.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) expected: String,
    provenance: Provenance,
    logs: Vec<LogLine>,
    trials: Vec<(String, Kind, Outcome, Observation)>,
    build: Option<(String, String)>,
    tried: Option<(String, Vec<String>)>,
}

impl Scene {
    /// What it matches of `issues`, after the workarounds that were tried.
    pub(super) fn diagnose(&self, issues: &[&KnownIssue]) -> Vec<IssueMatch> {
        if let Some((version, reason)) = &self.build {
            return diagnose_build_among(issues, reason, version);
        }
        let cases: Vec<TrialCase<'_>> = self
            .trials
            .iter()
            .map(|(trial, kind, outcome, observation)| TrialCase {
                trial,
                definition: crate::catalogue::trials::by_id(trial),
                kind: *kind,
                outcome: *outcome,
                observation,
            })
            .collect();
        let found = diagnose_among(issues, &Evidence { cases: &cases, provenance: &self.provenance, logs: &self.logs });
        let Some((name, not_passed)) = &self.tried else { return found };
        let tried = |mut found: IssueMatch| {
            let known = issues.iter().find(|issue| issue.id == found.id).unwrap();
            if known.workarounds.iter().any(|workaround| workaround.name == name) {
                found.workarounds.push(WorkaroundTried {
                    name: name.clone(),
                    settings: Vec::new(),
                    worked: false,
                    passed: Vec::new(),
                    not_passed: not_passed.clone(),
                    cost: String::new(),
                });
            }
            tried::weigh(found, known.workarounds)
        };
        found.into_iter().flat_map(tried).collect()
    }

    /// Its trials and controls, by id.
    pub(super) fn trials(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.trials.iter().map(|(id, kind, ..)| (id.as_str(), *kind))
    }

    fn seen(&mut self) -> &mut Observation {
        &mut self.trials.last_mut().expect("an observation stands below its trial").3
    }

    fn exchange(&mut self, exchange: Exchange) {
        self.seen().client.get_or_insert_default().exchanges.push(exchange);
    }

    fn connection(&mut self) -> &mut OriginConnection {
        let origin = &mut self.seen().origin;
        if origin.is_empty() {
            origin.push(OriginConnection::default());
        }
        origin.last_mut().unwrap()
    }

    fn last_exchange(&mut self) -> &mut Exchange {
        self.seen().client.as_mut().unwrap().exchanges.last_mut().expect("it stands below an answer")
    }

    /// A connection that received bytes.
    fn heard(&mut self) -> &mut OriginConnection {
        let connection = self.connection();
        (connection.first_byte_us, connection.bytes_in) = (Some(1), connection.bytes_in.max(7));
        connection
    }

    fn add(&mut self, line: &str) {
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let parts: Vec<&str> = rest.split(' ').collect();
        match word {
            "expect" => rest.clone_into(&mut self.expected),
            "ats" => self.ats().reported = rest.into(),
            "package" => self.ats().package = Some(rest.into()),
            "source" => self.ats().source = Some(rest.into()),
            "openssl" => self.provenance.openssl = Some(Library { version: rest.into(), ..Library::default() }),
            "distro" => {
                let (id, version) = (parts[0].into(), parts[1].into());
                let release = Release { id, version, codename: String::new(), name: rest.into() };
                self.provenance.distro = Some(release);
            }
            "tried" => {
                let (name, not_passed) = rest.split_once(' ').unwrap();
                self.tried = Some((name.into(), not_passed.split(", ").map(str::to_owned).collect()));
            }
            "build" => self.build = rest.split_once(' ').map(|(version, reason)| (version.into(), reason.into())),
            "control" | "trial" => {
                let kind = if word == "control" { Kind::DirectControl } else { Kind::Subject };
                self.trials.push((parts[0].into(), kind, outcome(parts[1]), Observation::default()));
            }
            "log" => {
                let (file, text) = rest.split_once(' ').unwrap();
                self.logs.push(LogLine { trial: None, file: log_file(file).unwrap(), text: text.into() });
            }
            _ => self.observe(word, rest, &parts),
        }
    }

    fn observe(&mut self, word: &str, rest: &str, parts: &[&str]) {
        match word {
            "answer" => {
                let reason = rest.split_once(' ').map(|(_, reason)| reason).unwrap_or_default();
                let status = Some(parts[0].parse().unwrap());
                self.exchange(Exchange { status, reason: reason.into(), head_us: Some(1000), ..Exchange::default() });
            }
            "no" => self.exchange(Exchange { error: Some(error(ClientPhase::Exchange)), ..Exchange::default() }),
            "hung" => self.exchange(Exchange { error: Some(error(ClientPhase::Deadline)), ..Exchange::default() }),
            "cut" => self.last_exchange().error = Some(error(ClientPhase::Body)),
            "interim" => self.last_exchange().interim.push(rest.parse().unwrap()),
            "after" => self.last_exchange().head_us = Some(rest.parse::<u64>().unwrap() * 1000),
            "connection" => self.seen().origin.push(OriginConnection::default()),
            "hello" => {
                let len = parts[0].parse().unwrap();
                let sni = parts.get(1).map(|name| (*name).to_owned());
                self.heard().hello = Some(Hello { len, sni, ..Hello::default() });
            }
            "alpn" => self.heard().tls = Some(TlsSeen { alpn: rest.into(), ..TlsSeen::default() }),
            "request" => {
                let (method, body_len) = (parts[0].into(), parts[1].parse().unwrap());
                let header = |text: &&str| text.split_once(':').map(|(name, value)| (name.into(), value.into()));
                let headers = parts[2..].iter().map(|text| header(text).unwrap()).collect();
                self.heard().requests.push(OriginRequest { method, body_len, headers, ..OriginRequest::default() });
            }
            "closed" => {
                let by = if rest == "origin" { ClosedBy::Origin } else { ClosedBy::Peer };
                self.heard().closed = Some(Closed { by, at_us: 1 });
            }
            "unheard" => self.connection().closed = Some(Closed { by: ClosedBy::Peer, at_us: 1 }),
            "origin-error" => self.heard().error = Some(rest.into()),
            "died" => self.seen().ats = AtsLife::Died(rest.into()),
            "never-ready" => self.seen().ats = AtsLife::NeverReady(rest.into()),
            "wire" => {
                let (server, packets) = match rest.strip_prefix("to ") {
                    Some(rest) => rest.split_once(' ').unwrap(),
                    None => ("", rest),
                };
                let packets = packets.split(" , ").map(packet).collect();
                self.seen().wire.push(Flow { server: server.into(), packets, ..Flow::default() });
            }
            "wire-lost" => self.seen().wire_lost = rest.parse().unwrap(),
            file => {
                let file = log_file(file).unwrap_or_else(|| panic!("a scene cannot have `{word} {rest}`"));
                self.seen().logs.push(LogLine { trial: None, file, text: rest.into() });
            }
        }
    }

    fn ats(&mut self) -> &mut AtsBuild {
        self.provenance.ats.get_or_insert_default()
    }
}

fn error(phase: ClientPhase) -> ClientError {
    ClientError { phase, text: String::new() }
}

/// Bytes each way are those of the packets.
fn packet(text: &str) -> Packet {
    let parts: Vec<&str> = text.split(' ').collect();
    Packet {
        at_us: 0,
        direction: if parts[0] == ">" { Direction::ToServer } else { Direction::ToClient },
        flags: parts[1].into(),
        seq: parts[2].parse().unwrap(),
        len: parts[3].parse().unwrap(),
    }
}

fn outcome(word: &str) -> Outcome {
    serde_json::from_value(serde_json::Value::String(word.into())).unwrap()
}

fn log_file(name: &str) -> Option<LogFile> {
    [LogFile::Error, LogFile::Diags, LogFile::Output].into_iter().find(|file| file.name() == name)
}

/// The scenes of a file.
pub(super) fn read(text: &str) -> Vec<Scene> {
    let mut scenes: Vec<Scene> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("scene ") {
            Some(title) => scenes.push(Scene { title: title.into(), ..Scene::default() }),
            None => scenes.last_mut().expect("a file begins with a scene").add(line),
        }
    }
    for scene in &mut scenes {
        for (_, _, _, seen) in &mut scene.trials {
            for flow in &mut seen.wire {
                let sent = |direction| {
                    let own = flow.packets.iter().filter(|packet| packet.direction == direction);
                    own.map(|packet| u64::from(packet.len)).sum()
                };
                (flow.bytes_to_server, flow.bytes_to_client) = (sent(Direction::ToServer), sent(Direction::ToClient));
            }
        }
    }
    scenes
}
