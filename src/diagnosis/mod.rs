//! What a failure *is*: known issues, recognised by their signs in the evidence. Pure.
//!
//! A known issue is data, one file each under `issues/`, registered in [`KNOWN_ISSUES`]. To name one
//! with certainty takes the versions it affects AND at least two independent signs AND passing
//! controls; anything less only "looks like" it.

mod issues;
mod sign;

pub use sign::Sign;

use crate::model::{IssueMatch, Observation, Outcome, Provenance, Version, VersionRange};
use crate::trial::Kind;

/// A known issue.
#[derive(Debug)]
pub struct KnownIssue {
    /// Short id, for example `ATS-11465`.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Upstream link.
    pub link: &'static str,
    /// ATS versions affected (as reported), a range.
    pub ats: &'static str,
    /// OpenSSL versions affected (as loaded), a range.
    pub openssl: &'static str,
    /// Where it is fixed, also outside of upstream's releases.
    pub fixed_in: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// What the evidence shows. Each sign is independent of the others.
    pub signs: &'static [Sign],
}

/// Every known issue, in order of precedence.
pub const KNOWN_ISSUES: &[&KnownIssue] = &[&issues::ats_11465::ISSUE];

/// A trial's evidence, as diagnosis needs it.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Trial id.
    pub trial: &'a str,
    /// Control or subject.
    pub kind: Kind,
    /// What it came to.
    pub outcome: Outcome,
    /// Its evidence.
    pub observation: &'a Observation,
}

/// Known issues that the failing trials of a cell match, each with its trials.
pub fn diagnose(cases: &[Case<'_>], provenance: &Provenance) -> Vec<IssueMatch> {
    let controls_held = cases
        .iter()
        .filter(|case| case.kind != Kind::Subject && case.outcome != Outcome::Unsupported)
        .all(|case| case.outcome == Outcome::Pass);
    KNOWN_ISSUES.iter().filter_map(|issue| matched(issue, cases, provenance, controls_held)).collect()
}

fn matched(issue: &KnownIssue, cases: &[Case<'_>], provenance: &Provenance, controls_held: bool) -> Option<IssueMatch> {
    let failing = cases.iter().filter(|case| matches!(case.outcome, Outcome::Fail | Outcome::Flaky));
    let showing: Vec<_> = failing.filter(|case| signs_shown(issue, case.observation) >= 2).collect();
    if showing.is_empty() {
        return None;
    }
    let certain = controls_held && affected(issue, provenance);
    Some(IssueMatch {
        id: issue.id.into(),
        title: issue.title.into(),
        link: issue.link.into(),
        fixed_in: issue.fixed_in.into(),
        way_out: issue.way_out.into(),
        confidence: if certain { "certain" } else { "looks like" }.into(),
        trials: showing.iter().map(|case| case.trial.to_owned()).collect(),
    })
}

fn signs_shown(issue: &KnownIssue, observation: &Observation) -> usize {
    issue.signs.iter().filter(|sign| sign.shows(observation)).count()
}

/// Whether what ran is in the affected ranges. What could not be found is not known to be affected.
fn affected(issue: &KnownIssue, provenance: &Provenance) -> bool {
    let within = |range: &str, version: Option<&str>| {
        let range = range.parse::<VersionRange>().ok();
        let version = version.and_then(|text| text.parse::<Version>().ok());
        range.zip(version).is_some_and(|(range, version)| range.contains(&version))
    };
    within(issue.ats, provenance.ats.as_ref().map(|ats| ats.reported.as_str()))
        && within(issue.openssl, provenance.openssl.as_ref().map(|library| library.version.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AtsBuild, ClientRun, Direction, Exchange, Flow, Library, LogFile, LogLine, Packet};

    fn seed_failure() -> Observation {
        let packet = |direction, flags: &str, seq| Packet { at_us: 0, direction, flags: flags.into(), seq, len: 0 };
        let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
        let error = "20261123.03h22m34s CONNECT: attempt fail [CONNECTION_ERROR] to 172.18.0.2:8443 for host='x.test' \
                     connection_result=Invalid argument [22] error=Invalid argument [22] attempts=0 url='https://x.test:8443/'";
        Observation {
            client: Some(ClientRun { exchanges: vec![exchange] }),
            wire: vec![Flow {
                packets: vec![
                    packet(Direction::ToServer, "S", 0),
                    packet(Direction::ToClient, "S.", 0),
                    packet(Direction::ToServer, ".", 1),
                    packet(Direction::ToServer, "F.", 1),
                ],
                ..Flow::default()
            }],
            logs: vec![LogLine { trial: None, file: LogFile::Error, text: error.into() }],
            ..Observation::default()
        }
    }

    fn ran(ats: &str, openssl: &str) -> Provenance {
        Provenance {
            ats: Some(AtsBuild { reported: ats.into(), ..AtsBuild::default() }),
            openssl: Some(Library { version: openssl.into(), ..Library::default() }),
            ..Provenance::default()
        }
    }

    fn cases<'a>(seen: &'a Observation, control: &'a Observation, control_outcome: Outcome) -> [Case<'a>; 2] {
        [
            Case { trial: "ctl", kind: Kind::DirectControl, outcome: control_outcome, observation: control },
            Case { trial: "tls", kind: Kind::Subject, outcome: Outcome::Fail, observation: seen },
        ]
    }

    #[test]
    fn the_seed_failure_is_named_with_certainty_only_where_everything_fits() {
        let (seen, control) = (seed_failure(), Observation::default());
        let confidence =
            |ran: Provenance, outcome| diagnose(&cases(&seen, &control, outcome), &ran)[0].confidence.clone();
        assert_eq!(confidence(ran("9.2.5", "3.5.7"), Outcome::Pass), "certain");
        assert_eq!(confidence(ran("9.2.7", "3.5.7"), Outcome::Pass), "looks like");
        assert_eq!(confidence(ran("9.2.5", "3.0.20"), Outcome::Pass), "looks like");
        assert_eq!(confidence(ran("9.2.5", "3.5.7"), Outcome::Fail), "looks like");
    }

    #[test]
    fn a_near_miss_is_not_named() {
        let mut refused = seed_failure();
        refused.logs[0].text = refused.logs[0].text.replace("Invalid argument [22]", "Connection refused [111]");
        refused.client = Some(ClientRun {
            exchanges: vec![Exchange { status: Some(502), reason: "Connection refused".into(), ..Exchange::default() }],
        });
        let control = Observation::default();
        assert_eq!(diagnose(&cases(&refused, &control, Outcome::Pass), &ran("9.2.5", "3.5.7")), []);
    }

    #[test]
    fn every_known_issue_has_ranges_that_parse_and_two_signs() {
        for issue in KNOWN_ISSUES {
            assert!(issue.ats.parse::<VersionRange>().is_ok() && issue.openssl.parse::<VersionRange>().is_ok());
            assert!(issue.signs.len() >= 2 && issue.signs.iter().all(Sign::is_well_formed), "{}", issue.id);
        }
    }
}
