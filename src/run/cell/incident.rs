//! Incidents during a cell: which container was disturbed, from when to when. Pure.
//!
//! A trial that depends on a container with an incident during the trial says nothing about ATS, whatever its outcome.

use super::evidence::Agent;
use crate::engine::ContainerChange;
use crate::model::Place;

/// Time after the end of an incident, microseconds, in which trials may still be affected by work that piled up.
const AFTERMATH_US: u64 = 1_000_000;

/// Something that disturbed a container of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// The container's agent.
    pub(crate) agent: Agent,
    /// Start, microseconds since the epoch.
    pub(crate) from_us: u64,
    /// End, microseconds since the epoch; `None` if it lasted until the end of the attempt.
    pub(crate) to_us: Option<u64>,
    /// Description for messages.
    pub(crate) text: String,
}

impl Incident {
    /// An incident over the whole attempt: the container is gone, and its evidence may be truncated anywhere.
    pub(crate) fn whole(agent: Agent, text: String) -> Self {
        Self { agent, from_us: 0, to_us: None, text }
    }

    /// Whether ATS itself may be the cause: ATS runs in the cell's container, and may end it.
    pub(crate) fn may_be_caused_by_ats(&self) -> bool {
        matches!(self.agent, Agent::Cell | Agent::Parent) && (self.from_us, self.to_us) == (0, None)
    }

    /// Whether the incident affects a trial that has its origin at `place` and ran in `window`. A trial without a known time
    /// is affected whenever the incident was.
    pub(crate) fn affects(&self, place: Place, window: Option<(u64, u64)>) -> bool {
        let until = self.to_us.map_or(u64::MAX, |to| to.saturating_add(AFTERMATH_US));
        self.agent.serves(place) && window.is_none_or(|(from, to)| from <= until && self.from_us <= to)
    }
}

/// The incidents that follow from the engine's events: agent, time and event, in order.
pub(super) fn from_events(seen: &[(Agent, u64, ContainerChange)]) -> Vec<Incident> {
    let mut incidents = Vec::new();
    for agent in Agent::all() {
        let own: Vec<(u64, ContainerChange)> =
            seen.iter().filter(|seen| seen.0 == agent).map(|seen| (seen.1, seen.2)).collect();
        let dead =
            own.iter().find_map(|&(_, what)| if let ContainerChange::Died { code } = what { Some(code) } else { None });
        if let Some(code) = dead {
            // A container that ends leaves its network as well.
            incidents.push(Incident::whole(agent, ended_early(agent, code, false)));
            continue;
        }
        if let Some(&(from_us, _)) = own.iter().find(|(_, what)| *what == ContainerChange::LeftNetwork) {
            let text = format!("the {} container was taken off its network", agent.name());
            incidents.push(Incident { agent, from_us, to_us: None, text });
        }
        incidents.extend(pauses(agent, &own));
    }
    incidents
}

/// Adds an incident that an agent reported. Agents report an incident repeatedly while it lasts: reports are merged.
pub(super) fn merge(incidents: &mut Vec<Incident>, new: Incident) {
    let same = |known: &&mut Incident| {
        known.agent == new.agent && known.to_us.is_some_and(|to| new.from_us <= to && new.to_us.is_some())
    };
    match incidents.iter_mut().find(same) {
        Some(known) => {
            known.from_us = known.from_us.min(new.from_us);
            known.to_us = known.to_us.max(new.to_us);
            known.text = new.text;
        }
        None => incidents.push(new),
    }
}

fn pauses(agent: Agent, own: &[(u64, ContainerChange)]) -> Vec<Incident> {
    let mut pauses: Vec<Incident> = Vec::new();
    for &(at_us, what) in own {
        let open = pauses.last_mut().filter(|pause| pause.to_us.is_none());
        match (what, open) {
            (ContainerChange::Paused, None) => {
                let text = format!("the {} container was paused", agent.name());
                pauses.push(Incident { agent, from_us: at_us, to_us: None, text });
            }
            (ContainerChange::Resumed, Some(pause)) => pause.to_us = Some(at_us),
            _ => {}
        }
    }
    pauses
}

/// Describes the early end of a container.
pub(super) fn ended_early(agent: Agent, code: i64, oom_killed: bool) -> String {
    let why = if oom_killed { " out of memory" } else { "" };
    format!("the {} container ended{why} with code {code} before its evidence was complete", agent.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OriginProgram;

    const S: u64 = 1_000_000;

    #[test]
    fn an_incident_affects_only_trials_that_depend_on_the_container() {
        let incident = |agent| Incident::whole(agent, String::new());
        let affected = |agent| {
            [
                Place::Remote,
                Place::RemoteAndDead,
                Place::SameHost,
                Place::SameHostV6,
                Place::Beside(OriginProgram::Nginx),
            ]
            .map(|place| incident(agent).affects(place, Some((S, 2 * S))))
        };
        assert_eq!(affected(Agent::Cell), [true; 5]);
        assert_eq!(affected(Agent::Origin), [true, true, false, false, false]);
        assert_eq!(affected(Agent::Beside(OriginProgram::Nginx)), [false, false, false, false, true]);
    }

    #[test]
    fn an_incident_affects_trials_during_it_and_just_after() {
        let seen =
            [(Agent::Origin, 10 * S, ContainerChange::Paused), (Agent::Origin, 20 * S, ContainerChange::Resumed)];
        let [pause] = from_events(&seen).try_into().unwrap();
        assert_eq!(pause.text, "the origin container was paused");
        let affects = |from, to| pause.affects(Place::Remote, Some((from, to)));
        assert!(!affects(S, 9 * S) && affects(S, 11 * S) && affects(12 * S, 13 * S) && affects(19 * S, 30 * S));
        assert!(affects(20 * S + S / 2, 30 * S) && !affects(22 * S, 30 * S));
        assert!(pause.affects(Place::Remote, None), "its time is unknown");
    }

    #[test]
    fn a_pause_without_a_resume_lasts_and_a_second_pause_is_separate() {
        let (paused, resumed) = (ContainerChange::Paused, ContainerChange::Resumed);
        let seen = [(1, resumed), (2, paused), (3, paused), (4, resumed), (5, paused)];
        let seen = seen.map(|(at, what)| (Agent::Cell, at, what));
        let times: Vec<_> = from_events(&seen).iter().map(|it| (it.from_us, it.to_us)).collect();
        assert_eq!(times, [(2, Some(4)), (5, None)]);
    }

    #[test]
    fn reports_of_a_lasting_incident_are_merged() {
        let incident = |agent, from_us, to_us, text: &str| Incident { agent, from_us, to_us, text: text.into() };
        let mut incidents = Vec::new();
        for (to, text) in [(30, "1.5 s"), (40, "1.75 s"), (50, "2 s")] {
            merge(&mut incidents, incident(Agent::Origin, 10, Some(to), text));
        }
        merge(&mut incidents, incident(Agent::Cell, 20, Some(30), "own"));
        merge(&mut incidents, incident(Agent::Origin, 70, Some(80), "again"));
        let wanted = [
            (Agent::Origin, 10, Some(50), "2 s"),
            (Agent::Cell, 20, Some(30), "own"),
            (Agent::Origin, 70, Some(80), "again"),
        ];
        assert_eq!(incidents, wanted.map(|(agent, from, to, text)| incident(agent, from, to, text)));
    }

    #[test]
    fn a_dead_container_is_an_incident_over_the_whole_attempt() {
        let seen = [
            (Agent::Beside(OriginProgram::Nginx), 5 * S, ContainerChange::LeftNetwork),
            (Agent::Beside(OriginProgram::Nginx), 6 * S, ContainerChange::Died { code: 137 }),
            (Agent::Cell, 7 * S, ContainerChange::LeftNetwork),
        ];
        let [left, died] = from_events(&seen).try_into().unwrap();
        assert_eq!((left.from_us, left.text.as_str()), (7 * S, "the cell container was taken off its network"));
        assert_eq!(
            died,
            Incident::whole(
                Agent::Beside(OriginProgram::Nginx),
                "the nginx container ended with code 137 before its evidence was complete".into()
            )
        );
    }
}
