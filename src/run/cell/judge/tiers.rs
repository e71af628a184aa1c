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
    let parent = job.parent.as_ref()?;
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
    let cell = job.parent.as_ref()?.id.clone();
    let found = all.all().filter_map(|gathered| gathered.parent.as_ref()).map(|parent| &parent.provenance);
    let provenance = found.into_iter().find(|found| **found != Provenance::default()).cloned().unwrap_or_default();
    Some(Box::new(ParentRan { cell, provenance }))
}

/// The error message if the parent ran on another distro, or was of another version, than is declared.
pub(super) fn mismatch(job: &Job, provenance: &Provenance) -> Option<String> {
    let (parent, ran) = (job.parent.as_ref()?, provenance.parent.as_ref()?);
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
    let parent = job.parent.as_ref()?;
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
