//! The templates of docs/ci, as far as they can be tried without the services: they parse, their scripts
//! are sound, and their commands do on a repository with two shards what they say.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::model::Verdict;
use serde_yaml::Value;

use support::{git, known, put, result};

const GITHUB: &str = include_str!("../docs/ci/github.yml");
const GITLAB: &str = include_str!("../docs/ci/gitlab-ci.yml");

/// Every shell script of a template: a step's, or a job's lines.
fn scripts(template: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&serde_yaml::from_str(template).unwrap(), &mut found);
    assert!(!found.is_empty());
    found
}

fn walk(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                match (key.as_str().unwrap_or_default(), value) {
                    ("run", Value::String(script)) => found.push(filled_in(script)),
                    ("script" | "before_script", Value::Sequence(lines)) => {
                        let lines: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
                        found.push(filled_in(&lines.join("\n")));
                    }
                    _ => walk(value, found),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| walk(item, found)),
        _ => (),
    }
}

/// With what the service would have put in.
fn filled_in(script: &str) -> String {
    script.replace("${{ matrix.shard }}", "2")
}

/// Runs `script` as the services do: any command that fails ends it.
fn run(dir: &Path, script: &str) -> (i32, String) {
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(dir)
        .env("DOCKER_HOST", "unix:///nowhere")
        .env_remove("GITHUB_ACTIONS")
        .envs([("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3"), ("CI_SERVER_HOST", "gitlab.test")])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), printed)
}

/// The one script that has `part` in it.
fn script(template: &str, part: &str) -> String {
    let found: Vec<String> = scripts(template).into_iter().filter(|script| script.contains(part)).collect();
    assert_eq!(found.len(), 1, "{part}");
    found[0].clone()
}

/// A clone of a repository whose results pass, with the binary and two shards in which one cell fails.
fn checkout(shards: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "--bare", "-b", "main", "origin.git"], 0);
    git(dir.path(), &["clone", "-q", "origin.git", "work"], 0);
    let work = dir.path().join("work");
    git(&work, &["checkout", "-q", "-b", "main"], 0);
    put(&work, "results/matrix.json", &known(Verdict::Pass, "3.1.9"));
    fs::write(work.join("results/README.md"), "old").unwrap();
    fs::write(work.join(".gitignore"), "/bin\n/shard*\n/results/runs\n").unwrap();
    git(&work, &["add", "-A"], 1_700_000_000);
    git(&work, &["commit", "-q", "-m", "Results"], 1_700_000_000);
    git(&work, &["push", "-q", "-u", "origin", "main"], 1_700_000_000);
    fs::create_dir(work.join("bin")).unwrap();
    // A link: of a copy, another test's child may hold what it was written through, and then it cannot be run.
    let program = assert_cmd::cargo::cargo_bin!("atsmatrix");
    std::os::unix::fs::symlink(program, work.join("bin/atsmatrix")).unwrap();
    let fresh = known(Verdict::Fail, "3.5.7");
    for (number, cells) in (1..).zip([&fresh.cells[..2], &fresh.cells[2..]]) {
        let file = work.join(shards.replace('#', &format!("{number}")));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, atsmatrix::report::json::write(&result(cells.to_vec()))).unwrap();
    }
    dir
}

fn subjects(dir: &Path) -> String {
    let log = Command::new("git").current_dir(dir.join("origin.git")).args(["log", "--format=%s", "main"]).output();
    String::from_utf8(log.unwrap().stdout).unwrap()
}

#[test]
fn every_script_is_sound_shell() {
    for script in [scripts(GITHUB), scripts(GITLAB)].concat() {
        let mut check = Command::new("shellcheck");
        // GitHub's and GitLab's own variables are set by the service.
        check.args(["--shell=sh", "--exclude=SC2154", "-"]);
        let output = assert_cmd::Command::from_std(check).write_stdin(script.as_str()).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn every_command_line_is_understood() {
    let dir = checkout("shards/#/matrix.json");
    let work = dir.path().join("work");
    fs::write(work.join("matrix.yaml"), include_str!("../matrix.yaml")).unwrap();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    std::os::unix::fs::symlink(images, work.join("images")).unwrap();
    let lines: Vec<String> = [scripts(GITHUB), scripts(GITLAB)]
        .concat()
        .iter()
        .flat_map(|script| script.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with("bin/atsmatrix "))
        .collect();
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        let command = line.split(" || ").next().unwrap();
        let (code, printed) = run(&work, command);
        assert_ne!(code, 2, "{command}: {printed}");
        if command.contains(" run ") {
            assert_eq!(code, 6, "no engine is where the command goes as far as it can: {command}: {printed}");
        }
    }
}

#[test]
fn a_run_that_does_not_finish_leaves_no_green_file() {
    let dir = checkout("shards/#/matrix.json");
    let work = dir.path().join("work");
    fs::write(work.join("matrix.yaml"), include_str!("../matrix.yaml")).unwrap();
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("images"), work.join("images")).unwrap();
    assert_eq!(run(&work, "bin/atsmatrix run --junit junit.xml").0, 6);
    let junit = fs::read_to_string(work.join("junit.xml")).unwrap();
    assert!(junit.contains("<error type=\"error\" message=\"the run did not finish\"/>"), "{junit}");
    let (code, printed) = run(&work, "bin/atsmatrix run --junit nowhere/junit.xml");
    assert_eq!((code, printed.contains("cannot write nowhere/junit.xml")), (2, true), "{printed}");
    let (_, printed) = run(&work, "bin/atsmatrix run --github always");
    let token = printed.strip_prefix("::stop-commands::").and_then(|rest| rest.lines().next()).unwrap();
    assert!(printed.contains(&format!("\n::{token}::\n")), "what is stopped is resumed: {printed}");
}

#[test]
fn on_github_shards_become_one_result_that_is_gated_and_committed() {
    let dir = checkout("shards/shard-#/shard/matrix.json");
    let work = dir.path().join("work");
    let (code, printed) = run(&work, &script(GITHUB, "atsmatrix merge"));
    assert_eq!(code, 0, "{printed}");
    let (code, printed) = run(&work, &script(GITHUB, "--baseline"));
    assert_eq!((code, printed.contains("debian-13/9.2.5 regressed")), (3, true), "{printed}");
    let (code, printed) = run(&work, &script(GITHUB, "--from"));
    assert_eq!((code, printed.starts_with("closed: ")), (3, true), "{printed}");
    let commit = script(GITHUB, "git push");
    let (code, printed) = run(&work, &commit);
    assert_eq!((code, subjects(dir.path()).as_str()), (0, "Results of atsmatrix\nResults\n"), "{printed}");
    let (code, printed) = run(&work, &commit);
    assert_eq!((code, printed.as_str()), (0, "the results are as they were\n"));
}

/// Half a matrix is no result: nothing of it is committed.
#[test]
fn a_shard_that_is_not_there_is_missed() {
    let dir = checkout("shards/shard-#/shard/matrix.json");
    let work = dir.path().join("work");
    fs::remove_dir_all(work.join("shards/shard-2")).unwrap();
    let (code, printed) = run(&work, &script(GITHUB, "atsmatrix merge"));
    assert_eq!((code, printed.contains("debian-13/9.2.5, debian-13/9.2.9")), (4, true), "{printed}");
    let template: Value = serde_yaml::from_str(GITHUB).unwrap();
    let steps = template["jobs"]["decide"]["steps"].as_sequence().unwrap();
    let merge = steps.iter().position(|step| step["id"] == "merge").unwrap();
    for step in &steps[merge + 1..] {
        let condition = step["if"].as_str().unwrap_or("success()");
        let waits = condition == "success()" || condition.contains("steps.merge.outcome == 'success'");
        assert!(waits, "after a merge that failed this would run: {step:?}");
    }

    let dir = checkout("shard-#/matrix.json");
    let work = dir.path().join("work");
    fs::remove_dir_all(work.join("shard-2")).unwrap();
    let decide = script(GITLAB, "atsmatrix merge")
        .replace("https://atsmatrix:$ATSMATRIX_PUSH_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git", "origin");
    let (code, printed) = run(&work, &format!("ATSMATRIX_PUSH_TOKEN=x CI_COMMIT_BRANCH=main\n{decide}"));
    assert_eq!((code, subjects(dir.path()).as_str()), (4, "Results\n"), "{printed}");
    assert_eq!(fs::read_to_string(work.join("results/README.md")).unwrap(), "old");
}

#[test]
fn on_gitlab_too_and_the_job_ends_as_the_baseline_says() {
    let dir = checkout("shard-#/matrix.json");
    let work = dir.path().join("work");
    let decide = script(GITLAB, "atsmatrix merge");
    let (code, printed) = run(&work, &decide);
    assert_eq!((code, printed.contains("hosts stay where they are")), (3, true), "{printed}");
    // Without a token nothing is pushed; the results are there to be taken.
    assert_eq!(subjects(dir.path()), "Results\n");
    assert!(fs::read_to_string(work.join("results/README.md")).unwrap().contains("debian-13"));
    let pushed =
        decide.replace("https://atsmatrix:$ATSMATRIX_PUSH_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git", "origin");
    let (code, printed) = run(&work, &format!("ATSMATRIX_PUSH_TOKEN=x CI_COMMIT_BRANCH=main\n{pushed}"));
    assert_eq!((code, subjects(dir.path()).as_str()), (3, "Results of atsmatrix\nResults\n"), "{printed}");
}
