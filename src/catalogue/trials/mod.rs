//! The catalogue of trials: one file a trial, registered in [`CATALOGUE`] and nowhere else.
//!
//! A trial says what it shows and why it is worth having, what it does (a [`TrialSpec`], plain
//! data that the agents interpret) and how an [`Observation`] of it is judged. Pure: it knows no
//! engine, no network and no clock.

mod alpn;
pub mod body;
mod certificate;
mod check;
mod controls;
mod fault;
mod groups;
mod http;
mod httpd;
mod inbound;
mod legacy;
mod load;
mod mtls;
mod net;
mod nginx;
#[cfg(test)]
mod pins;
mod pool;
mod refusal;
mod session;
mod sni;
mod spec;
mod tfo;
mod tls;
mod tunnel;

pub use check::{Check, Judgement};

use std::sync::LazyLock;

use crate::model::{Observation, TrialSpec, Version, VersionRange};

/// The id of every trial, in the catalogue's order.
pub fn ids() -> &'static [&'static str] {
    static IDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| CATALOGUE.iter().map(|trial| trial.id).collect());
    &IDS
}

/// The trial whose ClientHello tells how large those of a cell are: it offers all that ATS offers by default, to a name
/// that is the same in every cell, and to an origin that nothing was said to before.
pub const SIZED_BY: &str = groups::pq_intolerant::TRIAL.id;

/// Bytes of the first ClientHello that `observation` has, with the header of its record.
pub fn hello_size(observation: &Observation) -> Option<u32> {
    check::first_hello(observation).map(check::on_the_wire)
}

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

/// What a trial needs: a range of versions, and the reason that is given outside of it.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// Of ATS, as it reports itself.
    Ats(&'static str, &'static str),
    /// Of the OpenSSL that ATS has loaded.
    OpenSsl(&'static str, &'static str),
}

impl Need {
    /// The reason why `version` does not meet it. An unreadable version meets all: the trial then
    /// speaks for itself.
    fn unmet(self, ats: Option<&str>, openssl: Option<&str>) -> Option<&'static str> {
        let (range, reason, version) = match self {
            Self::Ats(range, reason) => (range, reason, ats),
            Self::OpenSsl(range, reason) => (range, reason, openssl),
        };
        let (version, range) = (version?.parse::<Version>().ok()?, range.parse::<VersionRange>().ok()?);
        (!range.contains(&version)).then_some(reason)
    }
}

/// What keeps some versions of ATS from passing a trial, on every distro: a known issue. The trial runs all the same.
#[derive(Debug, Clone, Copy)]
pub struct Limitation {
    /// Id of the known issue.
    pub issue: &'static str,
    /// Ranges of the versions that have it, one of which must hold.
    pub ats: &'static [&'static str],
}

impl Limitation {
    /// Whether `version` has it. One that cannot be read has not: the trial then speaks for itself.
    fn holds(&self, version: &str) -> bool {
        let Ok(version) = version.parse::<Version>() else { return false };
        self.ats.iter().any(|range| range.parse::<VersionRange>().is_ok_and(|range| range.contains(&version)))
    }
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
    /// What it needs of the cell; where that is not given it is unsupported, with the reason.
    pub needs: &'static [Need],
    /// Known issues by which versions of ATS fail it, on every distro. Not for what an ATS has no feature for.
    pub limitations: &'static [Limitation],
    /// What it does.
    pub spec: fn() -> TrialSpec,
    /// How an observation is judged: every check must hold.
    pub judge: fn(&Observation) -> Vec<Check>,
}

/// Every trial, in the order of tables and runs: controls first.
pub const CATALOGUE: &[&Trial] = &[
    &controls::direct_curl::TRIAL,
    &controls::direct_openssl::TRIAL,
    &controls::direct_tls::TRIAL,
    &controls::plain_origin::TRIAL,
    &controls::unmapped::TRIAL,
    &tls::remote_origin::TRIAL,
    &tls::same_host::TRIAL,
    &tls::tls12_only::TRIAL,
    &tls::tls13_only::TRIAL,
    &tls::tls12_suite_rsa::TRIAL,
    &tls::tls12_suite_chacha20::TRIAL,
    &tls::tls13_suite_aes256::TRIAL,
    &tls::tls13_suite_chacha20::TRIAL,
    &tls::openssl_origin::TRIAL,
    &tls::legacy_renegotiation::TRIAL,
    &nginx::get::TRIAL,
    &nginx::tls12::TRIAL,
    &nginx::keepalive::TRIAL,
    &nginx::mtls::TRIAL,
    &httpd::get::TRIAL,
    &httpd::pristine_remap_policy::TRIAL,
    &httpd::pristine_name_source::TRIAL,
    &groups::x25519::TRIAL,
    &groups::p256_retry::TRIAL,
    &groups::x25519mlkem768::TRIAL,
    &groups::list_small_hello::TRIAL,
    &groups::pq_intolerant::TRIAL,
    &groups::pq_intolerant_groups_list::TRIAL,
    &certificate::verify_enforced::TRIAL,
    &certificate::cert_rsa::TRIAL,
    &certificate::cert_p384::TRIAL,
    &certificate::cert_ed25519::TRIAL,
    &certificate::cert_wildcard::TRIAL,
    &certificate::cert_chain::TRIAL,
    &certificate::cert_long_chain::TRIAL,
    &certificate::verify_permissive::TRIAL,
    &certificate::verify_disabled::TRIAL,
    &certificate::verify_signature_only::TRIAL,
    &certificate::verify_integer_key::TRIAL,
    &refusal::untrusted_ca::TRIAL,
    &refusal::signature_only::TRIAL,
    &refusal::self_signed::TRIAL,
    &refusal::wrong_name::TRIAL,
    &refusal::expired::TRIAL,
    &refusal::not_yet_valid::TRIAL,
    &refusal::cut_chain::TRIAL,
    &refusal::client_certificate::TRIAL,
    &refusal::sha1_signature::TRIAL,
    &refusal::rsa1024::TRIAL,
    &refusal::tls10_only::TRIAL,
    &legacy::seclevel0_sha1::TRIAL,
    &legacy::seclevel0_rsa1024::TRIAL,
    &legacy::tls10_legacy_on::TRIAL,
    &mtls::global::TRIAL,
    &mtls::sni_yaml::TRIAL,
    &mtls::missing::TRIAL,
    &sni::remap_target::TRIAL,
    &sni::pristine_host::TRIAL,
    &sni::pristine_verified::TRIAL,
    &sni::pristine_remap_policy::TRIAL,
    &sni::none_for_address::TRIAL,
    &sni::yaml_verify::TRIAL,
    &alpn::http11_origin::TRIAL,
    &alpn::h2_origin::TRIAL,
    &alpn::h2_fallback::TRIAL,
    &session::resume_tls13::TRIAL,
    &session::resume_tls12::TRIAL,
    &session::resume_off::TRIAL,
    &pool::keepalive_reuse::TRIAL,
    &pool::shared::TRIAL,
    &pool::off::TRIAL,
    &pool::idle_close::TRIAL,
    &pool::race::TRIAL,
    &http::post_1m::TRIAL,
    &http::response_10m::TRIAL,
    &http::post_chunked::TRIAL,
    &http::response_chunked::TRIAL,
    &http::response_trailers::TRIAL,
    &http::expect_100::TRIAL,
    &http::expect_get::TRIAL,
    &http::early_413::TRIAL,
    &http::head::TRIAL,
    &http::no_content::TRIAL,
    &http::not_modified::TRIAL,
    &http::early_hints::TRIAL,
    &http::slow_response::TRIAL,
    &http::close_delimited::TRIAL,
    &http::no_close_notify::TRIAL,
    &tunnel::connect::TRIAL,
    &tunnel::connect_forbidden::TRIAL,
    &tunnel::connect_closed_port::TRIAL,
    &tunnel::websocket::TRIAL,
    &tunnel::route::TRIAL,
    &tunnel::route_split_hello::TRIAL,
    &inbound::tls::TRIAL,
    &inbound::h2::TRIAL,
    &inbound::h2_post::TRIAL,
    &inbound::key_passphrase::TRIAL,
    &net::ipv6::TRIAL,
    &net::dead_address::TRIAL,
    &net::v6_dead_v4_alive::TRIAL,
    &net::refused::TRIAL,
    &fault::reset_after_accept::TRIAL,
    &fault::fin_after_hello::TRIAL,
    &fault::alert::TRIAL,
    &fault::plain_for_tls::TRIAL,
    &fault::silent_handshake::TRIAL,
    &fault::silent_response::TRIAL,
    &fault::close_before_response::TRIAL,
    &fault::reset_mid_body::TRIAL,
    &fault::short_body::TRIAL,
    &fault::bad_chunk::TRIAL,
    &fault::garbage_response::TRIAL,
    &fault::oversized_header::TRIAL,
    &fault::half_close::TRIAL,
    &tfo::on::TRIAL,
    &tfo::off::TRIAL,
    &load::load_200::TRIAL,
    &load::reload::TRIAL,
];

/// The trial named `id`.
pub fn by_id(id: &str) -> Option<&'static Trial> {
    CATALOGUE.iter().copied().find(|trial| trial.id == id)
}

impl Trial {
    /// Why a cell with these versions cannot do this, as far as they are known.
    pub fn unsupported(&self, ats: Option<&str>, openssl: Option<&str>) -> Option<&'static str> {
        self.needs.iter().find_map(|need| need.unmet(ats, openssl))
    }

    /// What it needs of the OpenSSL that ATS has loaded, if anything: the reason that is given without it.
    pub fn needs_openssl(&self) -> Option<&'static str> {
        self.needs.iter().find_map(|need| match need {
            Need::OpenSsl(_, reason) => Some(*reason),
            Need::Ats(..) => None,
        })
    }

    /// Id of the known issue by which this version of ATS fails it, as declared.
    pub fn limitation(&self, ats: &str) -> Option<&'static str> {
        self.limitations.iter().find(|limitation| limitation.holds(ats)).map(|limitation| limitation.issue)
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
    fn controls_come_first_so_that_a_broken_origin_is_known_early() {
        let kinds: Vec<_> = CATALOGUE.iter().map(|trial| trial.kind).collect();
        assert!(kinds.is_sorted());
    }
}
