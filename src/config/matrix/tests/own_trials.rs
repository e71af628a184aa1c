//! Trials of the user's own: what they become, and what is wrong with them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::{Matrix, TrialFile};
use super::{GOOD, parse};
use crate::model::{Act, Answer, OwnTrial, RequestSpec, Speak, Step, TrialExpectation as Expects};

/// A trial with every kind of value. Each test breaks it in one place.
const TRIAL: &str = r#"trials:
  mine:
    title: it works
    why: an issue
    front: tls
    requests:
      - { method: POST, path: "/a?b=c", headers: { X-A: b }, body: 10, chunked: true }
      - { fresh: true }
    origin:
      tls: { versions: [TLSv1.3], certificate: rsa }
      status: 404
      headers: { X-B: c }
      delay: 100ms
      close: true
    records: [CONFIG proxy.config.url_remap.pristine_host_hdr INT 1]
    sni: [{ side: origin, keys: { verify_server_policy: ENFORCED } }]
    needs: { ats: ">=9.2" }
    deadline: 5s
    expect:
      client: { statuses: [404, 404], headers: { X-B: "{host}*" } }
      origin: { requests: 2, connections: 2, server_name: "{origin}" }
      end: at-once
"#;

fn with(trial: &str) -> String {
    format!("{GOOD}{trial}")
}

fn own(trial: &str) -> OwnTrial {
    let matrix = parse(&with(trial)).unwrap_or_else(|found| panic!("{found}"));
    matrix.own_trials().next().unwrap().clone()
}

/// The diagnostics if `from` in the trial is `to` instead, with lines of the trial alone.
fn broken(from: &str, to: &str) -> String {
    assert_eq!(TRIAL.matches(from).count(), 1, "`{from}` must occur once in the trial");
    let lines = GOOD.lines().count();
    let found = Matrix::parse("m", &with(&TRIAL.replace(from, to))).unwrap_err();
    found.into_iter().fold(String::new(), |mut text, mut diagnostic| {
        diagnostic.line -= lines;
        writeln!(text, "{diagnostic}").unwrap();
        text
    })
}

#[test]
fn a_trial_becomes_a_spec_and_expectations() {
    let trial = own(TRIAL);
    let spec = trial.spec;
    let requests = [
        RequestSpec {
            method: "POST".into(),
            target: "/a?b=c".into(),
            body_len: 10,
            chunked: true,
            headers: vec![("X-A".into(), "b".into())],
            fresh: false,
        },
        RequestSpec { method: "GET".into(), fresh: true, ..RequestSpec::default() },
    ];
    assert_eq!(spec.client.act, Act::Requests(requests.into()));
    let headers = vec![("X-B".to_owned(), "c".to_owned())];
    let answer = Answer { status: 404, headers, body_len: 1000, delay_ms: 100, close: true };
    assert_eq!(spec.origin.speak, Speak::Answer(answer));
    assert!(spec.timed && spec.deadline_ms == 5000);
    assert_eq!(trial.ats.as_deref(), Some(">=9.2"));
    let [Expects::Statuses(_), Expects::AnswerHeader(header), Expects::Served { .. }, Expects::ServerName(name), ..] =
        trial.wanted.as_slice()
    else {
        panic!("{:?}", trial.wanted)
    };
    assert_eq!((header.name.as_str(), header.value.as_str()), ("x-b", "mine.t*"));
    assert_eq!(name.as_deref(), Some("mine.test"));
}

#[test]
fn mistakes_have_positions_and_say_what_to_do() {
    let cases = [
        ("  mine:", "  Mine:"),
        ("  mine:", "  ready:"),
        ("    title: it works\n", ""),
        ("title: it works", "title: \"\""),
        ("front: tls", "front: tsl"),
        ("method: POST", "method: post"),
        ("path: \"/a?b=c\"", "path: a b"),
        ("X-A: b", "Host: b"),
        ("body: 10, ", ""),
        ("TLSv1.3", "TLSv1.1"),
        ("certificate: rsa", "certificate: expird"),
        ("status: 404", "status: 99"),
        ("status: 404", "status: 204\n      body: 1"),
        ("delay: 100ms", "delay: 100"),
        ("close: true", "listens: false"),
        ("close: true", "script: [read-head]"),
        ("INT 1", "1"),
        ("INT 1", "INT one"),
        ("url_remap.pristine_host_hdr INT 1", "http.server_ports STRING 80"),
        ("{ verify_server_policy: ENFORCED }", "{ fqdn: a.test }"),
        (">=9.2", "9.2"),
        ("deadline: 5s", "deadline: 5m"),
        ("connections: 2", "connections: 3"),
        ("requests: 2, ", ""),
        ("statuses: [404, 404]", "status: [100]"),
        ("end: at-once", "end: soon"),
        ("end: at-once", "wire: no-packet"),
    ];
    let all: Vec<String> = cases.iter().map(|(from, to)| broken(from, to)).collect();
    insta::assert_snapshot!(all.concat(), @r#"
    m:2:3: trials.Mine: `Mine` is not a valid id of a trial; use a-z, 0-9 and -, beginning with a letter, at most 40 of them
    m:2:3: trials.ready: atsmatrix uses the name `ready` itself; choose another
    m:3:5: trials.mine: the key `title` is missing; add it: in one line, what it shows
    m:3:12: trials.mine.title: `` is not a valid text; write one line of at most 400 characters
    m:5:12: trials.mine.front: `tsl` is not an allowed value; did you mean `tls`?
    m:7:19: trials.mine.requests[0].method: `post` is not a valid method; write it in capitals; for CONNECT use `front: connect`
    m:7:31: trials.mine.requests[0].path: `a b` is not a valid path; begin with / and use only characters that a URL has
    m:7:52: trials.mine.requests[0].headers.Host: atsmatrix sets `Host` itself; remove it
    m:7:62: trials.mine.requests[0].chunked: there is no body to send in chunks; add `body`, or remove it
    m:10:25: trials.mine.origin.tls.versions[0]: `TLSv1.1` is not an allowed value; did you mean `TLSv1.2`?
    m:10:48: trials.mine.origin.tls.certificate: `expird` is not an allowed value; did you mean `expired`?
    m:11:15: trials.mine.origin.status: `99` is not a valid number here; write a number from 200 to 599
    m:12:13: trials.mine.origin.body: an answer of this status has no body; remove it
    m:13:14: trials.mine.origin.delay: `100` is not a duration; write a number with a unit, like 500ms or 2s
    m:11:7: trials.mine.origin.status: nobody listens at this origin; remove it
    m:12:7: trials.mine.origin.headers: nobody listens at this origin; remove it
    m:13:7: trials.mine.origin.delay: nobody listens at this origin; remove it
    m:11:7: trials.mine.origin.status: the script alone says what this origin does; remove it
    m:12:7: trials.mine.origin.headers: the script alone says what this origin does; remove it
    m:13:7: trials.mine.origin.delay: the script alone says what this origin does; remove it
    m:15:15: trials.mine.records[0]: `CONFIG proxy.config.url_remap.pristine_host_hdr 1` is not a setting; write it like `CONFIG proxy.config.url_remap.pristine_host_hdr INT 1`
    m:15:15: trials.mine.records[0]: `CONFIG proxy.config.url_remap.pristine_host_hdr INT one` is not a setting; write it like `CONFIG proxy.config.url_remap.pristine_host_hdr INT 1`
    m:15:15: trials.mine.records[0]: atsmatrix sets `proxy.config.http.server_ports` itself; remove it: no cell works without its own value
    m:16:35: trials.mine.sni[0].keys.fqdn: `fqdn` is no such key; write a key of sni.yaml other than fqdn, such as `verify_server_policy`
    m:17:19: trials.mine.needs.ats: `9.2` is not a version range; write it like ">=3.2" or ">=9.2.0,<9.2.7"
    m:18:15: trials.mine.deadline: `5m` is longer than any trial may take; write at most 20 s, or raise `defaults.deadlines.trial`
    m:21:43: trials.mine.expect.origin.connections: 2 requests cannot come on 3 connections; correct one of them
    m:21:17: trials.mine.expect.origin.connections: the number of requests on these connections is missing; add `requests`
    m:20:26: trials.mine.expect.client.status[0]: 100 is not the status of an answer; write 200 to 599
    m:22:12: trials.mine.expect.end: `soon` is not an allowed value; expected one of at-once, after-a-second
    m:22:13: trials.mine.expect.wire: expected a list, found the text `no-packet`; write [no-packet]
    "#);
}

#[test]
fn a_trial_that_could_not_fail_is_refused() {
    let expecting = |expect: &str| format!("trials:\n  mine: {{ title: t, why: w, expect: {expect} }}\n");
    for nothing in ["{}", "{ client: {} }", "{ origin: {}, wire: [], logs: {} }"] {
        let found = parse(&with(&expecting(nothing))).unwrap_err();
        assert!(found.contains("the trial expects nothing, so it could never fail"), "{nothing}: {found}");
    }
    for absent in
        ["{ client: { no_error: true } }", "{ origin: { requests: 0 }, wire: [no-packet] }", "{ logs: { lack: [x] } }"]
    {
        let found = parse(&with(&expecting(absent))).unwrap_err();
        assert!(found.contains("all of this also holds if nothing happens at all"), "{absent}: {found}");
    }
    let found = parse(&with(&expecting("{ client: { no_error: false } }"))).unwrap_err();
    assert!(found.contains("`false` asks for nothing") && found.lines().count() == 1, "{found}");
    assert!(
        parse(&with("trials:\n  mine: { title: t, why: w }\n")).unwrap_err().contains("the key `expect` is missing")
    );
}

#[test]
fn scripts_are_steps_and_wrong_ones_are_told() {
    let script = |steps: &str| {
        let origin = format!("{{ speaks_tls: false, script: [{steps}] }}");
        format!(
            "trials:\n  mine: {{ title: t, why: w, origin: {origin}, expect: {{ client: {{ status: [502] }} }} }}\n"
        )
    };
    let own =
        own(&script("read-hello, send-hex 15 03, \"send a\\r\\n\", send-pattern 5, pause 20ms, expect b, hang, reset"));
    let steps = vec![
        Step::ReadHello,
        Step::SendBytes(vec![0x15, 3]),
        Step::Send("a\r\n".into()),
        Step::SendPattern(5),
        Step::Pause(20),
        Step::Expect("b".into()),
        Step::Hang,
        Step::Reset,
    ];
    assert_eq!(own.spec.origin.speak, Speak::Script(vec![steps]));
    assert_eq!(own.spec.origin.tls, None);
    for (step, says) in [
        ("read-heed", "did you mean `read-head`?"),
        ("close now", "the step `close` takes no value"),
        ("send", "write `send` and a text"),
        ("send-hex 1", "write `send-hex` and bytes as hex digits"),
        ("send-pattern 99999999999", "at most 67108864"),
        ("pause 3", "write `pause` and a time like 200ms"),
        ("reset, hang", "nothing can follow a reset"),
    ] {
        let found = parse(&with(&script(step))).unwrap_err();
        assert!(found.contains(says) && found.contains("trials.mine.origin.script[0]"), "{step}: {found}");
    }
}

#[test]
fn the_digest_follows_what_a_trial_does_and_expects() {
    let digest = |trials: &str| parse(&with(trials)).unwrap().digest;
    let as_is = digest(TRIAL);
    assert_ne!(as_is, parse(GOOD).unwrap().digest);
    assert_eq!(parse(&with("trials: {}\n")).unwrap().digest, parse(GOOD).unwrap().digest);
    for same in [("title: it works", "title: it does"), ("why: an issue", "why: another\n    link: https://a.test/")] {
        assert_eq!(digest(&TRIAL.replace(same.0, same.1)), as_is, "{same:?}");
    }
    let mut seen = std::collections::BTreeSet::from([as_is]);
    for (from, to) in [
        ("  mine:", "  yours:"),
        ("front: tls", "front: http"),
        ("method: POST", "method: PUT"),
        ("fresh: true", "fresh: false"),
        ("certificate: rsa", "certificate: p384"),
        ("status: 404", "status: 405"),
        ("delay: 100ms", "delay: 200ms"),
        ("close: true", "close: false"),
        ("INT 1", "INT 0"),
        ("ENFORCED", "PERMISSIVE"),
        (">=9.2", ">=9.1"),
        ("deadline: 5s", "deadline: 6s"),
        ("requests: 2, connections: 2", "requests: 2"),
        ("server_name: \"{origin}\"", "server_name: none"),
        ("server_name: \"{origin}\"", "tls: any"),
        ("server_name: \"{origin}\"", "refused: any"),
        ("server_name: \"{origin}\"", "client_hello: true"),
        ("end: at-once", "end: after-a-second"),
    ] {
        assert_eq!(TRIAL.matches(from).count(), 1, "{from}");
        assert!(seen.insert(digest(&TRIAL.replace(from, to))), "{from:?} -> {to:?}");
    }
}

#[test]
fn results_that_name_the_bytes_of_the_file_alone_are_not_those_of_own_trials() {
    // The bytes of matrix.yaml stay when a file with trials changes.
    let with_files = in_a_file(TRIAL).unwrap();
    assert!(with_files.is_named(&with_files.digest) && !with_files.is_named(&with_files.sha256));
    let changed = in_a_file(&TRIAL.replace("status: 404", "status: 405")).unwrap();
    assert_eq!(changed.sha256, with_files.sha256);
    assert!(!changed.is_named(&with_files.digest));
    let without = parse(GOOD).unwrap();
    assert!(without.is_named(&without.sha256));
}

/// The matrix with the trial in a file.
fn in_a_file(trial: &str) -> Result<Matrix, Vec<super::super::Diagnostic>> {
    let matrix = parse(&with("trial_files: [own/*.yaml]\n")).unwrap();
    let text = format!("version: 1\n{trial}");
    matrix.with_trial_files(|_| Ok(vec![TrialFile { name: "own/a.yaml".into(), text: text.clone() }]))
}

#[test]
fn a_trial_in_a_file_is_the_same_and_stays_when_expectations_are_edited() {
    let matrix = in_a_file(TRIAL).unwrap();
    assert_eq!(matrix.digest, parse(&with(TRIAL)).unwrap().digest);
    assert_eq!((matrix.trials[0].file.as_str(), matrix.trials[0].at), ("own/a.yaml", (3, 3)));
    let (_, edited) = matrix.edited(&with("trial_files: [own/*.yaml]\n"), &[]).unwrap();
    assert_eq!((edited.trials, edited.digest), (matrix.trials, matrix.digest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_file_makes_it_panic(at in any::<prop::sample::Index>(), removed in 0_usize..30, word in "[-:{}\\[\\]&*a0 \\n'\"|>{}%#.]{0,6}", any in any::<String>()) {
        let mut text: Vec<char> = TRIAL.chars().collect();
        let start = at.index(text.len());
        let end = (start + removed).min(text.len());
        text.splice(start..end, word.chars());
        for text in [text.into_iter().collect::<String>(), any] {
            if let Err(found) = in_a_file(&text) {
                prop_assert!(!found.is_empty());
                for diagnostic in found {
                    let shown = diagnostic.to_string();
                    prop_assert!(diagnostic.line >= 1 && diagnostic.column >= 1 && !shown.contains(char::is_control), "{}", shown);
                }
            }
        }
    }
}
