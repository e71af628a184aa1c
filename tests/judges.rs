//! Mutation of the judges: every trial passes on what was seen where it is right, and fails as soon as one
//! thing it is about is otherwise. The right observations are of a real cell (debian-13/9.2.9); those of ATS 10
//! and of a split ClientHello, which nothing here can show, are made from their neighbours'.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;

use atsmatrix::model::{AtsLife, ClientError, ClientPhase, Observation, Outcome};
use atsmatrix::trial::{self, CATALOGUE};
use serde::Deserialize;

#[derive(Deserialize)]
struct Right {
    trial: String,
    observation: Observation,
}

fn right() -> BTreeMap<String, Observation> {
    let lines = include_str!("fixtures/judges/right.jsonl").lines();
    let read = lines.map(|line| serde_json::from_str::<Right>(line).unwrap());
    read.map(|right| (right.trial, right.observation)).collect()
}

fn outcome(id: &str, observation: &Observation) -> Outcome {
    trial::by_id(id).unwrap().judge(observation).outcome
}

/// A change to what was seen, and its name.
type Mutation = (&'static str, fn(&mut Observation));

fn exchanges(observation: &mut Observation) -> impl Iterator<Item = &mut atsmatrix::model::Exchange> {
    observation.client.iter_mut().flat_map(|run| &mut run.exchanges)
}

/// What spoils every trial.
const ALWAYS: &[Mutation] = &[
    ("another status", |seen| {
        exchanges(seen).for_each(|exchange| exchange.status = exchange.status.map(|_| 418));
        // A trial about broken bodies cares for a clean end, whatever its status.
        if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
            load.whole -= 1;
        }
    }),
    ("ATS died", |seen| seen.ats = AtsLife::Died("signal 11".into())),
    ("ATS never came up", |seen| seen.ats = AtsLife::NeverReady("exit status 1".into())),
    ("the client waited in vain", |seen| {
        let error = ClientError { phase: ClientPhase::Deadline, text: "nothing more".into() };
        exchanges(seen).for_each(|exchange| exchange.error = Some(error.clone()));
        if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
            load.whole = 0;
        }
    }),
];

fn tls(observation: &mut Observation) -> impl Iterator<Item = &mut atsmatrix::model::TlsSeen> {
    observation.origin.iter_mut().filter_map(|connection| connection.tls.as_mut())
}

fn hellos(observation: &mut Observation) -> impl Iterator<Item = &mut atsmatrix::model::Hello> {
    observation.origin.iter_mut().filter_map(|connection| connection.hello.as_mut())
}

const NO_ORIGIN: Mutation = ("nobody came to the origin", |seen| seen.origin.clear());
const PLAIN: Mutation = ("no TLS at the origin", |seen| {
    seen.origin.iter_mut().for_each(|connection| (connection.tls, connection.hello) = (None, None));
});
const NO_HELLO: Mutation = ("no ClientHello", |seen| seen.origin.iter_mut().for_each(|it| it.hello = None));
const SERVED: Mutation = ("a request reached the origin", |seen| {
    seen.origin[0].requests.push(atsmatrix::model::OriginRequest::default());
});
const BODY: Mutation = ("an altered body", |seen| exchanges(seen).for_each(|it| it.body_sha256 = "00".into()));
const POSTED: Mutation = ("an altered request body", |seen| {
    seen.origin.iter_mut().flat_map(|it| &mut it.requests).for_each(|request| request.body_sha256 = "00".into());
});
const SUITE: Mutation = ("another suite", |seen| tls(seen).for_each(|tls| tls.suite = "TLS_NULL".into()));
const VERSION: Mutation = ("another TLS version", |seen| tls(seen).for_each(|tls| tls.version = "TLSv1.1".into()));
const GROUP: Mutation = ("another group", |seen| tls(seen).for_each(|tls| tls.group = "ffdhe2048".into()));
const ALPN: Mutation = ("another protocol", |seen| tls(seen).for_each(|tls| tls.alpn = "spdy/1".into()));
const RESUMED: Mutation =
    ("resumption the other way round", |seen| tls(seen).for_each(|tls| tls.resumed = !tls.resumed));
const NO_CERTIFICATE: Mutation = ("no client certificate", |seen| tls(seen).for_each(|tls| tls.peer.clear()));
const NAME: Mutation = ("another server name", |seen| hellos(seen).for_each(|hello| hello.sni = Some("x.test".into())));
const LARGE: Mutation = ("a large ClientHello", |seen| hellos(seen).for_each(|hello| hello.len = 1600));
const SHOWN: Mutation = ("the other certificate at the client", |seen| {
    for tls in exchanges(seen).filter_map(|exchange| exchange.tls.as_mut()) {
        tls.peer = if tls.peer == "ats" { "origin".into() } else { "ats".into() };
    }
});
const CLEAN: Mutation = ("a clean success", |seen| {
    for exchange in exchanges(seen) {
        (exchange.status, exchange.error) = (Some(200), None);
    }
});
const LATE: Mutation = ("an answer too late", |seen| exchanges(seen).for_each(|it| it.total_us = 60_000_000));
const SPLIT: Mutation = ("as many connections as requests, and one more", |seen| {
    let more = seen.origin[0].clone();
    seen.origin.push(more);
});
const QUIET: Mutation = ("no line in the logs", |seen| seen.logs.clear());
const WARNED: Mutation = ("a warning in the logs", |seen| {
    seen.logs.push(atsmatrix::model::LogLine {
        trial: None,
        file: atsmatrix::model::LogFile::Diags,
        text: "WARNING: Core server certificate verification failed".into(),
    });
});
const FAMILY: Mutation = ("IPv4", |seen| seen.origin.iter_mut().for_each(|it| it.peer = "127.0.0.1:1".into()));
const ANSWERED_BY: Mutation =
    ("HTTP/1.1 at the client", |seen| exchanges(seen).for_each(|it| it.version = "HTTP/1.1".into()));
const REQUESTED_BY: Mutation = ("HTTP/0.9 at the origin", |seen| {
    seen.origin.iter_mut().flat_map(|it| &mut it.requests).for_each(|request| request.version = "HTTP/0.9".into());
});

const LOST: Mutation = ("a lost request", |seen| {
    if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
        load.sent += 1;
    }
});
const RESTARTED: Mutation = ("another process", |seen| {
    if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
        load.same_process = Some(false);
    }
});

/// What must spoil the trials whose ids begin so, besides [`ALWAYS`].
const BY_FAMILY: &[(&str, &[Mutation])] = &[
    ("ctl-direct", &[NO_ORIGIN, BODY, PLAIN]),
    ("ctl-plain", &[NO_ORIGIN, BODY]),
    ("tls-remote", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls-same", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls-openssl", &[NO_ORIGIN, NO_HELLO]),
    ("tls-legacy", &[NO_ORIGIN, NO_HELLO, SERVED]),
    ("tls-verify", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls12-", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls12-only", &[VERSION]),
    ("tls12-suite", &[SUITE]),
    ("tls13-", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls13-only", &[VERSION]),
    ("tls13-suite", &[SUITE]),
    ("group-", &[NO_ORIGIN, BODY, GROUP]),
    ("group-list", &[LARGE]),
    ("cert-", &[NO_ORIGIN, BODY, PLAIN]),
    ("verify-", &[NO_ORIGIN, BODY, PLAIN]),
    ("verify-permissive", &[QUIET]),
    ("verify-disabled", &[WARNED]),
    ("refuse-", &[NO_ORIGIN, NO_HELLO, SERVED]),
    ("mtls-global", &[NO_CERTIFICATE, PLAIN]),
    ("mtls-sni", &[NO_CERTIFICATE, PLAIN]),
    ("mtls-missing", &[NO_HELLO, SERVED]),
    ("sni-remap", &[NAME]),
    ("sni-pristine", &[NAME]),
    ("sni-none", &[NAME]),
    ("sni-yaml", &[NO_HELLO, SERVED]),
    ("alpn-", &[REQUESTED_BY, PLAIN]),
    ("alpn-h2", &[ALPN]),
    ("session-", &[RESUMED, BODY]),
    ("pool-", &[BODY]),
    ("pool-shared", &[SPLIT]),
    ("pool-off", &[SPLIT]),
    ("http-keepalive", &[SPLIT, BODY]),
    ("http-post", &[POSTED, BODY, PLAIN]),
    ("http-response", &[BODY]),
    ("http-expect", &[POSTED, BODY]),
    ("http-head", &[BODY, SPLIT]),
    ("http-204", &[BODY, SPLIT]),
    ("http-304", &[BODY, SPLIT]),
    ("http-early", &[BODY]),
    ("http-slow", &[BODY]),
    ("http-close", &[BODY]),
    ("http-no-close", &[BODY]),
    ("tunnel-connect", &[]),
    ("tunnel-websocket", &[PLAIN]),
    ("tunnel-route", &[SHOWN, BODY]),
    ("inbound-", &[SHOWN, BODY, PLAIN]),
    ("inbound-h2", &[ANSWERED_BY]),
    ("net-ipv6", &[FAMILY, BODY]),
    ("net-dead", &[BODY, PLAIN]),
    ("net-refused", &[LATE]),
    ("fault-", &[]),
    ("fault-fin", &[LATE, NO_HELLO]),
    ("fault-alert", &[LATE, NO_HELLO]),
    ("fault-plain", &[LATE, NO_HELLO]),
    ("fault-silent", &[LATE, NO_HELLO]),
    ("fault-close", &[LATE, NO_HELLO]),
    ("fault-reset-after", &[LATE]),
    ("fault-reset-mid", &[CLEAN, LATE]),
    ("fault-short", &[CLEAN, LATE]),
    ("fault-bad", &[CLEAN, LATE]),
    ("fault-garbage", &[LATE, NO_HELLO]),
    ("fault-oversized", &[LATE, NO_HELLO]),
    ("fault-half", &[BODY]),
    ("tfo-", &[BODY, PLAIN]),
    ("nginx-", &[NO_ORIGIN, BODY, PLAIN]),
    ("nginx-get", &[VERSION, REQUESTED_BY]),
    ("nginx-tls12", &[VERSION, SUITE]),
    ("nginx-keepalive", &[SPLIT]),
    ("nginx-mtls", &[NO_CERTIFICATE]),
    ("load-", &[PLAIN]),
    ("load-reload", &[BODY, LOST, RESTARTED]),
];

#[test]
fn every_trial_passes_on_what_is_right() {
    let right = right();
    for trial in CATALOGUE {
        let seen = right.get(trial.id).unwrap_or_else(|| panic!("no right observation of {}", trial.id));
        assert_eq!(outcome(trial.id, seen), Outcome::Pass, "{}", trial.judge(seen).summary);
    }
    assert_eq!(right.len(), CATALOGUE.len(), "an observation of a trial that is gone");
}

#[test]
fn every_trial_fails_on_what_is_wrong() {
    for (id, seen) in right() {
        // The right answer of these is a broken one: their status and error may be of any kind.
        let broken = ["fault-reset-mid-body", "fault-short-body", "fault-bad-chunk"].contains(&id.as_str());
        let always = ALWAYS.iter().filter(|(name, _)| !broken || *name != "another status");
        let family =
            BY_FAMILY.iter().filter(|(prefix, _)| id.starts_with(prefix)).flat_map(|(_, mutations)| *mutations);
        for (name, mutate) in always.chain(family) {
            let mut wrong = seen.clone();
            mutate(&mut wrong);
            assert_eq!(outcome(&id, &wrong), Outcome::Fail, "{id}: {name}");
        }
    }
}

#[test]
fn every_trial_has_mutations_of_its_own_kind() {
    for trial in CATALOGUE.iter().filter(|trial| trial.id != "ctl-unmapped") {
        assert!(BY_FAMILY.iter().any(|(prefix, _)| trial.id.starts_with(prefix)), "{}", trial.id);
    }
}
