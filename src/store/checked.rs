//! `checked.json` beside matrix.json: the day of the run that its cells are of. The one committed file that
//! changes although nothing came out differently. Without it a run that finds everything as it was would
//! leave no trace, and the results would grow old in git while they are confirmed day by day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::matrix::sha256_hex;

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

/// The day that `checked`, the file's bytes, states of `results`; `None`: it is about other results, or damaged.
pub fn day(checked: &[u8], results: &[u8]) -> Option<Date> {
    let checked: Checked = serde_json::from_slice(checked).ok()?;
    (checked.schema == SCHEMA && checked.results == sha256_hex(results)).then_some(checked.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_about_these_very_results() {
        let text = write(b"results", "2026-11-25".parse().unwrap());
        assert_eq!(day(text.as_bytes(), b"results"), Some("2026-11-25".parse().unwrap()));
        assert_eq!(day(text.as_bytes(), b"other"), None);
        for bad in ["", "{}", "<<<<<<< HEAD", &text.replace("\"schema\": 1", "\"schema\": 99")] {
            assert_eq!(day(bad.as_bytes(), b"results"), None, "{bad}");
        }
    }
}
