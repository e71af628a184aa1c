//! `tunnel-connect`: a CONNECT reaches the origin, which is then spoken to end to end.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-connect",
    title: "a CONNECT reaches the origin, which is then spoken to end to end",
    why: "ATS as a forward proxy: it opens no TLS itself, so a bug of its TLS leaves this untouched",
    link: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = vec![spec::int("url_remap.remap_required", 0), spec::string("http.connect_ports", "443 {ports}")];
    let client = ClientSpec { front: Front::Connect, ..spec::https_get().client };
    TrialSpec { client, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::one_tls_answer(observation);
    checks.push(check::shown(observation, "origin"));
    checks
}
