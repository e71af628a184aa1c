//! `tunnel-connect-closed-port`: a CONNECT to a port that nobody listens on is answered with an error.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, OriginSpec, Speak, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-connect-closed-port",
    title: "a CONNECT to a port that nobody listens on is answered with an error",
    why: "a 2xx says that the connection stands; who gets it and then the end cannot tell a refusal from a fault of TLS",
    link: "https://github.com/apache/trafficserver/issues/7677",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-7677", ats: &[">=9.0"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    // Allowed, unlike those of other origins that do not listen.
    let ports = spec::string("http.connect_ports", "443 {ports} {port}");
    let records = vec![spec::int("url_remap.remap_required", 0), ports];
    let origin = OriginSpec { speak: Speak::Nobody, ..spec::https_get().origin };
    let client = ClientSpec { front: Front::Connect, ..spec::https_get().client };
    TrialSpec { origin, client, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[502, 503, 504]), check::no_error(observation), check::turned_away(observation)]
}
