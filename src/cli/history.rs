//! `atsmatrix history`: since when a cell is as it is, and what changed then.

use clap::Args;

use super::format::Format;
use super::source::Source;
use super::{Places, near_cell};
use crate::console;
use crate::decide::history::{self, Gathering};
use crate::exit::Exit;
use crate::git::GitRevision;
use crate::model::CellId;
use crate::report;

/// Options of `atsmatrix history`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// The cell, for example debian-13/9.2.5
    #[arg(value_name = "CELL")]
    cell: CellId,
    /// The newest revision to look at
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    revision: GitRevision,
    /// Look at this many changes of the results at most
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let source = Source::Git(options.revision.clone(), None);
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
    console::document(&options.format.show(&history::outline(&history), || history::json(&history)))?;
    if history.since.is_none()
        && let Ok(here) = Source::on_disk(&options.places).load(&options.places)
        && !here.cells.iter().any(|cell| cell.id == options.cell)
        && let Some(near) = near_cell(&options.cell, here.cells.iter().map(|cell| &cell.id))
    {
        console::aside(&format!("note: there is no cell {}: {near}\n", options.cell));
    }
    Ok(if history.since.is_some() { Exit::Success } else { Exit::Incomplete })
}
