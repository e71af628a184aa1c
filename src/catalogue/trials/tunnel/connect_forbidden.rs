//! `tunnel-connect-forbidden`: a CONNECT to a port that is not listed is refused.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{ClientSpec, Front, Observation, OriginSpec, Speak, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-connect-forbidden",
    title: "a CONNECT to a port that is not listed is refused",
    why: "an open proxy otherwise",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html#proxy-config-http-connect-ports",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let records = vec![spec::int("url_remap.remap_required", 0), spec::string("http.connect_ports", "443 {ports}")];
    // An origin that does not listen is the one port that the tunnels of the cell may not use.
    let origin = OriginSpec { speak: Speak::Nobody, ..spec::https_get().origin };
    let client = ClientSpec { front: Front::Connect, ..spec::https_get().client };
    TrialSpec { origin, client, records, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[403]), check::no_flow(observation)]
}
