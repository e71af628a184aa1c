//! A real cell that fails with a known issue, its workaround tried on it, the explanation of it, and
//! the commands of the report for upstream, run as they stand. Needs a container engine and the docker
//! program; images are those of the other real runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its results has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use atsmatrix::builder::recipes;
use atsmatrix::config::matrix::Matrix;
use atsmatrix::config::plan::{Plan, Selection};
use atsmatrix::decide::explain::by_hand;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");
const CELL: &str = "debian-13/9.2.5";

/// The results of one real run of the cell with `--workarounds`, shared by all tests of this file.
fn results() -> &'static Path {
    static RESULTS: OnceLock<PathBuf> = OnceLock::new();
    RESULTS.get_or_init(|| {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workarounds");
        let _ = std::fs::remove_dir_all(&results);
        let choice = ["--distro", "debian-13", "--ats", "9.2.5", "--trial", "tls-remote-origin,tls12-only,tls13-only"];
        let output = Command::new(PROGRAM)
            .args(["run", "--workarounds"])
            .args(choice)
            .arg("--results")
            .arg(&results)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        results
    })
}

fn explain(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(["explain", CELL]).args(arguments).arg("--results").arg(results());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_workaround_is_seen_to_work_and_the_cell_still_fails() {
    let bytes = std::fs::read(results().join("matrix.json")).unwrap();
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    let cell = &matrix["cells"][0];
    assert_eq!((&cell["id"], &cell["verdict"]), (&CELL.into(), &"fail".into()));
    let issue = &cell["known_issues"][0];
    assert_eq!((&issue["id"], &issue["confidence"]), (&"ATS-11465".into(), &"certain".into()));
    let tried = &issue["workarounds"][0];
    assert_eq!(tried["settings"], serde_json::json!(["proxy.config.net.sock_option_flag_out INT 9"]));
    assert_eq!(tried["worked"], true, "{tried:#}");
    assert_eq!(tried["passed"], serde_json::json!(["tls-remote-origin", "tls12-only", "tls13-only"]));
    let page = std::fs::read_to_string(results().join("README.md")).unwrap();
    assert!(page.contains("tcp\\-fast-open worked: 3 of 3") || page.contains("tcp-fast-open worked: 3 of 3"), "{page}");
}

#[test]
fn the_evidence_of_the_workaround_is_kept_beside_that_of_the_cell() {
    let run = std::fs::read_dir(results().join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = run.into_iter().find(|path| path.is_dir()).unwrap();
    let with = std::fs::read(run.join("workarounds/tcp-fast-open/debian-13_9.2.5/tls12-only.1.json")).unwrap();
    let without = std::fs::read(run.join("debian-13_9.2.5/tls12-only.1.json")).unwrap();
    let status = |bytes: &[u8]| {
        let evidence: Value = serde_json::from_slice(bytes).unwrap();
        evidence["observation"]["client"]["exchanges"][0]["status"].clone()
    };
    assert_eq!((status(&without), status(&with)), (502.into(), 200.into()));
}

#[test]
fn a_trial_is_explained_from_its_raw_evidence() {
    let told: Value = serde_json::from_str(&text(&explain(&["tls-remote-origin", "--json"]))).unwrap();
    let story = &told["trials"][0];
    let wire = story["attempts"][1]["wire"][0].to_string();
    assert!(wire.contains("> S ") && wire.contains("> F."), "{wire}");
    assert!(story["checks"].as_array().unwrap().iter().any(|check| check["held"] == false), "{story:#}");
    assert!(told["ran"]["openssl"]["version"].as_str().unwrap().starts_with("3.5."));
    let shown = text(&explain(&[]));
    assert!(shown.contains("until then, the workaround tcp-fast-open works on this cell"), "{shown}");
    assert_eq!(explain(&["no-such-trial"]).status.code(), Some(2));
}

#[test]
fn the_commands_of_the_report_show_the_failure_by_hand() {
    let report = text(&explain(&["tls-remote-origin", "--upstream"]));
    let blocks: Vec<&str> = report.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [image, run] = blocks.as_slice() else { panic!("not two blocks of commands:\n{report}") };
    // Compiling takes minutes: that block is checked as far as a shell does without running it.
    let checked = Command::new("sh").args(["-n", "-c", image]).output().unwrap();
    assert!(checked.status.success() && image.contains("docker build --tag ats-by-hand"), "{checked:?}\n{image}");

    let bytes = std::fs::read(results().join("matrix.json")).unwrap();
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    let ready = matrix["cells"][0]["provenance"]["images"]["recipe"].as_str().unwrap();
    let ran = Command::new("timeout").args(["300", "sh", "-c", run]).env("IMAGE", ready).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("straight to the origin: 200"), "{ran:?}");
    assert!(said.contains("through ATS: 502"), "{ran:?}");
    assert!(said.contains("Invalid argument [22]"), "{ran:?}");
    let left =
        Command::new("docker").args(["ps", "--all", "--quiet", "--filter", "name=ats-by-hand"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{left:?}");
}

#[test]
fn every_cell_of_the_shipped_matrix_has_commands_that_a_shell_takes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let plan =
        Plan::of(&matrix, &Selection { distros: None, ats: None }, &recipes(&root.join("images")).unwrap()).unwrap();
    assert!(plan.cells.len() > 20);
    for cell in &plan.cells {
        let image = by_hand::image(&plan, cell).unwrap_or_else(|| panic!("{} has no commands", cell.id));
        let by = |id: &str| by_hand::run(cell, &atsmatrix::catalogue::trials::by_id(id).unwrap().spec());
        let run = by("pool-off").unwrap_or_else(|| panic!("{} has nothing to run", cell.id));
        assert!(run.contains("--env PROXY_CONFIG_HTTP_SERVER_SESSION_SHARING_MATCH='none'"), "{run}");
        let lenient = run.contains("--env PROXY_CONFIG_SSL_CLIENT_VERIFY_SERVER_POLICY='PERMISSIVE'");
        assert_eq!(lenient, !cell.version.starts_with("8."), "{run}");
        // Another origin, another client: they would show something else.
        for other in ["fault-alert", "refuse-expired", "sni-yaml-verify", "nginx-get", "load-200", "inbound-h2"] {
            assert_eq!(by(other), None, "{other}");
        }
        for commands in [image, run] {
            let checked = Command::new("sh").args(["-n", "-c", &commands]).output().unwrap();
            assert!(checked.status.success() && checked.stderr.is_empty(), "{}: {checked:?}\n{commands}", cell.id);
        }
    }
}
