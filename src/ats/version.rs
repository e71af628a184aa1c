//! What `traffic_server -V` says.

use super::Dialect;
use crate::model::Version;

/// The version a `traffic_server` reports. It need not be the version of its package: Debian's
/// package 9.2.5+ds-0+deb12u4 reports 9.2.9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// As written, for example `9.2.9`.
    pub text: String,
    /// To compare with.
    pub version: Version,
}

impl Reported {
    /// Finds the version in the output of `traffic_server -V` (8.1, 9 and 10 write it on stdout, among
    /// other lines): the first version behind the words "Traffic Server". `None` when there is none.
    pub fn parse(output: &str) -> Option<Self> {
        output.lines().filter_map(|line| line.split_once("Traffic Server")).find_map(|(_, rest)| {
            let words = rest.split([' ', '\t', '(', ')']).filter(|word| word.contains('.'));
            words.take(8).find_map(|word| {
                let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
                let version = word.parse().ok().filter(|_| starts_with_digit)?;
                Some(Self { text: word.to_owned(), version })
            })
        })
    }

    /// The configuration language of this ATS; `None` when it is not known.
    pub fn dialect(&self) -> Option<Dialect> {
        Dialect::of(&self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_real_outputs_does() {
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
