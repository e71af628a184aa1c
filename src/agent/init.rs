//! The first process of a container. It starts the agent and ends with it.
//!
//! It holds the stdout that the engine reads, has no secrets, and is open to every process of its user. A program that
//! writes to `/proc/1/fd/1` therefore reaches the engine, where its unsealed line is detected and named. If the agent
//! itself were the first process, the kernel would refuse such a write, and the attempt would go unnoticed.

use std::process::Command;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Exit code of a process that a signal ended, as shells have it: this plus the signal number.
const SIGNALLED: i32 = 128;

/// Whether this process is the first of a container.
pub fn is_first() -> bool {
    std::process::id() == 1
}

/// Starts the agent and reaps all orphaned processes until it ends. Returns its exit code.
///
/// # Errors
/// When the agent cannot be started or waited for.
pub fn run_agent() -> anyhow::Result<i32> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let agent = Command::new(program).args(std::env::args_os().skip(1)).spawn();
    let agent = agent.context("cannot start the agent")?;
    let agent = Pid::from_raw(i32::try_from(agent.id()).context("a process id is out of range")?);
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == agent => return Ok(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == agent => return Ok(SIGNALLED + signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the agent"),
        }
    }
}
