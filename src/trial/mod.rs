//! The catalogue of trials: one file a trial, registered in [`CATALOGUE`] and nowhere else.
//!
//! A trial says what it shows and why it is worth having, what it does (a [`TrialSpec`], plain
//! data that the agents interpret) and how an [`Observation`] of it is judged. Pure: it knows no
//! engine, no network and no clock.

pub mod body;
mod check;
mod controls;
mod http;
mod spec;
mod tls;

pub use check::{Check, Judgement};

use crate::model::{Observation, TrialSpec, Version, VersionRange};

/// Whether a trial tests ATS's way to TLS origins or tells whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Does not go through ATS: when it fails, the origin, the network or we are at fault.
    DirectControl,
    /// Goes through ATS but not through TLS: when it fails, ATS is broken in another way.
    PlainControl,
    /// The thing under test.
    Subject,
}

/// One entry of the catalogue.
#[derive(Debug)]
pub struct Trial {
    /// Its name in options, files and tables.
    pub id: &'static str,
    /// What it shows, one line.
    pub title: &'static str,
    /// Why it is worth having: an issue, an RFC, a change in a distro.
    pub why: &'static str,
    /// Where to read about that.
    pub link: &'static str,
    /// Control or subject.
    pub kind: Kind,
    /// The ATS versions that can do it, with the reason for others; `None`: all can.
    pub needs_ats: Option<(&'static str, &'static str)>,
    /// What it does.
    pub spec: fn() -> TrialSpec,
    /// How an observation is judged: every check must hold.
    pub judge: fn(&Observation) -> Vec<Check>,
}

/// Every trial, in the order of tables and runs: controls first.
pub const CATALOGUE: &[&Trial] = &[
    &controls::direct_curl::TRIAL,
    &controls::direct_tls::TRIAL,
    &controls::plain_origin::TRIAL,
    &tls::remote_origin::TRIAL,
    &tls::same_host::TRIAL,
    &tls::tls12_only::TRIAL,
    &tls::tls13_only::TRIAL,
    &tls::verify_enforced::TRIAL,
    &http::keepalive_reuse::TRIAL,
    &http::post_1m::TRIAL,
    &http::response_10m::TRIAL,
];

/// The trial named `id`.
pub fn by_id(id: &str) -> Option<&'static Trial> {
    CATALOGUE.iter().copied().find(|trial| trial.id == id)
}

impl Trial {
    /// Whether an ATS of `version` can do this; the reason if not. An unreadable version can do all:
    /// the trial then speaks for itself.
    ///
    /// # Errors
    /// The reason, for the table.
    pub fn supported_by(&self, version: &str) -> Result<(), &'static str> {
        let Some((range, reason)) = self.needs_ats else { return Ok(()) };
        let known = version.parse::<Version>().ok().zip(range.parse::<VersionRange>().ok());
        match known {
            Some((version, range)) if !range.contains(&version) => Err(reason),
            _ => Ok(()),
        }
    }

    /// Judges `observation`.
    pub fn judge(&self, observation: &Observation) -> Judgement {
        Judgement::from_checks((self.judge)(observation), observation)
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
            assert!(trial.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", trial.id);
            assert!(trial.link.starts_with("https://"), "{}", trial.id);
            if let Some((range, reason)) = trial.needs_ats {
                assert!(range.parse::<VersionRange>().is_ok() && !reason.is_empty(), "{}", trial.id);
            }
        }
    }

    #[test]
    fn controls_come_first_so_that_a_broken_origin_is_known_early() {
        let kinds: Vec<_> = CATALOGUE.iter().map(|trial| trial.kind).collect();
        assert!(kinds.is_sorted());
    }
}
