//! Evidence lines from agents, gathered into one observation a trial, and told in a few lines. Pure.

use std::collections::BTreeMap;

use crate::ats::log;
use crate::model::{ClosedBy, Inventory, Line, LogFile, LogLine, Mapped, Observation, OriginConnection, Provenance};
use crate::wire::timeline;

/// The agents of a cell: its own, and the origin's.
const AGENTS: usize = 2;

/// Everything the two agents of a cell said in one attempt.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By trial id.
    pub(crate) trials: BTreeMap<String, Observation>,
    /// What ran.
    pub(crate) provenance: Provenance,
    /// What ATS consists of, where parts of it are swapped.
    pub(crate) inventory: Option<Inventory>,
    /// pcapng files by trial id, base64.
    pub(crate) pcaps: BTreeMap<String, String>,
    /// Log lines that name no trial.
    pub(crate) logs: Vec<LogLine>,
    /// Agents that have said all they had to.
    pub(crate) ended: usize,
    /// Our side's troubles: trial (if one is concerned) and text.
    pub(crate) faults: Vec<(Option<String>, String)>,
    /// What the agents said on stderr, if anything: panics.
    pub(crate) stderr: Vec<String>,
    /// Troubles of ours that say nothing about the evidence.
    pub(crate) notes: Vec<String>,
}

impl Gathered {
    /// Adds a line.
    pub(crate) fn add(&mut self, line: Line) {
        match line {
            Line::Listening | Line::Began { .. } => {}
            Line::End => self.ended += 1,
            Line::Provenance(provenance) => self.provenance = *provenance,
            Line::Inventory(found) => match &mut self.inventory {
                Some(known) => {
                    // Another life of ATS may have mapped more, and reads the same files.
                    for mapped in found.libraries {
                        let is = |other: &&Mapped| (&other.soname, &other.path) == (&mapped.soname, &mapped.path);
                        if known.libraries.iter().find(is).is_none() {
                            known.libraries.push(mapped);
                        }
                    }
                }
                None => self.inventory = Some(*found),
            },
            Line::Client { trial, run, ats } => {
                let observation = self.trials.entry(trial).or_default();
                observation.client = Some(run);
                observation.ats = ats;
            }
            Line::Connection(connection) => {
                self.trials.entry(connection.trial.clone()).or_default().origin.push(*connection);
            }
            Line::Wire { trial, flows, pcapng, lost } => {
                let observation = self.trials.entry(trial.clone()).or_default();
                (observation.wire, observation.wire_lost) = (flows, lost);
                self.pcaps.insert(trial, pcapng);
            }
            Line::Log(line) => match &line.trial {
                Some(trial) => self.trials.entry(trial.clone()).or_default().logs.push(line),
                None => self.logs.push(line),
            },
            Line::Fault { trial, text } => self.faults.push((trial, text)),
        }
    }

    /// Whether there is anything about `trial`, or a fault that concerns all.
    pub(crate) fn asked(&self, trial: &str) -> bool {
        self.trials.contains_key(trial) || self.faults.iter().any(|(of, _)| of.as_deref().is_none_or(|of| of == trial))
    }

    /// Whether all there is to know of `trial` is here: what its client saw, its packets, and both agents to their
    /// last line.
    pub(crate) fn complete(&self, trial: &str) -> bool {
        let client = self.trials.get(trial).is_some_and(|seen| seen.client.is_some());
        client && self.pcaps.contains_key(trial) && self.ended == AGENTS
    }

    /// What was said outside of trials, for the raw record.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let logs = self.logs.iter().map(|line| format!("{}: {}", line.file.name(), line.text));
        let faults =
            self.faults.iter().map(|(of, text)| format!("fault ({}): {text}", of.as_deref().unwrap_or("cell")));
        let stderr = self.stderr.iter().map(|text| format!("agent's stderr: {text}"));
        logs.chain(faults).chain(stderr).chain(self.notes.iter().cloned()).collect()
    }

    /// Puts what came in by two streams into the order of events. What happened before the client's
    /// begin belongs to an earlier run of the trial, beside another that ended ATS.
    pub(crate) fn sort(&mut self) {
        for observation in self.trials.values_mut() {
            let exchanges = observation.client.iter().flat_map(|run| &run.exchanges);
            let begin = exchanges.map(|exchange| exchange.started_us).min().unwrap_or_default();
            observation.origin.retain(|connection| connection.accepted_us >= begin);
            observation.wire.retain(|flow| flow.packets.first().is_none_or(|packet| packet.at_us >= begin));
            observation.origin.sort_by_key(|connection| (connection.accepted_us, connection.peer.clone()));
        }
    }
}

/// The evidence of a trial in a few lines without times or addresses: client, origin, wire, log.
pub(crate) fn lines(observation: &Observation) -> Vec<String> {
    let mut lines = Vec::new();
    for exchange in observation.client.iter().flat_map(|run| &run.exchanges) {
        let answer = exchange.status.map(|status| format!("{status} {}", exchange.reason).trim_end().to_owned());
        let error = exchange.error.as_ref().map(|error| log::normalise(&error.text));
        let told = [answer, error].into_iter().flatten().collect::<Vec<_>>().join(", then ");
        lines.push(format!("client: {told}"));
    }
    if observation.client.is_some() && observation.origin.is_empty() {
        lines.push("origin: no connection".into());
    }
    lines.extend(observation.origin.iter().map(origin_line));
    if observation.wire_lost == 0 {
        lines.extend(observation.wire.iter().map(|flow| format!("wire: {}", timeline::summary(flow))));
    } else {
        // A summary of what is left would tell of an end that was none.
        lines.push("wire: capture incomplete".into());
    }
    for line in observation.logs.iter().filter(|line| line.file != LogFile::Output) {
        lines.push(format!("{}: {}", line.file.name(), log::normalise(&line.text)));
    }
    // How often each was seen under load is a matter of timing.
    let counted = observation.client.as_ref().is_none_or(|run| run.load.is_none());
    squeeze(lines, counted)
}

fn origin_line(connection: &OriginConnection) -> String {
    let hello = match (&connection.hello, connection.first_byte_us) {
        (Some(hello), _) => format!("ClientHello of {} bytes", hello.len),
        (None, Some(_)) if connection.tls.is_none() && !connection.requests.is_empty() => "plain HTTP".into(),
        (None, Some(_)) => format!("{} bytes, no ClientHello", connection.bytes_in),
        (None, None) => "accepted, no byte received, no ClientHello".into(),
    };
    let tls = connection.tls.as_ref().map(|tls| format!("{} {}", tls.version, tls.suite));
    let requests = match connection.requests.len() {
        0 => "no request".to_owned(),
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    };
    let closed = match connection.closed.map(|closed| closed.by) {
        Some(ClosedBy::Peer) => "closed by the peer (FIN)",
        Some(ClosedBy::PeerReset) => "reset by the peer (RST)",
        Some(ClosedBy::Origin) => "closed by the origin",
        None => "still open at the end",
    };
    let parts = [Some(hello), tls, Some(requests), Some(closed.to_owned())];
    format!("origin: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Equal neighbours become one line with a count: four retries are one thing.
fn squeeze(lines: Vec<String>, told: bool) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match counted.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => counted.push((line, 1)),
        }
    }
    let text =
        |(line, count): (String, usize)| if count == 1 || !told { line } else { format!("{line} ({count} times)") };
    counted.into_iter().map(text).take(MAX_LINES).collect()
}

/// Lines kept in committed results.
const MAX_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientRun, Closed, Exchange, Flow};

    #[test]
    fn a_capture_that_lost_packets_is_not_summed_up() {
        let mut gathered = Gathered::default();
        let wire = |lost| Line::Wire { trial: "t".into(), flows: vec![Flow::default()], pcapng: String::new(), lost };
        gathered.add(wire(0));
        assert_eq!(lines(&gathered.trials["t"]), ["wire: begin not seen, 0 bytes to the origin, still open"]);
        gathered.add(wire(7));
        assert_eq!(lines(&gathered.trials["t"]), ["wire: capture incomplete"]);
    }

    #[test]
    fn a_trial_is_complete_when_both_agents_have_said_all() {
        let mut gathered = Gathered::default();
        let (run, ats) = (ClientRun::default(), crate::model::AtsLife::Alive);
        gathered.add(Line::Client { trial: "t".into(), run, ats });
        gathered.add(Line::Wire { trial: "t".into(), flows: Vec::new(), pcapng: String::new(), lost: 0 });
        gathered.add(Line::End);
        assert!(!gathered.complete("t"));
        gathered.add(Line::End);
        assert!(gathered.complete("t") && !gathered.complete("another"));
    }

    #[test]
    fn the_seed_failure_is_told_without_times_and_addresses() {
        let mut gathered = Gathered::default();
        let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
        gathered.add(Line::Client {
            trial: "t".into(),
            run: ClientRun { exchanges: vec![exchange], ..ClientRun::default() },
            ats: crate::model::AtsLife::Alive,
        });
        for accepted_us in [2, 1] {
            gathered.add(Line::Connection(Box::new(OriginConnection {
                trial: "t".into(),
                accepted_us,
                closed: Some(Closed { by: ClosedBy::Peer, at_us: 3 }),
                ..OriginConnection::default()
            })));
        }
        gathered.sort();
        assert_eq!(gathered.trials["t"].origin[0].accepted_us, 1);
        assert_eq!(
            lines(&gathered.trials["t"]),
            [
                "client: 502 Invalid argument",
                "origin: accepted, no byte received, no ClientHello, no request, closed by the peer (FIN) (2 times)",
            ]
        );
    }
}
