//! Expected verdicts and when they apply.

use jiff::civil::Date;

use super::globs::Globs;
use crate::model::{AtsId, CellId, DistroId, Expected, Provenance, Verdict, Version, VersionRange};

/// An expected verdict. It applies to a cell if all its conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Patterns over distro names; `None`: any.
    pub distro: Option<Globs>,
    /// Patterns over ATS names; `None`: any.
    pub ats: Option<Globs>,
    /// Patterns over cell names; `None`: any.
    pub cells: Option<Globs>,
    /// Patterns over the names of cells that it does not apply to.
    pub except: Option<Globs>,
    /// Version range of the OpenSSL that the running ATS has loaded.
    pub openssl: Option<VersionRange>,
    /// Version range of the running ATS, as it reports it.
    pub ats_version: Option<VersionRange>,
    /// Patterns over the trials that may fail; `None`: any.
    pub trials: Option<Globs>,
    /// Id of the known issue that it is about; `None`: any cause.
    pub issue: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Where to read more.
    pub link: Option<String>,
    /// The last day on which it is accepted.
    pub expires: Option<Date>,
    /// Line and column of the entry in matrix.yaml.
    pub at: (usize, usize),
    /// Line and column of its `trials`, or of the entry.
    pub(super) trials_at: (usize, usize),
    /// Line and column of its `issue`, or of the entry.
    pub(super) issue_at: (usize, usize),
}

/// What is known of a cell after it ran. A new axis is added here, in [`Expectation::applies`] and in the entry of the
/// file.
#[derive(Debug, Clone, Copy)]
pub struct CellFacts<'a> {
    /// The row.
    pub distro: &'a DistroId,
    /// The column.
    pub ats: &'a AtsId,
    /// What `traffic_server -V` reported; `None` if it never ran.
    pub ats_version: Option<&'a str>,
    /// Version of the `libssl` that ATS had loaded; `None` if unknown.
    pub openssl: Option<&'a str>,
}

impl<'a> CellFacts<'a> {
    /// The facts that `provenance` has about `cell`.
    pub fn of(cell: &'a CellId, provenance: &'a Provenance) -> Self {
        Self {
            distro: &cell.distro,
            ats: &cell.ats,
            ats_version: provenance.ats.as_ref().map(|ats| ats.reported.as_str()),
            openssl: provenance.openssl.as_ref().map(|library| library.version.as_str()),
        }
    }
}

impl Expectation {
    /// Whether it may apply to a cell, judged by what is known before the cell runs.
    pub fn concerns(&self, distro: &DistroId, ats: &AtsId) -> bool {
        let holds = |globs: &Option<Globs>, name: &str| globs.as_ref().is_none_or(|globs| globs.matches(name));
        let cell = format!("{distro}/{ats}");
        holds(&self.distro, distro.as_str())
            && holds(&self.ats, ats.as_str())
            && holds(&self.cells, &cell)
            && !self.except.as_ref().is_some_and(|globs| globs.matches(&cell))
    }

    /// Whether it applies to a cell that ran. A condition on something unknown does not hold.
    pub fn applies(&self, cell: &CellFacts<'_>) -> bool {
        self.concerns(cell.distro, cell.ats)
            && within(self.openssl.as_ref(), cell.openssl)
            && within(self.ats_version.as_ref(), cell.ats_version)
    }

    /// Whether it covers a failure of `trial`.
    pub fn covers(&self, trial: &str) -> bool {
        self.trials.as_ref().is_none_or(|globs| globs.matches(trial))
    }

    /// The form that results record.
    pub fn stated(&self) -> Expected {
        let trials = self.trials.iter().flat_map(Globs::patterns).map(str::to_owned).collect();
        Expected {
            verdict: self.verdict,
            reason: self.reason.clone(),
            link: self.link.clone(),
            trials,
            issue: self.issue.clone(),
            expires: self.expires,
            also: Vec::new(),
        }
    }
}

fn within(range: Option<&VersionRange>, found: Option<&str>) -> bool {
    let Some(range) = range else { return true };
    found.and_then(|text| text.parse::<Version>().ok()).is_some_and(|version| range.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed_bug() -> Expectation {
        Expectation {
            distro: None,
            ats: Some(Globs::new(["9.2.5"]).unwrap()),
            cells: None,
            except: None,
            openssl: Some(">=3.2".parse().unwrap()),
            ats_version: Some(">=9.2.0,<9.2.7".parse().unwrap()),
            trials: Some(Globs::new(["tls-*"]).unwrap()),
            issue: None,
            verdict: Verdict::Fail,
            reason: "OpenSSL 3.2".to_owned(),
            link: None,
            expires: Some("2027-06-30".parse().unwrap()),
            at: (1, 1),
            trials_at: (1, 1),
            issue_at: (1, 1),
        }
    }

    #[test]
    fn it_applies_only_when_every_condition_holds() {
        let (distro, ats, other) = ("debian-13".parse().unwrap(), "9.2.5".parse().unwrap(), "9.2.9".parse().unwrap());
        let cell = CellFacts { distro: &distro, ats: &ats, ats_version: Some("9.2.5"), openssl: Some("3.5.7") };
        assert!(seed_bug().applies(&cell));
        assert!(!seed_bug().applies(&CellFacts { openssl: Some("3.0.20"), ..cell }));
        assert!(!seed_bug().applies(&CellFacts { ats_version: Some("9.2.9"), ..cell }));
        assert!(!seed_bug().applies(&CellFacts { ats: &other, ..cell }));
    }

    #[test]
    fn a_condition_on_something_unknown_does_not_hold() {
        let (distro, ats) = ("debian-13".parse().unwrap(), "9.2.5".parse().unwrap());
        let cell = CellFacts { distro: &distro, ats: &ats, ats_version: Some("9.2.5"), openssl: None };
        assert!(!seed_bug().applies(&cell));
        assert!(!seed_bug().applies(&CellFacts { openssl: Some("LibreSSL?"), ..cell }));
        assert!(Expectation { openssl: None, ..seed_bug() }.applies(&cell));
    }

    #[test]
    fn cells_are_named_one_by_one_or_by_pattern_and_excepted_likewise() {
        let (distro, ats) = ("debian-13".parse().unwrap(), "9.2.5".parse().unwrap());
        let globs = |pattern: &str| Some(Globs::new([pattern]).unwrap());
        for (cells, except, concerned) in [
            (globs("debian-13/9.2.5"), None, true),
            (globs("debian-*/9.2.*"), None, true),
            (globs("debian-12/*"), None, false),
            (None, globs("debian-13/*"), false),
            (None, globs("debian-12/9.2.5"), true),
        ] {
            assert_eq!(Expectation { cells, except, ..seed_bug() }.concerns(&distro, &ats), concerned);
        }
    }

    #[test]
    fn it_covers_its_trials() {
        assert!(seed_bug().covers("tls-post") && !seed_bug().covers("plain-get"));
        assert_eq!(seed_bug().stated().expires, seed_bug().expires);
        let issue = Some("ATS-11465".to_owned());
        assert_eq!(Expectation { issue: issue.clone(), ..seed_bug() }.stated().issue, issue);
    }
}
