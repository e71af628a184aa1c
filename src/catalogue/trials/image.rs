//! Images as they are delivered: what nobody starts in a laboratory.

use super::check::{self, Check};
use super::{SUBJECT, Trial, spec};
use crate::model::{CellKind, ClientError, ClientPhase, Exchange, ImageStart, Observation, Route, TrialSpec};

/// Commands that are no ATS: an image for building others, or for looking around.
const SHELLS: &[&str] = &["bash", "sh", "/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh"];

/// What an image prints that does not come up, and what would help.
const ADVICE: &[(&str, &str)] = &[
    ("access() local state dir", "make that folder in the image, and give it to the user that ATS runs as"),
    ("Permission denied", "give what it names to the image's USER (chown), or name another USER"),
    ("permission denied", "give what it names to the image's USER (chown), or name another USER"),
    ("Operation not permitted", "the engine's usual capabilities do not suffice: name a USER that needs none"),
    ("not found", "correct the ENTRYPOINT or CMD of the image"),
    ("no such file or directory", "correct the ENTRYPOINT or CMD of the image"),
    ("unable to find user", "correct the USER of the image"),
];

/// The image's command kept running.
fn kept_running(start: &ImageStart) -> Check {
    let said = if start.said.is_empty() {
        "it said nothing".to_owned()
    } else {
        format!("it said: {}", start.said.join(" | "))
    };
    let seen = match (&start.refused, start.exit) {
        (Some(why), _) => format!("a command that the engine cannot start: {why}"),
        (None, Some(code)) => format!("an end with exit code {code}; {said}"),
        (None, None) => RUNS.to_owned(),
    };
    let advice = ADVICE.iter().find(|(sign, _)| seen.contains(sign)).map(|(_, advice)| format!(" ({advice})"));
    let ended = start.refused.is_some() || start.exit.is_some();
    Check::new(!ended, RUNS, seen + &advice.filter(|_| ended).unwrap_or_default())
}

const RUNS: &str = "a command that keeps running";

/// ATS serves in it.
fn serves(start: &ImageStart) -> Vec<Check> {
    let served = start.served.clone().unwrap_or_default();
    let said = if start.said.is_empty() { String::new() } else { format!("; it said: {}", start.said.join(" | ")) };
    let ports: Vec<String> = served.ports.iter().map(ToString::to_string).collect();
    let at = if ports.is_empty() { "no port".to_owned() } else { format!("port {}", ports.join(", ")) };
    let or = |held: bool, expected: &str, otherwise: String| {
        Check::new(held, expected, if held { expected.to_owned() } else { otherwise })
    };
    vec![
        or(served.server, "a traffic_server that serves", format!("no such process within 15 s{said}")),
        or(served.answer.is_some(), "an answer to a request", format!("no answer at {at} within 15 s{said}")),
        or(served.stayed, "the same process a second later", format!("no answer of the same process{said}")),
    ]
}

/// Why there is nothing to try in this image.
fn nothing_to_start(start: &ImageStart) -> Option<String> {
    match start.command.as_slice() {
        [] => Some("the image has no ENTRYPOINT and no CMD: nothing starts ATS in it".to_owned()),
        [shell] if SHELLS.contains(&shell.as_str()) => Some(format!("the image starts a shell ({shell}), not ATS")),
        _ => None,
    }
}

fn judge(seen: &Observation) -> Vec<Check> {
    let start = seen.start.clone().unwrap_or_default();
    check::and(vec![kept_running(&start)], serves(&start))
}

/// What the client of this trial reports where there is nothing to start.
pub fn exchange_of(start: &ImageStart) -> Exchange {
    let error = nothing_to_start(start).map(|text| ClientError { phase: ClientPhase::Missing, text });
    Exchange { error, ..Exchange::default() }
}

pub(super) const TRIALS: &[Trial] = &[Trial {
    id: "image-starts",
    title: "the image comes up as it is delivered: ATS serves and answers",
    why: "every other trial starts ATS itself, with settings of the laboratory: whether the ENTRYPOINT, USER and \
          configuration of the image work is another question (that of apt's package ends at once, for want of \
          /run/trafficserver)",
    link: "https://docs.docker.com/reference/dockerfile/#entrypoint",
    only_for: Some(CellKind::OwnImage),
    spec: || TrialSpec { route: Route::AsDelivered, origin: spec::not_listening(), ..spec::https_get() },
    judge,
    ..SUBJECT
}];
