//! Selects what a report says about cells that did not simply pass: trials, controls, and which cells share the same
//! failure. Each format escapes the text itself.

use crate::model::{CellResult, Outcome, TrialResult, Verdict, WorkaroundTried};
use crate::verdict::bypasses_ats;

use super::escape::{SHORT, terminal};
use super::grid::Grid;
use super::mark::Mark;

/// Cells with the same failure.
#[derive(Debug)]
pub struct Finding<'a> {
    /// The first of them; a report shows its evidence.
    pub example: &'a CellResult,
    /// All of them, row by row.
    pub cells: Vec<&'a CellResult>,
}

impl<'a> Finding<'a> {
    /// A finding with `example` as its only cell.
    pub fn of(example: &'a CellResult) -> Self {
        Self { example, cells: vec![example] }
    }
}

/// Unavailable cells with the same reason.
#[derive(Debug)]
pub struct Gap<'a> {
    /// Why they are unavailable.
    pub reason: &'a str,
    /// Row by row.
    pub cells: Vec<&'a CellResult>,
}

/// The trials of a cell, by what a report says about them.
#[derive(Debug)]
pub struct Trials<'a> {
    /// Trials that did not pass (fail, flaky or error), without controls and known limitations.
    pub failing: Vec<&'a TrialResult>,
    /// Trials with a known limitation.
    pub limited: Vec<&'a TrialResult>,
    /// Number of trials that ran, without controls.
    pub run: usize,
    /// Controls that did not pass.
    pub broken_controls: Vec<&'a TrialResult>,
    /// Number of controls that ran.
    pub controls: usize,
    /// Number of controls that ran and bypass ATS.
    pub bypassing: usize,
}

impl<'a> Trials<'a> {
    /// The trials of `cell`.
    pub fn of(cell: &'a CellResult) -> Self {
        let ran = |trial: &&TrialResult| !matches!(trial.outcome, Outcome::Unsupported | Outcome::Skipped);
        let (controls, trials): (Vec<_>, Vec<_>) = cell.trials.iter().filter(ran).partition(|trial| trial.control);
        let not_passed = |trials: &[&'a TrialResult]| -> Vec<&'a TrialResult> {
            let is_fine = |trial: &&TrialResult| matches!(trial.outcome, Outcome::Pass | Outcome::Limitation);
            trials.iter().copied().filter(|trial| !is_fine(trial)).collect()
        };
        Self {
            failing: not_passed(&trials),
            limited: trials.iter().copied().filter(|trial| trial.outcome == Outcome::Limitation).collect(),
            run: trials.len(),
            broken_controls: not_passed(&controls),
            controls: controls.len(),
            bypassing: controls.iter().filter(|control| bypasses_ats(control)).count(),
        }
    }

    /// Number of trials that passed.
    pub fn passed(&self) -> usize {
        self.run - self.failing.len() - self.limited.len()
    }

    /// `1 known limitation`; `None` if there is none.
    pub fn limitations(&self) -> Option<String> {
        match self.limited.len() {
            0 => None,
            1 => Some("1 known limitation".to_owned()),
            count => Some(format!("{count} known limitations")),
        }
    }

    /// `93/94, 1 known limitation`; `None` if there is no known limitation.
    pub fn count(&self) -> Option<String> {
        Some(format!("{}/{}, {}", self.passed(), self.run, self.limitations()?))
    }

    /// Everything that did not pass, trials before controls, without known limitations.
    pub fn not_passed(&self) -> impl Iterator<Item = &'a TrialResult> {
        self.failing.iter().chain(&self.broken_controls).copied()
    }

    /// `7 of 9 trials did not pass`, that all passed, or that none ran; with the known limitations.
    pub fn tally(&self) -> String {
        match (self.run, self.count()) {
            (0, _) => "no trial ran".to_owned(),
            (run, None) if self.failing.is_empty() => format!("all {run} trials passed"),
            (_, Some(count)) if self.failing.is_empty() => format!("{count}: {}", names_of_limits(&self.limited)),
            (run, None) => format!("{} of {run} trials did not pass", self.failing.len()),
            (run, Some(count)) => {
                let limited = names_of_limits(&self.limited);
                format!("{} of {run} trials did not pass; {count}: {limited}", self.failing.len())
            }
        }
    }

    /// The summary of all trials if every trial failed with the same one, for example because ATS does not start. The
    /// names of the trials say nothing then.
    pub fn one_cause(&self) -> Option<&'a str> {
        let (first, rest) = self.failing.split_first()?;
        let alike = |trial: &&TrialResult| trial.outcome == Outcome::Fail && trial.summary == first.summary;
        let all = self.failing.len() == self.run && alike(first) && !rest.is_empty() && rest.iter().all(alike);
        all.then_some(first.summary.as_str())
    }

    /// Whether the controls passed. If all controls that bypass ATS passed, a failure is still one of ATS, so the
    /// two kinds are counted apart.
    pub fn control_tally(&self) -> String {
        let bypassing = self.bypassing;
        match (self.controls, self.broken_controls.len()) {
            (0, _) => "no control ran".to_owned(),
            (controls, 0) => format!("controls passed ({controls} of {controls})"),
            (controls, broken) if bypassing > 0 && !self.broken_controls.iter().any(|it| bypasses_ats(it)) => {
                let through = controls - bypassing;
                format!(
                    "controls that bypass ATS passed ({bypassing} of {bypassing}), {broken} of {through} through ATS did \
                     not"
                )
            }
            (controls, broken) => format!("{broken} of {controls} controls did not pass"),
        }
    }
}

/// `tunnel-route-split-hello (ATS-11758)`.
fn names_of_limits(limited: &[&TrialResult]) -> String {
    let name = |trial: &&TrialResult| {
        let issue = trial.limitation.as_deref().unwrap_or("an unnamed issue");
        format!("{} ({})", terminal(&trial.id, SHORT), terminal(issue, SHORT))
    };
    limited.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Names of trials, with the outcome if it is not a plain failure.
pub fn names(trials: &[&TrialResult]) -> String {
    let name = |trial: &&TrialResult| match trial.outcome {
        Outcome::Fail => trial.id.clone(),
        outcome => format!("{} ({outcome})", trial.id),
    };
    trials.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Whether a report explains this cell. Unavailable cells are listed by reason ([`gaps`]).
pub fn needs_explanation(cell: &CellResult) -> bool {
    match cell.verdict {
        Verdict::Fail | Verdict::Unbuildable | Verdict::Broken | Verdict::Flaky | Verdict::Error => true,
        Verdict::Pass | Verdict::Unavailable => {
            matches!(Mark::of(cell), Mark::Unexpected(_) | Mark::LimitationGone | Mark::Partly)
        }
    }
}

/// The cells that need an explanation, grouped by failure, in order of the first cell.
pub fn findings<'a>(grid: &Grid<'a>) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding> = Vec::new();
    for cell in grid.cells().filter(|cell| needs_explanation(cell)) {
        match findings.iter_mut().find(|finding| same_failure(finding.example, cell)) {
            Some(finding) => finding.cells.push(cell),
            None => findings.push(Finding::of(cell)),
        }
    }
    findings
}

/// Whether two cells have the same verdict, known issues and trials that did not pass. If no known issue explains the
/// failure, the summaries of the trials and the reasons must be equal too.
fn same_failure(one: &CellResult, other: &CellResult) -> bool {
    fn issues(cell: &CellResult) -> Vec<(&str, &[WorkaroundTried])> {
        cell.known_issues.iter().map(|issue| (issue.id.as_str(), issue.workarounds.as_slice())).collect()
    }
    fn trials(cell: &CellResult) -> Vec<(&str, Outcome)> {
        Trials::of(cell).not_passed().map(|trial| (trial.id.as_str(), trial.outcome)).collect()
    }
    fn summaries(cell: &CellResult) -> (Option<&str>, Vec<&str>) {
        (cell.reason.as_deref(), Trials::of(cell).not_passed().map(|trial| trial.summary.as_str()).collect())
    }
    let explained = !one.known_issues.is_empty();
    one.verdict == other.verdict
        && issues(one) == issues(other)
        && trials(one) == trials(other)
        && (explained || summaries(one) == summaries(other))
}

/// The unavailable cells by reason, in order of the first cell.
pub fn gaps<'a>(grid: &Grid<'a>) -> Vec<Gap<'a>> {
    let mut gaps: Vec<Gap> = Vec::new();
    for cell in grid.cells().filter(|cell| cell.verdict == Verdict::Unavailable) {
        let reason = cell.reason.as_deref().unwrap_or("no reason was recorded");
        match gaps.iter_mut().find(|gap| gap.reason == reason) {
            Some(gap) => gap.cells.push(cell),
            None => gaps.push(Gap { reason, cells: vec![cell] }),
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use crate::words::fixture;

    use super::*;

    fn ids(cells: &[&CellResult]) -> Vec<String> {
        cells.iter().map(|cell| cell.id.to_string()).collect()
    }

    #[test]
    fn cells_with_the_same_failure_are_grouped() {
        let result = fixture::matrix();
        let grid = Grid::new(&result);
        let groups: Vec<_> = findings(&grid).iter().map(|finding| ids(&finding.cells)).collect();
        assert_eq!(groups[1], ["debian-13/9.2.5", "debian-14/9.2.5"], "{groups:?}");
        assert_eq!(groups.iter().flatten().count(), 6);
    }

    #[test]
    fn without_a_known_issue_the_summaries_must_agree_too() {
        let mut result = fixture::matrix();
        for cell in &mut result.cells {
            cell.known_issues.clear();
        }
        assert!(findings(&Grid::new(&result)).iter().any(|finding| finding.cells.len() == 2));
        let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap();
        let failed = cell.trials.iter_mut().find(|trial| trial.outcome == Outcome::Fail).unwrap();
        failed.summary = "502 Broken pipe".into();
        assert!(findings(&Grid::new(&result)).iter().all(|finding| finding.cells.len() == 1));
    }

    #[test]
    fn one_cause_is_the_summary_that_all_trials_share() {
        let cell = fixture::stillborn("debian-13/9.2.5");
        assert_eq!(Trials::of(&cell).one_cause(), Some("ATS did not start: it said: FATAL: no libssl.so.9"));
        for (at, outcome, summary) in [(1, Outcome::Fail, "another"), (1, Outcome::Pass, ""), (0, Outcome::Flaky, "")] {
            let mut cell = cell.clone();
            let trial = cell.trials.iter_mut().filter(|trial| !trial.control).nth(at).unwrap();
            trial.outcome = outcome;
            if !summary.is_empty() {
                trial.summary = summary.into();
            }
            assert_eq!(Trials::of(&cell).one_cause(), None, "{outcome} {summary}");
        }
    }

    #[test]
    fn trials_that_did_not_run_are_not_counted() {
        let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
        let before = Trials::of(&cell).run;
        for outcome in [Outcome::Unsupported, Outcome::Skipped] {
            let mut trial = cell.trials[0].clone();
            trial.outcome = outcome;
            cell.trials.push(trial);
        }
        let trials = Trials::of(&cell);
        assert_eq!(trials.run, before);
        assert_eq!(trials.tally(), "3 of 4 trials did not pass");
        assert_eq!(trials.control_tally(), "controls passed (2 of 2)");
        let broken = |id: &str| {
            let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
            cell.trials.iter_mut().find(|trial| trial.id == id).unwrap().outcome = Outcome::Fail;
            Trials::of(&cell).control_tally()
        };
        let mixed = "controls that bypass ATS passed (1 of 1), 1 of 1 through ATS did not";
        assert_eq!(broken("ctl-plain-origin"), mixed, "as the legend says of a fail");
        assert_eq!(broken("ctl-direct-tls"), "1 of 2 controls did not pass");
        cell.trials.retain(|trial| !trial.control);
        assert_eq!(Trials::of(&cell).control_tally(), "no control ran");
    }

    #[test]
    fn known_limitations_are_counted_and_named_but_are_not_findings() {
        let mut cell = fixture::passing("debian-12/9.2.9", "3.0.20");
        (cell.trials[3].outcome, cell.trials[3].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
        let trials = Trials::of(&cell);
        assert_eq!(trials.count().unwrap(), "3/4, 1 known limitation");
        assert_eq!(trials.tally(), "3/4, 1 known limitation: tls12-only (ATS-11758)");
        assert_eq!(trials.not_passed().count(), 0);
        assert!(!needs_explanation(&cell));
        cell.trials[4].outcome = Outcome::Fail;
        let tally = Trials::of(&cell).tally();
        assert_eq!(tally, "1 of 4 trials did not pass; 2/4, 1 known limitation: tls12-only (ATS-11758)");
        (cell.trials[4].outcome, cell.trials[3].outcome) = (Outcome::Pass, Outcome::Pass);
        assert!(needs_explanation(&cell), "a limitation that passes is reported");
    }

    #[test]
    fn unavailable_cells_are_grouped_by_reason() {
        let result = fixture::matrix();
        let grid = Grid::new(&result);
        let gaps = gaps(&grid);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].cells.len(), 3);
    }
}
