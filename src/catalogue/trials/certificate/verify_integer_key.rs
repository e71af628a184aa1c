//! `verify-integer-key`: the setting of ATS 8 that enforces verification does so.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Certificate, Observation, OriginTls, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "verify-integer-key",
    title: "a records.config that enforces verification as ATS 8 did refuses a certificate signed by itself",
    why: "ATS 9 does not know the setting, warns once and goes on with its own default, which accepts everything: an \
          upgrade that fails open. From ATS 10 on the default refuses",
    link: "https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html#proxy-config-ssl-client-verify-server",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-VERIFY-INT", ats: &[">=9.0,<10.0"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let key = spec::int("ssl.client.verify.server", 1);
    TrialSpec {
        // No policy: what ATS does without one is the point.
        may_not_know: vec![key.name.clone()],
        records: vec![key],
        ..spec::https_get_from(OriginTls { certificate: Certificate::SelfSigned, ..OriginTls::default() })
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::refused_for(observation, check::Reason::SelfSigned)
}
