//! `atsmatrix expect`: shows what must change in matrix.yaml so that the results are as expected, and makes the change.

use anyhow::Context as _;
use clap::Args;

use super::format::AnswerFormat;
use super::setup::day;
use super::source::ResultsSource;
use super::{PathArgs, trials};
use crate::config::matrix::{Edit, Matrix};
use crate::console;
use crate::decide::expect::{self, Changes};
use crate::exit::{Exit, Failure};
use crate::model::{CellResult, RunId};
use crate::store::{self, Results};
use crate::words::answer;

/// Arguments of `atsmatrix expect`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 as expected or updated, 3 something must change or has expired, 4 no results. `atsmatrix --help` lists the others."
)]
pub(super) struct ExpectArgs {
    #[command(flatten)]
    places: PathArgs,
    /// Update `expect` in matrix.yaml; comments, order and everything else stay
    #[arg(long)]
    update: bool,
    /// Use the results of this run in results/runs [default: the results on disk]
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: AnswerFormat,
}

pub(super) fn run(options: &ExpectArgs) -> anyhow::Result<Exit> {
    let (matrix, bytes) = options.places.read()?;
    let cells = cells(options)?;
    let today = day(jiff::Timestamp::now());
    let changes = expect::changes(&matrix, &cells, trials::catalogue(&matrix).ids(), today);
    let updated = options.update && !changes.edits.is_empty();
    if updated {
        update(options, &matrix, &bytes, &changes.edits)?;
    }
    let outline = expect::outline(&changes, &matrix, updated);
    console::print_document(
        &options.format.show(&outline, || answer::json(&ExpectJson { updated, changes: &changes })),
    )?;
    let settled = changes.expired.is_empty() && (updated || changes.edits.is_empty());
    Ok(match (settled, changes.redefined.is_empty()) {
        (false, _) => Exit::Unexpected,
        (true, false) => Exit::Incomplete,
        (true, true) => Exit::Success,
    })
}

fn cells(options: &ExpectArgs) -> anyhow::Result<Vec<CellResult>> {
    let Some(id) = &options.run else {
        return Ok(ResultsSource::on_disk(&options.places).load(&options.places)?.cells);
    };
    let folder = Results::new(options.places.results()).run(id);
    let folder = folder.map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
    let cells = folder.recover()?.cells();
    if cells.is_empty() {
        return Err(Failure::new(Exit::Incomplete, format!("run {id} finished no cell")).into());
    }
    Ok(cells)
}

/// Writes matrix.yaml, and restates the results under the new expectations. Expectations do not change what was run, so no
/// new run is needed before the gate can answer.
fn update(options: &ExpectArgs, matrix: &Matrix, bytes: &[u8], edits: &[Edit]) -> anyhow::Result<()> {
    let places = &options.places;
    let text = String::from_utf8_lossy(bytes);
    let (text, after) = matrix
        .edited(&text, edits)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", matrix.file())))?;
    let results = Results::new(places.results());
    let present = results.read()?.filter(|result| matrix.is_named(&result.matrix));
    // Canonical, so that a symbolic link is not replaced by a file.
    let file = places.matrix.canonicalize().with_context(|| format!("cannot find {}", places.matrix.display()))?;
    store::replace(&file, text.as_bytes())?;
    if let Some(present) = present {
        // Results that another run wrote meanwhile stay.
        results.commit(|previous| match previous.unwrap_or(present) {
            result if matrix.is_named(&result.matrix) => expect::restated(&result, &after),
            result => result,
        })?;
    }
    Ok(())
}

/// The JSON answer.
#[derive(serde::Serialize)]
struct ExpectJson<'a> {
    updated: bool,
    #[serde(flatten)]
    changes: &'a Changes,
}
