//! Mutation of the judges: every trial passes on the observation of a right ATS, and fails as soon as one thing that
//! it checks is different.
//!
//! The right observations come from real cells. `ATSMATRIX_RECORD=FOLDER cargo test --test judges` records them from the
//! raw evidence below FOLDER (`results/runs/RUN`), without the packets and hellos that the judge does not use. No cell
//! here can produce those of ATS 10, of a split ClientHello and of a dead IPv6 address: they were derived from similar
//! trials, and recording leaves them alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use atsmatrix::catalogue::trials::{self, CATALOGUE};
use atsmatrix::model::{AtsLife, ClientError, ClientPhase, Flow, Observation, Outcome};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Right {
    trial: String,
    observation: Observation,
}

fn right() -> BTreeMap<String, Observation> {
    let text = fs::read_to_string(FIXTURE).unwrap();
    let read = text.lines().map(|line| serde_json::from_str::<Right>(line).unwrap());
    read.map(|right| (right.trial, right.observation)).collect()
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/judges/right.jsonl");

/// The observations below `folder` on which their trials pass.
fn recorded(folder: &Path) -> BTreeMap<String, Observation> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(recorded(&path));
        } else if path.extension().is_some_and(|extension| extension == "json")
            && let Ok(Right { trial, observation }) = serde_json::from_slice(&fs::read(&path).unwrap())
            && trials::by_id(&trial).is_some_and(|known| known.judge(&observation).outcome == Outcome::Pass)
        {
            found.insert(trial.clone(), needed(&trial, observation));
        }
    }
    found
}

/// An observation without the packets and hellos that the judge does not use.
fn needed(id: &str, seen: Observation) -> Observation {
    let judged = |seen: &Observation| trials::by_id(id).unwrap().judge(seen);
    let without: [fn(&mut Observation); 2] =
        [|seen| seen.wire.clear(), |seen| seen.origin.iter_mut().for_each(|connection| connection.hello = None)];
    without.iter().fold(seen, |seen, leave_out| {
        let mut less = seen.clone();
        leave_out(&mut less);
        if judged(&less) == judged(&seen) { less } else { seen }
    })
}

/// Records right observations if `ATSMATRIX_RECORD` is set.
fn record() {
    let Some(folder) = std::env::var_os("ATSMATRIX_RECORD") else { return };
    let mut all = right();
    all.extend(recorded(Path::new(&folder)));
    let line = |(trial, observation)| serde_json::to_string(&Right { trial, observation }).unwrap() + "\n";
    fs::write(FIXTURE, all.into_iter().map(line).collect::<String>()).unwrap();
}

fn outcome(id: &str, observation: &Observation) -> Outcome {
    trials::by_id(id).unwrap().judge(observation).outcome
}

/// A name, and a change to an observation.
type Mutation = (&'static str, fn(&mut Observation));

fn exchanges(observation: &mut Observation) -> impl Iterator<Item = &mut atsmatrix::model::Exchange> {
    observation.client.iter_mut().flat_map(|run| &mut run.exchanges)
}

/// These break every trial.
const ALWAYS: &[Mutation] = &[
    ("another status", |seen| {
        exchanges(seen).for_each(|exchange| exchange.status = exchange.status.map(|_| 418));
        if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
            load.whole -= 1;
        }
    }),
    ("ATS died", |seen| seen.ats = AtsLife::Died("signal 11".into())),
    ("ATS never came up", |seen| seen.ats = AtsLife::NeverReady("exit status 1".into())),
    ("the client gave up waiting", |seen| {
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

const NO_ORIGIN: Mutation = ("no connection at the origin", |seen| seen.origin.clear());
const PLAIN: Mutation = ("no TLS at the origin", |seen| {
    seen.origin.iter_mut().for_each(|connection| (connection.tls, connection.hello) = (None, None));
});
const NO_HELLO: Mutation = ("no ClientHello", |seen| seen.origin.iter_mut().for_each(|it| it.hello = None));
const SERVED: Mutation = ("a request reached the origin", |seen| {
    if seen.origin.is_empty() {
        seen.origin.push(atsmatrix::model::OriginConnection::default());
    }
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
const RESUMED: Mutation = ("resumption inverted", |seen| tls(seen).for_each(|tls| tls.resumed = !tls.resumed));
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
const BY_BASELINE: Mutation = ("an end by a timeout of the baseline, on a calm machine", |seen| {
    exchanges(seen).for_each(|it| it.total_us = 4_900_000);
    seen.client.iter_mut().filter_map(|run| run.control_us.as_mut()).for_each(|control| *control = 20_000);
});
const EARLY: Mutation = ("an end before the timeout", |seen| exchanges(seen).for_each(|it| it.total_us = 100_000));
const UNTIMED: Mutation = ("no time of ATS's own", |seen| {
    seen.client.iter_mut().for_each(|run| run.control_us = None);
});
const SPLIT: Mutation = ("as many connections as requests, and one more", |seen| {
    let more = seen.origin.first().cloned();
    seen.origin.extend(more);
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

const UNEXPLAINED: Mutation = ("no reason in logs and alerts", |seen| {
    seen.logs.clear();
    seen.origin.iter_mut().for_each(|it| it.error = None);
});
const NO_PACKETS: Mutation = ("no packets", |seen| seen.wire.clear());
const PACKETS: Mutation = ("packets", |seen| seen.wire.push(Flow::default()));
const NO_INTERIM: Mutation = ("no interim answer", |seen| exchanges(seen).for_each(|it| it.interim.clear()));
const SHARE: Mutation =
    ("a key share of P-256", |seen| hellos(seen).for_each(|it| it.key_shares.push("secp256r1".into())));
const SMALL: Mutation = ("a small ClientHello", |seen| hellos(seen).for_each(|hello| hello.len = 500));
const OLD: Mutation =
    ("TLS 1.0 in the ClientHello", |seen| hellos(seen).for_each(|it| it.versions.push("TLSv1.0".into())));
const PAGE: Mutation = ("a page of another protocol", |seen| {
    exchanges(seen).for_each(|it| it.body_head = it.body_head.replace("  : TLSv1", "  : SSLv"));
});
const BROKE_OFF: Mutation = ("a script that broke off", |seen| {
    seen.origin.iter_mut().for_each(|it| it.error = Some("closed after 0 bytes".into()));
});
const ONE_LESS: Mutation = ("one answer that is not whole", |seen| {
    if let Some(load) = seen.client.as_mut().and_then(|run| run.load.as_mut()) {
        load.whole -= 1;
    }
});
const UNCACHED: Mutation =
    ("no sign of the cache at the client", |seen| exchanges(seen).for_each(|it| it.headers.clear()));
const ONCE: Mutation = ("one request on each connection", |seen| {
    seen.origin.iter_mut().for_each(|it| it.requests.truncate(1));
});
const TARGET: Mutation = ("another target at the origin", |seen| {
    seen.origin.iter_mut().flat_map(|it| &mut it.requests).for_each(|request| request.target = "http://x/".into());
});
const FRAMED: Mutation = ("another length at the origin", |seen| {
    let length = ("content-length".to_owned(), "5".to_owned());
    seen.origin.iter_mut().flat_map(|it| &mut it.requests).for_each(|request| request.headers.push(length.clone()));
});
const ENDED: Mutation = ("an image that ends", |seen| seen.start.iter_mut().for_each(|start| start.exit = Some(1)));
const UNSTARTABLE: Mutation = ("an image that cannot be started", |seen| {
    seen.start.iter_mut().for_each(|start| start.refused = Some("executable file not found".into()));
});
const NO_SERVER: Mutation = ("an image without a server", |seen| {
    seen.start.iter_mut().filter_map(|start| start.served.as_mut()).for_each(|served| served.server = false);
});
const MUTE: Mutation = ("an image that answers nothing", |seen| {
    seen.start.iter_mut().filter_map(|start| start.served.as_mut()).for_each(|served| served.answer = None);
});
const PASSING: Mutation = ("an image that serves for a moment", |seen| {
    seen.start.iter_mut().filter_map(|start| start.served.as_mut()).for_each(|served| served.stayed = false);
});
const COMPLAINT: Mutation = ("a setting that ATS does not know", |seen| {
    seen.logs.push(atsmatrix::model::LogLine {
        trial: None,
        file: atsmatrix::model::LogFile::Diags,
        text: "[Nov 29 03:04:30.022] traffic_server WARNING: Unrecognized configuration value 'proxy.config.x'".into(),
    });
});
const PROBLEM: Mutation = ("a file that cannot be used", |seen| {
    seen.own.get_or_insert_default().problems.push("x".into());
});
const MISSED: Mutation = ("a rule that leads elsewhere", |seen| {
    let rules = seen.own.get_or_insert_default().rules.get_or_insert_default();
    (rules.missed_count, rules.rules) = (rules.missed_count + 1, rules.rules + 1);
});
const UNCOUNTED: Mutation = ("a rule without an answer", |seen| {
    seen.own.get_or_insert_default().rules.get_or_insert_default().rules += 1;
});
const NO_RULES: Mutation = ("no rule asked", |seen| {
    let rules = seen.own.get_or_insert_default().rules.get_or_insert_default();
    (rules.rules, rules.reached) = (0, 0);
});
const LENGTH: Mutation = ("bodies of another length", |seen| exchanges(seen).for_each(|it| it.body_len += 1));

const ONE_TIER: Mutation = ("no ATS but one in Via", |seen| {
    let requests = seen.origin.iter_mut().flat_map(|connection| &mut connection.requests);
    let requests = requests.map(|request| &mut request.headers);
    let answers = seen.client.iter_mut().flat_map(|run| &mut run.exchanges).map(|exchange| &mut exchange.headers);
    for (_, value) in requests.chain(answers).flatten().filter(|(name, _)| name == "via") {
        value.truncate(value.find(',').unwrap_or(value.len()));
    }
});
const PAST_THE_PARENT: Mutation = ("a connection past the parent", |seen| {
    if let Some(parent) = &mut seen.parent {
        parent.past.push(Flow::default());
    }
});

/// All mutations beyond [`ALWAYS`].
const MUTATIONS: &[Mutation] = &[
    ONE_TIER,
    PAST_THE_PARENT,
    NO_ORIGIN,
    PLAIN,
    NO_HELLO,
    SERVED,
    BODY,
    POSTED,
    SUITE,
    VERSION,
    GROUP,
    ALPN,
    RESUMED,
    NO_CERTIFICATE,
    NAME,
    LARGE,
    SHOWN,
    CLEAN,
    LATE,
    BY_BASELINE,
    EARLY,
    UNTIMED,
    SPLIT,
    QUIET,
    WARNED,
    FAMILY,
    ANSWERED_BY,
    REQUESTED_BY,
    UNEXPLAINED,
    NO_PACKETS,
    PACKETS,
    NO_INTERIM,
    SHARE,
    SMALL,
    OLD,
    PAGE,
    BROKE_OFF,
    ONE_LESS,
    LENGTH,
    LOST,
    RESTARTED,
    UNCACHED,
    ONCE,
    TARGET,
    FRAMED,
    ENDED,
    UNSTARTABLE,
    NO_SERVER,
    MUTE,
    PASSING,
    COMPLAINT,
    PROBLEM,
    MISSED,
    UNCOUNTED,
    NO_RULES,
];

/// What must also break the trials whose ids start with a prefix, or equal it where it ends in `$`. Trials of a new
/// family need no entry: some mutation must break each of their checks anyway.
const BY_FAMILY: &[(&str, &[Mutation])] = &[
    ("tier-", &[ONE_TIER, PAST_THE_PARENT]),
    ("ctl-direct", &[NO_ORIGIN, BODY, PLAIN]),
    ("ctl-plain", &[NO_ORIGIN, BODY]),
    ("ctl-unmapped", &[PACKETS]),
    ("tls-remote", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls-same", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls-openssl", &[NO_ORIGIN, NO_HELLO, PAGE]),
    ("tls-legacy", &[NO_ORIGIN, NO_HELLO, SERVED, BROKE_OFF]),
    ("tls-verify", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls12-", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls12-only", &[VERSION]),
    ("tls12-suite", &[SUITE]),
    ("tls13-", &[NO_ORIGIN, BODY, PLAIN]),
    ("tls13-only", &[VERSION]),
    ("tls13-suite", &[SUITE]),
    ("group-", &[NO_ORIGIN, BODY, GROUP]),
    ("group-list", &[LARGE]),
    ("group-p256", &[SHARE]),
    ("group-x25519mlkem768", &[SMALL]),
    ("cert-", &[NO_ORIGIN, BODY, PLAIN]),
    ("verify-permissive", &[NO_ORIGIN, BODY, PLAIN, QUIET]),
    ("verify-disabled", &[NO_ORIGIN, BODY, PLAIN, WARNED]),
    ("verify-signature", &[NO_ORIGIN, BODY, PLAIN]),
    ("verify-integer", &[NO_ORIGIN, NO_HELLO, SERVED, UNEXPLAINED]),
    ("refuse-", &[NO_ORIGIN, NO_HELLO, SERVED]),
    ("refuse-untrusted", &[UNEXPLAINED]),
    ("refuse-self", &[UNEXPLAINED]),
    ("refuse-wrong", &[UNEXPLAINED]),
    ("refuse-expired", &[UNEXPLAINED]),
    ("refuse-not", &[UNEXPLAINED]),
    ("refuse-cut", &[UNEXPLAINED]),
    ("refuse-client", &[UNEXPLAINED]),
    ("refuse-sha1", &[UNEXPLAINED]),
    ("refuse-rsa1024", &[UNEXPLAINED]),
    ("refuse-signature", &[UNEXPLAINED]),
    ("refuse-tls10", &[OLD]),
    ("seclevel0-", &[NO_ORIGIN, NO_HELLO, PAGE]),
    ("tls10-", &[NO_ORIGIN, NO_HELLO, PAGE]),
    ("pq-intolerant-", &[NO_ORIGIN, BODY, PLAIN, LARGE]),
    ("mtls-global", &[NO_CERTIFICATE, PLAIN]),
    ("mtls-sni", &[NO_CERTIFICATE, PLAIN]),
    ("mtls-missing", &[NO_HELLO, SERVED, UNEXPLAINED]),
    ("sni-remap", &[NAME]),
    ("sni-pristine", &[NAME]),
    ("sni-pristine-host", &[UNEXPLAINED]),
    ("sni-pristine-verified", &[UNEXPLAINED, SHOWN, NO_HELLO, SERVED]),
    ("sni-none", &[NAME]),
    ("sni-yaml", &[NO_HELLO, SERVED, UNEXPLAINED]),
    ("alpn-", &[REQUESTED_BY, PLAIN]),
    ("alpn-h", &[ALPN]),
    ("session-", &[RESUMED, BODY]),
    ("pool-", &[BODY]),
    ("pool-shared", &[SPLIT]),
    ("pool-off", &[SPLIT]),
    ("pool-idle", &[SPLIT, SERVED]),
    ("pool-race", &[SPLIT, SERVED]),
    ("http-keepalive", &[SPLIT, BODY]),
    ("http-post", &[POSTED, BODY, PLAIN]),
    ("http-response", &[BODY]),
    ("http-expect", &[POSTED, BODY, NO_INTERIM]),
    ("http-head", &[BODY, SPLIT]),
    ("http-204", &[BODY, SPLIT]),
    ("http-304", &[BODY, SPLIT]),
    ("http-early", &[BODY]),
    ("http-early-413", &[SPLIT, LENGTH]),
    ("http-slow", &[BODY]),
    ("http-close", &[BODY]),
    ("http-no-close", &[BODY]),
    ("tunnel-connect$", &[SHOWN, BODY, PLAIN]),
    ("tunnel-connect-forbidden", &[PACKETS]),
    ("tunnel-connect-closed", &[NO_PACKETS, CLEAN]),
    ("tunnel-websocket", &[PLAIN]),
    ("tunnel-route", &[SHOWN, BODY]),
    ("inbound-", &[SHOWN, BODY, PLAIN]),
    ("inbound-h2", &[ANSWERED_BY]),
    ("net-ipv6", &[FAMILY, BODY]),
    ("net-dead", &[BODY, PLAIN, NO_PACKETS, SPLIT]),
    ("net-v6", &[BODY, PLAIN, NO_PACKETS]),
    ("net-refused", &[LATE, BY_BASELINE, UNTIMED, NO_PACKETS]),
    ("fault-fin", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-alert", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-plain", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-silent", &[LATE, BY_BASELINE, EARLY, UNTIMED, NO_HELLO]),
    ("fault-close", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-reset-after", &[LATE, BY_BASELINE, UNTIMED, NO_PACKETS]),
    ("fault-reset-mid", &[CLEAN, LATE, BY_BASELINE, UNTIMED]),
    ("fault-short", &[CLEAN, LATE, BY_BASELINE, UNTIMED]),
    ("fault-bad", &[CLEAN, LATE, BY_BASELINE, UNTIMED]),
    ("fault-garbage", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-oversized", &[LATE, BY_BASELINE, UNTIMED, NO_HELLO]),
    ("fault-half", &[BODY]),
    ("tfo-", &[BODY, PLAIN, SPLIT]),
    ("tfo-on", &[NO_PACKETS]),
    ("load-", &[PLAIN, ONE_LESS, NO_ORIGIN]),
    ("load-200", &[SERVED]),
    ("load-reload", &[BODY, LOST, RESTARTED]),
    ("httpd-get", &[NO_ORIGIN, BODY, PLAIN, NAME]),
    ("httpd-pristine-remap", &[NO_ORIGIN, PLAIN, NAME, CLEAN]),
    ("httpd-pristine-name", &[NO_ORIGIN, BODY, PLAIN, NAME]),
    ("your-config-start", &[COMPLAINT, PROBLEM]),
    ("your-rules", &[MISSED, UNCOUNTED, NO_RULES]),
    ("nginx-", &[NO_ORIGIN, BODY, PLAIN]),
    ("nginx-get", &[VERSION, REQUESTED_BY]),
    ("nginx-tls12", &[VERSION, SUITE]),
    ("nginx-keepalive", &[SPLIT]),
    ("nginx-mtls", &[NO_CERTIFICATE]),
    ("cache-", &[UNCACHED, BODY, NO_ORIGIN, SPLIT]),
    ("cache-retry", &[ONCE]),
    ("threads-pool", &[ONE_LESS, NO_ORIGIN, PLAIN, SERVED, ONCE]),
    ("log-rotation", &[BODY, NO_ORIGIN, PLAIN, SERVED]),
    ("certificate-reload", &[BODY, SHOWN, PLAIN, NO_ORIGIN]),
    ("client-gone-", &[BODY, LENGTH]),
    ("absolute-form", &[TARGET, PLAIN, BODY, NO_ORIGIN]),
    ("forward-", &[TARGET, BODY, NO_ORIGIN]),
    ("strict-two", &[SERVED]),
    ("strict-space", &[SERVED]),
    ("strict-length", &[FRAMED, BODY, NO_ORIGIN]),
    ("image-starts", &[ENDED, UNSTARTABLE, NO_SERVER, MUTE, PASSING]),
];

fn named(id: &str, pattern: &str) -> bool {
    pattern.strip_suffix('$').map_or_else(|| id.starts_with(pattern), |exact| id == exact)
}

#[test]
fn every_trial_passes_on_what_is_right() {
    record();
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
        // Where a broken answer is the right one, its status can be any.
        let judged = trials::by_id(&id).unwrap().judge(&seen);
        let broken = seen.start.is_some() || judged.checks.iter().any(|check| check.expected == BROKEN);
        let always = ALWAYS.iter().filter(|(name, _)| !broken || *name != "another status");
        let family = BY_FAMILY.iter().filter(|(pattern, _)| named(&id, pattern)).flat_map(|(_, mutations)| *mutations);
        for (name, mutate) in always.chain(family) {
            let mut wrong = seen.clone();
            mutate(&mut wrong);
            assert_eq!(outcome(&id, &wrong), Outcome::Fail, "{id}: {name}");
        }
    }
}

#[test]
fn every_trial_fails_on_a_mutation_beyond_those_that_break_all() {
    for (id, seen) in right() {
        let breaks = |(_, mutate): &Mutation| {
            let mut wrong = seen.clone();
            mutate(&mut wrong);
            outcome(&id, &wrong) == Outcome::Fail
        };
        assert!(MUTATIONS.iter().any(breaks), "{id}");
    }
}

#[test]
fn every_family_has_trials_and_mutations() {
    for (pattern, mutations) in BY_FAMILY {
        assert!(!mutations.is_empty() && CATALOGUE.iter().any(|trial| named(trial.id, pattern)), "{pattern}");
    }
}

fn statuses(observation: &Observation) -> Vec<Option<u16>> {
    observation.client.iter().flat_map(|run| &run.exchanges).map(|exchange| exchange.status).collect()
}

/// What trials expect whose right answer is a broken one.
const BROKEN: &str = "an error that the client can see";

/// A check that cannot break while the client's statuses stay as they are.
fn is_of_status(expected: &str) -> bool {
    expected.starts_with("status") || expected == BROKEN
}

#[test]
fn every_check_is_broken_by_something_other_than_the_status() {
    let mut unbroken = Vec::new();
    for (id, seen) in right() {
        let trial = trials::by_id(&id).unwrap();
        let wrongs: Vec<Observation> = ALWAYS
            .iter()
            .chain(MUTATIONS)
            .map(|(_, mutate)| {
                let mut wrong = seen.clone();
                mutate(&mut wrong);
                wrong
            })
            .collect();
        let mut beyond = false;
        for check in trial.judge(&seen).checks {
            let of_status = is_of_status(&check.expected);
            let breaks = |wrong: &&Observation| {
                (of_status || statuses(wrong) == statuses(&seen))
                    && !trial.judge(wrong).checks.iter().any(|other| other.expected == check.expected && other.held)
            };
            if !wrongs.iter().any(|wrong| breaks(&wrong)) {
                unbroken.push(format!("{id}: {}", check.expected));
            }
            beyond |= !of_status;
        }
        assert!(beyond, "{id} checks nothing but the status");
    }
    assert_eq!(unbroken, Vec::<String>::new());
}
