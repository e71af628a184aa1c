//! A diagnosis in words and as JSON.

use super::{Counted, Diagnosis, HostVersions, Named, Server};
use crate::catalogue::known_issues::{EvidenceSource, Likeness, Reach, Workaround};
use crate::words::answer;
use crate::words::outline::TextOutline;

/// Servers listed in words; JSON has all.
const MAX_LISTED: usize = 20;

/// The known issues first, then what was seen.
pub fn outline(diagnosis: &Diagnosis) -> TextOutline {
    let mut outline = TextOutline::default();
    summary(&mut outline, diagnosis);
    for named in &diagnosis.resembled {
        issue(&mut outline, named);
    }
    if !diagnosis.affecting.is_empty() {
        outline
            .line(0)
            .strong("these versions also have")
            .say(", without a sign of it in this evidence: ")
            .list(&diagnosis.affecting);
    }
    seen(&mut outline, diagnosis);
    outline
}

/// A diagnosis for machines. Ends with a line end.
pub fn json(diagnosis: &Diagnosis) -> String {
    answer::json(diagnosis)
}

fn summary(outline: &mut TextOutline, diagnosis: &Diagnosis) {
    let of = |likeness| {
        diagnosis
            .resembled
            .iter()
            .filter(move |named| named.likeness == likeness)
            .map(|named| named.issue)
            .collect::<Vec<_>>()
    };
    let (likely, possible) = (of(Likeness::Likely), of(Likeness::Possible));
    let line = outline.line(0);
    match (likely.as_slice(), possible.as_slice()) {
        ([], []) => {
            line.strong("no known issue").say(": nothing in this evidence resembles one");
        }
        ([], _) => {
            line.strong("possible: ").list(&possible);
        }
        _ => {
            line.strong("likely: ").list(&likely);
        }
    }
    outline.line(1).say(format!(
        "{}; evidence of a host has no control, so nothing here is certain",
        versions(&diagnosis.versions)
    ));
}

fn versions(versions: &HostVersions) -> String {
    let stated = |name: &str, value: Option<&str>| format!("{name} {}", value.unwrap_or("not given"));
    let distro = versions.distro.as_ref().map(|(id, version)| format!("{id} {version}"));
    [
        stated("ATS", versions.ats.as_deref()),
        stated("OpenSSL", versions.openssl.as_deref()),
        stated("distro", distro.as_deref()),
    ]
    .join(", ")
}

fn issue(outline: &mut TextOutline, named: &Named) {
    outline
        .line(0)
        .strong(format!("{} ", likeness(named.likeness)))
        .link(named.issue, named.link)
        .say(format!(": {}", named.title));
    let seen_in: Vec<&str> = named.seen_in.iter().map(|source| source_words(*source)).collect();
    let line = outline.line(1).say(format!("its signs show in {}", seen_in.join(" and ")));
    if !named.servers.is_empty() {
        let listed = named.servers.iter().take(MAX_LISTED);
        line.say(", with ").list(listed);
        let further = named.servers.len().saturating_sub(MAX_LISTED);
        if further > 0 {
            line.say(format!(" and {further} more"));
        }
    }
    let not_given: Vec<&str> = named.not_given.iter().map(|source| source_words(*source)).collect();
    if !not_given.is_empty() {
        outline.line(1).say(format!("it would also show in {}, which was not given", not_given.join(" and ")));
    }
    outline.line(1).say(format!("these versions: {} (affects {})", reach(named.versions), named.affects));
    outline.line(1).say(format!("fixed in {}", named.fixed_in));
    outline.line(1).say(format!("what to do: {}", named.way_out));
    for (what, cost) in &named.workarounds {
        outline.line(1).say(format!("until then: {what}; it costs {cost}"));
    }
    if let Some(proof) = &named.proof {
        outline.line(1).say(format!("to prove it: {proof}"));
    }
}

fn seen(outline: &mut TextOutline, diagnosis: &Diagnosis) {
    if diagnosis.servers.is_empty() && diagnosis.lines.is_empty() {
        return;
    }
    outline.line(0).strong("what was seen");
    for server in diagnosis.servers.iter().take(MAX_LISTED) {
        connections(outline, server);
    }
    let further = diagnosis.servers.len().saturating_sub(MAX_LISTED);
    if further > 0 {
        outline.line(1).say(format!("{further} more servers; --format json lists them"));
    }
    outline.block(1, diagnosis.lines.iter().map(counted));
    for (count, what) in [(diagnosis.further_connections, "connections"), (diagnosis.further_lines, "log lines")] {
        if count > 0 {
            outline.line(1).say(format!("{count} more {what}, too many to keep apart"));
        }
    }
}

fn connections(outline: &mut TextOutline, server: &Server) {
    let line = outline.line(1).say(&server.address);
    if let Some(hello) = server.hello {
        line.say(format!(", ClientHello of {hello} bytes"));
    }
    if !server.names.is_empty() {
        line.say(", asked for ").list(&server.names);
    }
    outline.block(2, server.connections.iter().chain(&server.lines).map(counted));
}

fn counted(counted: &Counted) -> String {
    format!("{} x {}", counted.count, counted.text)
}

/// The word for a likeness.
pub(super) fn likeness(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::Likely => "likely",
        Likeness::Possible => "possible",
    }
}

/// Whether versions are affected, in a word.
pub(super) fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Affected => "affected",
        Reach::Outside => "not affected",
        Reach::Unknown => "not known",
    }
}

/// The name of a source.
pub(super) fn source(source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Capture => "capture",
        EvidenceSource::Log(name) => name,
        EvidenceSource::Cell => "cell",
    }
}

fn source_words(it: EvidenceSource) -> &'static str {
    match it {
        EvidenceSource::Capture => "the capture",
        EvidenceSource::Cell => "a cell",
        EvidenceSource::Log(_) => source(it),
    }
}

/// What a workaround does, and what it costs.
pub(super) fn workaround(workaround: &Workaround) -> (&'static str, &'static str) {
    (workaround.what, workaround.cost)
}
