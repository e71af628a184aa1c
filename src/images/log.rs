//! The log of a build: kept as a file, and read for the markers that our own recipe scripts print
//! (`images/README.md`). Nothing else of it is relied on: engines phrase their own lines differently.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

/// `@@atsmatrix phase NAME`: a step begins.
const PHASE: &str = "@@atsmatrix phase ";

/// `@@atsmatrix reason TEXT`: why the last step failed.
const REASON: &str = "@@atsmatrix reason ";

/// Lines kept in memory for the compiler's errors.
const MAX_ERRORS: usize = 3;

/// What of an error line goes into results, characters.
const MAX_ERROR: usize = 240;

/// A build's log.
pub(super) struct BuildLog {
    file: BufWriter<File>,
    phase: String,
    reason: Option<String>,
    errors: Vec<String>,
}

impl BuildLog {
    /// A new log for the image `name` in `folder`.
    pub(super) fn create(folder: &Path, name: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-+~".contains(c) { c } else { '_' }).collect();
        let path = folder.join(format!("{safe}.log"));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file: BufWriter::new(file), phase: String::new(), reason: None, errors: Vec::new() })
    }

    /// Adds a line. A full disk costs the log, not the build.
    pub(super) fn add(&mut self, line: &str) {
        let _ = writeln!(self.file, "{line}");
        if let Some(phase) = line.strip_prefix(PHASE) {
            phase.trim().clone_into(&mut self.phase);
            self.errors.clear();
        } else if let Some(reason) = line.strip_prefix(REASON) {
            self.reason = Some(reason.trim().to_owned());
        } else if self.errors.len() < MAX_ERRORS && is_error(line) {
            let text = line.trim().chars().take(MAX_ERROR).collect();
            if !self.errors.contains(&text) {
                self.errors.push(text);
            }
        }
    }

    /// Whether ATS itself was being configured or compiled when it ended.
    pub(super) fn compiling(&self) -> bool {
        matches!(self.phase.as_str(), "configure" | "compile")
    }

    /// The reason that the recipe gave.
    pub(super) fn reason(&self) -> Option<String> {
        self.reason.clone()
    }

    /// The compiler's first errors in one line.
    pub(super) fn first_errors(&self) -> String {
        if self.errors.is_empty() {
            return self.reason.clone().unwrap_or_else(|| format!("it failed in phase {}", self.phase));
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
        let folder = std::env::temp_dir().join(format!("atsmatrix-log-{}", std::process::id()));
        let mut log = BuildLog::create(&folder, "debian-13/9.2.5 build").unwrap();
        for line in lines {
            log.add(line);
        }
        log
    }

    #[test]
    fn a_compiler_error_in_the_compile_phase_is_a_finding() {
        let error = "X509HostnameValidator.cc:34:10: error: invalid use of incomplete type 'ASN1_STRING'";
        let failed = log(&["@@atsmatrix phase fetch", "@@atsmatrix phase compile", "g++ -c x.cc", error, error]);
        assert!(failed.compiling());
        assert_eq!(failed.first_errors(), error);
    }

    #[test]
    fn a_failed_download_is_none() {
        let failed = log(&["@@atsmatrix phase fetch", "@@atsmatrix reason fetch: https://x: Could not resolve host"]);
        assert!(!failed.compiling());
        assert_eq!(failed.reason().unwrap(), "fetch: https://x: Could not resolve host");
    }
}
