//! Text logs of a run: builds of images, and the program's own debug log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::words::escape;

/// Largest log, bytes: a build that repeats one warning for ever must not fill the disk.
const MAX_LOG: usize = 16 << 20;

/// Longest line, characters.
const MAX_LINE: usize = 4000;

/// A log open for appending, bounded in size.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    /// Bytes left until [`MAX_LOG`].
    left: usize,
}

impl Log {
    /// Opens the log at `path` for appending, or creates it.
    pub fn open(path: &Path) -> Result<Self> {
        let open = OpenOptions::new().create(true).append(true).open(path);
        let file = open.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, left: MAX_LOG })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends `text` as one line, escaped so that the file is safe to show in a terminal. At 16 MiB the log is
    /// marked as cut, and further lines are ignored.
    pub fn line(&mut self, text: &str) -> Result<()> {
        if self.left == 0 {
            return Ok(());
        }
        let mut line = escape::terminal(&text.trim_end_matches(['\r', '\n']).replace('\t', "    "), MAX_LINE) + "\n";
        self.left = self.left.saturating_sub(line.len());
        if self.left == 0 {
            line.push_str("(cut here: the log is full)\n");
        }
        self.file.write_all(line.as_bytes()).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_log_is_bounded_and_safe_to_show() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let mut log = Log::open(&path).unwrap();
        log.line("\tmake\u{1b}[31m: error\r\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "    make\\u{1b}[31m: error\n");
        log.left = 10;
        log.line("0123456789").unwrap();
        log.line("lost").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("0123456789\n(cut here: the log is full)\n"), "{text}");
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let error = Log::open(Path::new("/dev/full")).unwrap().line("x").unwrap_err();
        assert_eq!(error.to_string(), "cannot write /dev/full");
    }
}
