//! Kept connections to the origin: sharing, idle closes, races.

use super::{SUBJECT, Trial, check, spec};
use crate::model::{OriginTls, Step, TrialSpec};

/// How long the client waits before its second request, milliseconds: long enough for the origin's close to arrive.
const IDLE_MS: u64 = 300;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "http-keepalive-reuse",
        title: "two requests reach the TLS origin on one kept-alive connection",
        why: "a lost pool costs a handshake per request; it broke once in the 10.1 line",
        link: "https://github.com/apache/trafficserver/issues/12214",
        spec: || TrialSpec { client: spec::two_gets(), ..spec::https_get() },
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(1)), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "pool-shared",
        title: "two clients share one connection to the TLS origin",
        why: "a pool that does not find its sessions costs a handshake per request: it broke in the 10.1 line",
        link: "https://github.com/apache/trafficserver/issues/12214",
        spec: || TrialSpec { client: spec::two_fresh_gets(), ..spec::https_get() },
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(1)), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "pool-off",
        title: "with sharing off each client gets its own connection to the origin",
        why: "operators who must not mix clients on one connection rely on it",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-server-session-sharing-match",
        spec: || spec::two_connections(OriginTls::default()),
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(2)), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "pool-idle-close",
        title: "ATS notices that the origin has closed an idle connection",
        why: "origins close idle connections all the time; the next request must go on a new one",
        link: "https://www.rfc-editor.org/rfc/rfc9112#section-9.5",
        spec: || {
            let get = || [spec::send("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), Step::ReadHead, Step::ReadBody];
            let client = spec::script(get().into_iter().chain([Step::Pause(IDLE_MS)]).chain(get()).collect());
            let origin = spec::scripted(vec![spec::answer_and(&[Step::Close, Step::Hang])]);
            TrialSpec { origin, client, ..spec::https_get() }
        },
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(2))]),
        ..SUBJECT
    },
    Trial {
        id: "pool-race",
        title: "ATS retries a request that meets a closing connection",
        why: "the origin closes just as the request arrives: 10.0 gave the client a 502 for it",
        link: "https://github.com/apache/trafficserver/issues/12428",
        spec: || {
            let client = spec::two_gets();
            let origin = spec::scripted(vec![spec::answer_and(&[Step::ReadHead, Step::Close])]);
            TrialSpec { origin, client, records: spec::retries(), ..spec::https_get() }
        },
        // ATS sends the second request on the first connection, and once more on another.
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 3, Some(2))]),
        ..SUBJECT
    },
];
