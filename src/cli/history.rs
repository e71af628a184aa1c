//! `atsmatrix history`: shows since when a cell has its current result, and what changed then.

use clap::Args;

use super::format::AnswerFormat;
use super::source::ResultsSource;
use super::{PathArgs, suggest_cell};
use crate::console;
use crate::decide::history::{self, Gathering};
use crate::exit::Exit;
use crate::git::GitRevision;
use crate::model::CellId;
use crate::report;

/// Arguments of `atsmatrix history`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 shown, 4 the cell never had a result. `atsmatrix --help` lists the others.")]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Cell, for example debian-13/9.2.5
    #[arg(value_name = "CELL")]
    cell: CellId,
    /// Newest revision to read
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    revision: GitRevision,
    /// Maximum number of changes of the results to read
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &HistoryArgs) -> anyhow::Result<Exit> {
    let source = ResultsSource::Git(options.revision.clone(), None);
    let (repository, name) = source.in_git(&options.places)?;
    let log = repository.log(&options.revision, &name, usize::from(options.limit))?;
    let mut gathering = Gathering::new(options.cell.clone());
    repository.each_state(&log, &name, |commit, bytes| {
        let revision = history::Revision {
            commit: commit.id.clone(),
            day: commit.time.strftime("%F").to_string(),
            subject: commit.subject.clone(),
        };
        let results = bytes.map(|bytes| report::json::read(&bytes)).transpose();
        gathering.add(revision, results.map_err(|error| error.to_string()));
        Ok(())
    })?;
    let history = gathering.finish(log.cut);
    console::print_document(&options.format.show(&history::outline(&history), || history::json(&history)))?;
    if history.since.is_none()
        && let Ok(here) = ResultsSource::on_disk(&options.places).load(&options.places)
        && !here.cells.iter().any(|cell| cell.id == options.cell)
        && let Some(near) = suggest_cell(&options.cell, here.cells.iter().map(|cell| &cell.id))
    {
        console::eprint(&format!("note: no cell {}: {near}\n", options.cell));
    }
    Ok(if history.since.is_some() { Exit::Success } else { Exit::Incomplete })
}
