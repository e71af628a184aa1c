//! A cell, or one of its trials, told whole: what ran, what was expected, what was seen, what it
//! means, what to do. From committed results alone; richer where raw evidence of the same outcome is
//! at hand. Pure: evidence comes in, an [`Explanation`] goes out, `words` and `upstream` tell it.

mod advice;
pub mod by_hand;
mod seen;
mod upstream;
mod words;

use serde::Serialize;

pub use seen::Attempt;
pub use upstream::report;
pub use words::{json, outline};

use crate::catalogue::known_issues::{self, Workaround};
use crate::catalogue::trials;
use crate::model::{
    Bisection, CellId, CellResult, Expected, IssueMatch, MatrixResult, Observation, Outcome, Provenance, Standing,
    TrialResult, Verdict,
};
use crate::words::finding::Trials;
use crate::words::{bisection, legend, limits, mark, workaround};

/// Raw evidence of one attempt of a trial.
#[derive(Debug, Clone)]
pub struct Raw {
    /// Trial id.
    pub trial: String,
    /// From 1.
    pub attempt: u32,
    /// What was seen.
    pub observation: Observation,
}

/// Everything there is to say about a cell.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Which.
    pub cell: CellId,
    /// What it came to.
    pub verdict: Verdict,
    /// The verdict with its mark: `fail (expected)`.
    pub label: String,
    /// What that verdict says.
    pub meaning: String,
    /// Why, where the trials do not say it.
    pub reason: Option<String>,
    /// What matrix.yaml expects.
    pub expected: Option<Expected>,
    /// What ran.
    pub ran: Provenance,
    /// How many trials passed, and whether the controls held.
    pub tally: Option<String>,
    /// The run that raw evidence comes from; `None`: committed results alone.
    pub run: Option<String>,
    /// The trial that was asked for, else those that did not pass, else none.
    pub trials: Vec<Story>,
    /// All other trials.
    pub others: Vec<Brief>,
    /// Known issues that match.
    pub known_issues: Vec<Issue>,
    /// Known limitations that do not show, which is news.
    pub lifted: Vec<String>,
    /// Failing trials that match none.
    pub unknown: Vec<String>,
    /// What bisections found.
    pub bisections: Vec<Decided>,
    /// What to do.
    pub advice: Vec<String>,
}

/// What decides a trial, as a kept bisection says.
#[derive(Debug, Clone, Serialize)]
pub struct Decided {
    /// Trial id.
    pub trial: String,
    /// The cell that passes.
    pub good: CellId,
    /// How sure it is.
    pub standing: Standing,
    /// The sentence, with how sure it is.
    pub sentence: String,
    /// What else must be known to weigh it.
    pub notes: Vec<String>,
    /// Why it is no longer about these results.
    pub stale: Option<String>,
    /// What asks the same again.
    pub command: String,
}

/// A trial in one line.
#[derive(Debug, Clone, Serialize)]
pub struct Brief {
    /// Trial id.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// What was seen.
    pub summary: String,
}

/// A trial told whole.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// Trial id.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether it is a control.
    pub control: bool,
    /// What it shows; empty for a trial that this atsmatrix does not have.
    pub title: String,
    /// Why it is worth having.
    pub why: String,
    /// Where to read about that.
    pub link: String,
    /// ATS settings of its own, as records.config writes them.
    pub settings: Vec<String>,
    /// What was seen, or the first thing that did not hold.
    pub summary: String,
    /// What was expected and what was seen, of the last attempt; only with raw evidence.
    pub checks: Vec<Check>,
    /// The committed evidence.
    pub evidence: Vec<String>,
    /// What each attempt saw; only with raw evidence.
    pub attempts: Vec<Attempt>,
}

/// One thing that a trial looks at.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What is expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// Whether it held.
    pub held: bool,
}

/// A known issue that matches.
#[derive(Debug, Clone, Serialize)]
pub struct Issue {
    /// As committed.
    pub matched: IssueMatch,
    /// Versions and builds it affects; empty for an issue that this atsmatrix does not know.
    pub affected: String,
    /// What brings it about.
    pub when: String,
    /// Further links.
    pub also: Vec<String>,
    /// Workarounds that were not tried here.
    pub untried: Vec<Untried>,
}

/// A workaround that was not tried on this cell.
#[derive(Debug, Clone, Serialize)]
pub struct Untried {
    /// Its name.
    pub name: String,
    /// What it is.
    pub what: String,
    /// ATS settings; empty: it is done outside of ATS and cannot be tried.
    pub settings: Vec<String>,
    /// What it costs.
    pub cost: String,
}

/// Explains `cell`, or `only` one of its trials. `raw` is evidence of the same outcome, from the run
/// named `run`. `None`: the cell has no such trial.
pub fn explain(cell: &CellResult, only: Option<&str>, raw: &[Raw], run: Option<&str>) -> Option<Explanation> {
    let told = |trial: &&TrialResult| match only {
        Some(id) => trial.id == id,
        None => {
            matches!(trial.outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error)
        }
    };
    let (trials, others): (Vec<_>, Vec<_>) = cell.trials.iter().partition(told);
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
        run: run.map(str::to_owned),
        trials: trials.into_iter().map(|trial| story(trial, raw)).collect(),
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
    /// The same with what `bisections` found about the trials that are told; `result` is where the cell is from.
    #[must_use]
    pub fn with_bisections(mut self, bisections: &[Bisection], result: &MatrixResult) -> Self {
        let told = |one: &&Bisection| self.trials.iter().any(|story| story.id == one.trial);
        let decided = |one: &Bisection| Decided {
            trial: one.trial.clone(),
            good: one.good.clone(),
            standing: one.standing,
            sentence: bisection::sentence(one),
            notes: one.notes.clone(),
            stale: bisection::stale(one, result),
            command: bisection::command(one),
        };
        // Of a cell that does not fail any more, too: the answer is kept, and out of date.
        let of_cell = bisection::of_cell(bisections, &self.cell);
        let all = self.trials.is_empty();
        let decided: Vec<Decided> = of_cell.filter(|one| all || told(one)).map(decided).collect();
        self.bisections = decided;
        self
    }
}

fn brief(trial: &TrialResult) -> Brief {
    Brief { id: trial.id.clone(), outcome: trial.outcome, summary: trial.summary.clone() }
}

fn story(result: &TrialResult, raw: &[Raw]) -> Story {
    let known = trials::by_id(&result.id);
    let own: Vec<&Raw> = raw.iter().filter(|raw| raw.trial == result.id).collect();
    let judged = known.zip(own.last()).map(|(trial, raw)| trial.judge(&raw.observation).checks).unwrap_or_default();
    let text = |text: fn(&trials::Trial) -> &'static str| known.map(text).unwrap_or_default().to_owned();
    let records = known.map(|trial| (trial.spec)().records).unwrap_or_default();
    Story {
        id: result.id.clone(),
        outcome: result.outcome,
        control: result.control,
        title: text(|trial| trial.title),
        why: text(|trial| trial.why),
        link: text(|trial| trial.link),
        settings: records.iter().map(|r| format!("{} {} {}", r.name, r.kind, r.value)).collect(),
        summary: result.summary.clone(),
        checks: judged
            .into_iter()
            .map(|check| Check { expected: check.expected, seen: check.seen, held: check.held })
            .collect(),
        evidence: result.evidence.clone(),
        attempts: own.iter().map(|raw| seen::attempt(raw.attempt, &raw.observation)).collect(),
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
