//! The recipes of the rpm family as far as they go without any rpm distro: packages and tarballs, under dnf 4 and
//! dnf 5 alike, on Debian with its real dnf and rpm and repositories of stand-ins (tests/fixtures/rpm/build).
//!
//! What a Containerfile says is done step by step in one container: an engine would make an image of each of its
//! arguments, which says nothing more and takes minutes. Its stages so share a file system; that the engine builds
//! these very files is what family.rs and every run show.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::rig::{KEPT, base, docker, fixture, root};

/// A kind of dnf, as the fixture has it once the other is gone.
#[derive(Clone, Copy, Debug)]
enum Dnf {
    Four,
    Five,
}

/// Debian with both kinds of dnf, a compiler and the repositories.
struct Fixture {
    image: String,
    sha256: String,
    dnf: Dnf,
}

impl Fixture {
    fn new(dnf: Dnf) -> Self {
        // The first Debian that has both.
        let image = fixture("build/Containerfile", "recipes", &[("BASE", &base("debian-14", "9.2.9"))], KEPT);
        let sha256 = docker(&["run", "--rm", &image, "cat", "/srv/fixture/sha256"]);
        Self { image, sha256, dnf }
    }

    /// Does what a recipe says and shows `file` in the end; the repositories are those below /srv/fixture, or URLs.
    fn recipe(&self, containerfile: &str, repositories: &[&str], more: &[(&str, &str)], file: &str) -> Built {
        let place =
            |name: &&str| if name.contains(':') { (*name).to_owned() } else { format!("file:///srv/fixture/{name}") };
        let repositories = repositories.iter().map(place).collect::<Vec<_>>().join(";");
        let args = [[("REPO_GPGKEY", "none"), ("REPO_BASEURL", &repositories)].as_slice(), more].concat();
        let images = root().join("images");
        let steps = script(&fs::read_to_string(images.join(containerfile)).unwrap(), &args);
        let (lack, version) = match self.dnf {
            Dnf::Four => ("/usr/bin/dnf5", "! command -v dnf5 && dnf --version | grep '^4'"),
            Dnf::Five => ("/usr/bin/dnf", "! command -v dnf && dnf5 --version | grep 'version 5'"),
        };
        let script = format!("set -e\nrm {lack}\n{version}\n{steps}echo '{SHOWN}'\ncat {file}\n");
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

    fn tarball(&self, repositories: &[&str]) -> Built {
        let more = [
            ("FAMILY", "fedora"),
            ("URLS", "file:///srv/fixture/trafficserver-9.2.5.tar.gz"),
            ("SHA256", &self.sha256),
        ];
        self.recipe("tarball/build.Containerfile", repositories, &more, "/opt/ats/share/atsmatrix/provenance")
    }
}

/// Comes before the file that is shown.
const SHOWN: &str = "--- the recipe is done ---";

/// The steps of a Containerfile as a shell script, with `given` arguments. Whatever it says that this does not know
/// is a failure of the test.
fn script(containerfile: &str, given: &[(&str, &str)]) -> String {
    let mut script = String::new();
    let mut known: Vec<(&str, &str)> = Vec::new();
    for line in containerfile.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            // Arguments end with their stage.
            "FROM" => known.clear(),
            "ARG" => {
                let (name, default) = rest.split_once('=').unwrap_or((rest, ""));
                let given = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
                known.push((name, given.unwrap_or(default)));
            }
            // It is all in one container.
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

/// What a recipe came to.
struct Built {
    worked: bool,
    log: String,
}

impl Built {
    /// The file that it was to show.
    fn shown(&self) -> &str {
        assert!(self.worked, "{}", self.log);
        self.log.split_once(&format!("{SHOWN}\n")).unwrap().1
    }

    fn says(&self, part: &str) -> bool {
        self.log.contains(part)
    }

    /// The last phase and the reason of one that failed.
    fn failed(&self) -> (&str, &str) {
        assert!(!self.worked && !self.says(SHOWN), "{}", self.log);
        let last = |marker: &str| self.log.lines().filter_map(|line| line.split_once(marker)).next_back().unwrap().1;
        (last("@@atsmatrix phase "), last("@@atsmatrix reason "))
    }
}

/// A kind of dnf does all that the recipes ask of it.
fn check(dnf: Dnf) {
    let fixture = Fixture::new(dnf);

    for (version, installed) in
        [("9.2.5-1.fixture", "9.2.5-1.fixture"), ("9.2.5-*", "9.2.5-2.fixture"), ("latest", "9.2.10-1.fixture")]
    {
        let built = fixture.package(version);
        let told = format!("package name=trafficserver version={installed} verified=nothing\nbinary sha256=");
        assert!(built.shown().starts_with(&told), "{dnf:?} {version}: {}", built.shown());
    }
    let missing = fixture.package("9.2.7-*");
    let (phase, reason) = missing.failed();
    assert_eq!(phase, "install", "a release that is not there says nothing about ATS");
    assert!(reason.contains("the distro has no package trafficserver-9.2.7-*"), "{dnf:?}: {reason}");

    // OpenSSL's engine.h in a package of its own, and a header that no list of ours names.
    let built = fixture.tarball(&["all", "late"]);
    assert!(built.says("once more, with fixture-late, which has fixture/configured.h"), "{dnf:?}: {}", built.log);
    let told = format!("source sha256={} verified=sha256 url=", fixture.sha256);
    assert!(built.shown().starts_with(&told), "{dnf:?}: {}", built.shown());
    assert!(built.shown().contains("\nbinary sha256="), "{dnf:?}: {}", built.shown());

    let without = fixture.tarball(&["all"]);
    assert!(without.says("no package of the distro has fixture/configured.h"), "{dnf:?}: {}", without.log);
    assert_eq!(without.failed().0, "configure", "{dnf:?}: after a second look it is a finding");

    let lacking = fixture.tarball(&["nopcre", "late"]);
    assert_eq!(lacking.failed(), ("lacking", "lacking: the distro has no package pcre-devel"), "{dnf:?}");

    let dead = fixture.tarball(&["nopcre", "http://127.0.0.1:9/"]);
    let (phase, reason) = dead.failed();
    assert_eq!(phase, "deps", "{dnf:?}: a mirror that is not there is no finding: {reason}");
    assert!(!reason.contains("has no package"), "{dnf:?}: {reason}");
}

#[test]
fn the_recipes_do_with_dnf_4_what_they_say() {
    check(Dnf::Four);
}

#[test]
fn the_recipes_do_with_dnf_5_what_they_say() {
    check(Dnf::Five);
}
