//! Runs git with restricted rights and bounded output.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail};

use super::MAX_FILE;

/// Most output of a command, bytes: a thousand commits with long subjects need far less.
const MAX_OUTPUT: u64 = 16 << 20;

/// Most of git's stderr that goes into an error, bytes.
const MAX_STDERR: u64 = 2000;

fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .args(["--no-pager", "--literal-pathspecs", "--no-replace-objects"])
        .envs([
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            // In a partial clone, use what exists locally.
            ("GIT_NO_LAZY_FETCH", "1"),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn cannot_start(dir: &Path) -> String {
    format!("cannot start git in {}: is it installed?", dir.display())
}

/// The output of `git ARGS`. If git fails, the error contains its stderr.
pub(super) fn run(dir: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let what = || format!("git {} in {}", args.first().copied().unwrap_or_default(), dir.display());
    let mut child = git(dir).args(args).spawn().with_context(|| cannot_start(dir))?;
    let stderr = read_stderr(&mut child);
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output).with_context(what)?;
    }
    let too_much = output.len() as u64 > MAX_OUTPUT;
    if too_much {
        // Fails if it has exited meanwhile.
        let _ = child.kill();
    }
    let status = child.wait().with_context(what)?;
    let stderr = stderr.join().unwrap_or_default();
    if too_much {
        bail!("{} printed more than {MAX_OUTPUT} bytes", what());
    }
    if !status.success() {
        bail!("{} failed ({status}): {}", what(), stderr.trim().escape_debug());
    }
    Ok(output)
}

/// The first line of the output of `git ARGS`; `None` if git fails, which is an answer here.
pub(super) fn first_line(dir: &Path, args: &[&str]) -> Result<Option<String>> {
    let mut child = git(dir).args(args).stderr(Stdio::null()).spawn().with_context(|| cannot_start(dir))?;
    let mut line = Vec::new();
    let read = child.stdout.take().map(|stdout| BufReader::new(stdout.take(MAX_LINE)).read_until(b'\n', &mut line));
    let status = child.wait().with_context(|| cannot_start(dir))?;
    read.transpose().with_context(|| format!("cannot read the output of git in {}", dir.display()))?;
    Ok(status.success().then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

/// Longest line read from git, bytes.
const MAX_LINE: u64 = 8192;

/// Reads git's stderr in a thread of its own, so that git never blocks on a full pipe.
fn read_stderr(child: &mut Child) -> thread::JoinHandle<String> {
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let Some(mut stderr) = stderr else { return String::new() };
        let mut text = Vec::new();
        // A read error only shortens the message; the exit status shows that git failed.
        let _ = stderr.by_ref().take(MAX_STDERR).read_to_end(&mut text);
        let _ = io::copy(&mut stderr, &mut io::sink());
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// `git cat-file --batch`: one process for any number of files.
pub(super) struct Batch {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Batch {
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let mut command = git(dir);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| cannot_start(dir))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(requests), Some(stdout)) => Ok(Self { child, requests, answers: BufReader::new(stdout) }),
            (None, _) | (_, None) => bail!("git in {} has no pipes", dir.display()),
        }
    }

    /// The file that `object` names (without line ends); `None` if it does not exist. One request at a time, so that
    /// no pipe can fill up.
    pub(super) fn read(&mut self, object: &str) -> Result<Option<Vec<u8>>> {
        let what = || format!("cannot read {object} from git");
        writeln!(self.requests, "{object}").and_then(|()| self.requests.flush()).with_context(what)?;
        let mut head = Vec::new();
        self.answers.by_ref().take(MAX_LINE).read_until(b'\n', &mut head).with_context(what)?;
        let head = String::from_utf8_lossy(&head);
        // `OID blob SIZE`, or the request and `missing`.
        let fields: Vec<&str> = head.trim_end().rsplitn(3, ' ').collect();
        let size: u64 = match fields[..] {
            ["missing", ..] => return Ok(None),
            [size, "blob", _] => size.parse().with_context(what)?,
            [_, "tree" | "commit" | "tag", _] => bail!("{}: it is not a file", what()),
            _ => bail!("{}: git exited or answered {}", what(), head.escape_debug()),
        };
        if size > MAX_FILE {
            bail!("{}: it has {size} bytes, more than {MAX_FILE}", what());
        }
        let mut content = Vec::new();
        self.answers.by_ref().take(size + 1).read_to_end(&mut content).with_context(what)?;
        if content.pop() != Some(b'\n') || content.len() as u64 != size {
            bail!("{}: git exited in the middle of it", what());
        }
        Ok(Some(content))
    }
}

/// Stops git and waits for its exit, so that it does not become a zombie.
impl Drop for Batch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
