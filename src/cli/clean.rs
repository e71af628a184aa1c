//! `atsmatrix clean`: removes what dead runs left on the engine, and images on request.

use std::fmt::Write as _;

use clap::Args;

use crate::builder;
use crate::console;
use crate::engine;
use crate::engine::discovery::Env;
use crate::engine::labels;
use crate::engine::sweep::{self, SweepScope};
use crate::exit::{Exit, Failure};
use crate::model::RunId;

/// Options of `atsmatrix clean`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Remove the images too: the next run makes them anew
    #[arg(long)]
    images: bool,
    /// Remove containers that are kept for inspection (--keep) too, and those of other machines and earlier boots
    #[arg(long)]
    all: bool,
    /// Remove all that this run has (`docker ps` shows its id in names), such as what `run --keep` kept
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    run: Option<RunId>,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Exit> {
    let connected =
        engine::connect(&Env::from_process()).await.map_err(|none| Failure::new(Exit::NoEngine, none.to_string()))?;
    let host = labels::this_host()?;
    let scope = match &options.run {
        Some(run) => SweepScope::Run(run),
        None if options.all => SweepScope::Everything { host: &host },
        None => SweepScope::LeftOvers { host: &host },
    };
    let swept = sweep::remove(connected.engine.as_ref(), scope).await?;
    let mut text = format!("removed {} containers and {} networks\n", swept.containers, swept.networks);
    for error in &swept.failed {
        console::error(&anyhow::anyhow!("{error}"));
    }
    if let Some(undecided) = swept.undecided() {
        text += &undecided;
        text.push('\n');
    }
    if options.images {
        let removed = builder::remove_all(connected.engine.as_ref()).await?;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "removed {} images", removed.images);
        if removed.nameless > 0 {
            let _ = writeln!(
                text,
                "{} images without a name stay: they bear our label, and so does what somebody built on ours; see \
                 `docker images --filter label=atsmatrix.kind=image`",
                removed.nameless
            );
        }
    }
    console::print(&text)?;
    Ok(Exit::Success)
}
