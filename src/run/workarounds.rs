//! Tests workarounds: the trials of a cell that fail with a known issue run again with the settings of its workaround, in
//! fresh containers, together with the controls.

use super::{Run, Shared, Variant};
use crate::ats::{Dialect, config};
use crate::catalogue::known_issues::{self, Workaround};
use crate::catalogue::trials::Trial;
use crate::config::plan::PlannedCell;
use crate::model::{Event, IssueMatch, Outcome, Verdict, WorkaroundTried};
use crate::run::cell::CellRun;
use crate::verdict;

impl Run<'_> {
    /// Tests every workaround of every known issue that `run` matches, and adds the outcomes to the matches.
    pub(super) async fn try_workarounds(&self, planned: &PlannedCell, shared: &Shared, run: &mut CellRun) {
        let held: Vec<String> = passed_controls(run);
        for (id, trials) in by_issue(&run.known_issues) {
            let known = known_issues::by_id(&id).map(|known| known.workarounds).unwrap_or_default();
            for workaround in known.iter().filter(|workaround| fits(workaround, &planned.version)) {
                let name = workaround.name;
                self.report(Event::Note(format!("{}: trying workaround {name} for {id}", planned.id)));
                let plain = self.plain(planned, shared);
                let variant = Variant {
                    name: format!("{}-{name}", plain.name),
                    trials: failing_with_controls(&self.request.trials, &trials),
                    overrides: workaround.settings(),
                    // Only the containers of the cell itself are kept.
                    keep: false,
                    ..plain
                };
                let with = self.in_containers(planned, shared, variant).await;
                // An interrupted attempt says nothing about the workaround.
                if self.halt.is_cancelled() {
                    return;
                }
                self.check_stored(self.sink.workaround(&planned.id, name, &with));
                let tried = judge(workaround, &trials, &held, &with);
                self.report(Event::Note(format!("{}: {}", planned.id, crate::words::workaround::outcome(&tried))));
                for issue in run.known_issues.iter_mut().filter(|issue| issue.id == id) {
                    issue.workarounds.push(tried.clone());
                }
            }
        }
        run.known_issues = known_issues::after_workarounds(std::mem::take(&mut run.known_issues));
        if known_issues::without_doubtful(&mut run.trials, &run.known_issues) && run.verdict != Verdict::Error {
            run.verdict = verdict::of_trials(&run.trials);
        }
    }
}

/// Each issue once, with all its trials, whether the match is certain or only similar.
fn by_issue(found: &[IssueMatch]) -> Vec<(String, Vec<String>)> {
    let mut issues: Vec<(String, Vec<String>)> = Vec::new();
    for issue in found {
        match issues.iter_mut().find(|(id, _)| *id == issue.id) {
            Some((_, trials)) => trials.extend_from_slice(&issue.trials),
            None => issues.push((issue.id.clone(), issue.trials.clone())),
        }
    }
    issues
}

/// Whether an ATS of `version` has the settings of the workaround.
fn fits(workaround: &Workaround, version: &str) -> bool {
    let dialect = version.parse().ok().and_then(|version| Dialect::of(&version));
    workaround.can_be_tried() && dialect.is_some_and(|dialect| config::check(dialect, &workaround.settings()).is_ok())
}

/// The trials that fail with an issue, and all controls.
fn failing_with_controls(trials: &[&'static Trial], failing: &[String]) -> Vec<&'static Trial> {
    let takes = |trial: &&&'static Trial| trial.is_control() || failing.iter().any(|id| id == trial.id);
    trials.iter().filter(takes).copied().collect()
}

/// Controls that passed without the workaround; they must pass with it as well.
fn passed_controls(run: &CellRun) -> Vec<String> {
    let controls = run.trials.iter().filter(|trial| trial.control && trial.outcome == Outcome::Pass);
    controls.map(|trial| trial.id.clone()).collect()
}

/// Judges a workaround: it worked if all `failing` trials and all controls in `held` passed with it.
fn judge(workaround: &Workaround, failing: &[String], held: &[String], with: &CellRun) -> WorkaroundTried {
    let outcome = |id: &str| with.trials.iter().find(|trial| trial.id == id).map(|trial| trial.outcome);
    let mended = |id: &&String| outcome(id) == Some(Outcome::Pass);
    let (passed, failed): (Vec<&String>, Vec<&String>) = failing.iter().partition(mended);
    let describe = |id: &str, outcome: Option<Outcome>| format!("{id} ({})", outcome.unwrap_or(Outcome::Skipped));
    let bad = |outcome| !matches!(outcome, Outcome::Pass | Outcome::Unsupported);
    let controls = with.trials.iter().filter(|trial| held.contains(&trial.id) && bad(trial.outcome));
    let not_passed: Vec<String> = failed
        .into_iter()
        .map(|id| describe(id, outcome(id)))
        .chain(controls.map(|trial| describe(&trial.id, Some(trial.outcome))))
        .collect();
    WorkaroundTried {
        name: workaround.name.into(),
        settings: workaround.records.iter().map(|(name, kind, value)| format!("{name} {kind} {value}")).collect(),
        worked: not_passed.is_empty() && !passed.is_empty(),
        passed: passed.into_iter().cloned().collect(),
        not_passed,
        cost: workaround.cost.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Provenance, TrialResult};

    fn trial(id: &str, outcome: Outcome) -> TrialResult {
        let control = id.starts_with("ctl-");
        TrialResult {
            id: id.into(),
            outcome,
            control,
            limitation: None,
            definition: None,
            summary: String::new(),
            evidence: Vec::new(),
        }
    }

    fn tried(trials: Vec<TrialResult>) -> WorkaroundTried {
        let known = known_issues::by_id("ATS-11465").unwrap();
        let run = CellRun {
            verdict: Verdict::Pass,
            reason: None,
            trials,
            known_issues: Vec::new(),
            provenance: Provenance::default(),
            behaviour: crate::model::CellBehaviour::new(),
            evidence: Vec::new(),
            transcript: Vec::new(),
            setup_failed: false,
        };
        judge(&known.workarounds[0], &["tls-a".into(), "tls-b".into()], &["ctl-x".to_owned()], &run)
    }

    #[test]
    fn a_workaround_worked_only_if_everything_passed() {
        let (pass, fail) = (Outcome::Pass, Outcome::Fail);
        let whole = tried(vec![trial("ctl-x", pass), trial("tls-a", pass), trial("tls-b", pass)]);
        assert!(whole.worked && whole.passed == ["tls-a", "tls-b"] && whole.not_passed.is_empty());
        assert_eq!(whole.settings, ["proxy.config.net.sock_option_flag_out INT 9"]);

        let part = tried(vec![trial("ctl-x", pass), trial("tls-a", pass), trial("tls-b", fail)]);
        assert!(!part.worked && part.passed == ["tls-a"] && part.not_passed == ["tls-b (fail)"]);

        let broken = tried(vec![trial("ctl-x", fail), trial("tls-a", pass), trial("tls-b", pass)]);
        assert!(!broken.worked && broken.not_passed == ["ctl-x (fail)"]);

        let broken_before = tried(vec![trial("ctl-y", fail), trial("tls-a", pass), trial("tls-b", pass)]);
        assert!(broken_before.worked, "a control that also failed without it says nothing about it");

        let nothing = tried(Vec::new());
        assert!(!nothing.worked && nothing.not_passed == ["tls-a (skipped)", "tls-b (skipped)"]);
    }

    #[test]
    fn an_issue_is_tested_once_with_all_its_trials() {
        let certain = crate::decide::compare::fixture::issue();
        let mut alike = certain.clone();
        alike.trials = vec!["tls-z".into()];
        let all = [certain.trials.clone(), alike.trials.clone()].concat();
        assert_eq!(by_issue(&[certain.clone(), alike]), [(certain.id, all)]);
    }

    #[test]
    fn the_failing_trials_and_all_controls_run() {
        let ids: Vec<&str> = failing_with_controls(crate::catalogue::trials::CATALOGUE, &["tls12-only".into()])
            .iter()
            .filter(|trial| !trial.is_control())
            .map(|trial| trial.id)
            .collect();
        assert_eq!(ids, ["tls12-only"]);
    }
}
