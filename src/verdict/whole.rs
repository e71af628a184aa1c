//! What a cell's answer rests on, and whether it is whole. The one notion of a *complete* cell: every trial of
//! the catalogue that this cell can do was run in it, once, and came to something. Whoever decides from results
//! asks here.

use std::collections::{BTreeMap, BTreeSet};

use crate::ats::{Dialect, config};
use crate::catalogue::trials::{self, Trial};
use crate::model::{Act, CellResult, IssueMatch, Outcome, Place, Provenance, Route, Speak, TrialResult, Version};

/// The trials of a cell by what they say, in the order of the results; what is missing in the catalogue's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole<'a> {
    /// How many trials there are.
    pub of: usize,
    /// They passed.
    pub passed: Vec<&'a str>,
    /// They failed.
    pub failed: Vec<&'a str>,
    /// They failed as a known issue says that this ATS does on every distro.
    pub limited: Vec<&'a str>,
    /// They failed and passed.
    pub flaky: Vec<&'a str>,
    /// In error or not reached: nobody knows.
    pub unanswered: Vec<&'a str>,
    /// The cell cannot do them.
    pub unsupported: Vec<&'a str>,
    /// Of the catalogue, and not in the cell: not run, or of a later catalogue.
    pub missing: Vec<&'a str>,
    /// Said to be unsupported, although nothing that is known of the cell says so.
    pub unfounded: Vec<&'a str>,
    /// Said to be limited by a known issue that the catalogue does not name for this ATS, or that was not recognised.
    pub forged: Vec<&'a str>,
    /// In the cell, and not of the catalogue: of another one.
    pub strangers: Vec<&'a str>,
    /// In the cell more than once.
    pub twice: Vec<&'a str>,
    /// Called a control where the catalogue has a subject, or the reverse.
    pub mislabelled: Vec<&'a str>,
}

impl<'a> Whole<'a> {
    /// What `cell` rests on. `trials` are all there are; empty: those of the cell are all. `without` are the places
    /// that the matrix has no origin for.
    pub fn of(cell: &'a CellResult, trials: &[&'a str], without: &[Place]) -> Self {
        let mut whole = Self::default();
        let mut seen = BTreeSet::new();
        for TrialResult { id, outcome, control, limitation, summary: _, evidence: _ } in &cell.trials {
            let id = id.as_str();
            if !seen.insert(id) {
                whole.twice.push(id);
                continue;
            }
            let place = match outcome {
                Outcome::Pass => &mut whole.passed,
                Outcome::Fail => &mut whole.failed,
                Outcome::Limitation => &mut whole.limited,
                Outcome::Flaky => &mut whole.flaky,
                Outcome::Error | Outcome::Skipped => &mut whole.unanswered,
                Outcome::Unsupported => &mut whole.unsupported,
            };
            place.push(id);
            let known = trials::by_id(id);
            if known.is_some_and(|trial| trial.is_control() != *control) {
                whole.mislabelled.push(id);
            }
            if *outcome == Outcome::Unsupported
                && !known.is_some_and(|it| may_be_unsupported(it, &cell.provenance, without))
            {
                whole.unfounded.push(id);
            }
            if *outcome == Outcome::Limitation && !is_limited(cell, id, limitation.as_deref()) {
                whole.forged.push(id);
            }
            if !trials.is_empty() && !trials.contains(&id) {
                whole.strangers.push(id);
            }
        }
        whole.missing = trials.iter().filter(|id| !seen.contains(**id)).copied().collect();
        whole.of = seen.len() + whole.missing.len();
        whole
    }

    /// Whether every trial that the cell can do was run and came to something.
    pub fn is_complete(&self) -> bool {
        let Self { unanswered, missing, unfounded, forged, strangers, twice, mislabelled, .. } = self;
        [unanswered, missing, unfounded, forged, strangers, twice, mislabelled].iter().all(|trials| trials.is_empty())
    }

    /// How many trials say something about ATS.
    pub fn answered(&self) -> usize {
        self.passed.len() + self.failed.len() + self.limited.len() + self.flaky.len()
    }
}

/// Trials that a cell tested and another one does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost<'a> {
    /// They passed.
    pub passed: Vec<&'a str>,
    /// They came to something else, or nobody knows what they would come to.
    pub others: Vec<&'a str>,
    /// They fail now by a known limitation, and did not before.
    pub limited: Vec<&'a str>,
    /// They have the same known limitation on both sides.
    pub as_limited: Vec<&'a str>,
}

/// What `before` tested and `after` cannot do or was not asked for. Of a cell in which nothing ran (it does not
/// compile, it is not there) nothing is known, so nothing is lost.
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

/// Why a cell cannot do `trial`: by the version of its ATS, the settings that ATS knows, and the OpenSSL it has
/// loaded, as far as they are known; `without` are the places that the matrix has no origin for. Never by how the
/// trial went.
pub fn cannot(trial: &Trial, ats: Option<&str>, openssl: Option<&str>, without: &[Place]) -> Option<String> {
    if let Some(reason) = trial.unsupported(ats, openssl) {
        return Some(reason.to_owned());
    }
    let spec = (trial.spec)();
    if let Some(program) = spec.place.program().filter(|_| without.contains(&spec.place)) {
        return Some(format!("matrix.yaml has no `{program}` among its `origins`"));
    }
    let dialect = Dialect::of(&ats?.parse::<Version>().ok()?)?;
    config::check(dialect, &spec.records).err().map(|unsupported| unsupported.to_string())
}

/// Whether what is known of a cell allows that it cannot do `trial`. What an image lacks (a program, IPv6) only
/// the trials that need it can miss.
fn may_be_unsupported(trial: &Trial, provenance: &Provenance, without: &[Place]) -> bool {
    let ats = provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    let openssl = provenance.openssl.as_ref().map(|library| library.version.as_str());
    let spec = (trial.spec)();
    matches!(spec.route, Route::DirectCurl | Route::DirectOpenssl)
        || spec.place == Place::SameHostV6
        || matches!(spec.client.act, Act::Reload { .. })
        || matches!(spec.origin.speak, Speak::Openssl { .. })
        || cannot(trial, ats, openssl, without).is_some()
}

/// Whether the catalogue names `issue` as what limits the cell's ATS in the trial `id`, and it was recognised there.
fn is_limited(cell: &CellResult, id: &str, issue: Option<&str>) -> bool {
    let ats = cell.provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    let declared = trials::by_id(id).zip(ats).and_then(|(trial, ats)| trial.limitation(ats));
    let shows = |known: &IssueMatch| Some(known.id.as_str()) == declared && known.is_certain_of(id);
    declared.is_some() && declared == issue && cell.known_issues.iter().any(shows)
}

/// Names for one line: all of up to four, and of more the count of the rest, which is never what is cut.
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
    fn a_whole_cell_has_every_trial_once_with_an_outcome() {
        let all = ["ctl-direct-tls", "tls-remote-origin", "http-post-1m"];
        let run = |trials: &[(&str, Outcome)]| {
            let cell = cell("9.2.9", "3.0.20", trials);
            Whole::of(&cell, &all, &[]).is_complete()
        };
        let whole = [("ctl-direct-tls", P), ("tls-remote-origin", Outcome::Fail), ("http-post-1m", Outcome::Flaky)];
        assert!(run(&whole));
        assert!(!run(&whole[..2]), "one is missing");
        assert!(!run(&[&whole[..], &whole[..1]].concat()), "one is there twice");
        assert!(!run(&[&whole[..], &[("of-tomorrow", P)]].concat()), "one is of another catalogue");
        for outcome in [Outcome::Error, Outcome::Skipped, U] {
            assert!(!run(&[whole[0], whole[1], ("http-post-1m", outcome)]), "{outcome}");
        }
        let mut mislabelled = cell("9.2.9", "3.0.20", &whole);
        mislabelled.trials[1].control = true;
        assert_eq!(Whole::of(&mislabelled, &all, &[]).mislabelled, ["tls-remote-origin"]);
    }

    #[test]
    fn what_a_cell_cannot_do_follows_from_what_ran_in_it() {
        let unfounded = |ats: &str, openssl: &str, id: &str, without: &[Place]| {
            let cell = cell(ats, openssl, &[(id, U)]);
            !Whole::of(&cell, &[], without).unfounded.is_empty()
        };
        assert!(!unfounded("9.2.9", "3.0.20", "group-x25519mlkem768", &[]));
        assert!(unfounded("9.2.9", "3.5.7", "group-x25519mlkem768", &[]), "this OpenSSL has it");
        assert!(!unfounded("9.2.9", "3.5.7", "alpn-h2-origin", &[]), "HTTP/2 to origins is of ATS 10");
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
    fn a_limitation_is_one_that_the_catalogue_names_and_that_was_recognised() {
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
            trials: vec![id.into()],
            workarounds: Vec::new(),
        });
        let forged = |cell: &CellResult| !Whole::of(cell, &[], &[]).forged.is_empty();
        assert!(!forged(&limited) && Whole::of(&limited, &[], &[]).is_complete());
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
    fn what_is_tested_no_more_is_lost_whatever_it_came_to() {
        let before = cell("9.2.9", "3.0", &[("a", P), ("b", Outcome::Fail), ("c", U), ("d", P), ("e", P)]);
        let after = cell("9.2.9", "3.5", &[("a", U), ("c", U), ("d", P), ("e", Outcome::Fail), ("f", U)]);
        assert_eq!(lost(&before, &after), Lost { passed: vec!["a"], others: vec!["b", "f"], ..Lost::default() });
        assert_eq!(lost(&before, &cell("9.2.9", "3.5", &[])), Lost::default(), "nothing ran");
    }

    #[test]
    fn a_known_limitation_is_lost_ground_where_the_other_side_does_not_have_it() {
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
    fn the_count_is_never_cut() {
        let names = |count: usize| (1..=count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(few(&names(4)), "1, 2, 3, 4");
        assert_eq!(few(&names(88)), "1, 2, 3, 4 and 84 more");
        assert_eq!(few::<&str>(&[]), "");
    }
}
