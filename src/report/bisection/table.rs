//! A bisection as tables, for a terminal and as Markdown.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL;
use comfy_table::{ContentArrangement, Table};

use crate::model::{Bisection, Fate, Suspect, Tried};
use crate::words::bisection::{experiment_count, supports, swapped, title};
use crate::words::escape::{LINE, SHORT, markdown, markdown_fence, terminal};
use crate::words::paragraph::wrap;

/// The column heads and rows of a table, unescaped.
pub(in crate::report) struct Rows {
    pub(in crate::report) heads: Vec<&'static str>,
    pub(in crate::report) rows: Vec<Vec<String>>,
}

/// The full bisection for a terminal of `width` columns. Ends with a newline.
pub fn text(bisection: &Bisection, width: u16) -> String {
    let columns = usize::from(width);
    let answer = format!("{}: {}", bisection.standing.words(), bisection.answer);
    // Writing to a String cannot fail.
    // The answer may be long, because it can name two versions, and must not be truncated.
    let mut text = wrap("", 2, &terminal(&answer, 4 * LINE), columns);
    for note in &bisection.notes {
        text += &wrap("  ", 2, &terminal(note, LINE), columns);
    }
    for (heading, rows) in
        [(title(bisection).to_owned(), suspects(bisection)), (experiment_count(bisection), experiments(bisection))]
    {
        let _ = write!(text, "\n{heading}\n{}", drawn(&rows, width));
    }
    for (number, tried) in evidence(bisection) {
        let _ = write!(text, "\n{}\n", terminal(&head(bisection, number, tried), LINE));
        for line in &tried.evidence {
            text += &wrap("  ", 4, &terminal(line, LINE), columns);
        }
    }
    text
}

/// The full bisection as Markdown. Ends with a newline.
pub fn page(bisection: &Bisection) -> String {
    let mut page = format!("**{}**: {}\n", bisection.standing.words(), markdown(&bisection.answer, 4 * LINE));
    for note in &bisection.notes {
        let _ = write!(page, "\n- {}", markdown(note, LINE));
    }
    if !bisection.notes.is_empty() {
        page.push('\n');
    }
    for (heading, rows) in
        [(title(bisection).to_owned(), suspects(bisection)), (experiment_count(bisection), experiments(bisection))]
    {
        let _ = write!(page, "\n**{heading}**\n\n{}", piped(&rows));
    }
    for (number, tried) in evidence(bisection) {
        let lines = tried.evidence.iter().map(String::as_str);
        let _ = write!(page, "\n{}\n\n{}", markdown(&head(bisection, number, tried), LINE), markdown_fence(lines));
    }
    page
}

pub(in crate::report) fn suspects(bisection: &Bisection) -> Rows {
    let versions = bisection.suspects.iter().any(|suspect| !suspect.good.is_empty() || !suspect.bad.is_empty());
    let row = |suspect: &Suspect| {
        let mut row = vec![suspect.name.clone()];
        if versions {
            row.extend([suspect.members.join(" "), suspect.good.clone(), suspect.bad.clone()]);
        }
        row.push(suspect.fate.word().to_owned());
        row
    };
    let heads = if versions {
        vec!["suspect", "members", "where it passes", "where it fails", "conclusion"]
    } else {
        vec!["step", "conclusion"]
    };
    // Suspects that are the same in both cells share one row.
    let (same, rest): (Vec<_>, Vec<_>) =
        bisection.suspects.iter().partition(|suspect| suspect.fate == Fate::Same && suspect.members.len() <= 4);
    let mut rows: Vec<Vec<String>> = rest.into_iter().map(row).collect();
    if !same.is_empty() {
        let names: Vec<&str> = same.iter().map(|suspect| suspect.name.as_str()).collect();
        let mut last = vec![names.join(", ")];
        last.resize(heads.len() - 1, String::new());
        last.push(Fate::Same.word().to_owned());
        rows.push(last);
    }
    Rows { heads, rows }
}

/// The column of the result in [`experiments`].
pub(in crate::report) const RESULT: usize = 2;

pub(in crate::report) fn experiments(bisection: &Bisection) -> Rows {
    let row = |(number, tried): (usize, &Tried)| {
        let what = format!("{}{}", tried.base, swapped(bisection, tried).unwrap_or_default());
        vec![number.to_string(), what, tried.result.word().to_owned(), tried.summary.clone()]
    };
    Rows { heads: vec!["#", "what ran", "result", "seen"], rows: (1..).zip(&bisection.experiments).map(row).collect() }
}

/// The experiments that support the answer, with their numbers.
fn evidence(bisection: &Bisection) -> impl Iterator<Item = (usize, &Tried)> {
    let all = (1..).zip(&bisection.experiments);
    all.filter(|(_, tried)| supports(bisection, tried) && !tried.evidence.is_empty())
}

fn head(bisection: &Bisection, number: usize, tried: &Tried) -> String {
    let swapped = swapped(bisection, tried).unwrap_or_default();
    format!("{number}. {}{swapped}: {}", tried.base, tried.result.word())
}

fn drawn(rows: &Rows, width: u16) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(&rows.heads);
    for row in &rows.rows {
        table.add_row(row.iter().map(|text| terminal(text, LINE)));
    }
    table.lines().map(|line| line + "\n").collect()
}

fn piped(rows: &Rows) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(rows.heads.iter().map(|head| markdown(head, SHORT)).collect());
    text += &line(rows.heads.iter().map(|_| "---".to_owned()).collect());
    for row in &rows.rows {
        text += &line(row.iter().map(|cell| markdown(cell, LINE)).collect());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::bisection::fixture;

    #[test]
    fn a_terminal_shows_the_answer_two_tables_and_the_evidence() {
        insta::assert_snapshot!(text(&fixture::bisection(), 100));
    }

    #[test]
    fn markdown_shows_the_same() {
        insta::assert_snapshot!(page(&fixture::bisection()));
    }

    #[test]
    fn hostile_text_stays_in_its_cell_and_long_answers_are_not_truncated() {
        let mut bisection = fixture::bisection();
        bisection.experiments[0].summary = "\u{1b}[2J | x\n# <script>".into();
        bisection.experiments[0].evidence = vec!["```\n# x".into()];
        bisection.answer = "word ".repeat(200) + "end";
        let (text, page) = (text(&bisection, 80), page(&bisection));
        for shown in [&text, &page] {
            assert!(!shown.contains('\u{1b}') && !shown.lines().any(|line| line.starts_with("# ")));
            assert!(shown.contains("end"));
        }
        assert!(!page.contains("<script>"));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
