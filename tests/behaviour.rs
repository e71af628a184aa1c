//! Behaviour of real observations: it has nothing in it that differs from run to run, everything else is a change, and what
//! OpenSSL 3.5 changes is told apart from what nobody explains.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;
use std::fs;

use atsmatrix::catalogue::trials;
use atsmatrix::decide::behaviour;
use atsmatrix::model::{Behaviour, ClosedBy, Observation, Route};
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    trial: String,
    observation: Observation,
}

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/judges/right.jsonl");

/// The observations of trials through ATS.
fn recorded() -> BTreeMap<String, Observation> {
    let text = fs::read_to_string(FIXTURE).unwrap();
    let all = text.lines().map(|line| serde_json::from_str::<Recorded>(line).unwrap());
    let through_ats = |one: &Recorded| (trials::by_id(&one.trial).unwrap().spec)().route == Route::Ats;
    all.filter(through_ats).map(|one| (one.trial, one.observation)).collect()
}

fn of(trial: &str, seen: &Observation) -> Option<Behaviour> {
    behaviour::of(trial, &(trials::by_id(trial).unwrap().spec)(), seen)
}

/// The same observation at another time, from other ports and addresses, by another process.
fn another_run(seen: &Observation) -> Observation {
    let mut seen = seen.clone();
    let uuid = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}").unwrap();
    let port = regex::Regex::new(r":2\d{4}\b").unwrap();
    let other = |value: &str| {
        let value = uuid.replace_all(value, "00000000-1111-2222-3333-444444444444");
        port.replace_all(&value, ":31999").into_owned()
    };
    for connection in &mut seen.origin {
        connection.peer = "10.9.8.7:1234".into();
        connection.port = 31_999;
        connection.accepted_us += 5_000_000;
        if let Some(closed) = &mut connection.closed {
            closed.at_us += 5_000_000;
        }
        for request in &mut connection.requests {
            request.at_us += 5_000_000;
            request.target = other(&request.target);
            request.headers.iter_mut().for_each(|(_, value)| *value = other(value));
        }
    }
    for exchange in seen.client.iter_mut().flat_map(|run| &mut run.exchanges) {
        exchange.started_us += 5_000_000;
        exchange.total_us += 777;
        exchange.head_us = exchange.head_us.map(|us| us + 333);
        for (name, value) in &mut exchange.headers {
            match name.as_str() {
                "date" => *value = "Tue, 01 Dec 2026 01:02:03 GMT".into(),
                "age" => *value = "3".into(),
                _ => *value = other(value),
            }
        }
    }
    seen
}

#[test]
fn another_run_of_the_same_has_the_same_behaviour() {
    let all = recorded();
    assert!(all.len() > 100);
    for (trial, seen) in all {
        let first = of(&trial, &seen).unwrap_or_else(|| panic!("{trial} has no behaviour"));
        assert_eq!(Some(&first), of(&trial, &another_run(&seen)).as_ref(), "{trial}");
    }
}

#[test]
fn nothing_in_it_is_of_one_run_or_one_name() {
    let varying = regex::Regex::new(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|GMT|ATS/\d|Server/\d|:\d{4}|[0-9a-f]{8}-[0-9a-f]{4}").unwrap();
    for (trial, seen) in recorded() {
        for (part, aspect, value) in of(&trial, &seen).unwrap().iter() {
            assert!(!varying.is_match(value), "{trial}: {part} {aspect}: {value}");
            assert!(!value.contains(&format!("{trial}.test")), "{trial}: {part} {aspect}: {value}");
        }
    }
}

/// A name, and a change to an observation that changes its behaviour if it applies.
type Mutation = (&'static str, fn(&mut Observation) -> bool);

const MUTATIONS: &[Mutation] = &[
    ("another status", |seen| {
        let first = seen.client.as_mut().and_then(|run| run.exchanges.first_mut());
        first.map(|exchange| exchange.status = Some(418)).is_some()
    }),
    ("a response header more", |seen| {
        let first = seen.client.as_mut().and_then(|run| run.exchanges.first_mut());
        first.map(|exchange| exchange.headers.push(("x-new".into(), String::new()))).is_some()
    }),
    ("a request header less", |seen| {
        let mut requests = seen.origin.iter_mut().flat_map(|connection| &mut connection.requests);
        requests.next().is_some_and(|request| request.headers.pop().is_some())
    }),
    ("another group", |seen| {
        let tls = seen.origin.iter_mut().find_map(|connection| connection.tls.as_mut());
        tls.map(|tls| tls.group = "ffdhe2048".into()).is_some()
    }),
    ("no server name", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.is_some_and(|hello| hello.sni.take().is_some())
    }),
    ("a suite less", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.is_some_and(|hello| hello.suites.pop().is_some())
    }),
    ("a larger ClientHello", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.map(|hello| hello.len += 1).is_some()
    }),
    ("another connection", |seen| {
        let first = seen.origin.first().cloned();
        first.map(|connection| seen.origin.push(connection)).is_some()
    }),
    ("a reset in place of a FIN", |seen| {
        let closed = seen.origin.iter_mut().find_map(|connection| connection.closed.as_mut());
        closed.is_some_and(|closed| closed.by == ClosedBy::Peer && { closed.by = ClosedBy::PeerReset; true })
    }),
];

#[test]
fn everything_else_is_a_change() {
    for (name, mutate) in MUTATIONS {
        let mut applied = 0;
        for (trial, seen) in recorded().into_iter().filter(|(trial, _)| !trial.starts_with("load-")) {
            let mut other = seen.clone();
            if mutate(&mut other) && other.deadline_us() == u64::MAX {
                applied += 1;
                assert_ne!(of(&trial, &seen), of(&trial, &other), "{name} of {trial}");
            }
        }
        assert!(applied > 20, "{name}: {applied}");
    }
}
