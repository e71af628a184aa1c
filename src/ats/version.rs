//! The output of `traffic_server -V`.

use super::Dialect;
use crate::model::Version;

/// The version a `traffic_server` reports. It need not be the version of its package: Debian's
/// package 9.2.5+ds-0+deb12u4 reports 9.2.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// As printed, for example `9.2.9`.
    pub text: String,
    /// Parsed, for comparisons.
    pub version: Version,
}

/// Words after "Traffic Server" that may be the version.
const MAX_WORDS: usize = 8;

impl Reported {
    /// Finds the version in the output of `traffic_server -V` (8.1, 9 and 10 print it on stdout, among other lines):
    /// the first version after the words "Traffic Server". `None` when there is none.
    pub fn parse(output: &str) -> Option<Self> {
        output.lines().filter_map(|line| line.split_once("Traffic Server")).find_map(|(_, rest)| {
            let words = rest.split([' ', '\t', '(', ')']).filter(|word| word.contains('.'));
            words.take(MAX_WORDS).find_map(|word| {
                let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
                let version = word.parse().ok().filter(|_| starts_with_digit)?;
                Some(Self { text: word.to_owned(), version })
            })
        })
    }

    /// The dialect of this ATS; `None` when it is not supported.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(&self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_real_output() {
        let outputs = [
            (
                "Traffic Server 9.2.9 Apr  4 2026 14:52:39 localhost\ntraffic_server: using root directory '/usr'\n",
                "9.2.9",
            ),
            ("Apache Traffic Server - traffic_server - 9.2.9 - (build # 040414 on Apr  4 2026 at 14:52:39)", "9.2.9"),
            ("Traffic Server 8.1.11 Feb 15 2025 22:30:52 localhost", "8.1.11"),
            ("traffic_server: using root directory '/opt/ats'\nTraffic Server 10.0.6-dev Mar 3 2025", "10.0.6-dev"),
        ];
        for (output, expected) in outputs {
            assert_eq!(Reported::parse(output).map(|reported| reported.text).as_deref(), Some(expected), "{output}");
        }
    }

    #[test]
    fn a_program_that_does_not_start_reports_no_version() {
        for output in ["", "error while loading shared libraries: libssl.so.1.1", "Traffic Server", "9.2.5"] {
            assert_eq!(Reported::parse(output), None, "{output}");
        }
    }
}
