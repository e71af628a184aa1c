//! Differences in words.

use std::collections::BTreeMap;

use crate::model::CellId;
use crate::words::outline::{OutlineLine, TextOutline};

use super::change::Change;
use super::difference::{CellChange, Difference, TrialChange, Turn};
use super::provenance::{Fact, Field};

/// `difference` as text: a line with counts, the cells whose verdicts or trials differ, then other differences of
/// provenance with their cells. `before` and `after` name the two results.
pub fn outline(difference: &Difference, before: &str, after: &str) -> TextOutline {
    let mut outline = TextOutline::default();
    let head = outline.line(0);
    if difference.is_empty() {
        head.strong("no difference").say(format!(" between {before} and {after}: {}", cells(difference.total())));
        return outline;
    }
    head.strong(tally(difference)).say(format!(", from {before} to {after}"));
    if difference.matrix_changed {
        outline.line(1).say("matrix.yaml is different");
    }
    let (changed, quiet): (Vec<_>, Vec<_>) = difference.cells.iter().partition(|cell| needs_words(cell));
    for cell in changed {
        outline.line(0).strong(format!("{}: ", cell.change)).say(&cell.id).say(turn(&cell.verdict, " ", "absent"));
        changes(&mut outline, 1, cell);
    }
    let ran = by_fact(&quiet);
    if !ran.is_empty() {
        outline.line(0).say("same outcomes, but something different ran:");
    }
    for (fact, cells) in ran {
        facts(outline.line(1), &[fact]).say(": ").list(cells);
    }
    outline
}

/// Whether more than the provenance differs.
fn needs_words(cell: &CellChange) -> bool {
    let CellChange { id: _, change: _, verdict, reason, expected, trials, known_issues, provenance: _ } = cell;
    verdict.differs()
        || reason.differs()
        || expected.differs()
        || !trials.is_empty()
        || !known_issues.gained.is_empty()
        || !known_issues.lost.is_empty()
}

/// Writes the differences of one cell, apart from its verdict, indented by `depth` levels.
pub(crate) fn changes(outline: &mut TextOutline, depth: usize, cell: &CellChange) {
    if let (true, Some(reason)) = (cell.reason.differs(), &cell.reason.after) {
        outline.line(depth).say(reason);
    }
    for trial in &cell.trials {
        let TrialChange { id, change, outcome, seen } = trial;
        let line = outline.line(depth).say(format!("{change}: ")).say(id).say(turn(outcome, " ", "absent"));
        if seen.differs() {
            line.say(" (").say(turn(seen, "", "nothing")).say(")");
        }
    }
    if cell.expected.differs() {
        outline.line(depth).say("expected in matrix.yaml:").say(turn(&cell.expected, " ", "nothing"));
    }
    for (word, issues) in
        [("now matches: ", &cell.known_issues.gained), ("no longer matches: ", &cell.known_issues.lost)]
    {
        if !issues.is_empty() {
            outline.line(depth).say(word).list(issues);
        }
    }
    if !cell.provenance.is_empty() {
        facts(outline.line(depth), &cell.provenance);
    }
}

/// `regressed, pass -> fail`, and what else changed in a few words.
pub(crate) fn turn_of(cell: &CellChange) -> String {
    let besides: Vec<&str> = [
        ("trials", !cell.trials.is_empty() && !cell.verdict.differs()),
        ("expectation", cell.expected.differs()),
        ("what ran", !cell.provenance.is_empty()),
    ]
    .into_iter()
    .filter_map(|(what, differs)| differs.then_some(what))
    .collect();
    let besides = if besides.is_empty() { String::new() } else { format!("; also changed: {}", besides.join(", ")) };
    format!("{},{}{besides}", cell.change, turn(&cell.verdict, " ", "absent"))
}

/// `pass -> fail`, or the one word when both are the same.
fn turn<T: std::fmt::Display + PartialEq>(turn: &Turn<T>, lead: &str, without: &str) -> String {
    let word = |side: &Option<T>| side.as_ref().map_or_else(|| without.to_owned(), ToString::to_string);
    if turn.differs() {
        format!("{lead}{} -> {}", word(&turn.before), word(&turn.after))
    } else {
        format!("{lead}{}", word(&turn.after))
    }
}

/// `OpenSSL 3.0.20 -> 3.5.7, kernel ? -> 6.12`.
pub(crate) fn facts<'a>(line: &'a mut OutlineLine, facts: &[Fact]) -> &'a mut OutlineLine {
    line.list(facts.iter().map(|fact| {
        let side = |text: &Option<String>| short(fact.field, text.as_deref().unwrap_or("?"));
        format!("{} {} -> {}", fact.field, side(&fact.before), side(&fact.after))
    }))
}

/// Digits shown of a digest.
const DIGITS: usize = 12;

/// Characters shown of a value on either side.
const SIDE: usize = 40;

/// Digests are cut to their first digits, other text so that both sides fit on a line. matrix.json has them in full.
fn short(field: Field, text: &str) -> String {
    let text = text.strip_prefix("sha256:").unwrap_or(text);
    text.chars().take(if matches!(field, Field::Image | Field::Recipe) { DIGITS } else { SIDE }).collect()
}

fn tally(difference: &Difference) -> String {
    let counts: Vec<String> = difference
        .tally
        .iter()
        .filter(|(change, _)| !matches!(change, Change::SamePass | Change::SameFail | Change::StillFlaky))
        .map(|(change, count)| format!("{count} {change}"))
        .collect();
    match counts.as_slice() {
        [] => format!("the same verdicts in {}", cells(difference.total())),
        counts => format!("{} of {}", counts.join(", "), cells(difference.total())),
    }
}

fn cells(count: usize) -> String {
    format!("{count} cell{}", if count == 1 { "" } else { "s" })
}

fn by_fact<'a>(cells: &[&'a CellChange]) -> BTreeMap<Fact, Vec<&'a CellId>> {
    let mut by_fact: BTreeMap<Fact, Vec<&CellId>> = BTreeMap::new();
    for cell in cells {
        for fact in &cell.provenance {
            by_fact.entry(fact.clone()).or_default().push(&cell.id);
        }
    }
    by_fact
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::decide::compare::fixture::{expected, known_answers, matrix};
    use crate::decide::compare::results;
    use crate::model::Verdict;

    fn upgraded() -> TextOutline {
        let mut before = known_answers();
        before.cells[2] = matrix(&[("debian-13/9.2.5", Verdict::Pass)]).cells.remove(0);
        before.cells[2].provenance.openssl.as_mut().unwrap().version = "3.1.9".into();
        let mut after = known_answers();
        after.matrix = "other".into();
        after.cells[2].expected = Some(expected(Verdict::Fail));
        for cell in &mut after.cells[..2] {
            cell.provenance.kernel = Some("6.12.0".into());
        }
        after.cells.remove(3);
        outline(&results(&before, &after), "git:HEAD~3", "results/matrix.json")
    }

    #[test]
    fn the_first_line_counts_changes_and_the_rest_explains_them() {
        assert_snapshot!(upgraded().text(), @"
        1 regressed, 1 no longer tested of 4 cells, from git:HEAD~3 to results/matrix.json
          matrix.yaml is different
        regressed: debian-13/9.2.5 pass -> fail
          regressed: tls-remote-origin pass -> fail (200 -> 502 Invalid argument)
          expected in matrix.yaml: nothing -> fail
          now matches: ATS-11465
          OpenSSL 3.1.9 -> 3.5.7
        no longer tested: debian-13/9.2.9 pass -> absent
        same outcomes, but something different ran:
          kernel 6.1.0 -> 6.12.0: debian-12/9.2.5, debian-12/9.2.9
        ");
    }

    #[test]
    fn differences_as_markdown() {
        assert_snapshot!(upgraded().markdown(), @r#"
        **1 regressed, 1 no longer tested of 4 cells**, from git:HEAD\~3 to results/matrix.json

        - matrix.yaml is different

        **regressed:** debian-13/9.2.5 pass -&gt; fail

        - regressed: tls-remote-origin pass -&gt; fail (200 -&gt; 502 Invalid argument)
        - expected in matrix.yaml: nothing -&gt; fail
        - now matches: ATS-11465
        - OpenSSL 3.1.9 -&gt; 3.5.7

        **no longer tested:** debian-13/9.2.9 pass -&gt; absent

        same outcomes, but something different ran:

        - kernel 6.1.0 -&gt; 6.12.0: debian-12/9.2.5, debian-12/9.2.9
        "#);
    }

    #[test]
    fn no_difference_is_stated() {
        let text = outline(&results(&known_answers(), &known_answers()), "a", "b").text();
        assert_eq!(text, "no difference between a and b: 4 cells\n");
    }
}
