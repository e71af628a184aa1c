//! The trials of a matrix, and those that options select.

use super::trial_files::trial_files;
use super::{PathArgs, SelectionArgs, globs};
use crate::catalogue::known_issues::{KNOWN_ISSUES, KnownIssue, Shows};
use crate::catalogue::trials::{Catalogue, Trial};
use crate::config::matrix::{self, Diagnostic, Globs, Matrix};
use crate::exit::{Exit, Failure};

impl PathArgs {
    /// The matrix that `text` says, with the trials of the files that it names.
    pub(super) fn parse(&self, text: &str) -> Result<Matrix, Vec<Diagnostic>> {
        let matrix = Matrix::parse(&self.matrix.display().to_string(), text)?;
        let folder = self.folder();
        let matrix = matrix.with_trial_files(|pattern| trial_files(&folder, pattern))?;
        let colliding = matrix.colliding_trials(&ids(Catalogue::built_in()));
        if colliding.is_empty() { Ok(matrix) } else { Err(colliding) }
    }

    /// The trials of the matrix, or the built-in ones if it is not here or cannot be used: then results name the others by id.
    pub(super) fn known_trials(&self) -> Catalogue {
        self.read().map_or_else(|_| Catalogue::built_in(), |(matrix, _)| catalogue(&matrix))
    }
}

/// The trials of `matrix`.
pub(super) fn catalogue(matrix: &Matrix) -> Catalogue {
    Catalogue::with(matrix.own_trials())
}

/// The id of every trial, also of those that only some cells have.
fn ids(catalogue: Catalogue) -> Vec<&'static str> {
    catalogue.trials().iter().map(|trial| trial.id).collect()
}

/// Expectations of `matrix` about trials and issues that there are not.
pub(super) fn dangling(matrix: &Matrix) -> Vec<Diagnostic> {
    let known = ids(catalogue(matrix));
    let in_trials = |issue: &&&KnownIssue| matches!(issue.shows, Shows::Trials { .. });
    let issues: Vec<&str> = KNOWN_ISSUES.iter().filter(in_trials).map(|issue| issue.id).collect();
    [matrix.dangling_trials(&known), matrix.dangling_issues(&issues)].concat()
}

impl SelectionArgs {
    /// The selected trials of `catalogue` and all controls, in its order.
    pub(super) fn trials(&self, catalogue: Catalogue) -> anyhow::Result<Vec<&'static Trial>> {
        let selected = self.trial_globs(catalogue)?;
        let takes = |trial: &Trial| selected.as_ref().is_none_or(|globs| globs.matches(trial.id));
        Ok(catalogue.trials().iter().copied().filter(|trial| trial.is_control() || takes(trial)).collect())
    }

    /// The patterns of `--trial`, each of which matches a trial; `None` without the option.
    pub(super) fn trial_globs(&self, catalogue: Catalogue) -> anyhow::Result<Option<Globs>> {
        let selected = globs("--trial", &self.trial)?;
        let dangling = selected.as_ref().map(|globs| globs.dangling(&ids(catalogue))).unwrap_or_default();
        if let Some(pattern) = dangling.first() {
            let message = format!("no trial matches `{pattern}`; {}", suggest_trial(catalogue, pattern));
            return Err(Failure::new(Exit::Usage, message).into());
        }
        Ok(selected)
    }
}

/// Suggestion for the unknown trial `name`.
pub(super) fn suggest_trial(catalogue: Catalogue, name: &str) -> String {
    let near = matrix::did_you_mean(name, ids(catalogue));
    near.unwrap_or_else(|| "`atsmatrix list --trials` lists them".to_owned())
}
