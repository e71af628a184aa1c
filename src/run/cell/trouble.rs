//! What stood in the way of a cell while it ran: which of its containers, from when to when. Pure.
//!
//! A trial in whose time something happened to what it stands on says nothing about ATS, however it went.

use super::evidence::Agent;
use crate::engine::What;
use crate::model::Place;

/// How long it may take until all is as it was before a trouble that ended: what piled up meanwhile is worked off.
const AFTERMATH_US: u64 = 1_000_000;

/// Something that happened to one of the containers of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Which container.
    pub(crate) agent: Agent,
    /// From when, microseconds since the epoch.
    pub(crate) from_us: u64,
    /// Until when; `None`: to the end of the attempt.
    pub(crate) to_us: Option<u64>,
    /// What, in words.
    pub(crate) text: String,
}

impl Trouble {
    /// That `agent` is gone for this attempt. What it has seen may be cut off anywhere: nothing of it counts.
    pub(crate) fn whole(agent: Agent, text: String) -> Self {
        Self { agent, from_us: 0, to_us: None, text }
    }

    /// Whether ATS itself may have brought it about: it is in the cell's container, and may end that.
    pub(crate) fn may_be_of_ats(&self) -> bool {
        self.agent == Agent::Cell && (self.from_us, self.to_us) == (0, None)
    }

    /// Whether a trial stands on what was troubled: its origin is at `place`, and it ran in `window`. Of one whose
    /// time is not known any time may be its.
    pub(crate) fn concerns(&self, place: Place, window: Option<(u64, u64)>) -> bool {
        let stands_on = match self.agent {
            Agent::Cell => true,
            Agent::Origin => matches!(place, Place::Remote | Place::RemoteAndDead | Place::RemoteAndDeadV6),
            Agent::Beside(program) => place == Place::Beside(program),
        };
        let until = self.to_us.map_or(u64::MAX, |to| to.saturating_add(AFTERMATH_US));
        stands_on && window.is_none_or(|(from, to)| from <= until && self.from_us <= to)
    }
}

/// The troubles that `seen` amounts to: what happened to which container when, in order.
pub(super) fn of(seen: &[(Agent, u64, What)]) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    for agent in Agent::all() {
        let own: Vec<(u64, What)> = seen.iter().filter(|seen| seen.0 == agent).map(|seen| (seen.1, seen.2)).collect();
        let dead = own.iter().find_map(|&(_, what)| if let What::Died { code } = what { Some(code) } else { None });
        if let Some(code) = dead {
            // Its end takes it from its network as well.
            troubles.push(Trouble::whole(agent, ended(agent, code, false)));
            continue;
        }
        if let Some(&(from_us, _)) = own.iter().find(|(_, what)| *what == What::LeftNetwork) {
            let text = format!("the {} container was taken off its network", agent.name());
            troubles.push(Trouble { agent, from_us, to_us: None, text });
        }
        troubles.extend(pauses(agent, &own));
    }
    troubles
}

/// Adds a trouble that an agent tells of. One that lasts is told again and again: of these the last is kept.
pub(super) fn merge(troubles: &mut Vec<Trouble>, told: Trouble) {
    let same = |known: &&mut Trouble| {
        known.agent == told.agent && known.to_us.is_some_and(|to| told.from_us <= to && told.to_us.is_some())
    };
    match troubles.iter_mut().find(same) {
        Some(known) => {
            known.from_us = known.from_us.min(told.from_us);
            known.to_us = known.to_us.max(told.to_us);
            known.text = told.text;
        }
        None => troubles.push(told),
    }
}

fn pauses(agent: Agent, own: &[(u64, What)]) -> Vec<Trouble> {
    let mut pauses: Vec<Trouble> = Vec::new();
    for &(at_us, what) in own {
        let open = pauses.last_mut().filter(|pause| pause.to_us.is_none());
        match (what, open) {
            (What::Paused, None) => {
                let text = format!("the {} container was paused", agent.name());
                pauses.push(Trouble { agent, from_us: at_us, to_us: None, text });
            }
            (What::Resumed, Some(pause)) => pause.to_us = Some(at_us),
            _ => {}
        }
    }
    pauses
}

/// How the early end of a container is told.
pub(super) fn ended(agent: Agent, code: i64, for_want_of_memory: bool) -> String {
    let why = if for_want_of_memory { " for want of memory" } else { "" };
    format!("the {} container ended{why} with code {code} before it had said all", agent.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OriginProgram;

    const S: u64 = 1_000_000;

    #[test]
    fn only_what_stands_on_a_container_is_concerned_by_it() {
        let trouble = |agent| Trouble::whole(agent, String::new());
        let concerned = |agent| {
            [
                Place::Remote,
                Place::RemoteAndDead,
                Place::SameHost,
                Place::SameHostV6,
                Place::Beside(OriginProgram::Nginx),
            ]
            .map(|place| trouble(agent).concerns(place, Some((S, 2 * S))))
        };
        assert_eq!(concerned(Agent::Cell), [true; 5]);
        assert_eq!(concerned(Agent::Origin), [true, true, false, false, false]);
        assert_eq!(concerned(Agent::Beside(OriginProgram::Nginx)), [false, false, false, false, true]);
    }

    #[test]
    fn only_what_ran_at_the_time_or_just_after_it_is_concerned() {
        let seen = [(Agent::Origin, 10 * S, What::Paused), (Agent::Origin, 20 * S, What::Resumed)];
        let [pause] = of(&seen).try_into().unwrap();
        assert_eq!(pause.text, "the origin container was paused");
        let concerns = |from, to| pause.concerns(Place::Remote, Some((from, to)));
        assert!(!concerns(S, 9 * S) && concerns(S, 11 * S) && concerns(12 * S, 13 * S) && concerns(19 * S, 30 * S));
        assert!(concerns(20 * S + S / 2, 30 * S) && !concerns(22 * S, 30 * S));
        assert!(pause.concerns(Place::Remote, None), "its time is not known");
    }

    #[test]
    fn a_pause_without_an_end_lasts_and_the_next_one_is_another() {
        let (paused, resumed) = (What::Paused, What::Resumed);
        let seen = [(1, resumed), (2, paused), (3, paused), (4, resumed), (5, paused)];
        let seen = seen.map(|(at, what)| (Agent::Cell, at, what));
        let times: Vec<_> = of(&seen).iter().map(|trouble| (trouble.from_us, trouble.to_us)).collect();
        assert_eq!(times, [(2, Some(4)), (5, None)]);
    }

    #[test]
    fn a_trouble_that_is_told_while_it_lasts_is_one() {
        let told = |agent, from_us, to_us, text: &str| Trouble { agent, from_us, to_us, text: text.into() };
        let mut troubles = Vec::new();
        for (to, text) in [(30, "1.5 s"), (40, "1.75 s"), (50, "2 s")] {
            merge(&mut troubles, told(Agent::Origin, 10, Some(to), text));
        }
        merge(&mut troubles, told(Agent::Cell, 20, Some(30), "own"));
        merge(&mut troubles, told(Agent::Origin, 70, Some(80), "again"));
        let wanted = [
            (Agent::Origin, 10, Some(50), "2 s"),
            (Agent::Cell, 20, Some(30), "own"),
            (Agent::Origin, 70, Some(80), "again"),
        ];
        assert_eq!(troubles, wanted.map(|(agent, from, to, text)| told(agent, from, to, text)));
    }

    #[test]
    fn a_dead_container_counts_for_the_whole_attempt_and_is_told_by_its_end() {
        let seen = [
            (Agent::Beside(OriginProgram::Nginx), 5 * S, What::LeftNetwork),
            (Agent::Beside(OriginProgram::Nginx), 6 * S, What::Died { code: 137 }),
            (Agent::Cell, 7 * S, What::LeftNetwork),
        ];
        let [left, died] = of(&seen).try_into().unwrap();
        assert_eq!((left.from_us, left.text.as_str()), (7 * S, "the cell container was taken off its network"));
        assert_eq!(
            died,
            Trouble::whole(
                Agent::Beside(OriginProgram::Nginx),
                "the nginx container ended with code 137 before it had said all".into()
            )
        );
    }
}
