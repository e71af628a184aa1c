//! `atsmatrix run`: prepares images, runs cells, shows the table, writes results.

use clap::Args;

use super::cells::{How, Kept, Work};
use super::ci::{Ci, Hush};
use super::format::text;
use super::look::Look;
use super::{Choice, Places};
use crate::config::shard::Shard;
use crate::console;
use crate::exit::{Exit, Failure};
use crate::model::CellId;
use crate::words::{escape, unexpected};

/// Options of `atsmatrix run`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    ci: Ci,
    #[command(flatten)]
    how: How,
    /// Only this part of the cells, for example 2/4; put the parts together with `atsmatrix merge`
    #[arg(long, value_name = "I/N", requires = "results")]
    shard: Option<Shard>,
}

pub(super) async fn run(options: Options) -> anyhow::Result<Exit> {
    let Options { places, choice, look, ci, how, shard } = options;
    let work = Work::new(&places, &choice, how, shard)?;
    let hush = ci.begin()?;
    let kept = work.run(&look).await?.keep(&places, &choice, shard)?;
    let written = table(&kept, &look, &ci, hush)?;
    after(&kept, &places);
    written?;
    kept.exit(&places)
}

/// Runs one cell with its workarounds, and writes results.
pub(super) async fn one_cell(places: &Places, cell: &CellId) -> anyhow::Result<Exit> {
    // Names of cells hold no character that globs take for another.
    let choice = Choice { distro: vec![cell.distro.to_string()], ats: vec![cell.ats.to_string()], trial: Vec::new() };
    let work = Work::new(places, &choice, How { workarounds: true, ..How::default() }, None)?;
    let kept = work.run(&Look::usual()).await?.keep(places, &choice, None)?;
    after(&kept, places);
    kept.exit(places)
}

/// Shows the table and tells CI systems; the inner error is that of stdout.
fn table(kept: &Kept, look: &Look, ci: &Ci, hush: Option<Hush>) -> anyhow::Result<Result<(), Failure>> {
    let Some(result) = &kept.shown else { return Ok(Ok(())) };
    let terms = kept.terms();
    let news = unexpected::newly_tested(result, &terms);
    let outlines = [unexpected::outline(&unexpected::items(result, &terms)), unexpected::newly_tested_outline(&news)];
    let written =
        look.show(result).and_then(|()| outlines.iter().try_for_each(|outline| console::document(&text(outline))));
    drop(hush);
    ci.finish(&kept.matrix, result, &terms)?;
    Ok(written)
}

/// What is said after the table.
fn after(kept: &Kept, places: &Places) {
    let folder = places.results();
    let folder = folder.display();
    if kept.part {
        console::aside(&format!("{folder} stays as it is, as only some trials were run: --results DIR keeps them\n"));
    }
    for line in &kept.moved {
        console::aside(&(escape::terminal(line, escape::LINE) + "\n"));
    }
    for cell in &kept.spared {
        console::aside(&format!(
            "{}: something of ours broke, which says nothing about ATS: {folder} keeps its earlier answer ({}), which is \
             no younger for it\n",
            cell.id, cell.verdict
        ));
    }
}
