//! Which trials share a life of ATS, and in which order these lives start. Pure.

use super::settings;
use crate::model::{Record, Route, TrialPlan};

/// Settings, and the trials that have exactly these.
pub(super) type SettingsGroup = (Vec<Record>, Vec<TrialPlan>);

/// The groups of a cell, by how they run.
pub(super) struct Lives {
    /// Reloads. They mostly wait for the manager of ATS and send few requests, so they run beside all others.
    pub(super) beside: Vec<SettingsGroup>,
    /// Groups that may run at the same time.
    pub(super) together: Vec<SettingsGroup>,
    /// Trials that must run alone, each in its own group.
    pub(super) alone: Vec<SettingsGroup>,
}

impl Lives {
    /// Groups the trials that go through ATS by their settings.
    pub(super) fn of(all: &[TrialPlan]) -> Self {
        let mut groups: Vec<SettingsGroup> = Vec::new();
        for trial in all.iter().filter(|trial| trial.spec.route == Route::Ats) {
            let records = settings::filled(trial, all);
            let surroundings = |trial: &TrialPlan| (trial.spec.locked_key, trial.spec.bare_openssl, trial.spec.cache);
            let same = |(known, trials): &&mut SettingsGroup| {
                *known == records && trials.iter().all(|other| surroundings(other) == surroundings(trial))
            };
            match groups.iter_mut().find(same) {
                Some((_, trials)) => trials.push(trial.clone()),
                None => groups.push((records, vec![trial.clone()])),
            }
        }
        let reloads = |(_, trials): &SettingsGroup| trials.iter().any(|it| it.spec.client.act.reloads());
        let (beside, groups): (Vec<SettingsGroup>, Vec<SettingsGroup>) = groups.into_iter().partition(reloads);
        let mut lives = Self { beside, together: Vec::new(), alone: Vec::new() };
        for (records, trials) in groups {
            let (exclusive, rest): (Vec<_>, Vec<_>) = trials.into_iter().partition(|trial| trial.spec.alone);
            lives.alone.extend(exclusive.into_iter().map(|trial| (records.clone(), vec![trial])));
            lives.together.extend((!rest.is_empty()).then_some((records, rest)));
        }
        // Trials that set a timeout take that long, so they start first.
        lives.together.sort_by_key(|(records, _)| !records.iter().any(|record| record.name.contains("timeout")));
        // Whether ATS starts with the baseline should be known as early as whether it starts with other settings.
        if let Some(at) = lives.together.iter().position(|(records, _)| records.is_empty()).filter(|at| *at > 1) {
            let baseline = lives.together.remove(at);
            lives.together.insert(1, baseline);
        }
        lives
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ats::{Dialect, config};
    use crate::catalogue::trials::CATALOGUE;

    /// The plans of all trials that an ATS of this version supports.
    fn plans(version: &str) -> Vec<TrialPlan> {
        let dialect = Dialect::of(&version.parse().unwrap()).unwrap();
        let able = CATALOGUE.iter().zip(20_000..).filter(|(trial, _)| {
            trial.only_for.is_none()
                && trial.unsupported(Some(version), None).is_none()
                && config::check(dialect, &trial.spec().records).is_ok()
        });
        able.map(|(trial, port)| TrialPlan { id: trial.id.to_owned(), port, spec: trial.spec() }).collect()
    }

    #[test]
    fn a_cell_starts_one_life_of_ats_per_group_of_settings() {
        // Each life costs a start of ATS, a third of a second. A change that adds one must change these numbers.
        let count = |version: &'static str| {
            let lives = Lives::of(&plans(version));
            (version, lives.beside.len() + lives.together.len(), lives.alone.len())
        };
        let versions = ["8.1.11", "9.2.9", "10.0.6", "10.1.2", "10.2.0"];
        let pinned = [("8.1.11", 23, 1), ("9.2.9", 28, 1), ("10.0.6", 29, 1), ("10.1.2", 29, 1), ("10.2.0", 29, 1)];
        assert_eq!(versions.map(count), pinned);
    }

    #[test]
    fn trials_that_wait_for_a_reload_or_a_timeout_start_first() {
        let lives = Lives::of(&plans("9.2.9"));
        assert_eq!(lives.beside[0].1[0].id, "load-reload");
        let first: Vec<&str> = lives.together[0].1.iter().map(|trial| trial.id.as_str()).collect();
        assert_eq!(first, ["fault-silent-handshake", "fault-silent-response"]);
        let baseline = lives.together.iter().position(|(records, _)| records.is_empty());
        assert!(baseline.is_some_and(|at| at < 2), "among the first lives: {baseline:?}");
    }

    #[test]
    fn all_tunnels_share_a_life_in_which_one_port_is_forbidden() {
        let all = plans("9.2.12");
        let lives = Lives::of(&all);
        let has = |trials: &[TrialPlan], id: &str| trials.iter().any(|trial| trial.id == id);
        let (records, trials) = lives.together.iter().find(|(_, trials)| has(trials, "tunnel-connect")).unwrap();
        for id in ["tunnel-connect-forbidden", "tunnel-route", "tunnel-route-split-hello"] {
            assert!(has(trials, id), "{id}");
        }
        let ports = &records.iter().find(|record| record.name.ends_with("connect_ports")).unwrap().value;
        let listed = |id: &str| {
            let port = all.iter().find(|trial| trial.id == id).unwrap().port.to_string();
            ports.split(' ').any(|listed| listed == port)
        };
        assert!(listed("tunnel-connect") && listed("tunnel-route") && !listed("tunnel-connect-forbidden"));
    }

    #[test]
    fn no_origin_changes_from_one_connection_to_the_next() {
        // A trial that shares a life runs again when another ends it, and connections are counted over both runs.
        for trial in CATALOGUE {
            if let crate::model::Speak::Script(scripts) = trial.spec().origin.speak {
                assert_eq!(scripts.len(), 1, "{}", trial.id);
            }
        }
    }
}
