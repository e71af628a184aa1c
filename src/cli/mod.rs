//! The command line, one file per command: parses arguments, runs the command and returns its exit code.

mod agent;
mod bisect;
mod cells;
mod ci;
mod cited;
mod clean;
mod completions;
mod config;
mod diagnose;
mod diff;
mod display;
mod doctor;
mod evidence;
mod expect;
mod explain;
mod format;
mod gate;
mod history;
mod list;
mod merge;
mod path;
mod predict;
mod report;
mod resume;
mod run;
mod schema;
mod setup;
mod show;
mod source;
mod trial_files;
mod trials;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::builder;
use crate::config::matrix;
use crate::config::matrix::{Globs, Matrix};
use crate::config::plan::{Plan, Recipes, Selection};
use crate::console;
use crate::exit::{self, Exit, Failure};
use crate::model::CellId;

/// Environment variable with mirrors that override those of matrix.yaml.
const MIRRORS: &str = "ATSMATRIX_MIRRORS";

#[derive(Debug, Parser)]
#[command(
    name = "atsmatrix",
    version,
    about = "Tests whether a version of Apache Traffic Server works on a distro",
    after_help = "Exit codes: 0 as expected, 1 internal error, 2 bad usage or matrix.yaml, 3 unexpected results,\n\
                  4 no answer, 5 nothing selected, 6 no container engine, 130 interrupted. See docs/exit-codes.md."
)]
struct Cli {
    /// Run as if started in DIR
    // Not the id of any argument of a command.
    #[arg(id = "start-in", short = 'C', value_name = "DIR", global = true, help_heading = "Everywhere")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build missing images, run the selected cells, print the table and write results
    Run(run::RunArgs),
    /// List the cells that a run would cover, or the trials
    List(list::ListArgs),
    /// Print the table of the results on disk
    Show(show::ShowArgs),
    /// Explain a cell or a trial in full: what ran, what was expected, what was seen, and what to do
    Explain(explain::ExplainArgs),
    /// Write the results on disk as an HTML page, Markdown, JSON, JUnit or another format
    Report(report::ReportArgs),
    /// Decide from committed results whether hosts can be upgraded, or whether anything regressed
    Gate(gate::GateArgs),
    /// Find the shortest safe order of upgrades from one cell to another
    Path(path::UpgradePathArgs),
    /// Predict which known issues affect the cells, from versions alone; runs nothing
    Predict(predict::PredictArgs),
    /// Name the known issues in captures and logs of a host; runs nothing
    Diagnose(diagnose::DiagnoseArgs),
    /// Find by experiment which part of a distro, or which version or patch of ATS, causes a failure
    Bisect(bisect::BisectArgs),
    /// Compare two results, and the software that ran
    Diff(diff::DiffArgs),
    /// Show what must change in matrix.yaml so that results are as expected; --update makes the change
    Expect(expect::ExpectArgs),
    /// Show from git since when a cell has its current result
    History(history::HistoryArgs),
    /// Merge the results of several shards or machines
    Merge(merge::MergeArgs),
    /// Check a configuration of your own for a version of ATS, without an engine
    Config(config::ConfigArgs),
    /// Check this machine: what was found, what is missing and how to fix it
    #[command(
        after_help = "Exit codes: 0 ready to run, 4 something is missing, 6 no container engine. `atsmatrix --help` lists the others."
    )]
    Doctor,
    /// Remove containers and networks of dead runs, and with --images the images
    Clean(clean::CleanArgs),
    /// Print the script that completes commands, cells and trials in a shell
    Completions(completions::CompletionsArgs),
    /// Print the JSON schema of matrix.yaml, of files with trials, or of a results file
    Schema(schema::SchemaArgs),
    /// Run the agent inside a container
    #[command(hide = true)]
    Agent,
}

/// Options for the paths of the matrix and its results.
#[derive(Debug, Clone, Args)]
struct PathArgs {
    /// Matrix to run or to compare with
    #[arg(
        long,
        short,
        value_name = "FILE",
        default_value = "matrix.yaml",
        env = "ATSMATRIX_MATRIX",
        hide_env_values = true
    )]
    matrix: PathBuf,
    /// Results folder [default: results beside the matrix]
    #[arg(long, value_name = "DIR", env = "ATSMATRIX_RESULTS", hide_env_values = true)]
    results: Option<PathBuf>,
}

/// Options that select cells and trials.
#[derive(Debug, Args)]
struct SelectionArgs {
    /// Distros to select, by name or glob (repeat the option or separate with commas)
    #[arg(long, value_name = "GLOB", value_delimiter = ',', env = "ATSMATRIX_DISTRO", hide_env_values = true)]
    distro: Vec<String>,
    /// ATS versions to select, by name or glob
    #[arg(long, value_name = "GLOB", value_delimiter = ',', env = "ATSMATRIX_ATS", hide_env_values = true)]
    ats: Vec<String>,
    /// Trials to select, by id or glob; controls always run
    #[arg(long, value_name = "GLOB", value_delimiter = ',', env = "ATSMATRIX_TRIAL", hide_env_values = true)]
    trial: Vec<String>,
}

impl PathArgs {
    /// Reads the matrix; also returns its bytes.
    fn read(&self) -> anyhow::Result<(Matrix, Vec<u8>)> {
        let name = self.matrix.display().to_string();
        let bytes = self.bytes().map_err(|error| self.unreadable(&error))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}; write it as UTF-8")))?;
        let mut matrix = self.parse(&text).map_err(|found| usage(&found))?;
        if let Some(own) = std::env::var_os(MIRRORS) {
            let set = matrix.mirrors.set_all(&own.to_string_lossy());
            set.map_err(|error| Failure::new(Exit::Usage, format!("{MIRRORS}: {error}")))?;
        }
        let dangling = trials::dangling(&matrix);
        if !dangling.is_empty() {
            return Err(usage(&dangling).into());
        }
        Ok((matrix, text.into_bytes()))
    }

    /// Reads the file, up to the maximum size of a matrix. Only a regular file is read: reading from a pipe might never
    /// end.
    fn bytes(&self) -> io::Result<Vec<u8>> {
        read_bounded(&self.matrix)
    }

    /// `matrix` with the user's own files that its sources name.
    fn with_local_files(&self, matrix: &Matrix) -> anyhow::Result<Matrix> {
        let folder = self.folder();
        let read = matrix.clone().with_local_files(|need| builder::local_files(&folder, need));
        Ok(read.map_err(|found| usage(&found))?)
    }

    fn check_regular(&self) -> io::Result<()> {
        check_regular(&self.matrix)
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let name = self.matrix.display();
        let message = format!("cannot read {name}: {error}; run where matrix.yaml is, or name it with --matrix FILE");
        Failure::new(Exit::Usage, message)
    }

    /// The folder of the matrix, which contains images/ and results/.
    fn folder(&self) -> PathBuf {
        let folder = self.matrix.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or_else(|| PathBuf::from("."), PathBuf::from)
    }

    /// The results folder.
    fn results(&self) -> PathBuf {
        self.results.clone().unwrap_or_else(|| self.folder().join("results"))
    }
}

impl SelectionArgs {
    /// Plans the selected cells; also returns the files of the images folder.
    fn plan(&self, matrix: &Matrix, places: &PathArgs) -> anyhow::Result<(Plan, Recipes)> {
        let recipes = builder::recipes(&places.folder().join("images"))
            .map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
        let matrix = places.with_local_files(matrix)?;
        let plan = Plan::of(&matrix, &self.selection(&matrix)?, &recipes);
        Ok((plan.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?, recipes))
    }

    /// The patterns over cells, each of which matches a name of the matrix.
    fn selection(&self, matrix: &Matrix) -> anyhow::Result<Selection> {
        let selection = Selection { distros: globs("--distro", &self.distro)?, ats: globs("--ats", &self.ats)? };
        selection.check(matrix).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        Ok(selection)
    }
}

fn check_regular(file: &Path) -> io::Result<()> {
    let is_file = fs::metadata(file)?.is_file();
    if is_file { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Reads a regular file up to the maximum size of a matrix.
fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    check_regular(file)?;
    let mut bytes = Vec::new();
    File::open(file)?.take(matrix::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > matrix::MAX_BYTES {
        let message = format!("it is larger than {} bytes, the limit for a matrix", matrix::MAX_BYTES);
        return Err(io::Error::other(message));
    }
    Ok(bytes)
}

/// Suggestion for a cell that is not among `cells`; `None` if no name is similar.
fn suggest_cell<'a>(id: &CellId, cells: impl IntoIterator<Item = &'a CellId>) -> Option<String> {
    let known: Vec<String> = cells.into_iter().map(ToString::to_string).collect();
    matrix::did_you_mean(&id.to_string(), known.iter().map(String::as_str))
}

/// The patterns of an option; `None` if it was not given.
fn globs(option: &str, patterns: &[String]) -> anyhow::Result<Option<Globs>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let globs = Globs::new(patterns).map_err(|error| Failure::new(Exit::Usage, format!("{option}: {error}")))?;
    Ok(Some(globs))
}

/// Diagnostics of the matrix as one error with exit code 2.
fn usage(diagnostics: &[matrix::Diagnostic]) -> Failure {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    Failure::new(Exit::Usage, lines.join("\n"))
}

/// Runs the program with `arguments` and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let ended = match complete_or_parse(arguments) {
        Ok(Ok(Command::Agent)) if crate::agent::init::is_first() => return agent::init(),
        Ok(Ok(command)) => start(command),
        Ok(Err(exit)) => Ok(exit),
        Err(error) => Err(error),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::error(&error);
            exit::of(&error).into()
        }
    }
}

/// Answers a shell, or parses the command and changes to its folder.
fn complete_or_parse(arguments: Vec<OsString>) -> anyhow::Result<Result<Command, Exit>> {
    if completions::answer(&arguments, Cli::command)? {
        return Ok(Err(Exit::Success));
    }
    parse(arguments)
}

/// Parses the command; the inner error is the exit code after help, the version or a usage error was printed.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Result<Command, Exit>> {
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    match parsed {
        Ok((cli, matches)) => {
            if let Some(folder) = &cli.folder {
                std::env::set_current_dir(folder).map_err(|error| {
                    Failure::new(Exit::Usage, format!("-C {}: {error}: name an existing folder", folder.display()))
                })?;
            }
            check_named_matrix(&matches).map(|()| Ok(cli.command))
        }
        Err(error) if error.use_stderr() => {
            // The error may quote hostile arguments: it is printed in clap's colours only if sanitizing changes nothing.
            let text = error.render();
            let plain = text.to_string();
            if console::sanitize(&plain) == plain {
                // An error on stderr cannot be reported anywhere.
                let _ = error.print();
            } else {
                console::eprint(&plain);
            }
            Ok(Err(Exit::Usage))
        }
        Err(error) => match error.print() {
            Err(trouble) if trouble.kind() != io::ErrorKind::BrokenPipe => Err(console::truncated(&trouble).into()),
            _ => Ok(Err(Exit::Success)),
        },
    }
}

/// Checks that a matrix named on the command line exists. For some commands the default one may be missing.
fn check_named_matrix(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some((_, options)) = matches.subcommand() else { return Ok(()) };
    match options.try_get_one::<PathBuf>("matrix") {
        Ok(Some(matrix))
            if matches!(options.value_source("matrix"), Some(ValueSource::CommandLine | ValueSource::EnvVariable)) =>
        {
            let places = PathArgs { matrix: matrix.clone(), results: None };
            Ok(places.check_regular().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Failure::new(
                    Exit::Usage,
                    format!("{} does not exist: name an existing matrix.yaml with --matrix FILE", matrix.display()),
                ),
                _ => places.unreadable(&error),
            })?)
        }
        // The command has no such option, or it was not given.
        _ => Ok(()),
    }
}

fn start(command: Command) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(dispatch(command)))
}

async fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(options) => run::run(options).await,
        Command::List(options) => list::run(&options),
        Command::Show(options) => show::run(&options),
        Command::Explain(options) => explain::run(&options).await,
        Command::Report(options) => report::run(&options),
        Command::Gate(options) => gate::run(&options),
        Command::Path(options) => path::run(&options),
        Command::Predict(options) => predict::run(&options),
        Command::Diagnose(options) => diagnose::run(&options),
        // Boxed: its future is some kilobytes, which would enlarge that of every other command.
        Command::Bisect(options) => Box::pin(bisect::run(options)).await,
        Command::Diff(options) => diff::run(&options),
        Command::Expect(options) => expect::run(&options),
        Command::History(options) => history::run(&options),
        Command::Merge(options) => merge::run(&options),
        Command::Config(options) => config::run(&options),
        Command::Doctor => doctor::run().await,
        Command::Clean(options) => clean::run(&options).await,
        Command::Completions(options) => completions::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Agent => agent::run().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_a_matrix_is_a_usage_error_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("large"), vec![b'#'; matrix::MAX_BYTES + 1]).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for (name, says) in [
            ("nothing", "No such file"),
            (".", "not a regular file"),
            ("pipe", "not a regular file"),
            ("large", "larger than"),
        ] {
            let error = PathArgs { matrix: path(name), results: None }.read().unwrap_err();
            let failure = error.downcast_ref::<Failure>().unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains(says) && failure.message.contains("--matrix FILE"), "{failure}");
        }
    }
}
