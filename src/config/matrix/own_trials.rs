//! Trials of the user's own: those that matrix.yaml has, and those of the files that it names. The caller reads the files.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Path, quoted};
use super::outline::Outline;
use super::trial::{self, TrialsDocument};
use super::{LocalError, Matrix, check, in_order, normal, sha256_hex, shape};
use crate::model::OwnTrial;

/// A trial, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedTrial {
    /// The trial.
    pub trial: OwnTrial,
    /// The file, as messages name it.
    pub file: String,
    /// Line and column of its id in the file.
    pub at: (usize, usize),
}

/// A file with trials: how messages name it, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Matrix {
    /// Adds the trials of the files that `trial_files` names. `read` returns those that a pattern matches, in order.
    ///
    /// # Errors
    /// Files that cannot be read, and mistakes in them.
    pub fn with_trial_files(
        mut self,
        mut read: impl FnMut(&str) -> Result<Vec<TrialFile>, LocalError>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (mut found, mut files) = (Vec::new(), BTreeMap::new());
        for (i, pattern) in self.trial_files.iter().enumerate() {
            match read(pattern) {
                // A file that two patterns match is read once.
                Ok(matched) => files.extend(matched.into_iter().map(|file| (file.name, file.text))),
                Err(LocalError { key: _, index: _, message, help }) => {
                    found.push(self.diagnostic(&trial_files_path(i), message, help));
                }
            }
        }
        for (name, text) in files {
            match parse(&name, &text, &self) {
                Ok(trials) => self.trials.extend(trials),
                Err(mistakes) => found.extend(mistakes),
            }
        }
        found.extend(self.repeated());
        if !found.is_empty() {
            return Err(found);
        }
        self.digest = sha256_hex(normal::form(&self).as_bytes());
        Ok(self)
    }

    /// Trials that have the id of an earlier one.
    fn repeated(&self) -> Vec<Diagnostic> {
        let mut first: BTreeMap<&str, &StatedTrial> = BTreeMap::new();
        let mut found = Vec::new();
        for stated in &self.trials {
            let id = stated.trial.id.as_str();
            match first.get(id) {
                Some(other) => {
                    let message = format!("{} has a trial {} as well", other.place(), quoted(id));
                    found.push(stated.diagnostic(message, "rename one of them".to_owned()));
                }
                None => {
                    first.insert(id, stated);
                }
            }
        }
        found
    }

    /// The trials of the user's own, in order.
    pub fn own_trials(&self) -> impl Iterator<Item = &OwnTrial> {
        self.trials.iter().map(|stated| &stated.trial)
    }

    /// Diagnostics about trials that have the id of one of `built_in`. The caller passes these, as this module does not depend on
    /// the catalogue.
    pub fn colliding_trials(&self, built_in: &[&str]) -> Vec<Diagnostic> {
        let collides = |stated: &&StatedTrial| built_in.contains(&stated.trial.id.as_str());
        let diagnostic = |stated: &StatedTrial| {
            let message = format!("atsmatrix has a trial {} of its own", quoted(&stated.trial.id));
            stated.diagnostic(message, "choose another id".to_owned())
        };
        self.trials.iter().filter(collides).map(diagnostic).collect()
    }
}

impl StatedTrial {
    fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.at.0, self.at.1)
    }

    fn diagnostic(&self, message: String, help: String) -> Diagnostic {
        let path = Path::default().key("trials").key(&self.trial.id).to_string();
        let ((line, column), file) = (self.at, self.file.clone());
        Diagnostic { file, line, column, path, message, help }
    }
}

/// Where the pattern `index` of `trial_files` is written.
pub(super) fn trial_files_path(index: usize) -> Path {
    Path::default().key("trial_files").index(index)
}

/// The trials of a file.
fn parse(file: &str, text: &str, matrix: &Matrix) -> Result<Vec<StatedTrial>, Vec<Diagnostic>> {
    let outline = Outline::read(file, text).map_err(|diagnostic| vec![diagnostic])?;
    if let Some(diagnostic) = check::format_version(file, &outline) {
        return Err(vec![diagnostic]);
    }
    let values = shape::typed(file, &outline, &trial::trials_schema()).map_err(in_order)?;
    let document: TrialsDocument =
        serde_yaml::from_value(values).map_err(|error| vec![check::schema_mismatch(file, &error)])?;
    check::trials_of_file(file, &outline, document, &matrix.defaults).map_err(in_order)
}
