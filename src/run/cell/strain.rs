//! An overloaded machine: how long the threads of a cell waited for a CPU while a trial ran. Pure.
//!
//! A timeout or a pause of a trial is as long on an overloaded machine as on an idle one, but ATS gets less done in it. So a
//! failure under strain is in doubt: it needs more witnesses than one that was seen on a machine with time to spare.

use super::evidence::Agent;
use crate::model::{Outcome, Place};

/// Time that a thread waited during a trial, microseconds, from which on the trial was under strain. The shortest time that
/// a trial gives ATS for anything is a second.
const STRAIN_US: u64 = 300_000;

/// How often a trial has to fail if it was always under strain.
const FAILURES: usize = 3;

/// How often a trial runs at most, so that failures under strain are confirmed or refuted.
const MAX_TRIES: usize = 4;

/// Why a trial that failed under strain has no answer.
pub(super) const OVERLOADED: &str = "it failed, but only while the machine was overloaded, which says nothing about ATS (run it again with less beside it)";

/// What is told of a trial whose failure under strain was refuted.
pub(super) fn refuted(trial: &str) -> String {
    format!(
        "{trial} failed once while the machine was overloaded, and has passed twice since: the failure does not count"
    )
}

/// A time in which a thread of a container waited long for a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// The container's agent.
    pub(crate) agent: Agent,
    /// Start of the measurement, microseconds since the epoch.
    pub(crate) from_us: u64,
    /// Its end.
    pub(crate) to_us: u64,
    /// The longest wait of a thread that ended in this time, microseconds.
    pub(crate) longest_us: u64,
}

/// Whether a trial that had its origin at `place` and ran in `window` was under strain. A trial without a known time was not.
pub(super) fn strained(waits: &[Wait], place: Place, window: Option<(u64, u64)>) -> bool {
    let Some((from_us, to_us)) = window else { return false };
    let during = |wait: &&Wait| wait.from_us <= to_us && from_us <= wait.to_us;
    Agent::all().filter(|agent| agent.serves(place)).any(|agent| {
        let own = waits.iter().filter(|wait| wait.agent == agent).filter(during);
        own.map(|wait| wait.longest_us).sum::<u64>() >= STRAIN_US
    })
}

/// What the undisturbed outcomes of a trial add up to if it failed under strain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No failure is in doubt.
    None,
    /// Another attempt has to tell.
    Open,
    /// The trial failed, though always under strain.
    Failed,
    /// The failure under strain does not count: the trial has passed twice since.
    Refuted,
    /// More failures under strain than one, and passes: nothing can be told on this machine.
    Unknown,
}

/// Weighs the undisturbed outcomes of a trial, each with whether it was under strain. `tries` counts the disturbed ones as well.
pub(super) fn weigh(rows: &[(Outcome, bool)], tries: usize) -> Doubt {
    let count = |wanted: (Outcome, bool)| rows.iter().filter(|row| **row == wanted).count();
    let passes = count((Outcome::Pass, false)) + count((Outcome::Pass, true));
    let (firm, doubtful) = (count((Outcome::Fail, false)), count((Outcome::Fail, true)));
    match (doubtful, passes) {
        (0, _) => Doubt::None,
        // A failure without strain decides.
        _ if firm > 0 => Doubt::None,
        (FAILURES.., 0) => Doubt::Failed,
        (1, 2..) => Doubt::Refuted,
        (1.., 0) | (1, 1) if tries < MAX_TRIES => Doubt::Open,
        _ => Doubt::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OriginProgram;

    const MS: u64 = 1_000;

    #[test]
    fn a_trial_is_strained_by_waits_during_it_in_containers_that_it_needs() {
        let wait =
            |agent, from, to, longest| Wait { agent, from_us: from * MS, to_us: to * MS, longest_us: longest * MS };
        let strained = |waits: &[Wait], place| super::strained(waits, place, Some((1_000 * MS, 2_000 * MS)));
        let nginx = Agent::Beside(OriginProgram::Nginx);
        assert!(strained(&[wait(Agent::Cell, 1_200, 1_400, 300)], Place::SameHost));
        assert!(!strained(&[wait(Agent::Cell, 1_200, 1_400, 290)], Place::SameHost));
        assert!(strained(
            &[wait(Agent::Cell, 1_200, 1_400, 150), wait(Agent::Cell, 1_900, 2_100, 150)],
            Place::SameHost
        ));
        assert!(!strained(&[wait(Agent::Cell, 600, 900, 300), wait(Agent::Cell, 2_100, 2_300, 300)], Place::SameHost));
        assert!(!strained(
            &[wait(Agent::Cell, 1_200, 1_400, 200), wait(Agent::Origin, 1_200, 1_400, 200)],
            Place::Remote
        ));
        assert!(strained(&[wait(nginx, 1_200, 1_400, 300)], Place::Beside(OriginProgram::Nginx)));
        assert!(!strained(&[wait(nginx, 1_200, 1_400, 300)], Place::Remote));
        assert!(!super::strained(&[wait(Agent::Cell, 0, 9_000, 900)], Place::Remote, None), "its time is unknown");
    }

    #[test]
    fn a_failure_without_strain_is_not_in_doubt() {
        let (pass, fail, error) = ((Outcome::Pass, false), (Outcome::Fail, false), (Outcome::Error, false));
        let doubtful = (Outcome::Fail, true);
        for rows in [
            &[pass][..],
            &[fail],
            &[fail, pass],
            &[fail, doubtful],
            &[doubtful, fail],
            &[doubtful, pass, fail],
            &[error],
        ] {
            assert_eq!(weigh(rows, rows.len()), Doubt::None, "{rows:?}");
        }
    }

    #[test]
    fn a_failure_under_strain_is_confirmed_refuted_or_unknown() {
        let (pass, fail) = ((Outcome::Pass, true), (Outcome::Fail, true));
        let table: [(&[(Outcome, bool)], Doubt); 9] = [
            (&[fail], Doubt::Open),
            (&[fail, fail], Doubt::Open),
            (&[fail, fail, fail], Doubt::Failed),
            (&[fail, pass], Doubt::Open),
            (&[pass, fail], Doubt::Open),
            (&[fail, pass, pass], Doubt::Refuted),
            (&[fail, pass, fail], Doubt::Unknown),
            (&[fail, fail, pass], Doubt::Unknown),
            (&[(Outcome::Error, true), fail], Doubt::Open),
        ];
        for (rows, wanted) in table {
            assert_eq!(weigh(rows, rows.len()), wanted, "{rows:?}");
        }
        assert_eq!(weigh(&[fail], MAX_TRIES), Doubt::Unknown, "the other attempts were disturbed");
    }
}
