//! The log of a build: written to a file, and read for the markers of the recipe scripts (`images/README.md`) and for the
//! signs of `signs`.

use std::path::Path;

use anyhow::Context as _;

use super::signs::{self, Signs};
use crate::store::Log;

/// `@@atsmatrix phase NAME`: a step begins.
const PHASE: &str = "@@atsmatrix phase ";

/// `@@atsmatrix reason TEXT`: why the last step failed.
const REASON: &str = "@@atsmatrix reason ";

/// Lines kept in memory for the compiler's errors.
const MAX_ERRORS: usize = 3;

/// Most of an error line that goes into results, characters.
const MAX_ERROR: usize = 240;

/// Most of a reason that goes into results, characters: the most that recipes write, and the name of the phase.
const MAX_REASON: usize = 420;

/// The log of one build.
pub(super) struct BuildLog {
    file: Log,
    phase: String,
    reason: Option<String>,
    errors: Vec<String>,
    signs: Signs,
    /// The last line of a step's output.
    last: String,
}

/// What a failed build says about ATS on its distro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BuildFinding {
    /// ATS does not compile: the same inputs will fail again.
    Lasting,
    /// It cannot be built or installed today, for this reason.
    Passing(String),
    /// The upgrade of the distro broke it, today, in this way.
    Broken(String),
}

impl BuildLog {
    /// A new log for the image `name` in `folder`.
    pub(super) fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-+~".contains(c) { c } else { '_' }).collect();
        let file = Log::open(&folder.join(format!("{safe}.log")))?;
        Ok(Self {
            file,
            phase: String::new(),
            reason: None,
            errors: Vec::new(),
            signs: Signs::default(),
            last: String::new(),
        })
    }

    /// Adds a line. If the disk is full, the log is lost but not the build.
    pub(super) fn add(&mut self, line: &str) {
        let _ = self.file.line(line);
        let line = &signs::plain(line);
        self.signs.read(line);
        if signs::begins_step(line) && self.phase.is_empty() {
            self.errors.clear();
            self.last.clear();
        } else if !line.trim().is_empty() && !ENGINE.iter().any(|words| line.starts_with(words)) {
            self.last = line.trim().chars().take(MAX_ERROR).collect();
        }
        if let Some(phase) = line.strip_prefix(PHASE) {
            phase.trim().clone_into(&mut self.phase);
            self.errors.clear();
        } else if let Some(reason) = line.strip_prefix(REASON) {
            self.reason = Some(reason.trim().chars().take(MAX_REASON).collect());
        } else if self.errors.len() < MAX_ERRORS && (is_error(line) || self.phase.is_empty() && is_any_error(line)) {
            let text = line.trim().chars().take(MAX_ERROR).collect();
            if !self.errors.contains(&text) {
                self.errors.push(text);
            }
        }
    }

    /// The finding that the failure of a recipe of ours is: ATS itself was being configured or compiled, or the distro
    /// lacks a package, according to complete package lists. What the distro lacks is asked anew each time. Without a
    /// reason of the recipe's the build was killed, which says nothing about ATS.
    pub(super) fn finding(&self) -> Option<BuildFinding> {
        self.reason.as_ref()?;
        match self.phase.as_str() {
            "configure" | "compile" => Some(BuildFinding::Lasting),
            "lacking" => Some(BuildFinding::Passing(self.first_errors())),
            "broken" => Some(BuildFinding::Broken(self.first_errors())),
            "deps" | "install" if !self.signs.is_excused() => self.signs.absent().map(BuildFinding::Passing),
            _ => None,
        }
    }

    /// The finding that the failure of a build from the user's own files is, whose step ended with exit code `code`: any
    /// that is not explained by what did not answer or by the machine. Nothing of it lasts: nobody knows what it depends on.
    pub(super) fn local_finding(&self, code: Option<i64>) -> Option<BuildFinding> {
        // Outside a step the files are wrong, or an image could not be pulled; 128 and more are signals.
        let code = code.filter(|code| (1..128).contains(code))?;
        if self.signs.is_excused() {
            return None;
        }
        let lacking = self.signs.lacking();
        match self.phase.as_str() {
            "" if self.signs.has_index() && lacking.is_some() => lacking.map(BuildFinding::Passing),
            "" => {
                let errors = if self.errors.is_empty() { self.last.clone() } else { self.errors.join(" | ") };
                Some(BuildFinding::Passing(format!("{errors} (exit code {code})").trim_start().to_owned()))
            }
            "install" => lacking.or_else(|| self.reason.clone()).map(BuildFinding::Passing),
            _ => self.finding(),
        }
    }

    /// Whether a step's result was taken from an earlier build, perhaps with package lists that are out of date.
    pub(super) fn is_cached(&self) -> bool {
        self.signs.cached
    }

    /// Why it failed; `engine` is the engine's own reason.
    pub(super) fn reason(&self, engine: String) -> String {
        match (&self.reason, self.phase.as_str()) {
            (Some(reason), _) => reason.clone(),
            (None, "") => match &self.signs.excuse {
                Some(line) => line.chars().take(MAX_REASON).collect(),
                None => engine,
            },
            (None, phase) => {
                format!("the build stopped in phase {phase} without a reason, probably because it was killed: {engine}")
            }
        }
    }

    /// The compiler's first errors on one line.
    pub(super) fn first_errors(&self) -> String {
        if self.errors.is_empty() {
            return self.reason.clone().unwrap_or_else(|| format!("the build failed in phase {}", self.phase));
        }
        self.errors.join(" | ")
    }
}

/// What engines write between the lines of steps.
const ENGINE: [&str; 4] = [" ---> ", "--> ", "Removing intermediate container ", "@@atsmatrix "];

/// What other programs write, in steps that announce no phase.
fn is_any_error(line: &str) -> bool {
    ["E: ", "Error: ", "error: ", "ERROR: ", "fatal: ", "dpkg: error "].iter().any(|words| line.starts_with(words))
}

/// gcc, clang, ld and configure all write `error:`.
fn is_error(line: &str) -> bool {
    line.contains(": error: ") || line.contains(": fatal error: ") || line.starts_with("configure: error:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> BuildLog {
        let folder = tempfile::tempdir().unwrap();
        let mut log = BuildLog::create(folder.path(), "debian-13/9.2.5 build").unwrap();
        for line in lines {
            log.add(line);
        }
        let text = std::fs::read_to_string(folder.path().join("debian-13_9.2.5_build.log")).unwrap();
        assert_eq!(text.lines().count(), lines.len());
        log
    }

    #[test]
    fn a_compiler_error_in_the_compile_phase_is_a_finding() {
        let error = "X509HostnameValidator.cc:34:10: error: invalid use of incomplete type 'ASN1_STRING'";
        let reason = "@@atsmatrix reason compile: invalid use";
        let failed =
            log(&["@@atsmatrix phase fetch", "@@atsmatrix phase compile", "g++ -c x.cc", error, error, reason]);
        assert_eq!(failed.finding(), Some(BuildFinding::Lasting));
        assert_eq!(failed.first_errors(), error);
    }

    #[test]
    fn a_killed_compilation_is_not_a_finding() {
        let killed = log(&["@@atsmatrix phase compile", "g++ -c x.cc"]);
        assert_eq!(killed.finding(), None);
        assert_eq!(
            killed.reason("code 137".to_owned()),
            "the build stopped in phase compile without a reason, probably because it was killed: code 137"
        );
    }

    #[test]
    fn a_missing_package_is_distinguished_from_an_unreachable_mirror() {
        let reason = "@@atsmatrix reason lacking: the distro has no package libpcre3-dev";
        let lacking = log(&["@@atsmatrix phase deps", "E: Unable to locate", "@@atsmatrix phase lacking", reason]);
        assert_eq!(
            lacking.finding(),
            Some(BuildFinding::Passing("lacking: the distro has no package libpcre3-dev".to_owned()))
        );
        let dead = log(&["@@atsmatrix phase deps", "@@atsmatrix reason deps: E: Failed to fetch http://m.test/"]);
        assert_eq!(dead.finding(), None);
        assert_eq!(log(&["@@atsmatrix phase lacking"]).finding(), None, "killed before it gave a reason");
    }

    #[test]
    fn an_upgrade_that_breaks_ats_is_distinguished_from_one_that_cannot_be_made() {
        let gone =
            log(&["@@atsmatrix phase upgrade", "@@atsmatrix phase broken", "@@atsmatrix reason broken: it is gone"]);
        assert_eq!(gone.finding(), Some(BuildFinding::Broken("broken: it is gone".to_owned())));
        let dead = log(&["@@atsmatrix phase deps", "@@atsmatrix reason deps: E: Failed to fetch http://m.test/"]);
        assert_eq!(dead.finding(), None);
        assert_eq!(log(&["@@atsmatrix phase broken"]).finding(), None, "killed before it gave a reason");
    }

    #[test]
    fn a_failed_second_attempt_keeps_the_compilers_errors() {
        let error = "x.cc:1:10: fatal error: no/such.h: No such file or directory";
        let failed = log(&[
            "@@atsmatrix phase compile",
            error,
            "@@atsmatrix phase deps",
            "no package of the distro has no/such.h",
            "@@atsmatrix phase compile",
            error,
            "@@atsmatrix reason compile: no/such.h",
        ]);
        assert_eq!(failed.finding(), Some(BuildFinding::Lasting));
        assert_eq!(failed.first_errors(), error);
    }

    #[test]
    fn a_failed_download_is_not_a_finding() {
        let failed = log(&["@@atsmatrix phase fetch", "@@atsmatrix reason fetch: https://x: Could not resolve host"]);
        assert_eq!(failed.finding(), None);
        assert_eq!(failed.reason("code 1".to_owned()), "fetch: https://x: Could not resolve host");
    }

    const UPDATED: [&str; 3] = [
        "Step 3/3 : RUN apt-get update && apt-get install -y trafficserver",
        " ---> Running in 0123456789ab",
        "Get:1 http://deb.debian.org/debian trixie InRelease [140 kB]",
    ];

    /// The finding of a Dockerfile whose step prints `lines` and ends with `code`.
    fn of_dockerfile(lines: &[&str], code: i64) -> Option<String> {
        let lines = [UPDATED.as_slice(), lines].concat();
        match log(&lines).local_finding(Some(code))? {
            BuildFinding::Passing(reason) => Some(reason),
            other => Some(format!("{other:?}")),
        }
    }

    #[test]
    fn a_package_that_the_distro_lacks_is_named() {
        for (lines, lacking) in [
            (&["\u{1b}[91mE: Unable to locate package trafficserver", "\u{1b}[0m"][..], "trafficserver"),
            (
                &[
                    "E: Unable to locate package libssl1.1",
                    "E: Couldn't find any package by glob 'libssl1.1'",
                    "E: Couldn't find any package by regex 'libssl1.1'",
                ],
                "libssl1.1",
            ),
            (&["E: Package 'trafficserver' has no installation candidate"], "trafficserver"),
            (&["E: Version '9.2.5*' for 'trafficserver' was not found"], "trafficserver 9.2.5*"),
            (
                &[
                    "The following packages have unmet dependencies:",
                    " trafficserver : Depends: libpcre3 but it is not installable",
                    "                 Depends: libssl3:amd64 (>= 3.0.0) but it is not installable",
                    "E: Unable to satisfy dependencies. Reached two conflicting assignments:",
                    "   1. trafficserver:amd64=9.2.5 is selected for install",
                    "   2. trafficserver:amd64 Depends libpcre3",
                    "      but none of the choices are installable:",
                ],
                "libpcre3, libssl3 >= 3.0.0",
            ),
            (&[" ats : Depends: libc6 (>= 2.38) but 2.36-9+deb12u13 is to be installed"], "libc6 >= 2.38"),
            (
                &["No match for argument: \u{1b}[1mpcre-devel\u{1b}[m", "Error: Unable to find a match: pcre-devel"],
                "pcre-devel",
            ),
            (&["Failed to resolve the transaction:", "No match for argument: pcre-devel"], "pcre-devel"),
            (
                &["  - nothing provides libpcre.so.1()(64bit) needed by trafficserver-9.2.5-1.fc40.x86_64"],
                "libpcre.so.1()(64bit)",
            ),
            (
                &["- nothing provides openssl-libs >= 4.0 needed by trafficserver-10.1.0-1.x86_64 from @commandline"],
                "openssl-libs >= 4.0",
            ),
        ] {
            assert_eq!(of_dockerfile(lines, 100), Some(format!("the distro has no package {lacking}")), "{lines:?}");
        }
    }

    #[test]
    fn what_does_not_answer_makes_no_package_missing() {
        let missing = "E: Unable to locate package trafficserver";
        for line in [
            "Err:2 http://deb.debian.org/debian trixie-updates InRelease",
            "W: Failed to fetch http://m.test/debian/dists/trixie/InRelease  Could not resolve 'm.test'",
            "E: Failed to fetch http://m.test/pool/t/trafficserver.deb  404  Not Found [IP: 192.0.2.1 80]",
            "W: Some index files failed to download. They have been ignored, or old ones used instead.",
            "E: The repository 'http://m.test/debian trixie Release' does not have a Release file.",
            "E: Release file for http://m.test/debian/dists/sid/InRelease is expired (invalid since 3d).",
            "Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)",
            "curl: (6) Could not resolve host: archive.apache.org",
            "curl: (22) The requested URL returned error: 404",
            "fatal: unable to access 'https://git.test/x/': Could not resolve host: git.test",
            "Errors during downloading metadata for repository 'fedora':",
            "Error: Failed to download metadata for repo 'fedora': Cannot download repomd.xml",
            ">>> Curl error (6): Could not resolve hostname for https://mirrors.fedoraproject.org/metalink",
            "g++: fatal error: Killed signal terminated program cc1plus",
            "cp: error writing 'x': No space left on device",
        ] {
            assert_eq!(of_dockerfile(&[line, missing], 100), None, "{line}");
        }
        // An index that could not be had in an earlier step is missing in later ones.
        let index = "W: Some index files failed to download. They have been ignored, or old ones used instead.";
        assert_eq!(of_dockerfile(&[index, "Step 4/4 : RUN apt-get install -y x", missing], 100), None);
        let dead =
            [UPDATED.as_slice(), &["Err:2 http://m.test x InRelease", "W: Failed to fetch http://m.test/x", missing]];
        assert_eq!(log(&dead.concat()).reason("code 100".to_owned()), "W: Failed to fetch http://m.test/x");
        // What an earlier step did without explains nothing.
        let survived = ["curl: (7) Failed to connect to x.test", "Step 4/4 : RUN apt-get install -y x", missing];
        let found = of_dockerfile(&survived, 100);
        assert_eq!(found.as_deref(), Some("the distro has no package trafficserver"));
    }

    #[test]
    fn every_other_failure_of_a_users_step_is_a_finding_with_its_errors() {
        let error = "x.cc:1:10: fatal error: pcre.h: No such file or directory";
        for (lines, reason) in [
            (&["g++ -c x.cc", error, "make: *** [Makefile:3: x.o] Error 1"][..], format!("{error} (exit code 2)")),
            (&["checking", "no luck", "Removing intermediate container 0123"], "no luck (exit code 2)".to_owned()),
            (
                &["E: an error of an earlier step", "STEP 4/4: RUN ./test", "E: mine"],
                "E: mine (exit code 2)".to_owned(),
            ),
        ] {
            assert_eq!(of_dockerfile(lines, 2), Some(reason), "{lines:?}");
        }
        for killed in [137, 143, 0] {
            assert_eq!(of_dockerfile(&[error], killed), None);
        }
        // A bad Dockerfile, or an image that cannot be pulled.
        assert_eq!(log(&["Step 1/2 : FROM x"]).local_finding(None), None);
        // Without package lists every package is missing.
        let blind = log(&["Step 2/2 : RUN apt-get install -y x", "E: Unable to locate package x"]);
        let reason = "E: Unable to locate package x (exit code 100)".to_owned();
        assert_eq!(blind.local_finding(Some(100)), Some(BuildFinding::Passing(reason)));
    }

    #[test]
    fn our_recipes_tell_a_lacking_package_from_a_dead_mirror_too() {
        let finding = |lines: &[&str]| match log(lines).finding() {
            Some(BuildFinding::Passing(reason)) => Some(reason),
            Some(other) => Some(format!("{other:?}")),
            None => None,
        };
        for (reason, lacking) in [
            ("deps: no trafficserver latest in the package lists; there is: none (PACKAGE_URL", "trafficserver"),
            ("install: the distro has no package trafficserver-9.2.5-1.fc41", "trafficserver-9.2.5-1.fc41"),
        ] {
            let phase = format!("@@atsmatrix phase {}", reason.split_once(':').unwrap().0);
            let found = finding(&[&phase, &format!("@@atsmatrix reason {reason}")]);
            assert_eq!(found, Some(format!("the distro has no package {lacking}")));
        }
        let unmet = [
            "@@atsmatrix phase deps",
            " atsmatrix-run-deps : Depends: libhwloc15 but it is not installable",
            "once more, with new package lists",
            " atsmatrix-run-deps : Depends: libpcre3 but it is not installable",
            "@@atsmatrix reason deps: E: Unable to correct problems, you have held broken packages.",
        ];
        assert_eq!(finding(&unmet).as_deref(), Some("the distro has no package libpcre3"), "with the newest lists");
        assert_eq!(finding(&unmet[..4]), None, "killed");
        for dead in [
            "deps: no trafficserver 9.2.5* in the package lists; there is: 9.2.6-1 9.2.7-1 (PACKAGE_URL",
            "deps: E: Failed to fetch http://m.test/dists/x/InRelease  Could not resolve 'm.test'",
            "deps: cannot ask the repositories: Curl error (6): Couldn't resolve host name",
            "install: file /usr/bin/x conflicts",
        ] {
            assert_eq!(finding(&["@@atsmatrix phase deps", &format!("@@atsmatrix reason {dead}")]), None, "{dead}");
        }
        // Only of the user's own files nothing else is blamed.
        let own = log(&["@@atsmatrix phase install", "@@atsmatrix reason install: dpkg: error processing x"]);
        let reason = "install: dpkg: error processing x".to_owned();
        assert_eq!((own.finding(), own.local_finding(Some(1))), (None, Some(BuildFinding::Passing(reason))));
    }
}
