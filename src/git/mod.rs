//! Revisions of files, asked of the git program (`git` in PATH; 2.24 or later). Knows git's
//! plumbing and nothing of what is in the files.
//!
//! Arguments cannot become options, output is bounded, nothing is fetched or asked, and git's texts
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

/// Largest file that is read from a revision, bytes.
pub const MAX_FILE: u64 = 64 << 20;

/// The repository around a directory.
#[derive(Debug, Clone)]
pub struct Repository {
    dir: PathBuf,
}

/// A commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its full id, hex.
    pub id: String,
    /// When it was committed.
    pub time: Timestamp,
    /// Its first line, as written (hostile text).
    pub subject: String,
}

/// Commits that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLog {
    /// Oldest first, along first parents: what the branch itself went through.
    pub commits: Vec<Commit>,
    /// Whether there may have been earlier ones: a shallow clone, the limit was reached, or the file had another
    /// name before.
    pub cut: bool,
}

/// When the bytes of a file were committed, under whatever name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Of the commits that brought these bytes, moved them or took them away.
    At {
        /// The earliest time.
        first: Timestamp,
        /// The latest one.
        last: Timestamp,
    },
    /// It is not in the revision.
    Never,
    /// The clone is shallow: any older date is possible.
    CutOff,
}

impl Repository {
    /// The repository that `dir` lies in; `None`: it lies in none. An error if there is one and git
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

    /// Whether anything was committed yet.
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

    /// The file at `path` (relative to the directory) in `revision`; `None`: it is not there.
    pub fn read(&self, revision: &GitRevision, path: &Path) -> Result<Option<Vec<u8>>> {
        let commit = self.resolve(revision)?;
        Batch::start(&self.dir)?.read(&object(&commit, path)?)
    }

    /// Gives each commit of `log` and its state of the file at `path` to `each`, oldest first. Reads
    /// one after the other, so that only one is in memory.
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

    /// Whether `oldest`, the commit in which the file at `path` appears, gave it that name and no more.
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

    /// When the bytes that the file at `path` has in `revision` were committed. A file that is moved, or taken away and
    /// brought back, is as old as it was.
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

    /// Those that changed the file, newest first.
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
        shallow.map(|answer| answer == "true").context("git does not say whether the clone is shallow")
    }
}

/// Without git there is no answer, which is not the same as a mistake in here.
fn unusable(dir: &Path, error: &anyhow::Error) -> Failure {
    let dir = dir.display();
    let message = format!(
        "there is a git repository around {dir}, and it cannot be used: {error:#}. If it belongs to another user, say that \
         it is safe: git config --global --add safe.directory {dir} (or its top directory); or name files instead of git:REV"
    );
    Failure::new(Exit::Incomplete, message)
}

fn parse(line: &str) -> Result<Commit> {
    let mut fields = line.splitn(3, '\0');
    let (Some(id), Some(time), Some(subject)) = (fields.next(), fields.next(), fields.next()) else {
        bail!("git rev-list printed something unforeseen: {}", line.escape_debug());
    };
    Ok(Commit { id: id.to_owned(), time: time_of(id, time)?, subject: subject.to_owned() })
}

fn time_of(id: &str, seconds: &str) -> Result<Timestamp> {
    let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.with_context(|| format!("commit {id} has no usable time"))
}

/// `./` makes the path one below the directory git runs in, wherever that lies in the repository.
fn object(commit: &str, path: &Path) -> Result<String> {
    Ok(format!("{commit}:./{}", plain(path)?))
}

/// A path that means the same to git's line protocol.
fn plain(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    match text {
        Some(text) if path.is_relative() && !text.is_empty() => Ok(text),
        _ => {
            let message = format!(
                "`{}` cannot be looked up in git: name a file by a relative path of plain text, for example git:HEAD:results/matrix.json",
                path.display()
            );
            Err(Failure::new(Exit::Usage, message).into())
        }
    }
}
