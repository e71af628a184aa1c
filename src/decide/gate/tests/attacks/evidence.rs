//! What is in the files after attacks, read naively: a second implementation of when the gate may open.

use std::collections::BTreeSet;

use super::*;

/// What is in the files, read naively.
pub(super) struct Evidence<'a> {
    pub(super) matrix: &'a Matrix,
    pub(super) files: &'a Files,
}

impl<'a> Evidence<'a> {
    pub(super) fn is_current(&self) -> bool {
        self.files.results.matrix == self.matrix.digest && self.files.age.is_some_and(|days| days <= 30)
    }

    fn find(&self, id: &str) -> Option<&'a CellResult> {
        let mut found = self.files.results.cells.iter().filter(|cell| cell.id.to_string() == id);
        found.next().filter(|_| found.next().is_none())
    }

    /// The cell, if it contradicts neither matrix.yaml nor itself, and every trial that it supports has an outcome.
    fn sound(&self, id: &str) -> Option<&'a CellResult> {
        let cell = self.find(id)?;
        let declared = self.matrix.cells().find(|it| it.id() == cell.id)?;
        let says = |expected: &Option<Expected>| {
            expected.as_ref().map(|it| (it.verdict, it.trials.clone(), it.expires, it.also.len()))
        };
        let stated = self.matrix.expected(&cell.id, cell.verdict, &cell.provenance);
        let as_declared = says(&stated) == says(&cell.expected) && declared.optional() == cell.optional;
        let ran = cell.provenance.ats.as_ref().is_none_or(|ats| ats.reported == declared.reports());
        let row = self.files.results.cells.iter().filter(|other| other.id.distro == cell.id.distro);
        let releases: BTreeSet<_> = row
            .filter_map(|it| it.provenance.distro.as_ref())
            .map(|it| it.version.clone())
            .filter(|it| !it.is_empty())
            .collect();
        let openssl = cell.provenance.openssl.as_ref().map_or("", |library| library.version.as_str());
        let of = |id: &str| cell.trials.iter().filter(|trial| trial.id == id).collect::<Vec<_>>();
        let whole = ALL.iter().all(|id| match &of(id)[..] {
            [one] => {
                one.control == id.starts_with("ctl-") && (one.outcome != Outcome::Unsupported || !can(id, openssl))
            }
            _ => false,
        });
        let known = cell.trials.iter().all(|trial| ALL.contains(&trial.id.as_str()));
        let answered = matches!(cell.verdict, Verdict::Pass | Verdict::Fail | Verdict::Flaky);
        let consistent = !answered || verdict::of_trials(&cell.trials) == cell.verdict;
        let complete = if answered { whole && known } else { cell.trials.is_empty() || cell.verdict == Verdict::Error };
        (as_declared && ran && releases.len() < 2 && consistent && complete).then_some(cell)
    }

    pub(super) fn passes(&self, id: &str) -> bool {
        let fine = |cell: &CellResult| {
            let subjects = cell.trials.iter().filter(|trial| trial.outcome == Outcome::Pass && !trial.control).count();
            let good = |it: &TrialResult| matches!(it.outcome, Outcome::Pass | Outcome::Unsupported);
            cell.verdict == Verdict::Pass && subjects > 0 && cell.trials.iter().all(good)
        };
        self.sound(id).is_some_and(fine)
    }

    /// Whether what `from` passed passes in `to` as well.
    pub(super) fn keeps(&self, from: &str, to: &str) -> bool {
        let passed = |cell: &CellResult, id: &str| {
            cell.trials.iter().any(|trial| trial.id == id && trial.outcome == Outcome::Pass)
        };
        match (self.find(from), self.find(to)) {
            (Some(from), Some(to)) if !from.trials.is_empty() => {
                ALL.iter().all(|id| !passed(from, id) || passed(to, id))
            }
            _ => true,
        }
    }

    pub(super) fn may_upgrade(&self, ats: &str) -> bool {
        let (from, to) = (format!("debian-12/{ats}"), format!("debian-13/{ats}"));
        self.is_current() && self.passes(&to) && self.keeps(&from, &to)
    }

    /// Whether nothing is worse than in `baseline`: each trial that does not pass is declared, or did no better before.
    pub(super) fn is_no_worse(&self, baseline: &MatrixResult) -> bool {
        let before = |id: &str| baseline.cells.iter().find(|cell| cell.id.to_string() == id);
        self.is_current()
            && CELLS.iter().all(|id| {
                let Some(cell) = self.sound(id) else { return false };
                let (old, is_optional) = (before(id), cell.optional);
                let had = old.is_some_and(|old| old.verdict.is_answer());
                match cell.verdict {
                    Verdict::Unavailable => is_optional && !had,
                    Verdict::Error => false,
                    Verdict::Pass => true,
                    _ if old.is_some_and(|old| old.verdict == Verdict::Unavailable) && is_optional => true,
                    Verdict::Unbuildable | Verdict::Broken => {
                        let bad = |old: &CellResult| old.verdict.is_without_ats() || old.verdict == Verdict::Fail;
                        old.is_some_and(bad) || excuses(cell.expected.as_ref(), cell.verdict, "")
                    }
                    Verdict::Fail | Verdict::Flaky => cell.trials.iter().all(|trial| {
                        let then =
                            old.and_then(|old| old.trials.iter().find(|it| it.id == trial.id)).map(|it| it.outcome);
                        let did_not_compile = old.is_some_and(|old| old.verdict == Verdict::Unbuildable);
                        match trial.outcome {
                            Outcome::Pass | Outcome::Unsupported => true,
                            Outcome::Error | Outcome::Skipped | Outcome::Limitation => false,
                            Outcome::Fail => {
                                then == Some(Outcome::Fail)
                                    || did_not_compile
                                    || excuses(cell.expected.as_ref(), Verdict::Fail, &trial.id)
                            }
                            Outcome::Flaky => {
                                matches!(then, Some(Outcome::Fail | Outcome::Flaky))
                                    || did_not_compile
                                    || excuses(cell.expected.as_ref(), Verdict::Fail, &trial.id)
                                    || excuses(cell.expected.as_ref(), Verdict::Flaky, &trial.id)
                            }
                        }
                    }),
                }
            })
    }
}

fn excuses(expected: Option<&Expected>, verdict: Verdict, trial: &str) -> bool {
    let about = |it: &Expected| {
        let covers = |pattern: &String| pattern == trial || (pattern == "tls-*" && trial.starts_with("tls-"));
        it.verdict == verdict && (it.trials.is_empty() || it.trials.iter().any(covers))
    };
    expected.iter().any(|first| about(first) || first.also.iter().any(about))
}
