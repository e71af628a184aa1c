//! The folder of one run, with everything that is not committed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::model::{BehaviourRecords, CellBehaviour, CellId, IdError, RunId, RunPlan, TrialEvidence};

use crate::report::behaviour;

use super::file;
use super::journal::{Journal, Recovered};
use super::log::Log;

/// `results/runs/RUN`. Its files are written during the run, so an interrupted run keeps them.
#[derive(Debug, Clone)]
pub struct RunFolder {
    dir: PathBuf,
}

/// What the run set out to do.
const PLAN: &str = "plan.json";

/// The folder with one file for each cell: how ATS behaved in it. No cell has this name.
const BEHAVIOUR: &str = "behaviour";

/// Longest trial id in a file name, bytes: file systems allow 255 for the whole name.
pub(super) const MAX_TRIAL: usize = 100;

/// The id of a run that starts at `now`, in UTC; `random` distinguishes runs of the same second. It
/// fails only for times before the year 0.
pub fn run_id(now: jiff::Timestamp, random: u16) -> Result<RunId, IdError> {
    format!("{}-{random:04x}", now.strftime("%Y%m%d-%H%M%S")).parse()
}

impl RunFolder {
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Its path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder of the same run for the evidence of cells with a workaround. Of the workaround's name, only
    /// letters, digits and `-` are used.
    #[must_use]
    pub fn under(&self, workaround: &str) -> Self {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let name: String = workaround.chars().filter(|c| legal(*c)).collect();
        Self { dir: self.dir.join("workarounds").join(name) }
    }

    /// The journal, for appending.
    pub fn journal(&self) -> Result<Journal> {
        Journal::open(&self.dir.join("journal.jsonl"))
    }

    /// The content of the journal so far.
    pub fn recover(&self) -> Result<Recovered> {
        Recovered::read(&self.dir.join("journal.jsonl"))
    }

    /// Locks the folder for a run; `None` if one is going on in it. The lock ends when the file is dropped, or with the process.
    pub fn lock(&self) -> Result<Option<File>> {
        let path = self.dir.join(".lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Keeps what the run set out to do.
    pub fn write_plan(&self, plan: &RunPlan) -> Result<()> {
        file::put(&self.dir.join(PLAN), &serde_json::to_vec_pretty(plan)?)
    }

    /// What the run set out to do; `None` if that was not kept.
    pub fn read_plan(&self) -> Result<Option<RunPlan>> {
        let path = self.dir.join(PLAN);
        let read = |bytes: Vec<u8>| {
            serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged: run it anew", path.display()))
        };
        file::read(&path)?.map(read).transpose()
    }

    /// Keeps how ATS behaved in a cell.
    pub fn write_behaviour(&self, cell: &CellId, behaviour: &CellBehaviour) -> Result<()> {
        let records = BehaviourRecords::from([(cell.clone(), behaviour.clone())]);
        file::put(&self.subfolder(BEHAVIOUR)?.join(folder_name(cell) + ".json"), &behaviour::write(&records))
    }

    /// How ATS behaved in the cells that have been kept.
    pub fn behaviour(&self) -> Result<BehaviourRecords> {
        let dir = self.dir.join(BEHAVIOUR);
        let mut all = BehaviourRecords::new();
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            entries => entries.with_context(|| format!("cannot list {}", dir.display()))?,
        };
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = file::read(&path)?.unwrap_or_default();
                all.extend(behaviour::read(&bytes).with_context(|| format!("{} is damaged", path.display()))?);
            }
        }
        Ok(all)
    }

    /// The program's debug log.
    pub fn debug_log(&self) -> Result<Log> {
        Log::open(&self.dir.join("debug.log"))
    }

    /// Keeps all evidence of one attempt of a trial; returns the file.
    pub fn write_evidence(&self, cell: &CellId, evidence: &TrialEvidence) -> Result<PathBuf> {
        let path = self.trial_file(cell, &evidence.trial, evidence.attempt, "json")?;
        let mut bytes = serde_json::to_vec_pretty(evidence)
            .with_context(|| format!("cannot write {}: the evidence cannot be written as JSON", path.display()))?;
        bytes.push(b'\n');
        file::put(&path, &bytes)?;
        Ok(path)
    }

    /// Writes the packets of one attempt of a trial; returns the file.
    pub fn write_pcapng(&self, cell: &CellId, trial: &str, attempt: u32, pcapng: &[u8]) -> Result<PathBuf> {
        let path = self.trial_file(cell, trial, attempt, "pcapng")?;
        file::put(&path, pcapng)?;
        Ok(path)
    }

    /// All evidence of a cell, by trial and attempt; empty when there is none.
    pub fn read_evidence(&self, cell: &CellId) -> Result<Vec<TrialEvidence>> {
        let dir = self.dir.join(folder_name(cell));
        if !dir.is_dir() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let path = entry.with_context(|| format!("cannot list {}", dir.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let bytes = file::read(&path)?.unwrap_or_default();
                let evidence: TrialEvidence =
                    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
                all.push(evidence);
            }
        }
        all.sort_by(|a, b| (&a.trial, a.attempt).cmp(&(&b.trial, b.attempt)));
        Ok(all)
    }

    /// Removes the evidence of a cell that runs again: attempts that it does not repeat would be taken for its own.
    pub fn forget(&self, cell: &CellId) -> Result<()> {
        let dir = self.dir.join(folder_name(cell));
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", dir.display()))
            }
            _ => Ok(()),
        }
    }

    fn trial_file(&self, cell: &CellId, trial: &str, attempt: u32, extension: &str) -> Result<PathBuf> {
        // Trial ids come from containers, so they must not choose where to write.
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_+.".contains(c);
        if trial.is_empty() || trial.len() > MAX_TRIAL || trial.starts_with('.') || !trial.chars().all(legal) {
            bail!("`{}` is not a valid trial id", crate::words::escape::terminal(trial, MAX_TRIAL));
        }
        Ok(self.subfolder(&folder_name(cell))?.join(format!("{trial}.{attempt}.{extension}")))
    }

    fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir)
    }
}

/// `debian-13_9.2.5`: names contain no `_`, so this is unique.
fn folder_name(cell: &CellId) -> String {
    format!("{}_{}", cell.distro, cell.ats)
}

#[cfg(test)]
mod tests {
    use crate::model::Observation;
    use crate::store::Results;

    use super::*;

    fn folder(dir: &tempfile::TempDir) -> RunFolder {
        Results::new(dir.path()).begin(&"r1".parse().unwrap()).unwrap()
    }

    #[test]
    fn run_ids_start_with_the_time_in_utc() {
        let now = "2026-11-23T15:15:02.7+01:00".parse().unwrap();
        assert_eq!(run_id(now, 0x3f2a).unwrap().as_str(), "20261123-141502-3f2a");
        assert_eq!(run_id(now, 7).unwrap().as_str(), "20261123-141502-0007");
        assert!(run_id(jiff::Timestamp::MIN, 0).is_err());
    }

    #[test]
    fn evidence_is_stored_by_cell_trial_and_attempt() {
        let dir = tempfile::tempdir().unwrap();
        let run = folder(&dir);
        let cell: CellId = "debian-13/9.2.5".parse().unwrap();
        assert_eq!(run.read_evidence(&cell).unwrap(), []);
        let evidence =
            |trial: &str, attempt| TrialEvidence { trial: trial.into(), attempt, observation: Observation::default() };
        let kept = [evidence("ctl-direct-tls", 1), evidence("tls-get", 1), evidence("tls-get", 2)];
        for one in kept.iter().rev() {
            run.write_evidence(&cell, one).unwrap();
        }
        let packets = run.write_pcapng(&cell, "tls-get", 2, b"\x0a\x0d\x0d\x0a").unwrap();
        assert!(packets.ends_with("runs/r1/debian-13_9.2.5/tls-get.2.pcapng"), "{}", packets.display());
        assert_eq!(run.read_evidence(&cell).unwrap(), kept);

        fs::write(run.dir().join("debian-13_9.2.5/tls-get.1.json"), "{").unwrap();
        let error = run.read_evidence(&cell).unwrap_err();
        assert!(error.to_string().ends_with("tls-get.1.json is damaged"), "{error}");
        run.forget(&cell).unwrap();
        run.forget(&cell).unwrap();
        assert_eq!(run.read_evidence(&cell).unwrap(), []);
    }

    #[test]
    fn a_trial_cannot_choose_where_to_write() {
        let dir = tempfile::tempdir().unwrap();
        let run = folder(&dir);
        let cell = "debian-13/9.2.5".parse().unwrap();
        for hostile in ["", "../x", "/etc/x", ".x", "a/b", "a\0", "a\u{1b}", &"a".repeat(101)] {
            assert!(run.write_pcapng(&cell, hostile, 1, b"").is_err(), "{hostile}");
        }
    }

    #[test]
    fn a_run_has_a_log_and_a_journal() {
        let dir = tempfile::tempdir().unwrap();
        let run = folder(&dir);
        run.debug_log().unwrap().line("x").unwrap();
        run.journal().unwrap().append(&crate::model::Event::Note("x".into())).unwrap();
        assert_eq!(run.recover().unwrap().events.len(), 1);
    }

    #[test]
    fn a_run_keeps_what_resuming_it_needs_and_is_locked_while_it_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let run = folder(&dir);
        assert_eq!((run.read_plan().unwrap(), run.behaviour().unwrap()), (None, BehaviourRecords::new()));
        let cell: CellId = "debian-13/9.2.5".parse().unwrap();
        let plan = RunPlan {
            program: "p".into(),
            matrix: "m".into(),
            distro: Vec::new(),
            ats: vec!["9.2*".into()],
            trial: Vec::new(),
            shard: None,
            cells: [(cell.clone(), "tag".to_owned())].into(),
        };
        run.write_plan(&plan).unwrap();
        run.write_behaviour(&cell, &CellBehaviour::new()).unwrap();
        assert_eq!(run.read_plan().unwrap(), Some(plan));
        assert_eq!(run.behaviour().unwrap().into_keys().collect::<Vec<_>>(), [cell]);
        let held = run.lock().unwrap();
        assert!(held.is_some() && run.lock().unwrap().is_none());
        drop(held);
        assert!(run.lock().unwrap().is_some());

        fs::write(run.dir().join(PLAN), "{").unwrap();
        let error = run.read_plan().unwrap_err();
        assert!(error.to_string().ends_with("plan.json is damaged: run it anew"), "{error}");
    }
}
