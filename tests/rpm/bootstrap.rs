//! Base images made by dnf, with the program and from repositories of our own: what is signed becomes an image, and
//! nothing else does.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::rig::{Doomed, KEPT, atsmatrix, base, docker, exists, fixture, lay_out, plan, tried};

/// A container that hands out the repositories. It stops when dropped.
struct Repositories {
    name: String,
    /// Its address in the network of bootstraps.
    address: String,
    /// The key that `signed` is signed with.
    key: String,
}

impl Repositories {
    fn start() -> Self {
        let arguments = [("BASE", base("debian-13", "9.2.9"))];
        let arguments = arguments.each_ref().map(|(name, value)| (*name, value.as_str()));
        let image = fixture("bootstrap/Containerfile", "repositories", &arguments, KEPT);
        let name = format!("atsmatrix-test-repositories-{}", std::process::id());
        docker(&["run", "--rm", "--detach", "--name", &name, &image]);
        let address = docker(&["inspect", "--format", "{{.NetworkSettings.IPAddress}}", &name]);
        let key = docker(&["exec", &name, "cat", "/srv/KEY"]);
        Self { name, address, key }
    }

    /// A row made from one of them.
    fn row(&self, repository: &str) -> String {
        let key = self.key.replace('\n', "\n          ");
        format!(
            "  {repository}:
    family: fedora
    os: {{ id: atsmatrix-bootstrap-fixture, version: \"1\" }}
    bootstrap:
      release: \"1\"
      repositories: [\"http://{}/{repository}/$releasever/$basearch/\"]
      gpg_keys:
        - |
          {key}
      packages: [system]
",
            self.address
        )
    }
}

impl Drop for Repositories {
    fn drop(&mut self) {
        tried(&["rm", "--force", "--volumes", &self.name]);
    }
}

#[test]
fn a_base_is_made_of_signed_packages_and_of_no_others() {
    let repositories = Repositories::start();
    let mut matrix = "version: 1\ndistros:\n".to_owned();
    for repository in ["signed", "unsigned", "foreign"] {
        write!(matrix, "{}", repositories.row(repository)).unwrap();
    }
    matrix += "ats:\n  \"9.2.5\":\n    sources:\n      - on: [\"*\"]\n        package: { name: trafficserver, version: latest }\n";
    let bases = ["signed", "unsigned", "foreign"].map(|row| {
        let wanted = format!("{row} (base)");
        plan(&matrix, row, "*").steps().iter().find(|step| step.name == wanted).unwrap().tag.clone()
    });
    let doomed = Doomed(bases.iter().cloned().collect());

    // The base that is made has neither dnf nor an ATS, so all three cells are unavailable.
    let folder = lay_out(&matrix);
    assert_eq!(atsmatrix(&["run", "--results", "results"], folder.path()), Some(4));
    let results: Value = serde_json::from_slice(&fs::read(folder.path().join("results/matrix.json")).unwrap()).unwrap();
    let reason = |row: &str| {
        let id = format!("{row}/9.2.5");
        let cell = results["cells"].as_array().unwrap().iter().find(|cell| cell["id"] == id.as_str()).unwrap();
        assert_eq!(cell["verdict"], "unavailable", "{cell:#}");
        cell["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("signed").contains("neither dnf5 nor dnf in this image"), "{}", reason("signed"));
    assert!(reason("unsigned").contains("is not signed"), "{}", reason("unsigned"));
    assert!(reason("foreign").contains("cannot bootstrap release 1: "), "{}", reason("foreign"));
    assert!(reason("foreign").contains("is not installed"), "the key: {}", reason("foreign"));
    assert_eq!(bases.each_ref().map(|base| exists(base)), [true, false, false]);

    let run = |command: &[&str]| docker(&[["run", "--rm", bases[0].as_str()].as_slice(), command].concat());
    assert_eq!(run(&["cat", "/etc/made-by-a-script"]), "ID=atsmatrix-bootstrap-fixture\nVERSION_ID=1");
    // The system's own rpm reads the database, and the capability of the file survived.
    assert_eq!(run(&["rpm", "-q", "system"]), "system-1-1.fixture.noarch".replace("noarch", std::env::consts::ARCH));
    assert_eq!(run(&["/usr/sbin/getcap", "/usr/bin/able"]), "/usr/bin/able cap_net_raw=ep");
    drop(doomed);
}
