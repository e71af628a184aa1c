use std::io::Write as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use super::*;
use crate::words::fixture;

/// The schema of Jenkins' xunit plugin. GitLab has no schema and reads the same files.
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/junit-10.xsd");

fn validate(xml: &str) -> Result<(), String> {
    let mut lint = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema", SCHEMA, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is installed by scripts/setup.sh");
    lint.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = lint.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The suite of a cell, without its properties.
fn of(xml: &str, cell: &str) -> String {
    let from = xml.find(&format!("<testsuite name=\"{cell}\"")).unwrap();
    let end = xml[from..].find("</testsuite>").unwrap() + "</testsuite>".len();
    let suite = &xml[from..from + end];
    suite.lines().filter(|line| !line.contains("propert")).collect::<Vec<_>>().join("\n")
}

fn on(day: &str) -> Terms<'static> {
    Terms { today: Some(day.parse().unwrap()), ..Terms::default() }
}

#[test]
fn an_expected_failure_is_skipped_with_its_reason() {
    assert_snapshot!(of(&render(&fixture::matrix(), &Terms::default()), "debian-13/9.2.5"), @r#"
    <testsuite name="debian-13/9.2.5" tests="7" failures="0" errors="0" skipped="3">
        <testcase name="verdict" classname="debian-13.9_2_5"/>
        <testcase name="ctl-direct-tls" classname="debian-13.9_2_5"/>
        <testcase name="ctl-plain-origin" classname="debian-13.9_2_5"/>
        <testcase name="tls-get" classname="debian-13.9_2_5">
          <skipped type="expected" message="expected: OpenSSL 3.2 and later break outgoing TLS (https://github.com/apache/trafficserver/issues/11465)"/>
          <system-out>client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</system-out>
        </testcase>
        <testcase name="tls12-only" classname="debian-13.9_2_5">
          <skipped type="expected" message="expected: OpenSSL 3.2 and later break outgoing TLS (https://github.com/apache/trafficserver/issues/11465)"/>
          <system-out>client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</system-out>
        </testcase>
        <testcase name="tls13-only" classname="debian-13.9_2_5">
          <skipped type="expected" message="expected: OpenSSL 3.2 and later break outgoing TLS (https://github.com/apache/trafficserver/issues/11465)"/>
          <system-out>client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</system-out>
        </testcase>
        <testcase name="http-head" classname="debian-13.9_2_5"/>
      </testsuite>
    "#);
}

#[test]
fn a_failure_was_run_again_and_has_its_evidence() {
    assert_snapshot!(of(&render(&fixture::matrix(), &Terms::default()), "debian-14/9.2.5"), @r#"
    <testsuite name="debian-14/9.2.5" tests="7" failures="3" errors="0" skipped="0">
        <testcase name="verdict" classname="debian-14.9_2_5"/>
        <testcase name="ctl-direct-tls" classname="debian-14.9_2_5"/>
        <testcase name="ctl-plain-origin" classname="debian-14.9_2_5"/>
        <testcase name="tls-get" classname="debian-14.9_2_5">
          <failure type="fail" message="502 Invalid argument">client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</failure>
          <rerunFailure type="fail" message="failed again in a fresh ATS"/>
        </testcase>
        <testcase name="tls12-only" classname="debian-14.9_2_5">
          <failure type="fail" message="502 Invalid argument">client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</failure>
          <rerunFailure type="fail" message="failed again in a fresh ATS"/>
        </testcase>
        <testcase name="tls13-only" classname="debian-14.9_2_5">
          <failure type="fail" message="502 Invalid argument">client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host=&apos;https-remote.test&apos; connection_result=Invalid argument [22] error=Invalid argument [22]</failure>
          <rerunFailure type="fail" message="failed again in a fresh ATS"/>
        </testcase>
        <testcase name="http-head" classname="debian-14.9_2_5"/>
      </testsuite>
    "#);
}

#[test]
fn an_unexpected_pass_fails_the_verdict_and_a_flaky_trial_passes_as_in_surefire() {
    let xml = render(&fixture::matrix(), &Terms::default());
    assert_snapshot!(of(&xml, "debian-13/9.2.5-backport"), @r#"
    <testsuite name="debian-13/9.2.5-backport" tests="7" failures="1" errors="0" skipped="0">
        <testcase name="verdict" classname="debian-13.9_2_5-backport">
          <failure type="expectation" message="does not fail as matrix.yaml expects: the backport was incomplete"/>
        </testcase>
        <testcase name="ctl-direct-tls" classname="debian-13.9_2_5-backport"/>
        <testcase name="ctl-plain-origin" classname="debian-13.9_2_5-backport"/>
        <testcase name="tls-get" classname="debian-13.9_2_5-backport"/>
        <testcase name="tls12-only" classname="debian-13.9_2_5-backport"/>
        <testcase name="tls13-only" classname="debian-13.9_2_5-backport"/>
        <testcase name="http-head" classname="debian-13.9_2_5-backport"/>
      </testsuite>
    "#);
    assert_snapshot!(of(&xml, "debian-12/9.2.9"), @r#"
    <testsuite name="debian-12/9.2.9" tests="8" failures="1" errors="0" skipped="0">
        <testcase name="verdict" classname="debian-12.9_2_9">
          <failure type="expectation" message="is flaky in keepalive-race, which matrix.yaml does not expect"/>
        </testcase>
        <testcase name="ctl-direct-tls" classname="debian-12.9_2_9"/>
        <testcase name="ctl-plain-origin" classname="debian-12.9_2_9"/>
        <testcase name="tls-get" classname="debian-12.9_2_9"/>
        <testcase name="tls12-only" classname="debian-12.9_2_9"/>
        <testcase name="tls13-only" classname="debian-12.9_2_9"/>
        <testcase name="http-head" classname="debian-12.9_2_9"/>
        <testcase name="keepalive-race" classname="debian-12.9_2_9">
          <flakyFailure type="flaky" message="502, then 200">client: 502 Server Hangup</flakyFailure>
        </testcase>
      </testsuite>
    "#);
}

#[test]
fn cells_without_an_answer_are_errors_or_skipped_and_unbuildable_cells_fail() {
    let xml = render(&fixture::matrix(), &Terms::default());
    assert_snapshot!(of(&xml, "fedora-40/9.2.5"), @r#"
    <testsuite name="fedora-40/9.2.5" tests="1" failures="0" errors="0" skipped="1">
        <testcase name="verdict" classname="fedora-40.9_2_5">
          <skipped type="unavailable" message="cannot pull registry.fedoraproject.org/fedora:40: no such host"/>
        </testcase>
      </testsuite>
    "#);
    assert_snapshot!(of(&xml, "forecast/9.2.9"), @r#"
    <testsuite name="forecast/9.2.9" tests="1" failures="1" errors="0" skipped="0">
        <testcase name="verdict" classname="forecast.9_2_9">
          <failure type="unbuildable" message="cannot be built, which matrix.yaml does not expect (X509HostnameValidator.cc:107: error: invalid use of incomplete type &apos;ASN1_STRING&apos;)"/>
        </testcase>
      </testsuite>
    "#);
    let strict = render(&fixture::matrix(), &Terms { strict: true, ..Terms::default() });
    assert!(of(&strict, "fedora-40/9.2.5").contains("<error type=\"error\" message=\"unavailable: cannot pull"));
}

#[test]
fn an_expired_expectation_excuses_nothing() {
    let mut result = fixture::matrix();
    let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-13/9.2.5").unwrap();
    cell.expected.as_mut().unwrap().expires = Some("2027-01-31".parse().unwrap());
    let suite = of(&render(&result, &on("2027-01-31")), "debian-13/9.2.5");
    assert!(suite.contains("failures=\"0\"") && suite.contains("skipped=\"3\""), "{suite}");
    let suite = of(&render(&result, &on("2027-02-01")), "debian-13/9.2.5");
    assert!(suite.contains("failures=\"4\"") && suite.contains("until 2027-01-31, which is over"), "{suite}");
}

#[test]
fn the_counts_match_the_cases() {
    let xml = render(&fixture::matrix(), &Terms::default());
    let count = |tag: &str| xml.matches(tag).count();
    let head = format!(
        "<testsuites name=\"atsmatrix\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        count("<testcase "),
        count("<failure "),
        count("<error ")
    );
    assert!(xml.contains(&head), "{head}\n{xml}");
    assert_eq!(count("<testsuite "), fixture::matrix().cells.len());
}

#[test]
fn it_follows_the_schema_of_jenkins_also_with_hostile_text() {
    let mut result = fixture::matrix();
    validate(&render(&result, &Terms::default())).unwrap();
    let hostile = "]]> <failure/> & \" ' \u{1b}[2J\0\u{fffe}\u{ffff}\u{202e}\nnext";
    for cell in &mut result.cells {
        cell.reason = Some(hostile.into());
        for trial in &mut cell.trials {
            (trial.id, trial.summary) = (hostile.into(), hostile.into());
            trial.evidence = vec![hostile.into(), "x".repeat(100_000)];
        }
        for issue in &mut cell.known_issues {
            issue.link = hostile.into();
        }
        if let Some(release) = &mut cell.provenance.distro {
            release.name = hostile.into();
        }
    }
    let xml = render(&result, &Terms::default());
    validate(&xml).unwrap();
    assert!(xml.lines().all(|line| line.len() < 20 * LINE), "unbounded");
    result.cells.clear();
    validate(&render(&result, &Terms::default())).unwrap();
    validate(UNFINISHED).unwrap();
}

#[test]
fn the_schema_rejects_invalid_files() {
    let xml = render(&fixture::matrix(), &Terms::default());
    assert!(validate(&xml.replace(" tests=", " trials=")).is_err());
    assert!(validate(&xml.replacen("</testsuite>", "<unknown/></testsuite>", 1)).is_err());
}

#[test]
fn an_unbuildable_cell_is_skipped_with_the_reason_of_its_own_entry() {
    let expects = |verdict, reason: &str| Expected {
        verdict,
        reason: reason.into(),
        link: None,
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    };
    let mut cell = fixture::failing("debian-sid/9.2.5", "4.0.0");
    (cell.verdict, cell.trials) = (Verdict::Unbuildable, Vec::new());
    let first = expects(Verdict::Fail, "fast open");
    cell.expected = Some(Expected { also: vec![expects(Verdict::Unbuildable, "OpenSSL 4")], ..first });
    let message = "expected: OpenSSL 4".to_owned();
    assert_eq!(of_cell(&cell, &Terms::default()), Status::Skipped { kind: "expected", message });
}

#[test]
fn a_cell_with_an_unanswered_trial_does_not_pass() {
    let mut cell = fixture::passing("debian-13/9.2.9", "3.5.7");
    cell.verdict = Verdict::Flaky;
    let expected = Expected {
        verdict: Verdict::Flaky,
        reason: "a race".into(),
        link: None,
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    };
    cell.expected = Some(expected);
    let last = cell.trials.len() - 1;
    cell.trials[last - 1].outcome = Outcome::Flaky;
    cell.trials[last].outcome = Outcome::Skipped;
    let message = format!("no answer for {}", cell.trials[last].id);
    assert_eq!(of_cell(&cell, &Terms::default()), Status::Error { message });
}

#[test]
fn failures_in_a_newly_tested_cell_are_skipped() {
    let mut result = fixture::matrix();
    let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap();
    cell.optional = true;
    let unanswered = std::collections::BTreeSet::from([cell.id.clone()]);
    let terms = Terms { unanswered: Some(&unanswered), ..Terms::default() };
    let xml = render(&result, &terms);
    validate(&xml).unwrap();
    let suite = of(&xml, "debian-14/9.2.5");
    assert!(suite.contains(r#"failures="0" errors="0""#), "{suite}");
    assert!(suite.contains("newly tested, which does not fail this run: fail"), "{suite}");
    let failing = cell_of(&result).trials.iter().filter(|trial| trial.outcome == Outcome::Fail).count();
    assert_eq!(suite.matches(r#"type="newly-tested""#).count(), failing + 1, "{suite}");
    assert!(
        of(&render(&result, &Terms::default()), "debian-14/9.2.5").contains("<failure"),
        "the cell had an answer before"
    );
}

fn cell_of(result: &MatrixResult) -> &CellResult {
    result.cells.iter().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap()
}
