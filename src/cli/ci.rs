//! What CI systems want besides the table: JUnit files, and annotations and summaries for GitHub
//! Actions. The only place that asks whether this is GitHub, which reads its commands from stderr as
//! well: stdout stays what it is elsewhere.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::look::when;
use crate::config::matrix::Matrix;
use crate::console::{self, When};
use crate::exit::{Exit, Failure};
use crate::model::{CellResult, Expected, MatrixResult};
use crate::report::github::{self, Annotation};
use crate::report::junit;
use crate::verdict::Terms;
use crate::words::unexpected;

/// For GitHub Actions.
#[derive(Debug, Args)]
pub(super) struct Github {
    /// Annotate what is wrong and write the summary of the step, as GitHub Actions reads them; auto: where
    /// `GITHUB_ACTIONS` is true
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = when)]
    github: When,
}

/// For CI systems.
#[derive(Debug, Args)]
pub(super) struct Ci {
    #[command(flatten)]
    github: Github,
    /// Write this run's results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// While it lives GitHub obeys nothing that is printed: log lines of containers are shown, and they
/// must not be able to command the runner.
pub(super) struct Hush {
    token: String,
}

impl Drop for Hush {
    fn drop(&mut self) {
        console::command(&github::resume(&self.token));
    }
}

impl Github {
    fn wanted(&self) -> bool {
        match self.github {
            When::Always => true,
            When::Never => false,
            When::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        }
    }

    /// From now on nothing that is printed commands GitHub; `None`: it would not anyway.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn hush(&self) -> anyhow::Result<Option<Hush>> {
        if !self.wanted() {
            return Ok(None);
        }
        // No container can guess it.
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).context("the system gives no randomness")?;
        let token = format!("{:032x}", u128::from_be_bytes(bytes));
        console::command(&github::pause(&token));
        Ok(Some(Hush { token }))
    }

    /// Tells GitHub, if this is it. `summary` is Markdown.
    pub(super) fn tell(&self, annotations: &[Annotation], summary: impl FnOnce() -> String) -> anyhow::Result<()> {
        if !self.wanted() {
            return Ok(());
        }
        console::command(&github::commands(annotations));
        let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
            return Ok(());
        };
        let file = Path::new(&file);
        let append = || OpenOptions::new().create(true).append(true).open(file)?.write_all(summary().as_bytes());
        append().with_context(|| format!("cannot write the summary of the step, {}", file.display()))
    }
}

impl Ci {
    /// Before anything runs: a file that cannot be written is told now, not after the last cell. Until
    /// then the file says that the run did not finish.
    pub(super) fn begin(&self) -> anyhow::Result<Option<Hush>> {
        if let Some(file) = &self.junit {
            fs::write(file, junit::UNFINISHED)
                .map_err(|error| Failure::new(Exit::Usage, format!("cannot write {}: {error}", file.display())))?;
        }
        self.github.hush()
    }

    /// After the run.
    pub(super) fn finish(&self, matrix: &Matrix, result: &MatrixResult, terms: &Terms<'_>) -> anyhow::Result<()> {
        if let Some(file) = &self.junit {
            fs::write(file, junit::render(result, terms))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        let items = unexpected::items(result, terms);
        let news = unexpected::newly_tested(result, terms);
        let place = |cell: &CellResult, expected: Option<&Expected>| match expected {
            Some(expected) => matrix.place_of(expected),
            None => matrix.place(&cell.id),
        };
        let file = matrix.file().trim_start_matches("./");
        self.github.tell(&github::annotations(&items, &news, file, place), || github::summary(result, terms))
    }
}
