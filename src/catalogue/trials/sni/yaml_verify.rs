//! `sni-yaml-verify`: sni.yaml enforces verification for one origin alone.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Certificate, Observation, OriginTls, Side, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "sni-yaml-verify",
    title: "sni.yaml enforces verification for one origin alone",
    why: "how verification is brought in step by step",
    link: "https://github.com/apache/trafficserver/blob/master/tests/gold_tests/tls/tls_verify.test.py",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let tls = OriginTls { certificate: Certificate::WrongName, ..OriginTls::default() };
    let keys = [("verify_server_policy", "ENFORCED"), ("verify_server_properties", "ALL")];
    // Everywhere else a wrong name is only warned of, whatever the version's default is.
    let records = spec::policy("PERMISSIVE");
    TrialSpec { records, sni: vec![spec::sni(Side::Origin, &keys)], ..spec::https_get_from(tls) }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::OtherName)
}
