//! GitHub Actions: workflow commands that annotate matrix.yaml, and the summary of a step. Knows the
//! syntax of both; whoever calls knows whether this is GitHub.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write as _;

use crate::model::{CellResult, Expected, MatrixResult};
use crate::verdict::Terms;
use crate::words::escape::{LINE, SHORT, markdown, terminal};
use crate::words::grid::Grid;
use crate::words::mark::{label_with_count, sum};
use crate::words::unexpected::{self, Item};

/// Annotations of one level that GitHub shows for a step; further ones are dropped silently.
const SHOWN: usize = 10;

/// Bytes that GitHub takes of the summary of a step.
const SUMMARY: usize = 1 << 20;

/// How loud an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong.
    Error,
    /// Something is missing.
    Warning,
    /// Something is new, and turns nothing red yet.
    Notice,
}

/// A remark on a place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How loud.
    pub level: Level,
    /// The file, by its path in the repository, and line and column from 1 in it.
    pub place: Option<(String, usize, usize)>,
    /// Its heading.
    pub title: String,
    /// What it says (hostile text).
    pub message: String,
}

/// An annotation for everything that turns a run red, and a notice for each cell that is newly tested. `place` tells
/// where in `file` an expectation or a cell stands.
pub fn annotations(
    items: &[Item<'_>],
    news: &[&CellResult],
    file: &str,
    place: impl Fn(&CellResult, Option<&Expected>) -> Option<(usize, usize)>,
) -> Vec<Annotation> {
    let in_file = |(line, column)| (file.to_owned(), line, column);
    let annotate = |item: &Item<'_>| Annotation {
        level: if item.unanswered { Level::Warning } else { Level::Error },
        place: place(item.cell, item.expected).map(in_file),
        title: item.cell.id.to_string(),
        message: format!("{} {}; way out: {}", item.cell.id, item.text, item.way_out),
    };
    let note = |cell: &&CellResult| Annotation {
        level: Level::Notice,
        place: place(cell, None).map(in_file),
        title: cell.id.to_string(),
        message: format!(
            "{} is {}; it is newly tested, which turns no run red yet; way out: {}",
            cell.id,
            cell.verdict,
            unexpected::NEWS_WAY_OUT
        ),
    };
    items.iter().map(annotate).chain(news.iter().map(note)).collect()
}

/// The annotations as workflow commands, one a line. Of each level no more than GitHub shows; the last
/// one says how many there are besides.
pub fn commands(annotations: &[Annotation]) -> String {
    [Level::Error, Level::Warning, Level::Notice].into_iter().map(|level| of_level(annotations, level)).collect()
}

fn of_level(annotations: &[Annotation], level: Level) -> String {
    let all: Vec<&Annotation> = annotations.iter().filter(|annotation| annotation.level == level).collect();
    let shown = if all.len() > SHOWN { SHOWN - 1 } else { all.len() };
    let mut text = String::new();
    for annotation in &all[..shown] {
        text.push_str(&command(annotation));
    }
    if all.len() > shown {
        let message = format!("{} more; the summary of the step has all of them", all.len() - shown);
        text.push_str(&command(&Annotation { level, place: None, title: "atsmatrix".to_owned(), message }));
    }
    text
}

/// `::error file=matrix.yaml,line=3,col=5,title=debian-13/9.2.5::...`
fn command(annotation: &Annotation) -> String {
    let name = match annotation.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let mut properties = String::new();
    if let Some((file, line, column)) = &annotation.place {
        // Writing to a String cannot fail.
        let _ = write!(properties, "file={},line={line},col={column},", property(file));
    }
    let title = property(&terminal(&annotation.title, SHORT));
    format!("::{name} {properties}title={title}::{}\n", data(&terminal(&annotation.message, 2 * LINE)))
}

/// From here on GitHub takes no workflow command from the output, until [`resume`] with the same
/// `token`: what containers say is shown and must not be able to command.
pub fn pause(token: &str) -> String {
    format!("::stop-commands::{token}\n")
}

/// The end of [`pause`].
pub fn resume(token: &str) -> String {
    format!("::{token}::\n")
}

/// `text` (an answer, its Markdown or its JSON), which says the same and commands nothing: GitHub obeys what stands
/// behind blanks at the beginning of a line, and an older kind of command anywhere in it.
pub fn inert(text: &str) -> String {
    // Within a JSON text this is the same character; elsewhere it is hardly ever there.
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

/// The summary of a step, and short enough for a README: the matrix, what is not as expected, what the
/// words mean. Bounded by what GitHub takes.
pub fn summary(result: &MatrixResult, terms: &Terms<'_>) -> String {
    let grid = Grid::new(result);
    let told = match unexpected::outline(&unexpected::items(result, terms)).markdown() {
        told if told.is_empty() => "All is as expected.\n".to_owned(),
        told => told,
    };
    let told = match unexpected::news(&unexpected::newly_tested(result, terms)).markdown() {
        news if news.is_empty() => told,
        news => format!("{told}\n{news}"),
    };
    let page = format!("## Apache Traffic Server by Linux distro\n\n{}.\n\n{}\n", sum(grid.cells()), table(&grid));
    let foot = "\nfail: twice, in a fresh ATS each time, while the controls past ATS held. (expected): declared in \
                matrix.yaml; it closes the gate all the same. known limitation: as a known issue says that this \
                ATS does on every distro. error, unavailable: nothing is said about ATS.\n";
    cut(page, &told, foot)
}

/// `told` is cut at the end of a line where all of it would be more than GitHub takes.
fn cut(page: String, told: &str, foot: &str) -> String {
    let room = SUMMARY.saturating_sub(page.len() + foot.len() + 100);
    if told.len() <= room {
        return page + told + foot;
    }
    let end = (0..=room).rev().find(|at| told.is_char_boundary(*at)).unwrap_or(0);
    let whole = told[..end].rfind('\n').map_or(0, |at| at + 1);
    format!("{page}{}\nCut: there is more than the summary of a step may hold.\n{foot}", &told[..whole])
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

    fn annotation(level: Level, message: &str) -> Annotation {
        let place = Some(("a,b:c%/matrix.yaml".to_owned(), 3, 5));
        Annotation { level, place, title: "debian-13/9.2.5".into(), message: message.into() }
    }

    #[test]
    fn what_is_printed_commands_nothing() {
        assert_eq!(inert("a\n  ::error::x\n\t::\nb ::c"), "a\n  \\::error::x\n\t\\::\nb ::c");
        assert_eq!(inert("seen: ##[error]x"), "seen: #\\#[error]x");
        let json = "{\n  \"text\": \"::x ##[error]\"\n}\n";
        assert_ne!(inert(json), json);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&inert(json)), read(json));
    }

    #[test]
    fn what_is_red_is_annotated_where_it_stands() {
        let result = fixture::matrix();
        let items = unexpected::items(&result, &Terms::default());
        let place = |_: &CellResult, expected: Option<&Expected>| expected.map(|_| (7, 5)).or(Some((3, 9)));
        assert_snapshot!(commands(&annotations(&items, &[], "matrix.yaml", place)), @"
        ::error file=matrix.yaml,line=3,col=9,title=debian-12/9.2.9::debian-12/9.2.9 is flaky in keepalive-race, which matrix.yaml does not expect; way out: look at its evidence; if it must be lived with: atsmatrix expect --update
        ::error file=matrix.yaml,line=7,col=5,title=debian-13/9.2.5-backport::debian-13/9.2.5-backport does not fail as matrix.yaml expects: the backport was incomplete; way out: take it out of matrix.yaml: atsmatrix expect --update
        ::error file=matrix.yaml,line=3,col=9,title=debian-14/9.2.5::debian-14/9.2.5 fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect; way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update
        ::error file=matrix.yaml,line=3,col=9,title=forecast/9.2.9::forecast/9.2.9 does not compile, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'; way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update
        ::warning file=matrix.yaml,line=3,col=9,title=debian-13/9.2.9::debian-13/9.2.9 has no answer, error: the origin did not answer the direct control; way out: it was tried twice: see to what it names, then run the cell; its evidence is in the run's folder
        ");
    }

    #[test]
    fn what_is_newly_tested_is_a_notice_and_no_error() {
        let mut result = fixture::matrix();
        let cell = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap();
        cell.optional = true;
        let unanswered = BTreeSet::from([cell.id.clone()]);
        let terms = Terms { unanswered: Some(&unanswered), ..Terms::default() };
        let (items, news) = (unexpected::items(&result, &terms), unexpected::newly_tested(&result, &terms));
        let told = commands(&annotations(&items, &news, "matrix.yaml", |_, _| Some((3, 9))));
        let of_cell: Vec<&str> = told.lines().filter(|line| line.contains("title=debian-14/9.2.5")).collect();
        assert_eq!(
            of_cell,
            [
                "::notice file=matrix.yaml,line=3,col=9,title=debian-14/9.2.5::debian-14/9.2.5 is fail; it is newly tested, \
              which turns no run red yet; way out: look at them; if they must be lived with: atsmatrix expect --update"
            ]
        );
        assert!(summary(&result, &terms).contains("newly tested"), "{}", summary(&result, &terms));
    }

    #[test]
    fn text_cannot_leave_its_command() {
        let text = commands(&[annotation(Level::Error, "100%\n::error::forged\r::stop-commands::x")]);
        assert_eq!(text.lines().count(), 1);
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac%25/matrix.yaml,line=3,col=5,title=debian-13/9.2.5::\
             100%25\\n::error::forged\\r::stop-commands::x\n"
        );
        assert_eq!(pause("t1") + &resume("t1"), "::stop-commands::t1\n::t1::\n");
    }

    #[test]
    fn more_than_github_shows_is_counted() {
        let many = vec![annotation(Level::Error, "x"); 25];
        let text = commands(&many);
        assert_eq!(text.lines().count(), SHOWN);
        assert!(text.ends_with("title=atsmatrix::16 more; the summary of the step has all of them\n"), "{text}");
        assert_eq!(commands(&many[..SHOWN]).lines().count(), SHOWN);
    }

    #[test]
    fn the_summary_of_a_step() {
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
          - way out: look at its evidence; if it must be lived with: atsmatrix expect --update
        - **debian-13/9.2.5-backport** does not fail as matrix.yaml expects: the backport was incomplete
          - way out: take it out of matrix.yaml: atsmatrix expect --update
        - **debian-13/9.2.9** has no answer, error: the origin did not answer the direct control
          - way out: it was tried twice: see to what it names, then run the cell; its evidence is in the run's folder
        - **debian-14/9.2.5** fails in tls-get, tls12-only, tls13-only, which matrix.yaml does not expect
          - way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update
        - **forecast/9.2.9** does not compile, which matrix.yaml does not expect: X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1\_STRING'
          - way out: its known issue has a way out; if it must be lived with: atsmatrix expect --update

        fail: twice, in a fresh ATS each time, while the controls past ATS held. (expected): declared in matrix.yaml; it closes the gate all the same. known limitation: as a known issue says that this ATS does on every distro. error, unavailable: nothing is said about ATS.
        ");
    }

    #[test]
    fn a_summary_is_cut_where_github_would_refuse_it() {
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
        assert!(page.contains("Cut: there is more"));
    }
}
