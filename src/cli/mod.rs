//! The command line: one file a command. Parses, calls, and turns what comes back into an exit code.

mod agent;
mod bisect;
mod cells;
mod ci;
mod clean;
mod diff;
mod doctor;
mod evidence;
mod expect;
mod explain;
mod format;
mod gate;
mod history;
mod list;
mod look;
mod merge;
mod path;
mod report;
mod run;
mod schema;
mod setup;
mod show;
mod source;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::builder;
use crate::catalogue::known_issues::{KNOWN_ISSUES, KnownIssue, Shows};
use crate::catalogue::trials::{CATALOGUE, Trial};
use crate::config::matrix;
use crate::config::matrix::{Globs, Matrix};
use crate::config::plan::{Plan, Recipes, Selection};
use crate::console;
use crate::exit::{self, Exit, Failure};
use crate::model::CellId;

/// The environment variable with mirrors of one's own, over those of matrix.yaml.
const MIRRORS: &str = "ATSMATRIX_MIRRORS";

#[derive(Debug, Parser)]
#[command(
    name = "atsmatrix",
    version,
    about = "Does this Apache Traffic Server work on that distro?",
    after_help = "Exit codes: 0 all as expected, 1 internal error, 2 bad usage or matrix.yaml, 3 unexpected outcomes,\n\
                  4 no answer for some cells, 5 nothing selected, 6 no container engine, 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare images, run every selected cell, show the table, write results
    Run(run::Options),
    /// Show the cells that a run would have, or the trials
    List(list::Options),
    /// Show the table of the results on disk
    Show(show::Options),
    /// Tell a cell or a trial whole: what ran, was expected, was seen, what it means, what to do
    Explain(explain::Options),
    /// Show the results on disk in any format: a page, Markdown, JSON ...
    Report(report::Options),
    /// May these hosts be upgraded? Answers from committed results alone
    Gate(gate::Options),
    /// A safe order of upgrades through passing cells
    Path(path::Options),
    /// Which part of a distro, or which version or patch of ATS, decides a trial: by experiment
    Bisect(bisect::Options),
    /// What differs between two results
    Diff(diff::Options),
    /// What would have to change in matrix.yaml so that results are as expected; --update changes it
    Expect(expect::Options),
    /// Since when a cell is as it is, from git
    History(history::Options),
    /// Make one result of several machines' or shards'
    Merge(merge::Options),
    /// Say what was found on this machine, what is missing and how to mend it
    Doctor,
    /// Remove what dead runs left on the engine, and with --images the images too
    Clean(clean::Options),
    /// Print the JSON schema of matrix.yaml, or of results/matrix.json
    Schema(schema::Options),
    /// What runs inside containers
    #[command(hide = true)]
    Agent,
}

/// Where the matrix and its results are.
#[derive(Debug, Clone, Args)]
struct Places {
    /// The matrix
    #[arg(long, short, value_name = "FILE", default_value = "matrix.yaml")]
    matrix: PathBuf,
    /// Where results are kept [default: results beside the matrix]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// Which cells and trials.
#[derive(Debug, Args)]
struct Choice {
    /// Distros, by name or glob (repeat or separate by commas)
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    distro: Vec<String>,
    /// ATS versions, by name or glob
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    ats: Vec<String>,
    /// Trials, by id or glob; controls always run
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    trial: Vec<String>,
}

impl Places {
    /// The matrix as read, with its bytes (results carry their digest).
    fn read(&self) -> anyhow::Result<(Matrix, Vec<u8>)> {
        let name = self.matrix.display().to_string();
        let bytes = self.bytes().map_err(|error| self.unreadable(&error))?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Failure::new(Exit::Usage, format!("{name}: {error}; write it as UTF-8")))?;
        let mut matrix = Matrix::parse(&name, &text).map_err(|found| usage(&found))?;
        if let Some(own) = std::env::var_os(MIRRORS) {
            let set = matrix.mirrors.set_all(&own.to_string_lossy());
            set.map_err(|error| Failure::new(Exit::Usage, format!("{MIRRORS}: {error}")))?;
        }
        let trials: Vec<&str> = CATALOGUE.iter().map(|trial| trial.id).collect();
        let in_trials = |issue: &&&KnownIssue| matches!(issue.shows, Shows::Trials { .. });
        let issues: Vec<&str> = KNOWN_ISSUES.iter().filter(in_trials).map(|issue| issue.id).collect();
        let dangling = [matrix.dangling_trials(&trials), matrix.dangling_issues(&issues)].concat();
        if !dangling.is_empty() {
            return Err(usage(&dangling).into());
        }
        Ok((matrix, text.into_bytes()))
    }

    /// The bytes of the file: no more than a matrix may have, and none of what is no file (a pipe might
    /// keep us waiting for ever).
    fn bytes(&self) -> io::Result<Vec<u8>> {
        self.regular()?;
        let mut bytes = Vec::new();
        File::open(&self.matrix)?.take(matrix::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > matrix::MAX_BYTES {
            return Err(io::Error::other(format!("it has more than {} bytes, which no matrix has", matrix::MAX_BYTES)));
        }
        Ok(bytes)
    }

    fn regular(&self) -> io::Result<()> {
        let is_file = fs::metadata(&self.matrix)?.is_file();
        if is_file { Ok(()) } else { Err(io::Error::other("it is no regular file")) }
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        let name = self.matrix.display();
        let message = format!("cannot read {name}: {error}; run where matrix.yaml is, or name it with --matrix FILE");
        Failure::new(Exit::Usage, message)
    }

    /// The folder of the matrix: images/ and results/ are there.
    fn folder(&self) -> PathBuf {
        let folder = self.matrix.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or_else(|| PathBuf::from("."), PathBuf::from)
    }

    /// The results folder.
    fn results(&self) -> PathBuf {
        self.results.clone().unwrap_or_else(|| self.folder().join("results"))
    }
}

impl Choice {
    /// The chosen cells, with the files of the images folder.
    fn plan(&self, matrix: &Matrix, places: &Places) -> anyhow::Result<(Plan, Recipes)> {
        let recipes = builder::recipes(&places.folder().join("images"))
            .map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
        let selection = Selection { distros: globs("--distro", &self.distro)?, ats: globs("--ats", &self.ats)? };
        let plan =
            Plan::of(matrix, &selection, &recipes).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        Ok((plan, recipes))
    }

    /// The chosen trials in the catalogue's order; controls always run.
    fn trials(&self) -> anyhow::Result<Vec<&'static Trial>> {
        let chosen = self.chosen_trials()?;
        let takes = |trial: &Trial| chosen.as_ref().is_none_or(|globs| globs.matches(trial.id));
        Ok(CATALOGUE.iter().copied().filter(|trial| trial.is_control() || takes(trial)).collect())
    }

    /// What `--trial` says, each pattern of which matches a trial; `None`: it was not given.
    fn chosen_trials(&self) -> anyhow::Result<Option<Globs>> {
        let chosen = globs("--trial", &self.trial)?;
        let ids: Vec<&str> = CATALOGUE.iter().map(|trial| trial.id).collect();
        let dangling = chosen.as_ref().map(|globs| globs.dangling(&ids)).unwrap_or_default();
        if let Some(pattern) = dangling.first() {
            return Err(
                Failure::new(Exit::Usage, format!("no trial matches `{pattern}`; {}", no_trial(pattern))).into()
            );
        }
        Ok(chosen)
    }
}

/// Help for a trial that there is not.
fn no_trial(name: &str) -> String {
    let near = matrix::did_you_mean(name, CATALOGUE.iter().map(|trial| trial.id));
    near.unwrap_or_else(|| "`atsmatrix list --trials` shows them".to_owned())
}

/// Help for a cell that there is not among `cells`; `None`: none has a name like it.
fn near_cell<'a>(id: &CellId, cells: impl IntoIterator<Item = &'a CellId>) -> Option<String> {
    let known: Vec<String> = cells.into_iter().map(ToString::to_string).collect();
    matrix::did_you_mean(&id.to_string(), known.iter().map(String::as_str))
}

/// The patterns of an option; `None` when it was not given.
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

/// Runs the program with `arguments` and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let ended = match parsed(arguments) {
        Ok(Ok(Command::Agent)) if crate::agent::init::is_first() => return agent::init(),
        Ok(Ok(command)) => started(command),
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

/// The command that `arguments` ask for, or how it ends where they ask for none: for help, or for what there is not.
fn parsed(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Result<Command, Exit>> {
    let parsed = Cli::command().try_get_matches_from(arguments).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, matches))
    });
    match parsed {
        Ok((cli, matches)) => matrix_is_there(&matches).map(|()| Ok(cli.command)),
        Err(error) if error.use_stderr() => {
            // Colours are clap's; what is quoted is the user's, and must not pass for them.
            let text = error.render();
            let plain = text.to_string();
            if console::tame(&plain) == plain {
                // What cannot be written to can be told nothing.
                let _ = error.print();
            } else {
                console::aside(&plain);
            }
            Ok(Err(Exit::Usage))
        }
        Err(error) => match error.print() {
            Err(trouble) if trouble.kind() != io::ErrorKind::BrokenPipe => Err(console::cut_off(&trouble).into()),
            _ => Ok(Err(Exit::Success)),
        },
    }
}

/// Some commands have a use for matrix.yaml only where it is there. One that was named has to be.
fn matrix_is_there(matches: &ArgMatches) -> anyhow::Result<()> {
    let Some((_, options)) = matches.subcommand() else { return Ok(()) };
    match options.try_get_one::<PathBuf>("matrix") {
        Ok(Some(matrix)) if options.value_source("matrix") == Some(ValueSource::CommandLine) => {
            let places = Places { matrix: matrix.clone(), results: None };
            Ok(places.regular().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Failure::new(
                    Exit::Usage,
                    format!("there is no {}: name a matrix.yaml that is there with --matrix FILE", matrix.display()),
                ),
                _ => places.unreadable(&error),
            })?)
        }
        // A command without such an option, or nothing was named.
        _ => Ok(()),
    }
}

fn started(command: Command) -> anyhow::Result<Exit> {
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
        // Boxed: its state is some kilobytes, which every other command would carry too.
        Command::Bisect(options) => Box::pin(bisect::run(options)).await,
        Command::Diff(options) => diff::run(&options),
        Command::Expect(options) => expect::run(&options),
        Command::History(options) => history::run(&options),
        Command::Merge(options) => merge::run(&options),
        Command::Doctor => doctor::run().await,
        Command::Clean(options) => clean::run(&options).await,
        Command::Schema(options) => schema::run(&options),
        Command::Agent => agent::run().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_matrix_is_bad_usage_and_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("large"), vec![b'#'; matrix::MAX_BYTES + 1]).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        for (name, says) in
            [("nothing", "No such file"), (".", "no regular file"), ("pipe", "no regular file"), ("large", "more than")]
        {
            let error = Places { matrix: path(name), results: None }.read().unwrap_err();
            let failure = error.downcast_ref::<Failure>().unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains(says) && failure.message.contains("--matrix FILE"), "{failure}");
        }
    }
}
