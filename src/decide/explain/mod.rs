//! Explains a cell, or one of its trials, in full: what ran, what was expected, what was seen, what it means, what to
//! do. Committed results are enough; raw evidence of the same result adds detail. Pure: results and evidence become
//! an [`Explanation`], which `words` and `upstream` write.

mod advice;
pub mod by_hand;
mod seen;
mod upstream;
mod words;

use serde::Serialize;

pub use seen::AttemptLines;
pub use upstream::report;
pub use words::{json, outline};

use crate::catalogue::known_issues::{self, Workaround};
use crate::catalogue::trials::{Catalogue, Check, Trial};
use crate::model::{
    Bisection, CellBehaviour, CellId, CellResult, Expected, IssueMatch, MatrixResult, Outcome, Provenance, RunEvidence,
    Standing, TrialBehaviour, TrialEvidence, TrialResult, Verdict,
};
use crate::words::finding::Trials;
use crate::words::{bisection, legend, limits, mark, workaround};

/// A cell, explained in full.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Its id.
    pub cell: CellId,
    /// Its verdict.
    pub verdict: Verdict,
    /// The verdict with its mark, like `fail (expected)`.
    pub label: String,
    /// What the verdict means.
    pub meaning: String,
    /// Why, where the trials do not show it.
    pub reason: Option<String>,
    /// What matrix.yaml expects.
    pub expected: Option<Expected>,
    /// What ran.
    pub ran: Provenance,
    /// How many trials and controls passed.
    pub tally: Option<String>,
    /// The run of the raw evidence; `None`: committed results alone.
    pub run: Option<String>,
    /// The requested trial; without one, those that did not pass.
    pub trials: Vec<Story>,
    /// All other trials.
    pub others: Vec<Brief>,
    /// Known issues that match.
    pub known_issues: Vec<Issue>,
    /// Known limitations that did not show up, unexpectedly.
    pub lifted: Vec<String>,
    /// Failing trials that match no known issue.
    pub unknown: Vec<String>,
    /// What bisections found.
    pub bisections: Vec<Decided>,
    /// What to do.
    pub advice: Vec<String>,
}

/// The answer of a kept bisection about a trial.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// Trial id.
    pub trial: String,
    /// The cell that passes.
    pub good: CellId,
    /// How certain it is.
    pub standing: Standing,
    /// The answer in a sentence, with how certain it is.
    pub sentence: String,
    /// Its notes.
    pub notes: Vec<String>,
    /// Why it is out of date for these results.
    pub stale: Option<String>,
    /// The command that repeats it.
    pub command: String,
}

/// A trial in one line.
#[derive(Debug, Clone, Serialize)]
pub struct Brief {
    /// Trial id.
    pub id: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// What was seen, in one line.
    pub summary: String,
}

/// A trial, explained in full.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// Trial id.
    pub id: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether it is a control.
    pub control: bool,
    /// What it shows; empty for a trial that is unknown here.
    pub title: String,
    /// Why it exists.
    pub why: String,
    /// Where to read about it.
    pub link: String,
    /// Its own ATS settings, as lines of records.config.
    pub settings: Vec<String>,
    /// What a trial of the user's own expects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
    /// What was seen, or the first check that failed.
    pub summary: String,
    /// The checks of the last attempt; only with raw evidence.
    pub checks: Vec<Check>,
    /// The committed evidence.
    pub evidence: Vec<String>,
    /// What each attempt saw; only with raw evidence.
    pub attempts: Vec<AttemptLines>,
    /// What was negotiated and exchanged, normalised; only if the trial was requested and its behaviour is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<TrialBehaviour>,
}

/// A known issue that matches.
#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    /// As committed.
    pub matched: IssueMatch,
    /// Versions and builds that it affects; empty for an issue that this atsmatrix does not know.
    pub affected: String,
    /// When it occurs.
    pub when: String,
    /// Further links.
    pub also: Vec<String>,
    /// Workarounds that were not tried on this cell.
    pub untried: Vec<Untried>,
}

/// A workaround that was not tried on this cell.
#[derive(Debug, Clone, Serialize)]
pub struct Untried {
    /// Its name.
    pub name: String,
    /// What to do for it.
    pub what: String,
    /// ATS settings; empty: it is applied outside of ATS and cannot be tried here.
    pub settings: Vec<String>,
    /// What it costs.
    pub cost: String,
}

/// Explains `cell`, or `only` one of its trials, with the `raw` evidence that [`cite`] found and what `catalogue` says of the
/// trials. `None`: the cell has no such trial.
///
/// [`cite`]: crate::decide::citation::cite
pub fn explain(
    cell: &CellResult,
    only: Option<&str>,
    raw: Option<&RunEvidence>,
    catalogue: Catalogue,
) -> Option<Explanation> {
    let wanted = |trial: &&TrialResult| match only {
        Some(id) => trial.id == id,
        None => {
            matches!(trial.outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error)
        }
    };
    let (trials, others): (Vec<_>, Vec<_>) = cell.trials.iter().partition(wanted);
    if only.is_some() && trials.is_empty() {
        return None;
    }
    let tally = Trials::of(cell);
    let known_issues: Vec<Issue> = cell.known_issues.iter().map(issue).collect();
    let unknown = workaround::unexplained(cell).into_iter().map(str::to_owned).collect();
    let mut explanation = Explanation {
        cell: cell.id.clone(),
        verdict: cell.verdict,
        label: mark::label(cell),
        meaning: legend::verdict(cell.verdict).to_owned(),
        reason: cell.reason.clone(),
        expected: cell.expected.clone(),
        ran: cell.provenance.clone(),
        tally: (!cell.trials.is_empty()).then(|| format!("{}; {}", tally.tally(), tally.control_tally())),
        run: raw.map(|raw| raw.run.to_string()),
        trials: trials.into_iter().map(|trial| story(trial, raw, catalogue)).collect(),
        others: others.into_iter().map(brief).collect(),
        known_issues,
        lifted: limits::gone(cell),
        unknown,
        bisections: Vec::new(),
        advice: Vec::new(),
    };
    explanation.advice = advice::of(cell, &explanation);
    Some(explanation)
}

impl Explanation {
    /// Adds what was recorded of the trial that is explained, if it is a single one.
    #[must_use]
    pub fn with_behaviour(mut self, recorded: Option<&CellBehaviour>) -> Self {
        if let [story] = self.trials.as_mut_slice() {
            story.behaviour = recorded.and_then(|cell| cell.get(&story.id)).cloned();
        }
        self
    }

    /// Adds what `bisections` found about the trials that are explained. The cell comes from `result`.
    #[must_use]
    pub fn with_bisections(mut self, bisections: &[Bisection], result: &MatrixResult) -> Self {
        let explained = |one: &&Bisection| self.trials.iter().any(|story| story.id == one.trial);
        let decided = |one: &Bisection| Decided {
            trial: one.trial.clone(),
            good: one.good.clone(),
            standing: one.standing,
            sentence: bisection::sentence(one),
            notes: one.notes.clone(),
            stale: bisection::stale(one, result),
            command: bisection::command(one),
        };
        // Also for a cell that no longer fails: the answer is kept, and marked as out of date.
        let of_cell = bisection::of_cell(bisections, &self.cell);
        let all = self.trials.is_empty();
        let decided: Vec<Decided> = of_cell.filter(|one| all || explained(one)).map(decided).collect();
        self.bisections = decided;
        self
    }
}

fn brief(trial: &TrialResult) -> Brief {
    Brief { id: trial.id.clone(), outcome: trial.outcome, summary: trial.summary.clone() }
}

fn story(result: &TrialResult, raw: Option<&RunEvidence>, catalogue: Catalogue) -> Story {
    // What it does and expects today says nothing about an older result.
    let is_same = |trial: &&Trial| trial.definition() == result.definition.as_deref();
    let known = catalogue.by_id(&result.id).filter(is_same);
    let own: Vec<&TrialEvidence> =
        raw.into_iter().flat_map(|raw| &raw.attempts).filter(|one| one.trial == result.id).collect();
    let checks = known.zip(own.last()).map(|(trial, raw)| trial.judge(&raw.observation).checks).unwrap_or_default();
    let text = |text: fn(&Trial) -> &'static str| known.map(text).unwrap_or_default().to_owned();
    let records = known.map(|trial| trial.spec().records).unwrap_or_default();
    Story {
        id: result.id.clone(),
        outcome: result.outcome,
        control: result.control,
        title: text(|trial| trial.title),
        why: text(|trial| trial.why),
        link: text(|trial| trial.link),
        expects: known.map(Trial::expectations).unwrap_or_default(),
        settings: records.iter().map(|r| format!("{} {} {}", r.name, r.kind, r.value)).collect(),
        summary: result.summary.clone(),
        checks,
        evidence: result.evidence.clone(),
        attempts: own.iter().map(|raw| seen::attempt(raw.attempt, &raw.observation)).collect(),
        behaviour: None,
    }
}

fn issue(matched: &IssueMatch) -> Issue {
    let known = known_issues::by_id(&matched.id);
    let tried = |workaround: &&Workaround| matched.workarounds.iter().any(|tried| tried.name == workaround.name);
    let untried = known.map(|known| known.workarounds).unwrap_or_default().iter().filter(|one| !tried(one));
    Issue {
        matched: matched.clone(),
        affected: known.map(|known| known.affected.words()).unwrap_or_default(),
        when: known.map(|known| known.when).unwrap_or_default().to_owned(),
        also: known.map(|known| known.also).unwrap_or_default().iter().map(|link| (*link).to_owned()).collect(),
        untried: untried
            .map(|workaround| Untried {
                name: workaround.name.to_owned(),
                what: workaround.what.to_owned(),
                settings: workaround
                    .records
                    .iter()
                    .map(|(name, kind, value)| format!("{name} {kind} {value}"))
                    .collect(),
                cost: workaround.cost.to_owned(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests;
