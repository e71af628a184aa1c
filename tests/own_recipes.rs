//! Recipes of the user's own, for real: a Dockerfile is rebuilt FROM the base of Ubuntu 24.04, and what its failure says
//! depends on whose it is. Needs a container engine and Ubuntu's package mirror; the base is made if it is not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::config::matrix::Matrix;
use serde_json::Value;

/// The row of the shipped matrix.yaml, so that its base is made once.
fn row() -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("matrix.yaml")).unwrap();
    let from = text.find("  ubuntu-24.04:\n").unwrap();
    let lines = text[from..].split_inclusive('\n').enumerate();
    lines.take_while(|(at, line)| *at == 0 || line.starts_with("    ")).map(|(_, line)| line).collect()
}

/// The columns, each a Dockerfile in a folder of its name after `ARG BASE` and `FROM ${BASE}`.
const COLUMNS: [(&str, &str); 3] = [
    ("packaged", "RUN apt-get update && apt-get install -y trafficserver curl openssl ca-certificates"),
    ("lacking", "RUN apt-get update && apt-get install -y trafficserver-from-nowhere"),
    (
        "dead-mirror",
        "RUN rm -rf /etc/apt/sources.list* && echo 'deb http://mirror.invalid/ubuntu noble main' \
         >/etc/apt/sources.list && apt-get update && apt-get install -y trafficserver",
    ),
];

fn cells(folder: &Path) -> (Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_atsmatrix"))
        .args(["run", "--jobs", "2", "--trial", "tls-remote-origin", "--results", "out"])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let bytes = fs::read(folder.join("out/matrix.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    (matrix["cells"].as_array().unwrap().clone(), said)
}

#[test]
fn a_dockerfile_is_rebuilt_on_a_rows_base_and_its_failure_says_whose_it_is() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-recipes");
    let _ = fs::remove_dir_all(&folder);
    let mut yaml = format!("version: 1\ndistros:\n{}ats:\n", row());
    for (name, run) in COLUMNS {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("Dockerfile"), format!("ARG BASE\nFROM ${{BASE}}\n{run}\n")).unwrap();
        yaml += &format!(
            "  {name}:\n    version: \"9.2.3\"\n    sources:\n      - on: [ubuntu-24.04]\n        dockerfile: {{ path: \
             {name}/Dockerfile, base_arg: BASE }}\n"
        );
    }
    fs::write(folder.join("matrix.yaml"), &yaml).unwrap();
    Matrix::parse("matrix.yaml", &yaml).unwrap_or_else(|found| panic!("{found:#?}"));
    let (cells, said) = cells(&folder);
    let [packaged, lacking, dead] = cells.as_slice() else { panic!("{cells:#?}\n{said}") };

    assert_eq!(packaged["verdict"], "pass", "{packaged:#}\n{said}");
    assert_eq!(packaged["provenance"]["ats"]["reported"], "9.2.3");
    let outcome = |id: &str| {
        let trial = packaged["trials"].as_array().unwrap().iter().find(|trial| trial["id"] == id).unwrap();
        trial["outcome"].clone()
    };
    assert_eq!((outcome("tls-remote-origin"), outcome("ctl-direct-tls")), ("pass".into(), "pass".into()));

    assert_eq!(lacking["verdict"], "unbuildable", "{lacking:#}\n{said}");
    assert_eq!(lacking["reason"], "the distro has no package trafficserver-from-nowhere");

    assert_eq!(dead["verdict"], "unavailable", "{dead:#}\n{said}");
}
