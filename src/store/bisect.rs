//! results/bisect/: one committed file for each question, so that its answer is kept beside the matrix.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::model::{Bisection, CellId, Over};
use crate::report::bisection as format;

use super::run::MAX_TRIAL;
use super::{Results, RunFolder, file};

impl Results {
    /// Writes a bisection; returns the file, and whether its bytes changed. An earlier answer to the same
    /// question is replaced.
    pub fn keep_bisection(&self, bisection: &Bisection) -> Result<(PathBuf, bool)> {
        let dir = self.dir().join("bisect");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let path = dir.join(name(bisection));
        let changed = file::replace(&path, format::json(bisection).as_bytes())?;
        if let Some(result) = self.read()? {
            // README.md contains the answer.
            self.commit(|present| present.unwrap_or(result))?;
        }
        Ok((path, changed))
    }

    /// All bisections, ordered by file name. A file that cannot be read is an error that
    /// names it.
    pub fn bisections(&self) -> Result<Vec<Bisection>> {
        let dir = self.dir().join("bisect");
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot list {}", dir.display()))?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        let read = |path: PathBuf| {
            let bytes = file::read(&path)?.unwrap_or_default();
            format::read(&bytes).with_context(|| format!("cannot use {}", path.display()))
        };
        paths.into_iter().map(read).collect()
    }

    /// The bisections in which `cell` is the failing one.
    pub fn bisections_of(&self, cell: &CellId) -> Result<Vec<Bisection>> {
        Ok(self.bisections()?.into_iter().filter(|bisection| bisection.bad == *cell).collect())
    }
}

impl RunFolder {
    /// The folder of the same run for evidence of experiments, which must not mix with that of the cells whose images they
    /// use.
    #[must_use]
    pub fn of_bisection(&self) -> Self {
        Self::at(self.dir().join("bisect"))
    }
}

/// `debian-12_9.2.5..debian-13_9.2.5.TRIAL.json`: names of cells and trials contain no `_`.
fn name(bisection: &Bisection) -> String {
    let plain = |cell: &CellId| format!("{}_{}", cell.distro, cell.ats);
    let ends = match bisection.over {
        Over::Distro => format!("{}..{}", plain(&bisection.good), plain(&bisection.bad)),
        Over::Ats => format!("{}_{}..{}", bisection.bad.distro, bisection.bad.ats, bisection.good.ats),
    };
    let legal = |c: &char| c.is_ascii_alphanumeric() || "-+".contains(*c);
    let trial: String = bisection.trial.chars().filter(legal).take(MAX_TRIAL).collect();
    format!("{ends}.{trial}.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::bisection::fixture;

    #[test]
    fn evidence_of_experiments_is_not_evidence_of_the_cell() {
        let dir = tempfile::tempdir().unwrap();
        let run = Results::new(dir.path()).begin(&"r1".parse().unwrap()).unwrap();
        let cell: CellId = "debian-13/9.2.5".parse().unwrap();
        let observation = crate::model::Observation::default();
        let evidence = crate::model::TrialEvidence { trial: "tls-get".into(), attempt: 3, observation };
        run.of_bisection().write_evidence(&cell, &evidence).unwrap();
        assert_eq!(run.read_evidence(&cell).unwrap(), []);
        assert_eq!(run.of_bisection().read_evidence(&cell).unwrap(), [evidence]);
    }

    #[test]
    fn each_question_has_one_file_and_equal_answers_change_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        assert_eq!(results.bisections().unwrap(), []);
        let bisection = fixture::bisection();
        let (path, changed) = results.keep_bisection(&bisection).unwrap();
        assert!(changed);
        assert!(path.ends_with("bisect/debian-12_9.2.5..debian-13_9.2.5.tls-remote-origin.json"), "{}", path.display());
        assert!(!results.keep_bisection(&bisection).unwrap().1);
        assert_eq!(results.bisections_of(&bisection.bad).unwrap(), std::slice::from_ref(&bisection));
        assert_eq!(results.bisections_of(&bisection.good).unwrap(), []);
        fs::write(&path, "{").unwrap();
        assert!(format!("{:#}", results.bisections().unwrap_err()).contains("tls-remote-origin.json"));
    }
}
