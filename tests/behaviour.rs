//! Behaviour of real observations: it has nothing in it that differs from run to run, everything else is a change, and what
//! OpenSSL 3.5 changes is told apart from what nobody explains. The gate and diff answer from the recorded file alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::catalogue::trials;
use atsmatrix::config::matrix::sha256_hex;
use atsmatrix::decide::behaviour;
use atsmatrix::model::{BehaviourPart, BehaviourRecords, ClosedBy, Observation, Route, TrialBehaviour, Verdict};
use atsmatrix::store::{CommittedFiles, Results};
use serde::Deserialize;
use tempfile::TempDir;

use support::{git, known, put};

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
    let through_ats = |one: &Recorded| trials::by_id(&one.trial).unwrap().spec().route == Route::Ats;
    all.filter(through_ats).map(|one| (one.trial, one.observation)).collect()
}

fn of(trial: &str, seen: &Observation) -> Option<TrialBehaviour> {
    behaviour::of(trial, &trials::by_id(trial).unwrap().spec(), seen)
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
    let varying =
        regex::Regex::new(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|GMT|ATS/\d|Server/\d|:\d{4}|[0-9a-f]{8}-[0-9a-f]{4}")
            .unwrap();
    for (trial, seen) in recorded() {
        for (part, aspect, value) in of(&trial, &seen).unwrap().iter() {
            assert!(!varying.is_match(value), "{trial}: {part} {aspect}: {value}");
            assert!(!value.contains(&format!("{trial}.test")), "{trial}: {part} {aspect}: {value}");
        }
    }
}

/// A name, what it changes, and a change to an observation that changes its behaviour if it applies.
type Mutation = (&'static str, &'static str, fn(&mut Observation) -> bool);

const MUTATIONS: &[Mutation] = &[
    ("another status", "response", |seen| {
        let first = seen.client.as_mut().and_then(|run| run.exchanges.first_mut());
        first.map(|exchange| exchange.status = Some(418)).is_some()
    }),
    ("a response header more", "response header", |seen| {
        let first = seen.client.as_mut().and_then(|run| run.exchanges.first_mut());
        first.map(|exchange| exchange.headers.push(("x-new".into(), String::new()))).is_some()
    }),
    ("a request header less", "request", |seen| {
        let mut requests = seen.origin.iter_mut().flat_map(|connection| &mut connection.requests);
        requests.next().is_some_and(|request| request.headers.pop().is_some())
    }),
    ("another group", "TLS", |seen| {
        let tls = seen.origin.iter_mut().find_map(|connection| connection.tls.as_mut());
        tls.map(|tls| tls.group = "ffdhe2048".into()).is_some()
    }),
    ("no server name", "ClientHello SNI", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.is_some_and(|hello| hello.sni.take().is_some())
    }),
    ("a suite less", "ClientHello suites", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.is_some_and(|hello| hello.suites.pop().is_some())
    }),
    ("a larger ClientHello", "ClientHello size", |seen| {
        let hello = seen.origin.iter_mut().find_map(|connection| connection.hello.as_mut());
        hello.map(|hello| hello.len += 1).is_some()
    }),
    ("another connection", "origin", |seen| {
        let first = seen.origin.first().cloned();
        first.map(|connection| seen.origin.push(connection)).is_some()
    }),
    ("a reset in place of a FIN", "origin closed by", |seen| {
        let closed = seen.origin.iter_mut().find_map(|connection| connection.closed.as_mut());
        closed.is_some_and(|closed| {
            closed.by == ClosedBy::Peer && {
                closed.by = ClosedBy::PeerReset;
                true
            }
        })
    }),
];

#[test]
fn everything_else_is_a_change() {
    for (name, fact, mutate) in MUTATIONS {
        let mut applied = 0;
        for (trial, seen) in recorded() {
            let before = of(&trial, &seen).unwrap();
            let mut other = seen.clone();
            if before.not_compared().any(|(left_out, _)| fact.starts_with(left_out)) || trial.starts_with("load-") {
                continue;
            }
            if mutate(&mut other) && other.deadline_us() == u64::MAX {
                applied += 1;
                assert_ne!(Some(before), of(&trial, &other), "{name} of {trial}");
            }
        }
        assert!(applied > 20, "{name}: {applied}");
    }
}

/// A folder with results of today, in which trials on debian-13 agree on `group`; `None`: nothing was recorded there.
fn folder(group: Option<&str>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let result = known(Verdict::Fail, "3.0.22");
    put(dir.path(), "results/matrix.json", &result);
    let mut records = BehaviourRecords::new();
    for cell in &result.cells {
        let group = if cell.id.distro.as_str() == "debian-13" { group } else { Some("X25519") };
        let Some(group) = group else { continue };
        let aspects = [("group".to_owned(), group.to_owned())].into();
        let of_trial = TrialBehaviour([(BehaviourPart::Tls, aspects)].into());
        records.insert(cell.id.clone(), cell.trials.iter().map(|trial| (trial.id.clone(), of_trial.clone())).collect());
    }
    let day = Some(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date());
    let commit = |_, _| CommittedFiles { result, day, behaviour: records };
    Results::new(dir.path().join("results")).commit_all(commit).unwrap();
    dir
}

fn atsmatrix(dir: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"));
    let output = command.current_dir(dir).args(args).env("DOCKER_HOST", "unix:///nowhere").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), printed)
}

const UNCHANGED: [&str; 8] = ["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9", "--unchanged"];
const DIFFERENCE: [&str; 4] = ["diff", "--behaviour", "debian-12/9.2.9", "debian-13/9.2.9"];

#[test]
fn the_gate_opens_only_for_what_is_known_to_be_unchanged() {
    for (group, code, said) in [
        (Some("X25519"), 0, "no change"),
        (Some("secp384r1"), 3, "TLS group: X25519 -> secp384r1"),
        (None, 4, "debian-13/9.2.9 has no recorded behaviour"),
    ] {
        let dir = folder(group);
        let (exit, printed) = atsmatrix(dir.path(), &UNCHANGED);
        assert!(exit == code && printed.contains(said), "{group:?}: {exit} {printed}");
        let (exit, printed) = atsmatrix(dir.path(), &DIFFERENCE);
        assert_eq!(exit, if group.is_some() { 0 } else { 4 }, "{printed}");
        // Without the question the gate is as before.
        assert_eq!(atsmatrix(dir.path(), &UNCHANGED[..7]).0, 0);
    }
    let dir = folder(Some("X25519"));
    fs::remove_file(dir.path().join("results/behaviour.json")).unwrap();
    assert_eq!(atsmatrix(dir.path(), &UNCHANGED).0, 4);
}

/// A name, and what is done to the files of a folder.
type Damage<'a> = (&'static str, &'a dyn Fn(&TempDir));

#[test]
fn records_that_are_not_of_these_results_are_refused() {
    let text = |dir: &TempDir, file: &str| fs::read_to_string(dir.path().join("results").join(file)).unwrap();
    let write = |dir: &TempDir, file: &str, text: &str| fs::write(dir.path().join("results").join(file), text).unwrap();
    let other = folder(Some("secp384r1"));
    let cases: [Damage<'_>; 5] = [
        ("of another run", &|dir| write(dir, "behaviour.json", &text(&other, "behaviour.json"))),
        ("edited", &|dir| write(dir, "behaviour.json", &text(dir, "behaviour.json").replace("X25519", "x448"))),
        ("merged by git", &|dir| write(dir, "behaviour.json", "<<<<<<< HEAD")),
        ("of results that were run again", &|dir| {
            write(dir, "matrix.json", &text(dir, "matrix.json").replace("3.0.22", "3.5.9"));
        }),
        ("of nobody knows which run", &|dir| fs::remove_file(dir.path().join("results/checked.json")).unwrap()),
    ];
    for (name, damage) in cases {
        let dir = folder(Some("X25519"));
        damage(&dir);
        for question in [&UNCHANGED[..], &DIFFERENCE] {
            let (exit, printed) = atsmatrix(dir.path(), question);
            let said = printed.contains("cannot use results/behaviour.json") && printed.contains("run the cells again");
            assert!(exit == 2 && said, "{name}: {exit} {printed}");
        }
    }
}

#[test]
fn a_damaged_file_is_refused_even_with_its_own_digest() {
    let dir = folder(Some("X25519"));
    let path = |file: &str| dir.path().join("results").join(file);
    let (old, damaged) = (fs::read(path("behaviour.json")).unwrap(), b"{ \"schema\": 1, \"parts\": 7 }");
    let checked = fs::read_to_string(path("checked.json")).unwrap();
    fs::write(path("behaviour.json"), damaged).unwrap();
    fs::write(path("checked.json"), checked.replace(&sha256_hex(&old), &sha256_hex(damaged))).unwrap();
    let (exit, printed) = atsmatrix(dir.path(), &UNCHANGED);
    assert!(exit == 2 && printed.contains("is damaged") && printed.contains("at line 1 column 25"), "{exit} {printed}");
}

#[test]
fn a_revision_is_compared_with_the_results_on_disk() {
    let dir = folder(Some("X25519"));
    git(dir.path(), &["init", "-q", "-b", "main"], 1_700_000_000);
    git(dir.path(), &["add", "-A"], 1_700_000_000);
    git(dir.path(), &["commit", "-q", "-m", "Results"], 1_700_000_000);
    let cell = "debian-13/9.2.9";
    let (exit, printed) = atsmatrix(dir.path(), &["diff", "git:HEAD", "--behaviour", cell, cell]);
    assert!(exit == 0 && printed.contains("no change"), "{exit} {printed}");
    for (args, code) in [
        (&["diff", "--behaviour", cell][..], 2),
        (&["diff", "--behaviour", cell, "nothing"], 2),
        (&["diff", "--behaviour", cell, "debian-14/9.2.9"], 4),
        (&["gate", "--unchanged", "--baseline", "git:HEAD"], 2),
    ] {
        let (exit, printed) = atsmatrix(dir.path(), args);
        assert_eq!(exit, code, "{args:?}: {printed}");
    }
}
