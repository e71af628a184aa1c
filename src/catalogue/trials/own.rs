//! Trials of a configuration of the user's own. Only cells with `config` in matrix.yaml have them.

use super::check::{self, Check};
use super::{SUBJECT, Trial, spec};
use crate::model::{Act, ClientSpec, Front, OriginSpec, Remap, Speak, TrialSpec};

/// Deadline of the requests for all rules, milliseconds: thousands of rules take a minute.
const RULES_DEADLINE_MS: u64 = 90_000;

/// A trial of the configuration itself: no origin of ours takes part.
fn of_config(act: Act, deadline_ms: u64) -> TrialSpec {
    TrialSpec {
        origin: OriginSpec { speak: Speak::Nobody, ..spec::plain() },
        client: ClientSpec { front: Front::Http, act },
        remap: Remap::None,
        alone: true,
        deadline_ms,
        ..spec::https_get()
    }
}

fn started() -> TrialSpec {
    of_config(Act::Start, spec::https_get().deadline_ms)
}

pub(super) const TRIALS: &[Trial] = &[Trial {
    id: "your-config-start",
    title: "ATS starts with your configuration and complains about nothing in it",
    why: "an ATS that runs may have ignored half of its configuration: unknown settings, plugins that do not load, missing \
          files; which of them end it differs from version to version. ATS starts with the files of `config`, under the few \
          settings that a cell needs, and what it logs is read",
    link: "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/index.en.html",
    only_with_config: true,
    spec: started,
    judge: check::started_as_configured,
    ..SUBJECT
}];

#[expect(dead_code, reason = "until the rules are asked")]
fn rules() -> (TrialSpec, fn(&crate::model::Observation) -> Vec<Check>) {
    (of_config(Act::Rules, RULES_DEADLINE_MS), check::rules_reached)
}
