//! What a known issue is, as data.

use super::affected::Affected;
use super::sign::Sign;
use crate::model::Record;

/// A known issue.
#[derive(Debug)]
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
}

/// How an issue shows.
#[derive(Debug)]
pub enum Shows {
    /// In trials that fail.
    Trials {
        /// Globs of the trials that can show it; empty: any.
        among: &'static [&'static str],
        /// Signs that all must show.
        must: &'static [Sign],
        /// Signs that may show besides. Two witnesses are needed in all.
        may: &'static [Sign],
    },
    /// In the errors of a compiler, which all must match these regular expressions.
    Build(&'static [&'static str]),
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
    pub records: &'static [(&'static str, &'static str, &'static str)],
    /// What it costs.
    pub cost: &'static str,
}

impl Workaround {
    /// Whether it can be tried on a cell.
    pub fn can_be_tried(&self) -> bool {
        !self.records.is_empty()
    }

    /// Its settings.
    pub fn settings(&self) -> Vec<Record> {
        let record = |&(name, kind, value): &(&str, &str, &str)| Record {
            name: name.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        };
        self.records.iter().map(record).collect()
    }
}
