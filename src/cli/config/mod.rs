//! `atsmatrix config`: answers about a user's own configuration folder, without an engine.

mod folder;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PathArgs;
use super::format::AnswerFormat;
use crate::ats::site::ConfigFolder;
use crate::config::matrix::Matrix;
use crate::console;
use crate::decide::config_check::{self, CheckTarget, CheckedFolder, ConfigCheck};
use crate::exit::{Exit, Failure};
use crate::model::{AtsId, DistroId, Version};
use folder::ReadFolder;

/// Arguments of `atsmatrix config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check a configuration folder for a version of ATS: unknown settings, what fails open, missing files and plugins
    Check(CheckArgs),
}

/// Arguments of `atsmatrix config check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is started; an ATS column with `config: DIR` does that in a cell (docs/config-check.md).\n\n\
                  Exit codes: 0 nothing found, or notes alone, 2 no such folder or version, 3 something to look at. `atsmatrix --help` lists \
                  the others."
)]
struct CheckArgs {
    /// Folder with the configuration, as /etc/trafficserver has it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// ATS to check for, a column of the matrix or a version; a second one adds what changes on the way to it
    #[arg(long, value_name = "ATS", required = true, value_delimiter = ',')]
    ats: Vec<String>,
    /// Distros whose packages say which plugins there are [default: every package of this version that is known]
    #[arg(long, value_name = "DISTRO", value_delimiter = ',')]
    distro: Vec<DistroId>,
    /// Matrix whose columns --ats may name; without the file it names versions alone
    #[arg(long, short, value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

/// Where the matrix is if no option names it.
const MATRIX: &str = "matrix.yaml";

pub(super) fn run(options: &ConfigArgs) -> anyhow::Result<Exit> {
    let ConfigCommand::Check(options) = &options.command;
    let matrix = options.matrix()?;
    let targets = options.targets(matrix.as_ref())?;
    let (from, to) = match targets.as_slice() {
        [from] => (from, None),
        [from, to] => (from, Some(to)),
        _ => {
            return Err(Failure::new(Exit::Usage, "give --ats once or twice: the version, and the one after it").into());
        }
    };
    let read = ReadFolder::of(&options.folder)?;
    let folder = ConfigFolder::read(&read.files);
    let input = CheckedFolder { folder: &folder, states: &read.states };
    let name = options.folder.display().to_string();
    if let [first, rest @ ..] = input.hidden().as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more files", rest.len()) };
        let message = format!("{name}/{first}{more}: permission denied; run the check as a user who may read them");
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let check =
        ConfigCheck::of(&name, input, from, to).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    console::print_document(&options.format.show(&config_check::outline(&check), || config_check::json(&check)))?;
    Ok(if check.has_findings() { Exit::Unexpected } else { Exit::Success })
}

impl CheckArgs {
    /// The matrix: one that is named must be readable, the usual one may be missing.
    fn matrix(&self) -> anyhow::Result<Option<Matrix>> {
        let path = self.matrix.clone().unwrap_or_else(|| PathBuf::from(MATRIX));
        if self.matrix.is_none() && !path.exists() {
            return Ok(None);
        }
        let places = PathArgs { matrix: path, results: None };
        Ok(Some(places.read()?.0))
    }

    fn targets(&self, matrix: Option<&Matrix>) -> Result<Vec<CheckTarget>, Failure> {
        self.ats.iter().map(|name| self.target(name, matrix)).collect()
    }

    /// A column of the matrix by its name, or else a version.
    fn target(&self, name: &str, matrix: Option<&Matrix>) -> Result<CheckTarget, Failure> {
        let column = matrix.and_then(|matrix| matrix.ats(&name.parse::<AtsId>().ok()?));
        let text = column.map_or(name, |ats| ats.version.as_str());
        let version: Version = text.parse().map_err(|error| {
            let columns = matrix.map_or_else(String::new, |matrix| {
                let names: Vec<&str> = matrix.ats.iter().map(|ats| ats.id.as_str()).collect();
                format!("; or a column of {}: {}", matrix.file(), names.join(", "))
            });
            Failure::new(Exit::Usage, format!("--ats: {error}{columns}"))
        })?;
        let distros = self.distro.iter().map(|distro| distro.as_str().to_owned()).collect();
        Ok(CheckTarget { name: name.to_owned(), version, distros })
    }
}
