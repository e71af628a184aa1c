//! A known issue, as data.

use super::affected::Affected;
use super::sign::Sign;
use crate::model::{Record, RecordType};

/// A known issue.
#[derive(Debug, Clone, Copy)]
pub struct KnownIssue {
    /// Short id, for example `ATS-11465`.
    pub id: &'static str,
    /// The problem, in one line.
    pub title: &'static str,
    /// Upstream link.
    pub link: &'static str,
    /// More links: the fix, other reports.
    pub also: &'static [&'static str],
    /// Versions and builds affected.
    pub affected: Affected,
    /// The conditions that trigger it.
    pub when: &'static str,
    /// The releases and distro builds that fix it.
    pub fixed_in: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// What may help until then. Workarounds with settings can be tried on a cell.
    pub workarounds: &'static [Workaround],
    /// What the evidence shows.
    pub shows: Shows,
    /// What triggers it here.
    pub provoked: Provoked,
}

/// How an issue shows.
#[derive(Debug, Clone, Copy)]
pub enum Shows {
    /// In failing trials.
    Trials(Signature),
    /// In a compiler's errors: all of these regular expressions must match.
    Build(&'static [&'static str]),
}

/// The signs of an issue in a trial's evidence, and those of its neighbours: other causes with the same symptom.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// Globs of the trials that can show it; empty: all.
    pub among: &'static [&'static str],
    /// Signs that all must show.
    pub must: &'static [Sign],
    /// Signs that may also show. In all, two witnesses are needed.
    pub may: &'static [Sign],
    /// Signs of another cause: if one shows, it is not this issue.
    pub not: &'static [Sign],
    /// Signs that all must show for a certain match, such as a similar trial that avoids the issue and passes.
    pub sure: &'static [Sign],
    /// Signs of a possible other cause: if one shows, the match is not certain.
    pub unless: &'static [Sign],
    /// It is intermittent: a trial that failed and then passed can be a certain match.
    pub at_times: bool,
}

/// No signs: the base for signatures.
pub(super) const NO_SIGNS: Signature =
    Signature { among: &[], must: &[], may: &[], not: &[], sure: &[], unless: &[], at_times: false };

/// What triggers an issue in a run.
#[derive(Debug, Clone, Copy)]
pub enum Provoked {
    /// These trials, which fail with it. Then the cells, as text.
    By(&'static [&'static str], &'static str),
    /// These trials, which pass although it is there: ATS is right to behave so. Then the cells, as text.
    Withstood(&'static [&'static str], &'static str),
    /// These trials, which should fail with it; no run here has shown it. Then the reason.
    Unseen(&'static [&'static str], &'static str),
    /// Nothing, for this reason.
    Not(&'static str),
}

/// Something that may help without another version.
#[derive(Debug, Clone, Copy)]
pub struct Workaround {
    /// Short name for options and folders.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// ATS settings under their 9.x names: name, type, value. Empty: it is applied outside ATS, so that no cell can try
    /// it.
    pub records: &'static [(&'static str, RecordType, &'static str)],
    /// What it costs.
    pub cost: &'static str,
    /// It fixes every trial that fails with the issue and no other. A trial that still fails with it has another cause.
    pub decides: bool,
}

impl Workaround {
    /// Whether it can be tried on a cell.
    pub fn can_be_tried(&self) -> bool {
        !self.records.is_empty()
    }

    /// Its settings.
    pub fn settings(&self) -> Vec<Record> {
        let record = |&(name, kind, value): &(&str, RecordType, &str)| Record {
            name: name.to_owned(),
            kind,
            value: value.to_owned(),
        };
        self.records.iter().map(record).collect()
    }
}
