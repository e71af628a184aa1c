//! Shared by these tests: the docker client, the program, plans of matrices, a local registry.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use atsmatrix::builder;
use atsmatrix::config::matrix::{Globs, Matrix};
use atsmatrix::config::plan::{Plan, Selection, Work};
use tempfile::TempDir;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of the shipped matrix.
pub(crate) fn shipped() -> String {
    fs::read_to_string(root().join("matrix.yaml")).unwrap()
}

pub(crate) fn tried(args: &[&str]) -> Output {
    Command::new("docker").args(args).output().unwrap()
}

pub(crate) fn docker(args: &[&str]) -> String {
    let output = tried(args);
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn exists(image: &str) -> bool {
    tried(&["image", "inspect", image]).status.success()
}

/// Runs the program and prints its output.
pub(crate) fn atsmatrix(args: &[&str], folder: &Path) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atsmatrix"));
    let output = command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    println!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    output.status.code()
}

/// The plan of the cells that these globs select in a matrix.
pub(crate) fn plan(matrix: &str, distro: &str, ats: &str) -> Plan {
    let matrix = Matrix::parse("matrix.yaml", matrix).unwrap();
    let globs = |name| Some(Globs::new([name]).unwrap());
    let selection = Selection { distros: globs(distro), ats: globs(ats) };
    Plan::of(&matrix, &selection, &builder::recipes(&root().join("images")).unwrap()).unwrap()
}

/// Makes the images of a cell of the shipped matrix, unless all of `tags` exist.
pub(crate) fn have(tags: &[&str], distro: &str, ats: &str) {
    // One at a time: concurrent tests need the same images.
    static MAKING: Mutex<()> = Mutex::new(());
    let _first = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if !tags.iter().all(|tag| exists(tag)) {
        let results = TempDir::new().unwrap();
        let folder = results.path().to_str().unwrap();
        let trial = ["--trial", "ctl-plain-origin", "--results", folder];
        atsmatrix(&[["run", "--distro", distro, "--ats", ats].as_slice(), &trial].concat(), root());
    }
}

/// Tag of the base of `distro`; makes it if no run has made it yet.
pub(crate) fn base(distro: &str, ats: &str) -> String {
    let plan = plan(&shipped(), distro, ats);
    let wanted = format!("{distro} (base)");
    let step = plan.steps().iter().find(|step| step.name == wanted && matches!(step.work, Work::Base { .. })).unwrap();
    have(&[&step.tag], distro, ats);
    step.tag.clone()
}

/// Tag of the base of Debian 12, which the fixtures with Debian's tools use.
pub(crate) fn debian_12() -> String {
    base("debian-12", "9.2.9")
}

/// Tags of Debian 12's base and of its build of 9.2.5.
pub(crate) fn ats_build() -> (String, String) {
    let plan = plan(&shipped(), "debian-12", "9.2.5");
    let step = |wanted: fn(&Work) -> bool| plan.steps().iter().find(|step| wanted(&step.work)).unwrap().tag.clone();
    let base = step(|work| matches!(work, Work::Base { .. }));
    let build = step(|work| matches!(work, Work::Recipe { recipe, .. } if recipe.compiles()));
    have(&[&base, &build], "debian-12", "9.2.5");
    (base, build)
}

/// Builds a stage of a fixture; unchanged steps come from the engine's cache.
pub(crate) fn fixture(file: &str, stage: &str, args: &[(&str, &str)], label: &str) -> String {
    // One at a time: otherwise concurrent tests would build the same image twice.
    static MAKING: Mutex<()> = Mutex::new(());
    let _first = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let tag = format!("atsmatrix-rpm-fixture:{stage}");
    let folder = root().join("tests/fixtures/rpm");
    let mut command = Command::new("docker");
    command.args(["build", "--quiet", "--target", stage, "--tag", &tag, "--label", label]);
    command.args(args.iter().flat_map(|(name, value)| ["--build-arg".to_owned(), format!("{name}={value}")]));
    let output = command.arg("--file").arg(folder.join(file)).arg(folder).output().unwrap();
    assert!(output.status.success(), "{file} {stage}: {}", String::from_utf8_lossy(&output.stderr));
    tag
}

/// Label of images that are kept for the next run of a test.
pub(crate) const KEPT: &str = "atsmatrix.kind=image";

/// A registry in a container, on a free port. It stops when dropped.
pub(crate) struct Registry {
    client: Child,
    name: String,
    /// Host and port, as in an image reference.
    pub(crate) host: String,
}

impl Registry {
    pub(crate) fn start() -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let image = fixture("Containerfile", "registry", &[("BASE", &debian_12()), ("BUILD", "scratch")], KEPT);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("atsmatrix-test-registry-{}-{number}", std::process::id());
        let mut client = Command::new("docker")
            .args(["run", "--rm", "--name", &name, "--publish", "127.0.0.1::5000", &image])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(client.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("listening on")), "the registry exited before it listened");
        // It writes a line per request, so its output must be read.
        std::thread::spawn(move || lines.for_each(drop));
        let published = docker(&["port", &name, "5000/tcp"]);
        let host = format!("localhost:{}", published.lines().next().unwrap().rsplit(':').next().unwrap());
        Self { client, name, host }
    }

    /// Its log of requests.
    pub(crate) fn asked(&self) -> String {
        let output = tried(&["logs", &self.name]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        tried(&["rm", "--force", "--volumes", &self.name]);
        let _ = self.client.wait();
    }
}

/// Tags that are useless after the test, because the port of its registry is part of their digests. Layers that
/// other images use stay.
#[derive(Default)]
pub(crate) struct Doomed(pub(crate) BTreeSet<String>);

impl Drop for Doomed {
    fn drop(&mut self) {
        for tag in &self.0 {
            tried(&["image", "rm", "--no-prune", tag]);
        }
    }
}

/// A folder with a matrix and the recipes.
pub(crate) fn lay_out(matrix: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("matrix.yaml"), matrix).unwrap();
    std::os::unix::fs::symlink(root().join("images"), folder.path().join("images")).unwrap();
    folder
}
