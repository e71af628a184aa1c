//! The recipes of the rpm family, without an rpm distro: packages and tarballs, with dnf 4 and dnf 5, on Debian
//! with its real dnf and rpm and repositories of substitutes (tests/fixtures/rpm/build).
//!
//! The steps of a Containerfile run in one container: an engine would make an image of each argument, which takes
//! minutes and proves nothing more. So its stages share a file system. family.rs and every run show that the engine
//! builds these files.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::rig::{KEPT, base, docker, fixture, root};

/// The version of dnf under test; the fixture has both, and removes the other.
#[derive(Clone, Copy, Debug)]
enum Dnf {
    Four,
    Five,
}

/// Debian with both versions of dnf, a compiler and the repositories.
struct Fixture {
    image: String,
    dnf: Dnf,
}

/// The tarball of each build system: its recipe and its version.
const AUTOTOOLS: (&str, &str) = ("tarball/build.Containerfile", "9.2.5");
const CMAKE: (&str, &str) = ("cmake/build.Containerfile", "10.2.0");

impl Fixture {
    fn new(dnf: Dnf) -> Self {
        // Older releases of Debian do not have both.
        let image = fixture("build/Containerfile", "recipes", &[("BASE", &base("debian-14", "9.2.9"))], KEPT);
        Self { image, dnf }
    }

    /// Runs a recipe and then shows `file`. Repositories are names below /srv/fixture, or URLs.
    fn recipe(&self, containerfile: &str, repositories: &[&str], more: &[(&str, &str)], file: &str) -> Built {
        let place =
            |name: &&str| if name.contains(':') { (*name).to_owned() } else { format!("file:///srv/fixture/{name}") };
        let repositories = repositories.iter().map(place).collect::<Vec<_>>().join(";");
        let args = [[("REPO_GPGKEY", "none"), ("REPO_BASEURL", &repositories)].as_slice(), more].concat();
        let images = root().join("images");
        let steps = script(&fs::read_to_string(images.join(containerfile)).unwrap(), &args);
        let (other, version) = match self.dnf {
            Dnf::Four => ("/usr/bin/dnf5", "! command -v dnf5 && dnf --version | grep '^4'"),
            Dnf::Five => ("/usr/bin/dnf", "! command -v dnf && dnf5 --version | grep 'version 5'"),
        };
        let script = format!("set -e\nrm {other}\n{version}\n{steps}echo '{SHOWN}'\ncat {file}\n");
        let output = Command::new("docker")
            .args(["run", "--rm", "--label", "atsmatrix.test=recipes", "--volume"])
            .arg(format!("{}:/images:ro", images.display()))
            .args([&self.image, "sh", "-c", &script])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Built { worked: output.status.success(), log: text(&output.stdout) + &text(&output.stderr) }
    }

    fn package(&self, version: &str) -> Built {
        self.recipe("fedora/Containerfile", &["all"], &[("VERSION", version)], "/usr/share/atsmatrix/provenance")
    }

    fn sha256(&self, version: &str) -> String {
        docker(&["run", "--rm", &self.image, "cat", &format!("/srv/fixture/trafficserver-{version}.sha256")])
    }

    fn tarball(&self, (recipe, version): (&str, &str), repositories: &[&str]) -> Built {
        let (url, sha256) = (format!("file:///srv/fixture/trafficserver-{version}.tar.gz"), self.sha256(version));
        let more = [("FAMILY", "fedora"), ("URLS", url.as_str()), ("SHA256", sha256.as_str())];
        self.recipe(recipe, repositories, &more, "/opt/ats/share/atsmatrix/provenance")
    }
}

/// Printed before the file that is shown.
const SHOWN: &str = "--- the recipe is done ---";

/// The steps of a Containerfile as a shell script, with `given` arguments. An unknown instruction fails the
/// test.
fn script(containerfile: &str, given: &[(&str, &str)]) -> String {
    let mut script = String::new();
    let mut known: Vec<(&str, &str)> = Vec::new();
    for line in containerfile.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            // Arguments are valid within their stage.
            "FROM" => known.clear(),
            "ARG" => {
                let (name, default) = rest.split_once('=').unwrap_or((rest, ""));
                let given = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
                known.push((name, given.unwrap_or(default)));
            }
            // All stages share one container.
            "COPY" if rest.starts_with("--from=dist /recipe ") => (),
            "COPY" => {
                let filled = known
                    .iter()
                    .fold(rest.to_owned(), |rest, (name, value)| rest.replace(&format!("${{{name}}}"), value));
                let (files, folder) = filled.rsplit_once(' ').unwrap();
                writeln!(script, "mkdir -p {folder}\n(cd /images && cp {files} {folder})").unwrap();
            }
            "RUN" => {
                let args: Vec<String> = known.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
                writeln!(script, "env {} sh -c '{rest}'", args.join(" ")).unwrap();
            }
            _ => panic!("{line}"),
        }
    }
    script
}

/// Result of a recipe.
struct Built {
    worked: bool,
    log: String,
}

impl Built {
    /// The file that it shows at the end.
    fn shown(&self) -> &str {
        assert!(self.worked, "{}", self.log);
        self.log.split_once(&format!("{SHOWN}\n")).unwrap().1
    }

    fn contains(&self, part: &str) -> bool {
        self.log.contains(part)
    }

    /// The last phase and the reason of a failed recipe.
    fn failed(&self) -> (&str, &str) {
        assert!(!self.worked && !self.contains(SHOWN), "{}", self.log);
        let last = |marker: &str| self.log.lines().filter_map(|line| line.split_once(marker)).next_back().unwrap().1;
        (last("@@atsmatrix phase "), last("@@atsmatrix reason "))
    }
}

/// The recipes work with this version of dnf.
fn check(dnf: Dnf) {
    let fixture = Fixture::new(dnf);

    for (version, installed) in
        [("9.2.5-1.fixture", "9.2.5-1.fixture"), ("9.2.5-*", "9.2.5-2.fixture"), ("latest", "9.2.10-1.fixture")]
    {
        let built = fixture.package(version);
        let expected = format!("package name=trafficserver version={installed} verified=nothing\nbinary sha256=");
        assert!(built.shown().starts_with(&expected), "{dnf:?} {version}: {}", built.shown());
    }
    let missing = fixture.package("9.2.7-*");
    let (phase, reason) = missing.failed();
    assert_eq!(phase, "install", "which says nothing about ATS by itself: {reason}");
    assert!(reason.contains("the distro has no package trafficserver-9.2.7-*"), "{dnf:?}: {reason}");

    // OpenSSL's engine.h is in a separate package, and one header is in no list of the recipes.
    for (tarball, header, phase) in
        [(AUTOTOOLS, "fixture/configured.h", "configure"), (CMAKE, "fixture/late.h", "compile")]
    {
        let built = fixture.tarball(tarball, &["all", "late"]);
        assert!(built.contains(&format!("once more, with fixture-late, which has {header}")), "{dnf:?}: {}", built.log);
        let expected = format!("source sha256={} verified=sha256 url=", fixture.sha256(tarball.1));
        assert!(built.shown().starts_with(&expected), "{dnf:?}: {}", built.shown());
        assert!(built.shown().contains("\nbinary sha256="), "{dnf:?}: {}", built.shown());

        let without = fixture.tarball(tarball, &["all"]);
        assert!(without.contains(&format!("no package of the distro has {header}")), "{dnf:?}: {}", without.log);
        assert_eq!(without.failed().0, phase, "{dnf:?}: a second failure is a finding");
    }

    for (tarball, lacks) in [(AUTOTOOLS, "pcre-devel"), (CMAKE, "pcre2-devel")] {
        let lacking = fixture.tarball(tarball, &["nopcre", "late"]);
        assert_eq!(
            lacking.failed(),
            ("lacking", format!("lacking: the distro has no package {lacks}").as_str()),
            "{dnf:?}"
        );
    }

    let dead = fixture.tarball(AUTOTOOLS, &["nopcre", "http://127.0.0.1:9/"]);
    let (phase, reason) = dead.failed();
    assert_eq!(phase, "deps", "{dnf:?}: an unreachable mirror is not a finding: {reason}");
    assert!(!reason.contains("has no package"), "{dnf:?}: {reason}");
}

#[test]
fn the_recipes_work_with_dnf_4() {
    check(Dnf::Four);
}

#[test]
fn the_recipes_work_with_dnf_5() {
    check(Dnf::Five);
}
