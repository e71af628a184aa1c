//! The results directory as a whole: its committed files, under a lock, and its runs.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::civil::Date;
use nix::sys::statvfs::statvfs;

use crate::model::{BehaviourRecords, MatrixResult, RunId};
use crate::report::{behaviour, json, markdown};

use super::checked::{self, CHECKED};
use super::file;
use super::run::RunFolder;

/// Name of the file with what trials negotiated and exchanged, beside matrix.json.
pub const BEHAVIOUR: &str = "behaviour.json";

/// Free space that a run needs at least, bytes: twice the evidence of a cell in which nearly everything fails.
const LEAST_FREE: u64 = 12 << 20;

/// What a commit writes.
#[derive(Debug, Clone)]
pub struct CommittedFiles {
    /// The content of matrix.json.
    pub result: MatrixResult,
    /// The day on which all of its cells were run; `None`: the age of the results does not change.
    pub day: Option<Date>,
    /// The content of behaviour.json.
    pub behaviour: BehaviourRecords,
}

/// A results directory. Nothing is created before it is needed.
#[derive(Debug, Clone)]
pub struct Results {
    dir: PathBuf,
}

impl Results {
    /// The results in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Path of the directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// `results/matrix.json`.
    pub fn matrix_json(&self) -> PathBuf {
        self.dir.join("matrix.json")
    }

    /// `results/behaviour.json`.
    fn behaviour_json(&self) -> PathBuf {
        self.dir.join(BEHAVIOUR)
    }

    /// The committed result; `None` if there is none yet. It needs no lock, because files are replaced atomically.
    pub fn read(&self) -> Result<Option<MatrixResult>> {
        let path = self.matrix_json();
        let Some(bytes) = file::read(&path)? else { return Ok(None) };
        json::read(&bytes).map(Some).with_context(|| format!("cannot use {}", path.display()))
    }

    /// Replaces the committed files by what `make` makes of the current result, and returns those
    /// whose bytes changed. Waits while another run does the same, so that neither loses the
    /// other's cells. The age of the results (`checked.json`) does not change.
    ///
    /// A matrix.json that cannot be read (damaged, or written by a newer atsmatrix) is an error and
    /// stays as it is.
    pub fn commit(&self, make: impl FnOnce(Option<MatrixResult>) -> MatrixResult) -> Result<Vec<PathBuf>> {
        self.commit_checked(|previous| (make(previous), None))
    }

    /// Like [`Self::commit`], for results whose cells were all run on the day that `make` returns; if it returns none,
    /// their age does not change.
    pub fn commit_checked(
        &self,
        make: impl FnOnce(Option<MatrixResult>) -> (MatrixResult, Option<Date>),
    ) -> Result<Vec<PathBuf>> {
        self.commit_all(|previous, behaviour| {
            let (result, day) = make(previous);
            CommittedFiles { result, day, behaviour }
        })
    }

    /// Like [`Self::commit_checked`], with what was recorded of the cells. Records of cells that are not in the result are
    /// dropped. Those on disk that cannot be read, or that no run wrote, are gone: then it is unknown how their cells behave.
    pub fn commit_all(
        &self,
        make: impl FnOnce(Option<MatrixResult>, BehaviourRecords) -> CommittedFiles,
    ) -> Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        let before = self.day()?;
        let known = file::read(&self.behaviour_json())?;
        // Records that no run wrote must not become those of one.
        let checked = file::read(&self.dir.join(CHECKED))?;
        let trusted = |bytes: &&Vec<u8>| checked.as_ref().is_some_and(|checked| checked::is_of_run(checked, bytes));
        let records = known.as_ref().filter(trusted).and_then(|bytes| behaviour::read(bytes).ok()).unwrap_or_default();
        let CommittedFiles { result, day, behaviour: records } = make(self.read()?, records);
        // An unreadable bisection must not lose the results of a run; `report` reports it.
        let bisections = self.bisections().unwrap_or_default();
        let bytes = json::write(&result);
        let records = behaviour::only(records, &result.cells.iter().map(|cell| &cell.id).collect());
        let records = (known.is_some() || !records.is_empty()).then(|| behaviour::write(&records));
        let checked = day
            .or(before)
            .map(|day| (self.dir.join(CHECKED), checked::write(&bytes, records.as_deref(), day).into_bytes()));
        let page = markdown::with_bisections(&result, &bisections).into_bytes();
        let files = [(self.matrix_json(), bytes), (self.dir.join("README.md"), page)];
        let files = files.into_iter().chain(records.map(|bytes| (self.behaviour_json(), bytes))).chain(checked);
        let mut changed = Vec::new();
        for (path, bytes) in files {
            if file::replace(&path, &bytes)? {
                changed.push(path);
            }
        }
        Ok(changed)
    }

    /// The day of the run that made the current result, if known.
    fn day(&self) -> Result<Option<Date>> {
        let (results, checked) = (file::read(&self.matrix_json())?, file::read(&self.dir.join(CHECKED))?);
        Ok(results.zip(checked).and_then(|(results, checked)| checked::day(&checked, &results)))
    }

    /// The lock, held until the file is dropped. The kernel releases it when the process dies, so there are
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

    /// Creates the folder of run `id`. An error if it exists, as runs are never mixed, or if there is no room for its evidence.
    pub fn begin(&self, id: &RunId) -> Result<RunFolder> {
        let runs = self.runs_dir()?;
        let free = statvfs(&runs).with_context(|| format!("cannot find out the free space of {}", runs.display()))?;
        #[expect(clippy::useless_conversion, reason = "the type depends on the target")]
        let free = u64::from(free.blocks_available()).saturating_mul(free.fragment_size().into());
        ensure!(
            free >= LEAST_FREE,
            "{} has {} MB left, and the evidence of a cell that fails takes 6: make room, or name another folder with \
             --results",
            runs.display(),
            free >> 20
        );
        let dir = runs.join(id.as_str());
        match fs::create_dir(&dir) {
            Ok(()) => Ok(RunFolder::at(dir)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} already exists: use another run id", dir.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot create {}", dir.display())),
        }
    }

    /// The folder of an earlier run.
    pub fn run(&self, id: &RunId) -> Result<RunFolder> {
        let dir = self.dir.join("runs").join(id.as_str());
        if !dir.is_dir() {
            bail!("there is no run {id} in {}: its folders are named by run ids", self.dir.join("runs").display());
        }
        Ok(RunFolder::at(dir))
    }

    /// All runs, oldest first (ids start with the time).
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

    /// The folder of all runs. It contains a .gitignore, because the results directory may be in any
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

    use crate::model::{BehaviourPart, TrialBehaviour};
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
    fn the_day_of_a_run_is_kept_with_its_results() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let on = |day: &str| Some(day.parse::<Date>().unwrap());
        results.commit_checked(|_| (fixture::matrix(), on("2026-11-20"))).unwrap();
        assert_eq!(results.day().unwrap(), on("2026-11-20"));
        // The same results on another day: only the day is written.
        let changed = results.commit_checked(|_| (fixture::matrix(), on("2026-11-25"))).unwrap();
        assert_eq!(changed, [dir.path().join(CHECKED)]);
        assert!(results.commit_checked(|_| (fixture::matrix(), on("2026-11-25"))).unwrap().is_empty());
        // Some cells were run again, or expectations changed: the age stays.
        let other = MatrixResult { matrix: "other".into(), ..fixture::matrix() };
        assert_eq!(results.commit(|_| other).unwrap().len(), 3, "each of them contains its digest");
        assert_eq!(results.day().unwrap(), on("2026-11-25"));
        fs::write(results.matrix_json(), json::write(&fixture::matrix())).unwrap();
        assert_eq!(results.day().unwrap(), None, "another program wrote the results");
    }

    #[test]
    fn behaviour_is_kept_with_the_cells_it_is_of() {
        let dir = tempfile::tempdir().unwrap();
        let results = Results::new(dir.path());
        let result = fixture::matrix();
        let id = result.cells[0].id.clone();
        let group = |name: &str| {
            let aspects = [("group".to_owned(), name.to_owned())].into();
            let of_trial = TrialBehaviour([(BehaviourPart::Tls, aspects)].into());
            [("tls-get".to_owned(), of_trial)].into()
        };
        let day = Some("2026-11-20".parse::<Date>().unwrap());
        let stray = "debian-99/9.2.9".parse().unwrap();
        let records: BehaviourRecords = [(id.clone(), group("X25519")), (stray, group("x448"))].into();
        let (made, behaviour) = (result.clone(), records.clone());
        results.commit_all(|_, _| CommittedFiles { result: made, day, behaviour }).unwrap();
        let read = || behaviour::read(&fs::read(dir.path().join(BEHAVIOUR)).unwrap()).unwrap();
        assert_eq!(read(), [(id.clone(), group("X25519"))].into(), "only cells of the result");
        let written = || (fs::read(dir.path().join(CHECKED)).unwrap(), fs::read(dir.path().join(BEHAVIOUR)).unwrap());
        let (checked, bytes) = written();
        assert!(checked::is_of_run(&checked, &bytes));
        // Expectations changed: what was recorded stays.
        results.commit(|previous| MatrixResult { matrix: "other".into(), ..previous.unwrap() }).unwrap();
        assert_eq!(read().len(), 1);
        let (checked, bytes) = written();
        assert!(checked::is_of_run(&checked, &bytes));
        // A damaged file is replaced by what is known.
        fs::write(dir.path().join(BEHAVIOUR), "<<<<<<<").unwrap();
        results.commit_checked(|previous| (previous.unwrap(), None)).unwrap();
        assert!(read().is_empty());
    }

    #[test]
    fn concurrent_runs_lose_no_cell() {
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
    fn a_directory_that_cannot_be_created_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let results = Results::new(file.path());
        let runs = file.path().join("runs");
        let error = results.commit(|_| fixture::matrix()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot create {}", runs.display()));
        assert!(results.begin(&"r1".parse().unwrap()).is_err());
    }

    #[test]
    fn every_run_has_its_own_folder() {
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
        assert!(error.to_string().ends_with("20261123-141502-3f2a already exists: use another run id"), "{error}");
    }
}
