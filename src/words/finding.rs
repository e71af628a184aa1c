//! What there is to say about cells that did not simply pass: trials, controls, and which cells
//! share the very same failure. Pure selection; each format words and escapes by itself.

use crate::model::{CellResult, Outcome, TrialResult, Verdict, WorkaroundTried};
use crate::verdict::goes_past_ats;

use super::escape::{SHORT, terminal};
use super::grid::Grid;
use super::mark::Mark;

/// Cells with the very same failure.
#[derive(Debug)]
pub struct Finding<'a> {
    /// The first of them, whose evidence stands for all.
    pub example: &'a CellResult,
    /// All of them, row by row.
    pub cells: Vec<&'a CellResult>,
}

impl<'a> Finding<'a> {
    /// A failure that so far only `example` shows.
    pub fn of(example: &'a CellResult) -> Self {
        Self { example, cells: vec![example] }
    }
}

/// Unavailable cells with the same reason.
#[derive(Debug)]
pub struct Gap<'a> {
    /// Why.
    pub reason: &'a str,
    /// Row by row.
    pub cells: Vec<&'a CellResult>,
}

/// The trials of a cell, told apart.
#[derive(Debug)]
pub struct Trials<'a> {
    /// Trials that did not pass (fail, flaky or error), controls and known limitations left out.
    pub failing: Vec<&'a TrialResult>,
    /// Trials in which a known limitation shows.
    pub limited: Vec<&'a TrialResult>,
    /// How many trials apply and were run, controls left out.
    pub run: usize,
    /// Controls that did not hold.
    pub broken_controls: Vec<&'a TrialResult>,
    /// Controls that were run.
    pub controls: usize,
    /// Those of them that go past ATS.
    pub past_ats: usize,
}

impl<'a> Trials<'a> {
    /// The trials of `cell`.
    pub fn of(cell: &'a CellResult) -> Self {
        let ran = |trial: &&TrialResult| !matches!(trial.outcome, Outcome::Unsupported | Outcome::Skipped);
        let (controls, trials): (Vec<_>, Vec<_>) = cell.trials.iter().filter(ran).partition(|trial| trial.control);
        let not_passed = |trials: &[&'a TrialResult]| -> Vec<&'a TrialResult> {
            let well = |trial: &&TrialResult| matches!(trial.outcome, Outcome::Pass | Outcome::Limitation);
            trials.iter().copied().filter(|trial| !well(trial)).collect()
        };
        Self {
            failing: not_passed(&trials),
            limited: trials.iter().copied().filter(|trial| trial.outcome == Outcome::Limitation).collect(),
            run: trials.len(),
            broken_controls: not_passed(&controls),
            controls: controls.len(),
            past_ats: controls.iter().filter(|control| goes_past_ats(control)).count(),
        }
    }

    /// Trials that passed.
    pub fn passed(&self) -> usize {
        self.run - self.failing.len() - self.limited.len()
    }

    /// `1 known limitation`; `None`: there is none.
    pub fn limitations(&self) -> Option<String> {
        match self.limited.len() {
            0 => None,
            1 => Some("1 known limitation".to_owned()),
            count => Some(format!("{count} known limitations")),
        }
    }

    /// `93/94, 1 known limitation`; `None` without one.
    pub fn count(&self) -> Option<String> {
        Some(format!("{}/{}, {}", self.passed(), self.run, self.limitations()?))
    }

    /// Everything that did not pass, trials before controls. Known limitations are told apart.
    pub fn not_passed(&self) -> impl Iterator<Item = &'a TrialResult> {
        self.failing.iter().chain(&self.broken_controls).copied()
    }

    /// `7 of 9 trials did not pass`, or that all passed, or that none ran; with the known limitations.
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

    /// What every single trial that ran failed of, where that is one and the same: ATS does not start. Then their names
    /// say nothing.
    pub fn one_cause(&self) -> Option<&'a str> {
        let (first, rest) = self.failing.split_first()?;
        let alike = |trial: &&TrialResult| trial.outcome == Outcome::Fail && trial.summary == first.summary;
        let all = self.failing.len() == self.run && alike(first) && !rest.is_empty() && rest.iter().all(alike);
        all.then_some(first.summary.as_str())
    }

    /// Whether the controls held: whose fault a failure is. Where those past ATS did, a failure is ATS's all the same,
    /// and the two kinds are told apart.
    pub fn control_tally(&self) -> String {
        let past = self.past_ats;
        match (self.controls, self.broken_controls.len()) {
            (0, _) => "no control ran".to_owned(),
            (controls, 0) => format!("controls held ({controls} of {controls})"),
            (controls, broken) if past > 0 && !self.broken_controls.iter().any(|control| goes_past_ats(control)) => {
                let through = controls - past;
                format!(
                    "controls past ATS held ({past} of {past}), those through ATS did not ({} of {through})",
                    through - broken
                )
            }
            (controls, broken) => format!("controls did not hold ({} of {controls})", controls - broken),
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

/// Names of trials, with the outcome where it is not a plain failure.
pub fn names(trials: &[&TrialResult]) -> String {
    let name = |trial: &&TrialResult| match trial.outcome {
        Outcome::Fail => trial.id.clone(),
        outcome => format!("{} ({outcome})", trial.id),
    };
    trials.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Whether a report has to explain this cell one by one. Unavailable ones are told by reason
/// ([`gaps`]).
pub fn needs_words(cell: &CellResult) -> bool {
    match cell.verdict {
        Verdict::Fail | Verdict::Unbuildable | Verdict::Flaky | Verdict::Error => true,
        Verdict::Pass | Verdict::Unavailable => {
            matches!(Mark::of(cell), Mark::Unexpected(_) | Mark::Lifted | Mark::Partly)
        }
    }
}

/// The cells that need words, those with the very same failure together, in order of the first.
pub fn findings<'a>(grid: &Grid<'a>) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding> = Vec::new();
    for cell in grid.cells().filter(|cell| needs_words(cell)) {
        match findings.iter_mut().find(|finding| same_failure(finding.example, cell)) {
            Some(finding) => finding.cells.push(cell),
            None => findings.push(Finding::of(cell)),
        }
    }
    findings
}

/// Same verdict, same known issues, same trials. Where no known issue explains it, the trials must
/// also have seen the same, and the reasons must agree.
fn same_failure(one: &CellResult, other: &CellResult) -> bool {
    fn issues(cell: &CellResult) -> Vec<(&str, &[WorkaroundTried])> {
        cell.known_issues.iter().map(|issue| (issue.id.as_str(), issue.workarounds.as_slice())).collect()
    }
    fn trials(cell: &CellResult) -> Vec<(&str, Outcome)> {
        Trials::of(cell).not_passed().map(|trial| (trial.id.as_str(), trial.outcome)).collect()
    }
    fn seen(cell: &CellResult) -> (Option<&str>, Vec<&str>) {
        (cell.reason.as_deref(), Trials::of(cell).not_passed().map(|trial| trial.summary.as_str()).collect())
    }
    let explained = !one.known_issues.is_empty();
    one.verdict == other.verdict
        && issues(one) == issues(other)
        && trials(one) == trials(other)
        && (explained || seen(one) == seen(other))
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
    fn the_very_same_failure_is_told_once() {
        let result = fixture::matrix();
        let grid = Grid::new(&result);
        let groups: Vec<_> = findings(&grid).iter().map(|finding| ids(&finding.cells)).collect();
        assert_eq!(groups[1], ["debian-13/9.2.5", "debian-14/9.2.5"], "{groups:?}");
        assert_eq!(groups.iter().flatten().count(), 6);
    }

    #[test]
    fn without_a_known_issue_what_was_seen_must_agree_too() {
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
    fn one_cause_is_what_all_trials_failed_of() {
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
        assert_eq!(trials.control_tally(), "controls held (2 of 2)");
        let broken = |id: &str| {
            let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
            cell.trials.iter_mut().find(|trial| trial.id == id).unwrap().outcome = Outcome::Fail;
            Trials::of(&cell).control_tally()
        };
        let told = "controls past ATS held (1 of 1), those through ATS did not (0 of 1)";
        assert_eq!(broken("ctl-plain-origin"), told, "as a fail says");
        assert_eq!(broken("ctl-direct-tls"), "controls did not hold (1 of 2)");
        cell.trials.retain(|trial| !trial.control);
        assert_eq!(Trials::of(&cell).control_tally(), "no control ran");
    }

    #[test]
    fn known_limitations_are_counted_and_named_and_are_no_findings() {
        let mut cell = fixture::passing("debian-12/9.2.9", "3.0.20");
        (cell.trials[3].outcome, cell.trials[3].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
        let trials = Trials::of(&cell);
        assert_eq!(trials.count().unwrap(), "3/4, 1 known limitation");
        assert_eq!(trials.tally(), "3/4, 1 known limitation: tls12-only (ATS-11758)");
        assert_eq!(trials.not_passed().count(), 0);
        assert!(!needs_words(&cell));
        cell.trials[4].outcome = Outcome::Fail;
        let tally = Trials::of(&cell).tally();
        assert_eq!(tally, "1 of 4 trials did not pass; 2/4, 1 known limitation: tls12-only (ATS-11758)");
        (cell.trials[4].outcome, cell.trials[3].outcome) = (Outcome::Pass, Outcome::Pass);
        assert!(needs_words(&cell), "a limitation that passes is news");
    }

    #[test]
    fn unavailable_cells_are_told_by_reason() {
        let result = fixture::matrix();
        let grid = Grid::new(&result);
        let gaps = gaps(&grid);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].cells.len(), 3);
    }
}
