//! Runs gate, path, report, diff, history, explain and merge on files and on a git repository, without an engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::config::matrix::Matrix;
use atsmatrix::model::{
    CellResult, Direction, Event, Expected, Flow, Observation, Outcome, Packet, TrialEvidence, TrialResult, Verdict,
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
    for bytes in ["", "{}", "<<<<<<< HEAD", "{\"schema\": 99}"] {
        fs::write(dir.path().join("results/matrix.json"), bytes).unwrap();
        let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.9"));
        assert_eq!(code, 4, "{bytes}: {printed}");
        assert!(printed.contains("matrix.json"), "{printed}");
    }
}

#[test]
fn another_matrix_yaml_or_old_results_cannot_open() {
    let dir = repository();
    let old = [upgrade("9.2.9"), vec!["--max-age", "30d"]].concat();
    let (code, printed) = atsmatrix(dir.path(), &old);
    assert_eq!((code, printed.contains("at most 30 days are allowed")), (4, true), "{printed}");
    // Rewriting the same bytes does not make them newer than their commit; the age of other bytes is not known.
    let file = dir.path().join("results/matrix.json");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes).unwrap();
    assert_eq!(atsmatrix(dir.path(), &old).0, 4);
    let other = [&bytes[..], b"\n"].concat();
    fs::write(&file, &other).unwrap();
    let (code, printed) = atsmatrix(dir.path(), &old);
    assert_eq!((code, printed.contains("the age of the results is unknown")), (4, true), "{printed}");
    fs::write(&file, &bytes).unwrap();
    fs::write(dir.path().join("matrix.yaml"), "version: 1\n").unwrap();
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.9"));
    assert_eq!((code, printed.contains("matrix.yaml has changed")), (4, true), "{printed}");
}

#[test]
fn without_matrix_yaml_the_gate_does_not_open() {
    let dir = repository();
    fs::remove_file(dir.path().join("matrix.yaml")).unwrap();
    let with = |more: &[&str]| atsmatrix(dir.path(), &[&upgrade("9.2.9"), more].concat());
    let (code, printed) = with(&[]);
    assert_eq!((code, printed.contains("matrix.yaml is not here")), (4, true), "{printed}");
    assert_eq!(with(&["--any-matrix"]).0, 0);
    let (code, printed) = with(&["--matrix", "other.yaml", "--results", "results"]);
    assert_eq!((code, printed.contains("other.yaml does not exist")), (2, true), "{printed}");
}

/// A run with unchanged results writes the same bytes, but counts as a new confirmation.
#[test]
fn results_are_as_old_as_the_run_that_confirmed_them() {
    let dir = repository();
    let bytes = fs::read(dir.path().join("results/matrix.json")).unwrap();
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let gate = |folder: &Path, day: jiff::civil::Date, of: &[u8]| {
        let digest = atsmatrix::config::matrix::sha256_hex(of);
        let checked = format!("{{ \"schema\": 1, \"results\": \"{digest}\", \"day\": \"{day}\" }}");
        fs::write(folder.join("results/checked.json"), checked).unwrap();
        atsmatrix(folder, &[upgrade("9.2.9"), vec!["--max-age", "30d"]].concat()).0
    };
    assert_eq!(gate(dir.path(), now, &bytes), 0);
    assert_eq!(gate(dir.path(), now, b"other results"), 4, "changed by hand");
    let old = now.checked_sub(jiff::Span::new().days(31)).unwrap();
    assert_eq!(gate(dir.path(), old, &bytes), 4);
    // Outside git the time of a file is that of its last copy, which says nothing about its age.
    let elsewhere = tempfile::tempdir().unwrap();
    put(elsewhere.path(), "results/matrix.json", &known(Verdict::Fail, "3.5.7"));
    assert_eq!(gate(elsewhere.path(), now, b"other results"), 4);
    assert_eq!(gate(elsewhere.path(), now, &bytes), 0);
    // Merged results are as old as their oldest part.
    assert_eq!(gate(elsewhere.path(), old, &bytes), 4);
    let merge = ["merge", "results/matrix.json", "--into", "merged"];
    assert_eq!(atsmatrix(elsewhere.path(), &merge).0, 0);
    let checked = fs::read_to_string(elsewhere.path().join("merged/checked.json")).unwrap();
    assert!(checked.contains(&format!("\"day\": \"{old}\"")), "{checked}");
}

#[test]
fn a_baseline_is_a_file_or_a_revision() {
    let dir = repository();
    let (code, printed) = atsmatrix(dir.path(), &["gate", "--baseline", "git:HEAD~1"]);
    assert_eq!((code, printed.contains("debian-13/9.2.5 regressed, pass -> fail")), (3, true), "{printed}");
    assert_eq!(atsmatrix(dir.path(), &["gate", "--baseline", "results/matrix.json"]).0, 0);
    for bad in ["git:--output=x", "git:nowhere", "git:HEAD:none.json"] {
        let (code, printed) = atsmatrix(dir.path(), &["gate", "--baseline", bad]);
        assert_eq!(code, if bad.ends_with("none.json") { 4 } else { 2 }, "{printed}");
    }
    assert_eq!(atsmatrix(dir.path(), &["gate", "--require", "none.txt"]).0, 2);
    fs::write(dir.path().join("required.txt"), "debian-13/9.2.9\n").unwrap();
    assert_eq!(atsmatrix(dir.path(), &["gate", "--require", "required.txt"]).0, 0);
}

#[test]
fn every_command_has_json_output() {
    let dir = repository();
    for args in [
        &upgrade("9.2.5")[..],
        &["path", "debian-12/9.2.5", "debian-13/9.2.9"],
        &["diff", "git:HEAD~1"],
        &["history", "debian-13/9.2.5"],
        &["explain", "debian-13/9.2.5"],
    ] {
        let (_, printed) = atsmatrix(dir.path(), &[args, &["--format", "json"]].concat());
        let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(value["schema"], 1, "{printed}");
    }
}

#[test]
fn explain_covers_every_result_and_reports_missing_ones() {
    let dir = repository();
    let says = |args: &[&str], code: i32, words: &str| {
        let (found, printed) = atsmatrix(dir.path(), &[&["explain"], args].concat());
        assert!(found == code && printed.contains(words), "{args:?}: {found}\n{printed}");
    };
    says(&["debian-12/9.2.5"], 0, "debian-12/9.2.5: pass\n");
    says(&["debian-13/9.2.5", "--source", "git:HEAD~1"], 0, "debian-13/9.2.5: pass\n");
    says(&["debian-13/9.2.5"], 0, "unknown cause, no known issue matches: tls-remote-origin");
    says(&["debian-13/9.2.5", "tls12-only", "--format", "markdown"], 0, "- **tls12-only** (fail)");
    says(&["debian-13/9.2.5", "--upstream"], 0, "# ATS 9.2.5 on debian-13 with OpenSSL 3.5.7");
    says(&["debian-13/9.2.5", "tls12-onyl"], 2, "no such trial");
    says(&["debian-14/9.2.5"], 4, "no result of debian-14/9.2.5");
    says(&["debian-13"], 2, "debian-13");
    fs::remove_file(dir.path().join("matrix.yaml")).unwrap();
    says(&["debian-13/9.2.5", "--try"], 2, "cannot read matrix.yaml");
    let mut gone = known(Verdict::Fail, "3.5.7");
    gone.cells[2].verdict = Verdict::Unavailable;
    put(dir.path(), "results/matrix.json", &gone);
    says(&["debian-13/9.2.5"], 0, "this says nothing about ATS");
    says(&["debian-13/9.2.5", "--upstream"], 2, "nothing to report");
}

#[test]
fn path_diff_and_history_answer_in_the_first_line() {
    let dir = repository();
    let first = |args: &[&str]| {
        let (code, printed) = atsmatrix(dir.path(), args);
        (code, printed.lines().next().unwrap().to_owned())
    };
    assert_eq!(
        first(&["path", "debian-12/9.2.5", "debian-13/9.2.9"]),
        (0, "2 steps from debian-12/9.2.5 to debian-13/9.2.9, each into a cell that passes (cost 2)".to_owned())
    );
    assert_eq!(first(&["path", "debian-12/9.2.5", "debian-13/9.2.5"]).0, 3);
    assert_eq!(
        first(&["diff", "git:HEAD~1"]),
        (0, "1 regressed of 4 cells, from git:HEAD~1 to results/matrix.json".to_owned())
    );
    let (code, line) = first(&["history", "debian-13/9.2.5"]);
    assert_eq!(code, 0);
    assert!(line.starts_with("debian-13/9.2.5: fail since 2023-11-15 (") && line.ends_with("pass before"), "{line}");
    assert_eq!(first(&["history", "debian-11/9.2.5"]).0, 4);
}

#[test]
fn a_report_has_every_format_and_goes_to_stdout_or_a_file() {
    let dir = repository();
    for (format, begin) in [("html", "<!DOCTYPE html>"), ("markdown", "# "), ("json", "{\n"), ("terminal", "")] {
        let (code, printed) = atsmatrix(dir.path(), &["report", "--format", format]);
        assert_eq!(code, 0, "{printed}");
        assert!(printed.starts_with(begin) && printed.contains("debian-13"), "{format}: {printed}");
        assert_eq!(atsmatrix(dir.path(), &["report", "--format", format, "-o", "out"]), (0, String::new()));
        assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap().len(), printed.len(), "{format}");
    }
    let (_, json) = atsmatrix(dir.path(), &["report", "--format", "json"]);
    assert_eq!(json.into_bytes(), fs::read(dir.path().join("results/matrix.json")).unwrap());
    for (args, why) in [
        (&["--format", "xml"][..], "html, markdown"),
        (&["--run", "20261123-141502-3f2a"], "there is no run"),
        (&["--run", "../x"], "run id"),
    ] {
        let (code, printed) = atsmatrix(dir.path(), &[&["report"][..], args].concat());
        assert_eq!((code, printed.contains(why)), (2, true), "{printed}");
    }
    let (code, printed) = atsmatrix(dir.path(), &["report", "-o", "none/out"]);
    assert_eq!((code, printed.contains("cannot write none/out")), (2, true), "{printed}");
    assert_eq!(atsmatrix(tempfile::tempdir().unwrap().path(), &["report"]).0, 4);
}

#[test]
fn a_report_shows_history_or_omits_it() {
    let dir = repository();
    let html = |args: &[&str]| atsmatrix(dir.path(), &[&["report"][..], args].concat()).1;
    assert!(html(&[]).contains("fail since 2023-11-15") && html(&[]).contains("2 revisions"));
    put(dir.path(), "results/matrix.json", &known(Verdict::Pass, "3.5.7"));
    assert!(html(&[]).contains("pass since now") && html(&[]).contains("3 revisions"), "not committed yet");
    let alone = html(&["--no-history", "--run", "none"]);
    assert!(!alone.contains("id=\"history\"") && !alone.contains("2023-11"));
    let elsewhere = tempfile::tempdir().unwrap();
    put(elsewhere.path(), "results/matrix.json", &known(Verdict::Pass, "3.5.7"));
    assert_eq!(atsmatrix(elsewhere.path(), &["report"]).1, alone, "the page is the same outside git");
}

/// A run of debian-13/9.2.5 in which `trial` saw these packets; it finished the cell with `result`, if it finished it.
fn run_of(dir: &Path, run: &str, result: Option<&CellResult>, trial: &str, packets: &[Packet]) {
    let folder = Results::new(dir.join("results")).begin(&run.parse().unwrap()).unwrap();
    let wire = vec![Flow { packets: packets.to_vec(), ..Flow::default() }];
    let observation = Observation { wire, ..Observation::default() };
    let evidence = TrialEvidence { trial: trial.to_owned(), attempt: 1, observation };
    folder.write_evidence(&"debian-13/9.2.5".parse().unwrap(), &evidence).unwrap();
    if let Some(result) = result {
        let finished = Event::CellFinished { result: Box::new(result.clone()), ms: 1 };
        folder.journal().unwrap().append(&finished).unwrap();
    }
}

/// `results/matrix.json` in which debian-13/9.2.5 fails a trial that got no answer; that cell, and the trial.
fn unanswered(dir: &Path) -> (CellResult, String) {
    let mut result = known(Verdict::Fail, "3.5.7");
    let trial = result.cells[2].trials.iter_mut().find(|trial| trial.outcome == Outcome::Fail).unwrap();
    trial.evidence = vec!["wire: S, no answer".into()];
    let id = trial.id.clone();
    put(dir, "results/matrix.json", &result);
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
fn the_committed_results_close_the_upgrade_for_the_known_bug_and_the_path_avoids_it() {
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
    assert_eq!((code, printed.contains("ok: debian-12-to-13/9.2.9")), (0, true), "{printed}");
    let (code, printed) = atsmatrix(here, &["gate", "--from", "debian-12", "--to", "debian-13"]);
    assert_eq!((code, printed.contains("debian-12-to-13/9.2.5 fails")), (3, true), "{printed}");
    let (code, printed) = atsmatrix(here, &["path", "debian-12/9.2.5", "debian-13/9.2.9"]);
    assert_eq!(code, 0, "{printed}");
    let first = printed.find("step 1: ATS 9.2.5 -> 9.2.9");
    assert!(first.is_some() && first < printed.find("step 2: distro debian-12 -> debian-13"), "{printed}");
    // An expected failure is not a regression, and everything is as expected.
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
    assert_eq!((code, printed.contains("out of date: matrix.yaml:14: it did once")), (3, true), "{printed}");
    assert_eq!(fs::read_to_string(dir.path().join("matrix.yaml")).unwrap(), EXPECTING, "nothing was asked to change");
    let (code, printed) = atsmatrix(dir.path(), &["expect", "--update"]);
    assert_eq!((code, printed.starts_with("2 changes made to matrix.yaml\n")), (0, true), "{printed}");
    let text = fs::read_to_string(dir.path().join("matrix.yaml")).unwrap();
    assert!(text.starts_with("# Mine.\n") && text.contains("expect:\n  # Still so?\n"), "{text}");
    assert!(text.contains("  - cells: [debian-13/9.2.5]\n") && text.ends_with("# The end.\n"), "{text}");
    let (code, printed) = atsmatrix(dir.path(), &upgrade("9.2.9"));
    assert_eq!(code, 0, "{printed}");
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

/// What is committed as proof was seen whole: a run in which captures lost packets is run again before it is committed.
#[test]
fn the_committed_evidence_has_no_gaps() {
    let results = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("results/matrix.json")).unwrap();
    assert!(
        results.contains("\"wire: S, S., ., F. after 0 bytes to the origin\"")
            && !results.contains("capture incomplete")
    );
}

/// No git, no engine, no home: nothing that it could wait for.
#[test]
fn the_gate_needs_only_the_results() {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(upgrade("9.2.9"))
        .env_clear()
        .output()
        .unwrap();
    // Whatever it is: results of an earlier catalogue give no answer, in the same way.
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        matches!(output.status.code(), Some(0 | 4)) && said.contains("can hosts with ATS 9.2.9 be upgraded"),
        "{said}"
    );
}

/// matrix.yaml with a trial of the user's own, whose origin answers with `status`.
fn with_own_trial(status: u16) -> String {
    let origin = format!("origin: {{ status: {status} }}, expect: {{ client: {{ status: [{status}] }} }}");
    format!("{}trials:\n  mine: {{ title: my title, why: my reason, {origin} }}\n", support::MATRIX)
}

/// Results of the matrix.yaml with that trial, which ended with `outcome` on Debian 13.
fn results_with_own_trial(outcome: Outcome) -> atsmatrix::model::MatrixResult {
    let matrix = Matrix::parse("matrix.yaml", &with_own_trial(404)).unwrap();
    let definition = matrix.own_trials().next().map(|own| own.digest.clone());
    let verdict = if outcome == Outcome::Pass { Verdict::Pass } else { Verdict::Fail };
    let mut cells = vec![
        cell("debian-12/9.2.9", Verdict::Pass, "3.0.20"),
        CellResult { verdict, ..cell("debian-13/9.2.9", Verdict::Pass, "3.5.7") },
    ];
    for (cell, outcome) in cells.iter_mut().zip([Outcome::Pass, outcome]) {
        let mine = TrialResult { id: "mine".into(), outcome, definition: definition.clone(), ..cell.trials[0].clone() };
        cell.trials.push(TrialResult { control: false, ..mine });
    }
    atsmatrix::model::MatrixResult { matrix: matrix.digest, ..result(cells) }
}

/// A folder with both; in `matrix_yaml` the trial may have changed.
fn own_trial_folder(outcome: Outcome, matrix_yaml: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("matrix.yaml"), matrix_yaml).unwrap();
    put(dir.path(), "results/matrix.json", &results_with_own_trial(outcome));
    dir
}

#[test]
fn an_own_trial_opens_and_closes_the_gate() {
    let open = own_trial_folder(Outcome::Pass, &with_own_trial(404));
    let (code, printed) = atsmatrix(open.path(), &upgrade("9.2.9"));
    assert_eq!(code, 0, "{printed}");

    let closed = own_trial_folder(Outcome::Fail, &with_own_trial(404));
    let (code, printed) = atsmatrix(closed.path(), &upgrade("9.2.9"));
    assert_eq!((code, printed.contains("mine")), (3, true), "{printed}");
    let (code, printed) = atsmatrix(closed.path(), &["explain", "debian-13/9.2.9", "mine"]);
    assert!(code == 0 && printed.contains("my title") && printed.contains("it expects: status 404"), "{printed}");

    // One that did not run is missing, like any other.
    let mut missing = results_with_own_trial(Outcome::Pass);
    missing.cells[1].trials.pop();
    put(open.path(), "results/matrix.json", &missing);
    for any in [&[][..], &["--any-matrix"]] {
        let (code, printed) = atsmatrix(open.path(), &[&upgrade("9.2.9"), any].concat());
        assert_eq!((code, printed.contains("missing: mine")), (3, true), "{printed}");
    }
}

#[test]
fn an_own_trial_that_changed_since_it_ran_is_not_covered() {
    let changed = own_trial_folder(Outcome::Pass, &with_own_trial(405));
    let (code, printed) = atsmatrix(changed.path(), &upgrade("9.2.9"));
    assert_eq!((code, printed.contains("matrix.yaml has changed")), (4, true), "{printed}");
    // Whatever matrix.yaml is accepted: its trial did not run.
    let any = [upgrade("9.2.9"), vec!["--any-matrix"]].concat();
    let (code, printed) = atsmatrix(changed.path(), &any);
    assert_eq!((code, printed.contains("has changed since: mine")), (4, true), "{printed}");
    let (code, printed) = atsmatrix(changed.path(), &["expect"]);
    assert_eq!((code, printed.contains("it changed since it ran: mine")), (4, true), "{printed}");
    let (_, printed) = atsmatrix(changed.path(), &["explain", "debian-13/9.2.9", "mine"]);
    assert!(!printed.contains("it expects"), "{printed}");

    // A mistake in matrix.yaml does not make it forget the trial.
    fs::write(changed.path().join("matrix.yaml"), with_own_trial(404).replace("title", "titel")).unwrap();
    let (code, printed) = atsmatrix(changed.path(), &any);
    assert_eq!((code, printed.contains("matrix.yaml:11:11: trials.mine: unknown key `titel`")), (2, true), "{printed}");
}

#[test]
fn the_same_own_trial_is_as_expected() {
    let same = own_trial_folder(Outcome::Pass, &with_own_trial(404));
    assert_eq!(atsmatrix(same.path(), &["expect"]).0, 0);
    let failing = own_trial_folder(Outcome::Fail, &with_own_trial(404));
    let (code, printed) = atsmatrix(failing.path(), &["expect"]);
    assert_eq!((code, printed.contains("mine")), (3, true), "{printed}");
    // An expectation about a trial that there is not is an error.
    let mistyped = with_own_trial(404) + "expect: [{ ats: [\"9.2.9\"], trials: [mien], verdict: fail, reason: r }]\n";
    fs::write(failing.path().join("matrix.yaml"), mistyped).unwrap();
    let (code, printed) = atsmatrix(failing.path(), &["expect"]);
    assert_eq!((code, printed.contains("no trial matches `mien`")), (2, true), "{printed}");
}
