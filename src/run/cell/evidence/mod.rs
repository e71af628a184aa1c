//! Gathers the lines of agents into one observation per trial, and summarises it in a few lines. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::incident::{self, Incident};
use super::strain::{self, Wait};
use crate::ats::log;
use crate::model::{
    AtsLife, ClosedBy, Inventory, Line, LogFile, LogLine, Mapped, Observation, OriginConnection, OriginProgram,
    ParentSeen, Place, Provenance,
};
use crate::wire::timeline;

/// An agent of a cell. Each has its own container and sends its own lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agent {
    /// In the container of ATS.
    Cell,
    /// In the container of the parent, in a cell with two ATS.
    Parent,
    /// The instrumented origin.
    Origin,
    /// Another program as an origin.
    Beside(OriginProgram),
}

impl Agent {
    /// All agents that a cell can have.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Cell, Self::Parent, Self::Origin].into_iter().chain(OriginProgram::ALL.map(Self::Beside))
    }

    /// The agent of an origin with a container of its own.
    pub(crate) fn of_origin(place: Place) -> Option<Self> {
        match place {
            Place::Beside(program) => Some(Self::Beside(program)),
            Place::Remote | Place::SameHost | Place::SameHostV6 | Place::RemoteAndDead | Place::RemoteAndDeadV6 => None,
        }
    }

    /// Whether trials with an origin at `place` need this agent.
    pub(crate) fn serves(self, place: Place) -> bool {
        match self {
            Self::Cell | Self::Parent => true,
            Self::Origin => matches!(place, Place::Remote | Place::RemoteAndDead | Place::RemoteAndDeadV6),
            Self::Beside(_) => Self::of_origin(place) == Some(self),
        }
    }

    /// The name in labels, container names and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Parent => "parent",
            Self::Origin => "origin",
            Self::Beside(program) => program.name(),
        }
    }
}

/// Everything that the agents of a cell sent in one attempt.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Observations by trial id.
    pub(crate) trials: BTreeMap<String, Observation>,
    /// The software that ran.
    pub(crate) provenance: Provenance,
    /// The parent, in a cell with two ATS.
    pub(crate) parent: Option<ParentEvidence>,
    /// The parts that ATS consists of, if parts are swapped.
    pub(crate) inventory: Option<Inventory>,
    /// pcapng files by trial id, base64.
    pub(crate) pcaps: BTreeMap<String, String>,
    /// Log lines that name no trial.
    pub(crate) logs: Vec<LogLine>,
    /// The started agents, and whether each has sent its last line.
    agents: BTreeMap<Agent, bool>,
    /// Set if another process than the agents wrote evidence: then nothing counts.
    pub(crate) tampered: Option<String>,
    /// Faults of the setup: the trial (`None` for the whole cell) and a description.
    pub(crate) faults: Vec<(Option<String>, String)>,
    /// Output of the agents on stderr, such as panics.
    pub(crate) stderr: Vec<String>,
    /// Faults of the setup that do not affect the evidence.
    pub(crate) notes: Vec<String>,
    /// Start and end of each trial, microseconds since the epoch.
    pub(crate) windows: BTreeMap<String, (u64, u64)>,
    /// Incidents of the containers.
    pub(crate) incidents: Vec<Incident>,
    /// When threads of the containers waited long for a CPU.
    pub(crate) waits: Vec<Wait>,
    /// Refused connections from outside the cell: the container, the peer's address, and the trial of the port.
    pub(crate) strangers: Vec<(Agent, String, String)>,
    /// Whether the engine went away: missing evidence then has no meaning.
    pub(crate) engine_away: bool,
    /// Ids of containers that could not be removed.
    pub(crate) unremoved: Vec<String>,
}

/// What is known of the parent in a cell with two ATS.
#[derive(Debug, Default)]
pub(crate) struct ParentEvidence {
    /// The address of its container.
    pub(crate) address: String,
    /// The trials that go through it.
    pub(crate) through: BTreeSet<String>,
    /// The software that ran there.
    pub(crate) provenance: Provenance,
    /// The state of its ATS.
    pub(crate) ats: AtsLife,
    /// Lines of its logs that name no trial.
    pub(crate) logs: Vec<LogLine>,
}

impl Gathered {
    /// What was seen of `trial` at the parent, if it goes through one.
    fn at_parent(&mut self, trial: &str) -> Option<&mut ParentSeen> {
        let parent = self.parent.as_ref().filter(|parent| parent.through.contains(trial))?;
        let seen = self.trials.entry(trial.to_owned()).or_default().parent.get_or_insert_default();
        seen.address.clone_from(&parent.address);
        seen.ats.clone_from(&parent.ats);
        Some(seen)
    }

    /// Adds a line that means something else with two ATS than with one; returns all others.
    fn add_of_tiers(&mut self, agent: Agent, line: Line) -> Option<Line> {
        let Some(parent) = &mut self.parent else { return Some(line) };
        match (agent, line) {
            (Agent::Parent, Line::Parent(ats)) => parent.ats = ats,
            (Agent::Parent, Line::Provenance(found)) => parent.provenance = *found,
            (Agent::Parent, Line::Log(line)) => match line.trial.clone() {
                Some(trial) => self.at_parent(&trial)?.logs.push(line),
                None => parent.logs.push(line),
            },
            (Agent::Cell, Line::Wire { trial, flows, .. }) if parent.through.contains(&trial) => {
                self.at_parent(&trial)?.past = flows;
            }
            (_, line) => return Some(line),
        }
        None
    }

    /// Records that `agent` was started. The evidence is incomplete until its last line.
    pub(crate) fn started(&mut self, agent: Agent) {
        self.agents.entry(agent).or_default();
    }

    /// The started agents without a last line.
    pub(crate) fn unfinished(&self) -> Vec<Agent> {
        self.agents.iter().filter(|(_, ended)| !**ended).map(|(agent, _)| *agent).collect()
    }

    /// Adds a line of `agent`.
    pub(crate) fn add(&mut self, agent: Agent, line: Line) {
        let Some(line) = self.add_of_tiers(agent, line) else { return };
        match line {
            // A probe is no agent of the cell: what it saw comes as a start.
            Line::Listening | Line::Began { .. } | Line::Served(_) | Line::Parent(_) => {}
            Line::Start { trial, start } => self.trials.entry(trial).or_default().start = Some(start),
            Line::End => {
                self.agents.insert(agent, true);
            }
            Line::Lasted { trial, from_us, to_us } => {
                self.windows.insert(trial, (from_us, to_us));
            }
            Line::Trouble { of, from_us, to_us, text } => {
                let named = |name: &str| Agent::all().find(|agent| agent.name() == name);
                let agent = of.as_deref().and_then(named).unwrap_or(agent);
                let text = format!("the {} container {text}", agent.name());
                incident::merge(&mut self.incidents, Incident { agent, from_us, to_us, text });
            }
            Line::Waited { from_us, to_us, longest_us } => self.waits.push(Wait { agent, from_us, to_us, longest_us }),
            Line::Stranger { peer, trial } => self.strangers.push((agent, peer, trial)),
            Line::Provenance(provenance) => self.provenance = *provenance,
            Line::Inventory(found) => match &mut self.inventory {
                Some(known) => {
                    // Another life of ATS may map more libraries; the files are the same.
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
            Line::Own { trial, seen } => self.trials.entry(trial).or_default().own = Some(seen),
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
            Line::Forged { by, text } => {
                self.tamper(agent, &format!("{by} printed a line that looks like evidence: {text}"));
            }
        }
    }

    /// Whether `trial`, with its origin at `place`, ran while the machine was overloaded, or while the capture lost packets.
    pub(crate) fn strained(&self, trial: &str, place: Place) -> bool {
        let lost = self.trials.get(trial).is_some_and(|seen| seen.wire_lost > 0);
        lost || strain::strained(&self.waits, place, self.windows.get(trial).copied())
    }

    /// Records that another process wrote evidence in the container of `agent`: nothing counts any more.
    pub(crate) fn tamper(&mut self, agent: Agent, how: &str) {
        let text = format!(
            "evidence was tampered with in the {} container: {how} (find the program in the image that writes it; none of \
             the evidence counts, and the cell is not run again)",
            agent.name()
        );
        self.faults.push((None, text.clone()));
        self.tampered.get_or_insert(text);
    }

    /// Whether the evidence of `trial` is complete: its client's report, its packets, and the last line of every started
    /// agent. Agents that the trial does not use count as well: an origin that died may have disturbed the others.
    pub(crate) fn complete(&self, trial: &str) -> bool {
        let client = self.trials.get(trial).is_some_and(|seen| seen.client.is_some());
        client
            && self.pcaps.contains_key(trial)
            && self.agents.contains_key(&Agent::Cell)
            && self.unfinished().is_empty()
    }

    /// Adds a fault for agents without a last line, unless there is one for the whole cell already.
    pub(crate) fn report_unfinished(&mut self) {
        let unfinished = self.unfinished();
        if !unfinished.is_empty() && !self.faults.iter().any(|(of, _)| of.is_none()) {
            let names: Vec<&str> = unfinished.into_iter().map(Agent::name).collect();
            self.faults.push((None, format!("no last line came from: {}", names.join(", "))));
        }
    }

    /// The output outside of trials, for the debug log.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let logs = self.logs.iter().map(|line| format!("{}: {}", line.file.name(), line.text));
        let of_parent = self.parent.iter().flat_map(|parent| &parent.logs);
        let of_parent = of_parent.map(|line| format!("parent's {}: {}", line.file.name(), line.text));
        let faults =
            self.faults.iter().map(|(of, text)| format!("fault ({}): {text}", of.as_deref().unwrap_or("cell")));
        let incidents = self.incidents.iter().map(|incident| format!("incident: {}", incident.text));
        let stderr = self.stderr.iter().map(|text| format!("agent's stderr: {text}"));
        logs.chain(of_parent).chain(faults).chain(incidents).chain(stderr).chain(self.notes.iter().cloned()).collect()
    }

    /// Sorts events from different streams by time. Events before the client's start belong to an earlier run of the trial,
    /// which is repeated when another trial ended ATS.
    pub(crate) fn sort(&mut self) {
        for trial in self.trials.keys().cloned().collect::<Vec<_>>() {
            self.at_parent(&trial);
        }
        for observation in self.trials.values_mut() {
            let exchanges = observation.client.iter().flat_map(|run| &run.exchanges);
            let begin = exchanges.map(|exchange| exchange.started_us).min().unwrap_or_default();
            observation.origin.retain(|connection| connection.accepted_us >= begin);
            observation.wire.retain(|flow| flow.packets.first().is_none_or(|packet| packet.at_us >= begin));
            observation.origin.sort_by_key(|connection| (connection.accepted_us, connection.peer.clone()));
        }
    }
}

/// Summarises the evidence of a trial in a few lines without times or addresses: client, origin, wire, logs.
pub(crate) fn summary_lines(observation: &Observation) -> Vec<String> {
    if let Some(start) = &observation.start {
        return super::delivered::summary(start);
    }
    let mut lines = Vec::new();
    for exchange in observation.client.iter().flat_map(|run| &run.exchanges) {
        let answer = exchange.status.map(|status| format!("{status} {}", exchange.reason).trim_end().to_owned());
        let error = exchange.error.as_ref().map(|error| log::normalise(&error.text));
        let seen = [answer, error].into_iter().flatten().collect::<Vec<_>>().join(", then ");
        lines.push(format!("client: {seen}"));
    }
    if observation.client.is_some() && observation.origin.is_empty() {
        lines.push("origin: no connection".into());
    }
    let limit_us = observation.deadline_us();
    // Under load the counts depend on timing.
    let counted = observation.client.as_ref().is_none_or(|run| run.load.is_none());
    lines.extend(observation.origin.iter().map(|connection| origin_line(connection, limit_us, counted)));
    if observation.wire_lost == 0 {
        let summary = |flow| format!("wire: {}", timeline::summary_until(flow, limit_us));
        lines.extend(observation.wire.iter().map(summary));
    } else {
        // A summary of an incomplete capture could show an end that did not happen.
        lines.push("wire: capture incomplete".into());
    }
    let parent = observation.parent.as_ref();
    let of_parent = parent.iter().flat_map(|parent| &parent.logs).map(|line| ("parent's ", line));
    let logs = observation.logs.iter().map(|line| ("", line)).chain(of_parent);
    for (of, line) in logs.filter(|(_, line)| line.file != LogFile::Output) {
        lines.push(format!("{of}{}: {}", line.file.name(), log::normalise(&line.text)));
    }
    if parent.is_some_and(|parent| !parent.past.is_empty()) {
        lines.push("wire: the child connected to the origin, past its parent".into());
    }
    squeeze(lines, counted)
}

fn origin_line(connection: &OriginConnection, limit_us: u64, counted: bool) -> String {
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
        count if counted => format!("{count} requests"),
        _ => "requests".to_owned(),
    };
    let closed = match connection.closed.filter(|closed| closed.at_us < limit_us).map(|closed| closed.by) {
        Some(ClosedBy::Peer) => "closed by the peer (FIN)",
        Some(ClosedBy::PeerReset) => "reset by the peer (RST)",
        Some(ClosedBy::Origin) => "closed by the origin",
        None => "still open at the end",
    };
    let parts = [Some(hello), tls, Some(requests), Some(closed.to_owned())];
    format!("origin: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Merges equal lines into one with a count, if `counted`, and limits the number of lines.
fn squeeze(lines: Vec<String>, counted: bool) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match counts.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => counts.push((line, 1)),
        }
    }
    let text =
        |(line, count): (String, usize)| if count == 1 || !counted { line } else { format!("{line} ({count} times)") };
    counts.into_iter().map(text).take(MAX_LINES).collect()
}

/// Maximum number of lines in committed results.
const MAX_LINES: usize = 12;

#[cfg(test)]
mod tests;
