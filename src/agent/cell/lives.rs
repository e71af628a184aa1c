//! Which trials share one life of ATS, and in which order these lives come. Pure.

use super::settings;
use crate::model::{Record, Route, TrialPlan};

/// Trials with equal settings, and these settings.
pub(super) type Group = (Vec<Record>, Vec<TrialPlan>);

/// The groups of a cell.
pub(super) struct Lives {
    /// Those that may run at the same time.
    pub(super) together: Vec<Group>,
    /// Those that want to be alone, one trial each.
    pub(super) alone: Vec<Group>,
}

impl Lives {
    /// Groups the trials that go through ATS by their settings.
    pub(super) fn of(all: &[TrialPlan]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for trial in all.iter().filter(|trial| trial.spec.route == Route::Ats) {
            let records = settings::filled(trial, all);
            match groups.iter_mut().find(|(known, _)| *known == records) {
                Some((_, trials)) => trials.push(trial.clone()),
                None => groups.push((records, vec![trial.clone()])),
            }
        }
        let mut lives = Self { together: Vec::new(), alone: Vec::new() };
        for (records, trials) in groups {
            let (wanting, rest): (Vec<_>, Vec<_>) = trials.into_iter().partition(|trial| trial.spec.alone);
            lives.alone.extend(wanting.into_iter().map(|trial| (records.clone(), vec![trial])));
            lives.together.extend((!rest.is_empty()).then_some((records, rest)));
        }
        // A trial that sets a timeout waits for it: whoever only waits is to begin first.
        lives.together.sort_by_key(|(records, _)| !records.iter().any(|record| record.name.contains("timeout")));
        lives
    }
}
