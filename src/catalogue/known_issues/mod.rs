//! Known issues, recognised by their signs in the evidence. Pure.
//!
//! A known issue is data: one item in a file under `issues/`. A match needs two independent witnesses (client, origin,
//! wire, each log, the process, other trials) and no sign of another cause. It is certain where affected versions ran,
//! the controls passed, the trial failed each time, the signs that distinguish the issue from its neighbours show, and
//! nothing leaves another cause open; otherwise the failure only "looks like" the issue. Outside the affected versions
//! even that needs three witnesses. A trial has one cause: where two issues are certain of it, neither is.

mod affected;
mod issue;
mod issues;
mod resemblance;
mod sign;
mod tried;

use std::collections::{BTreeMap, BTreeSet};

pub use affected::{Affected, Patched, Reach};
pub use issue::{KnownIssue, Provoked, Shows, Signature, Workaround};
pub use issues::KNOWN_ISSUES;
pub use resemblance::{Likeness, Resemblance, resembled};
pub use sign::{EvidenceSource, Sign, Witness};
pub use tried::{after_workarounds, without_doubtful};

use crate::catalogue::trials::{Kind, Trial};
use crate::model::{AtsBuild, Confidence, IssueMatch, LogLine, Observation, Outcome, Provenance};

/// One trial of a cell, with its evidence.
#[derive(Debug, Clone, Copy)]
pub struct TrialCase<'a> {
    /// Trial id.
    pub trial: &'a str,
    /// What it does; `None` if that is not known here.
    pub definition: Option<&'static Trial>,
    /// Control or subject.
    pub kind: Kind,
    /// Its outcome.
    pub outcome: Outcome,
    /// What was observed.
    pub observation: &'a Observation,
}

/// The evidence of a cell.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Every trial.
    pub cases: &'a [TrialCase<'a>],
    /// What ran.
    pub provenance: &'a Provenance,
    /// Log lines that name no trial.
    pub logs: &'a [LogLine],
}

/// The known issue named `id`.
pub fn by_id(id: &str) -> Option<&'static KnownIssue> {
    KNOWN_ISSUES.iter().copied().find(|issue| issue.id == id)
}

/// Known issues that failing trials of a cell match, in order of precedence. Each has its trials: first those that are
/// certain, then those that look like it.
pub fn diagnose(evidence: &Evidence<'_>) -> Vec<IssueMatch> {
    diagnose_among(KNOWN_ISSUES, evidence)
}

fn diagnose_among(issues: &[&KnownIssue], evidence: &Evidence<'_>) -> Vec<IssueMatch> {
    let mut found: Vec<(&KnownIssue, Found)> =
        issues.iter().map(|issue| (*issue, in_trials(issue, evidence))).collect();
    let mut claims: BTreeMap<String, usize> = BTreeMap::new();
    for trial in found.iter().flat_map(|(_, found)| &found.certain) {
        *claims.entry(trial.clone()).or_default() += 1;
    }
    for (_, found) in &mut found {
        found.doubt(|trial| claims.get(trial).is_some_and(|count| *count > 1));
    }
    found.into_iter().flat_map(|(issue, found)| found.matches(issue)).collect()
}

/// Id of the known issue that the catalogue declares for `trial` and that affects what ran. A build with the fix is not
/// affected, nor is one with unknown versions.
pub fn limitation(trial: &Trial, ran: &Provenance) -> Option<&'static str> {
    let id = trial.limitation(&ran.ats.as_ref()?.reported)?;
    (by_id(id)?.affected.reach(ran) == Reach::Affected).then_some(id)
}

/// Known issues that a compiler's errors match. `version` is the ATS that did not compile. None is certain: there is no
/// control, and the OpenSSL that the compiler used is unknown.
pub fn diagnose_build(reason: &str, version: &str) -> Vec<IssueMatch> {
    diagnose_build_among(KNOWN_ISSUES, reason, version)
}

fn diagnose_build_among(issues: &[&KnownIssue], reason: &str, version: &str) -> Vec<IssueMatch> {
    let ats = AtsBuild { reported: version.to_owned(), ..AtsBuild::default() };
    let provenance = Provenance { ats: Some(ats), ..Provenance::default() };
    let matched = |issue: &&&KnownIssue| {
        let Shows::Build(patterns) = issue.shows else { return false };
        let all = patterns.iter().all(|pattern| sign::matches(pattern, reason));
        all && issue.affected.reach(&provenance) != Reach::Outside
    };
    issues.iter().filter(matched).map(|issue| stated(issue, false, Vec::new())).collect()
}

/// The trials that match an issue.
#[derive(Debug, Default)]
struct Found {
    certain: Vec<String>,
    alike: Vec<String>,
}

impl Found {
    /// Downgrades doubtful trials from certain to alike.
    fn doubt(&mut self, doubtful: impl Fn(&str) -> bool) {
        let (doubted, certain) = std::mem::take(&mut self.certain).into_iter().partition(|trial| doubtful(trial));
        self.certain = certain;
        self.alike.extend::<Vec<String>>(doubted);
    }

    fn matches(self, issue: &KnownIssue) -> impl Iterator<Item = IssueMatch> {
        let both = [(true, self.certain), (false, self.alike)].into_iter();
        both.filter(|(_, trials)| !trials.is_empty()).map(|(certain, trials)| stated(issue, certain, trials))
    }
}

fn in_trials(issue: &KnownIssue, evidence: &Evidence<'_>) -> Found {
    let Shows::Trials(signature) = issue.shows else { return Found::default() };
    let reach = issue.affected.reach(evidence.provenance);
    let needed = if reach == Reach::Outside { 3 } else { 2 };
    let may_be_certain = reach == Reach::Affected && controls_held(evidence.cases);
    let mut found = Found::default();
    let failing = evidence.cases.iter().filter(|case| matches!(case.outcome, Outcome::Fail | Outcome::Flaky));
    for case in failing.filter(|case| witnesses(&signature, case, evidence).len() >= needed) {
        let certain = may_be_certain && excludes_neighbours(&signature, case, evidence);
        if certain { &mut found.certain } else { &mut found.alike }.push(case.trial.to_owned());
    }
    found
}

/// The witnesses of an issue in `case`: none where a required sign is missing, or a sign of another cause shows.
fn witnesses(signature: &Signature, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> BTreeSet<Witness> {
    let Signature { among, must, may, not, .. } = signature;
    let other_trial = !among.is_empty() && !among.iter().any(|glob| sign::is_like(glob, case.trial));
    if other_trial || not.iter().any(|sign| sign.shows(case, evidence)) {
        return BTreeSet::new();
    }
    let Some(mut seen) = must.iter().map(|sign| sign.shown(case, evidence)).collect::<Option<BTreeSet<_>>>() else {
        return BTreeSet::new();
    };
    seen.extend(may.iter().filter_map(|sign| sign.shown(case, evidence)));
    seen.remove(&Witness::SetUp);
    seen
}

/// Whether the evidence of `case` rules out other causes.
fn excludes_neighbours(signature: &Signature, case: &TrialCase<'_>, evidence: &Evidence<'_>) -> bool {
    (signature.at_times || case.outcome == Outcome::Fail)
        && signature.sure.iter().all(|sign| sign.shows(case, evidence))
        && !signature.unless.iter().any(|sign| sign.shows(case, evidence))
}

/// At least one control ran, and every control that ran passed.
fn controls_held(cases: &[TrialCase<'_>]) -> bool {
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
        of_parent: false,
        trials,
        workarounds: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
