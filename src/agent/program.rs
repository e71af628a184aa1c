//! Programs that agents start. None of them gets what is the agent's own: its plan, its stdin, or the stdout on which
//! it testifies.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::{PLAN_VARIABLE, seal};

/// How long a program may take that only prints something about itself.
const SHORT: Duration = Duration::from_secs(15);

/// `program`, which reads nothing, whose output is dropped unless the caller takes it, and which ends with its handle.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_remove(PLAN_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A program of the image printed what looks like evidence.
#[derive(Debug, thiserror::Error)]
#[error("{by} printed a line that looks like evidence: {text}")]
pub(super) struct Forged {
    pub(super) by: String,
    pub(super) text: String,
}

impl Forged {
    /// If `printed` has such a line.
    fn find(by: &str, printed: &str) -> Option<Self> {
        let line = printed.lines().find(|line| seal::resembles(line))?;
        Some(Self { by: by.to_owned(), text: seal::shown(line) })
    }
}

/// What a short-lived program prints on stdout and stderr.
///
/// # Errors
/// [`Forged`], and where it does not start or end.
pub(super) async fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.as_std().get_program().display().to_string();
    let output = tokio::time::timeout(SHORT, command.output())
        .await
        .with_context(|| format!("{name} does not end"))?
        .with_context(|| format!("cannot start {name}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    match Forged::find(&name, &text) {
        Some(forged) => Err(forged.into()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_has_none_of_the_agents_descriptors_and_not_its_plan() {
        // What is not taken goes nowhere: the shell writes down where its descriptors lead.
        let folder = tempfile::tempdir().unwrap();
        let list = "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done > list";
        let status = command("sh").args(["-c", list]).current_dir(folder.path()).status().await.unwrap();
        assert!(status.success());
        let list = std::fs::read_to_string(folder.path().join("list")).unwrap();
        // The second is the list itself while it is written.
        assert_eq!(list.lines().filter(|line| *line == "/dev/null").count(), 2, "{list}");
        let mut command = command("sh");
        assert!(command.as_std().get_envs().any(|(name, value)| name == PLAN_VARIABLE && value.is_none()));
        let output = command.args(["-c", "readlink /proc/$$/fd/0"]).output().await.unwrap();
        assert_eq!(output.stdout, b"/dev/null\n");
    }
}
