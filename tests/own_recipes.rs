//! Recipes and packages of the user's own, for real: a Dockerfile is rebuilt FROM the base of Ubuntu 24.04, a package is
//! installed there, and what a failure says depends on whose it is. Needs a container engine and Ubuntu's package mirror; the base is made if it is not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its run has failed")]

use std::fmt::Write as _;
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

/// A Debian package that holds nothing and depends on `depends`: two archives in one of ar.
fn deb(depends: &str) -> Vec<u8> {
    let control = format!(
        "Package: ats-own\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: a \
         test\nDepends: {depends}\n"
    );
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(control.len() as u64);
    archive.append_data(&mut header, "control", control.as_bytes()).unwrap();
    let empty = tar::Builder::new(Vec::new()).into_inner().unwrap();
    let members =
        [("debian-binary", b"2.0\n".to_vec()), ("control.tar", archive.into_inner().unwrap()), ("data.tar", empty)];
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len()).bytes());
        bytes.extend(content);
    }
    bytes
}

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
        write!(
            yaml,
            "  {name}:\n    version: \"9.2.3\"\n    sources:\n      - on: [ubuntu-24.04]\n        dockerfile: {{ path: \
             {name}/Dockerfile, base_arg: BASE }}\n"
        )
        .unwrap();
    }
    for (name, depends) in [("deb", "trafficserver (>= 9)"), ("deb-lacking", "libpcre-from-nowhere")] {
        fs::write(folder.join(format!("{name}_1.deb")), deb(depends)).unwrap();
        write!(
            yaml,
            "  {name}:\n    version: \"9.2.3\"\n    sources:\n      - on: [ubuntu-24.04]\n        deb: {{ files: [\"{name}_*.deb\"] }}\n"
        )
        .unwrap();
    }
    fs::write(folder.join("matrix.yaml"), &yaml).unwrap();
    Matrix::parse("matrix.yaml", &yaml).unwrap_or_else(|found| panic!("{found:#?}"));
    let (cells, said) = cells(&folder);
    let [packaged, lacking, dead, deb, deb_lacking] = cells.as_slice() else { panic!("{cells:#?}\n{said}") };

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
    let reason = dead["reason"].as_str().unwrap();
    assert!(reason.contains("Failed to fetch http://mirror.invalid/ubuntu"), "{reason}");

    assert_eq!(deb["verdict"], "pass", "{deb:#}\n{said}");
    assert!(deb["provenance"]["ats"]["package"].as_str().unwrap().starts_with("trafficserver 9.2.3"), "{deb:#}");
    assert_eq!(deb_lacking["verdict"], "unbuildable", "{deb_lacking:#}\n{said}");
    assert_eq!(deb_lacking["reason"], "the distro has no package libpcre-from-nowhere");
}
