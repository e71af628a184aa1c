//! `atsmatrix completions`: completion of commands, options, cells, distros, versions and trials in shells.
//!
//! The shell asks the program itself, through the variable `COMPLETE`, so what is completed is what the matrix in the
//! present folder has.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Arg, Args, Command, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};

use super::{PathArgs, trials};
use crate::config::matrix::Matrix;
use crate::console;
use crate::exit::Exit;
use crate::store::Results;

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "COMPLETE";

/// A shell.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Shell {
    /// Bash 4 or later
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
}

/// Arguments of `atsmatrix completions`.
#[derive(Debug, Args)]
#[command(after_help = "For bash, in ~/.bashrc:  source <(atsmatrix completions bash)\n\
                        For zsh, in ~/.zshrc:    source <(atsmatrix completions zsh)\n\
                        For fish, in config.fish: atsmatrix completions fish | source")]
pub(super) struct CompletionsArgs {
    /// Shell to print the script for
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(options: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    let shell: &dyn EnvCompleter = match options.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let name = "atsmatrix";
    shell.write_registration(VARIABLE, name, name, name, &mut script).context("cannot write the script")?;
    console::print(&String::from_utf8(script).context("the script is not UTF-8")?)?;
    Ok(Exit::Success)
}

/// Answers a shell that asks for completions; whether one did. An agent is never asked: images choose its environment.
///
/// # Errors
/// The shell is unknown, or the answer cannot be written.
pub(super) fn answer(arguments: &[OsString], command: impl Fn() -> Command) -> anyhow::Result<bool> {
    if arguments.get(1).is_some_and(|word| word == "agent") {
        return Ok(false);
    }
    let folder = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(|| with_candidates(command()))
        .var(VARIABLE)
        .try_complete(arguments.iter().cloned(), folder.as_deref());
    answered.map_err(|error| anyhow::anyhow!("cannot complete: {error}"))
}

/// `command` with the names that its arguments take, by what the help calls their values.
fn with_candidates(command: Command) -> Command {
    command.mut_subcommands(|subcommand| {
        subcommand.mut_args(|arg| match candidates(&arg) {
            Some(names) => {
                arg.add(ArgValueCandidates::new(move || names().into_iter().map(CompletionCandidate::new).collect()))
            }
            None => arg,
        })
    })
}

fn candidates(arg: &Arg) -> Option<fn() -> Vec<String>> {
    let value = arg.get_value_names().and_then(|names| names.first()).map(clap::builder::Str::as_str)?;
    match (value, arg.get_id().as_str()) {
        ("CELL" | "FROM" | "TO", _) => Some(cells),
        ("DISTRO", _) | ("GLOB", "distro") => Some(distros),
        ("ATS", _) | ("GLOB", "ats") => Some(versions),
        ("TRIAL", _) | ("GLOB" | "ID", "trial") => Some(trial_ids),
        ("RUN", _) | ("ID", "run") => Some(runs),
        _ => None,
    }
}

/// The matrix of the present folder. Completion has no place for an error: a matrix that cannot be read has no names.
fn places() -> PathArgs {
    let matrix = std::env::var_os("ATSMATRIX_MATRIX").map_or_else(|| PathBuf::from("matrix.yaml"), PathBuf::from);
    PathArgs { matrix, results: std::env::var_os("ATSMATRIX_RESULTS").map(PathBuf::from) }
}

fn of_matrix(names: impl Fn(&Matrix) -> Vec<String>) -> Vec<String> {
    places().read().map(|(matrix, _)| names(&matrix)).unwrap_or_default()
}

fn cells() -> Vec<String> {
    of_matrix(|matrix| matrix.cells().map(|cell| cell.id().to_string()).collect())
}

fn distros() -> Vec<String> {
    of_matrix(|matrix| matrix.distros.iter().map(|distro| distro.id.to_string()).collect())
}

fn versions() -> Vec<String> {
    of_matrix(|matrix| matrix.ats.iter().map(|ats| ats.id.to_string()).collect())
}

fn trial_ids() -> Vec<String> {
    of_matrix(|matrix| trials::catalogue(matrix).trials().iter().map(|trial| trial.id.to_owned()).collect())
}

fn runs() -> Vec<String> {
    let runs = Results::new(places().results()).runs().unwrap_or_default();
    runs.iter().rev().map(ToString::to_string).collect()
}
