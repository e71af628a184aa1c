//! A machine with a registry in reach: a local one serves a stand-in for every image that the shipped matrix names,
//! and the run is as green as without. What the rows that only a registry makes possible come to is new; it is
//! red for no reason but a finding.
//!
//! It needs a container engine on this machine, `docker` in PATH and the package mirror.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot set up its parts has failed; what a run said is shown with it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use atsmatrix::images::recipes;
use atsmatrix::matrix::Matrix;
use atsmatrix::plan::{Plan, Selection, Work};
use serde_json::Value;
use tempfile::TempDir;

/// Columns of packages, and so of nothing that takes minutes to compile; a row that has none of them has 9.2.5.
const ATS: &str = "8.1,9.2.3,9.2.9,10";
const OTHERS: &str = "rocky-9,ubuntu-25.10";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tried(args: &[&str]) -> Output {
    Command::new("docker").args(args).output().unwrap()
}

fn docker(args: &[&str]) -> String {
    let output = tried(args);
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn is_there(image: &str) -> bool {
    tried(&["image", "inspect", image]).status.success()
}

fn atsmatrix(args: &[&str], folder: &Path) -> Option<i32> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_atsmatrix")).args(args).current_dir(folder).env("NO_COLOR", "1").output();
    let output = output.unwrap();
    println!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    output.status.code()
}

fn plan(text: &str) -> (Matrix, Plan) {
    let matrix = Matrix::parse("matrix.yaml", text).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes(&root().join("images")).unwrap()).unwrap();
    (matrix, plan)
}

/// The bases of the shipped matrix that are here, by the image that a registry would have; made where they are not.
fn bases(text: &str) -> BTreeMap<String, String> {
    let (_, plan) = plan(text);
    let mut found = BTreeMap::new();
    for step in plan.steps() {
        let Work::Base { image: Some(image), bootstrap: Some(_) } = &step.work else { continue };
        let row = step.name.trim_end_matches(" (base)");
        if !is_there(&step.tag) && row.starts_with("debian-") {
            let results = TempDir::new().unwrap();
            let folder = results.path().to_str().unwrap();
            atsmatrix(
                &["run", "--distro", row, "--ats", ATS, "--trial", "ctl-plain-origin", "--results", folder],
                root(),
            );
        }
        if is_there(&step.tag) {
            found.insert(image.clone(), step.tag.clone());
        }
    }
    found
}

/// A registry on a port of its own, as a container that ends with this value.
struct Registry {
    client: Child,
    name: String,
    host: String,
}

impl Registry {
    fn start(base: &str) -> Self {
        let folder = root().join("tests/fixtures/rpm");
        let (file, folder) = (folder.join("Containerfile"), folder.to_str().unwrap().to_owned());
        let base = format!("BASE={base}");
        let arguments = ["--build-arg", &base, "--build-arg", "BUILD=scratch", "--file", file.to_str().unwrap()];
        let image = "atsmatrix-rpm-fixture:registry";
        let label = ["--target", "registry", "--tag", image, "--label", "atsmatrix.kind=image"];
        docker(&[&["build", "--quiet"], label.as_slice(), &arguments, &[folder.as_str()]].concat());
        let name = format!("atsmatrix-test-registry-all-{}", std::process::id());
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
}

impl Drop for Registry {
    fn drop(&mut self) {
        tried(&["rm", "--force", "--volumes", &self.name]);
        let _ = self.client.wait();
    }
}

/// Tags that a test's own registry has made worthless; the images below them are others' too.
struct Doomed(BTreeSet<String>);

impl Drop for Doomed {
    fn drop(&mut self) {
        for tag in &self.0 {
            tried(&["image", "rm", "--no-prune", tag]);
        }
    }
}

#[test]
fn a_run_with_a_registry_in_reach_is_as_green_as_without() {
    let shipped = fs::read_to_string(root().join("matrix.yaml")).unwrap();
    let bases = bases(&shipped);
    let debian = &bases["docker.io/library/debian:bookworm-slim"];
    let registry = Registry::start(debian);
    let local = |image: &str| format!("{}/{}", registry.host, image.split_once('/').unwrap().1);
    let (matrix, _) = plan(&shipped);
    let images: BTreeSet<&String> = matrix.distros.iter().filter_map(|distro| distro.image.as_ref()).collect();
    assert!(images.len() >= 15, "{images:?}");
    let mut text = shipped.clone();
    let mut doomed = Doomed(BTreeSet::new());
    for image in images {
        let name = local(image);
        // Where there is no base of that distro, Debian 12 stands in: it can be pulled, and lacks what the rows need.
        docker(&["tag", bases.get(image).unwrap_or(debian), &name]);
        docker(&["push", "--quiet", &name]);
        docker(&["image", "rm", "--no-prune", &name]);
        text = text.replace(&format!("image: {image}\n"), &format!("image: {name}\n"));
        doomed.0.insert(name);
    }
    let (_, stood_in) = plan(&text);
    doomed.0.extend(stood_in.steps().iter().map(|step| step.tag.clone()));

    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("matrix.yaml"), &text).unwrap();
    std::os::unix::fs::symlink(root().join("images"), folder.path().join("images")).unwrap();
    let run = |more: &[&str]| {
        let args = [&["run", "--trial", "ctl-plain-origin,tls-remote-origin", "--results", "results"], more].concat();
        atsmatrix(&args, folder.path())
    };
    assert_eq!(run(&["--ats", ATS]), Some(0));
    assert_eq!(run(&["--ats", "9.2.5", "--distro", OTHERS]), Some(0));

    let results: Value = serde_json::from_slice(&fs::read(folder.path().join("results/matrix.json")).unwrap()).unwrap();
    let cells = results["cells"].as_array().unwrap();
    let rows: BTreeSet<&str> =
        cells.iter().map(|cell| cell["id"].as_str().unwrap().split('/').next().unwrap()).collect();
    assert_eq!(rows.len(), matrix.distros.len() - 1, "every row but debian-sid, which has 9.2.5 alone: {rows:?}");
    for cell in cells.iter().filter(|cell| cell["verdict"] == "unavailable") {
        let reason = cell["reason"].as_str().unwrap();
        assert!(!reason.contains("cannot pull"), "every image is there: {cell:#}");
        assert!(reason.contains("nobody has seen this row work yet") || cell["optional"] == true, "{cell:#}");
    }
    for id in ["debian-11/8.1", "debian-12/9.2.9", "debian-13/9.2.9"] {
        let cell = cells.iter().find(|cell| cell["id"] == id).unwrap();
        assert_eq!(cell["verdict"], "pass", "on the pulled image: {cell:#}");
    }
}
