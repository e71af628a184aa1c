//! Evidence of a cell, written down in a few lines: what fixtures are made of.
//!
//! ```text
//! scene WHAT IT SHOWS
//! ats 9.2.5 | openssl 3.5.7 | distro fedora 41 | package NAME VERSION | source FILE + PATCHES
//! log FILE LINE                     a line that names no trial
//! control ID OUTCOME | trial ID OUTCOME, and below it, indented:
//!   answer STATUS REASON | no answer | after MS
//!   FILE LINE                       a line of error.log, diags.log or traffic.out
//!   wire > S 0 0 , < S. 0 0 ...
//!   hello LEN NAME | request METHOD BODY | closed WHO | origin-error TEXT
//!   died WORDS | never-ready WORDS
//! build VERSION REASON              in place of all trials
//! expect certain TRIAL... | looks like TRIAL... | nothing
//! ```

use super::super::{Case, Evidence, diagnose, diagnose_build};
use crate::model::{
    AtsBuild, AtsLife, Closed, ClosedBy, Direction, Exchange, Flow, Hello, IssueMatch, Library, LogFile, LogLine,
    Observation, OriginConnection, OriginRequest, Outcome, Packet, Provenance, Release,
};
use crate::trial::Kind;

/// One scene.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) expected: String,
    provenance: Provenance,
    logs: Vec<LogLine>,
    trials: Vec<(String, Kind, Outcome, Observation)>,
    build: Option<(String, String)>,
}

impl Scene {
    pub(super) fn diagnose(&self) -> Vec<IssueMatch> {
        if let Some((version, reason)) = &self.build {
            return diagnose_build(reason, version);
        }
        let cases: Vec<Case<'_>> = self
            .trials
            .iter()
            .map(|(trial, kind, outcome, observation)| Case { trial, kind: *kind, outcome: *outcome, observation })
            .collect();
        diagnose(&Evidence { cases: &cases, provenance: &self.provenance, logs: &self.logs })
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
            "no" => self.exchange(Exchange::default()),
            "after" => {
                let us = rest.parse::<u64>().unwrap() * 1000;
                self.seen().client.as_mut().unwrap().exchanges.last_mut().unwrap().head_us = Some(us);
            }
            "hello" => {
                let len = parts[0].parse().unwrap();
                let sni = parts.get(1).map(|name| (*name).to_owned());
                self.connection().hello = Some(Hello { len, sni, ..Hello::default() });
            }
            "request" => {
                let (method, body_len) = (parts[0].into(), parts[1].parse().unwrap());
                self.connection().requests.push(OriginRequest { method, body_len, ..OriginRequest::default() });
            }
            "closed" => {
                let by = if rest == "origin" { ClosedBy::Origin } else { ClosedBy::Peer };
                self.connection().closed = Some(Closed { by, at_us: 1 });
            }
            "origin-error" => self.connection().error = Some(rest.into()),
            "died" => self.seen().ats = AtsLife::Died(rest.into()),
            "never-ready" => self.seen().ats = AtsLife::NeverReady(rest.into()),
            "wire" => {
                let packets = rest.split(" , ").map(packet).collect();
                self.seen().wire.push(Flow { packets, ..Flow::default() });
            }
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
