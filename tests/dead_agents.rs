//! Containers of a cell that are killed in its middle, for real: what the others saw is not whole then, and no
//! finding about ATS. Needs a container engine and the docker program; images are those of the other real runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot start or read a run has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// Says the name of every cell's container when it starts.
fn starts() -> Child {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    Command::new("docker")
        .args(["events", "--since", &since, "--filter", "event=start", "--filter", "label=atsmatrix.kind=cell"])
        .args(["--format", "{{index .Actor.Attributes \"name\"}}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs trials of every origin on one cell, and kills the container `kind` in every attempt.
fn run_and_kill(kind: &str) -> (Output, PathBuf) {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dead-agents").join(kind);
    let _ = std::fs::remove_dir_all(&results);
    let mut events = starts();
    let run = Command::new(PROGRAM)
        .args(["run", "--distro", "debian-12", "--ats", "9.2.9", "--trial", "tls-remote-origin,nginx-get"])
        .arg("--results")
        .arg(&results)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Others may run cells on this engine too: ours bear the name of our run.
    let runs = results.join("runs");
    let is_ours = move |name: &str| {
        let runs = std::fs::read_dir(&runs).into_iter().flatten().flatten();
        runs.map(|entry| entry.file_name().into_string().unwrap()).any(|run| name.contains(&run))
    };
    let names = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    let kind = kind.to_owned();
    let killer = std::thread::spawn(move || {
        for name in names.filter(|name| is_ours(name)) {
            let victim = name.strip_suffix("cell").unwrap().to_owned() + &kind;
            assert!(Command::new("docker").args(["kill", &victim]).output().unwrap().status.success(), "{victim}");
        }
    });
    let output = run.wait_with_output().unwrap();
    events.kill().unwrap();
    events.wait().unwrap();
    killer.join().unwrap();
    (output, results)
}

#[test]
fn whichever_container_dies_the_cell_is_in_error_and_its_name_is_told() {
    for kind in ["nginx", "origin", "cell"] {
        let (output, results) = run_and_kill(kind);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let matrix: Value = serde_json::from_slice(&std::fs::read(results.join("matrix.json")).unwrap()).unwrap();
        let cell = &matrix["cells"][0];
        assert_eq!(cell["verdict"], "error", "{kind}: {cell:#}");
        assert_eq!(output.status.code(), Some(4), "{kind}: {said}");
        let reason = cell["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("the {kind} container ended with code 137")), "{kind}: {reason}");
        let wrong = |outcome: &Value| outcome == "fail" || outcome == "flaky";
        let trials = cell["trials"].as_array().unwrap();
        assert!(!trials.iter().any(|trial| wrong(&trial["outcome"])), "{kind}: {cell:#}");
    }
}
