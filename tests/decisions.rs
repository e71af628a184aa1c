//! Runs gate, path, report, diff, history, explain and merge on files and on a git repository, without an engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use atsmatrix::model::{Direction, Expected, Flow, Observation, Outcome, Packet, Verdict};
use atsmatrix::report::json;
use atsmatrix::store::{Evidence, Results};
use tempfile::TempDir;

use support::{cell, git, known, put, result};

/// A repository in which debian-13/9.2.5 passed on 2023-11-14 and fails since 2023-11-15.
fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    git(path, &["init", "-q", "-b", "main"], 1_700_000_000);
    for (second, results) in
        [(1_700_000_000, known(Verdict::Pass, "3.1.9")), (1_700_086_400, known(Verdict::Fail, "3.5.7"))]
    {
        put(path, "results/matrix.json", &results);
        git(path, &["add", "-A"], second);
        git(path, &["commit", "-q", "-m", "Results"], second);
    }
    dir
}

/// Runs atsmatrix and returns the exit code and the output.
fn atsmatrix(dir: &Path, args: &[&str]) -> (i32, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"))
        .current_dir(dir)
        .args(args)
        .env("DOCKER_HOST", "unix:///nowhere")
        .env_remove("GITHUB_ACTIONS")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), printed)
}

fn upgrade(ats: &str) -> Vec<&str> {
    vec!["gate", "--from", "debian-12", "--to", "debian-13", "--ats", ats]
}

#[test]
fn the_gate_has_three_exit_codes() {
    let dir = repository();
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.9"));
    assert_eq!(code, 0, "{printed}");
    assert!(printed.starts_with("open: may hosts with ATS 9.2.9 go from debian-12 to debian-13?\n"), "{printed}");
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.5"));
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("way out: change ATS to 9.2.9 first"), "{printed}");
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.7"));
    assert_eq!(code, 4, "{printed}");
    let (code, printed) = atsmatrix(dir.path(), &["gate"]);
    assert_eq!(code, 2, "{printed}");
}

#[test]
fn missing_broken_or_newer_results_give_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(atsmatrix(dir.path(), &upgrade("9.2.9")).0, 4);
    fs::create_dir(dir.path().join("results")).unwrap();
    for bytes in ["", "{}", "    assert_eq!((code, printed.contains("out of date: matrix.yaml:14: it did once")), (3, true), "{printed}");
    assert_eq!(fs::read_to_string(dir.path().join("matrix.yaml")).unwrap(), EXPECTING, "nothing was asked to change");
    let (code, printed) = atsmatrix(dir.path(), &["expect", "--update"]);
    assert_eq!((code, printed.starts_with("2 changes made to matrix.yaml\n")), (0, true), "{printed}");
    let text = fs::read_to_string(dir.path().join("matrix.yaml")).unwrap();
    assert!(text.starts_with("# Mine.\n") && text.contains("expect:\n  # Still so?\n"), "{text}");
    assert!(text.contains("  - cells: [debian-13/9.2.5]\n") && text.ends_with("# The end.\n"), "{text}");
    assert_eq!(atsmatrix(dir.path(), &["expect"]).0, 0);
    // Expectations do not change what was run, so the results still belong to this matrix.yaml.
    assert_eq!(atsmatrix(dir.path(), &upgrade("9.2.9")).0, 0);
    let (code, printed) = atsmatrix(dir.path(), &["gate", "--baseline", "results/matrix.json"]);
    assert_eq!(code, 0, "{printed}");
    let read = json::read(&fs::read(dir.path().join("results/matrix.json")).unwrap()).unwrap();
    assert!(read.cells[1].expected.is_none() && read.cells[2].expected.is_some());
    assert_eq!(atsmatrix(dir.path(), &["expect", "--run", "20260101-000000-0000"]).0, 2);
}

#[test]
fn an_expectation_ends_with_its_last_day() {
    let dir = tempfile::tempdir().unwrap();
    let day = |offset: i64| {
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * offset);
        now.to_zoned(jiff::tz::TimeZone::UTC).date()
    };
    for (last, code) in [(day(1), 0), (day(-1), 3)] {
        let expect = "expect:\n  - cells: [debian-13/9.2.5]\n    verdict: fail\n    reason: known\n    expires: ";
        let text = format!("{}{expect}{last}\n", support::MATRIX);
        fs::write(dir.path().join("matrix.yaml"), &text).unwrap();
        let mut results = known(Verdict::Fail, "3.5.7");
        results.matrix = atsmatrix::config::matrix::Matrix::parse("matrix.yaml", &text).unwrap().digest;
        results.cells[2].expected = Some(Expected {
            verdict: Verdict::Fail,
            reason: "known".into(),
            link: None,
            trials: Vec::new(),
            issue: None,
            expires: Some(last),
            also: Vec::new(),
        });
        put(dir.path(), "results/matrix.json", &results);
        let (found, printed) = atsmatrix(dir.path(), &["gate", "--baseline", "results/matrix.json"]);
        assert_eq!(found, code, "{printed}");
        assert_eq!(
            printed.contains(&format!("was expected to fail until {last}, which is over")),
            code == 3,
            "{printed}"
        );
    }
}

#[test]
fn a_closed_gate_is_annotated_on_github() {
    let dir = repository();
    let summary = dir.path().join("summary.md");
    let github = |format: &str| {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"))
            .current_dir(dir.path())
            .args([&upgrade("9.2.5")[..], &["--format", format]].concat())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", &summary)
            .output()
            .unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (printed, commands) = github("text");
    assert!(printed.starts_with("closed: "), "{printed}");
    assert!(commands.starts_with("::error title=debian-13/9.2.5::the gate is closed: fails "), "{commands}");
    assert!(fs::read_to_string(&summary).unwrap().starts_with("**closed**: may hosts"));
    let (printed, _) = github("json");
    assert!(serde_json::from_str::<serde_json::Value>(&printed).is_ok(), "{printed}");
    assert_eq!(fs::read_to_string(&summary).unwrap().matches("**closed**").count(), 2, "the summary is appended");
}

/// The promise is 50 ms. Here the best of five may take twenty times that, because the program is not optimised and the
/// machine may be busy. That is still far below the time of a request to an engine or a network.
#[test]
fn the_gate_needs_only_the_results() {
    let took = |_| {
        let started = Instant::now();
        // No git, no engine, no home.
        let output = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(upgrade("9.2.9"))
            .env_clear()
            .output()
            .unwrap();
        // Results of an earlier catalogue give no answer, in the same time.
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(matches!(output.status.code(), Some(0 | 4)) && printed.contains("may hosts with ATS 9.2.9 go"), "{printed}");
        started.elapsed()
    };
    let best = (0..5).map(took).min().unwrap();
    println!("the gate took {best:?}");
    assert!(best < Duration::from_secs(1), "{best:?}");
}
