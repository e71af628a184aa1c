//! Which trials a cell ran. A cell is *complete* if every trial of the catalogue that it supports ran in it exactly
//! once and has an answer. Decisions from results use this definition.

use std::collections::{BTreeMap, BTreeSet};

use crate::ats::{Dialect, config};
use crate::catalogue::trials::{Catalogue, Trial};
use crate::model::{CellResult, IssueMatch, Outcome, Place, Provenance, Route, Speak, TrialResult, Version};

/// The trials of a cell by outcome, in the order of the results; missing trials are in the order of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage<'a> {
    /// Total number of trials.
    pub total: usize,
    /// Passed.
    pub passed: Vec<&'a str>,
    /// Failed.
    pub failed: Vec<&'a str>,
    /// Failed because of a known issue that affects this ATS on every distro.
    pub limited: Vec<&'a str>,
    /// Failed and passed.
    pub flaky: Vec<&'a str>,
    /// In error or not reached.
    pub unanswered: Vec<&'a str>,
    /// Not supported by the cell.
    pub unsupported: Vec<&'a str>,
    /// In the catalogue but not in the cell: not run, or from a later catalogue.
    pub missing: Vec<&'a str>,
    /// Recorded as unsupported without a known reason.
    pub unfounded: Vec<&'a str>,
    /// Recorded as limited by a known issue that the catalogue does not name for this ATS, or that was not recognised.
    pub forged: Vec<&'a str>,
    /// In the cell but not in the catalogue: from another catalogue.
    pub unknown: Vec<&'a str>,
    /// In the cell more than once.
    pub duplicated: Vec<&'a str>,
    /// Recorded as a control where the catalogue has a subject, or the reverse.
    pub mislabelled: Vec<&'a str>,
    /// Trials of the user's own that did or expected something else when they ran.
    pub redefined: Vec<&'a str>,
}

impl<'a> Coverage<'a> {
    /// The coverage of `cell`. `trials` are those that must have run; if it is empty, the cell's are. `catalogue` knows them.
    /// `without` lists the places that the matrix has no origin for.
    pub fn of(cell: &'a CellResult, trials: &[&'a str], catalogue: Catalogue, without: &[Place]) -> Self {
        let mut coverage = Self::default();
        let mut seen = BTreeSet::new();
        for TrialResult { id, outcome, control, limitation, definition, summary: _, evidence: _ } in &cell.trials {
            let id = id.as_str();
            if !seen.insert(id) {
                coverage.duplicated.push(id);
                continue;
            }
            let place = match outcome {
                Outcome::Pass => &mut coverage.passed,
                Outcome::Fail => &mut coverage.failed,
                Outcome::Limitation => &mut coverage.limited,
                Outcome::Flaky => &mut coverage.flaky,
                Outcome::Error | Outcome::Skipped => &mut coverage.unanswered,
                Outcome::Unsupported => &mut coverage.unsupported,
            };
            place.push(id);
            let known = catalogue.by_id(id);
            if known.is_some_and(|trial| trial.is_control() != *control) {
                coverage.mislabelled.push(id);
            }
            if known.is_some_and(|trial| trial.definition() != definition.as_deref()) {
                coverage.redefined.push(id);
            }
            if *outcome == Outcome::Unsupported
                && !known.is_some_and(|it| may_be_unsupported(it, &cell.provenance, without))
            {
                coverage.unfounded.push(id);
            }
            if *outcome == Outcome::Limitation && !is_limited(cell, known, id, limitation.as_deref()) {
                coverage.forged.push(id);
            }
            let of_some_cells = known.is_some_and(|trial| trial.only_for.is_some());
            if !trials.is_empty() && !trials.contains(&id) && !of_some_cells {
                coverage.unknown.push(id);
            }
        }
        coverage.missing = trials.iter().filter(|id| !seen.contains(**id)).copied().collect();
        coverage.total = seen.len() + coverage.missing.len();
        coverage
    }

    /// Whether every trial that the cell supports ran once and has an answer.
    pub fn is_complete(&self) -> bool {
        let Self { unanswered, missing, unfounded, forged, unknown, duplicated, mislabelled, redefined, .. } = self;
        [unanswered, missing, unfounded, forged, unknown, duplicated, mislabelled, redefined]
            .iter()
            .all(|trials| trials.is_empty())
    }

    /// Number of trials that say something about ATS.
    pub fn answered(&self) -> usize {
        self.passed.len() + self.failed.len() + self.limited.len() + self.flaky.len()
    }
}

/// Trials that one cell tested and another one does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost<'a> {
    /// They passed before.
    pub passed: Vec<&'a str>,
    /// They did not pass before, or are new and unsupported.
    pub others: Vec<&'a str>,
    /// They have a known limitation now, and did not before.
    pub limited: Vec<&'a str>,
    /// They have the same known limitation before and after.
    pub as_limited: Vec<&'a str>,
}

/// The trials that `before` tested and `after` does not support or did not run. Nothing is lost if nothing ran in one
/// of them, for example because it cannot be built.
pub fn lost<'a>(before: &'a CellResult, after: &'a CellResult) -> Lost<'a> {
    let mut lost = Lost::default();
    if before.trials.is_empty() || after.trials.is_empty() {
        return lost;
    }
    let outcomes = |cell: &'a CellResult| -> BTreeMap<&'a str, Outcome> {
        cell.trials.iter().map(|trial| (trial.id.as_str(), trial.outcome)).collect()
    };
    let (old, now) = (outcomes(before), outcomes(after));
    for trial in &before.trials {
        if now.get(trial.id.as_str()).is_some_and(|now| *now != Outcome::Unsupported) {
            continue;
        }
        match trial.outcome {
            Outcome::Pass => lost.passed.push(&trial.id),
            Outcome::Fail | Outcome::Limitation | Outcome::Flaky | Outcome::Error | Outcome::Skipped => {
                lost.others.push(&trial.id);
            }
            Outcome::Unsupported => {}
        }
    }
    let new = after.trials.iter().filter(|now| now.outcome == Outcome::Unsupported).map(|now| now.id.as_str());
    lost.others.extend(new.filter(|id| !old.contains_key(id)));
    let is_limited = |trial: &&TrialResult| trial.outcome == Outcome::Limitation;
    for now in after.trials.iter().filter(is_limited) {
        let same = |was: &TrialResult| was.id == now.id && was.limitation == now.limitation;
        let known = before.trials.iter().filter(is_limited).any(same);
        if known { &mut lost.as_limited } else { &mut lost.limited }.push(&now.id);
    }
    lost
}

/// Why a cell does not support `trial`: because of its ATS version, the settings that this ATS knows, or the OpenSSL it
/// loaded, as far as these are known. `without` lists the places that the matrix has no origin for. The result of the
/// trial never matters.
pub fn unsupported_reason(
    trial: &Trial,
    ats: Option<&str>,
    openssl: Option<&str>,
    without: &[Place],
) -> Option<String> {
    if let Some(reason) = trial.unsupported(ats, openssl) {
        return Some(reason.to_owned());
    }
    let spec = trial.spec();
    if let Some(program) = spec.place.program().filter(|_| without.contains(&spec.place)) {
        return Some(format!("matrix.yaml has no `{program}` among its `origins`"));
    }
    let dialect = Dialect::of(&ats?.parse::<Version>().ok()?)?;
    config::check(dialect, &spec.records).err().map(|unsupported| unsupported.to_string())
}

/// Whether `trial` may be unsupported in a cell with this provenance. Trials that need something an image may lack (a
/// program, IPv6) always may.
fn may_be_unsupported(trial: &Trial, provenance: &Provenance, without: &[Place]) -> bool {
    let ats = provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    let openssl = provenance.openssl.as_ref().map(|library| library.version.as_str());
    let of_parent = provenance.parent.as_ref().is_some_and(|parent| {
        let (ats, openssl) = (parent.provenance.ats.as_ref(), parent.provenance.openssl.as_ref());
        let (ats, openssl) = (ats.map(|it| it.reported.as_str()), openssl.map(|it| it.version.as_str()));
        unsupported_reason(trial, ats, openssl, without).is_some()
    });
    let spec = trial.spec();
    of_parent
        || matches!(spec.route, Route::DirectCurl | Route::DirectOpenssl | Route::AsDelivered)
        || spec.place == Place::SameHostV6
        || spec.client.act.reloads()
        || matches!(spec.origin.speak, Speak::Openssl { .. })
        || unsupported_reason(trial, ats, openssl, without).is_some()
}

/// Whether the catalogue says that `issue` limits the cell's ATS in the trial `id`, and the issue was recognised there.
fn is_limited(cell: &CellResult, trial: Option<&Trial>, id: &str, issue: Option<&str>) -> bool {
    let ats = cell.provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    let declared = trial.zip(ats).and_then(|(trial, ats)| trial.limitation(ats));
    let shows = |known: &IssueMatch| Some(known.id.as_str()) == declared && known.is_certain_of(id);
    declared.is_some() && declared == issue && cell.known_issues.iter().any(shows)
}

/// Up to four names, then the number of the others: `a, b, c, d and 84 more`.
pub fn few<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() {
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AtsBuild, Confidence, Library, OriginProgram, Verdict};

    fn cell(ats: &str, openssl: &str, trials: &[(&str, Outcome)]) -> CellResult {
        let trials = trials.iter().map(|(id, outcome)| TrialResult {
            id: (*id).into(),
            outcome: *outcome,
            control: id.starts_with("ctl-"),
            limitation: None,
            definition: None,
            summary: String::new(),
            evidence: Vec::new(),
        });
        CellResult {
            id: "debian-13/9.2.9".parse().unwrap(),
            verdict: Verdict::Pass,
            reason: None,
            expected: None,
            optional: false,
            trials: trials.collect(),
            known_issues: Vec::new(),
            provenance: Provenance {
                ats: Some(AtsBuild { reported: ats.into(), ..AtsBuild::default() }),
                openssl: Some(Library { version: openssl.into(), ..Library::default() }),
                ..Provenance::default()
            },
        }
    }

    const P: Outcome = Outcome::Pass;
    const U: Outcome = Outcome::Unsupported;

    #[test]
    fn a_complete_cell_has_every_trial_once_with_an_answer() {
        let all = ["ctl-direct-tls", "tls-remote-origin", "http-post-1m"];
        let run = |trials: &[(&str, Outcome)]| {
            let cell = cell("9.2.9", "3.0.20", trials);
            Coverage::of(&cell, &all, Catalogue::built_in(), &[]).is_complete()
        };
        let complete = [("ctl-direct-tls", P), ("tls-remote-origin", Outcome::Fail), ("http-post-1m", Outcome::Flaky)];
        assert!(run(&complete));
        assert!(!run(&complete[..2]), "one is missing");
        assert!(!run(&[&complete[..], &complete[..1]].concat()), "one is duplicated");
        assert!(!run(&[&complete[..], &[("of-tomorrow", P)]].concat()), "one is from another catalogue");
        for outcome in [Outcome::Error, Outcome::Skipped, U] {
            assert!(!run(&[complete[0], complete[1], ("http-post-1m", outcome)]), "{outcome}");
        }
        let mut mislabelled = cell("9.2.9", "3.0.20", &complete);
        mislabelled.trials[1].control = true;
        assert_eq!(Coverage::of(&mislabelled, &all, Catalogue::built_in(), &[]).mislabelled, ["tls-remote-origin"]);
    }

    #[test]
    fn unsupported_trials_follow_from_what_ran() {
        let unfounded = |ats: &str, openssl: &str, id: &str, without: &[Place]| {
            let cell = cell(ats, openssl, &[(id, U)]);
            !Coverage::of(&cell, &[], Catalogue::built_in(), without).unfounded.is_empty()
        };
        assert!(!unfounded("9.2.9", "3.0.20", "group-x25519mlkem768", &[]));
        assert!(unfounded("9.2.9", "3.5.7", "group-x25519mlkem768", &[]), "this OpenSSL has it");
        assert!(!unfounded("9.2.9", "3.5.7", "alpn-h2-origin", &[]), "HTTP/2 to origins needs ATS 10");
        assert!(unfounded("10.1.0", "3.5.7", "alpn-h2-origin", &[]));
        assert!(!unfounded("8.1.11", "1.1.1", "session-resume-off", &[]), "8.1 does not have the setting");
        assert!(unfounded("9.2.9", "3.5.7", "tls-remote-origin", &[]));
        assert!(
            unfounded("9.2.9", "3.5.7", "nginx-get", &[])
                && !unfounded("9.2.9", "3.5.7", "nginx-get", &[Place::Beside(OriginProgram::Nginx)])
        );
        assert!(
            unfounded("9.2.9", "3.5.7", "ctl-direct-tls", &[]) && unfounded("9.2.9", "3.5.7", "ctl-plain-origin", &[])
        );
        assert!(!unfounded("9.2.9", "3.5.7", "ctl-direct-curl", &[]), "an image may have no curl");
        assert!(unfounded("9.2.9", "3.5.7", "of-tomorrow", &[]));
    }

    #[test]
    fn a_limitation_must_be_in_the_catalogue_and_recognised() {
        let id = "tunnel-route-split-hello";
        let mut limited = cell("9.2.9", "3.0.20", &[(id, Outcome::Limitation)]);
        limited.trials[0].limitation = Some("ATS-11758".into());
        limited.known_issues.push(IssueMatch {
            id: "ATS-11758".into(),
            title: String::new(),
            link: String::new(),
            fixed_in: String::new(),
            way_out: String::new(),
            confidence: Confidence::Certain,
            of_parent: false,
            trials: vec![id.into()],
            workarounds: Vec::new(),
        });
        let forged = |cell: &CellResult| !Coverage::of(cell, &[], Catalogue::built_in(), &[]).forged.is_empty();
        assert!(!forged(&limited) && Coverage::of(&limited, &[], Catalogue::built_in(), &[]).is_complete());
        let with = |change: fn(&mut CellResult)| {
            let mut cell = limited.clone();
            change(&mut cell);
            forged(&cell)
        };
        assert!(with(|cell| cell.trials[0].limitation = None));
        assert!(with(|cell| cell.trials[0].id = "tls-remote-origin".into()));
        assert!(with(|cell| cell.known_issues.clear()));
        assert!(with(|cell| cell.known_issues[0].confidence = Confidence::LooksLike));
        assert!(with(|cell| cell.provenance.ats.as_mut().unwrap().reported = "9.2.12".into()));
    }

    #[test]
    fn trials_that_are_no_longer_tested_are_lost() {
        let before = cell("9.2.9", "3.0", &[("a", P), ("b", Outcome::Fail), ("c", U), ("d", P), ("e", P)]);
        let after = cell("9.2.9", "3.5", &[("a", U), ("c", U), ("d", P), ("e", Outcome::Fail), ("f", U)]);
        assert_eq!(lost(&before, &after), Lost { passed: vec!["a"], others: vec!["b", "f"], ..Lost::default() });
        assert_eq!(lost(&before, &cell("9.2.9", "3.5", &[])), Lost::default(), "nothing ran");
    }

    #[test]
    fn a_new_known_limitation_is_lost_coverage() {
        const L: Outcome = Outcome::Limitation;
        let limited = |trials: &[(&str, Outcome)], issue: &str| {
            let mut cell = cell("9.2.9", "3.0", trials);
            for trial in cell.trials.iter_mut().filter(|trial| trial.outcome == L) {
                trial.limitation = Some(issue.into());
            }
            cell
        };
        let after = limited(&[("a", L), ("b", P)], "ATS-11758");
        let is = |before: &CellResult| {
            let lost = lost(before, &after);
            (lost.limited.len(), lost.as_limited.len(), lost.passed.len() + lost.others.len())
        };
        assert_eq!(is(&limited(&[("a", L), ("b", P)], "ATS-11758")), (0, 1, 0));
        assert_eq!(is(&limited(&[("a", L), ("b", P)], "ATS-7346")), (1, 0, 0), "another one");
        for outcome in [P, U, Outcome::Fail, Outcome::Flaky, Outcome::Error, Outcome::Skipped] {
            assert_eq!(is(&cell("9.2.9", "3.0", &[("a", outcome), ("b", P)])), (1, 0, 0), "{outcome}");
        }
        assert_eq!(is(&cell("9.2.9", "3.0", &[("b", P)])), (1, 0, 0), "not there");
    }

    #[test]
    fn the_count_of_further_names_is_always_shown() {
        let names = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(few(&names(4)), "1, 2, 3, 4");
        assert_eq!(few(&names(88)), "1, 2, 3, 4 and 84 more");
        assert_eq!(few::<&str>(&[]), "");
    }
}
