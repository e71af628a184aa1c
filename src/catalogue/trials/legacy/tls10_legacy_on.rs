//! `tls10-legacy-on`: with the legacy settings ATS reaches an origin that speaks TLS 1.0 only.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tls10-legacy-on",
    title: "with the legacy settings, and openssl.cnf out of the way, ATS reaches an origin that speaks TLS 1.0 only",
    why: "the way out of `refuse-tls10-only`: the version alone is not enough where OpenSSL puts it below its security \
          level, nor where openssl.cnf has a MinProtocol (Debian 11, crypto policies)",
    link: "https://github.com/apache/trafficserver/pull/9947",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = vec![spec::int("ssl.client.TLSv1", 1), spec::int("ssl.client.TLSv1_1", 1), spec::level_0()];
    TrialSpec { records, bare_openssl: true, ..spec::openssl_get("-tls1 -cipher ALL:@SECLEVEL=0") }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::page_of_openssl(observation, &["TLSv1"])
}
