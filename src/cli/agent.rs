//! `atsmatrix agent`: the program inside containers.

use std::process::ExitCode;

use crate::agent::init;
use crate::console;
use crate::exit::Exit;

pub(super) async fn run() -> anyhow::Result<Exit> {
    crate::agent::run().await?;
    Ok(Exit::Success)
}

/// Runs the agent from PID 1 of a container and exits with its code.
pub(super) fn init() -> ExitCode {
    match init::run_agent() {
        Ok(code) => u8::try_from(code).map_or(Exit::Internal.into(), ExitCode::from),
        Err(error) => {
            console::error(&error);
            Exit::Internal.into()
        }
    }
}
