//! A report for ATS's issue tracker, in Markdown, for readers who do not know this program.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use super::words::what_ran;
use super::{Explanation, Story};
use crate::model::{Confidence, Verdict};
use crate::words::escape::{LINE, SHORT, markdown, markdown_fence, markdown_link};

/// The report. `by_hand` are shell commands that make the image and reproduce the failure.
pub fn report(explanation: &Explanation, by_hand: &[String]) -> String {
    let mut text = format!("# {}\n\n", title(explanation));
    if let Some(reason) = &explanation.reason {
        text.push_str(&markdown_fence(reason.split(" | ")));
        text.push('\n');
    }
    text.push_str("## Versions\n\n| | |\n|---|---|\n");
    let ran = what_ran(&explanation.ran);
    for (what, which) in &ran {
        let _ = writeln!(text, "| {what} | {} |", markdown(which, LINE));
    }
    if ran.is_empty() {
        let _ = writeln!(text, "| cell | {} |", markdown(&explanation.cell.to_string(), SHORT));
    }
    text.push('\n');
    if let Some(story) = explanation.trials.first() {
        text.push_str(&seen(explanation, story));
    }
    text.push_str(&known(explanation));
    if !by_hand.is_empty() {
        text.push_str("## How to reproduce\n\nWith docker and curl alone.\n\n");
        for commands in by_hand {
            // The commands are our own, so that nothing in them closes the fence, and they must not be cut off.
            let _ = writeln!(text, "```sh\n{}\n```\n", commands.trim_end());
        }
    }
    text.push_str("Found by atsmatrix, which runs ATS against instrumented origins.\n");
    text
}

/// Characters of a list of trials.
const NAMES: usize = 2000;

/// `ATS 9.2.5 on Debian GNU/Linux 13 (trixie) with OpenSSL 3.5.7: 502 Invalid argument`.
fn title(explanation: &Explanation) -> String {
    let ran = &explanation.ran;
    let ats = ran.ats.as_ref().map_or_else(|| explanation.cell.ats.to_string(), |ats| ats.reported.clone());
    let distro =
        ran.distro.as_ref().map_or_else(|| explanation.cell.distro.to_string(), |release| release.name.clone());
    let openssl = ran.openssl.as_ref().map_or(String::new(), |library| format!(" with OpenSSL {}", library.version));
    let what = match (explanation.verdict, explanation.trials.first()) {
        (Verdict::Unbuildable, _) => "cannot be built".to_owned(),
        (Verdict::Broken, _) => "does not start after an upgrade of the distro".to_owned(),
        (_, Some(story)) => story.summary.clone(),
        (verdict, None) => verdict.to_string(),
    };
    markdown(&format!("ATS {ats} on {distro}{openssl}: {what}"), LINE)
}

fn seen(explanation: &Explanation, story: &Story) -> String {
    let mut text = String::from("## Expected\n\n");
    let shows = if story.title.is_empty() { &story.id } else { &story.title };
    let _ = writeln!(text, "{}.", markdown(shows, LINE));
    if !story.settings.is_empty() {
        text.push_str("\nWith these settings:\n\n");
        text.push_str(&markdown_fence(story.settings.iter().map(String::as_str)));
    }
    let _ = writeln!(text, "\n## Seen\n\n{}.\n", markdown(&story.summary, LINE));
    let others: Vec<&str> = explanation.trials.iter().skip(1).map(|other| other.id.as_str()).collect();
    let passed: Vec<&str> = explanation
        .others
        .iter()
        .filter(|other| other.outcome == crate::model::Outcome::Pass)
        .map(|other| other.id.as_str())
        .collect();
    for (what, ids) in [("Also fails", others), ("Passes", passed)] {
        if !ids.is_empty() {
            let _ = writeln!(text, "{what}: {}.\n", markdown(&ids.join(", "), NAMES));
        }
    }
    let Some(last) = story.attempts.last() else {
        text.push_str(&markdown_fence(story.evidence.iter().map(String::as_str)));
        text.push('\n');
        return text;
    };
    let timeline: Vec<&str> = last.wire.iter().flatten().map(String::as_str).collect();
    for (what, lines) in [
        ("The client", last.client.iter().map(String::as_str).collect::<Vec<_>>()),
        ("The origin", last.origin.iter().map(String::as_str).collect()),
        ("On the wire between ATS and the origin", timeline),
        ("ATS's logs", last.logs.iter().map(String::as_str).collect()),
    ] {
        if !lines.is_empty() {
            let _ = writeln!(text, "{what}:\n\n{}", markdown_fence(lines));
        }
    }
    text
}

fn known(explanation: &Explanation) -> String {
    if explanation.known_issues.is_empty() {
        return String::new();
    }
    let mut text = String::from("## Known\n\n");
    for issue in &explanation.known_issues {
        let matched = &issue.matched;
        let _ = writeln!(
            text,
            "This{} {} {}: {}.",
            if matched.of_parent { ", at the parent," } else { "" },
            if matched.confidence == Confidence::Certain { "is" } else { "looks like" },
            markdown_link(&matched.id, &matched.link),
            markdown(&matched.title, LINE)
        );
    }
    text.push('\n');
    text
}
