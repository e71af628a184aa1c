//! Attacks on the files that the gate answers from, as a user could make them on purpose or by mistake: checked.json,
//! the commits that tell how old results are, matrix.yaml beside them. Attacks on what is in the results are searched
//! in `src/decide/gate/tests/attacks.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::config::matrix::{Matrix, sha256_hex};
use atsmatrix::model::{Expected, Outcome, Verdict};
use tempfile::TempDir;

use support::{MATRIX, cell, git, known, put, result};

/// The second of the first commit, a moment ago, and one that is yet to come.
const LONG_AGO: u64 = 1_700_000_000;
const YET_TO_COME: u64 = 4_070_908_800;

fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap() - 60
}

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

/// May hosts with 9.2.9 be upgraded, by results of the last 30 days?
fn upgrade(dir: &Path, more: &[&str]) -> (i32, String) {
    let base = ["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9"];
    atsmatrix(dir, &[&base, more].concat())
}

const YOUNG: [&str; 2] = ["--max-age", "30d"];

/// Results that were run today, as `run` leaves them.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "results/matrix.json", &known(Verdict::Fail, "3.5.7"));
    let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    check(dir.path(), &day);
    dir
}

/// Writes checked.json for matrix.json as it is.
fn check(dir: &Path, day: &str) {
    let results = sha256_hex(&fs::read(dir.join("results/matrix.json")).unwrap());
    let text = format!("{{ \"schema\": 1, \"results\": \"{results}\", \"day\": \"{day}\" }}");
    fs::write(dir.join("results/checked.json"), text).unwrap();
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn results_that_were_changed_by_hand_are_named_for_every_question() {
    let dir = folder();
    assert_eq!(upgrade(dir.path(), &YOUNG).0, 0);
    fs::write(dir.path().join("required.txt"), "debian-13/9.2.9\n").unwrap();
    let questions: [&[&str]; 4] = [
        &["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9"],
        &["gate", "--require", "required.txt"],
        &["gate", "--baseline", "results/matrix.json"],
        &["path", "debian-12/9.2.9", "debian-13/9.2.9"],
    ];
    let ask = || questions.map(|question| atsmatrix(dir.path(), question));
    assert_eq!(ask().map(|(code, _)| code), [0; 4]);
    for (file, from, to) in [
        ("matrix.json", "\"summary\": \"\"", "\"summary\": \"x\""),
        ("checked.json", "\"results\": \"", "\"results\": \"0"),
        ("checked.json", "\"schema\": 1", "\"schema\": 99"),
        ("checked.json", "{", "<<<<<<< HEAD"),
    ] {
        let file = dir.path().join("results").join(file);
        let before = fs::read(&file).unwrap();
        edit(&file, from, to);
        for (code, printed) in ask() {
            let named = printed.contains("was edited by hand") || printed.contains("cannot check whether a run wrote");
            assert!(code != 0 && named, "{to}: {code}\n{printed}");
        }
        let (code, printed) = atsmatrix(dir.path(), &["merge", "results/matrix.json", "--into", "merged"]);
        assert!(code == 4 && printed.contains("nothing was merged"), "{to}: {printed}");
        fs::write(&file, before).unwrap();
    }
    assert_eq!(upgrade(dir.path(), &YOUNG).0, 0);
    // git may write files as Windows has them: nobody changed anything.
    let file = dir.path().join("results/matrix.json");
    let lines = fs::read_to_string(&file).unwrap().replace('\n', "\r\n");
    fs::write(&file, lines).unwrap();
    assert_eq!(upgrade(dir.path(), &YOUNG).0, 0);
}

#[test]
fn no_time_that_is_yet_to_come_makes_results_young() {
    let dir = folder();
    for day in ["2099-01-01", "9999-12-31"] {
        check(dir.path(), day);
        let (code, printed) = upgrade(dir.path(), &YOUNG);
        assert!(code == 4 && printed.contains("the age of the results is unknown"), "{day}: {printed}");
    }
    fs::remove_file(dir.path().join("results/checked.json")).unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"], YET_TO_COME);
    git(dir.path(), &["add", "-A"], YET_TO_COME);
    git(dir.path(), &["commit", "-q", "-m", "Results"], YET_TO_COME);
    let (code, printed) = upgrade(dir.path(), &YOUNG);
    assert!(code == 4 && printed.contains("the age of the results is unknown"), "{printed}");
    // Nor does a rename after it.
    git(dir.path(), &["mv", "results", "outcome"], now());
    git(dir.path(), &["commit", "-q", "-m", "Elsewhere"], now());
    let (code, printed) = upgrade(dir.path(), &[&YOUNG[..], &["--results", "outcome"]].concat());
    assert!(code == 4 && printed.contains("the age of the results is unknown"), "{printed}");
}

/// What was done to the folder, and where the results are then.
type Move = (&'static [&'static [&'static str]], &'static str);

#[test]
fn old_results_stay_old_wherever_they_are_put() {
    let moves: [Move; 4] = [
        (&[&["mv", "results", "outcome"]], "outcome"),
        (
            &[
                &["mv", "results/matrix.json", "results/other.json"],
                &["mv", "results/other.json", "results/matrix.json"],
            ],
            "results",
        ),
        (&[&["rm", "-q", "-r", "results"], &["checkout", "-q", "HEAD~1", "--", "results"]], "results"),
        (&[&["revert", "--no-edit", "HEAD"], &["revert", "--no-edit", "HEAD~1"]], "results"),
    ];
    for (commands, place) in moves {
        let dir = folder();
        fs::remove_file(dir.path().join("results/checked.json")).unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"], LONG_AGO);
        git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "Begin"], LONG_AGO);
        git(dir.path(), &["add", "-A"], LONG_AGO);
        git(dir.path(), &["commit", "-q", "-m", "Results"], LONG_AGO);
        for command in commands {
            git(dir.path(), command, now());
            git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "Moved"], now());
        }
        if !dir.path().join("matrix.yaml").exists() {
            fs::write(dir.path().join("matrix.yaml"), MATRIX).unwrap();
        }
        let (code, printed) = upgrade(dir.path(), &[&YOUNG[..], &["--results", place]].concat());
        assert!(code == 4 && printed.contains("at most 30 days are allowed"), "{commands:?}: {printed}");
        assert_eq!(upgrade(dir.path(), &["--results", place]).0, 0, "without --max-age their age does not matter");
    }
}

#[test]
fn how_matrix_yaml_is_written_is_no_news_and_what_it_says_is() {
    let dir = folder();
    let file = dir.path().join("matrix.yaml");
    let with = |text: &str| {
        fs::write(&file, text).unwrap();
        upgrade(dir.path(), &YOUNG)
    };
    for text in [
        format!("{MATRIX}# who owns this: team edge\n"),
        MATRIX.replace("family: debian", "title: \"D: 1\", family: debian"),
        MATRIX.replace('\n', "\r\n"),
        MATRIX.replace("{ family: debian, image: x }", "{ image: x, family: debian }"),
    ] {
        let (code, printed) = with(&text);
        assert_eq!(code, 0, "{text}\n{printed}");
    }
    for text in [
        MATRIX.replacen("image: x", "image: y", 1),
        MATRIX.replacen("reference: x", "reference: y", 1),
        format!("{MATRIX}expect:\n  - ats: [\"9.2.5\"]\n    verdict: fail\n    reason: known\n"),
        format!("{MATRIX}exclude:\n  - distro: [debian-12]\n    reason: gone\n"),
        format!("{MATRIX}defaults: {{ pids: 100 }}\n"),
        "version: 1\n".to_owned(),
        String::new(),
    ] {
        let (code, printed) = with(&text);
        assert!(code == 4 && printed.contains("matrix.yaml has changed"), "{text}\n{printed}");
    }
    // Results of before name the bytes of the file, and hold while they are the same.
    fs::write(&file, MATRIX).unwrap();
    let mut older = known(Verdict::Fail, "3.5.7");
    older.matrix = sha256_hex(MATRIX.as_bytes());
    put(dir.path(), "results/matrix.json", &older);
    check(dir.path(), "2026-11-01");
    assert_eq!(upgrade(dir.path(), &[]).0, 0);
    assert_eq!(with(&format!("{MATRIX}# more\n")).0, 4);
}

/// The trials that failed before were left out, written off as unsupported, or excused in the results alone.
#[test]
fn forged_baselines_and_cut_results_do_not_open() {
    let baseline = known(Verdict::Fail, "3.5.7");
    let mut cut = known(Verdict::Fail, "3.5.7");
    cut.cells[2].trials.retain(|trial| trial.outcome != Outcome::Fail);
    cut.cells[2].trials.push(cell("debian-13/9.2.5", Verdict::Pass, "3.5.7").trials.pop().unwrap());
    cut.cells[2].verdict = Verdict::Pass;
    let mut unsupported = known(Verdict::Fail, "3.5.7");
    let trials = unsupported.cells[3].trials.iter_mut().filter(|trial| !trial.control).skip(1);
    trials.for_each(|trial| trial.outcome = Outcome::Unsupported);
    let mut excused = known(Verdict::Fail, "3.5.7");
    excused.cells[2].expected = Some(Expected {
        verdict: Verdict::Fail,
        reason: "made up".into(),
        link: None,
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    });
    let few = result(known(Verdict::Fail, "3.5.7").cells.into_iter().take(3).collect());
    for (name, results) in [("cut", cut), ("unsupported", unsupported), ("excused", excused), ("few", few)] {
        let dir = folder();
        put(dir.path(), "results/matrix.json", &results);
        put(dir.path(), "baseline.json", &baseline);
        check(dir.path(), "2026-11-01");
        let (code, printed) = atsmatrix(dir.path(), &["gate", "--baseline", "baseline.json"]);
        assert!(code == 3 || code == 4, "{name}: {printed}");
        if name != "excused" && name != "cut" {
            let (code, printed) = upgrade(dir.path(), &[]);
            assert!(code == 3 || code == 4, "{name}: {printed}");
        }
    }
    // Matrix.yaml that expects it after all, with results that do not say so.
    let dir = folder();
    let text = format!("{MATRIX}expect:\n  - cells: [debian-13/9.2.5]\n    verdict: fail\n    reason: known\n");
    fs::write(dir.path().join("matrix.yaml"), &text).unwrap();
    let mut silent = known(Verdict::Fail, "3.5.7");
    silent.matrix = Matrix::parse("matrix.yaml", &text).unwrap().digest;
    put(dir.path(), "results/matrix.json", &silent);
    check(dir.path(), "2026-11-01");
    let (code, printed) = atsmatrix(dir.path(), &["gate", "--baseline", "results/matrix.json"]);
    assert!(code == 4 && printed.contains("has contradictory results"), "{printed}");
}
