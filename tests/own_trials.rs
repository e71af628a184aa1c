//! Trials of the user's own, for real: the example runs on Debian 12 and 13, one of its trials passes and one fails as it is
//! expected to, and the gate, explain, diff and merge know both. Needs a container engine and Debian's package mirror; images are made
//! if they are not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The built-in trials that show that the own ones are beside them; controls always run.
const SELECTED: &str = "via-*,tls13-only";

fn atsmatrix(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_atsmatrix")).args(args).current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A copy of the example for the test `name`, so that results do not come to lie in it.
fn example(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("trials")).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-trials");
    for file in ["matrix.yaml", "trials/via.yaml"] {
        fs::copy(from.join(file), folder.join(file)).unwrap();
    }
    folder
}

fn cells(folder: &Path) -> Vec<Value> {
    let matrix: Value = serde_json::from_slice(&fs::read(folder.join("out/matrix.json")).unwrap()).unwrap();
    matrix["cells"].as_array().unwrap().clone()
}

#[test]
fn the_example_passes_and_fails_as_its_matrix_says() {
    let folder = example("own-trials");
    let done = atsmatrix(&folder, &["run", "--jobs", "2", "--trial", SELECTED, "--results", "out"]);
    assert_eq!(done.status.code(), Some(0), "a declared failure is no surprise: {}", text(&done));
    let cells = cells(&folder);
    assert_eq!(cells.len(), 2);
    for cell in &cells {
        let trial = |id: &str| cell["trials"].as_array().unwrap().iter().find(|trial| trial["id"] == id).unwrap();
        let outcome = |id: &str| trial(id)["outcome"].as_str().unwrap();
        assert_eq!(cell["verdict"], "fail", "{cell:#}");
        assert_eq!(cell["expected"]["verdict"], "fail");
        assert_eq!((outcome("via-names-the-proxy"), outcome("tls13-only")), ("pass", "pass"), "{cell:#}");
        let passed = trial("via-names-the-proxy")["summary"].as_str().unwrap();
        for part in ["TLSv1.3", "server name via-names-the-proxy.test", "GET /hops?of=1", "header x-team: edge"] {
            assert!(passed.contains(part), "{passed}");
        }
        let failed = trial("via-hides-the-version");
        assert_eq!(failed["outcome"], "fail");
        let summary = failed["summary"].as_str().unwrap();
        let expected =
            "expected header via: http/1.1 *[*] (ApacheTrafficServer) at the origin, saw header via: http/1.1 ";
        assert!(summary.starts_with(expected) && summary.contains("ApacheTrafficServer/9.2"), "{summary}");
    }

    // Explained with what it expects; without matrix.yaml by its id alone.
    let explain = |matrix: &[&str]| {
        let args = [&["explain", "debian-13/9.2.9", "via-hides-the-version", "--results", "out"], matrix].concat();
        text(&atsmatrix(&folder, &args))
    };
    let told = explain(&[]);
    for part in [
        "requests say nothing of the version of ATS",
        "why: our policy",
        "it expects: status 200",
        "failed: expected header via",
    ] {
        assert!(told.contains(part), "{told}");
    }

    // A pass counts only with all trials of the matrix, own ones too.
    let gate = |args: &[&str]| atsmatrix(&folder, &[&["gate", "--results", "out"], args].concat());
    let asked = gate(&["--from", "debian-12", "--to", "debian-13", "--format", "json"]);
    assert_ne!(asked.status.code(), Some(0), "{}", text(&asked));

    let diff = atsmatrix(&folder, &["diff", "out/matrix.json", "--results", "out"]);
    assert_eq!(diff.status.code(), Some(0), "{}", text(&diff));
    let merged = atsmatrix(&folder, &["merge", "out/matrix.json", "--into", "merged"]);
    assert_eq!(merged.status.code(), Some(0), "{}", text(&merged));
    let merged: Value = serde_json::from_slice(&fs::read(folder.join("merged/matrix.json")).unwrap()).unwrap();
    assert_eq!(merged["cells"].as_array().unwrap(), &cells);

    // Without its declaration the failure is a surprise.
    let path = folder.join("matrix.yaml");
    let declared = fs::read_to_string(&path).unwrap();
    fs::write(&path, declared.split("\nexpect:").next().unwrap().to_owned() + "\n").unwrap();
    let asked = atsmatrix(&folder, &["expect", "--results", "out"]);
    assert_eq!(asked.status.code(), Some(3), "{}", text(&asked));
    assert!(text(&asked).contains("via-hides-the-version"), "{}", text(&asked));
    let updated = atsmatrix(&folder, &["expect", "--results", "out", "--update"]);
    assert_eq!(updated.status.code(), Some(0), "{}", text(&updated));
    assert!(fs::read_to_string(&path).unwrap().contains("trials: [via-hides-the-version]"));

    fs::remove_file(&path).unwrap();
    let told = explain(&[]);
    assert!(told.contains("via-hides-the-version (fail)") && !told.contains("our policy"), "{told}");
    let page = atsmatrix(&folder, &["report", "--format", "markdown", "--results", "out"]);
    assert!(page.status.success() && text(&page).contains("via-hides-the-version"), "{}", text(&page));
}

/// Passes with OpenSSL 3.0 and fails with 3.5.
const SMALL_HELLO: &str = "
  small-hello:
    title: our firewall takes a ClientHello of 1,000 bytes at most
    why: a rule of the firewall
    expect:
      client: { whole_answers: 1 }
      origin: { hello_at_most: 1000 }

trial_files:";

#[test]
fn a_search_is_about_an_own_trial_as_about_any() {
    let folder = example("own-trials-bisect");
    let path = folder.join("matrix.yaml");
    let matrix = fs::read_to_string(&path).unwrap().replacen("\ntrial_files:", SMALL_HELLO, 1);
    fs::write(&path, matrix).unwrap();
    let ends = ["bisect", "--good", "debian-12/9.2.9", "--bad", "debian-13/9.2.9", "--trial", "small-hello"];
    // Both ends alone: the whole search takes a minute, and tests/bisect.rs has one.
    let rest = ["--limit", "4", "--format", "json", "--results", "out"];
    let done = atsmatrix(&folder, &[&ends[..], &rest].concat());
    assert_eq!(done.status.code(), Some(4), "{}", text(&done));
    let answer: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((answer["trial"].as_str(), answer["standing"].as_str()), (Some("small-hello"), Some("open")));
    let tried: Vec<&str> =
        answer["experiments"].as_array().unwrap().iter().map(|one| one["result"].as_str().unwrap()).collect();
    assert_eq!(tried, ["pass", "fail"], "{answer:#}");
    let failed = answer["experiments"][1]["summary"].as_str().unwrap();
    assert!(failed.starts_with("expected a ClientHello of at most 1000 bytes on the wire, saw"), "{failed}");
    assert!(answer["answer"].as_str().unwrap().contains("still suspected"), "{answer:#}");
}
