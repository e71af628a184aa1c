//! Decisions from committed results alone: can these hosts be upgraded, did anything regress, do these cells pass, and
//! in which order to upgrade. Pure and fast: no engine, no files, no clock. The age of the results is an argument.
//!
//! Anything unknown makes an answer *cannot tell*, never *open*.

mod age;
mod answer;
mod baseline;
mod basis;
mod coverage;
mod declared;
mod in_place;
pub mod json;
pub mod path;
mod require;
#[cfg(test)]
mod tests;
mod tiers;
mod trust;
mod unchanged;
mod upgrade;
pub mod words;

pub use answer::{Cause, CellTrials, Decision, GateReason, Word};
pub use basis::Basis;
pub use require::{Requirement, RequirementError};

use crate::model::{AtsId, BehaviourRecords, DistroId, MatrixResult};

/// A question to the gate.
#[derive(Debug, Clone)]
pub enum Question<'a> {
    /// Can hosts be upgraded from one distro to another?
    Upgrade {
        /// The distro they run.
        from: &'a DistroId,
        /// The distro they would run.
        to: &'a DistroId,
        /// The ATS on them; empty: every ATS that passes on `from`.
        ats: &'a [AtsId],
    },
    /// Does ATS behave on one distro as on another?
    Unchanged {
        /// The distro that hosts run.
        from: &'a DistroId,
        /// The distro they would run.
        to: &'a DistroId,
        /// The ATS on them; empty: every ATS that ran on both.
        ats: &'a [AtsId],
        /// What was recorded of the cells.
        records: &'a BehaviourRecords,
    },
    /// Is everything at least as good as in these results?
    Baseline {
        /// The name of the results in the answer.
        name: &'a str,
        /// The earlier results.
        results: &'a MatrixResult,
    },
    /// Do these cells pass?
    Require {
        /// The name of the list in the answer.
        name: &'a str,
        /// The required cells.
        list: &'a Requirement,
    },
}

/// Answers all `questions` together: open only if each of them is.
pub fn decide(basis: &Basis<'_>, questions: &[Question<'_>]) -> Decision {
    let mut answer = Decision::default();
    answer.unknown.extend(basis.doubts());
    if questions.is_empty() {
        answer.unknown.push(GateReason::new(Cause::NothingAsked, "no question was asked"));
    }
    for question in questions {
        match question {
            Question::Upgrade { from, to, ats } => upgrade::ask(basis, from, to, ats, &mut answer),
            Question::Unchanged { from, to, ats, records } => {
                unchanged::ask(basis, (from, to), ats, records, &mut answer);
            }
            Question::Baseline { name, results } => baseline::ask(basis, name, results, &mut answer),
            Question::Require { name, list } => require::ask(basis, name, list, &mut answer),
        }
    }
    answer
}
