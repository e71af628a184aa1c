//! The log of a build: written to a file, and read for the markers of the recipe scripts
//! (`images/README.md`). Nothing else in it matters: engines word their own lines differently.

use std::path::Path;

use anyhow::Context as _;

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
}

impl BuildLog {
    /// A new log for the image `name` in `folder`.
    pub(super) fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-+~".contains(c) { c } else { '_' }).collect();
        let file = Log::open(&folder.join(format!("{safe}.log")))?;
        Ok(Self { file, phase: String::new(), reason: None, errors: Vec::new() })
    }

    /// Adds a line. If the disk is full, the log is lost but not the build.
    pub(super) fn add(&mut self, line: &str) {
        let _ = self.file.line(line);
        if let Some(phase) = line.strip_prefix(PHASE) {
            phase.trim().clone_into(&mut self.phase);
            self.errors.clear();
        } else if let Some(reason) = line.strip_prefix(REASON) {
            self.reason = Some(reason.trim().chars().take(MAX_REASON).collect());
        } else if self.errors.len() < MAX_ERRORS && is_error(line) {
            let text = line.trim().chars().take(MAX_ERROR).collect();
            if !self.errors.contains(&text) {
                self.errors.push(text);
            }
        }
    }

    /// Whether a failure of this build is a finding: ATS itself was being configured or compiled, and the
    /// recipe reported a reason. A killed build says nothing about ATS.
    pub(super) fn is_finding(&self) -> bool {
        matches!(self.phase.as_str(), "configure" | "compile") && self.reason.is_some()
    }

    /// Whether the distro lacks a package that ATS needs for the build, according to complete package lists. This is a
    /// finding too, but not a lasting one: the recipe checks the lists each time.
    pub(super) fn is_lacking(&self) -> bool {
        self.phase == "lacking" && self.reason.is_some()
    }

    /// Whether an upgrade of the distro in place broke ATS, according to the recipe. This is a finding too, but not a lasting
    /// one: mirrors get new packages.
    pub(super) fn is_broken(&self) -> bool {
        self.phase == "broken" && self.reason.is_some()
    }

    /// Why it failed; `engine` is the engine's own reason.
    pub(super) fn reason(&self, engine: String) -> String {
        match (&self.reason, self.phase.as_str()) {
            (Some(reason), _) => reason.clone(),
            (None, "") => engine,
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
        assert!(failed.is_finding());
        assert_eq!(failed.first_errors(), error);
    }

    #[test]
    fn a_killed_compilation_is_not_a_finding() {
        let killed = log(&["@@atsmatrix phase compile", "g++ -c x.cc"]);
        assert!(!killed.is_finding());
        assert_eq!(
            killed.reason("code 137".to_owned()),
            "the build stopped in phase compile without a reason, probably because it was killed: code 137"
        );
    }

    #[test]
    fn a_missing_package_is_distinguished_from_an_unreachable_mirror() {
        let reason = "@@atsmatrix reason lacking: the distro has no package libpcre3-dev";
        let lacking = log(&["@@atsmatrix phase deps", "E: Unable to locate", "@@atsmatrix phase lacking", reason]);
        assert!(lacking.is_lacking() && !lacking.is_finding());
        assert_eq!(lacking.first_errors(), "lacking: the distro has no package libpcre3-dev");
        let dead = log(&["@@atsmatrix phase deps", "@@atsmatrix reason deps: E: Failed to fetch http://m.test/"]);
        assert!(!dead.is_lacking() && !dead.is_finding());
        assert!(!log(&["@@atsmatrix phase lacking"]).is_lacking(), "killed before it gave a reason");
    }

    #[test]
    fn an_upgrade_that_breaks_ats_is_distinguished_from_one_that_cannot_be_made() {
        let gone =
            log(&["@@atsmatrix phase upgrade", "@@atsmatrix phase broken", "@@atsmatrix reason broken: it is gone"]);
        assert!(gone.is_broken() && !gone.is_finding() && !gone.is_lacking());
        assert_eq!(gone.first_errors(), "broken: it is gone");
        let dead = log(&["@@atsmatrix phase deps", "@@atsmatrix reason deps: E: Failed to fetch http://m.test/"]);
        assert!(!dead.is_broken());
        assert!(!log(&["@@atsmatrix phase broken"]).is_broken(), "killed before it gave a reason");
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
        assert!(failed.is_finding());
        assert_eq!(failed.first_errors(), error);
    }

    #[test]
    fn a_failed_download_is_not_a_finding() {
        let failed = log(&["@@atsmatrix phase fetch", "@@atsmatrix reason fetch: https://x: Could not resolve host"]);
        assert!(!failed.is_finding());
        assert_eq!(failed.reason("code 1".to_owned()), "fetch: https://x: Could not resolve host");
    }
}
