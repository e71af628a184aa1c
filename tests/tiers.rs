//! Cells with two ATS, for real: the example's pairs on Debian 12 and 13, a parent that is broken as shipped and is named, and a
//! parent whose container dies, which is no finding. Needs a container engine; images that are not there are made first.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a matrix of the example.
fn folder(name: &str, matrix: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiers").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tiers").join(matrix);
    fs::copy(example, folder.join("matrix.yaml")).unwrap();
    folder
}

fn atsmatrix(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atsmatrix"));
    command.args(arguments).current_dir(folder);
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

fn cells(folder: &Path) -> Vec<Value> {
    let bytes = fs::read(folder.join("results/matrix.json")).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["cells"].as_array().unwrap().clone()
}

fn cell<'a>(cells: &'a [Value], id: &str) -> &'a Value {
    cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no {id}"))
}

fn summary<'a>(cell: &'a Value, trial: &str) -> &'a str {
    let found = cell["trials"].as_array().unwrap().iter().find(|it| it["id"] == trial);
    found.unwrap_or_else(|| panic!("no {trial} in {cell:#}"))["summary"].as_str().unwrap()
}

#[test]
fn old_and_new_work_with_each_other_on_debian_and_the_gate_asks_for_every_pair() {
    let folder = folder("debian", "matrix.yaml");
    let run = atsmatrix(&folder, &["run", "--jobs", "2"]).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let cells = cells(&folder);
    let pairs = [
        ("debian-12", "debian-12"),
        ("debian-12", "debian-13"),
        ("debian-13", "debian-12"),
        ("debian-13", "debian-13"),
    ];
    for (child, parent) in pairs {
        let cell = cell(&cells, &format!("{child}/9.2.9-over-{parent}-9.2.9"));
        assert_eq!(cell["verdict"], "pass", "{cell:#}");
        let ran = &cell["provenance"]["parent"];
        assert_eq!(ran["cell"], format!("{parent}/9.2.9"));
        let distro = |of: &Value| {
            format!("{}-{}", of["distro"]["id"].as_str().unwrap(), of["distro"]["version"].as_str().unwrap())
        };
        assert_eq!([distro(&cell["provenance"]), distro(&ran["provenance"])], [child, parent]);
        // Via proves that both were on the way, over TLS between them.
        let both = "requests through 2 ATS, by http and https, answers through 2 ATS, by https and https";
        assert!(summary(cell, "tier-tls").contains(both), "{cell:#}");
        assert!(summary(cell, "tier-origin-down").contains("status 502, answers through 2 ATS"), "{cell:#}");
        assert!(cell["trials"].as_array().unwrap().len() >= 49, "{cell:#}");
    }
    let gate = atsmatrix(&folder, &["gate", "--from", "debian-12", "--to", "debian-13"]).output().unwrap();
    let text = said(&gate);
    assert_eq!(gate.status.code(), Some(0), "{text}");
    for (child, parent) in &pairs[1..] {
        assert!(text.contains(&format!("{child}/9.2.9-over-{parent}-9.2.9 (4")), "{text}");
    }
}

#[test]
fn a_wrong_parent_is_named_in_one_sentence() {
    let folder = folder("wrong-parent", "wrong-parent.yaml");
    let arguments = ["run", "--distro", "ubuntu-24.04", "--ats", "shipped-over-*", "--jobs", "2"];
    let run = atsmatrix(&folder, &arguments).output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", said(&run));
    let cells = cells(&folder);
    assert_eq!(cell(&cells, "ubuntu-24.04/shipped-over-ubuntu-24.04-shipped")["verdict"], "pass");
    let wrong = cell(&cells, "ubuntu-24.04/shipped-over-ubuntu-25.10-shipped");
    assert_eq!(
        (&wrong["verdict"], &wrong["reason"]),
        (&"fail".into(), &"the parent ubuntu-25.10/shipped fails".into())
    );
    assert_eq!(summary(wrong, "tier-tls"), "the parent: expected status 200, saw 502 Invalid argument");
    assert!(summary(wrong, "tier-plain").starts_with("200 OK"), "only TLS to origins is broken");
    let [issue] = wrong["known_issues"].as_array().unwrap().as_slice() else { panic!("{wrong:#}") };
    assert_eq!((&issue["id"], &issue["confidence"]), (&"ATS-11465".into(), &"certain".into()));
    assert_eq!(issue["of_parent"], true, "the child has the same ATS 9.2, and no fault");
    let gate = atsmatrix(&folder, &["gate", "--from", "ubuntu-24.04", "--to", "ubuntu-25.10"]).output().unwrap();
    let text = said(&gate);
    assert_eq!(gate.status.code(), Some(3), "{text}");
    assert!(text.contains("ubuntu-24.04/shipped-over-ubuntu-25.10-shipped fails"), "{text}");
    assert!(
        text.contains("the parent ubuntu-25.10/shipped fails") && text.contains("certain, of the parent"),
        "{text}"
    );
}

#[test]
fn a_parent_whose_container_dies_is_no_finding_about_the_child() {
    let folder = folder("killed", "matrix.yaml");
    let ats = "9.2.9-over-debian-12-9.2.9";
    let events = Command::new("docker")
        .args([
            "events",
            "--filter",
            "type=container",
            "--filter",
            "event=start",
            "--format",
            "{{.Actor.Attributes.name}}",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = KilledAtEnd(events);
    let arguments = ["run", "--distro", "debian-12", "--ats", ats];
    let run = atsmatrix(&folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(events.0.stdout.take().unwrap()).lines();
    let cell = format!("{ats}-1-cell");
    let started = lines.map(Result::unwrap).find(|name| name.ends_with(&cell)).unwrap();
    let name = started.strip_suffix("cell").unwrap().to_owned() + "parent";
    let killed = Command::new("docker").args(["kill", &name]).output().unwrap();
    assert!(killed.status.success(), "{}", said(&killed));
    let run = run.wait_with_output().unwrap();
    let text = said(&run);
    let mut runs = fs::read_dir(folder.join("results/runs")).unwrap().map(|entry| entry.unwrap().path());
    let log = fs::read_to_string(runs.find(|path| path.is_dir()).unwrap().join("debug.log")).unwrap();
    assert!(log.contains("incident: the parent container ended with code 137"), "{log}");
    assert_eq!((run.status.code(), &cells(&folder)[0]["verdict"]), (Some(0), &"pass".into()), "run again: {text}");
}

/// Killed when it is dropped.
struct KilledAtEnd(std::process::Child);

impl Drop for KilledAtEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
