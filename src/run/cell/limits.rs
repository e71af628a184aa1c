//! Known limitations: recognises the failures that the catalogue declares for the ATS of a cell. Pure.

use crate::catalogue::known_issues;
use crate::catalogue::trials::Trial;
use crate::model::{IssueMatch, Outcome, Provenance};

/// Deadline of a trial that is known to fail with this ATS, milliseconds. Most of these hang; one that passes takes a few
/// milliseconds.
pub(super) const DEADLINE_MS: u64 = 3_000;

/// The final outcome of `trial`, and the known issue that is declared to limit this ATS in it. The outcome is a limitation
/// only if every attempt failed with that issue for certain; any other failure stays a failure.
pub(super) fn apply_limitation(
    trial: &Trial,
    outcome: Outcome,
    ran: &Provenance,
    attempts: &[Vec<IssueMatch>],
) -> (Outcome, Option<String>) {
    let declared = known_issues::limitation(trial, ran).filter(|_| outcome != Outcome::Unsupported);
    let Some(issue) = declared else { return (outcome, None) };
    let shows = |found: &Vec<IssueMatch>| found.iter().any(|known| known.id == issue && known.is_certain_of(trial.id));
    let recognised = outcome == Outcome::Fail && !attempts.is_empty() && attempts.iter().all(shows);
    (if recognised { Outcome::Limitation } else { outcome }, Some(issue.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AtsBuild, Confidence};

    fn ran(version: &str) -> Provenance {
        Provenance { ats: Some(AtsBuild { reported: version.into(), ..AtsBuild::default() }), ..Provenance::default() }
    }

    fn matched(id: &str, confidence: Confidence, trial: &str) -> Vec<IssueMatch> {
        let issue = known_issues::by_id(id).unwrap();
        vec![IssueMatch {
            id: id.into(),
            title: issue.title.into(),
            link: issue.link.into(),
            fixed_in: issue.fixed_in.into(),
            way_out: issue.way_out.into(),
            confidence,
            of_parent: false,
            trials: vec![trial.into()],
            workarounds: Vec::new(),
        }]
    }

    #[test]
    fn only_a_declared_failure_that_is_certain_in_every_attempt_is_a_limitation() {
        use Confidence::{Certain, LooksLike};
        let split = crate::catalogue::trials::by_id("tunnel-route-split-hello").unwrap();
        let known = || matched("ATS-11758", Certain, split.id);
        let weighed = |outcome, version: &str, attempts: &[Vec<IssueMatch>]| {
            let (outcome, issue) = apply_limitation(split, outcome, &ran(version), attempts);
            (outcome, issue.is_some())
        };
        let limited = (Outcome::Limitation, true);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[known(), known()]), limited);
        assert_eq!(weighed(Outcome::Fail, "10.0.6", &[known()]), limited);
        // One attempt failed in another way, or was only similar.
        let failed = (Outcome::Fail, true);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[known(), Vec::new()]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11758", LooksLike, split.id)]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11758", Certain, "tunnel-route")]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11465", Certain, split.id)]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[]), failed);
        // Only failures are excused, and only of an ATS without the fix.
        for outcome in [Outcome::Pass, Outcome::Flaky, Outcome::Error, Outcome::Skipped] {
            assert_eq!(weighed(outcome, "9.2.9", &[known()]), (outcome, true));
        }
        assert_eq!(weighed(Outcome::Fail, "9.2.12", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Fail, "10.1.0", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Fail, "?", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Unsupported, "9.2.9", &[]), (Outcome::Unsupported, false));
    }
}
