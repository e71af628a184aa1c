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
    insta::assert_snapshot!(all.concat());
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
