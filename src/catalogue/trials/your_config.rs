//! Trials of a configuration of the user's own. Only cells with `config` in matrix.yaml have them.

use super::check;
use super::{SUBJECT, Trial, spec};
use crate::model::{Act, CellKind, ClientSpec, Front, OriginSpec, Remap, Speak, TrialSpec};

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

fn rules() -> TrialSpec {
    of_config(Act::Rules, RULES_DEADLINE_MS)
}

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "your-config-start",
        title: "ATS starts with your configuration and complains about nothing in it",
        why: "an ATS that runs may have ignored half of its configuration: unknown settings, plugins that do not load, missing \
          files; which of them end it differs from version to version. ATS starts with the files of `config`, under the few \
          settings that a cell needs, and what it logs is read",
        link: "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/index.en.html",
        only_for: Some(CellKind::OwnConfig),
        spec: started,
        judge: check::started_as_configured,
        ..SUBJECT
    },
    Trial {
        id: "your-rules",
        title: "each of your remap rules leads where it says",
        why: "a rule works by its plugins, filters, parents and settings together, and each can change with a version: the \
              request that every rule is written for comes to an ATS with your configuration, plain or over TLS as the rule \
              says, and stand-ins for all targets and parents, with certificates of their names, tell which of them got what",
        link: "https://docs.trafficserver.apache.org/en/latest/admin-guide/files/remap.config.en.html",
        only_for: Some(CellKind::OwnConfig),
        spec: rules,
        judge: check::rules_reached,
        ..SUBJECT
    },
];
