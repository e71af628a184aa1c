//! Which known issues will affect a cell, before anything runs: from the versions that matrix.yaml declares and those
//! that earlier results found. Pure, and no result: it opens no gate and excuses nothing.
//!
//! A prediction is as good as its versions and as the data of the known issues. A result that contradicts it says that
//! one of the two is wrong, see [`Contradiction`].

mod facts;
#[cfg(test)]
mod tests;
mod words;

use serde::Serialize;

use crate::catalogue::known_issues::{self, KNOWN_ISSUES, KnownIssue, Provoked, Reach, Shows};
use crate::catalogue::trials::CATALOGUE;
use crate::config::matrix::{Matrix, MatrixCell};
use crate::model::{CellId, CellResult, Confidence, MatrixResult, Provenance, Verdict};

pub use facts::{CellVersions, KnownVersion, VersionSource};
pub use words::{json, outline, unanswered};

/// What is predicted for some cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Predictions {
    /// One entry a cell, in the order of matrix.yaml.
    pub cells: Vec<Prediction>,
}

/// What is predicted for a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// Which.
    pub cell: CellId,
    /// What the cell is likely to come to.
    pub outlook: Outlook,
    /// The versions it rests on.
    pub facts: CellVersions,
    /// The known issues that affect these versions, in the order of the registry.
    pub strikes: Vec<Strike>,
    /// The verdict of the results; `None`: they have no answer for the cell.
    pub result: Option<Verdict>,
    /// Where the results and the known issues contradict each other.
    pub contradictions: Vec<Contradiction>,
}

/// What a cell is likely to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// A known issue keeps ATS from compiling.
    Unbuildable,
    /// A known issue makes trials fail.
    Fail,
    /// A known issue may make trials fail: a version that decides it is not known, or no run has shown its effect.
    MayFail,
    /// No known issue makes a trial fail. Others may.
    NoKnownFailure,
}

/// A known issue that affects the versions of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Strike {
    /// Id of the known issue.
    pub issue: &'static str,
    /// What it is, one line.
    pub title: &'static str,
    /// Where to read about it.
    pub link: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// What it does to the cell.
    pub effect: IssueEffect,
    /// Whether every version and the build that decide it are known, and a run has shown its effect.
    pub certain: bool,
    /// Trials that show it; empty: none does, or it is the build that fails.
    pub trials: &'static [&'static str],
}

/// What a known issue does to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssueEffect {
    /// ATS cannot be built.
    Unbuildable,
    /// Trials fail.
    Fails,
    /// Trials fail on every distro, which is counted as a known limitation.
    Limits,
    /// Trials show it and pass: ATS does what it should, and users notice.
    Withstood,
    /// No trial shows it here.
    Unseen,
}

/// A result that the data of a known issue does not explain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contradiction {
    /// By its versions the cell should fail by this issue, and it passed.
    Passed(&'static str),
    /// The cell shows this issue outside of the versions that it is said to affect.
    Outside(String),
}

impl Predictions {
    /// Predictions for the cells of `matrix` that `takes` accepts. `results` lend the versions they found, and are held
    /// against what the known issues say of these.
    pub fn of(matrix: &Matrix, results: Option<&MatrixResult>, takes: impl Fn(&CellId) -> bool) -> Self {
        // Of two ATS, what is known of each cell of its own is predicted there.
        let cells = matrix.cells().filter(|cell| cell.tiers().is_none() && takes(&cell.id()));
        Self { cells: cells.map(|cell| predict(matrix, &cell, results)).collect() }
    }
}

fn predict(matrix: &Matrix, cell: &MatrixCell<'_>, results: Option<&MatrixResult>) -> Prediction {
    let id = cell.id();
    let recorded = results.and_then(|results| results.cells.iter().find(|result| result.id == id));
    let facts = facts::of(matrix, cell, recorded.map(|result| &result.provenance), results);
    let mut strikes = strikes(&facts.provenance(), facts.builds_with(matrix, cell, results).as_ref());
    for strike in &mut strikes {
        strike.certain &= facts.exact;
    }
    let answered = recorded.filter(|result| result.verdict.is_answer());
    let contradictions = answered.map(contradictions).unwrap_or_default();
    let result = answered.map(|result| result.verdict);
    Prediction { cell: id, outlook: outlook(&strikes), facts, strikes, result, contradictions }
}

fn outlook(strikes: &[Strike]) -> Outlook {
    let effects = strikes.iter().map(|strike| match (strike.effect, strike.certain) {
        (IssueEffect::Unbuildable, true) => Outlook::Unbuildable,
        (IssueEffect::Fails, true) => Outlook::Fail,
        (IssueEffect::Unbuildable | IssueEffect::Fails, false) => Outlook::MayFail,
        (IssueEffect::Limits | IssueEffect::Withstood | IssueEffect::Unseen, _) => Outlook::NoKnownFailure,
    });
    effects.min().unwrap_or(Outlook::NoKnownFailure)
}

/// The issues that affect what runs, or what the compiler meets: `build` is `None` where nothing is compiled.
fn strikes(runs: &Provenance, build: Option<&Provenance>) -> Vec<Strike> {
    let strike = |issue: &&'static KnownIssue| {
        let what = if matches!(issue.shows, Shows::Build(_)) { build? } else { runs };
        let certain = match issue.affected.reach(what) {
            Reach::Affected => !matches!(issue.provoked, Provoked::Unseen(..)),
            Reach::Unknown => false,
            Reach::Outside => return None,
        };
        let (effect, trials) = effect(issue, what);
        Some(Strike {
            issue: issue.id,
            title: issue.title,
            link: issue.link,
            way_out: issue.way_out,
            effect,
            certain,
            trials,
        })
    };
    KNOWN_ISSUES.iter().filter_map(strike).collect()
}

fn effect(issue: &KnownIssue, what: &Provenance) -> (IssueEffect, &'static [&'static str]) {
    let limits = |version: &str| CATALOGUE.iter().any(|trial| trial.limitation(version) == Some(issue.id));
    match issue.provoked {
        Provoked::Not(_) => (IssueEffect::Unseen, &[]),
        Provoked::Withstood(trials, _) => (IssueEffect::Withstood, trials),
        Provoked::By(trials, _) if matches!(issue.shows, Shows::Build(_)) => (IssueEffect::Unbuildable, trials),
        Provoked::By(trials, _) if what.ats.as_ref().is_some_and(|ats| limits(&ats.reported)) => {
            (IssueEffect::Limits, trials)
        }
        Provoked::By(trials, _) | Provoked::Unseen(trials, _) => (IssueEffect::Fails, trials),
    }
}

/// What `result` found, against what the known issues say of the very versions that ran in it.
fn contradictions(result: &CellResult) -> Vec<Contradiction> {
    let ran = &result.provenance;
    let by_versions =
        strikes(ran, None).into_iter().filter(|strike| strike.certain && strike.effect == IssueEffect::Fails);
    // A run of some trials alone says nothing about those that were left out.
    let shown = |strike: &Strike| strike.trials.iter().all(|id| result.trials.iter().any(|trial| trial.id == *id));
    let passed = by_versions
        .filter(|strike| result.verdict == Verdict::Pass && shown(strike))
        .map(|strike| Contradiction::Passed(strike.issue));
    let outside =
        result.known_issues.iter().filter(|matched| matched.confidence == Confidence::LooksLike).filter(|matched| {
            known_issues::by_id(&matched.id).is_some_and(|issue| {
                issue.affected.reach(ran) == Reach::Outside && !matches!(issue.shows, Shows::Build(_))
            })
        });
    passed.chain(outside.map(|matched| Contradiction::Outside(matched.id.clone()))).collect()
}
