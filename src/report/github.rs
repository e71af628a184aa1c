//! GitHub Actions: workflow commands that annotate matrix.yaml, and the step summary. The caller checks whether it runs
//! on GitHub.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write as _;

use crate::model::{CellResult, Expected, MatrixResult};
use crate::verdict::Terms;
use crate::words::escape::{LINE, SHORT, markdown, terminal};
use crate::words::grid::Grid;
use crate::words::mark::{label_with_count, tally};
use crate::words::unexpected::{self, Item};

/// Annotations of one severity that GitHub shows per step; it drops further ones silently.
const SHOWN: usize = 10;

/// Maximum size of a step summary on GitHub, in bytes.
const SUMMARY: usize = 1 << 20;

/// Ends a truncated step summary.
const TRUNCATED: &str = "\nTruncated: a step summary cannot hold more.\n";

/// The severity of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something is wrong.
    Error,
    /// Something is missing.
    Warning,
    /// Something is new and does not fail the run.
    Notice,
}

/// A message about a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Error, warning or notice.
    pub severity: Severity,
    /// The file (its path in the repository), line and column from 1.
    pub place: Option<(String, usize, usize)>,
    /// Its heading.
    pub title: String,
    /// Its text (hostile).
    pub message: String,
}

/// An error or warning for everything that fails a run, and a notice for each newly tested cell. `place` finds the line
/// and column of an expectation or a cell in `file`.
pub fn annotations(
    items: &[Item<'_>],
    news: &[&CellResult],
    file: &str,
    place: impl Fn(&CellResult, Option<&Expected>) -> Option<(usize, usize)>,
) -> Vec<Annotation> {
    let in_file = |(line, column)| (file.to_owned(), line, column);
    let annotate = |item: &Item<'_>| Annotation {
        severity: if item.unanswered { Severity::Warning } else { Severity::Error },
        place: place(item.cell, item.expected).map(in_file),
        title: item.cell.id.to_string(),
        message: format!("{} {}; what to do: {}", item.cell.id, item.text, item.advice),
    };
    let note = |cell: &&CellResult| Annotation {
        severity: Severity::Notice,
        place: place(cell, None).map(in_file),
        title: cell.id.to_string(),
        message: format!(
            "{} is {}, newly tested, which does not fail this run; what to do: {}",
            cell.id,
            cell.verdict,
            unexpected::NEWLY_TESTED_ADVICE
        ),
    };
    items.iter().map(annotate).chain(news.iter().map(note)).collect()
}

/// The annotations as workflow commands, one per line. There are no more of each severity than GitHub shows; the last one
/// counts the rest.
pub fn commands(annotations: &[Annotation]) -> String {
    [Severity::Error, Severity::Warning, Severity::Notice]
        .into_iter()
        .map(|severity| of_severity(annotations, severity))
        .collect()
}

fn of_severity(annotations: &[Annotation], severity: Severity) -> String {
    let all: Vec<&Annotation> = annotations.iter().filter(|annotation| annotation.severity == severity).collect();
    let shown = if all.len() > SHOWN { SHOWN - 1 } else { all.len() };
    let mut text = String::new();
    for annotation in &all[..shown] {
        text.push_str(&command(annotation));
    }
    if all.len() > shown {
        let message = format!("{} more; see the step summary for all of them", all.len() - shown);
        text.push_str(&command(&Annotation { severity, place: None, title: "atsmatrix".to_owned(), message }));
    }
    text
}

/// `::error file=matrix.yaml,line=3,col=5,title=debian-13/9.2.5::...`
fn command(annotation: &Annotation) -> String {
    let name = match annotation.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    };
    let mut properties = String::new();
    if let Some((file, line, column)) = &annotation.place {
        // Writing to a String cannot fail.
        let _ = write!(properties, "file={},line={line},col={column},", property(file));
    }
    let title = property(&terminal(&annotation.title, SHORT));
    format!("::{name} {properties}title={title}::{}\n", data(&terminal(&annotation.message, 2 * LINE)))
}

/// The command that makes GitHub ignore workflow commands until [`resume`] with the same `token`. Output of containers
/// must not be able to give commands.
pub fn pause(token: &str) -> String {
    format!("::stop-commands::{token}\n")
}

/// The command that ends [`pause`].
pub fn resume(token: &str) -> String {
    format!("::{token}::\n")
}

/// Disarms workflow commands in `text` (an answer, its Markdown or its JSON). GitHub obeys `::` at the beginning of a
/// line, also after spaces, and the older `##[` anywhere in a line.
pub fn inert(text: &str) -> String {
    // In JSON the escape stands for the same character.
    let is_json = text.starts_with('{');
    let text = text.replace("##[", if is_json { "#\\u0023[" } else { "#\\#[" });
    let line = |line: &str| match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("{}\\::{rest}", &line[..line.len() - line.trim_start().len()]),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(line).collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The step summary: the matrix, what is not as expected, and what the words mean. Truncated to GitHub's limit.
pub fn summary(result: &MatrixResult, terms: &Terms<'_>) -> String {
    let grid = Grid::new(result);
    let mut body = unexpected::outline(&unexpected::items(result, terms)).markdown();
    if body.is_empty() {
        body.push_str("Everything is as expected.\n");
    }
    let newly_tested = unexpected::newly_tested_outline(&unexpected::newly_tested(result, terms)).markdown();
    if !newly_tested.is_empty() {
        body = format!("{body}\n{newly_tested}");
    }
    let page = format!("## Apache Traffic Server by Linux distro\n\n{}.\n\n{}\n", tally(grid.cells()), table(&grid));
    let foot = "\nfail: failed twice, each time in a fresh ATS, while the controls that bypass ATS passed. (expected): \
                declared in matrix.yaml; it still closes the gate. known limitation: fails because of a known issue that \
                affects this ATS on every distro. error, unavailable: says nothing about ATS.\n";
    truncated(page, &body, foot)
}

/// The page with its body and foot. The body is truncated at the end of a line if the page would exceed GitHub's limit.
fn truncated(page: String, body: &str, foot: &str) -> String {
    let room = SUMMARY.saturating_sub(page.len() + TRUNCATED.len() + foot.len());
    if body.len() <= room {
        return page + body + foot;
    }
    let end = (0..=room).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
    let lines = body[..end].rfind('\n').map_or(0, |at| at + 1);
    page + &body[..lines] + TRUNCATED + foot
}

fn table(grid: &Grid<'_>) -> String {
    let heads = ["distro".to_owned(), "OpenSSL".to_owned()].into_iter();
    let heads = heads.chain(grid.ats.iter().map(|ats| markdown(ats.as_str(), SHORT)));
    let mut text = row(heads) + &"|---".repeat(grid.ats.len() + 2) + "|\n";
    for distro in &grid.distros {
        let head = [markdown(distro.as_str(), SHORT), markdown(&grid.openssl(distro).join(", "), SHORT)];
        let show = |cell: Option<&CellResult>| cell.map_or("·".to_owned(), label_with_count);
        text.push_str(&row(head.into_iter().chain(grid.ats.iter().map(|ats| show(grid.cell(distro, ats))))));
    }
    text
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.fold("|".to_owned(), |row, cell| format!("{row} {cell} |")) + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use insta::assert_snapshot;

    use super::*;
    use crate::words::fixture;

    fn annotation(severity: Severity, message: &str) -> Annotation {
        let place = Some(("a,b:c%/matrix.yaml".to_owned(), 3, 5));
        Annotation { severity, place, title: "debian-13/9.2.5".into(), message: message.into() }
    }

    #[test]
    fn inert_text_has_no_commands() {
        assert_eq!(inert("a\n  ::error::x\n\t::\nb ::c"), "a\n  \\::error::x\n\t\\::\nb ::c");
        assert_eq!(inert("seen: ##[error]x"), "seen: #\\#[error]x");
        let json = "{\n  \"text\": \"::x ##[error]\"\n}\n";
        assert_ne!(inert(json), json);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&inert(json)), read(json));
    }

    #[test]
    fn unexpected_cells_are_annotated_in_place() {
        let result = fixture::matrix();
        let items = unexpected::items(&result, &Terms::default());
        let place = |_: &CellResult, expected: Option<&Expected>| expected.map(|_| (7, 5)).or(Some((3, 9)));
        assert_snapshot!(commands(&annotations(&items, &[], "matrix.yaml", place)), @"
        ::error file=matrix.yaml,line=3,col=9,title=debian-12/9.2.9::debian-12/9.2.9 is flaky in keepalive-race, which matrix.yaml does not expect; what to do: inspect its evidence; to accept it: atsmatrix expect --update
        ::error file=matrix.yaml,line=7,col=5,title=debian-13/9.2.5-backport::debian-13/9.2.5-backport does not fail as matrix.yaml expects: the backport was incomplete; what to do: remove the entry from matrix.yaml: atsmatrix expect --update
        ::error file=matrix.yaml,line=3,col=9,title=debian-14/9.2.5::debian-14/9.2.5 fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect; what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update
        ::error file=matrix.yaml,line=3,col=9,title=forecast/9.2.9::forecast/9.2.9 cannot be built, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'; what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update
        ::warning file=matrix.yaml,line=3,col=9,title=debian-13/9.2.9::debian-13/9.2.9 has no answer (error): the origin did not answer the direct control; what to do: it was tried twice: fix what it names, then run the cell again; the evidence is in the run's folder
        ");
    }

    #[test]
    fn newly_tested_cells_are_notices() {
        let mut result = fixture::matrix();
        let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap();
        cell.optional = true;
        let unanswered = BTreeSet::from([cell.id.clone()]);
        let terms = Terms { unanswered: Some(&unanswered), ..Terms::default() };
        let (items, news) = (unexpected::items(&result, &terms), unexpected::newly_tested(&result, &terms));
        let lines = commands(&annotations(&items, &news, "matrix.yaml", |_, _| Some((3, 9))));
        let of_cell: Vec<&str> = lines.lines().filter(|line| line.contains("title=debian-14/9.2.5")).collect();
        assert_eq!(
            of_cell,
            ["::notice file=matrix.yaml,line=3,col=9,title=debian-14/9.2.5::debian-14/9.2.5 is fail, newly tested, \
              which does not fail this run; what to do: inspect them; to accept them: atsmatrix expect --update"]
        );
        assert!(summary(&result, &terms).contains("newly tested"), "{}", summary(&result, &terms));
    }

    #[test]
    fn text_cannot_escape_from_its_command() {
        let text = commands(&[annotation(Severity::Error, "100%\n::error::forged\r::stop-commands::x")]);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac%25/matrix.yaml,line=3,col=5,title=debian-13/9.2.5::\
             100%25\\n::error::forged\\r::stop-commands::x\n"
        );
        assert_eq!(pause("t1") + &resume("t1"), "::stop-commands::t1\n::t1::\n");
    }

    #[test]
    fn annotations_that_github_drops_are_counted() {
        let many = vec![annotation(Severity::Error, "x"); 25];
        let text = commands(&many);
        assert_eq!(text.lines().count(), SHOWN);
        assert!(text.ends_with("title=atsmatrix::16 more; see the step summary for all of them\n"), "{text}");
        assert_eq!(commands(&many[..SHOWN]).lines().count(), SHOWN);
    }

    #[test]
    fn the_step_summary() {
        assert_snapshot!(summary(&fixture::matrix(), &Terms::default()), @r"
        ## Apache Traffic Server by Linux distro

        12 cells: 4 pass (1 unexpected), 2 fail (1 expected), 1 unbuildable, 1 flaky, 1 error, 3 unavailable (3 optional).

        | distro | OpenSSL | 8.1.11 | 9.2.5 | 9.2.5-backport | 9.2.9 |
        |---|---|---|---|---|---|
        | debian-12 | 3.0.20 | · | pass | pass | flaky |
        | debian-13 | 3.5.7 | · | fail (expected) | PASS?! (expected fail) | error |
        | debian-14 | 3.6.5 | · | fail | · | pass |
        | fedora-40 |  | · | unavailable (optional) | unavailable (optional) | unavailable (optional) |
        | forecast |  | · | · | · | unbuildable |

        **4 cells not as expected, 1 cell without an answer**:

        - **debian-12/9.2.9** is flaky in keepalive-race, which matrix.yaml does not expect
          - what to do: inspect its evidence; to accept it: atsmatrix expect --update
        - **debian-13/9.2.5-backport** does not fail as matrix.yaml expects: the backport was incomplete
          - what to do: remove the entry from matrix.yaml: atsmatrix expect --update
        - **debian-13/9.2.9** has no answer (error): the origin did not answer the direct control
          - what to do: it was tried twice: fix what it names, then run the cell again; the evidence is in the run's folder
        - **debian-14/9.2.5** fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect
          - what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update
        - **forecast/9.2.9** cannot be built, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1\_STRING'
          - what to do: follow the advice of its known issue; to accept it: atsmatrix expect --update

        fail: failed twice, each time in a fresh ATS, while the controls that bypass ATS passed. (expected): declared in matrix.yaml; it still closes the gate. known limitation: fails because of a known issue that affects this ATS on every distro. error, unavailable: says nothing about ATS.
        ");
    }

    #[test]
    fn a_summary_is_truncated_to_the_limit() {
        let mut result = fixture::matrix();
        let reason = "é&".repeat(200);
        let one = result.cells.iter().find(|cell| cell.verdict == crate::model::Verdict::Error).unwrap().clone();
        for number in 0..1500 {
            let mut cell = one.clone();
            cell.id = format!("d-{number}/1").parse().unwrap();
            cell.reason = Some(reason.clone());
            result.cells.push(cell);
        }
        let page = summary(&result, &Terms::default());
        assert!(page.len() <= SUMMARY && page.len() > SUMMARY / 2, "{}", page.len());
        assert!(page.contains("Truncated: a step summary"));
    }
}
