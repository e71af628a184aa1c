//! Decisions from committed results alone: may these hosts be upgraded, did anything regress, do
//! these cells pass, and in which order to upgrade. Pure and quick: no engine, no file, no clock;
//! the age of the results comes in as a duration.
//!
//! Whatever is not known makes an answer *cannot tell*, never *open*.

mod age;
mod answer;
mod baseline;
mod basis;
mod coverage;
pub mod json;
pub mod path;
mod require;
#[cfg(test)]
mod tests;
mod trust;
mod upgrade;
pub mod words;

pub use answer::{Answer, Cause, Reason, Rests, Word};
pub use basis::Basis;
pub use require::{Requirement, RequirementError};

use crate::model::{AtsId, DistroId, MatrixResult};

/// Something that may be asked.
#[derive(Debug, Clone)]
pub enum Question<'a> {
    /// May hosts go from one distro to another?
    Upgrade {
        /// What they run.
        from: &'a DistroId,
        /// What they would run.
        to: &'a DistroId,
        /// The ATS on them; empty: every ATS that passes on `from`.
        ats: &'a [AtsId],
    },
    /// Is nothing worse than in these results?
    Baseline {
        /// What the results are called in the answer.
        name: &'a str,
        /// The results.
        results: &'a MatrixResult,
    },
    /// Do these cells pass?
    Require {
        /// What the list is called in the answer.
        name: &'a str,
        /// The list.
        list: &'a Requirement,
    },
}

/// Answers all `questions` at once: open only if each of them is.
pub fn decide(basis: &Basis<'_>, questions: &[Question<'_>]) -> Answer {
    let mut answer = Answer::default();
    answer.unknown.extend(basis.doubts());
    if questions.is_empty() {
        answer.unknown.push(Reason::new(Cause::NothingAsked, "no question was asked"));
    }
    for question in questions {
        match question {
            Question::Upgrade { from, to, ats } => upgrade::ask(basis, from, to, ats, &mut answer),
            Question::Baseline { name, results } => baseline::ask(basis, name, results, &mut answer),
            Question::Require { name, list } => require::ask(basis, name, list, &mut answer),
        }
    }
    answer
}
