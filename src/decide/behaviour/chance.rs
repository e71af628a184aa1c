//! What differs between two runs of the same software, by trial: it is left out of the behaviour, and the behaviour says so.
//! All of it follows from what a trial is, not from what one run saw, so that every run leaves out the same.

use crate::model::{Act, Aspects, BehaviourPart, Record, Speak, Step, TrialSpec};

/// Many requests at once.
const CROWD: &str = "requests run at once";

/// A fact that is chance in some trials.
struct Chance {
    /// What is left out, as [`covers`] reads it.
    facts: &'static [&'static str],
    why: &'static str,
    applies: fn(&str, &TrialSpec) -> bool,
}

const CHANCES: &[Chance] = &[
    // Whoever comes first opens connections, reuses them and resumes sessions.
    Chance {
        facts: &["ClientHello resuming", "TLS resumed", "origin", "response header"],
        why: CROWD,
        applies: |_, spec| is_crowd(spec),
    },
    // An answer is in the cache when it has been written, and a request that comes before goes to the origin.
    Chance {
        facts: &["ClientHello resuming", "TLS resumed", "request", "origin", "response header"],
        why: "the answer is in the cache in time, or not",
        applies: |_, spec| spec.cache,
    },
    Chance {
        facts: &["ClientHello", "TLS resumed", "request", "origin", "response"],
        why: "the client goes away while ATS and the origin are at work",
        applies: |trial, _| trial.starts_with("client-gone-"),
    },
    Chance {
        facts: &["ClientHello resuming", "TLS resumed", "request", "origin"],
        why: "ATS is asked until it presents the new certificate",
        applies: |_, spec| spec.client.act == Act::ReloadCertificate,
    },
    Chance { facts: &["origin closed by"], why: "either end may close first", applies: either_end_closes },
    // A reset that comes before ATS has written its ClientHello ends the write, a later one ends the read.
    Chance {
        facts: &["response reason"],
        why: "the reset comes before or after the ClientHello",
        applies: |trial, _| matches!(trial, "fault-reset-after-accept" | "pq-intolerant-origin"),
    },
    // ATS drops a response head that it has not yet passed on when the origin's connection breaks.
    Chance {
        facts: &["response", "response header"],
        why: "the head is passed on before the connection breaks, or not",
        applies: |trial, _| matches!(trial, "fault-reset-mid-body" | "fault-short-body" | "fault-bad-chunk"),
    },
    // An interim response is passed on unless the final one is read with it.
    Chance {
        facts: &["response interim"],
        why: "the interim response is read alone, or with the final one",
        applies: |trial, _| trial == "http-early-hints",
    },
    // Nothing in a behaviour is from the capture: it loses packets where a machine is busy.
    Chance {
        facts: &["origin failed connects"],
        why: "only the capture knows, which may lose packets",
        applies: |trial, spec| trial.starts_with("net-") || matches!(spec.origin.speak, Speak::Nobody),
    },
];

/// Trials in which ATS gives up a handshake, or a client a tunnel: the origin closes as soon as it notices.
const GIVEN_UP: &[&str] =
    &["mtls-missing", "net-dead-address", "sni-pristine-host", "sni-pristine-verified", "sni-yaml-verify"];

/// Whether the origin closes by itself, as ATS may do at the same time: its script says so, programs do so after a response, ATS
/// asked for it because its clients share no connections, or a handshake fails.
fn either_end_closes(trial: &str, spec: &TrialSpec) -> bool {
    let closes = |step: &Step| matches!(step, Step::Close | Step::Reset);
    let by_itself = match &spec.origin.speak {
        Speak::Script(scripts) => scripts.iter().flatten().any(closes),
        Speak::Openssl { .. } | Speak::Nginx { .. } | Speak::Httpd { .. } => true,
        Speak::Answer(answer) => answer.close,
        Speak::Http { .. } | Speak::Nobody => false,
    };
    let shares = |record: &Record| !(record.name.ends_with("server_session_sharing.match") && record.value == "none");
    by_itself
        || !spec.records.iter().all(shares)
        || ["fault-", "refuse-", "tunnel-"].iter().any(|group| trial.starts_with(group))
        || GIVEN_UP.contains(&trial)
}

/// Whether order and number of a trial's requests are chance.
pub(super) fn is_crowd(spec: &TrialSpec) -> bool {
    matches!(spec.client.act, Act::Load { .. } | Act::Reload { .. })
}

/// The facts that are left out of the behaviour of `trial`, each with the reason.
pub(super) fn left_out(trial: &str, spec: &TrialSpec) -> Aspects {
    let own = CHANCES.iter().filter(|chance| (chance.applies)(trial, spec));
    own.flat_map(|chance| chance.facts.iter().map(|fact| ((*fact).to_owned(), chance.why.to_owned()))).collect()
}

/// Whether `fact`, a part (`response`) or one aspect of it (`response reason`), is or includes this aspect.
pub(super) fn covers(fact: &str, part: BehaviourPart, aspect: &str) -> bool {
    match fact.strip_prefix(part.word()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(' ') == Some(aspect),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::trials::CATALOGUE;

    #[test]
    fn a_fact_is_a_part_or_an_aspect() {
        use BehaviourPart::{Connections, Headers, Hello, Response};
        assert!(covers("response", Response, "status") && covers("response reason", Response, "reason"));
        assert!(!covers("response", Headers, "via") && !covers("response reason", Response, "status"));
        assert!(covers("response header", Headers, "via") && !covers("response header", Response, "status"));
        assert!(covers("origin", Connections, "alert") && covers("ClientHello resuming", Hello, "resuming"));
    }

    #[test]
    fn every_chance_applies_to_a_trial_and_many_trials_have_none() {
        let applies = |chance: &Chance| CATALOGUE.iter().any(|trial| (chance.applies)(trial.id, &trial.spec()));
        assert!(CHANCES.iter().all(applies));
        let whole = CATALOGUE.iter().filter(|trial| left_out(trial.id, &trial.spec()).is_empty()).count();
        assert!(whole * 5 > CATALOGUE.len() * 2, "{whole} of {}", CATALOGUE.len());
        assert!(GIVEN_UP.iter().all(|id| CATALOGUE.iter().any(|trial| trial.id == *id)));
    }
}
