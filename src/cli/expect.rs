//! `atsmatrix expect`: what would have to change in matrix.yaml so that results are as expected, and
//! makes the change.

use anyhow::Context as _;
use clap::Args;

use super::Places;
use super::format::Format;
use super::setup::day;
use super::source::Source;
use crate::catalogue::trials;
use crate::config::matrix::{Edit, Matrix};
use crate::console;
use crate::decide::expect::{self, Changes};
use crate::exit::{Exit, Failure};
use crate::model::{CellResult, RunId};
use crate::store::{self, Results};
use crate::words::answer;

/// Options of `atsmatrix expect`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 as expected (or now so), 3 something would change or has expired, 4 no results.")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    /// Rewrite `expect` in matrix.yaml; comments, order and all else stay
    #[arg(long)]
    update: bool,
    /// Go by this run in results/runs [default: the results on disk]
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(options: &Options) -> anyhow::Result<Exit> {
    let (matrix, bytes) = options.places.read()?;
    let cells = cells(options)?;
    let today = day(jiff::Timestamp::now());
    let changes = expect::changes(&matrix, &cells, trials::ids(), today);
    let done = options.update && !changes.edits.is_empty();
    if done {
        update(options, &matrix, &bytes, &changes.edits)?;
    }
    let outline = expect::outline(&changes, &matrix, done);
    console::document(&options.format.show(&outline, || answer::json(&Told { updated: done, changes: &changes })))?;
    let settled = if done { changes.expired.is_empty() } else { changes.is_empty() };
    Ok(if settled { Exit::Success } else { Exit::Unexpected })
}

fn cells(options: &Options) -> anyhow::Result<Vec<CellResult>> {
    let Some(id) = &options.run else {
        return Ok(Source::on_disk(&options.places).load(&options.places)?.cells);
    };
    let folder = Results::new(options.places.results()).run(id);
    let folder = folder.map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
    let cells = folder.recover()?.cells();
    if cells.is_empty() {
        return Err(Failure::new(Exit::Incomplete, format!("no cell of run {id} was finished")).into());
    }
    Ok(cells)
}

/// Writes matrix.yaml, and the results as a run under it would have: expectations do not change what
/// was run, so nobody has to run it again before the gate can tell.
fn update(options: &Options, matrix: &Matrix, bytes: &[u8], edits: &[Edit]) -> anyhow::Result<()> {
    let places = &options.places;
    let text = String::from_utf8_lossy(bytes);
    let (text, after) = matrix
        .edited(&text, edits)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", matrix.file())))?;
    let results = Results::new(places.results());
    let present = results.read()?.filter(|result| matrix.is_named(&result.matrix));
    // A link stays one.
    let file = places.matrix.canonicalize().with_context(|| format!("cannot find {}", places.matrix.display()))?;
    store::replace(&file, text.as_bytes())?;
    if let Some(present) = present {
        // Another run may have written meanwhile: what it wrote stays.
        results.commit(|previous| match previous.unwrap_or(present) {
            result if matrix.is_named(&result.matrix) => expect::restated(&result, &after),
            result => result,
        })?;
    }
    Ok(())
}

/// What is told to machines.
#[derive(serde::Serialize)]
struct Told<'a> {
    updated: bool,
    #[serde(flatten)]
    changes: &'a Changes,
}
