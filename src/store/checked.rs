//! `checked.json` beside matrix.json: the day of the run that produced its cells. It is the only committed file that
//! changes if no result changes. Without it, a run that confirms every result would leave no trace in git, and
//! the results would seem to age although they are confirmed every day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::matrix::sha256_hex;

/// Name of the file, beside matrix.json.
pub const CHECKED: &str = "checked.json";

/// Incremented when an older reader would misinterpret the file.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Checked {
    schema: u32,
    /// SHA-256 of the matrix.json that the day applies to.
    results: String,
    /// SHA-256 of the behaviour.json that was written with it, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    behaviour: Option<String>,
    /// The day of the run, in UTC; of a merge, the earliest.
    day: Date,
}

/// The file's text for `results` and `behaviour`, the bytes of matrix.json and behaviour.json. It has a day and no time: runs of
/// one day give equal files.
pub(super) fn write(results: &[u8], behaviour: Option<&[u8]>, day: Date) -> String {
    let checked = Checked { schema: SCHEMA, results: sha256_hex(results), behaviour: behaviour.map(sha256_hex), day };
    // Two texts and a number can always be written as JSON.
    serde_json::to_string_pretty(&checked).unwrap_or_default() + "\n"
}

/// What checked.json says about results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// A run wrote these results on this day.
    Day(Date),
    /// It applies to other results.
    Other,
    /// It is damaged, or written by a newer atsmatrix.
    Unreadable,
}

/// Whether `behaviour`, the bytes of behaviour.json, was written by the run that `checked`, the bytes of checked.json, is about.
pub fn is_of_run(checked: &[u8], behaviour: &[u8]) -> bool {
    let Ok(checked) = serde_json::from_slice::<Checked>(checked) else { return false };
    let known = |bytes: &[u8]| checked.behaviour.as_ref() == Some(&sha256_hex(bytes));
    checked.schema == SCHEMA && (known(behaviour) || known(&unix(behaviour)))
}

/// What `checked`, the bytes of checked.json, says about `results`, the bytes of matrix.json.
pub fn stamp(checked: &[u8], results: &[u8]) -> Stamp {
    let Ok(checked) = serde_json::from_slice::<Checked>(checked) else { return Stamp::Unreadable };
    if checked.schema != SCHEMA {
        return Stamp::Unreadable;
    }
    // git may check files out with CRLF; no value of matrix.json contains a line end.
    let same = || checked.results == sha256_hex(&unix(results));
    if checked.results == sha256_hex(results) || same() { Stamp::Day(checked.day) } else { Stamp::Other }
}

/// `text` with LF instead of CRLF.
fn unix(text: &[u8]) -> Vec<u8> {
    let ends = |at: usize| text[at] == b'\r' && text.get(at + 1) == Some(&b'\n');
    (0..text.len()).filter(|at| !ends(*at)).map(|at| text[at]).collect()
}

/// The day that `checked`, the bytes of checked.json, gives for `results`; `None`: it applies to other results or is
/// damaged.
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
    fn a_day_applies_to_exactly_these_results() {
        let text = write(b"results", None, "2026-11-25".parse().unwrap());
        assert_eq!(day(text.as_bytes(), b"results"), Some("2026-11-25".parse().unwrap()));
        assert_eq!(day(text.as_bytes(), b"other"), None);
        assert_eq!(stamp(text.as_bytes(), b"other"), Stamp::Other);
        let lines = write(b"{\n}\n", None, "2026-11-25".parse().unwrap());
        assert!(matches!(stamp(lines.as_bytes(), b"{\r\n}\r\n"), Stamp::Day(_)));
        let both = write(b"results", Some(b"behaviour\n"), "2026-11-25".parse().unwrap());
        assert!(matches!(stamp(both.as_bytes(), b"results"), Stamp::Day(_)));
        assert!(is_of_run(both.as_bytes(), b"behaviour\n") && is_of_run(both.as_bytes(), b"behaviour\r\n"));
        assert!(!is_of_run(both.as_bytes(), b"other") && !is_of_run(text.as_bytes(), b"behaviour\n"));
        for bad in ["", "{}", "<<<<<<< HEAD", &text.replace("\"schema\": 1", "\"schema\": 99")] {
            assert_eq!(stamp(bad.as_bytes(), b"results"), Stamp::Unreadable, "{bad}");
        }
    }
}
