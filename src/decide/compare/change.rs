//! The table of changes from before to after, for cells and trials.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Outcome, Verdict};

/// The state of a cell or a trial on one side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComparedState {
    /// Passed.
    Pass,
    /// Failed, twice.
    Fail,
    /// A known limitation: failed twice by a known issue that this ATS has on every distro (trials only).
    Limitation,
    /// Cannot be built (cells only).
    Unbuildable,
    /// Did not survive the upgrade of its distro (cells only).
    Broken,
    /// Failed once and passed once.
    Flaky,
    /// The run failed, not ATS.
    Error,
    /// A part was not available (cells only).
    Unavailable,
    /// Not reached (trials only).
    Skipped,
    /// This ATS does not support it (trials only).
    Unsupported,
    /// Not in the results (trials only).
    Absent,
    /// Not in the results (cells only).
    NoCell,
}

impl From<Option<Verdict>> for ComparedState {
    fn from(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Pass) => Self::Pass,
            Some(Verdict::Fail) => Self::Fail,
            Some(Verdict::Unbuildable) => Self::Unbuildable,
            Some(Verdict::Broken) => Self::Broken,
            Some(Verdict::Flaky) => Self::Flaky,
            Some(Verdict::Error) => Self::Error,
            Some(Verdict::Unavailable) => Self::Unavailable,
            None => Self::NoCell,
        }
    }
}

impl From<Option<Outcome>> for ComparedState {
    fn from(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Pass) => Self::Pass,
            Some(Outcome::Fail) => Self::Fail,
            Some(Outcome::Limitation) => Self::Limitation,
            Some(Outcome::Flaky) => Self::Flaky,
            Some(Outcome::Error) => Self::Error,
            Some(Outcome::Unsupported) => Self::Unsupported,
            Some(Outcome::Skipped) => Self::Skipped,
            None => Self::Absent,
        }
    }
}

/// How a cell or a trial changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It passed, was flaky or had a known limitation, and fails now; or it passed or was flaky, and has a known
    /// limitation now.
    Regressed,
    /// It fails, and there was no answer before.
    NewlyFailing,
    /// It is flaky now, and did not fail before except by a known limitation.
    TurnedFlaky,
    /// It passed and is no longer tested.
    NoLongerTested,
    /// The run failed where there was an answer, or nothing.
    Infrastructure,
    /// A part was not available where there was an answer, or nothing.
    Unavailable,
    /// No answer before, none now.
    StillUnanswered,
    /// It failed, or had a known limitation, and passes now.
    Fixed,
    /// It was flaky and passes now.
    Steadied,
    /// It failed and is flaky now.
    SometimesPasses,
    /// There is a first answer: for a cell, any; for a trial, a pass.
    NewlyTested,
    /// It has a known limitation, and there was no answer before.
    NewlyLimited,
    /// It failed, was flaky or had a known limitation, and is no longer tested.
    FailureRemoved,
    /// It failed and fails now in another way: it cannot be built instead of failing, or the reverse, or it has only a
    /// known limitation.
    OtherFailure,
    /// Flaky as before.
    StillFlaky,
    /// Fails as before.
    SameFail,
    /// Has a known limitation as before.
    SameLimitation,
    /// Passes as before.
    SamePass,
    /// There was no answer before, and it is not tested now.
    NotTested,
}

/// Whether a change is for the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bearing {
    /// Better than before.
    Better,
    /// No worse than before.
    Same,
    /// Worse than before.
    Worse,
    /// An answer is missing.
    Unknown,
}

impl Change {
    /// The table. Every pair is listed, so a new [`ComparedState`] does not compile until it has its places here.
    pub fn of(before: ComparedState, after: ComparedState) -> Self {
        use ComparedState::{
            Absent, Broken, Error, Fail, Flaky, Limitation, NoCell, Pass, Skipped, Unavailable, Unbuildable,
            Unsupported,
        };
        match (before, after) {
            (Pass, Pass) => Self::SamePass,
            (Fail, Fail) | (Unbuildable, Unbuildable) | (Broken, Broken) => Self::SameFail,
            (Limitation, Limitation) => Self::SameLimitation,
            (Fail, Unbuildable | Broken | Limitation)
            | (Unbuildable, Fail | Broken | Limitation)
            | (Broken, Fail | Unbuildable | Limitation) => Self::OtherFailure,
            (Flaky, Flaky) => Self::StillFlaky,
            (Pass | Flaky | Limitation, Fail | Unbuildable | Broken) | (Pass | Flaky, Limitation) => Self::Regressed,
            (Fail | Unbuildable | Broken | Limitation, Pass) => Self::Fixed,
            (Fail | Unbuildable | Broken, Flaky) => Self::SometimesPasses,
            (Flaky, Pass) => Self::Steadied,
            (Pass | Limitation | Error | Skipped | Unsupported | Absent, Flaky) => Self::TurnedFlaky,
            (Unavailable | NoCell, Pass | Fail | Unbuildable | Broken | Flaky)
            | (Error | Skipped | Unsupported | Absent, Pass) => Self::NewlyTested,
            (Error | Skipped | Unsupported | Absent, Fail | Unbuildable | Broken) => Self::NewlyFailing,
            (Error | Unavailable | Skipped | Unsupported | Absent | NoCell, Limitation) => Self::NewlyLimited,
            (Error | Unavailable | Skipped, Error | Unavailable | Skipped) => Self::StillUnanswered,
            (
                Pass | Fail | Limitation | Unbuildable | Broken | Flaky | Unsupported | Absent | NoCell,
                Error | Skipped,
            ) => Self::Infrastructure,
            (Pass | Fail | Limitation | Unbuildable | Broken | Flaky | Unsupported | Absent | NoCell, Unavailable) => {
                Self::Unavailable
            }
            (Pass, Unsupported | Absent | NoCell) => Self::NoLongerTested,
            (Fail | Limitation | Unbuildable | Broken | Flaky, Unsupported | Absent | NoCell) => Self::FailureRemoved,
            (Error | Unavailable | Skipped | Unsupported | Absent | NoCell, Unsupported | Absent | NoCell) => {
                Self::NotTested
            }
        }
    }

    /// Whether it is for the worse.
    pub fn bearing(self) -> Bearing {
        match self {
            Self::Regressed | Self::NewlyFailing | Self::TurnedFlaky => Bearing::Worse,
            Self::NoLongerTested | Self::Infrastructure | Self::Unavailable | Self::StillUnanswered => Bearing::Unknown,
            Self::Fixed | Self::Steadied | Self::SometimesPasses => Bearing::Better,
            Self::NewlyLimited
            | Self::NewlyTested
            | Self::FailureRemoved
            | Self::OtherFailure
            | Self::StillFlaky
            | Self::SameFail
            | Self::SameLimitation
            | Self::SamePass
            | Self::NotTested => Bearing::Same,
        }
    }

    /// The word for tables and text.
    pub fn word(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::NewlyFailing => "newly failing",
            Self::TurnedFlaky => "turned flaky",
            Self::NoLongerTested => "no longer tested",
            Self::Infrastructure => "infrastructure",
            Self::Unavailable => "unavailable",
            Self::StillUnanswered => "still unanswered",
            Self::Fixed => "fixed",
            Self::Steadied => "steadied",
            Self::SometimesPasses => "sometimes passes",
            Self::NewlyTested => "newly tested",
            Self::NewlyLimited => "newly limited",
            Self::FailureRemoved => "failure removed",
            Self::OtherFailure => "other failure",
            Self::StillFlaky => "still flaky",
            Self::SameFail => "same fail",
            Self::SameLimitation => "same limitation",
            Self::SamePass => "same pass",
            Self::NotTested => "not tested",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [ComparedState; 12] = [
        ComparedState::Pass,
        ComparedState::Fail,
        ComparedState::Limitation,
        ComparedState::Unbuildable,
        ComparedState::Broken,
        ComparedState::Flaky,
        ComparedState::Error,
        ComparedState::Unavailable,
        ComparedState::Skipped,
        ComparedState::Unsupported,
        ComparedState::Absent,
        ComparedState::NoCell,
    ];

    /// A row for each state before, a column for each state after, both in the order of [`STATES`].
    #[rustfmt::skip]
    const TABLE: [[&str; 12]; 12] = [
        ["same pass", "regressed", "regressed", "regressed", "regressed", "turned flaky", "infrastructure", "unavailable", "infrastructure", "no longer tested", "no longer tested", "no longer tested"],
        ["fixed", "same fail", "other failure", "other failure", "other failure", "sometimes passes", "infrastructure", "unavailable", "infrastructure", "failure removed", "failure removed", "failure removed"],
        ["fixed", "regressed", "same limitation", "regressed", "regressed", "turned flaky", "infrastructure", "unavailable", "infrastructure", "failure removed", "failure removed", "failure removed"],
        ["fixed", "other failure", "other failure", "same fail", "other failure", "sometimes passes", "infrastructure", "unavailable", "infrastructure", "failure removed", "failure removed", "failure removed"],
        ["fixed", "other failure", "other failure", "other failure", "same fail", "sometimes passes", "infrastructure", "unavailable", "infrastructure", "failure removed", "failure removed", "failure removed"],
        ["steadied", "regressed", "regressed", "regressed", "regressed", "still flaky", "infrastructure", "unavailable", "infrastructure", "failure removed", "failure removed", "failure removed"],
        ["newly tested", "newly failing", "newly limited", "newly failing", "newly failing", "turned flaky", "still unanswered", "still unanswered", "still unanswered", "not tested", "not tested", "not tested"],
        ["newly tested", "newly tested", "newly limited", "newly tested", "newly tested", "newly tested", "still unanswered", "still unanswered", "still unanswered", "not tested", "not tested", "not tested"],
        ["newly tested", "newly failing", "newly limited", "newly failing", "newly failing", "turned flaky", "still unanswered", "still unanswered", "still unanswered", "not tested", "not tested", "not tested"],
        ["newly tested", "newly failing", "newly limited", "newly failing", "newly failing", "turned flaky", "infrastructure", "unavailable", "infrastructure", "not tested", "not tested", "not tested"],
        ["newly tested", "newly failing", "newly limited", "newly failing", "newly failing", "turned flaky", "infrastructure", "unavailable", "infrastructure", "not tested", "not tested", "not tested"],
        ["newly tested", "newly tested", "newly limited", "newly tested", "newly tested", "newly tested", "infrastructure", "unavailable", "infrastructure", "not tested", "not tested", "not tested"],
    ];

    #[test]
    fn every_pair_has_its_word() {
        for (before, row) in STATES.into_iter().zip(TABLE) {
            for (after, word) in STATES.into_iter().zip(row) {
                assert_eq!(Change::of(before, after).word(), word, "{before:?} -> {after:?}");
            }
        }
    }

    #[test]
    fn a_pass_is_never_bad_news_and_a_lost_pass_always_is() {
        for state in STATES {
            let to_pass = Change::of(state, ComparedState::Pass).bearing();
            assert!(matches!(to_pass, Bearing::Better | Bearing::Same), "{state:?}");
            if state != ComparedState::Pass {
                let from_pass = Change::of(ComparedState::Pass, state).bearing();
                assert!(matches!(from_pass, Bearing::Worse | Bearing::Unknown), "{state:?}");
            }
        }
    }

    #[test]
    fn nothing_gets_worse_by_staying_the_same() {
        for state in STATES {
            assert_ne!(Change::of(state, state).bearing(), Bearing::Worse, "{state:?}");
        }
    }

    #[test]
    fn words_match_the_serialized_names() {
        for (before, after) in STATES.into_iter().flat_map(|before| STATES.map(|after| (before, after))) {
            let change = Change::of(before, after);
            let in_file = serde_json::to_value(change).unwrap();
            assert_eq!(in_file.as_str().unwrap().replace('-', " "), change.word());
        }
    }

    #[test]
    fn outcomes_and_verdicts_of_the_same_name_are_the_same_state() {
        for (outcome, verdict) in [
            (Some(Outcome::Pass), Some(Verdict::Pass)),
            (Some(Outcome::Fail), Some(Verdict::Fail)),
            (Some(Outcome::Flaky), Some(Verdict::Flaky)),
            (Some(Outcome::Error), Some(Verdict::Error)),
        ] {
            assert_eq!(ComparedState::from(outcome), ComparedState::from(verdict));
        }
    }
}
