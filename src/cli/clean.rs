//! `atsmatrix clean`: removes containers and networks of dead runs, and images on request.

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

/// Arguments of `atsmatrix clean`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 done, 6 no container engine. `atsmatrix --help` lists the others.")]
pub(super) struct CleanArgs {
    /// Also remove the images; the next run builds them again
    #[arg(long)]
    images: bool,
    /// Also remove containers kept with --keep, and those of other machines and earlier boots
    #[arg(long)]
    all: bool,
    /// Remove the containers and networks of this run only, kept ones too (`docker ps` shows run ids in names)
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    run: Option<RunId>,
}

pub(super) async fn run(options: &CleanArgs) -> anyhow::Result<Exit> {
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
                "kept {} untagged images: they have the atsmatrix label, but may be your own builds on top of its images; list \
                 them with `docker images --filter label=atsmatrix.kind=image`",
                removed.nameless
            );
        }
    }
    console::print(&text)?;
    Ok(Exit::Success)
}
