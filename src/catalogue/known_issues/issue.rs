//! What a known issue is, as data.

use super::affected::Affected;
use super::sign::Sign;
use crate::model::{Record, RecordType};

/// A known issue.
#[derive(Debug, Clone, Copy)]
pub struct KnownIssue {
    /// Short id, for example `ATS-11465`.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// Upstream link.
    pub link: &'static str,
    /// Further links: the fix, other reports.
    pub also: &'static [&'static str],
    /// Versions and builds affected.
    pub affected: Affected,
    /// What brings it about, in words.
    pub when: &'static str,
    /// Where it is fixed, also outside of upstream's releases.
    pub fixed_in: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// What may help until then. Those with settings can be tried on a cell.
    pub workarounds: &'static [Workaround],
    /// What the evidence shows.
    pub shows: Shows,
    /// What brings it about here.
    pub provoked: Provoked,
}

/// How an issue shows.
#[derive(Debug, Clone, Copy)]
pub enum Shows {
    /// In trials that fail.
    Trials(Signature),
    /// In the errors of a compiler, which all must match these regular expressions.
    Build(&'static [&'static str]),
}

/// What tells an issue in the evidence of a trial from its neighbours, which look alike and have another cause.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// Globs of the trials that can show it; empty: any.
    pub among: &'static [&'static str],
    /// Signs that all must show.
    pub must: &'static [Sign],
    /// Signs that may show besides. Two witnesses are needed in all.
    pub may: &'static [Sign],
    /// Signs of another cause: where one shows, it is not this issue.
    pub not: &'static [Sign],
    /// Signs that all must show for it to be certain: among them the twin of the trial that goes round it, and passes.
    pub sure: &'static [Sign],
    /// Signs of a cause that may be another: where one shows, it is not certain.
    pub unless: &'static [Sign],
    /// It comes and goes, so a trial that failed and then passed may show it. Nothing else does so with certainty.
    pub at_times: bool,
}

/// No sign at all, for signatures to begin with.
pub(super) const NO_SIGNS: Signature =
    Signature { among: &[], must: &[], may: &[], not: &[], sure: &[], unless: &[], at_times: false };

/// What brings an issue about in a run.
#[derive(Debug, Clone, Copy)]
pub enum Provoked {
    /// These trials, which fail with it, or pass where that is right of ATS; and on what cells, in words.
    By(&'static [&'static str], &'static str),
    /// Nothing: why it cannot be.
    Not(&'static str),
}

/// Something that may help without another version.
#[derive(Debug, Clone, Copy)]
pub struct Workaround {
    /// Short name, a word for options and folders.
    pub name: &'static str,
    /// What it is, in words.
    pub what: &'static str,
    /// ATS settings under their 9.x names: name, type, value. Empty: it is done outside of ATS and
    /// cannot be tried here.
    pub records: &'static [(&'static str, RecordType, &'static str)],
    /// What it costs.
    pub cost: &'static str,
    /// It mends every trial that fails with the issue and none that fails otherwise. Where it was tried on a trial
    /// that failed all the same, that trial has another cause.
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
