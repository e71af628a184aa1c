//! An explanation in words and as JSON.

use super::{AttemptLines, Explanation, Issue, Story};
use crate::decide::behaviour::words::lines as behaviour_lines;
use crate::model::{Library, OpensslConf, Outcome, Provenance, Surroundings};
use crate::words::outline::TextOutline;
use crate::words::{answer, workaround};

/// `explanation` as text: the verdict first, then what ran, was expected, was seen, what it means, and what to do.
pub fn outline(explanation: &Explanation) -> TextOutline {
    let mut out = TextOutline::default();
    out.line(0).strong(&explanation.cell).say(format!(": {}", explanation.label));
    if let Some(reason) = &explanation.reason {
        out.line(1).say(reason);
    }
    out.line(1).say(&explanation.meaning);
    if let Some(tally) = &explanation.tally {
        out.line(1).say(tally);
    }
    ran(&mut out, &explanation.ran);
    expectation(&mut out, explanation);
    seen(&mut out, explanation);
    means(&mut out, explanation);
    out.line(0).strong("What to do");
    for advice in &explanation.advice {
        out.line(1).say(advice);
    }
    out
}

/// `explanation` as versioned JSON.
pub fn json(explanation: &Explanation) -> String {
    answer::json(explanation)
}

fn ran(out: &mut TextOutline, ran: &Provenance) {
    let lines = what_ran(ran);
    out.line(0).strong("What ran");
    if lines.is_empty() {
        out.line(1).say("nothing: there was no image to run");
    }
    for (what, which) in lines {
        out.line(1).say(format!("{what}: {which}"));
    }
}

/// What ran, as names and values, in the order of a stack from the top.
pub(super) fn what_ran(ran: &Provenance) -> Vec<(&'static str, String)> {
    let library = |library: &Library| {
        let package = library.package.as_ref().map_or(String::new(), |package| format!(", package {package}"));
        format!("{} ({}{package})", library.version, library.path)
    };
    let ats = ran.ats.as_ref().map(|ats| {
        let package = ats.package.as_ref().map(|package| format!("package {package}"));
        let source = ats.source.as_ref().map(|source| format!("from {source}"));
        let from: Vec<String> = [Some(ats.binary.clone()), package, source].into_iter().flatten().collect();
        format!("{} ({})", ats.reported, from.join(", "))
    });
    let around = ran.surroundings.as_ref();
    let conf = around.and_then(|around| around.openssl_conf.as_ref()).map(openssl_conf);
    let images = ran.images.as_ref().map(|images| format!("{} ({})", images.recipe, images.ats));
    [
        ("ATS", ats),
        ("OpenSSL as loaded", ran.openssl.as_ref().map(library)),
        ("openssl.cnf", conf),
        ("crypto policy", around.and_then(|around| around.crypto_policy.clone())),
        ("environment of ATS", around.and_then(Surroundings::variables)),
        ("C library", ran.libc.as_ref().map(library)),
        ("distro", ran.distro.as_ref().map(|release| release.name.clone())),
        ("upgraded in place", ran.upgrade.as_ref().map(ToString::to_string)),
        ("parent", ran.parent.as_ref().map(ToString::to_string)),
        ("libssl of the controls", around.and_then(Surroundings::libraries)),
        ("kernel", ran.kernel.clone()),
        ("open files", around.and_then(|around| around.nofile.clone())),
        ("image", images),
    ]
    .into_iter()
    .filter_map(|(what, which)| Some((what, which?)))
    .collect()
}

/// The openssl.cnf that ATS reads: its path, whether it is the distro's own, and what it sets.
fn openssl_conf(conf: &OpensslConf) -> String {
    let file = match &conf.sha256 {
        Some(sha256) => format!("{} ({sha256})", conf.path),
        None => format!("{}, which does not exist", conf.path),
    };
    let distro = match conf.differs.as_deref() {
        None => "unknown whether it is as the distro ships it".to_owned(),
        Some([]) => "as the distro ships it".to_owned(),
        Some(differs) => format!("not as the distro ships it: {}", differs.join("; ")),
    };
    let sets = if conf.settings.is_empty() { String::new() } else { format!("; it sets {}", conf.settings.join(", ")) };
    format!("{file}, {distro}{sets}")
}

fn expectation(out: &mut TextOutline, explanation: &Explanation) {
    out.line(0).strong("What was expected");
    match &explanation.expected {
        Some(expected) => {
            let line = out.line(1).say(format!("{} (matrix.yaml): {}", expected.what(), expected.reason));
            if let Some(link) = &expected.link {
                line.say(", see ").link(short(link), link);
            }
        }
        None => {
            out.line(1).say("pass: matrix.yaml declares no failure");
        }
    }
    for story in explanation.trials.iter().take(1).filter(|story| !story.title.is_empty()) {
        out.line(1).say(format!("{}: {}", story.id, story.title));
        let why = out.line(2).say(format!("why: {}", story.why));
        if !story.link.is_empty() {
            why.say("; see ").link(short(&story.link), &story.link);
        }
        for expected in &story.expects {
            out.line(2).say(format!("it expects: {expected}"));
        }
        for setting in &story.settings {
            out.line(2).say(format!("its own setting: {setting}"));
        }
    }
}

fn seen(out: &mut TextOutline, explanation: &Explanation) {
    if explanation.trials.is_empty() && explanation.others.is_empty() {
        return;
    }
    let from =
        explanation.run.as_ref().map_or("committed results".to_owned(), |run| format!("raw evidence of run {run}"));
    out.line(0).strong("What was seen").say(format!(" ({from})"));
    if let Some((first, rest)) = explanation.trials.split_first() {
        story(out, first);
        let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
        for other in rest {
            let text = format!("{}, {}", other.outcome, other.summary);
            match alike.iter_mut().find(|(known, _)| *known == text) {
                Some((_, ids)) => ids.push(&other.id),
                None => alike.push((text, vec![&other.id])),
            }
        }
        for (text, ids) in alike {
            out.line(1).say(format!("{text}: ")).list(ids);
        }
        if !rest.is_empty() {
            out.line(1).say(format!("to explain one of these in full: atsmatrix explain {} TRIAL", explanation.cell));
        }
    }
    let passed = explanation.others.iter().filter(|other| other.outcome == Outcome::Pass).map(|other| &other.id);
    let passed: Vec<_> = passed.collect();
    if !passed.is_empty() {
        out.line(1).say("passed: ").list(passed);
    }
    for other in explanation.others.iter().filter(|other| other.outcome != Outcome::Pass) {
        out.line(1).say(format!("{}: {}, {}", other.id, other.outcome, other.summary));
    }
}

fn story(out: &mut TextOutline, story: &Story) {
    let control = if story.control { ", a control" } else { "" };
    out.line(1).strong(&story.id).say(format!(" ({}{control}): {}", story.outcome, story.summary));
    for check in &story.checks {
        let result = if check.held { "ok" } else { "failed" };
        out.line(2).say(format!("{result}: expected {}, saw {}", check.expected, check.seen));
    }
    match story.attempts.last() {
        Some(last) => attempt(out, last),
        None => out.block(2, &story.evidence),
    }
    if let (Some(last), 2..) = (story.attempts.last(), story.attempts.len()) {
        out.line(2).say(format!("this is attempt {} of {}", last.attempt, story.attempts.len()));
    }
    if let Some(behaviour) = &story.behaviour {
        out.line(2).say("behaviour, as it is compared with other cells:");
        out.block(3, behaviour_lines(behaviour));
    }
}

fn attempt(out: &mut TextOutline, attempt: &AttemptLines) {
    if let Some(ats) = &attempt.ats {
        out.line(2).say(ats);
    }
    for (who, lines) in [("client", &attempt.client), ("origin", &attempt.origin)] {
        if !lines.is_empty() {
            out.line(2).say(format!("{who}:"));
            out.block(3, lines);
        }
    }
    if attempt.origin.is_empty() {
        out.line(2).say("origin: no connection");
    }
    for lines in &attempt.wire {
        out.line(2).say("wire:");
        out.block(3, lines);
    }
    if !attempt.logs.is_empty() {
        out.line(2).say("ATS's logs:");
        out.block(3, &attempt.logs);
    }
}

fn means(out: &mut TextOutline, explanation: &Explanation) {
    out.line(0).strong("What it means");
    for issue in &explanation.known_issues {
        known(out, issue);
    }
    for lifted in &explanation.lifted {
        out.line(1).strong("news").say(": ").say(lifted);
    }
    for decided in &explanation.bisections {
        out.line(1).strong(&decided.trial).say(", bisected: ").say(&decided.sentence);
        if let Some(why) = &decided.stale {
            out.line(2).say(format!("out of date: {why}; to repeat it: {}", decided.command));
        }
        for note in &decided.notes {
            out.line(2).say(note);
        }
    }
    if !explanation.unknown.is_empty() {
        out.line(1).say("unknown cause, no known issue matches: ").list(&explanation.unknown);
    }
    if explanation.known_issues.is_empty() && explanation.unknown.is_empty() {
        out.line(1).say(&explanation.meaning);
    }
}

fn known(out: &mut TextOutline, issue: &Issue) {
    let matched = &issue.matched;
    out.line(1)
        .strong(format!("{} ({})", matched.id, matched.certainty()))
        .say(format!(": {}, ", matched.title))
        .link(short(&matched.link), &matched.link);
    if !issue.affected.is_empty() {
        out.line(2).say(format!("affects: {}; when: {}", issue.affected, issue.when));
    }
    out.line(2).say(format!("fixed in: {}", matched.fixed_in));
    if !matched.trials.is_empty() {
        out.line(2).say("trials that show it: ").list(&matched.trials);
    }
    for link in &issue.also {
        out.line(2).say("see also ").link(short(link), link);
    }
    for tried in &matched.workarounds {
        out.line(2).say(format!("workaround {}", workaround::line(tried)));
    }
    for untried in &issue.untried {
        let (how, tried) = if untried.settings.is_empty() {
            (untried.what.clone(), "cannot be tried here")
        } else {
            (format!("{} ({})", untried.what, untried.settings.join(", ")), "not tried here")
        };
        out.line(2).say(format!("workaround {}, {tried}: {how}; cost: {}", untried.name, untried.cost));
    }
}

/// The usual short form of a link: `apache/trafficserver#11465`, else the site.
fn short(link: &str) -> String {
    let path = link.strip_prefix("https://").unwrap_or(link);
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["github.com", owner, repository, "issues" | "pull", number] => format!("{owner}/{repository}#{number}"),
        [site, ..] => (*site).to_owned(),
        [] => String::new(),
    }
}
