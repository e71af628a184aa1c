//! The rpm family for real, without any rpm distro's registry: a fixture image with Debian's dnf and rpm
//! and an ATS packed as an RPM (tests/fixtures/rpm) is pulled from a local registry, gets ATS by exact
//! version-release from the recipe that Fedora uses, and runs as a cell.
//!
//! It needs a container engine on this machine, `docker` in PATH and the package mirror. The ATS is the
//! one that matrix.yaml builds on Debian 12: made here only if no run has made it yet.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its parts has failed; what a run said is shown with it"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use atsmatrix::images::recipes;
use atsmatrix::matrix::{Globs, Matrix};
use atsmatrix::plan::{Plan, Selection, Work};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// What the fixture's matrix calls it; the test's own registry stands on another port.
const REFERENCE: &str = "localhost:5000/atsmatrix-rpm-fixture:1";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_there(image: &str) -> bool {
    Command::new("docker").args(["image", "inspect", image]).output().unwrap().status.success()
}

/// Runs the program and shows what it said.
fn atsmatrix(args: &[&str], folder: &Path) -> Option<i32> {
    let output = Command::new(PROGRAM).args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    println!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    output.status.code()
}

/// The plan of a matrix.
fn plan(matrix: &Path, distro: &str, ats: &str) -> Plan {
    let matrix = Matrix::parse("matrix.yaml", &fs::read_to_string(matrix).unwrap()).unwrap();
    let globs = |name| Some(Globs::new([name]).unwrap());
    let selection = Selection { distros: globs(distro), ats: globs(ats) };
    Plan::of(&matrix, &selection, &recipes(&root().join("images")).unwrap()).unwrap()
}

/// Tags of Debian 12's base and of the image in which 9.2.5 is built there.
fn ats_build() -> (String, String) {
    let plan = plan(&root().join("matrix.yaml"), "debian-12", "9.2.5");
    let step = |wanted: fn(&Work) -> bool| plan.steps().iter().find(|step| wanted(&step.work)).unwrap().tag.clone();
    let base = step(|work| matches!(work, Work::Base { .. }));
    let build = step(|work| matches!(work, Work::Recipe { containerfile, .. } if containerfile.contains("build")));
    if !is_there(&base) || !is_there(&build) {
        let results = TempDir::new().unwrap();
        let folder = results.path().to_str().unwrap();
        let args = ["run", "--distro", "debian-12", "--ats", "9.2.5", "--trial", "ctl-*", "--results", folder];
        atsmatrix(&args, root());
    }
    (base, build)
}

/// Builds a stage of the fixture, from the engine's cache where nothing has changed, with a label more.
fn build(stage: &str, (base, build): &(String, String), label: &str) -> String {
    let tag = format!("atsmatrix-rpm-fixture:{stage}");
    let folder = root().join("tests/fixtures/rpm");
    let (base, build) = (format!("BASE={base}"), format!("BUILD={build}"));
    let file = folder.join("Containerfile");
    let (folder, file) = (folder.to_str().unwrap(), file.to_str().unwrap());
    let stage = ["--target", stage, "--tag", &tag, "--label", label];
    let arguments = ["--build-arg", &base, "--build-arg", &build, "--file", file, folder];
    docker(&[["build", "--quiet"].as_slice(), &stage, &arguments].concat());
    tag
}

/// What an image of this run of the test is marked with, and whatever is built on it.
fn mark() -> String {
    format!("atsmatrix.test={}", std::process::id())
}

/// A registry on a port of its own, as a container that ends with this value.
struct Registry {
    client: Child,
    name: String,
    host: String,
}

impl Registry {
    fn start(image: &str) -> Self {
        let name = format!("atsmatrix-test-registry-{}", std::process::id());
        let mut client = Command::new("docker")
            .args(["run", "--rm", "--name", &name, "--publish", "127.0.0.1::5000", image])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(client.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("listening on")), "the registry ended before it listened");
        // It writes a line a request, and must never wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let published = docker(&["port", &name, "5000/tcp"]);
        let host = format!("localhost:{}", published.lines().next().unwrap().rsplit(':').next().unwrap());
        Self { client, name, host }
    }

    /// What it was asked for, as it logs it.
    fn asked(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.name]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
        let _ = self.client.wait();
    }
}

/// Images that a test's own registry has made worthless: they bear its port in their digests.
struct Doomed(Vec<String>);

impl Drop for Doomed {
    fn drop(&mut self) {
        let layers = |image: &str| docker(&["image", "inspect", "--format", "{{join .RootFS.Layers \" \"}}", image]);
        let below: Vec<String> = self.0.iter().filter(|image| is_there(image)).map(|image| layers(image)).collect();
        let agents = docker(&["image", "ls", "--quiet", "atsmatrix/agent"]);
        let ours = agents.lines().filter(|agent| below.iter().any(|below| layers(agent).starts_with(below.as_str())));
        for image in ours.chain(self.0.iter().rev().map(String::as_str)) {
            let _ = Command::new("docker").args(["image", "rm", "--force", image]).output();
        }
        // Steps of builds on the pulled image, which nobody can use again.
        let marked = format!("label={}", mark());
        let _ = Command::new("docker").args(["image", "prune", "--force", "--filter", &marked]).output();
    }
}

#[test]
fn an_rpm_is_installed_by_exact_release_on_a_pulled_base_runs_and_tells_its_provenance() {
    let parts = ats_build();
    let registry = Registry::start(&build("registry", &parts, "atsmatrix.kind=image"));
    let pushed = REFERENCE.replace("localhost:5000", &registry.host);
    let mut doomed = Doomed(vec![pushed.clone()]);
    // Marked, it is an image that the engine has never seen: one that it knows, even untagged, is not pulled.
    let fixture = build("fixture", &parts, &mark());
    docker(&["tag", &fixture, &pushed]);
    docker(&["push", "--quiet", &pushed]);
    // What it was built from stays, so that the next run of this test need not build it all again.
    docker(&["image", "rm", "--no-prune", &pushed, &fixture]);

    let folder = TempDir::new().unwrap();
    let text = fs::read_to_string(root().join("tests/fixtures/rpm/matrix.yaml")).unwrap();
    let matrix = folder.path().join("matrix.yaml");
    fs::write(&matrix, text.replace(REFERENCE, &pushed)).unwrap();
    std::os::unix::fs::symlink(root().join("images"), folder.path().join("images")).unwrap();
    doomed.0.extend(plan(&matrix, "*", "*").steps().iter().map(|step| step.tag.clone()));

    // One of two cells asks for a release that nobody has: no answer, which is not excused. A few trials
    // will do: this is about the way to the image, and what the catalogue finds in 9.2.5 is told elsewhere.
    let trials = "tls-remote-origin,tls-same-host,http-post-1m";
    assert_eq!(atsmatrix(&["run", "--trial", trials, "--results", "results"], folder.path()), Some(4));
    assert!(registry.asked().contains("GET /v2/atsmatrix-rpm-fixture/manifests/"), "{}", registry.asked());
    let results: Value = serde_json::from_slice(&fs::read(folder.path().join("results/matrix.json")).unwrap()).unwrap();
    let [ran, missing] = results["cells"].as_array().unwrap().as_slice() else { panic!("{results:#}") };

    assert_eq!(ran["verdict"], "pass", "{ran:#}");
    let provenance = &ran["provenance"];
    assert_eq!(provenance["distro"]["id"], "atsmatrix-rpm-fixture");
    // Release 2 of the same version is in the repository as well.
    assert_eq!(provenance["ats"]["package"], "trafficserver 9.2.5-1.fixture");
    assert_eq!(provenance["ats"]["reported"], "9.2.5");
    assert_eq!(provenance["openssl"]["package"], "libraries 1-1.fixture");
    assert!(provenance["openssl"]["version"].as_str().unwrap().starts_with("3.0."), "{provenance:#}");

    assert_eq!(missing["verdict"], "unavailable", "{missing:#}");
    let reason = missing["reason"].as_str().unwrap();
    assert!(reason.contains("trafficserver-9.2.5-9.fixture"), "{reason}");
    drop(doomed);
}
