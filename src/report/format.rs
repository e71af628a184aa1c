//! The formats of a report. Each has an entry in [`FORMATS`], from which commands, help texts and errors follow.

use super::details::Details;
use super::terminal::Screen;
use super::{github, html, json, junit, markdown, terminal};
use crate::model::MatrixResult;
use crate::verdict::Terms;

/// The input of a report.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The result.
    pub result: &'a MatrixResult,
    /// What else is known.
    pub details: &'a Details,
    /// How to compare results with expectations, for formats that report the unexpected.
    pub terms: Terms<'a>,
    /// Width and colour of a terminal; other formats ignore it.
    pub screen: Screen,
}

/// A format of reports.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// A one-line description for the help.
    pub about: &'static str,
    /// Whether it shows [`Details`], which take time to gather.
    pub detailed: bool,
    /// Renders the report, which ends with a newline.
    pub render: fn(&Input<'_>) -> String,
}

/// Every format.
pub const FORMATS: &[Format] = &[
    Format {
        name: "html",
        about: "One self-contained page: matrix, trials, packets, bisections, provenance, history",
        detailed: true,
        render: |input| html::render(input.result, input.details),
    },
    Format {
        name: "markdown",
        about: "A Markdown page, as results/README.md",
        detailed: false,
        render: |input| markdown::with_bisections(input.result, &input.details.bisections),
    },
    Format {
        name: "terminal",
        about: "The table and what did not pass, as `atsmatrix show`",
        detailed: false,
        render: |input| terminal::render(input.result, input.screen),
    },
    Format {
        name: "junit",
        about: "JUnit XML for CI systems, as `run --junit`",
        detailed: false,
        render: |input| with_newline(junit::render(input.result, &input.terms)),
    },
    Format {
        name: "github",
        about: "Markdown for a GitHub step summary, as `run` and `gate` write it",
        detailed: false,
        render: |input| with_newline(github::summary(input.result, &input.terms)),
    },
    Format {
        name: "json",
        about: "For machines, as results/matrix.json",
        detailed: false,
        render: |input| String::from_utf8_lossy(&json::write(input.result)).into_owned(),
    },
];

fn with_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The format named `name`.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;
    use crate::words::fixture;

    #[test]
    fn every_format_has_a_unique_name_and_renders() {
        let (result, details) = (fixture::matrix(), Details::default());
        let input = Input {
            result: &result,
            details: &details,
            terms: Terms::default(),
            screen: Screen { width: 100, colour: false },
        };
        for (at, format) in FORMATS.iter().enumerate() {
            assert!(FORMATS[..at].iter().all(|other| other.name != format.name), "{} twice", format.name);
            let text = (format.render)(&input);
            assert!(text.contains("debian-13") && text.ends_with('\n'), "{}", format.name);
            assert_eq!(text, (format.render)(&input), "{} is not deterministic", format.name);
            assert!(by_name(format.name).is_some());
        }
        assert!(by_name("xml").is_none());
    }

    #[test]
    fn every_format_counts_and_names_known_limitations() {
        let mut result = fixture::matrix();
        let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-12/9.2.5").unwrap();
        (cell.trials[3].outcome, cell.trials[3].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
        let shown = terminal::render(&result, Screen { width: 120, colour: false });
        assert!(shown.contains("┆ 3/4,") && shown.contains("┆ 1 known limitation"), "{shown}");
        assert!(shown.contains("known limitation: ATS-11758 in tls12-only: debian-12/9.2.5"), "{shown}");
        let pages = [
            markdown::render(&result),
            html::render(&result, &Details::default()),
            junit::render(&result, &Terms::default()),
            github::summary(&result, &Terms::default()),
        ];
        for page in pages {
            assert!(page.contains("3/4, 1 known limitation"), "{page}");
        }
        let json = String::from_utf8(json::write(&result)).unwrap();
        assert!(json.contains("\"known-limitation\"") && json.contains("\"limitation\": \"ATS-11758\""));
        let junit = junit::render(&result, &Terms::default());
        assert!(junit.contains("<skipped type=\"known-limitation\" message=\"ATS-11758: 200\"/>"), "{junit}");
        assert!(markdown::render(&result).contains("3/4, 1 known limitation: tls12-only (ATS-11758)"));
    }
}
