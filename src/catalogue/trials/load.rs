//! Many requests at once.

use super::{SUBJECT, Trial, check, spec};
use crate::model::{Act, ClientSpec, TrialSpec};

/// Enough for handshakes to overlap, few enough to take a fraction of a second.
const REQUESTS: u32 = 200;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "load-200",
        title: "200 requests from 50 concurrent clients are all answered",
        why: "some failures appear only when many handshakes overlap",
        link: "https://github.com/apache/trafficserver/issues/11465",
        spec: || {
            let act = Act::Load { requests: REQUESTS, at_once: 50, body_len: spec::BODY };
            TrialSpec {
                client: ClientSpec { act, ..spec::https_get().client },
                alone: true,
                deadline_ms: 30_000,
                ..spec::https_get()
            }
        },
        judge: |seen| {
            vec![check::all_whole(seen, REQUESTS), check::served(seen, REQUESTS as usize, None), check::over_tls(seen)]
        },
        ..SUBJECT
    },
    Trial {
        id: "load-reload",
        title: "a configuration reload under traffic loses no request and keeps the process",
        why: "rules are changed on running proxies; a reload that loses requests or a process is an outage of its own",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/appendices/command-line/traffic_ctl.en.html\
               #traffic-ctl-config",
        spec: || TrialSpec {
            client: ClientSpec { act: Act::Reload { at_once: 4 }, ..spec::https_get().client },
            // The manager checks for changed files at this interval.
            records: vec![spec::int("config_update_interval_ms", 100)],
            deadline_ms: 20_000,
            ..spec::https_get()
        },
        judge: |seen| check::and(check::reloaded(seen, spec::BODY), [check::over_tls(seen)]),
        ..SUBJECT
    },
];
