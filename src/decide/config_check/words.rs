//! The check in words.

use super::{ConfigCheck, ConfigFinding, Gravity};
use crate::words::answer;
use crate::words::outline::TextOutline;

/// Order and headings of the gravities.
const HEADINGS: &[(Gravity, &str)] = &[
    (Gravity::FailsOpen, "fails open"),
    (Gravity::Breaks, "breaks"),
    (Gravity::Ignored, "not obeyed"),
    (Gravity::Changed, "means something else"),
    (Gravity::Note, "worth knowing"),
];

/// The check as an outline: the verdict, then the findings, the worst first.
pub fn outline(check: &ConfigCheck) -> TextOutline {
    let mut outline = TextOutline::default();
    let versions: Vec<&str> = check.ats.iter().map(|ats| ats.name.as_str()).collect();
    let verdict = if check.is_bad() {
        "not ready"
    } else if check.findings.is_empty() {
        "nothing found"
    } else {
        "nothing that breaks"
    };
    let line = outline.line(0);
    line.strong(verdict).say(format!(" for ATS {}: ", versions.join(" and "))).say(&check.folder);
    line.say(" ").say(counts(check));
    let read = check.read;
    outline.line(1).say(format!(
        "read: {}, {}, {}, {}",
        many(read.files, "file"),
        many(read.settings, "setting"),
        many(read.rules, "remap rule"),
        many(read.plugins, "use of a plugin")
    ));
    for ats in &check.ats {
        outline.line(1).say(basis(ats));
    }
    for (gravity, heading) in HEADINGS {
        let found: Vec<&ConfigFinding> = check.findings.iter().filter(|it| it.gravity == *gravity).collect();
        if found.is_empty() {
            continue;
        }
        outline.line(0).strong(heading).say(":");
        for finding in found {
            say(&mut outline, check, finding);
        }
    }
    outline.line(0).say("nothing was started: what plugins make of their parameters, only a run shows");
    outline
}

fn many(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "use of a plugin") => format!("{count} uses of plugins"),
        _ => format!("{count} {what}s"),
    }
}

/// `has 2 findings that fail open, 1 that breaks`.
fn counts(check: &ConfigCheck) -> String {
    let count = |gravity: Gravity| check.findings.iter().filter(|it| it.gravity == gravity).count();
    let (open, breaks) = (count(Gravity::FailsOpen), count(Gravity::Breaks));
    let rest = check.findings.len() - open - breaks;
    let parts: Vec<String> = [
        (open, if open == 1 { "finding that fails open" } else { "findings that fail open" }),
        (breaks, if breaks == 1 { "that breaks something" } else { "that break something" }),
        (rest, "to look at"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if parts.is_empty() { "has no findings".into() } else { format!("has {}", parts.join(", ")) }
}

fn basis(ats: &super::CheckedAts) -> String {
    let mut text = if ats.documented {
        format!("{}: by upstream's documentation of {}; no ATS 10 was asked", ats.name, ats.data)
    } else if ats.data == ats.version {
        format!("{}: settings as ATS {} lists them", ats.name, ats.data)
    } else {
        format!("{}: settings as ATS {} lists them, the nearest version with data", ats.name, ats.data)
    };
    match &ats.plugins {
        Some(packages) => text.push_str(&format!("; plugins of {packages}")),
        None => text.push_str("; its plugins are not known"),
    }
    text
}

fn say(outline: &mut TextOutline, check: &ConfigCheck, finding: &ConfigFinding) {
    let line = outline.line(1);
    if finding.at.line == 0 {
        line.strong(&finding.at.file);
    } else {
        line.strong(&finding.at);
    }
    line.say(" ").say(&finding.what);
    if finding.versions.len() < check.ats.len() {
        line.say(format!(" [{}]", finding.versions.join(", ")));
    }
    if !finding.todo.is_empty() {
        outline.line(2).say("what to do: ").say(&finding.todo);
    }
    if let Some(source) = finding.source {
        outline.line(2).say("see ").link(source, source);
    }
}

/// The check as JSON.
pub fn json(check: &ConfigCheck) -> String {
    answer::json(check)
}
