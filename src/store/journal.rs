//! journal.jsonl: one event per line, appended when it happens, so that an interrupted run keeps what it has
//! finished.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::model::{CellId, CellResult, Event};

use super::file;

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The last line is incomplete: the run that wrote it was killed, or a write failed.
    torn: bool,
}

/// The content of a journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// The events, in order.
    pub events: Vec<Event>,
    /// Numbers (from 1) of lines that are not an event: cut off when the machine or the disk failed, or
    /// written by another version.
    pub damaged: Vec<usize>,
}

impl Journal {
    /// Opens or creates the journal at `path`. An incomplete last line is ended, not continued.
    pub fn open(path: &Path) -> Result<Self> {
        let open = || -> std::io::Result<(File, bool)> {
            let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
            let torn = file.seek(SeekFrom::End(-1)).is_ok() && {
                let mut last = [0];
                file.read_exact(&mut last)?;
                last != *b"\n"
            };
            Ok((file, torn))
        };
        let (file, torn) = open().with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, torn })
    }

    /// Appends `event` in one write. A finished cell is synced to disk: a later run reuses
    /// it.
    pub fn append(&mut self, event: &Event) -> Result<()> {
        self.try_append(event).with_context(|| format!("cannot write {}", self.path.display()))
    }

    fn try_append(&mut self, event: &Event) -> std::io::Result<()> {
        let mut line = if self.torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, event)?;
        line.push(b'\n');
        self.torn = true;
        self.file.write_all(&line)?;
        self.torn = false;
        if matches!(event, Event::CellFinished { .. } | Event::Finished { .. }) {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

impl Recovered {
    /// Reads the journal at `path`; a missing file is an empty journal.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = file::read(path)?.unwrap_or_default();
        let mut recovered = Self::default();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            match serde_json::from_slice(line) {
                Ok(event) => recovered.events.push(event),
                Err(_) if line.is_empty() => (),
                Err(_) => recovered.damaged.push(number),
            }
        }
        Ok(recovered)
    }

    /// The results of finished cells, ordered by name; the later result if a cell was run twice.
    pub fn cells(&self) -> Vec<CellResult> {
        let finished: BTreeMap<&CellId, &CellResult> = self
            .events
            .iter()
            .filter_map(|event| {
                let Event::CellFinished { result, .. } = event else { return None };
                Some((&result.id, &**result))
            })
            .collect();
        finished.into_values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::words::fixture;

    use super::*;

    fn finished(id: &str) -> Event {
        Event::CellFinished { result: Box::new(fixture::failing(id, "3.5.7")), ms: 1600 }
    }

    #[test]
    fn appended_events_are_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        assert_eq!(Recovered::read(&path).unwrap(), Recovered::default());
        let events =
            [Event::Note("a\nb\u{1b}[31m".into()), finished("debian-13/9.2.5"), Event::Finished { interrupted: true }];
        let mut journal = Journal::open(&path).unwrap();
        for (event, count) in events.iter().zip(1..) {
            journal.append(event).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), count, "not flushed");
        }
        assert_eq!(Recovered::read(&path).unwrap(), Recovered { events: events.into(), damaged: vec![] });
    }

    #[test]
    fn an_incomplete_last_line_loses_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        Journal::open(&path).unwrap().append(&finished("debian-13/9.2.5")).unwrap();
        let whole = fs::read(&path).unwrap();
        for cut in 1..whole.len() {
            fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
            let recovered = Recovered::read(&path).unwrap();
            assert_eq!(recovered.cells().len(), 1);
            // If only its line end is missing, the line is still complete.
            assert_eq!(recovered.damaged.is_empty(), cut == whole.len() - 1, "{cut}");
        }
    }

    #[test]
    fn appending_after_an_incomplete_line_starts_a_new_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        fs::write(&path, "{\"note\":\"cut o").unwrap();
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&finished("debian-12/9.2.5")).unwrap();
        journal.append(&finished("debian-13/9.2.5")).unwrap();
        let recovered = Recovered::read(&path).unwrap();
        assert_eq!((recovered.cells().len(), recovered.damaged), (2, vec![1]));
    }

    #[test]
    fn the_later_result_of_a_cell_counts() {
        let mut again = fixture::passing("debian-13/9.2.5", "3.5.7");
        again.reason = Some("second".into());
        let events = vec![finished("debian-13/9.2.5"), Event::CellFinished { result: Box::new(again.clone()), ms: 1 }];
        assert_eq!(Recovered { events, damaged: vec![] }.cells(), [again]);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let mut journal = Journal::open(Path::new("/dev/full")).unwrap();
        for _ in 0..2 {
            let error = journal.append(&Event::Note("x".into())).unwrap_err();
            assert_eq!(error.to_string(), "cannot write /dev/full");
            assert!(format!("{error:#}").contains("No space left"), "{error:#}");
        }
    }
}
