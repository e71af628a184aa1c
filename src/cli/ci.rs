//! Output for CI systems: JUnit files, and annotations and summaries for GitHub Actions. GitHub reads its commands from
//! stderr as well, so stdout is the same everywhere. Only this module checks whether it runs on GitHub.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::display::when;
use crate::config::matrix::Matrix;
use crate::console::{self, When};
use crate::exit::{Exit, Failure};
use crate::model::{CellResult, Expected, MatrixResult};
use crate::report::github::{self, Annotation};
use crate::report::junit;
use crate::verdict::Terms;
use crate::words::unexpected;

/// Options for GitHub Actions.
#[derive(Debug, Args)]
pub(super) struct GithubArgs {
    /// Write annotations and a step summary for GitHub Actions; auto: if `GITHUB_ACTIONS` is true
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = when)]
    github: When,
}

/// Options for CI systems.
#[derive(Debug, Args)]
pub(super) struct CiArgs {
    #[command(flatten)]
    github: GithubArgs,
    /// Also write the results of this run as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Stops GitHub from processing workflow commands until it is dropped: log lines of containers are printed meanwhile, and
/// must not control the runner.
pub(super) struct PausedCommands {
    token: String,
}

impl Drop for PausedCommands {
    fn drop(&mut self) {
        console::github_command(&github::resume(&self.token));
    }
}

impl GithubArgs {
    fn is_enabled(&self) -> bool {
        match self.github {
            When::Always => true,
            When::Never => false,
            When::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
        }
    }

    /// Stops GitHub from processing workflow commands; `None` if this is not GitHub.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub(super) fn pause_commands(&self) -> anyhow::Result<Option<PausedCommands>> {
        if !self.is_enabled() {
            return Ok(None);
        }
        // Random, so that no container can guess it and resume commands.
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).context("the system provides no random bytes")?;
        let token = format!("{:032x}", u128::from_be_bytes(bytes));
        console::github_command(&github::pause(&token));
        Ok(Some(PausedCommands { token }))
    }

    /// Writes annotations and the Markdown `summary`, if this is GitHub.
    pub(super) fn report(&self, annotations: &[Annotation], summary: impl FnOnce() -> String) -> anyhow::Result<()> {
        if !self.is_enabled() {
            return Ok(());
        }
        console::github_command(&github::commands(annotations));
        let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
            return Ok(());
        };
        let file = Path::new(&file);
        let append = || OpenOptions::new().create(true).append(true).open(file)?.write_all(summary().as_bytes());
        append().with_context(|| format!("cannot write the step summary {}", file.display()))
    }
}

impl CiArgs {
    /// Prepares the output before anything runs, so that a file that cannot be written is reported now and not after the last
    /// cell. Until the end the file says that the run did not finish.
    pub(super) fn begin(&self) -> anyhow::Result<Option<PausedCommands>> {
        if let Some(file) = &self.junit {
            fs::write(file, junit::UNFINISHED)
                .map_err(|error| Failure::new(Exit::Usage, format!("cannot write {}: {error}", file.display())))?;
        }
        self.github.pause_commands()
    }

    /// Writes the output after the run.
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
        self.github.report(&github::annotations(&items, &news, file, place), || github::summary(result, terms))
    }
}
