//! Evidence lines from agents, gathered into one observation a trial, and told in a few lines. Pure.

use std::collections::BTreeMap;

use super::trouble::{self, Trouble};
use crate::ats::log;
use crate::model::{
    ClosedBy, Exchange, Inventory, Line, LogFile, LogLine, Mapped, OVERDUE, Observation, OriginConnection,
    OriginProgram, Place, Provenance,
};
use crate::wire::timeline;

/// An agent of a cell: each has a container, and says its own lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Agent {
    /// Beside ATS.
    Cell,
    /// The instrumented origin.
    Origin,
    /// Another program as an origin.
    Beside(OriginProgram),
}

impl Agent {
    /// Every agent that a cell can have.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Self::Cell, Self::Origin].into_iter().chain(OriginProgram::ALL.map(Self::Beside))
    }

    /// The agent of an origin in its own container.
    pub(crate) fn beside(place: Place) -> Option<Self> {
        match place {
            Place::Beside(program) => Some(Self::Beside(program)),
            Place::Remote | Place::SameHost | Place::SameHostV6 | Place::RemoteAndDead | Place::RemoteAndDeadV6 => None,
        }
    }

    /// Its name in labels, names of containers, and texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Origin => "origin",
            Self::Beside(program) => program.name(),
        }
    }
}

/// Everything the agents of a cell said in one attempt.
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
    /// The agents that were started, and whether each has said all it had to.
    agents: BTreeMap<Agent, bool>,
    /// That somebody but the agents testified: nothing counts then.
    pub(crate) tampered: Option<String>,
    /// Our side's troubles: trial (if one is concerned) and text.
    pub(crate) faults: Vec<(Option<String>, String)>,
    /// What the agents said on stderr, if anything: panics.
    pub(crate) stderr: Vec<String>,
    /// Troubles of ours that say nothing about the evidence.
    pub(crate) notes: Vec<String>,
    /// When each trial ran, microseconds since the epoch.
    pub(crate) windows: BTreeMap<String, (u64, u64)>,
    /// What happened to the containers meanwhile.
    pub(crate) troubles: Vec<Trouble>,
    /// Who was refused, not being of the cell: at which container, its address, and the trial whose port it was.
    pub(crate) strangers: Vec<(Agent, String, String)>,
    /// Whether the engine went away: whatever is missing says nothing.
    pub(crate) away: bool,
    /// Ids of containers that could not be removed.
    pub(crate) left: Vec<String>,
}

impl Gathered {
    /// Notes that `agent` was started: from now on nothing is whole until it has said its last line.
    pub(crate) fn started(&mut self, agent: Agent) {
        self.agents.entry(agent).or_default();
    }

    /// The agents that were started and have not said their last line.
    pub(crate) fn unended(&self) -> Vec<Agent> {
        self.agents.iter().filter(|(_, ended)| !**ended).map(|(agent, _)| *agent).collect()
    }

    /// Adds a line of `agent`.
    pub(crate) fn add(&mut self, agent: Agent, line: Line) {
        match line {
            Line::Listening | Line::Began { .. } => {}
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
                trouble::merge(&mut self.troubles, Trouble { agent, from_us, to_us, text });
            }
            Line::Stranger { peer, trial } => self.strangers.push((agent, peer, trial)),
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
            Line::Forged { by, text } => self.tamper(agent, &format!("{by} printed what looks like it: {text}")),
        }
    }

    /// Notes that somebody tried to testify beside `agent`: from now on nothing counts.
    pub(crate) fn tamper(&mut self, agent: Agent, how: &str) {
        let text = format!(
            "evidence was tampered with in the {} container: {how} (look for what writes it in the image; none of its \
             evidence counts, and no repetition would)",
            agent.name()
        );
        self.faults.push((None, text.clone()));
        self.tampered.get_or_insert(text);
    }

    /// Whether all there is to know of `trial` is here: what its client saw, its packets, and every agent that was
    /// started to its last line. Which of them its evidence rests on is not asked: an origin that died may have
    /// disturbed the others.
    pub(crate) fn complete(&self, trial: &str) -> bool {
        let client = self.trials.get(trial).is_some_and(|seen| seen.client.is_some());
        client && self.pcaps.contains_key(trial) && self.agents.contains_key(&Agent::Cell) && self.unended().is_empty()
    }

    /// Sees to it that an agent without a last line is told, whatever became of it: what others said is not whole.
    pub(crate) fn tell_unended(&mut self) {
        let unended = self.unended();
        if !unended.is_empty() && !self.faults.iter().any(|(of, _)| of.is_none()) {
            let names: Vec<&str> = unended.into_iter().map(Agent::name).collect();
            self.faults.push((None, format!("no last line came from: {}", names.join(", "))));
        }
    }

    /// What was said outside of trials, for the raw record.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let logs = self.logs.iter().map(|line| format!("{}: {}", line.file.name(), line.text));
        let faults =
            self.faults.iter().map(|(of, text)| format!("fault ({}): {text}", of.as_deref().unwrap_or("cell")));
        let troubles = self.troubles.iter().map(|trouble| format!("trouble: {}", trouble.text));
        let stderr = self.stderr.iter().map(|text| format!("agent's stderr: {text}"));
        logs.chain(faults).chain(troubles).chain(stderr).chain(self.notes.iter().cloned()).collect()
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
    let limit_us = hung_up_from(observation);
    lines.extend(observation.origin.iter().map(|connection| origin_line(connection, limit_us)));
    if observation.wire_lost == 0 {
        let summary = |flow| format!("wire: {}", timeline::summary_until(flow, limit_us));
        lines.extend(observation.wire.iter().map(summary));
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

/// From when on our own deadline ends connections, microseconds since the epoch. Each end has it on a clock of its own,
/// so who hangs up first is chance.
fn hung_up_from(observation: &Observation) -> u64 {
    let overdue = |exchange: &&Exchange| exchange.error.as_ref().is_some_and(|error| error.text.starts_with(OVERDUE));
    let ended = |exchange: &Exchange| exchange.started_us.saturating_add(exchange.total_us);
    let exchanges = observation.client.iter().flat_map(|run| &run.exchanges);
    exchanges.filter(overdue).map(ended).min().map_or(u64::MAX, |at| at.saturating_sub(APART_US))
}

fn origin_line(connection: &OriginConnection, limit_us: u64) -> String {
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
    let closed = match connection.closed.filter(|closed| closed.at_us < limit_us).map(|closed| closed.by) {
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

/// How far apart the two ends of a trial may be in time when its deadline is over, microseconds.
const APART_US: u64 = 500_000;

/// Lines kept in committed results.
const MAX_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientError, ClientPhase, ClientRun, Closed, Flow};

    #[test]
    fn a_capture_that_lost_packets_is_not_summed_up() {
        let mut gathered = Gathered::default();
        let wire = |lost| Line::Wire { trial: "t".into(), flows: vec![Flow::default()], pcapng: String::new(), lost };
        gathered.add(Agent::Cell, wire(0));
        assert_eq!(lines(&gathered.trials["t"]), ["wire: begin not seen, 0 bytes to the origin, still open"]);
        gathered.add(Agent::Cell, wire(7));
        assert_eq!(lines(&gathered.trials["t"]), ["wire: capture incomplete"]);
    }

    #[test]
    fn a_trial_is_complete_when_every_agent_that_was_started_has_said_all() {
        use Agent::{Beside, Cell, Origin};
        let all: [&[Agent]; 3] = [&[Cell], &[Cell, Origin], &[Cell, Origin, Beside(OriginProgram::Nginx)]];
        for started in all {
            // Each of them dies once; at last nobody does.
            for dies in started.iter().copied().map(Some).chain([None]) {
                let mut gathered = Gathered::default();
                for agent in started {
                    gathered.started(*agent);
                }
                let (run, ats) = (ClientRun::default(), crate::model::AtsLife::Alive);
                gathered.add(Cell, Line::Client { trial: "t".into(), run, ats });
                gathered.add(Cell, Line::Wire { trial: "t".into(), flows: Vec::new(), pcapng: String::new(), lost: 0 });
                for agent in started.iter().filter(|agent| Some(**agent) != dies) {
                    assert!(!gathered.complete("t"));
                    // One that says its last line twice does not stand in for another.
                    gathered.add(*agent, Line::End);
                    gathered.add(*agent, Line::End);
                }
                assert_eq!(gathered.complete("t"), dies.is_none(), "{started:?} {dies:?}");
                assert!(!gathered.complete("another"));
                gathered.tell_unended();
                let told: Vec<&str> = gathered.faults.iter().map(|(_, text)| text.as_str()).collect();
                let expected = dies.map(|agent| format!("no last line came from: {}", agent.name()));
                assert_eq!(told, Vec::from_iter(expected.as_deref()));
            }
        }
    }

    #[test]
    fn who_hangs_up_at_our_own_deadline_is_chance_and_not_told() {
        let observation = |text: &str, by, at_us| Observation {
            client: Some(ClientRun {
                exchanges: vec![Exchange {
                    error: Some(ClientError { phase: ClientPhase::Exchange, text: text.into() }),
                    total_us: 3_000_000,
                    ..Exchange::default()
                }],
                ..ClientRun::default()
            }),
            origin: vec![OriginConnection { closed: Some(Closed { by, at_us }), ..OriginConnection::default() }],
            ..Observation::default()
        };
        let overdue = |by, at_us| lines(&observation(&format!("{OVERDUE} of 3 s"), by, at_us));
        assert_eq!(overdue(ClosedBy::Origin, 2_990_000), overdue(ClosedBy::Peer, 3_001_000));
        assert_ne!(overdue(ClosedBy::Origin, 100_000), overdue(ClosedBy::Peer, 100_000), "long before it");
        let hung_up = |by| lines(&observation("connection closed", by, 2_990_000));
        assert_ne!(hung_up(ClosedBy::Origin), hung_up(ClosedBy::Peer));
    }

    #[test]
    fn the_seed_failure_is_told_without_times_and_addresses() {
        let mut gathered = Gathered::default();
        let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
        gathered.add(
            Agent::Cell,
            Line::Client {
                trial: "t".into(),
                run: ClientRun { exchanges: vec![exchange], ..ClientRun::default() },
                ats: crate::model::AtsLife::Alive,
            },
        );
        for accepted_us in [2, 1] {
            gathered.add(
                Agent::Origin,
                Line::Connection(Box::new(OriginConnection {
                    trial: "t".into(),
                    accepted_us,
                    closed: Some(Closed { by: ClosedBy::Peer, at_us: 3 }),
                    ..OriginConnection::default()
                })),
            );
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
