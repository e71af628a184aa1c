//! Results by name: a file, or a revision of one in git.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::PathArgs;
use crate::exit::{Exit, Failure};
use crate::git::{Committed, GitRevision, Repository};
use crate::model::{BehaviourRecords, MatrixResult};
use crate::report;
use crate::store::{BEHAVIOUR, CHECKED, Stamp, day_of, is_of_run, stamp};

/// A source of results: `FILE`, `git:REV` (the committed results in that revision) or `git:REV:FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResultsSource {
    /// A file on disk.
    File(PathBuf),
    /// A file in a revision; `None` means matrix.json of the results folder.
    Git(GitRevision, Option<PathBuf>),
}

impl FromStr for ResultsSource {
    type Err = crate::git::RevisionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(revision) = text.strip_prefix("git:") else { return Ok(Self::File(text.into())) };
        match revision.split_once(':') {
            Some((revision, file)) => Ok(Self::Git(revision.parse()?, Some(file.into()))),
            None => Ok(Self::Git(revision.parse()?, None)),
        }
    }
}

impl fmt::Display for ResultsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Git(revision, None) => write!(f, "git:{revision}"),
            Self::Git(revision, Some(file)) => write!(f, "git:{revision}:{}", file.display()),
        }
    }
}

impl ResultsSource {
    /// matrix.json of the results folder on disk.
    pub(super) fn on_disk(places: &PathArgs) -> Self {
        let file = places.results().join("matrix.json");
        Self::File(file.strip_prefix(".").map(Path::to_owned).unwrap_or(file))
    }

    /// Loads the results. Without results the exit code is 4.
    pub(super) fn load(&self, places: &PathArgs) -> anyhow::Result<MatrixResult> {
        let bytes = self.bytes(places)?.ok_or_else(|| {
            let message = format!("no results at {self}: run `atsmatrix run`, or name other results");
            Failure::new(Exit::Incomplete, message)
        })?;
        let result = report::json::read(&bytes)
            .map_err(|error| Failure::new(Exit::Incomplete, format!("cannot use {self}: {error}")))?;
        Ok(result)
    }

    /// What was recorded of the cells of these results: behaviour.json beside them. Results without it have none, nor have those
    /// that are not named matrix.json.
    ///
    /// # Errors
    /// The file is damaged, newer, or not the one that the run of these results wrote: exit code 2.
    pub(super) fn behaviour(&self, places: &PathArgs) -> anyhow::Result<BehaviourRecords> {
        if self.file(places).file_name().is_none_or(|name| name != "matrix.json") {
            return Ok(BehaviourRecords::new());
        }
        let beside = self.beside(places, BEHAVIOUR);
        let Some(bytes) = beside.bytes(places)? else { return Ok(BehaviourRecords::new()) };
        let unusable = |why: String| Failure::new(Exit::Usage, format!("cannot use {beside}: {why}"));
        // Records of other results would tell that nothing changed.
        let of_run = self.checked(places)?.is_some_and(|(results, checked)| {
            is_of_run(&checked, &bytes) && matches!(stamp(&checked, &results), Stamp::Day(_))
        });
        if !of_run {
            let why = format!(
                "{CHECKED} beside it does not tell that one run wrote it with these results: a file was edited by hand, merged \
                 by git or is missing; run the cells again"
            );
            return Err(unusable(why).into());
        }
        Ok(report::behaviour::read(&bytes).map_err(|error| unusable(error.to_string()))?)
    }

    /// The file `name` beside the results.
    fn beside(&self, places: &PathArgs, name: &str) -> Self {
        match self {
            Self::File(file) => Self::File(file.with_file_name(name)),
            Self::Git(revision, _) => Self::Git(revision.clone(), Some(self.file(places).with_file_name(name))),
        }
    }

    fn bytes(&self, places: &PathArgs) -> anyhow::Result<Option<Vec<u8>>> {
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
    pub(super) fn in_git(&self, places: &PathArgs) -> anyhow::Result<(Repository, PathBuf)> {
        let none = || format!("{} is not in a git repository: name a file instead", self.file(places).display());
        Ok(self.repository(places)?.ok_or_else(|| Failure::new(Exit::Usage, none()))?)
    }

    /// As [`Self::in_git`]; `None` if the file is not in a repository.
    pub(super) fn repository(&self, places: &PathArgs) -> anyhow::Result<Option<(Repository, PathBuf)>> {
        around(&self.file(places))
    }

    fn file(&self, places: &PathArgs) -> PathBuf {
        match self {
            Self::File(file) | Self::Git(_, Some(file)) => file.clone(),
            Self::Git(_, None) => places.results().join("matrix.json"),
        }
    }

    /// The age of the results at `now`: since the recorded day of their run, else since their commit. `None` if unknown; the
    /// modification time of a file does not count, as every copy is new.
    pub(super) fn age(&self, places: &PathArgs, now: SystemTime) -> anyhow::Result<Option<Duration>> {
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
            // A commit in the future has no usable time: the age is unknown.
            Some(Committed::At { first, last }) => since(last.into(), now).and(since(first.into(), now)),
            Some(Committed::Never | Committed::CutOff) | None => None,
        })
    }

    /// The day of the run that made the results, from the file beside them.
    pub(super) fn day(&self, places: &PathArgs) -> anyhow::Result<Option<Date>> {
        let Some((results, checked)) = self.checked(places)? else { return Ok(None) };
        Ok(day_of(&checked, &results))
    }

    /// Why the results are not those that a run wrote; `None` if they are, or if that is unknown. checked.json describes only a
    /// file named matrix.json.
    pub(super) fn changed(&self, places: &PathArgs) -> anyhow::Result<Option<String>> {
        if self.file(places).file_name().is_none_or(|name| name != "matrix.json") {
            return Ok(None);
        }
        let Some((results, checked)) = self.checked(places)? else { return Ok(None) };
        Ok(match stamp(&checked, &results) {
            Stamp::Day(_) => None,
            Stamp::Other => Some(format!(
                "{self} was edited by hand or merged by git: its digest differs from that in {CHECKED} beside it"
            )),
            Stamp::Unreadable => Some(format!(
                "cannot check whether a run wrote {self}: {CHECKED} beside it is damaged, or of a newer atsmatrix"
            )),
        })
    }

    /// The results and the file beside them that describes their run; `None` if either is missing.
    fn checked(&self, places: &PathArgs) -> anyhow::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let checked = self.beside(places, CHECKED);
        Ok(self.bytes(places)?.zip(checked.bytes(places)?))
    }

    /// When the file on disk was committed; `None` if it differs from the committed one.
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

/// The repository that contains `file`, and the path of the file in it; `None` if there is none.
fn around(file: &Path) -> anyhow::Result<Option<(Repository, PathBuf)>> {
    // A folder of an older revision may not exist now.
    let folder = file.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new(""));
    let name = file.strip_prefix(folder).unwrap_or(file).to_owned();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    Ok(Repository::discover(folder)?.map(|repository| (repository, name)))
}

/// Accepted difference between the clocks of two machines.
const SKEW: Duration = Duration::from_mins(10);

/// The time since `then`; `None` if that is in the future by more than [`SKEW`].
fn since(then: SystemTime, now: SystemTime) -> Option<Duration> {
    (then <= now + SKEW).then(|| now.duration_since(then).unwrap_or_default())
}

/// The time since the start of `day`; `None` if that is in the future.
fn since_day(day: Date, now: SystemTime) -> Option<Duration> {
    since(day.to_zoned(TimeZone::UTC).ok()?.timestamp().into(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_files_or_revisions() {
        for text in ["results/matrix.json", "git:HEAD~3", "git:main:other/matrix.json"] {
            assert_eq!(text.parse::<ResultsSource>().unwrap().to_string(), text);
        }
        assert_eq!("git:main".parse(), Ok(ResultsSource::Git("main".parse().unwrap(), None)));
        assert!("git:-n".parse::<ResultsSource>().is_err() && "git:".parse::<ResultsSource>().is_err());
    }

    #[test]
    fn a_time_in_the_future_gives_no_age() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 31) - Duration::from_mins(5);
        let day = |day: &str| since_day(day.parse().unwrap(), now);
        assert_eq!(day("1970-01-21"), Some(Duration::from_hours(264) - Duration::from_mins(5)));
        assert_eq!(day("1970-02-01"), Some(Duration::ZERO), "clocks differ a little");
        assert_eq!(day("1970-02-02"), None);
        assert_eq!(since(now + Duration::from_hours(1), now), None);
    }

    #[test]
    fn a_clock_that_is_slightly_behind_gives_age_zero() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        assert_eq!(since(SystemTime::UNIX_EPOCH, now), Some(Duration::from_secs(10)));
        assert_eq!(since(now, SystemTime::UNIX_EPOCH), Some(Duration::ZERO));
    }
}
