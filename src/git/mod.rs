//! Revisions of files, from the git program (`git` in PATH; 2.24 or later). Uses git's plumbing and
//! does not interpret the files.
//!
//! Arguments cannot become options, output is bounded, git never fetches or prompts, and its messages
//! are not interpreted.

mod program;
mod revision;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use crate::exit::{Exit, Failure};

pub use revision::{GitRevision, RevisionError};

use program::{Batch, first_line, run};

/// Largest file read from a revision, bytes.
pub const MAX_FILE: u64 = 64 << 20;

/// The repository that contains a directory.
#[derive(Debug, Clone)]
pub struct Repository {
    dir: PathBuf,
}

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full id, hex.
    pub id: String,
    /// Time of the commit.
    pub time: Timestamp,
    /// The first line of its message, unchanged (untrusted text).
    pub subject: String,
}

/// The commits that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLog {
    /// Oldest first, along first parents: the history of the branch itself.
    pub commits: Vec<Commit>,
    /// Whether there may be earlier ones: the clone is shallow, the limit was reached, or the file had another
    /// name before.
    pub cut: bool,
}

/// When the bytes of a file were committed, under any name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Times of the commits that added, moved or removed these bytes.
    At {
        /// The earliest.
        first: Timestamp,
        /// The latest.
        last: Timestamp,
    },
    /// It is not in the revision.
    Never,
    /// The clone is shallow: any older date is possible.
    CutOff,
}

impl Repository {
    /// The repository that contains `dir`; `None` if there is none. An error if there is one but git
    /// cannot use it, for example because git is not installed or it belongs to another user.
    pub fn discover(dir: &Path) -> Result<Option<Self>> {
        let full = dir.canonicalize().with_context(|| format!("cannot look for a repository at {}", dir.display()))?;
        let marked = std::env::var_os("GIT_DIR").is_some() || full.ancestors().any(|dir| dir.join(".git").exists());
        if !marked {
            return Ok(None);
        }
        let repository = Self { dir: full };
        run(&repository.dir, &["rev-parse", "--git-dir"]).map_err(|error| unusable(&repository.dir, &error))?;
        Ok(Some(repository))
    }

    /// Whether the repository has any commit.
    pub fn has_commits(&self) -> Result<bool> {
        Ok(self.id(&GitRevision::head())?.is_some())
    }

    /// The full id of the commit that `revision` names.
    pub fn resolve(&self, revision: &GitRevision) -> Result<String> {
        let none = || format!("there is no revision `{revision}` in the repository of {}", self.dir.display());
        Ok(self.id(revision)?.ok_or_else(|| Failure::new(Exit::Usage, none()))?)
    }

    fn id(&self, revision: &GitRevision) -> Result<Option<String>> {
        let name = format!("{revision}^{{commit}}");
        first_line(&self.dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
    }

    /// The file at `path` (relative to the directory) in `revision`; `None` if it does not exist there.
    pub fn read(&self, revision: &GitRevision, path: &Path) -> Result<Option<Vec<u8>>> {
        let commit = self.resolve(revision)?;
        Batch::start(&self.dir)?.read(&object(&commit, path)?)
    }

    /// Calls `each` for each commit of `log` with its state of the file at `path`, oldest first. Only one
    /// state is in memory at a time.
    pub fn each_state(
        &self,
        log: &CommitLog,
        path: &Path,
        mut each: impl FnMut(&Commit, Option<Vec<u8>>) -> Result<()>,
    ) -> Result<()> {
        let mut batch = Batch::start(&self.dir)?;
        for commit in &log.commits {
            each(commit, batch.read(&object(&commit.id, path)?)?)?;
        }
        Ok(())
    }

    /// The newest `limit` commits up to `revision` that changed the file at `path`.
    pub fn log(&self, revision: &GitRevision, path: &Path, limit: usize) -> Result<CommitLog> {
        let commit = self.resolve(revision)?;
        let count = format!("--max-count={}", limit.saturating_add(1));
        let mut commits = self.commits(&commit, path, &count)?;
        let more = commits.len() > limit;
        commits.truncate(limit);
        commits.reverse();
        let cut = more || self.is_shallow()? || self.was_renamed(commits.first(), path)?;
        Ok(CommitLog { commits, cut })
    }

    /// Whether `oldest`, the commit in which the file at `path` appears, only renamed it.
    fn was_renamed(&self, oldest: Option<&Commit>, path: &Path) -> Result<bool> {
        let Some(oldest) = oldest else { return Ok(false) };
        let parent = format!("{}^1", oldest.id);
        if first_line(&self.dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &parent])?.is_none() {
            return Ok(false);
        }
        let prefix = first_line(&self.dir, &["rev-parse", "--show-prefix"])?.unwrap_or_default();
        let name = format!("{prefix}{}", plain(path)?);
        let args = ["diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-only", &parent, &oldest.id];
        let renamed = run(&self.dir, &args)?;
        Ok(renamed.split(|byte| *byte == 0).any(|found| found == name.as_bytes()))
    }

    /// When the bytes that the file at `path` has in `revision` were committed. Moving a file, or removing and restoring
    /// it, does not change its age.
    pub fn committed(&self, revision: &GitRevision, path: &Path) -> Result<Committed> {
        let commit = self.resolve(revision)?;
        let object = object(&commit, path)?;
        let found = first_line(&self.dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &object])?;
        let Some(blob) = found else { return Ok(Committed::Never) };
        if self.is_shallow()? {
            return Ok(Committed::CutOff);
        }
        let find = format!("--find-object={blob}");
        let listed = run(&self.dir, &["log", "-s", "-m", "--format=%H%x00%ct", &find, "--end-of-options", &commit])?;
        let listed = String::from_utf8_lossy(&listed);
        let lines = listed.lines().filter_map(|line| line.split_once('\0'));
        let times = lines.map(|(id, time)| time_of(id, time)).collect::<Result<Vec<Timestamp>>>()?;
        let ends = times.iter().min().zip(times.iter().max());
        Ok(ends.map_or(Committed::CutOff, |(first, last)| Committed::At { first: *first, last: *last }))
    }

    /// The commits that changed the file, newest first.
    fn commits(&self, commit: &str, path: &Path, count: &str) -> Result<Vec<Commit>> {
        let path = plain(path)?;
        let args =
            ["rev-list", "--first-parent", count, "--format=%H%x00%ct%x00%s", "--end-of-options", commit, "--", path];
        let listed = run(&self.dir, &args)?;
        let listed = String::from_utf8_lossy(&listed);
        listed.lines().filter(|line| line.contains('\0')).map(parse).collect()
    }

    fn is_shallow(&self) -> Result<bool> {
        let shallow = first_line(&self.dir, &["rev-parse", "--is-shallow-repository"])?;
        shallow.map(|answer| answer == "true").context("git does not report whether the clone is shallow")
    }
}

/// The error for a repository that git cannot use. Nothing is wrong with the input, so it is not a usage error.
fn unusable(dir: &Path, error: &anyhow::Error) -> Failure {
    let dir = dir.display();
    let message = format!(
        "git cannot use the repository of {dir}: {error:#}. If it belongs to another user, run `git config --global --add \
         safe.directory {dir}` (or with its top directory), or give files instead of git:REV"
    );
    Failure::new(Exit::Incomplete, message)
}

fn parse(line: &str) -> Result<Commit> {
    let mut fields = line.splitn(3, '\0');
    let (Some(id), Some(time), Some(subject)) = (fields.next(), fields.next(), fields.next()) else {
        bail!("unexpected output of git rev-list: {}", line.escape_debug());
    };
    Ok(Commit { id: id.to_owned(), time: time_of(id, time)?, subject: subject.to_owned() })
}

fn time_of(id: &str, seconds: &str) -> Result<Timestamp> {
    let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.with_context(|| format!("commit {id} has an invalid time"))
}

/// The name of a file in a commit. `./` makes the path relative to the directory that git runs in.
fn object(commit: &str, path: &Path) -> Result<String> {
    Ok(format!("{commit}:./{}", plain(path)?))
}

/// A path that git's line protocol does not misread.
fn plain(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    match text {
        Some(text) if path.is_relative() && !text.is_empty() => Ok(text),
        _ => {
            let message = format!(
                "`{}` is not a path in a git repository: use a relative path, for example git:HEAD:results/matrix.json",
                path.display()
            );
            Err(Failure::new(Exit::Usage, message).into())
        }
    }
}
