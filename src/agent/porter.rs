//! The first process of a container: it starts the agent, and ends with it.
//!
//! It holds the stdout that the engine reads, knows nothing, and is open to whoever runs as its user. What writes
//! there by way of `/proc/1/fd/1` is found out, since it cannot seal its lines, and named; were the agent itself the
//! first process, the kernel would refuse such a write, and nobody would hear of the attempt.

use std::process::Command;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// What shells say of a process that a signal ended.
const SIGNALLED: i32 = 128;

/// Whether this process is the first of a container.
pub fn is_first() -> bool {
    std::process::id() == 1
}

/// Starts the agent, and takes the ends of all who have no parent any more. Returns its exit code.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn attend() -> anyhow::Result<i32> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let agent = Command::new(program).args(std::env::args_os().skip(1)).spawn();
    let agent = agent.context("cannot start the agent")?;
    let agent = Pid::from_raw(i32::try_from(agent.id()).context("a process id out of range")?);
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == agent => return Ok(code),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == agent => return Ok(SIGNALLED + signal as i32),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the agent"),
        }
    }
}
