//! Checks every command: a full disk, a missing git, a hostile name and a missing file each cause an error with the right exit
//! code.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use atsmatrix::model::Verdict;
use tempfile::TempDir;

use support::{git, known, put};

/// A hostile name: a GitHub workflow command, an escape sequence, one in a single character, an older GitHub command.
const HOSTILE: &str = "x\n::error file=x::pwned\u{1b}[31m\u{9b}2J\r##[error]x";

/// Commands that work without an engine, with their arguments and exit codes.
const ANSWERING: &[(&[&str], i32)] = &[
    (&["--help"], 0),
    (&["--version"], 0),
    (&["list"], 0),
    (&["list", "--trials"], 0),
    (&["show"], 0),
    (&["explain", "debian-13/9.2.5"], 0),
    (&["explain", "debian-13/9.2.5", "--json"], 0),
    (&["explain", "debian-13/9.2.5", "--upstream"], 0),
    (&["report", "--no-history", "--run", "none"], 0),
    (&["report", "--format", "markdown"], 0),
    (&["report", "--format", "terminal"], 0),
    (&["report", "--format", "junit"], 0),
    (&["report", "--format", "github"], 0),
    (&["report", "--format", "json"], 0),
    (&["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9"], 0),
    (&["gate", "--baseline", "results/matrix.json", "--format", "json"], 0),
    (&["path", "debian-12/9.2.9", "debian-13/9.2.9"], 0),
    (&["predict"], 0),
    (&["predict", "--full", "--format", "json"], 0),
    (&["diagnose", "--log", "error.log", "--ats", "9.2.5", "--openssl", "3.2.1"], 0),
    (&["diagnose", "--log", "error.log", "--format", "json"], 0),
    (&["config", "check", "site", "--ats", "9.2.9"], 0),
    (&["config", "check", "site", "--ats", "9.2.9", "--ats", "10.0.6", "--format", "json"], 3),
    (&["diff", "results/matrix.json"], 0),
    (&["diff", "--behaviour", "debian-12/9.2.9", "debian-13/9.2.9"], 4),
    (&["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.9", "--unchanged"], 4),
    (&["expect"], 3),
    (&["history", "debian-13/9.2.5"], 0),
    (&["merge", "results/matrix.json"], 0),
    (&["merge", "results/matrix.json", "--into", "merged"], 0),
    (&["schema"], 0),
    (&["schema", "results"], 0),
    (&["schema", "behaviour"], 0),
    (&["completions", "bash"], 0),
    (&["-C", ".", "list"], 0),
];

/// Commands that need an engine, and report an error without one.
const ENGINE: &[&[&str]] =
    &[&["run"], &["bisect", "--good", "debian-12/9.2.5", "--bad", "debian-13/9.2.5"], &["clean"], &["doctor"]];

/// A line of ATS's error.log, for `diagnose`.
const ERROR_LOG: &str = "20240601.10h00m00s CONNECT: attempt fail [CONNECTION_ERROR] to 10.0.0.9:443 for host='www.example.com' \
                         connection_result=Invalid argument [22] error=Invalid argument [22] attempts=0 \
                         url='https://origin.example.com/'\n";

/// A repository with results and a log in it.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "results/matrix.json", &known(Verdict::Fail, "3.5.7"));
    fs::write(dir.path().join("error.log"), ERROR_LOG).unwrap();
    // A configuration for `config check`.
    fs::create_dir(dir.path().join("site")).unwrap();
    fs::write(dir.path().join("site/ip_allow.yaml"), "ip_allow: []\n").unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"], 1_700_000_000);
    git(dir.path(), &["add", "-A"], 1_700_000_000);
    git(dir.path(), &["commit", "-q", "-m", "Results"], 1_700_000_000);
    dir
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"));
    command.current_dir(dir).args(args).env("DOCKER_HOST", "unix:///nowhere").env_remove("GITHUB_ACTIONS");
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_tables_name_every_command() {
    let help = command(Path::new("."), &["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names =
        listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|it| !it.is_empty());
    let mut count = 0;
    for name in names.filter(|name| *name != "help") {
        let here = ANSWERING.iter().map(|(args, _)| *args).chain(ENGINE.iter().copied()).any(|args| args[0] == name);
        assert!(here, "`{name}` is in no table");
        count += 1;
    }
    assert!(count > 14, "{listed}");
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_not() {
    let dir = folder();
    for (args, expected) in ANSWERING {
        let well = command(dir.path(), args).output().unwrap();
        assert_eq!(code(&well), *expected, "{args:?}: {}", stderr(&well));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let full = command(dir.path(), args).stdout(full).output().unwrap();
        assert_eq!(code(&full), 1, "{args:?}: {}", stderr(&full));
        assert!(stderr(&full).contains("atsmatrix: cannot write to stdout: No space left on device"), "{args:?}");
        // A pipe whose reader is gone.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = command(dir.path(), args).stdout(writer).output().unwrap();
        assert_eq!(code(&closed), *expected, "{args:?}: {}", stderr(&closed));
        assert!(!stderr(&closed).contains("cannot write"), "{args:?}: {}", stderr(&closed));
    }
    for args in ENGINE {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let full = command(dir.path(), args).stdout(full).output().unwrap();
        assert_ne!(code(&full), 0, "{args:?}");
        assert!(!stderr(&full).is_empty(), "{args:?}");
    }
}

#[test]
fn without_git_commands_that_need_it_say_so_and_others_work() {
    let dir = folder();
    let without = |args: &[&str]| command(dir.path(), args).env("PATH", "/nonexistent").output().unwrap();
    let need_git: &[&[&str]] = &[
        &["history", "debian-13/9.2.5"],
        &["diff", "git:HEAD"],
        &["merge", "git:HEAD"],
        &["explain", "debian-13/9.2.5", "--source", "git:HEAD"],
        &["gate", "--baseline", "git:HEAD"],
        &["gate", "--from", "debian-12", "--to", "debian-13", "--source", "git:HEAD"],
        &["gate", "--from", "debian-12", "--to", "debian-13", "--max-age", "30d"],
        &["path", "debian-12/9.2.9", "debian-13/9.2.9", "--source", "git:HEAD"],
    ];
    for args in need_git {
        let output = without(args);
        assert_eq!(code(&output), 4, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("git") && stderr(&output).contains("installed"), "{args:?}");
    }
    for (args, expected) in ANSWERING.iter().filter(|(args, _)| args[0] != "history") {
        let output = without(args);
        assert_eq!(code(&output), *expected, "{args:?}: {}", stderr(&output));
    }
    let page = without(&["report"]);
    assert_eq!(code(&page), 0, "{}", stderr(&page));
    assert!(stderr(&page).contains("note: the page has no history"), "{}", stderr(&page));
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("could not be read from git") && page.contains("</html>"), "the page message so as well");
}

/// The output contains nothing that a terminal or GitHub would interpret.
fn is_inert(output: &Output) -> Result<(), String> {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(text.clone()).unwrap();
        let has_command = text.lines().any(|line| line.trim_start().starts_with("::")) || text.contains("##[");
        if has_command || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(text);
        }
    }
    Ok(())
}

#[test]
fn hostile_names_reach_neither_the_terminal_nor_github() {
    let dir = folder();
    let commands = ANSWERING.iter().map(|(args, _)| *args).chain(ENGINE.iter().copied());
    for args in commands.filter(|args| !args[0].starts_with('-')) {
        for option in ["--matrix", "--results", "--source", "--trial", "--distro", "--baseline", "--format", "--output"]
        {
            let output = command(dir.path(), &[args, &[option, HOSTILE]].concat()).output().unwrap();
            is_inert(&output).unwrap_or_else(|text| panic!("{args:?} {option}: {text}"));
        }
        // `report --output` created it.
        let _ = fs::remove_file(dir.path().join(HOSTILE));
        let with_name = [&args[..1], &[HOSTILE, HOSTILE]].concat();
        let output = command(dir.path(), &with_name).output().unwrap();
        is_inert(&output).unwrap_or_else(|text| panic!("{with_name:?}: {text}"));
        if !matches!(args[0], "doctor" | "clean") {
            assert_ne!(code(&output), 0, "{with_name:?}: {}", stderr(&output));
        }
    }
    // Names in matrix.yaml itself.
    let matrix = fs::read_to_string(dir.path().join("matrix.yaml")).unwrap();
    let name = serde_json::to_string(HOSTILE).unwrap();
    for (plain, hostile) in [
        ("debian-12:", format!("{name}:")),
        ("\"9.2.5\":", format!("{name}:")),
        ("family: debian", format!("family: {name}")),
        ("family: debian", format!("{name}: debian")),
        ("family: debian", format!("args: {{ {name}: x }}, family: debian")),
        ("image: x }\n  debian-13", format!("image: {name} }}\n  debian-13")),
        ("[\"*\"]", format!("[{name}]")),
    ] {
        fs::write(dir.path().join("matrix.yaml"), matrix.replacen(plain, &hostile, 1)).unwrap();
        for args in [&["list"][..], &["run"], &["expect"]] {
            let output = command(dir.path(), args).env("GITHUB_ACTIONS", "true").output().unwrap();
            assert_eq!(code(&output), 2, "{hostile}: {args:?}");
            is_inert(&output).unwrap_or_else(|text| panic!("{hostile}: {args:?}: {text}"));
        }
    }
}

#[test]
fn missing_files_are_usage_errors() {
    let dir = folder();
    fs::write(dir.path().join("a-file"), "").unwrap();
    let commands = ANSWERING.iter().map(|(args, _)| *args).chain(ENGINE.iter().copied());
    for args in commands
        .filter(|args| !args[0].starts_with('-'))
        .filter(|args| !matches!(args[0], "schema" | "completions" | "doctor" | "clean"))
    {
        for matrix in ["nowhere.yaml", ".", "a-file/matrix.yaml"] {
            let output = command(dir.path(), &[args, &["--matrix", matrix]].concat()).output().unwrap();
            assert_eq!(code(&output), 2, "{args:?} {matrix}: {}", stderr(&output));
            assert!(stderr(&output).contains(matrix), "{args:?}: {}", stderr(&output));
        }
    }
    let bad: &[&[&str]] = &[
        &["diff", "."],
        &["diff", "git:HEAD:"],
        &["diff", "git:HEAD:/etc/passwd"],
        &["report", "-o", "/nonexistent/x.html"],
        &["report", "-o", "."],
        &["show", "--results", "results/matrix.json"],
        &["merge", "results/matrix.json", "--into", "a-file"],
        &["gate", "--require", "nowhere"],
        &["gate", "--require", "."],
        &["gate", "--baseline", "."],
        &["explain", "debian-13/9.2.5", "--source", "."],
        &["expect", "--results", "a-file"],
        &["list", "--trial", "nope"],
        &["list", "--trials", "--trial", "nope"],
    ];
    for args in bad {
        let output = command(dir.path(), args).output().unwrap();
        assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).starts_with("atsmatrix: "), "{args:?}: {}", stderr(&output));
    }
    let none = command(dir.path(), &["show", "--results", "nowhere"]).output().unwrap();
    assert_eq!(code(&none), 4, "no results yet: {}", stderr(&none));
    let ended = command(dir.path(), &["list"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(code(&ended), 0);
}

#[test]
fn unreadable_results_are_reported_before_anything_runs() {
    let dir = folder();
    let conflict = "{\n<<<<<<< HEAD\n  \"schema\": 3,\n=======\n  \"schema\": 2,\n>>>>>>> theirs\n";
    for (text, message) in [(conflict, "line 2 of matrix.json is a conflict marker"), ("{", "damaged")] {
        fs::write(dir.path().join("results/matrix.json"), text).unwrap();
        for args in ENGINE.iter().filter(|args| matches!(args[0], "run" | "bisect")) {
            let output = command(dir.path(), args).output().unwrap();
            assert_eq!(code(&output), 2, "{args:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn list_shows_the_selected_trials() {
    let dir = folder();
    let printed = |args: &[&str]| String::from_utf8(command(dir.path(), args).output().unwrap().stdout).unwrap();
    let some = printed(&["list", "--trials", "--trial", "tls-r*"]);
    assert!(!some.is_empty() && some.lines().all(|line| line.starts_with("tls-r")), "{some}");
    let all = printed(&["list", "--trials"]);
    let title = |line: &str| line.find("  ").map(|at| at + line[at..].len() - line[at..].trim_start().len());
    let columns: Vec<_> = all.lines().map(title).collect();
    assert!(columns.len() > 90 && columns.windows(2).all(|pair| pair[0] == pair[1]), "{all}");
    let cells = printed(&["list", "--trial", "tls-r*"]);
    assert!(cells.lines().last().unwrap().ends_with("trials and the controls"), "{cells}");
}

#[test]
fn mistyped_names_on_the_command_line_get_a_suggestion() {
    let dir = folder();
    let table: &[(&[&str], i32, &str)] = &[
        (&["list", "--distro", "debain-12"], 2, "did you mean `debian-12`?"),
        (&["list", "--ats", "9.2.55"], 2, "did you mean `9.2.5`?"),
        (&["run", "--trial", "tls-remote-orgin"], 2, "did you mean `tls-remote-origin`?"),
        (&["list", "--trials", "--trial", "tls-remote-orgin"], 2, "did you mean `tls-remote-origin`?"),
        (&["explain", "debain-13/9.2.5"], 4, "did you mean `debian-13/9.2.5`?"),
        (&["explain", "debian-13/9.2.5", "tls-remote-orgin"], 2, "did you mean `tls-remote-origin`?"),
        (&["history", "debain-13/9.2.5"], 4, "did you mean `debian-13/9.2.5`?"),
        (&["path", "debain-12/9.2.9", "debian-13/9.2.9"], 4, "did you mean `debian-12`?"),
        (&["path", "debian-12/9.2.9", "debian-13/9.2.99"], 4, "did you mean `9.2.9`?"),
        (&["gate", "--from", "debain-12", "--to", "debian-13", "--ats", "9.2.9"], 4, "did you mean `debian-12`?"),
        (&["gate", "--from", "debian-12", "--to", "debian-13", "--ats", "9.2.99"], 4, "did you mean `9.2.9`?"),
        (&["bisect", "--good", "debain-12/9.2.5", "--bad", "debian-13/9.2.5"], 2, "did you mean `debian-12/9.2.5`?"),
    ];
    for (args, right, help) in table {
        let output = command(dir.path(), args).output().unwrap();
        let printed = String::from_utf8(output.stdout.clone()).unwrap() + &stderr(&output);
        assert_eq!((code(&output), printed.contains(help)), (*right, true), "{args:?}: {printed}");
    }
}

/// On a terminal of 80 columns lines are wrapped; piped output is not, so that it can be searched.
#[test]
fn answers_fit_the_terminal() {
    let dir = folder();
    for args in [
        "explain debian-13/9.2.5",
        "gate --from debian-12 --to debian-13 --ats 9.2.5",
        "list",
        "list --trials",
        "doctor",
    ] {
        let program = assert_cmd::cargo::cargo_bin!("atsmatrix").display().to_string();
        let script = format!("stty rows 24 cols 80; exec {program} {args}");
        let mut child = Command::new("script");
        child.current_dir(dir.path()).args(["-qec", &script, "/dev/null"]).env("DOCKER_HOST", "unix:///nowhere");
        let output = child.env("TERM", "dumb").stdin(Stdio::null()).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        let long: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80 && line.contains("  ")).collect();
        assert!(shown.lines().count() > 0 && long.is_empty(), "{args}: {long:#?}");
    }
}
