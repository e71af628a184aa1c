//! Known limitations: which failures of a cell are no more than what the catalogue says of its ATS. Pure.

use crate::catalogue::known_issues;
use crate::catalogue::trials::Trial;
use crate::model::{IssueMatch, Outcome, Provenance};

/// How long a trial may take that is known to fail with this ATS, milliseconds: most such hang, and what passes does
/// so within a few.
pub(super) const DEADLINE_MS: u64 = 3_000;

/// What `trial` comes to, and the known issue that limits what ran in it. It has to fail just as that issue does, with
/// certainty by each of `attempts`: a failure of another kind stays one.
pub(super) fn weigh(
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
            trials: vec![trial.into()],
            workarounds: Vec::new(),
        }]
    }

    #[test]
    fn only_what_is_declared_and_recognised_with_certainty_each_time_is_a_limitation() {
        use Confidence::{Certain, LooksLike};
        let split = crate::catalogue::trials::by_id("tunnel-route-split-hello").unwrap();
        let known = || matched("ATS-11758", Certain, split.id);
        let weighed = |outcome, version: &str, attempts: &[Vec<IssueMatch>]| {
            let (outcome, issue) = weigh(split, outcome, &ran(version), attempts);
            (outcome, issue.is_some())
        };
        let limited = (Outcome::Limitation, true);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[known(), known()]), limited);
        assert_eq!(weighed(Outcome::Fail, "10.0.6", &[known()]), limited);
        // One attempt failed in another way, or looked only like it.
        let failed = (Outcome::Fail, true);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[known(), Vec::new()]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11758", LooksLike, split.id)]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11758", Certain, "tunnel-route")]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[matched("ATS-11465", Certain, split.id)]), failed);
        assert_eq!(weighed(Outcome::Fail, "9.2.9", &[]), failed);
        // Nothing but a failure is excused, and no ATS that has the fix.
        for outcome in [Outcome::Pass, Outcome::Flaky, Outcome::Error, Outcome::Skipped] {
            assert_eq!(weighed(outcome, "9.2.9", &[known()]), (outcome, true));
        }
        assert_eq!(weighed(Outcome::Fail, "9.2.12", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Fail, "10.1.0", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Fail, "?", &[known()]), (Outcome::Fail, false));
        assert_eq!(weighed(Outcome::Unsupported, "9.2.9", &[]), (Outcome::Unsupported, false));
    }
}
