use std::fs;
use std::process::Command;

use super::*;

/// A repository with three states of `results/matrix.json` and a commit that changes something else.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("results")).unwrap();
    git(&dir, &["init", "-q", "-b", "main"], 1_700_000_000);
    for (second, state) in ["one", "two", "three"].into_iter().enumerate() {
        fs::write(dir.path().join("results/matrix.json"), state).unwrap();
        commit(&dir, &format!("results: {state}"), 1_700_000_000 + 86_400 * second);
    }
    fs::write(dir.path().join("README.md"), "-").unwrap();
    commit(&dir, "something else", 1_800_000_000);
    dir
}

fn commit(dir: &tempfile::TempDir, subject: &str, second: usize) {
    git(dir, &["add", "-A"], second);
    git(dir, &["commit", "-q", "-m", subject], second);
}

fn git(dir: &tempfile::TempDir, args: &[&str], second: usize) {
    let date = format!("{second} +0000");
    let status = Command::new("git")
        .current_dir(dir.path())
        .args(["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"])
        .args(args)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

fn revision(text: &str) -> GitRevision {
    text.parse().unwrap()
}

#[test]
fn files_are_read_from_revisions_in_any_directory() {
    let dir = repository();
    let path = Path::new("results/matrix.json");
    let top = Repository::discover(dir.path()).unwrap().unwrap();
    assert_eq!(top.read(&revision("HEAD"), path).unwrap().unwrap(), b"three");
    assert_eq!(top.read(&revision("main~3"), path).unwrap().unwrap(), b"one");
    assert_eq!(top.read(&revision("HEAD~1"), Path::new("README.md")).unwrap(), None);
    let below = Repository::discover(&dir.path().join("results")).unwrap().unwrap();
    assert_eq!(below.read(&revision("HEAD~2"), Path::new("matrix.json")).unwrap().unwrap(), b"two");
    assert!(below.read(&revision("HEAD"), Path::new("..")).unwrap_err().to_string().contains("not a file"));
}

#[test]
fn the_log_is_that_of_the_file_and_reports_a_cut() {
    let dir = repository();
    let repository = Repository::discover(dir.path()).unwrap().unwrap();
    let path = Path::new("results/matrix.json");
    let log = repository.log(&GitRevision::head(), path, 10).unwrap();
    let subjects: Vec<_> = log.commits.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!((subjects, log.cut), (vec!["results: one", "results: two", "results: three"], false));
    assert_eq!(log.commits[0].time.to_string(), "2023-11-14T22:13:20Z");
    let mut states = Vec::new();
    repository
        .each_state(&log, path, |commit, state| {
            states.push((commit.subject.clone(), String::from_utf8(state.unwrap()).unwrap()));
            Ok(())
        })
        .unwrap();
    assert_eq!(states[2], ("results: three".to_owned(), "three".to_owned()));
    let newest = repository.log(&GitRevision::head(), path, 2).unwrap();
    assert_eq!((newest.commits, newest.cut), (log.commits[1..].to_vec(), true));
}

#[test]
fn the_log_of_a_renamed_file_is_cut() {
    let dir = repository();
    let file = |name: &str| dir.path().join(name);
    git(&dir, &["mv", "results", "outcome"], 1_800_000_000);
    commit(&dir, "another name", 1_800_000_000);
    fs::write(file("outcome/matrix.json"), "four").unwrap();
    commit(&dir, "results: four", 1_800_000_001);
    let log = |dir: &Path, path: &str| {
        let log = Repository::discover(dir).unwrap().unwrap().log(&GitRevision::head(), Path::new(path), 10).unwrap();
        (log.commits.len(), log.cut)
    };
    assert_eq!(log(dir.path(), "outcome/matrix.json"), (2, true));
    assert_eq!(log(&file("outcome"), "matrix.json"), (2, true));
    assert_eq!(log(dir.path(), "README.md"), (1, false));
}

#[test]
fn the_age_of_a_file_is_that_of_its_bytes_unless_the_clone_is_shallow() {
    let dir = repository();
    let repository = Repository::discover(dir.path()).unwrap().unwrap();
    let path = Path::new("results/matrix.json");
    let second = |second: i64| Timestamp::from_second(second).unwrap();
    let third = second(1_700_000_000 + 2 * 86_400);
    assert_eq!(repository.committed(&GitRevision::head(), path).unwrap(), Committed::At { first: third, last: third });
    assert_eq!(repository.committed(&GitRevision::head(), Path::new("none")).unwrap(), Committed::Never);

    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    git(&clone, &["clone", "-q", "--depth=1", &url, "."], 1_700_000_000);
    let shallow = Repository::discover(clone.path()).unwrap().unwrap();
    assert_eq!(shallow.committed(&GitRevision::head(), path).unwrap(), Committed::CutOff);
    assert!(shallow.log(&GitRevision::head(), path, 10).unwrap().cut);
}

#[test]
fn moving_copying_or_restoring_a_file_does_not_change_its_age() {
    let dir = repository();
    let second = |second: i64| Timestamp::from_second(second).unwrap();
    let first = second(1_700_000_000 + 2 * 86_400);
    let committed = |path: &str| {
        let repository = Repository::discover(dir.path()).unwrap().unwrap();
        repository.committed(&GitRevision::head(), Path::new(path)).unwrap()
    };
    git(&dir, &["mv", "results", "outcome"], 1_800_000_000);
    commit(&dir, "another name", 1_800_000_001);
    assert_eq!(committed("outcome/matrix.json"), Committed::At { first, last: second(1_800_000_001) });
    fs::create_dir(dir.path().join("copy")).unwrap();
    fs::copy(dir.path().join("outcome/matrix.json"), dir.path().join("copy/matrix.json")).unwrap();
    commit(&dir, "a copy", 1_800_000_002);
    assert_eq!(committed("copy/matrix.json"), Committed::At { first, last: second(1_800_000_002) });
    git(&dir, &["rm", "-q", "-r", "copy", "outcome"], 1_800_000_003);
    commit(&dir, "gone", 1_800_000_003);
    assert_eq!(committed("outcome/matrix.json"), Committed::Never);
    fs::create_dir(dir.path().join("again")).unwrap();
    fs::write(dir.path().join("again/matrix.json"), "three").unwrap();
    commit(&dir, "back", 1_900_000_000);
    assert_eq!(committed("again/matrix.json"), Committed::At { first, last: second(1_900_000_000) });
    fs::write(dir.path().join("again/matrix.json"), "four").unwrap();
    commit(&dir, "other bytes", 1_900_000_001);
    let new = second(1_900_000_001);
    assert_eq!(committed("again/matrix.json"), Committed::At { first: new, last: new });
}

#[test]
fn bytes_added_by_a_merge_have_the_time_of_the_merge() {
    let dir = repository();
    git(&dir, &["checkout", "-q", "-b", "side", "HEAD~1"], 1_800_000_000);
    fs::write(dir.path().join("side"), "-").unwrap();
    commit(&dir, "side", 1_800_000_000);
    git(&dir, &["checkout", "-q", "main"], 1_800_000_000);
    git(&dir, &["merge", "-q", "--no-commit", "--no-ff", "side"], 1_800_000_001);
    fs::write(dir.path().join("results/matrix.json"), "merged").unwrap();
    commit(&dir, "merge", 1_800_000_002);
    let repository = Repository::discover(dir.path()).unwrap().unwrap();
    let then = Timestamp::from_second(1_800_000_002).unwrap();
    let found = repository.committed(&GitRevision::head(), Path::new("results/matrix.json")).unwrap();
    assert_eq!(found, Committed::At { first: then, last: then });
}

#[test]
fn a_missing_repository_or_revision_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Repository::discover(dir.path()).unwrap().is_none());
    fs::create_dir(dir.path().join(".git")).unwrap();
    assert!(Repository::discover(dir.path()).is_err(), "a broken repository is not the same as none");
    let dir = repository();
    let repository = Repository::discover(dir.path()).unwrap().unwrap();
    let error = repository.read(&revision("nowhere"), Path::new("x")).unwrap_err();
    assert!(error.to_string().starts_with("there is no revision `nowhere` in the repository of "), "{error}");
    for bad in ["/etc/passwd", "a\nb", ""] {
        assert!(repository.read(&GitRevision::head(), Path::new(bad)).is_err(), "{bad:?}");
    }
}

#[test]
fn revisions_cannot_be_options_ranges_or_paths() {
    for good in ["HEAD", "HEAD~3", "v1.2", "main@{yesterday}", "feature/x", "3f2a9c1", "HEAD^2"] {
        assert_eq!(good.parse::<GitRevision>().unwrap().to_string(), good);
    }
    let long = "a".repeat(201);
    for bad in ["", "-n", "--output=/tmp/x", "a..b", "^main", "HEAD:x", ":/text", "a\nb", "a\0b", &long] {
        assert!(bad.parse::<GitRevision>().is_err(), "{bad:?}");
    }
}
