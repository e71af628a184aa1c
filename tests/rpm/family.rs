//! A fixture image with Debian's dnf and rpm and ATS as an RPM is pulled from a local registry. Fedora's recipe
//! installs ATS in it by exact version-release, and it runs as a cell.
//!
//! ATS is the build of Debian 12 in matrix.yaml, which is made here only if no run has made it yet.

use std::fs;

use serde_json::Value;

use crate::rig::{Registry, ats_build, atsmatrix, docker, exists, fixture, lay_out, plan, root, tried};

/// The image in the fixture's matrix; the test's own registry has another port.
const REFERENCE: &str = "localhost:5000/atsmatrix-rpm-fixture:1";

/// Label of images of this run of the test, and of everything built on them.
fn mark() -> String {
    format!("atsmatrix.test={}", std::process::id())
}

/// Images that are useless after the test, because the port of its registry is part of their digests.
struct Doomed(Vec<String>);

impl Drop for Doomed {
    fn drop(&mut self) {
        let layers = |image: &str| docker(&["image", "inspect", "--format", "{{join .RootFS.Layers \" \"}}", image]);
        let below: Vec<String> = self.0.iter().filter(|image| exists(image)).map(|image| layers(image)).collect();
        // An image without layers would match every other.
        let below: Vec<String> = below.into_iter().filter(|layers| !layers.is_empty()).collect();
        let agents = docker(&["image", "ls", "--quiet", "atsmatrix/agent"]);
        let ours = agents.lines().filter(|agent| below.iter().any(|below| layers(agent).starts_with(below.as_str())));
        for image in ours.chain(self.0.iter().rev().map(String::as_str)) {
            tried(&["image", "rm", "--force", image]);
        }
        // Cached build steps on the pulled image, which cannot be reused.
        let marked = format!("label={}", mark());
        tried(&["image", "prune", "--force", "--filter", &marked]);
    }
}

#[test]
fn an_rpm_is_installed_by_exact_release_on_a_pulled_base_and_runs_with_its_provenance() {
    let (base, build) = ats_build();
    let registry = Registry::start();
    let pushed = REFERENCE.replace("localhost:5000", &registry.host);
    let mut doomed = Doomed(vec![pushed.clone()]);
    // The label makes it new to the engine: an image that it has, even untagged, is not pulled.
    let fixture = fixture("Containerfile", "fixture", &[("BASE", &base), ("BUILD", &build)], &mark());
    docker(&["tag", &fixture, &pushed]);
    docker(&["push", "--quiet", &pushed]);
    // Its build steps stay cached for the next run of this test.
    docker(&["image", "rm", "--no-prune", &pushed, &fixture]);

    let text = fs::read_to_string(root().join("tests/fixtures/rpm/matrix.yaml")).unwrap();
    let matrix = text.replace(REFERENCE, &pushed);
    let folder = lay_out(&matrix);
    doomed.0.extend(plan(&matrix, "*", "*").steps().iter().map(|step| step.tag.clone()));

    // One of two cells needs a release that its distro does not have: a finding. A few trials
    // are enough: this test is about the image, and others check the trials of 9.2.5.
    let trials = "tls-remote-origin,tls-same-host,http-post-1m";
    assert_eq!(atsmatrix(&["run", "--trial", trials, "--results", "results"], folder.path()), Some(3));
    assert!(registry.asked().contains("GET /v2/atsmatrix-rpm-fixture/manifests/"), "{}", registry.asked());
    let results: Value = serde_json::from_slice(&fs::read(folder.path().join("results/matrix.json")).unwrap()).unwrap();
    let [ran, missing] = results["cells"].as_array().unwrap().as_slice() else { panic!("{results:#}") };

    assert_eq!(ran["verdict"], "pass", "{ran:#}");
    let provenance = &ran["provenance"];
    assert_eq!(provenance["distro"]["id"], "atsmatrix-rpm-fixture");
    // The repository also has release 2 of the same version.
    assert_eq!(provenance["ats"]["package"], "trafficserver 9.2.5-1.fixture");
    assert_eq!(provenance["ats"]["reported"], "9.2.5");
    assert_eq!(provenance["openssl"]["package"], "libraries 1-1.fixture");
    assert!(provenance["openssl"]["version"].as_str().unwrap().starts_with("3.0."), "{provenance:#}");

    assert_eq!(missing["verdict"], "unbuildable", "{missing:#}");
    assert_eq!(missing["reason"], "the distro has no package trafficserver-9.2.5-9.fixture");
    drop(doomed);
}
