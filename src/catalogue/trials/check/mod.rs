//! Checks over an observation, and the judgement they add up to.

mod cache;
mod client;
mod message;
mod origin;
mod own;
mod refusal;
mod time;
mod wire;

pub(super) use cache::{last_from_cache, rest_from_origin, retried};
pub(super) use client::{
    all_whole, answered_by, answers, bodies, exchanges, interim, no_error, not_a_clean_success, one_answer,
    page_of_openssl, reloaded, shown, status, statuses, statuses_if_any,
};
pub(super) use message::{
    answer_header, closed_first, no_answer_header, no_request_header, over_plain, request_header, request_lines,
};
pub(super) use origin::{
    SEGMENT, client_hello, first_hello, from_family, hello, negotiated, on_the_wire, over_alpn, over_group, over_suite,
    over_tls, over_version, posted, requested_by, resumed, reused, script_done, served, server_name,
    with_client_certificate,
};
pub(super) use own::{rules_reached, started_as_configured};
pub(super) use refusal::{Reason, refused, refused_for};
pub(super) use time::{after_a_second, at_once};
pub(super) use wire::{no_flow, reset_by_origin, syn_data, turned_away};

use serde::Serialize;

use super::spec::{BODY, CUT_BODY};
use crate::ats::log;
use crate::model::{AtsLife, ClientPhase, LOG_CUT, Observation, Outcome};

/// What a check ends with if it cannot know that something is not there.
const NOT_RECORDED: &str = " than are recorded";

/// One property that a trial checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is expected, for example `status 200`.
    pub expected: String,
    /// What was seen. Without times or addresses, since it is committed.
    pub seen: String,
    /// Whether it held.
    pub held: bool,
}

impl Check {
    /// A check with its result.
    pub fn new(held: bool, expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into(), held }
    }
}

/// The result of a trial's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Pass, fail, unsupported or error. Repetitions and controls are weighed elsewhere.
    pub outcome: Outcome,
    /// One line: what was seen, or the first check that did not hold.
    pub summary: String,
    /// All checks.
    pub checks: Vec<Check>,
}

impl Judgement {
    /// Pass when every check held. A client that never ran is an error, not a failure of ATS, unless ATS is the cause.
    pub(super) fn from_checks(checks: Vec<Check>, observation: &Observation) -> Self {
        let (outcome, summary) = weigh(&checks, observation);
        Self { outcome, summary, checks }
    }
}

fn weigh(checks: &[Check], observation: &Observation) -> (Outcome, String) {
    match &observation.ats {
        AtsLife::NeverReady(why) => return (Outcome::Fail, format!("ATS did not start: {}", log::last_words(why))),
        AtsLife::Died(how) => return (Outcome::Fail, format!("ATS died: {how}")),
        AtsLife::Alive => {}
    }
    let exchanges = exchanges(observation);
    let error_of = |phase| exchanges.iter().filter_map(|exchange| exchange.error.as_ref()).find(|it| it.phase == phase);
    if let Some(error) = error_of(ClientPhase::Missing) {
        return (Outcome::Unsupported, error.text.clone());
    }
    if exchanges.is_empty() && observation.client.as_ref().is_none_or(|run| run.load.is_none()) {
        return (Outcome::Error, "the client did not run".into());
    }
    // Whatever a trial is about: an exchange that ends only because the client gives up is never right.
    if let Some(error) = error_of(ClientPhase::Deadline) {
        return (Outcome::Fail, format!("expected an end of its own, saw {}", error.text));
    }
    let Some(broken) = checks.iter().find(|check| !check.held) else {
        return (Outcome::Pass, checks.iter().map(|check| check.seen.as_str()).collect::<Vec<_>>().join(", "));
    };
    if broken.seen.ends_with(NOT_RECORDED) {
        return (Outcome::Error, format!("expected {}: {}", broken.expected, broken.seen));
    }
    if broken.seen == wire::INCOMPLETE {
        return (Outcome::Error, format!("expected {}: the capture lost packets", broken.expected));
    }
    if broken.seen == time::TOO_SLOW {
        return (Outcome::Error, format!("expected {}: {}", broken.expected, time::TOO_SLOW));
    }
    (Outcome::Fail, format!("expected {}, saw {}", broken.expected, broken.seen))
}

/// `checks`, then `more`.
pub(super) fn and(mut checks: Vec<Check>, more: impl IntoIterator<Item = Check>) -> Vec<Check> {
    checks.extend(more);
    checks
}

/// One whole answer with the body of a trial that is not about bodies, over TLS to the origin.
pub(super) fn one_tls_answer(observation: &Observation) -> Vec<Check> {
    answers_and(observation, 1, [served(observation, 1, None), over_tls(observation)])
}

/// [`one_tls_answer`], then `more`.
pub(super) fn tls_answer_and(observation: &Observation, more: impl IntoIterator<Item = Check>) -> Vec<Check> {
    and(one_tls_answer(observation), more)
}

/// `count` whole answers with the body of a trial that is not about bodies, then `more`.
pub(super) fn answers_and(
    observation: &Observation,
    count: usize,
    more: impl IntoIterator<Item = Check>,
) -> Vec<Check> {
    and(answers(observation, count, BODY), more)
}

/// ATS gave up on a misbehaving TLS origin at once: the right error, without waiting for a timeout.
pub(super) fn gave_up(observation: &Observation) -> Vec<Check> {
    vec![status(observation, &[502]), client_hello(observation), at_once(observation)]
}

/// ATS gave up on a silent TLS origin after its timeout of a second.
pub(super) fn gave_up_waiting(observation: &Observation) -> Vec<Check> {
    vec![status(observation, &[502, 504]), client_hello(observation), after_a_second(observation)]
}

/// A body that the origin cut off does not look complete to the client.
pub(super) fn body_cut(observation: &Observation) -> Vec<Check> {
    vec![not_a_clean_success(observation, CUT_BODY), client_hello(observation), at_once(observation)]
}

/// A line of the logs contains `text`, or, when not `wanted`, none does.
pub(super) fn logged(observation: &Observation, text: &str, wanted: bool) -> Check {
    let found = observation.logs.iter().any(|line| line.text.contains(text));
    let describe = |found: bool| format!("{} `{text}` in the logs", if found { "a line with" } else { "no line with" });
    Check::new(found == wanted, describe(wanted), describe(found))
}

/// No line of the logs contains `text`, as far as all are recorded.
pub(super) fn not_logged(observation: &Observation, text: &str) -> Check {
    let check = logged(observation, text, false);
    let is_cut = observation.logs.iter().any(|line| line.text == LOG_CUT);
    if !check.held || !is_cut {
        return check;
    }
    Check { held: false, seen: format!("more lines in the logs{NOT_RECORDED}"), ..check }
}

fn list(seen: &[&str]) -> String {
    if seen.is_empty() { "nothing".into() } else { seen.join(" and ") }
}
