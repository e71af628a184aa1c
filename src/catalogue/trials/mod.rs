//! The catalogue of trials: one file per group, and in it one item per trial.
//!
//! A trial states what it shows and why, what it does (a [`TrialSpec`], data that the agents interpret) and how its
//! [`Observation`] is judged. Pure: no engine, no network, no clock.

mod alpn;
pub mod body;
mod catalogue;
mod certificate;
mod check;
mod controls;
mod fault;
mod groups;
mod http;
mod httpd;
pub mod image;
mod inbound;
mod legacy;
mod load;
mod mtls;
mod net;
mod nginx;
mod own;
#[cfg(test)]
mod pins;
mod pool;
mod production;
mod refusal;
mod session;
mod sni;
mod spec;
mod tfo;
mod tiers;
mod tls;
mod tunnel;
mod your_config;

pub use catalogue::Catalogue;
pub use check::{Check, Judgement};
pub use tiers::{TierFault, at_parent, beyond_tiers, fault_of};

use std::sync::LazyLock;

use super::{count, flatten};
use crate::model::{CellKind, Observation, OwnTrial, TrialSpec, Version, VersionRange};

/// The id of every built-in trial that all cells have, in the catalogue's order.
pub fn ids() -> &'static [&'static str] {
    static IDS: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| CATALOGUE.iter().filter(|trial| trial.only_for.is_none()).map(|trial| trial.id).collect());
    &IDS
}

/// The trials that only cells of this kind have.
pub fn only_for(kind: CellKind) -> impl Iterator<Item = &'static Trial> {
    CATALOGUE.iter().copied().filter(move |trial| trial.only_for == Some(kind))
}

/// The trials that not all cells have.
pub fn of_some_cells() -> impl Iterator<Item = &'static Trial> {
    CATALOGUE.iter().copied().filter(|trial| trial.only_for.is_some())
}

/// The trial whose first ClientHello is recorded as the size of a cell's.
pub const SIZED_BY: &str = groups::SIZED_BY;

/// Bytes of the first ClientHello in `observation`, with its record header.
pub fn hello_size(observation: &Observation) -> Option<u32> {
    check::first_hello(observation).map(check::on_the_wire)
}

/// Whether a trial tests ATS, or shows whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Does not go through ATS: when it fails, the origin, the network or this program is at fault.
    DirectControl,
    /// Goes through ATS but not through TLS: when it fails, more than TLS is broken.
    PlainControl,
    /// Tests ATS.
    Subject,
}

/// What a trial needs: a range of versions, and the reason reported outside of it.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// The version that ATS reports.
    Ats(&'static str, &'static str),
    /// The version of the OpenSSL that ATS has loaded.
    OpenSsl(&'static str, &'static str),
}

impl Need {
    /// Why the versions do not meet it. A version that cannot be parsed meets every need: the trial runs and shows
    /// what it can do.
    fn unmet(self, ats: Option<&str>, openssl: Option<&str>) -> Option<&'static str> {
        let (range, reason, version) = match self {
            Self::Ats(range, reason) => (range, reason, ats),
            Self::OpenSsl(range, reason) => (range, reason, openssl),
        };
        let (version, range) = (version?.parse::<Version>().ok()?, range.parse::<VersionRange>().ok()?);
        (!range.contains(&version)).then_some(reason)
    }
}

/// A known issue that makes some versions of ATS fail a trial on every distro. The trial still runs.
#[derive(Debug, Clone, Copy)]
pub struct Limitation {
    /// Id of the known issue.
    pub issue: &'static str,
    /// The affected versions: one of these ranges must contain the version.
    pub ats: &'static [&'static str],
}

impl Limitation {
    /// A version that cannot be parsed is not affected.
    fn affects(&self, version: &str) -> bool {
        let Ok(version) = version.parse::<Version>() else { return false };
        self.ats.iter().any(|range| range.parse::<VersionRange>().is_ok_and(|range| range.contains(&version)))
    }
}

/// One entry of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Its name in options, files and tables.
    pub id: &'static str,
    /// What it shows, in one line.
    pub title: &'static str,
    /// Why it exists: an issue, an RFC, a change in a distro.
    pub why: &'static str,
    /// Where to read more.
    pub link: &'static str,
    /// Control or subject.
    pub kind: Kind,
    /// What it needs from the cell. Without that it is unsupported, with the reason.
    pub needs: &'static [Need],
    /// The kind of cell that has it; `None`: all cells do.
    pub only_for: Option<CellKind>,
    /// Known issues that make some versions of ATS fail it on every distro. A missing feature belongs in `needs`.
    pub limitations: &'static [Limitation],
    /// What it does.
    spec: fn() -> TrialSpec,
    /// How an observation is judged: every check must hold.
    judge: fn(&Observation) -> Vec<Check>,
    /// The user's own trial that it is made from, whose spec and expectations stand for the two above.
    own: Option<&'static OwnTrial>,
}

/// What most trials have in common: each entry of a group ends with `..SUBJECT`.
const SUBJECT: Trial = Trial {
    id: "",
    title: "",
    why: "",
    link: "",
    kind: Kind::Subject,
    needs: &[],
    only_for: None,
    limitations: &[],
    spec: spec::https_get,
    judge: check::one_tls_answer,
    own: None,
};

/// The groups, in the order of tables and runs: controls first.
const GROUPS: &[&[Trial]] = &[
    controls::TRIALS,
    tls::TRIALS,
    nginx::TRIALS,
    httpd::TRIALS,
    groups::TRIALS,
    certificate::TRIALS,
    refusal::TRIALS,
    legacy::TRIALS,
    mtls::TRIALS,
    sni::TRIALS,
    alpn::TRIALS,
    session::TRIALS,
    pool::TRIALS,
    http::TRIALS,
    tunnel::TRIALS,
    inbound::TRIALS,
    net::TRIALS,
    fault::TRIALS,
    tfo::TRIALS,
    load::TRIALS,
    production::TRIALS,
    image::TRIALS,
    your_config::TRIALS,
    tiers::TRIALS,
];

/// Every built-in trial, group by group.
pub const CATALOGUE: &[&Trial] = &flatten::<_, { count(GROUPS) }>(GROUPS);

/// The built-in trial named `id`.
pub fn by_id(id: &str) -> Option<&'static Trial> {
    CATALOGUE.iter().copied().find(|trial| trial.id == id)
}

impl Trial {
    /// Why a cell with these versions cannot run it; `None`: it can, as far as the versions are known.
    pub fn unsupported(&self, ats: Option<&str>, openssl: Option<&str>) -> Option<&'static str> {
        self.needs.iter().find_map(|need| need.unmet(ats, openssl))
    }

    /// The reason reported where its need for a version of OpenSSL is not met; `None`: it has no such need.
    pub fn needs_openssl(&self) -> Option<&'static str> {
        self.needs.iter().find_map(|need| match need {
            Need::OpenSsl(_, reason) => Some(*reason),
            Need::Ats(..) => None,
        })
    }

    /// Id of the known issue declared to make this version of ATS fail it.
    pub fn limitation(&self, ats: &str) -> Option<&'static str> {
        self.limitations.iter().find(|limitation| limitation.affects(ats)).map(|limitation| limitation.issue)
    }

    /// What it does.
    pub fn spec(&self) -> TrialSpec {
        self.own.map_or_else(self.spec, |own| own.spec.clone())
    }

    /// What it expects in the words of reports, if it is a trial of the user's own.
    pub fn expectations(&self) -> Vec<String> {
        self.own.map(own::expectations).unwrap_or_default()
    }

    /// Digest of what it does and expects, if it is a trial of the user's own.
    pub fn definition(&self) -> Option<&'static str> {
        self.own.map(|own| own.digest.as_str())
    }

    fn checks(&self, observation: &Observation) -> Vec<Check> {
        self.own.map_or_else(|| (self.judge)(observation), |own| own::checks(own, observation))
    }

    /// Judges `observation`: pass, fail, unsupported or error.
    pub fn judge(&self, observation: &Observation) -> Judgement {
        let checks = check::and(self.checks(observation), tiers::way(observation));
        tiers::with_end(Judgement::from_checks(checks, observation), observation)
    }

    /// Whether it is a control of either kind.
    pub fn is_control(&self) -> bool {
        self.kind != Kind::Subject
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_names_and_ranges_parse() {
        let ids: BTreeSet<_> = CATALOGUE.iter().map(|trial| trial.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
        for trial in CATALOGUE {
            assert!(!trial.id.is_empty() && !trial.title.is_empty() && !trial.why.is_empty(), "{trial:?}");
            assert!(trial.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", trial.id);
            assert!(trial.link.starts_with("https://"), "{}", trial.id);
            for need in trial.needs {
                let (Need::Ats(range, reason) | Need::OpenSsl(range, reason)) = need;
                assert!(range.parse::<VersionRange>().is_ok() && !reason.is_empty(), "{}", trial.id);
            }
            for limitation in trial.limitations {
                assert!(!limitation.ats.is_empty() && !trial.is_control(), "{}", trial.id);
                let parse = |range: &&str| range.parse::<VersionRange>().is_ok();
                assert!(limitation.ats.iter().all(parse), "{}", trial.id);
            }
        }
    }

    #[test]
    fn controls_come_first_so_that_a_broken_origin_shows_early() {
        let kinds: Vec<_> = CATALOGUE.iter().map(|trial| trial.kind).collect();
        assert!(kinds.is_sorted());
    }

    #[test]
    fn the_size_of_hellos_comes_from_a_trial_that_exists() {
        assert!(by_id(SIZED_BY).is_some());
    }
}
