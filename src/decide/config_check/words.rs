//! The check in words.

use super::{Certainty, ConfigCheck, ConfigFinding, Gravity, LoadedPlugin};
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
    let verdict = if check.has_findings() { "look at it" } else { "nothing found" };
    let line = outline.line(0);
    line.strong(verdict).say(format!(" for ATS {}: ", versions.join(" and "))).say(&check.folder);
    line.say("; ").say(counts(check));
    let read = check.read;
    outline.line(1).say(format!(
        "read: {}, {}, {}, {}",
        many(read.files, "file"),
        many(read.settings, "setting"),
        many(read.rules, "remap rule"),
        many(read.plugins, "plugin")
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
    if !check.plugins.is_empty() {
        outline.line(0).strong("plugins").say(":");
        check.plugins.iter().for_each(|plugin| say_plugin(&mut outline, plugin));
    }
    outline.line(0).say("nothing was started: what ATS and its plugins make of the rest, only a start shows");
    for ats in &check.ats {
        outline.line(1).say(format!(
            "to start it: `config: {}` at the column of matrix.yaml, and atsmatrix run --ats {} --trial your-config-start",
            check.folder, ats.name
        ));
    }
    outline
}

/// Most lines that are named of a plugin.
const MAX_LINES: usize = 5;

fn say_plugin(outline: &mut TextOutline, plugin: &LoadedPlugin) {
    let line = outline.line(1);
    line.strong(&plugin.name).say(" ").list(plugin.at.iter().take(MAX_LINES));
    if plugin.at.len() > MAX_LINES {
        line.say(format!(" and {} more", plugin.at.len() - MAX_LINES));
    }
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `fails open: 2, breaks: 1`.
fn counts(check: &ConfigCheck) -> String {
    let count = |gravity: Gravity| check.findings.iter().filter(|it| it.gravity == gravity).count();
    let named = |(gravity, heading): &(Gravity, &str)| match count(*gravity) {
        0 => None,
        count => Some(format!("{heading}: {count}")),
    };
    let parts: Vec<String> = HEADINGS.iter().filter_map(named).collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

fn basis(ats: &super::CheckedAts) -> String {
    let text = if ats.documented {
        format!(
            "{}: settings as ATS 9.2.9 lists them, with what upstream documents up to {}; no ATS 10 was asked",
            ats.name, ats.data
        )
    } else if ats.data == ats.version {
        format!("{}: settings as ATS {} lists them", ats.name, ats.data)
    } else {
        format!("{}: settings as ATS {} lists them, the nearest version with data", ats.name, ats.data)
    };
    match &ats.plugins {
        Some(packages) => format!("{text}; plugins of {packages}"),
        None => format!("{text}; its plugins are not known"),
    }
}

fn say(outline: &mut TextOutline, check: &ConfigCheck, finding: &ConfigFinding) {
    let line = outline.line(1);
    match (finding.at.line, finding.column) {
        (0, _) => line.strong(&finding.at.file),
        (_, 0) => line.strong(&finding.at),
        (_, column) => line.strong(format!("{}:{column}", finding.at)),
    };
    line.say(" ").say(&finding.what);
    if finding.versions.len() < check.ats.len() {
        line.say(format!(" [{}]", finding.versions.join(", ")));
    }
    if finding.certainty == Certainty::Assumed {
        line.say(" (assumed from other versions)");
    }
    if !finding.todo.is_empty() {
        outline.line(2).say("what to do: ").say(&finding.todo);
    }
    if let Some(source) = finding.source {
        outline.line(2).say("see ").say(source);
    }
}

/// The check as JSON.
pub fn json(check: &ConfigCheck) -> String {
    answer::json(check)
}
