//! Known issues in evidence from outside a cell: a capture and logs of a host. There is no control, no client and no other
//! trial, so nothing is certain here; a run of the cell is.

use std::collections::BTreeSet;

use super::sign::{EvidenceSource, Sign};
use super::{Affected, Evidence, KNOWN_ISSUES, KnownIssue, Reach, Shows, Signature, TrialCase};

/// How strongly evidence resembles a known issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// All its signs show, from two sources or more, and the versions are affected.
    Likely,
    /// Some of its signs show, and nothing that was given speaks against it.
    Possible,
}

/// A known issue that evidence resembles.
#[derive(Debug, Clone)]
pub struct Resemblance {
    /// The issue.
    pub issue: &'static KnownIssue,
    /// How strongly.
    pub likeness: Likeness,
    /// Where its signs show.
    pub sources: BTreeSet<EvidenceSource>,
    /// What would also show it, and was not given.
    pub not_given: BTreeSet<EvidenceSource>,
    /// Whether the versions are affected, as far as they are known.
    pub reach: Reach,
}

/// The known issues that `case` resembles, likely ones first. `given` are the sources of the evidence: what a source that was
/// given does not show speaks against an issue.
pub fn resembled(case: &TrialCase<'_>, evidence: &Evidence<'_>, given: &BTreeSet<EvidenceSource>) -> Vec<Resemblance> {
    let mut found: Vec<Resemblance> =
        KNOWN_ISSUES.iter().filter_map(|issue| resembles(issue, case, evidence, given)).collect();
    // A stable sort: within a likeness the order of the registry, which is that of precedence.
    found.sort_by_key(|resemblance| resemblance.likeness);
    found
}

fn resembles(
    issue: &'static KnownIssue,
    case: &TrialCase<'_>,
    evidence: &Evidence<'_>,
    given: &BTreeSet<EvidenceSource>,
) -> Option<Resemblance> {
    let Shows::Trials(Signature { must, may, not, unless, .. }) = issue.shows else { return None };
    let reach = issue.affected.reach(evidence.provenance);
    let shows = |sign: &&Sign| sign.shows(case, evidence);
    if reach == Reach::Outside || not.iter().chain(unless).any(|sign| shows(&sign)) {
        return None;
    }
    let (present, hidden): (Vec<&Sign>, Vec<&Sign>) = must.iter().partition(shows);
    if present.is_empty() || hidden.iter().any(|sign| would_show(sign, given)) {
        return None;
    }
    let all = present.iter().copied().chain(may.iter().filter(shows));
    let sources: BTreeSet<EvidenceSource> = all.flat_map(|sign| sign.shown_by(case, evidence)).collect();
    // A cell would show more of every issue, which goes without saying.
    let elsewhere = |source: &EvidenceSource| *source != EvidenceSource::Cell && !given.contains(source);
    let not_given = hidden.iter().flat_map(|sign| sign.sources()).filter(elsewhere).collect();
    let likely = hidden.is_empty() && sources.len() >= 2 && reach == Reach::Affected;
    let telling = hidden.is_empty() || is_telling(&issue.affected, reach, &sources);
    let likeness = if likely { Likeness::Likely } else { Likeness::Possible };
    telling.then_some(Resemblance { issue, likeness, sources, not_given, reach })
}

/// Whether the sign would show in `given`, wherever a host can show it at all.
fn would_show(sign: &Sign, given: &BTreeSet<EvidenceSource>) -> bool {
    let mut of_a_host = sign.sources();
    of_a_host.remove(&EvidenceSource::Cell);
    !of_a_host.is_empty() && of_a_host.is_subset(given)
}

/// Whether a part of the signs is worth a name. A log line is worded like its issue. A capture alone shows what many causes
/// have in common: there the versions must be those of the issue, and not those of every ATS.
fn is_telling(affected: &Affected, reach: Reach, sources: &BTreeSet<EvidenceSource>) -> bool {
    let worded = sources.iter().any(|source| matches!(source, EvidenceSource::Log(_)));
    worded || (reach == Reach::Affected && !affected.ats.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::trials::Kind;
    use crate::model::{LogFile, LogLine, Observation, Outcome, Provenance};

    #[test]
    fn one_line_in_two_logs_is_one_source() {
        const EITHER: Sign =
            Sign::Any(&[Sign::CellLog(LogFile::Diags, "oops"), Sign::CellLog(LogFile::Output, "oops")]);
        let line = |file| LogLine { trial: None, file, text: "oops".into() };
        let logs = [line(LogFile::Diags), line(LogFile::Output)];
        let observation = Observation::default();
        let case = TrialCase {
            trial: "",
            definition: None,
            kind: Kind::Subject,
            outcome: Outcome::Fail,
            observation: &observation,
        };
        let provenance = Provenance::default();
        let evidence = Evidence { cases: &[case], provenance: &provenance, logs: &logs };
        assert_eq!(EITHER.shown_by(&case, &evidence), BTreeSet::from([EvidenceSource::Log("diags.log")]));
        assert_eq!(EITHER.sources().len(), 2);
    }
}
