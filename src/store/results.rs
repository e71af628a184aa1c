//! The directory as a whole: its committed files under a lock, its runs.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;

use crate::model::{MatrixResult, RunId};
use crate::report::{json, markdown};

use super::checked::{self, CHECKED};
use super::file;
use super::run::RunFolder;

/// A results directory; nothing is created before it is needed.
#[derive(Debug, Clone)]
pub struct Results {
    dir: PathBuf,
}

impl Results {
    /// The results in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where they are.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// `results/matrix.json`.
    pub fn matrix_json(&self) -> PathBuf {
        self.dir.join("matrix.json")
    }

    /// The committed result; `None` when there is none yet. Needs no lock: files are replaced whole.
    pub fn read(&self) -> Result<Option<MatrixResult>> {
        let path = self.matrix_json();
        let Some(bytes) = file::read(&path)? else { return Ok(None) };
        json::read(&bytes).map(Some).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Replaces the committed files by what `make` makes of the present result, and returns those
    /// whose bytes changed. Waits while another run does the same, so that neither loses the
    /// other's cells.
    ///
    /// A present matrix.json that cannot be read (damaged, or of a newer atsmatrix) is an error and
    /// stays as it is.
    ///
    /// They stay as old as they were: what is known of their day (`checked.json`) goes with them.
    pub fn commit(&self, make: impl FnOnce(Option<MatrixResult>) -> MatrixResult) -> Result<Vec<PathBuf>> {
        self.commit_checked(|previous| (make(previous), None))
    }

    /// As [`Self::commit`], of results whose cells were all run on the day that `make` gives; without one they
    /// stay as old as they were.
    pub fn commit_checked(
        &self,
        make: impl FnOnce(Option<MatrixResult>) -> (MatrixResult, Option<Date>),
    ) -> Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        let before = self.day()?;
        let (result, day) = make(self.read()?);
        // Results of a run are not lost for an answer that cannot be read: `report` says which.
        let bisections = self.bisections().unwrap_or_default();
        let bytes = json::write(&result);
        let checked = day.or(before).map(|day| (self.dir.join(CHECKED), checked::write(&bytes, day).into_bytes()));
        let page = markdown::with_bisections(&result, &bisections).into_bytes();
        let files = [(self.matrix_json(), bytes), (self.dir.join("README.md"), page)];
        let files = files.into_iter().chain(checked);
        let mut changed = Vec::new();
        for (path, bytes) in files {
            if file::replace(&path, &bytes)? {
                changed.push(path);
            }
        }
        Ok(changed)
    }

    /// The day of the run that made the present result, where it is known.
    fn day(&self) -> Result<Option<Date>> {
        let (results, checked) = (file::read(&self.matrix_json())?, file::read(&self.dir.join(CHECKED))?);
        Ok(results.zip(checked).and_then(|(results, checked)| checked::day(&checked, &results)))
    }

    /// Held until the file is dropped; the kernel gives it up when the process dies, so there are
    /// no stale locks.
    fn lock(&self) -> Result<File> {
        let path = self.runs_dir()?.join(".lock");
        let lock = || -> std::io::Result<File> {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().with_context(|| format!("cannot lock {}", path.display()))
    }

    /// Begins the folder of run `id`. An error if there is one of that name: a run is never mixed
    /// with another.
    pub fn begin(&self, id: &RunId) -> Result<RunFolder> {
        let dir = self.runs_dir()?.join(id.as_str());
        match fs::create_dir(&dir) {
            Ok(()) => Ok(RunFolder::at(dir)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} exists already: use another run id", dir.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot create {}", dir.display())),
        }
    }

    /// The folder of a run that was begun before.
    pub fn run(&self, id: &RunId) -> Result<RunFolder> {
        let dir = self.dir.join("runs").join(id.as_str());
        if !dir.is_dir() {
            bail!(
                "there is no run {id} in {}: its folder is named by the id of the run",
                self.dir.join("runs").display()
            );
        }
        Ok(RunFolder::at(dir))
    }

    /// The runs there are, oldest first (ids start with the time).
    pub fn runs(&self) -> Result<Vec<RunId>> {
        let dir = self.dir.join("runs");
        let names = || -> std::io::Result<Vec<RunId>> {
            let mut ids = Vec::new();
            for entry in fs::read_dir(&dir)? {
                let entry = entry?;
                let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
                if entry.file_type()?.is_dir() {
                    ids.extend(id);
                }
            }
            ids.sort();
            Ok(ids)
        };
        match names() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            result => result.with_context(|| format!("cannot list {}", dir.display())),
        }
    }

    /// The folder of all runs, which tells git to ignore it: the results directory may be in any
    /// repository.
    fn runs_dir(&self) -> Result<PathBuf> {
        let dir = self.dir.join("runs");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let ignore = dir.join(".gitignore");
        if !Path::exists(&ignore) {
            file::put(&ignore, b"*\n")?;
        }
        Ok(dir)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use crate::store::merge::{merge, tests::frame};
    use crate::words::fixture;

    use super::*;

    #[test]
    fn the_same_result_changes_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path().join("results"));
        assert!(results.read().unwrap().is_none());
        let changed = results.commit(|previous| previous.unwrap_or_else(fixture::matrix)).unwrap();
        assert_eq!(changed.len(), 2);
        let read = results.read().unwrap().unwrap();
        assert_eq!(read, json::ordered(&fixture::matrix()));
        let mut shuffled = read;
        shuffled.cells.reverse();
        assert!(results.commit(|_| shuffled).unwrap().is_empty());
        let mut names: Vec<_> =
            fs::read_dir(dir.path().join("results")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["README.md", "matrix.json", "runs"]);
        assert_eq!(fs::read_to_string(dir.path().join("results/runs/.gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn the_day_of_a_run_goes_with_its_results() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let on = |day: &str| Some(day.parse::<Date>().unwrap());
        results.commit_checked(|_| (fixture::matrix(), on("2026-11-20"))).unwrap();
        assert_eq!(results.day().unwrap(), on("2026-11-20"));
        // The same results on another day: only the day is written.
        let changed = results.commit_checked(|_| (fixture::matrix(), on("2026-11-25"))).unwrap();
        assert_eq!(changed, [dir.path().join(CHECKED)]);
        assert!(results.commit_checked(|_| (fixture::matrix(), on("2026-11-25"))).unwrap().is_empty());
        // Some cells were run anew, or expectations changed: the others are as old as they were.
        let other = MatrixResult { matrix: "other".into(), ..fixture::matrix() };
        assert_eq!(results.commit(|_| other).unwrap().len(), 3, "its digest stands in each of them");
        assert_eq!(results.day().unwrap(), on("2026-11-25"));
        fs::write(results.matrix_json(), json::write(&fixture::matrix())).unwrap();
        assert_eq!(results.day().unwrap(), None, "somebody else wrote the results");
    }

    #[test]
    fn runs_at_the_same_time_lose_no_cell() {
        let dir = tempfile::tempdir().unwrap();
        let whole = fixture::matrix();
        let frame = frame(&whole);
        thread::scope(|scope| {
            for cells in whole.cells.chunks(3) {
                let (results, frame) = (Results::new(dir.path()), &frame);
                scope.spawn(move || {
                    for cell in cells {
                        results.commit(|previous| merge(previous, frame, vec![cell.clone()])).unwrap();
                    }
                });
            }
        });
        assert_eq!(Results::new(dir.path()).read().unwrap().unwrap().cells.len(), whole.cells.len());
    }

    #[test]
    fn an_unreadable_result_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        for (bytes, why) in [
            ("{\"schema\": 99}", "use a newer atsmatrix"),
            ("<<<<<<< HEAD", "line 1 of matrix.json is a conflict marker"),
            ("{\"schema\"", "damaged"),
        ] {
            fs::write(results.matrix_json(), bytes).unwrap();
            let error = results.commit(|_| fixture::matrix()).unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
            assert_eq!(fs::read_to_string(results.matrix_json()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_directory_that_cannot_be_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let results = Results::new(file.path());
        let runs = file.path().join("runs");
        let error = results.commit(|_| fixture::matrix()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot create {}", runs.display()));
        assert!(results.begin(&"r1".parse().unwrap()).is_err());
    }

    #[test]
    fn every_run_has_a_folder_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        assert_eq!(results.runs().unwrap(), []);
        let ids = ["20261123-141502-3f2a", "20261123-141503-0001"].map(|id| id.parse::<RunId>().unwrap());
        for id in ids.iter().rev() {
            assert!(results.run(id).is_err());
            results.begin(id).unwrap();
            results.run(id).unwrap();
        }
        assert_eq!(results.runs().unwrap(), ids);
        let error = results.begin(&ids[0]).unwrap_err();
        assert!(error.to_string().ends_with("20261123-141502-3f2a exists already: use another run id"), "{error}");
    }
}
