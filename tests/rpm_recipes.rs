//! The recipes of the rpm family as far as they go without any rpm distro: packages and tarballs, under dnf 4 and
//! dnf 5 alike, on Debian with its real dnf and rpm and repositories of stand-ins (tests/fixtures/rpm/build).
//!
//! It needs a container engine on this machine, `docker` in PATH and the package mirror.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its parts has failed")]

use std::path::Path;
use std::process::{Command, Output};

use atsmatrix::images::recipes;
use atsmatrix::matrix::{Globs, Matrix};
use atsmatrix::plan::{Plan, Selection, Work};

/// A kind of dnf, and the distro of the shipped matrix that has it.
const KINDS: [(&str, &str); 2] = [("dnf", "debian-12"), ("dnf5", "debian-14")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn docker(args: &[&str]) -> Output {
    Command::new("docker").args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

/// Tag of the base of `distro`, made if no run has made it yet.
fn base(distro: &str) -> String {
    let matrix = std::fs::read_to_string(root().join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &matrix).unwrap();
    let selection = Selection { distros: Some(Globs::new([distro]).unwrap()), ats: None };
    let plan = Plan::of(&matrix, &selection, &recipes(&root().join("images")).unwrap()).unwrap();
    let wanted = format!("{distro} (base)");
    let step = plan.steps().iter().find(|step| step.name == wanted && matches!(step.work, Work::Base { .. })).unwrap();
    if !docker(&["image", "inspect", &step.tag]).status.success() {
        let results = tempfile::TempDir::new().unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_atsmatrix"));
        run.args(["run", "--distro", distro, "--ats", "9.2.9", "--trial", "ctl-plain-origin", "--results"]);
        run.arg(results.path()).current_dir(root()).output().unwrap();
    }
    step.tag.clone()
}

/// An image with `dnf`, a compiler and the repositories.
struct Fixture {
    image: String,
    sha256: String,
}

impl Fixture {
    fn new(dnf: &str, distro: &str) -> Self {
        let image = format!("atsmatrix-rpm-fixture:{dnf}");
        let folder = root().join("tests/fixtures/rpm");
        let file = folder.join("build/Containerfile");
        let (folder, file) = (folder.to_str().unwrap(), file.to_str().unwrap());
        let (base, kind) = (format!("BASE={}", base(distro)), format!("DNF={dnf}"));
        let arguments = ["--build-arg", &base, "--build-arg", &kind, "--label", "atsmatrix.kind=image"];
        let built = docker(&[&["build", "--tag", &image, "--file", file], arguments.as_slice(), &[folder]].concat());
        assert!(built.status.success(), "{}", text(&built));
        let sha256 = docker(&["run", "--rm", &image, "cat", "/srv/fixture/sha256"]);
        Self { sha256: String::from_utf8(sha256.stdout).unwrap().trim().to_owned(), image }
    }

    /// Runs a recipe; the repositories are those below /srv/fixture, or URLs.
    fn recipe(&self, file: &str, repositories: &[&str], more: &[String]) -> Built {
        let place =
            |name: &&str| if name.contains(':') { (*name).to_owned() } else { format!("file:///srv/fixture/{name}") };
        let mut args = vec![
            format!("BASE={}", self.image),
            "REPO_GPGKEY=none".to_owned(),
            format!("REPO_BASEURL={}", repositories.iter().map(place).collect::<Vec<_>>().join(";")),
        ];
        args.extend_from_slice(more);
        let images = root().join("images");
        let file = images.join(file);
        let mut command = Command::new("docker");
        command.args(["build", "--force-rm", "--label", "atsmatrix.kind=image", "--file"]).arg(file);
        command.args(args.iter().flat_map(|arg| ["--build-arg", arg]));
        let output = command.arg(images).output().unwrap();
        let log = text(&output);
        let built = |line: &str| line.strip_prefix("Successfully built ").map(str::to_owned);
        Built { image: log.lines().find_map(built), log }
    }

    fn package(&self, version: &str) -> Built {
        self.recipe("fedora/Containerfile", &["all"], &[format!("VERSION={version}")])
    }

    fn tarball(&self, repositories: &[&str]) -> Built {
        let more = [
            "FAMILY=fedora".to_owned(),
            "URLS=file:///srv/fixture/trafficserver-9.2.5.tar.gz".to_owned(),
            format!("SHA256={}", self.sha256),
        ];
        self.recipe("tarball/build.Containerfile", repositories, &more)
    }
}

/// What a recipe came to.
struct Built {
    image: Option<String>,
    log: String,
}

impl Built {
    /// A file of the image.
    fn file(&self, path: &str) -> String {
        let image = self.image.as_ref().unwrap_or_else(|| panic!("{}", self.log));
        text(&docker(&["run", "--rm", image, "cat", path]))
    }

    fn says(&self, part: &str) -> bool {
        self.log.contains(part)
    }

    /// The last phase and the reason of one that failed.
    fn failed(&self) -> (&str, &str) {
        assert_eq!(self.image, None, "{}", self.log);
        let last = |marker: &str| self.log.lines().filter_map(|line| line.split_once(marker)).next_back().unwrap().1;
        (last("@@atsmatrix phase "), last("@@atsmatrix reason "))
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        if let Some(image) = &self.image {
            docker(&["image", "rm", "--force", "--no-prune", image]);
        }
    }
}

/// A kind of dnf does all that the recipes ask of it.
fn check(dnf: &str, distro: &str) {
    let fixture = Fixture::new(dnf, distro);

    for (version, installed) in
        [("9.2.5-1.fixture", "9.2.5-1.fixture"), ("9.2.5-*", "9.2.5-2.fixture"), ("latest", "9.2.10-1.fixture")]
    {
        let built = fixture.package(version);
        let facts = built.file("/usr/share/atsmatrix/provenance");
        let told = format!("package name=trafficserver version={installed} verified=nothing\nbinary sha256=");
        assert!(facts.starts_with(&told), "{dnf} {version}: {facts}");
    }
    let missing = fixture.package("9.2.7-*");
    let (phase, reason) = missing.failed();
    assert_eq!(phase, "install", "a release that is not there says nothing about ATS");
    assert!(reason.contains("the distro has no package trafficserver-9.2.7-*"), "{dnf}: {reason}");

    // OpenSSL's engine.h in a package of its own, and a header that no list of ours names.
    let built = fixture.tarball(&["all", "late"]);
    assert!(built.says("once more, with fixture-late, which has fixture/configured.h"), "{dnf}: {}", built.log);
    let facts = built.file("/opt/ats/share/atsmatrix/provenance");
    assert!(facts.starts_with(&format!("source sha256={} verified=sha256 url=", fixture.sha256)), "{dnf}: {facts}");
    assert!(facts.contains("\nbinary sha256="), "{dnf}: {facts}");

    let without = fixture.tarball(&["all"]);
    assert!(without.says("no package of the distro has fixture/configured.h"), "{dnf}: {}", without.log);
    assert_eq!(without.failed().0, "configure", "{dnf}: after a second look it is a finding");

    let lacking = fixture.tarball(&["nopcre", "late"]);
    assert_eq!(lacking.failed(), ("lacking", "lacking: the distro has no package pcre-devel"), "{dnf}");

    let dead = fixture.tarball(&["nopcre", "http://127.0.0.1:9/"]);
    let (phase, reason) = dead.failed();
    assert_eq!(phase, "deps", "{dnf}: a mirror that is not there is no finding: {reason}");
    assert!(!reason.contains("has no package"), "{dnf}: {reason}");
}

#[test]
fn the_recipes_do_with_dnf_4_what_they_say() {
    let (dnf, distro) = KINDS[0];
    check(dnf, distro);
}

#[test]
fn the_recipes_do_with_dnf_5_what_they_say() {
    let (dnf, distro) = KINDS[1];
    check(dnf, distro);
}
