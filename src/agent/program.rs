//! Programs that agents start. None of them gets what is the agent's own: its plan, its stdin, or the stdout on which
//! it testifies.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::{PLAN_VARIABLE, seal};

/// How long a program may take that only prints something about itself.
const SHORT: Duration = Duration::from_secs(15);

/// Where the programs of a distro are. The image's own `PATH` comes after these: what is nowhere else is found there.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A tool of ours: a control, an origin, a package manager. It has an environment of its own, so that nothing an image
/// sets for its ATS (`LD_PRELOAD`, `LD_LIBRARY_PATH`, `OPENSSL_CONF`) decides how it behaves.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut path = OsString::from(PATH);
    if let Some(theirs) = std::env::var_os("PATH").filter(|theirs| !theirs.is_empty()) {
        path.push(":");
        path.push(theirs);
    }
    let mut command = of_image(program);
    command.env_clear().env("PATH", path).env("LC_ALL", "C");
    command
}

/// A program of the ATS under test, in the environment of its image. It reads nothing, its output is dropped unless the
/// caller takes it, and it ends with its handle.
pub(super) fn of_image(program: impl AsRef<OsStr>) -> Command {
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

/// What a short-lived program printed.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs a short-lived program to its end.
///
/// # Errors
/// [`Forged`], and where it does not start or end.
pub(super) async fn said(command: &mut Command) -> anyhow::Result<Said> {
    let name = command.as_std().get_program().display().to_string();
    let output = tokio::time::timeout(SHORT, command.output())
        .await
        .with_context(|| format!("{name} does not end"))?
        .with_context(|| format!("cannot start {name}"))?;
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    match Forged::find(&name, &out).or_else(|| Forged::find(&name, &err)) {
        Some(forged) => Err(forged.into()),
        None => Ok(Said { out, err }),
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
        let unset = |command: &Command| {
            command.as_std().get_envs().any(|(name, value)| name == PLAN_VARIABLE && value.is_none())
        };
        assert!(unset(&of_image("sh")));
        let output = command("sh").args(["-c", "readlink /proc/$$/fd/0"]).output().await.unwrap();
        assert_eq!(output.stdout, b"/dev/null\n");
    }

    #[tokio::test]
    async fn a_tool_of_ours_has_an_environment_of_its_own_and_finds_what_only_the_image_has() {
        // This test's own environment has more than these: cargo sets some.
        let output = command("env").stdout(Stdio::piped()).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["LC_ALL", "PATH"], "{text}");
        let theirs = std::env::var("PATH").unwrap();
        assert!(text.contains(&format!("PATH={PATH}:{theirs}\n")), "{text}");
        let output = of_image("env").stdout(Stdio::piped()).output().await.unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains("CARGO"), "the image's own");
    }
}
