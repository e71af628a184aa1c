//! `load-reload`: a reload of the configuration under traffic loses no request, and holds.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Act, ClientSpec, Observation, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "load-reload",
    title: "a reload of the configuration under traffic loses no request, and holds",
    why: "rules are changed on running proxies; a reload that loses requests or a process is an outage of its own",
    link: "https://docs.trafficserver.apache.org/en/9.2.x/appendices/command-line/traffic_ctl.en.html#traffic-ctl-config",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    TrialSpec {
        client: ClientSpec { act: Act::Reload { at_once: 4 }, ..spec::https_get().client },
        // The manager looks for changed files once in so long.
        records: vec![spec::int("config_update_interval_ms", 100)],
        deadline_ms: 20_000,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    let mut checks = check::reloaded(observation, spec::BODY);
    checks.push(check::over_tls(observation));
    checks
}
