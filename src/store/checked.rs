//! `checked.json` beside matrix.json: the day of the run that its cells are of. The one committed file that
//! changes although nothing came out differently. Without it a run that finds everything as it was would
//! leave no trace, and the results would grow old in git while they are confirmed day by day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::matrix::sha256_hex;

/// Its name, beside matrix.json.
pub const CHECKED: &str = "checked.json";

/// Rises when an older reader would misunderstand the file.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Checked {
    schema: u32,
    /// SHA-256 of the matrix.json that the day is about.
    results: String,
    /// The day of the run, in UTC; of a merge the earliest.
    day: Date,
}

/// The file's bytes for `results`, the bytes of matrix.json. They hold a day and no time: runs of one day are alike.
pub(super) fn write(results: &[u8], day: Date) -> String {
    let checked = Checked { schema: SCHEMA, results: sha256_hex(results), day };
    // A record of two texts and a number always has a JSON form.
    serde_json::to_string_pretty(&checked).unwrap_or_default() + "\n"
}

/// What checked.json says of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// They are as a run wrote them, on this day.
    Day(Date),
    /// It is about other bytes.
    Other,
    /// It is damaged, or of a newer atsmatrix.
    Unreadable,
}

/// What `checked`, the file's bytes, says of `results`.
pub fn stamp(checked: &[u8], results: &[u8]) -> Stamp {
    let Ok(checked) = serde_json::from_slice::<Checked>(checked) else { return Stamp::Unreadable };
    if checked.schema != SCHEMA {
        return Stamp::Unreadable;
    }
    // git may write lines as Windows has them; no line end of matrix.json is part of a value.
    let same = || checked.results == sha256_hex(&unix(results));
    if checked.results == sha256_hex(results) || same() { Stamp::Day(checked.day) } else { Stamp::Other }
}

fn unix(text: &[u8]) -> Vec<u8> {
    let ends = |at: usize| text[at] == b'\r' && text.get(at + 1) == Some(&b'\n');
    (0..text.len()).filter(|at| !ends(*at)).map(|at| text[at]).collect()
}

/// The day that `checked`, the file's bytes, states of `results`; `None`: it is about other results, or damaged.
pub fn day(checked: &[u8], results: &[u8]) -> Option<Date> {
    match stamp(checked, results) {
        Stamp::Day(day) => Some(day),
        Stamp::Other | Stamp::Unreadable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_about_these_very_results() {
        let text = write(b"results", "2026-11-25".parse().unwrap());
        assert_eq!(day(text.as_bytes(), b"results"), Some("2026-11-25".parse().unwrap()));
        assert_eq!(day(text.as_bytes(), b"other"), None);
        assert_eq!(stamp(text.as_bytes(), b"other"), Stamp::Other);
        let lines = write(b"{\n}\n", "2026-11-25".parse().unwrap());
        assert!(matches!(stamp(lines.as_bytes(), b"{\r\n}\r\n"), Stamp::Day(_)));
        for bad in ["", "{}", "<<<<<<< HEAD", &text.replace("\"schema\": 1", "\"schema\": 99")] {
            assert_eq!(stamp(bad.as_bytes(), b"results"), Stamp::Unreadable, "{bad}");
        }
    }
}
