//! Behaviour, and differences of it, in words.

use crate::model::{BehaviourPart, CellId, TrialBehaviour};
use crate::verdict::few;
use crate::words::outline::TextOutline;

use super::change::{BehaviourChange, BehaviourDifference, NotCompared};
use super::expected::ExpectedCause;
use super::turn::entries;

/// Longest list that is shown entry by entry.
const ENTRIES: usize = 8;

/// Trials that are named where a change was to be expected.
const NAMED: usize = 2;

/// `differences` as text, one paragraph for each pair of cells.
pub fn outline(differences: &[BehaviourDifference]) -> TextOutline {
    let mut out = TextOutline::default();
    for difference in differences {
        let head = out.line(0).strong(format!("{} -> {}", difference.from, difference.to));
        head.say(format!(": {}", sum(difference)));
        details(&mut out, 1, difference);
    }
    if differences.is_empty() {
        out.line(0).strong("nothing to compare").say(": no two cells with recorded behaviour");
    }
    out
}

/// `97 trials compared, OpenSSL 3.0.20 -> 3.5.7: 4 changes are expected, nothing unexplained`.
pub fn sum(difference: &BehaviourDifference) -> String {
    if !difference.unrecorded.is_empty() {
        return format!("no behaviour was recorded of {}", list(&difference.unrecorded));
    }
    let ran = |name: &str, (before, after): &(Option<String>, Option<String>)| {
        let side = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
        if before == after { String::new() } else { format!(", {name} {} -> {}", side(before), side(after)) }
    };
    let (expected, unexplained) = (difference.expected().count(), difference.unexplained().count());
    let found = match (expected, unexplained) {
        (0, 0) => "no change".to_owned(),
        (_, 0) => format!("{} expected, none unexplained", changes(expected)),
        (0, _) => format!("{} unexplained", changes(unexplained)),
        _ => format!("{} unexplained, {expected} expected", changes(unexplained)),
    };
    let (openssl, ats) = (ran("OpenSSL", &difference.openssl), ran("ATS", &difference.ats));
    format!("{} compared{openssl}{ats}: {found}", trials(difference.compared))
}

/// The changes and what could not be compared, at `depth`.
pub(crate) fn details(out: &mut TextOutline, depth: usize, difference: &BehaviourDifference) {
    for change in difference.unexplained() {
        out.line(depth).strong("unexplained").say(format!(": {}", line(change)));
    }
    let mut told: Vec<&ExpectedCause> = Vec::new();
    for cause in difference.expected().filter_map(|change| change.expected.as_ref()) {
        if told.contains(&cause) {
            continue;
        }
        told.push(cause);
        out.line(depth).say(format!("expected by {}: {}; ", cause.by, cause.why)).link("source", cause.source);
        for change in difference.expected().filter(|change| change.expected.as_ref() == Some(cause)) {
            out.line(depth + 1).say(line(change));
        }
    }
    if !difference.unrecorded.is_empty() {
        return;
    }
    for (what, ids) in [
        ("cannot tell about", &difference.unknown),
        ("not compared, because the later cell does not have them:", &difference.only_before),
        ("not compared, because the earlier cell does not have them:", &difference.only_after),
    ] {
        if !ids.is_empty() {
            out.line(depth).say(format!("{what} {}: {}", trials(ids.len()), few(ids)));
        }
    }
    for text in left_out(difference) {
        out.line(depth).say(text);
    }
}

/// `not compared in 2 trials: origin (requests run at once): load-200, load-reload`, for each fact.
pub fn left_out(difference: &BehaviourDifference) -> Vec<String> {
    let line = |left: &NotCompared| {
        let NotCompared { fact, why, trials: names } = left;
        format!("not compared in {}: {fact} ({why}): {}", trials(names.len()), few(names))
    };
    difference.not_compared.iter().map(line).collect()
}

/// `ClientHello 517 -> 1597 to 1617 bytes in 71 trials`.
pub fn line(change: &BehaviourChange) -> String {
    let BehaviourChange { part, aspect, turn, expected, trials: names } = change;
    let what = match part {
        BehaviourPart::Size => format!("{part} {turn}"),
        _ => format!("{part} {aspect}: {turn}"),
    };
    let which = if expected.is_none() || names.len() <= NAMED { format!(": {}", few(names)) } else { String::new() };
    format!("{what}, in {}{which}", trials(names.len()))
}

/// The behaviour of one trial in a few lines, one for each part; of rules one for each fact.
pub fn lines(behaviour: &TrialBehaviour) -> Vec<String> {
    let part = |(part, aspects): (&BehaviourPart, &crate::model::Aspects)| {
        if *part == BehaviourPart::Rules {
            return aspects.iter().map(|(name, value)| format!("{part} {name}: {value}")).collect();
        }
        let value = |(name, value): (&String, &String)| match (part, entries(value).len()) {
            (BehaviourPart::Size, _) => format!("{value} bytes"),
            (BehaviourPart::Hello, count) if count > ENTRIES => format!("{count} {name}"),
            _ => format!("{name} {value}"),
        };
        let values: Vec<String> = aspects.iter().map(value).collect();
        vec![format!("{part}: {}", values.join("; "))]
    };
    behaviour.0.iter().flat_map(part).collect()
}

fn list(cells: &[CellId]) -> String {
    cells.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

fn trials(count: usize) -> String {
    format!("{count} trial{}", if count == 1 { "" } else { "s" })
}

fn changes(count: usize) -> String {
    format!("{count} change{}", if count == 1 { "" } else { "s" })
}
