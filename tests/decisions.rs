//! Runs gate, path, report, diff, history, explain and merge on files and on a git repository, without an engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use atsmatrix::model::{
    CellResult, Direction, Event, Expected, Flow, Observation, Outcome, Packet, TrialEvidence, Verdict,
};
use atsmatrix::report::json;
use atsmatrix::store::Results;
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
    assert!(
        printed.starts_with("open: can hosts with ATS 9.2.9 be upgraded from debian-12 to debian-13?\n"),
        "{printed}"
    );
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.5"));
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("what to do: change ATS to 9.2.9 first"), "{printed}");
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
    for bytes in ["", "{}", "    put(dir, "results/matrix.json", &result);
    (result.cells.swap_remove(2), id)
}

/// `cell` with other evidence of its trial `id`.
fn with_evidence(cell: &CellResult, id: &str, line: &str) -> CellResult {
    let mut other = cell.clone();
    let trial = other.trials.iter_mut().find(|trial| trial.id == id).unwrap();
    trial.evidence = vec![line.into()];
    other
}

fn packet(flags: &str, direction: Direction) -> Packet {
    Packet { at_us: 0, direction, flags: flags.into(), seq: 0, len: 0 }
}

/// A report does not cite a run that saw something else than what is committed, unless the user names it.
#[test]
fn a_report_cites_the_run_that_saw_what_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let (cell, id) = unanswered(dir.path());
    let silent = [packet("S", Direction::ToServer)];
    let refused = [packet("S", Direction::ToServer), packet("R.", Direction::ToClient)];
    run_of(dir.path(), "20261123-100000-0001", Some(&cell), &id, &silent);
    let other = with_evidence(&cell, &id, "wire: S, R. from the origin (refused)");
    run_of(dir.path(), "20261123-110000-0002", Some(&other), &id, &refused);
    let cited = |args: &[&str]| {
        let (code, page) = atsmatrix(dir.path(), &[&["report"][..], args].concat());
        assert_eq!(code, 0, "{page}");
        ["20261123-100000-0001", "20261123-110000-0002"].map(|run| page.contains(run))
    };
    assert_eq!(cited(&[]), [true, false]);
    assert_eq!(cited(&["--run", "20261123-110000-0002"]), [false, true]);
    assert_eq!(cited(&["--run", "none"]), [false, false]);
}

#[test]
fn explain_and_report_cite_the_same_run() {
    let dir = tempfile::tempdir().unwrap();
    let (cell, id) = unanswered(dir.path());
    let silent = [packet("S", Direction::ToServer)];
    let runs = [
        "20261123-100000-0001",
        "20261123-110000-0002",
        "20261123-120000-0003",
        "20261123-130000-0004",
        "20261123-140000-0005",
    ];
    let cited = || {
        let (code, json) = atsmatrix(dir.path(), &["explain", "debian-13/9.2.5", "--json"]);
        assert_eq!(code, 0, "{json}");
        let explained: serde_json::Value = serde_json::from_str(&json).unwrap();
        let (code, page) = atsmatrix(dir.path(), &["report"]);
        assert_eq!(code, 0, "{page}");
        let reported: Vec<&str> = runs.into_iter().filter(|run| page.contains(run)).collect();
        assert_eq!(explained["run"].as_str(), reported.first().copied(), "{reported:?}");
        assert!(reported.len() < 2, "{reported:?}");
        reported.first().map(|run| (*run).to_owned())
    };
    assert_eq!(cited(), None, "there is no run");
    // Interrupted before the cell was over, and one of whose trials only a few ran.
    run_of(dir.path(), runs[0], None, &id, &silent);
    let few =
        CellResult { trials: cell.trials.iter().filter(|trial| trial.id == id).cloned().collect(), ..cell.clone() };
    run_of(dir.path(), runs[1], Some(&few), &id, &silent);
    assert_eq!(cited(), None, "no run is complete");
    run_of(dir.path(), runs[2], Some(&cell), &id, &silent);
    assert_eq!(cited().as_deref(), Some(runs[2]));
    // Newer, and not what is committed: another outcome with the same packets, other packets with the same outcome.
    let mut flaky = CellResult { verdict: Verdict::Flaky, ..cell.clone() };
    flaky.trials.iter_mut().find(|trial| trial.id == id).unwrap().outcome = Outcome::Flaky;
    run_of(dir.path(), runs[3], Some(&flaky), &id, &silent);
    let refused = with_evidence(&cell, &id, "wire: S, R. from the origin (refused)");
    run_of(dir.path(), runs[4], Some(&refused), &id, &silent);
    assert_eq!(cited().as_deref(), Some(runs[2]));
}

#[test]
fn shards_are_merged_and_contradictions_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = known(Verdict::Fail, "3.5.7");
    for (name, cells) in [("results/1.json", &whole.cells[..2]), ("results/2.json", &whole.cells[2..])] {
        put(dir.path(), name, &result(cells.to_vec()));
    }
    let (code, printed) = atsmatrix(dir.path(), &["merge", "results/2.json", "results/1.json", "--into", "merged"]);
    assert_eq!(code, 0, "{printed}");
    assert_eq!(json::read(&fs::read(dir.path().join("merged/matrix.json")).unwrap()).unwrap(), whole);
    let (code, printed) = atsmatrix(dir.path(), &["merge", "results/2.json", "--into", "part"]);
    assert_eq!((code, printed.starts_with("2 cells missing: nothing was merged\n")), (4, true), "{printed}");
    assert!(printed.contains("debian-12/9.2.5, debian-12/9.2.9") && !dir.path().join("part").exists(), "{printed}");
    assert_eq!(atsmatrix(dir.path(), &["merge", "results/2.json", "--into", "part", "--partial"]).0, 0);
    put(dir.path(), "results/3.json", &result(vec![cell("debian-13/9.2.5", Verdict::Pass, "3.5.7")]));
    let (code, printed) = atsmatrix(dir.path(), &["merge", "results/2.json", "results/3.json"]);
    assert_eq!((code, printed.contains("debian-13/9.2.5 has different outcomes")), (3, true), "{printed}");
}

#[test]
fn the_real_results_close_the_upgrade_for_the_seed_bug_and_the_path_leads_round_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, printed) = atsmatrix(here, &upgrade("9.2.5"));
    assert_eq!(code, 3, "{printed}");
    assert!(
        printed.starts_with("closed: can hosts with ATS 9.2.5 be upgraded from debian-12 to debian-13?\n"),
        "{printed}"
    );
    assert!(
        printed.contains("expected by matrix.yaml, but still a failure: ") && printed.contains("ATS-11465"),
        "{printed}"
    );
    assert!(printed.contains("what changes: OpenSSL 3.0."), "{printed}");
    let (code, printed) = atsmatrix(here, &upgrade("9.2.9"));
    assert_eq!((code, printed.contains("ok: debian-13/9.2.9")), (0, true), "{printed}");
    let (code, printed) = atsmatrix(here, &["gate", "--from", "debian-12", "--to", "debian-13"]);
    assert_eq!((code, printed.contains("debian-13/9.2.5 fails")), (3, true), "{printed}");
    let (code, printed) = atsmatrix(here, &["path", "debian-12/9.2.5", "debian-13/9.2.9"]);
    assert_eq!(code, 0, "{printed}");
    let first = printed.find("step 1: ATS 9.2.5 -> 9.2.9");
    assert!(first.is_some() && first < printed.find("step 2: distro debian-12 -> debian-13"), "{printed}");
    // An expected failure is no regression, and no run of today has anything to complain about.
    let (code, printed) = atsmatrix(here, &["gate", "--baseline", "results/matrix.json"]);
    assert_ne!(code, 3, "{printed}");
    let (code, printed) = atsmatrix(here, &["expect"]);
    assert_eq!(code, 0, "{printed}");
}

const EXPECTING: &str = "\
# Mine.
version: 1
distros:
  debian-12: { family: debian, image: x }
  debian-13: { family: debian, image: x }
ats:
  \"9.2.5\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
  \"9.2.9\":
    sources: [{ on: [\"*\"], image: { reference: x } }]

expect:
  # Still so?
  - cells: [debian-12/9.2.9]   # one
    verdict: fail
    reason: it did once
# The end.
";

#[test]
fn an_update_of_expectations_keeps_comments_and_needs_no_new_run() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("matrix.yaml"), EXPECTING).unwrap();
    let mut results = known(Verdict::Fail, "3.5.7");
    results.matrix = atsmatrix::config::matrix::sha256_hex(EXPECTING.as_bytes());
    let stale = Expected {
        verdict: Verdict::Fail,
        reason: "it did once".into(),
        link: None,
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    };
    results.cells[1].expected = Some(stale);
    put(dir.path(), "results/matrix.json", &results);
    let (code, printed) = atsmatrix(dir.path(), &["expect"]);
    assert_eq!((code, printed.contains("mended: matrix.yaml:14: it did once")), (3, true), "{printed}");
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
    assert!(fs::read_to_string(&summary).unwrap().starts_with("**closed**: can hosts"));
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
        // Whatever it is: results of an earlier catalogue give no answer, in the same time.
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            matches!(output.status.code(), Some(0 | 4)) && said.contains("can hosts with ATS 9.2.9 be upgraded"),
            "{said}"
        );
        started.elapsed()
    };
    let best = (0..5).map(took).min().unwrap();
    println!("the gate took {best:?}");
    assert!(best < Duration::from_secs(1), "{best:?}");
}
