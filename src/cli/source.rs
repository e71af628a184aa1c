//! Results by name: a file, or a revision of one in git.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Places;
use crate::exit::{Exit, Failure};
use crate::git::{Committed, GitRevision, Repository};
use crate::model::MatrixResult;
use crate::report;
use crate::store::{CHECKED, Stamp, day_of, stamp};

/// Where results are: `FILE`, `git:REV` (the committed results in that revision) or `git:REV:FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file on disk.
    File(PathBuf),
    /// A file in a revision; `None`: the matrix.json of the results folder.
    Git(GitRevision, Option<PathBuf>),
}

impl FromStr for Source {
    type Err = crate::git::RevisionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(revision) = text.strip_prefix("git:") else { return Ok(Self::File(text.into())) };
        match revision.split_once(':') {
            Some((revision, file)) => Ok(Self::Git(revision.parse()?, Some(file.into()))),
            None => Ok(Self::Git(revision.parse()?, None)),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Git(revision, None) => write!(f, "git:{revision}"),
            Self::Git(revision, Some(file)) => write!(f, "git:{revision}:{}", file.display()),
        }
    }
}

impl Source {
    /// The results folder's matrix.json as it is on disk.
    pub(super) fn on_disk(places: &Places) -> Self {
        let file = places.results().join("matrix.json");
        Self::File(file.strip_prefix(".").map(Path::to_owned).unwrap_or(file))
    }

    /// The results. Without them there is no answer: exit code 4.
    pub(super) fn load(&self, places: &Places) -> anyhow::Result<MatrixResult> {
        let bytes = self.bytes(places)?.ok_or_else(|| {
            let message = format!("there are no results at {self}: make them with `atsmatrix run`, or name others");
            Failure::new(Exit::Incomplete, message)
        })?;
        let result = report::json::read(&bytes)
            .map_err(|error| Failure::new(Exit::Incomplete, format!("cannot use {self}: {error}")))?;
        Ok(result)
    }

    fn bytes(&self, places: &Places) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::File(file) => match fs::read(file) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).with_context(|| format!("cannot read {self}")),
            },
            Self::Git(revision, _) => {
                let (repository, name) = self.in_git(places)?;
                repository.read(revision, &name)
            }
        }
    }

    /// The repository that has the file, and the file's name below the repository's directory.
    pub(super) fn in_git(&self, places: &Places) -> anyhow::Result<(Repository, PathBuf)> {
        let none = || format!("{} is in no git repository: name a file instead", self.file(places).display());
        Ok(self.repository(places)?.ok_or_else(|| Failure::new(Exit::Usage, none()))?)
    }

    /// As [`Self::in_git`]; `None`: the file is in no repository.
    pub(super) fn repository(&self, places: &Places) -> anyhow::Result<Option<(Repository, PathBuf)>> {
        around(&self.file(places))
    }

    fn file(&self, places: &Places) -> PathBuf {
        match self {
            Self::File(file) | Self::Git(_, Some(file)) => file.clone(),
            Self::Git(_, None) => places.results().join("matrix.json"),
        }
    }

    /// How old the results are at `now`: since the day of their run, where that was noted, or else since they
    /// were committed. `None`: nobody knows; when a file was written says nothing, as any copy is new.
    pub(super) fn age(&self, places: &Places, now: SystemTime) -> anyhow::Result<Option<Duration>> {
        if let Some(day) = self.day(places)? {
            return Ok(since_day(day, now));
        }
        let committed = match self {
            Self::Git(revision, _) => {
                let (repository, name) = self.in_git(places)?;
                Some(repository.committed(revision, &name)?)
            }
            Self::File(file) => self.as_committed(file)?,
        };
        Ok(match committed {
            // A time that has not come yet is no time: of such results nobody knows how old they are.
            Some(Committed::At { first, last }) => since(last.into(), now).and(since(first.into(), now)),
            Some(Committed::Never | Committed::CutOff) | None => None,
        })
    }

    /// The day of the run that made the results, as the file beside them says.
    pub(super) fn day(&self, places: &Places) -> anyhow::Result<Option<Date>> {
        let Some((results, checked)) = self.checked(places)? else { return Ok(None) };
        Ok(day_of(&checked, &results))
    }

    /// What speaks against the results being what a run wrote; `None`: nothing, or nobody says what it wrote. Only
    /// of a file by the name of matrix.json does checked.json say anything.
    pub(super) fn changed(&self, places: &Places) -> anyhow::Result<Option<String>> {
        if self.file(places).file_name().is_none_or(|name| name != "matrix.json") {
            return Ok(None);
        }
        let Some((results, checked)) = self.checked(places)? else { return Ok(None) };
        Ok(match stamp(&checked, &results) {
            Stamp::Day(_) => None,
            Stamp::Other => Some(format!(
                "{self} was changed by hand, or merged by git: {CHECKED} beside it names the digest of other bytes"
            )),
            Stamp::Unreadable => Some(format!(
                "nobody can tell whether {self} is what a run wrote: {CHECKED} beside it is damaged, or of a newer atsmatrix"
            )),
        })
    }

    /// The results, and the file beside them that tells of their run; `None`: one of them is not there.
    fn checked(&self, places: &Places) -> anyhow::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let checked = match self {
            Self::File(file) => Self::File(file.with_file_name(CHECKED)),
            Self::Git(revision, _) => Self::Git(revision.clone(), Some(self.file(places).with_file_name(CHECKED))),
        };
        Ok(self.bytes(places)?.zip(checked.bytes(places)?))
    }

    /// When the file on disk was committed, if it is the same as in git.
    fn as_committed(&self, file: &Path) -> anyhow::Result<Option<Committed>> {
        let Some((repository, name)) = around(file)? else { return Ok(None) };
        let head = GitRevision::head();
        let here = fs::read(file).with_context(|| format!("cannot read {self}"))?;
        if !repository.has_commits()? || repository.read(&head, &name)? != Some(here) {
            return Ok(None);
        }
        repository.committed(&head, &name).map(Some)
    }
}

/// The repository around `file`, and the file's name below its directory; `None`: there is none.
fn around(file: &Path) -> anyhow::Result<Option<(Repository, PathBuf)>> {
    // An older revision may have folders that are not there now.
    let folder = file.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new(""));
    let name = file.strip_prefix(folder).unwrap_or(file).to_owned();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(Repository::discover(folder)?.map(|repository| (repository, name)))
}

/// How far clocks of different machines may be apart.
const SKEW: Duration = Duration::from_mins(10);

/// Since `then`; `None`: it is yet to come, by more than clocks differ.
fn since(then: SystemTime, now: SystemTime) -> Option<Duration> {
    (then <= now + SKEW).then(|| now.duration_since(then).unwrap_or_default())
}

/// Since the beginning of `day`; `None`: it is no day that could have been.
fn since_day(day: Date, now: SystemTime) -> Option<Duration> {
    since(day.to_zoned(TimeZone::UTC).ok()?.timestamp().into(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_named_as_files_or_revisions() {
        for text in ["results/matrix.json", "git:HEAD~3", "git:main:other/matrix.json"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert_eq!("git:main".parse(), Ok(Source::Git("main".parse().unwrap(), None)));
        assert!("git:-n".parse::<Source>().is_err() && "git:".parse::<Source>().is_err());
    }

    #[test]
    fn a_time_that_is_yet_to_come_makes_nothing_young() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 31) - Duration::from_mins(5);
        let day = |day: &str| since_day(day.parse().unwrap(), now);
        assert_eq!(day("1970-01-21"), Some(Duration::from_hours(264) - Duration::from_mins(5)));
        assert_eq!(day("1970-02-01"), Some(Duration::ZERO), "clocks differ a little");
        assert_eq!(day("1970-02-02"), None);
        assert_eq!(since(now + Duration::from_hours(1), now), None);
    }

    #[test]
    fn a_clock_that_is_behind_makes_nothing_old() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(since(SystemTime::UNIX_EPOCH, now), Some(Duration::from_secs(10)));
        assert_eq!(since(now, SystemTime::UNIX_EPOCH), Some(Duration::ZERO));
    }
}
