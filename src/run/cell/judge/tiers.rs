//! Judges cells with two ATS: what ran as parent, whose fault a failure is, and which known issue of the parent it is. Pure.

use super::attempts::AllAttempts;
use super::{distro_mismatch, version_mismatch};
use crate::catalogue::known_issues::{self, Evidence, TrialCase};
use crate::catalogue::trials::{Judgement, TierFault, Trial, at_parent, fault_of};
use crate::model::{IssueMatch, LogLine, Observation, Outcome, ParentRan, Provenance};
use crate::run::cell::Job;
use crate::run::cell::evidence::Gathered;
use crate::verdict;

/// Why the parent does not support `trial`.
pub(super) fn unsupported(trial: &Trial, job: &Job) -> Option<String> {
    let parent = &job.parent.as_ref()?.planned;
    verdict::unsupported_reason(trial, Some(&parent.version), None, &[]).map(|reason| of_parent(&reason))
}

/// The same by the OpenSSL that the parent has loaded.
pub(super) fn unsupported_openssl(trial: &Trial, gathered: &Gathered) -> Option<String> {
    let openssl = gathered.parent.as_ref()?.provenance.openssl.as_ref()?;
    trial.unsupported(None, Some(&openssl.version)).map(of_parent)
}

fn of_parent(reason: &str) -> String {
    format!("the parent: {reason}")
}

/// What ran as parent, as far as any attempt found it out.
pub(super) fn ran(job: &Job, all: &AllAttempts) -> Option<Box<ParentRan>> {
    let cell = job.parent.as_ref()?.planned.id.clone();
    let found = all.all().filter_map(|gathered| gathered.parent.as_ref()).map(|parent| &parent.provenance);
    let provenance = found.into_iter().find(|found| **found != Provenance::default()).cloned().unwrap_or_default();
    Some(Box::new(ParentRan { cell, provenance }))
}

/// The error message if the parent ran on another distro, or was of another version, than is declared.
pub(super) fn mismatch(job: &Job, provenance: &Provenance) -> Option<String> {
    let (parent, ran) = (&job.parent.as_ref()?.planned, provenance.parent.as_ref()?);
    let distro = distro_mismatch(&parent.id.distro, parent.os.as_ref(), &ran.provenance);
    let text = distro.or_else(|| version_mismatch(&parent.declared, &ran.provenance))?;
    Some(format!("the parent {}: {text}", parent.id))
}

/// Whose the failures are, in one sentence.
pub(super) fn reason<'a>(
    job: &Job,
    rows: &[(&'static Trial, Judgement)],
    seen: impl Fn(&Trial, Outcome) -> &'a Observation,
) -> Option<String> {
    let parent = &job.parent.as_ref()?.planned;
    let failed = rows.iter().filter(|(_, row)| row.outcome == Outcome::Fail);
    let faults: Vec<Option<TierFault>> = failed.map(|(trial, row)| fault_of(seen(trial, row.outcome))).collect();
    let (child, parent) = (&job.child, &parent.id);
    let told = [
        (Some(TierFault::Parent), format!("the parent {parent}")),
        (Some(TierFault::Child), format!("the child {child}")),
        (Some(TierFault::Between), format!("the connection of the child {child} to its parent {parent}")),
        (None, format!("the child {child} or the parent {parent}")),
    ];
    let count = |fault| faults.iter().filter(|found| **found == fault).count();
    let all: Vec<(usize, String)> =
        told.into_iter().map(|(fault, whose)| (count(fault), whose)).filter(|(count, _)| *count > 0).collect();
    match all.as_slice() {
        [] => None,
        [(_, whose)] => Some(format!("{whose} fails")),
        several => {
            let each: Vec<String> = several.iter().map(|(count, whose)| format!("{whose} in {count}")).collect();
            Some(format!("of {} failures: {}", faults.len(), each.join(", ")))
        }
    }
}

/// Known issues of the parent, from what it saw and logged. A failure that is not its own for sure has no name: what passes
/// between the two is not captured.
pub(super) fn diagnosed<'a>(
    rows: &[(&'static Trial, Judgement)],
    parent: &Provenance,
    all: &AllAttempts,
    seen: impl Fn(&Trial, Outcome) -> &'a Observation,
) -> Vec<IssueMatch> {
    let views: Vec<(bool, Observation)> = rows
        .iter()
        .map(|(trial, row)| {
            let observation = seen(trial, row.outcome);
            (fault_of(observation) == Some(TierFault::Parent), at_parent(observation))
        })
        .collect();
    let cases = rows.iter().zip(&views).map(|((trial, row), (is_parents, view))| {
        let failed = matches!(row.outcome, Outcome::Fail | Outcome::Flaky);
        TrialCase {
            trial: trial.id,
            definition: Some(*trial),
            kind: trial.kind,
            outcome: if failed && !is_parents { Outcome::Error } else { row.outcome },
            observation: view,
        }
    });
    let cases: Vec<TrialCase<'_>> = cases.collect();
    let logs: Vec<LogLine> =
        all.all().filter_map(|gathered| gathered.parent.as_ref()).flat_map(|parent| parent.logs.clone()).collect();
    let found = known_issues::diagnose(&Evidence { cases: &cases, provenance: parent, logs: &logs });
    found.into_iter().map(|issue| IssueMatch { of_parent: true, ..issue }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::trials;
    use crate::model::{
        AtsBuild, ClientRun, Closed, ClosedBy, Exchange, Flow, Library, Line, LogFile, OriginConnection,
    };
    use crate::run::cell::evidence::{Agent, ParentEvidence};

    const TRIAL: &str = "tls-remote-origin";

    fn versions(ats: &str, openssl: &str) -> Provenance {
        Provenance {
            ats: Some(AtsBuild { reported: ats.into(), ..AtsBuild::default() }),
            openssl: Some(Library { version: openssl.into(), ..Library::default() }),
            ..Provenance::default()
        }
    }

    fn log(text: &str) -> Line {
        let text = text.to_owned();
        Line::Log(LogLine { trial: Some(TRIAL.to_owned()), file: LogFile::Error, text })
    }

    fn wire(flows: Vec<Flow>) -> Line {
        Line::Wire { trial: TRIAL.into(), flows, pcapng: "x".into(), lost: 0 }
    }

    /// What an attempt with two ATS gathers; `sick_one` is the one that fails.
    fn gathered(sick_one: Agent) -> Gathered {
        let parent = ParentEvidence {
            address: "10.0.0.2".into(),
            through: [TRIAL.to_owned()].into(),
            ..ParentEvidence::default()
        };
        let mut gathered = Gathered::default();
        gathered.parent = Some(parent);
        let (sick, well) = (versions("9.2.5", "3.5.0"), versions("9.2.9", "3.0.20"));
        let of_parent = if sick_one == Agent::Parent { sick.clone() } else { well.clone() };
        gathered.add(Agent::Cell, Line::Provenance(Box::new(if sick_one == Agent::Parent { well } else { sick })));
        gathered.add(Agent::Parent, Line::Provenance(Box::new(of_parent)));
        let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
        let run = ClientRun { exchanges: vec![exchange], ..ClientRun::default() };
        gathered.add(Agent::Cell, Line::Client { trial: TRIAL.into(), run, ats: crate::model::AtsLife::Alive });
        let url = "CONNECT: attempt fail [CONNECTION_ERROR] to 10.0.0.3:20005 for host='tls-remote-origin.test' \
                   connection_result=Invalid argument [22] error=Invalid argument [22] attempts=0 \
                   url='https://tls-remote-origin.test:20005/'";
        gathered.add(sick_one, log(url));
        gathered.add(Agent::Cell, wire(Vec::new()));
        if sick_one == Agent::Parent {
            gathered.add(Agent::Parent, wire(vec![Flow::default()]));
            let connection = OriginConnection {
                trial: TRIAL.into(),
                peer: "10.0.0.2:4000".into(),
                closed: Some(Closed { by: ClosedBy::Peer, at_us: 3 }),
                ..OriginConnection::default()
            };
            gathered.add(Agent::Origin, Line::Connection(Box::new(connection)));
        } else {
            gathered.add(Agent::Parent, wire(Vec::new()));
        }
        gathered.sort();
        gathered
    }

    fn named(sick_one: Agent) -> (Option<TierFault>, Vec<IssueMatch>) {
        let gathered = gathered(sick_one);
        let observation = gathered.trials[TRIAL].clone();
        let control = Observation::default();
        let row = |id: &str, outcome| {
            let judgement = Judgement { outcome, summary: String::new(), checks: Vec::new() };
            (trials::by_id(id).unwrap(), judgement)
        };
        let rows =
            [row("ctl-direct-tls", Outcome::Pass), row("ctl-plain-origin", Outcome::Pass), row(TRIAL, Outcome::Fail)];
        let seen = |trial: &Trial, _| if trial.id == TRIAL { &observation } else { &control };
        let parent = gathered.parent.as_ref().unwrap().provenance.clone();
        let all = AllAttempts(Vec::new());
        (fault_of(&observation), diagnosed(&rows, &parent, &all, seen))
    }

    #[test]
    fn a_known_issue_of_the_parent_is_named_as_its_own() {
        let (fault, issues) = named(Agent::Parent);
        let [issue] = issues.as_slice() else { panic!("{issues:?}") };
        assert_eq!((fault, issue.id.as_str(), issue.of_parent), (Some(TierFault::Parent), "ATS-11465", true));
        assert!(issue.is_certain_of(TRIAL), "{issue:?}");
    }

    #[test]
    fn a_failure_before_the_parent_has_no_name_though_the_child_is_affected() {
        assert_eq!(named(Agent::Cell), (Some(TierFault::Between), Vec::new()));
    }

    #[test]
    fn lines_of_the_two_go_to_their_places() {
        let gathered = gathered(Agent::Parent);
        let seen = &gathered.trials[TRIAL];
        let parent = seen.parent.as_ref().unwrap();
        assert_eq!((seen.wire.len(), parent.past.len(), parent.logs.len(), seen.logs.len()), (1, 0, 1, 0));
        assert_eq!(parent.address, "10.0.0.2");
        let reported = |of: &Provenance| of.ats.as_ref().unwrap().reported.clone();
        assert_eq!(reported(&gathered.provenance), "9.2.9");
        assert_eq!(reported(&gathered.parent.as_ref().unwrap().provenance), "9.2.5");
        let mut past = gathered;
        past.add(Agent::Cell, wire(vec![Flow::default(), Flow::default()]));
        assert_eq!(fault_of(&past.trials[TRIAL]), Some(TierFault::Child), "it went past its parent");
        // A control goes past the parent, and is to.
        past.add(
            Agent::Cell,
            Line::Wire { trial: "ctl-direct-tls".into(), flows: vec![Flow::default()], pcapng: "x".into(), lost: 0 },
        );
        assert!(past.trials["ctl-direct-tls"].parent.is_none());
        assert_eq!(past.trials["ctl-direct-tls"].wire.len(), 1);
    }
}
