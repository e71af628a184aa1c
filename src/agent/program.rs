//! Programs that agents start. None of them gets the agent's plan, its stdin, or the stdout that carries its evidence.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use super::{PLAN_VARIABLE, seal};

/// Timeout for programs that only print something about themselves.
const SHORT_RUN: Duration = Duration::from_secs(15);

/// The directories of a distro's programs. The `PATH` of the image comes after them, for programs that are only there.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A tool of the agent: a control, an origin, a package manager. Its environment is clean, so that it does not depend on
/// what an image sets for its ATS (`LD_PRELOAD`, `LD_LIBRARY_PATH`, `OPENSSL_CONF`).
pub(super) fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut path = OsString::from(PATH);
    if let Some(of_image) = std::env::var_os("PATH").filter(|path| !path.is_empty()) {
        path.push(":");
        path.push(of_image);
    }
    let mut command = in_image(program);
    command.env_clear().env("PATH", path).env("LC_ALL", "C");
    command
}

/// A program of the ATS under test, in the environment of its image. Its stdin is empty, its output is discarded unless
/// the caller takes it, and it is killed when its handle is dropped.
pub(super) fn in_image(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_remove(PLAN_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A program of the image printed a line that looks like evidence.
#[derive(Debug, thiserror::Error)]
#[error("{by} printed a line that looks like evidence: {text}")]
pub(super) struct Forged {
    pub(super) by: String,
    pub(super) text: String,
}

impl Forged {
    fn find(by: &str, output: &str) -> Option<Self> {
        let line = output.lines().find(|line| seal::resembles_evidence(line))?;
        Some(Self { by: by.to_owned(), text: seal::excerpt(line) })
    }
}

/// What a program printed.
#[derive(Debug, Default)]
pub(super) struct ProgramOutput {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program that only prints something about itself, and returns its output whatever its exit status.
///
/// # Errors
/// [`Forged`], and when the program does not start, or not end within [`SHORT_RUN`].
pub(super) async fn output(command: &mut Command) -> anyhow::Result<ProgramOutput> {
    let name = command.as_std().get_program().display().to_string();
    let output = tokio::time::timeout(SHORT_RUN, command.output())
        .await
        .with_context(|| format!("{name} does not end"))?
        .with_context(|| format!("cannot start {name}"))?;
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    match Forged::find(&name, &stdout).or_else(|| Forged::find(&name, &stderr)) {
        Some(forged) => Err(forged.into()),
        None => Ok(ProgramOutput { stdout, stderr }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_gets_neither_the_descriptors_nor_the_plan_of_the_agent() {
        // The shell writes down where its descriptors lead: those that the caller does not take go nowhere.
        let folder = tempfile::tempdir().unwrap();
        let list = "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done > list";
        let status = tool("sh").args(["-c", list]).current_dir(folder.path()).status().await.unwrap();
        assert!(status.success());
        let list = std::fs::read_to_string(folder.path().join("list")).unwrap();
        // Descriptor 1 is the list itself while it is written.
        assert_eq!(list.lines().filter(|line| *line == "/dev/null").count(), 2, "{list}");
        let unset = |command: &Command| {
            command.as_std().get_envs().any(|(name, value)| name == PLAN_VARIABLE && value.is_none())
        };
        assert!(unset(&in_image("sh")));
        let output = tool("sh").args(["-c", "readlink /proc/$$/fd/0"]).output().await.unwrap();
        assert_eq!(output.stdout, b"/dev/null\n");
    }

    #[tokio::test]
    async fn a_tool_has_a_clean_environment_and_finds_programs_on_the_path_of_the_image() {
        // The environment of this test has more variables: cargo sets some.
        let output = tool("env").stdout(Stdio::piped()).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["LC_ALL", "PATH"], "{text}");
        let of_image = std::env::var("PATH").unwrap();
        assert!(text.contains(&format!("PATH={PATH}:{of_image}\n")), "{text}");
        let output = in_image("env").stdout(Stdio::piped()).output().await.unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains("CARGO"), "the environment of the image");
    }
}
