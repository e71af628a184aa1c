//! The versions and builds that a known issue affects, as data.

use super::sign::matches;
use crate::model::{Provenance, Version, VersionRange};

/// What must run for an issue to be possible. Every stated condition must hold.
#[derive(Debug, Clone, Copy)]
pub struct Affected {
    /// ATS versions as reported: one of these ranges must contain it; empty: all.
    pub ats: &'static [&'static str],
    /// OpenSSL versions as loaded, a range; `None`: all.
    pub openssl: Option<&'static str>,
    /// A distro by its `ID` in os-release, and a range of its `VERSION_ID`; `None`: all.
    pub distro: Option<(&'static str, &'static str)>,
    /// Builds within the ranges that carry the fix.
    pub patched: &'static [Patched],
}

/// A build with a backported fix.
#[derive(Debug, Clone, Copy)]
pub struct Patched {
    /// Its name in reports, for example `Fedora 9.2.6-2`.
    pub build: &'static str,
    /// Matches the package (`NAME VERSION-RELEASE`), or the tarball with its patches.
    pub pattern: &'static str,
}

/// Whether what ran is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Its versions are affected.
    Affected,
    /// Its versions are not affected, or it carries the fix.
    Outside,
    /// What ran is unknown.
    Unknown,
}

/// No condition: every ATS on every distro.
pub(super) const ANYTHING: Affected = Affected { ats: &[], openssl: None, distro: None, patched: &[] };

impl Affected {
    /// Whether what ran is affected.
    pub fn reach(&self, ran: &Provenance) -> Reach {
        let ats = ran.ats.as_ref().map(|ats| ats.reported.as_str());
        let openssl = ran.openssl.as_ref().map(|library| library.version.as_str());
        let release = ran.distro.as_ref();
        if ats.is_some() && self.is_patched(ran) {
            return Reach::Outside;
        }
        let conditions = [
            any_of(self.ats, ats),
            self.openssl.map_or(Some(true), |range| within(range, openssl)),
            self.distro.map_or(Some(true), |(id, range)| {
                let release = release?;
                if release.id == id { within(range, Some(&release.version)) } else { Some(false) }
            }),
        ];
        if conditions.contains(&Some(false)) {
            Reach::Outside
        } else if conditions.contains(&None) {
            Reach::Unknown
        } else {
            Reach::Affected
        }
    }

    fn is_patched(&self, ran: &Provenance) -> bool {
        let texts = ran.ats.iter().flat_map(|ats| [&ats.package, &ats.source]).flatten();
        let texts: Vec<&String> = texts.collect();
        self.patched.iter().any(|patched| texts.iter().any(|text| matches(patched.pattern, text)))
    }

    /// As text: `ATS <9.2.7; OpenSSL >=3.2; not Fedora 9.2.6-2`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        parts.push(match self.ats {
            [] => "every ATS".to_owned(),
            ranges => format!("ATS {}", ranges.join(" or ")),
        });
        parts.extend(self.openssl.map(|range| format!("OpenSSL {range}")));
        parts.extend(self.distro.map(|(id, range)| format!("{id} {range}")));
        if !self.patched.is_empty() {
            let builds: Vec<&str> = self.patched.iter().map(|patched| patched.build).collect();
            parts.push(format!("not {}", builds.join(", ")));
        }
        parts.join("; ")
    }

    /// Whether its ranges and patterns parse.
    #[cfg(test)]
    pub(super) fn is_well_formed(&self) -> bool {
        let ranges = self.ats.iter().copied().chain(self.openssl).chain(self.distro.map(|(_, range)| range));
        ranges.into_iter().all(|range| range.parse::<VersionRange>().is_ok())
            && self.patched.iter().all(|patched| regex::Regex::new(patched.pattern).is_ok())
    }
}

/// Whether one of the ranges contains the version; `None`: the version is unknown.
fn any_of(ranges: &[&str], version: Option<&str>) -> Option<bool> {
    // An issue that affects every ATS still needs an ATS that ran.
    version?;
    if ranges.is_empty() {
        return Some(true);
    }
    let held: Vec<Option<bool>> = ranges.iter().map(|range| within(range, version)).collect();
    if held.contains(&Some(true)) { Some(true) } else { held.into_iter().collect::<Option<Vec<_>>>().map(|_| false) }
}

pub(super) fn within(range: &str, version: Option<&str>) -> Option<bool> {
    let range = range.parse::<VersionRange>().ok()?;
    let version = version?.parse::<Version>().ok()?;
    Some(range.contains(&version))
}
