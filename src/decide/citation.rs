//! Which run's raw evidence is shown with a committed result: one rule for `explain` and `report`, so that both cite
//! the same run.

use crate::model::{CellId, CellResult, TrialEvidence};

/// A run whose folder is still on disk.
pub trait CitableRun {
    /// The run's own result of a cell; `None`: it did not finish the cell, or its journal cannot be read.
    fn recorded(&self, cell: &CellId) -> Option<CellResult>;

    /// The raw evidence that it kept of a cell, by trial and attempt; empty: none that can be read.
    fn evidence(&self, cell: &CellId) -> Vec<TrialEvidence>;
}

/// The run to cite for `committed`, with its evidence: of `newest_first`, the first that recorded exactly what is
/// committed and kept evidence of it.
///
/// A run that was interrupted or ran a few trials recorded less, and one that came to something else recorded
/// otherwise. Their evidence contradicts the committed lines beside which it would stand.
pub fn cite<R: CitableRun>(
    committed: &CellResult,
    newest_first: impl IntoIterator<Item = R>,
) -> Option<(R, Vec<TrialEvidence>)> {
    newest_first.into_iter().find_map(|run| {
        let recorded = run.recorded(&committed.id)?;
        if recorded.verdict != committed.verdict || recorded.trials != committed.trials {
            return None;
        }
        let evidence = run.evidence(&committed.id);
        (!evidence.is_empty()).then_some((run, evidence))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::compare::fixture::cell;
    use crate::model::{Observation, Verdict};

    struct Run {
        name: &'static str,
        result: Option<CellResult>,
        kept: usize,
    }

    impl CitableRun for &Run {
        fn recorded(&self, _: &CellId) -> Option<CellResult> {
            self.result.clone()
        }

        fn evidence(&self, _: &CellId) -> Vec<TrialEvidence> {
            let one = TrialEvidence { trial: "t".into(), attempt: 1, observation: Observation::default() };
            vec![one; self.kept]
        }
    }

    fn committed() -> CellResult {
        cell("debian-13/9.2.5", Verdict::Fail)
    }

    fn run(name: &'static str, change: impl Fn(&mut CellResult)) -> Run {
        let mut result = committed();
        change(&mut result);
        Run { name, result: Some(result), kept: 3 }
    }

    fn cited(runs: &[Run]) -> Option<&'static str> {
        cite(&committed(), runs).map(|(run, _)| run.name)
    }

    #[test]
    fn the_newest_run_that_recorded_the_committed_result_is_cited() {
        let other_outcome = run("other outcome", |cell| cell.verdict = Verdict::Flaky);
        let other_evidence = run("other evidence", |cell| cell.trials[1].evidence = vec!["wire: S, no answer".into()]);
        let few_trials = run("few trials", |cell| cell.trials.truncate(2));
        let interrupted = Run { name: "interrupted", result: None, kept: 1 };
        let without_evidence = Run { kept: 0, ..run("without evidence", |_| {}) };
        let complete = run("complete", |cell| cell.provenance.kernel = Some("other".into()));
        let older = run("older", |_| {});
        let runs = [other_outcome, other_evidence, few_trials, interrupted, without_evidence, complete, older];
        assert_eq!(cited(&runs), Some("complete"));
        assert_eq!(cited(&runs[..5]), None);
    }
}
