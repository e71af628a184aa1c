//! `atsmatrix agent`: the other half, inside containers.

use crate::exit::Exit;

pub(super) async fn run() -> anyhow::Result<Exit> {
    crate::agent::run().await?;
    Ok(Exit::Success)
}
