//! Upgrades in place that ATS does not survive. The image, its packages and what happens to them are real; only the cause of
//! it, the family's `upgrade.sh`, is one of this test's own. What real upgrades of distros do is in `known_answers`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its results has failed")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// The image of debian-12/9.2.9 is that of the shipped matrix.
const MATRIX: &str = r#"version: 1
distros:
  debian-12:
    family: debian
    image: docker.io/library/debian:bookworm-slim
    bootstrap:
      suite: bookworm
      sources:
        - deb http://deb.debian.org/debian bookworm main
        - deb http://deb.debian.org/debian bookworm-updates main
        - deb http://deb.debian.org/debian-security bookworm-security main
  debian-13:
    family: debian
    os: { id: debian }
    image: docker.io/library/debian:trixie-slim
upgrades:
  upgraded: { from: debian-12, to: debian-13 }
ats:
  "9.2.9":
    sources:
      - on: [debian-12]
        package: { name: trafficserver, version: 9.2.5+ds-0+deb12u* }
        reports: ">=9.2.9,<9.3"
"#;

/// The result of the upgraded cell, and the exit code, if the upgrade does `what`.
fn upgraded_by(name: &str, what: &str) -> (Value, Option<i32>) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("upgrades").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("images/debian")).unwrap();
    std::fs::write(folder.join("matrix.yaml"), MATRIX).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("images/debian/upgrade.sh");
    let own = format!(
        "{}\nswitch_sources() {{ :; }}\nfetch_upgrade() {{ :; }}\nfull_upgrade() {{ {what}; }}\n",
        std::fs::read_to_string(shipped).unwrap()
    );
    std::fs::write(folder.join("images/debian/upgrade.sh"), own).unwrap();
    let output = Command::new(PROGRAM)
        .args(["run", "--distro", "upgraded", "--trial", "tls-remote-origin", "--results", "results"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let bytes = std::fs::read(folder.join("results/matrix.json")).unwrap_or_else(|error| panic!("{error}: {said}"));
    let matrix: Value = serde_json::from_slice(&bytes).unwrap();
    (matrix["cells"][0].clone(), output.status.code())
}

fn assert_broken(name: &str, what: &str, reason: &str) {
    let (cell, code) = upgraded_by(name, what);
    assert_eq!((&cell["verdict"], code), (&Value::from("broken"), Some(3)), "{cell:#}");
    assert!(cell["reason"].as_str().unwrap().contains(reason), "{cell:#}");
    assert_eq!(cell["trials"], serde_json::json!([]));
}

#[test]
fn an_ats_that_is_removed_is_broken() {
    let reason = "broken: the upgrade removed /usr/bin/traffic_server of the package trafficserver 9.2.5+ds-0+deb12u";
    assert_broken("removed", "logged apt-get -q remove trafficserver", reason);
}

#[test]
fn an_ats_that_lost_a_library_is_broken_and_names_it() {
    assert_broken(
        "library",
        "logged dpkg --force-depends --remove libpcre3",
        "lacks libraries: libpcre.so.3 => not found",
    );
}

#[test]
fn an_upgrade_that_fails_itself_says_nothing_about_ats() {
    let (cell, code) = upgraded_by("fails", "logged apt-get -q install no-such-package");
    assert_eq!((&cell["verdict"], code), (&Value::from("unavailable"), Some(4)), "{cell:#}");
    assert!(
        cell["reason"].as_str().unwrap().contains("upgrade: E: Unable to locate package no-such-package"),
        "{cell:#}"
    );
}
