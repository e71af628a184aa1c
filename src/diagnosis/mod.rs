//! What a failure *is*: known issues, recognised by their signs in the evidence. Pure.
//!
//! A known issue is data, one file each under `issues/`. To name one takes two witnesses that are
//! independent of each other (client, origin, wire, each log, the process, other trials). It is
//! certain where the versions it affects ran and controls held; where the versions are not known,
//! or a control did not hold, it only "looks like" it. Outside of its versions three witnesses are
//! needed to say even that.

mod affected;
mod issue;
mod issues;
mod sign;

use std::collections::BTreeSet;

pub use affected::{Affected, Patched, Reach};
pub use issue::{KnownIssue, Shows, Workaround};
pub use issues::KNOWN_ISSUES;
pub use sign::{Sign, Witness};

use crate::model::{AtsBuild, Confidence, IssueMatch, LogLine, Observation, Outcome, Provenance};
use crate::trial::{Kind, Trial};

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

/// The evidence of a cell.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Every trial.
    pub cases: &'a [Case<'a>],
    /// What ran.
    pub provenance: &'a Provenance,
    /// Log lines that name no trial.
    pub logs: &'a [LogLine],
}

/// The known issue named `id`.
pub fn by_id(id: &str) -> Option<&'static KnownIssue> {
    KNOWN_ISSUES.iter().copied().find(|issue| issue.id == id)
}

/// Known issues that the failing trials of a cell match, each with its trials, in the order of the
/// registry.
pub fn diagnose(evidence: &Evidence<'_>) -> Vec<IssueMatch> {
    KNOWN_ISSUES.iter().filter_map(|issue| in_trials(issue, evidence)).collect()
}

/// Id of the known issue that limits what ran in `trial`, as the catalogue declares. A build that carries the fix is not
/// limited, nor is one of which nothing is known.
pub fn limitation(trial: &Trial, ran: &Provenance) -> Option<&'static str> {
    let id = trial.limitation(&ran.ats.as_ref()?.reported)?;
    (by_id(id)?.affected.reach(ran) == Reach::Affected).then_some(id)
}

/// Known issues that the errors of a compiler match. `version` is the ATS that did not compile. None
/// is certain: there is no control, and nobody knows which OpenSSL the compiler met.
pub fn diagnose_build(reason: &str, version: &str) -> Vec<IssueMatch> {
    let ats = AtsBuild { reported: version.to_owned(), ..AtsBuild::default() };
    let provenance = Provenance { ats: Some(ats), ..Provenance::default() };
    let matched = |issue: &&&KnownIssue| {
        let Shows::Build(patterns) = issue.shows else { return false };
        let all = patterns.iter().all(|pattern| sign::matches(pattern, reason));
        all && issue.affected.reach(&provenance) != Reach::Outside
    };
    KNOWN_ISSUES.iter().filter(matched).map(|issue| stated(issue, false, Vec::new())).collect()
}

fn in_trials(issue: &KnownIssue, evidence: &Evidence<'_>) -> Option<IssueMatch> {
    let reach = issue.affected.reach(evidence.provenance);
    let needed = if reach == Reach::Outside { 3 } else { 2 };
    let failing = evidence.cases.iter().filter(|case| matches!(case.outcome, Outcome::Fail | Outcome::Flaky));
    let showing: Vec<String> = failing
        .filter(|case| witnesses(issue, case, evidence).len() >= needed)
        .map(|case| case.trial.to_owned())
        .collect();
    let certain = reach == Reach::Affected && controls_held(evidence.cases);
    (!showing.is_empty()).then(|| stated(issue, certain, showing))
}

/// Who saw signs of `issue` in `case`; nobody where one that must show does not.
fn witnesses(issue: &KnownIssue, case: &Case<'_>, evidence: &Evidence<'_>) -> BTreeSet<Witness> {
    let Shows::Trials { among, must, may } = issue.shows else { return BTreeSet::new() };
    if !among.is_empty() && !among.iter().any(|glob| sign::is_like(glob, case.trial)) {
        return BTreeSet::new();
    }
    let Some(mut seen) = must.iter().map(|sign| sign.shown(case, evidence)).collect::<Option<BTreeSet<_>>>() else {
        return BTreeSet::new();
    };
    seen.extend(may.iter().filter_map(|sign| sign.shown(case, evidence)));
    seen
}

/// At least one control ran, and all that ran passed.
fn controls_held(cases: &[Case<'_>]) -> bool {
    let mut controls =
        cases.iter().filter(|case| case.kind != Kind::Subject && case.outcome != Outcome::Unsupported).peekable();
    controls.peek().is_some() && controls.all(|case| case.outcome == Outcome::Pass)
}

fn stated(issue: &KnownIssue, certain: bool, trials: Vec<String>) -> IssueMatch {
    IssueMatch {
        id: issue.id.into(),
        title: issue.title.into(),
        link: issue.link.into(),
        fixed_in: issue.fixed_in.into(),
        way_out: issue.way_out.into(),
        confidence: if certain { Confidence::Certain } else { Confidence::LooksLike },
        trials,
        workarounds: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
