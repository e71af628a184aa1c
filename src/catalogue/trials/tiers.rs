//! Cells with two ATS: which trials they have, what every trial through both must show, whose fault a failure is, and the trials
//! of their own.

use super::check::{self, Check, Judgement};
use super::{SUBJECT, Trial, spec};
use crate::model::{
    Act, AtsLife, CellKind, Front, LogFile, LogLine, Observation, OriginSpec, Outcome, ParentSeen, Place, Remap, Route,
    TrialSpec,
};

/// Where a failure through two ATS lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TierFault {
    /// At the one that clients ask.
    Child,
    /// At the one that asks the origins.
    Parent,
    /// On the way from the first to the second. What passes there is not captured, so either may be the cause.
    Between,
}

impl Trial {
    /// Whether a cell has it whose kinds are those of `is`.
    pub fn is_in(&self, is: impl Fn(CellKind) -> bool) -> bool {
        match self.only_for {
            Some(kind) => is(kind),
            None => !is(CellKind::Tiers) || self.beyond_tiers().is_none(),
        }
    }

    /// Why cells with two ATS do not have it, from what it does; `None`: they have it. The parent runs with the settings of the
    /// baseline, and asks the instrumented origin alone.
    pub fn beyond_tiers(&self) -> Option<&'static str> {
        let spec = self.spec();
        let own_settings = !spec.records.is_empty()
            || !spec.sni.is_empty()
            || !spec.may_not_know.is_empty()
            || (spec.locked_key || spec.bare_openssl || spec.cache);
        let simple = matches!(spec.client.act, Act::Requests(_) | Act::Script(_));
        let fronts = [Front::Http, Front::Tls, Front::H2, Front::TlsSplitHello, Front::AbsoluteForm];
        let reasons = [
            (spec.route == Route::AsDelivered, "no request goes through ATS"),
            (spec.place != Place::Remote, "its origin is not the instrumented one on another host"),
            (own_settings, "it has settings of its own, which the parent does not have"),
            (spec.remap != Remap::ByName, "its rule leads to no host name, by which the parent knows the origin"),
            (!simple || !fronts.contains(&spec.client.front), "its client acts on one ATS"),
            (spec.timed, "it compares times with those of one ATS"),
            (spec.alone, "it puts load on one ATS"),
            (!self.limitations.is_empty(), "versions of ATS fail it, and the two may be of different ones"),
        ];
        reasons.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
    }
}

/// The built-in trials that all cells have but those with two ATS, each with the reason.
pub fn beyond_tiers() -> impl Iterator<Item = (&'static Trial, &'static str)> {
    let shared = super::CATALOGUE.iter().copied().filter(|trial| trial.only_for.is_none());
    shared.filter_map(|trial| Some((trial, trial.beyond_tiers()?)))
}

/// What every trial through two ATS must show besides its own: that all requests took that way.
pub(super) fn way(observation: &Observation) -> Option<Check> {
    let parent = observation.parent.as_ref()?;
    let expected = "no connection past the parent";
    let (held, seen) = match strangers(observation, parent) {
        0 => (true, expected.to_owned()),
        count => (false, format!("{count} connections to the origin past the parent")),
    };
    Some(Check::new(held, expected, seen))
}

/// Connections to the origin that are not the parent's.
fn strangers(observation: &Observation, parent: &ParentSeen) -> usize {
    let is_parents = |peer: &str| peer.rsplit_once(':').is_some_and(|(ip, _)| ip == parent.address);
    let others = observation.origin.iter().filter(|connection| !is_parents(&connection.peer)).count();
    others.max(parent.past.len())
}

/// `judgement`, and, if it is a failure, whose it is.
pub(super) fn with_end(judgement: Judgement, observation: &Observation) -> Judgement {
    let Some(parent) = observation.parent.as_ref().filter(|_| judgement.outcome == Outcome::Fail) else {
        return judgement;
    };
    let what = match &parent.ats {
        AtsLife::NeverReady(why) => format!("ATS did not start: {why}"),
        AtsLife::Died(how) => format!("ATS died: {how}"),
        AtsLife::Alive => judgement.summary,
    };
    let whose = match fault_of(observation) {
        Some(TierFault::Child) => "the child",
        Some(TierFault::Parent) => "the parent",
        Some(TierFault::Between) => "between child and parent",
        None => "the child or the parent",
    };
    Judgement { summary: format!("{whose}: {what}"), ..judgement }
}

/// Where a failure lies, as far as the evidence tells.
pub fn fault_of(observation: &Observation) -> Option<TierFault> {
    let parent = observation.parent.as_ref()?;
    if observation.ats != AtsLife::Alive || strangers(observation, parent) > 0 {
        return Some(TierFault::Child);
    }
    if parent.ats != AtsLife::Alive {
        return Some(TierFault::Parent);
    }
    // Each logs what it could not get from the next on the way.
    let could_not_connect =
        |lines: &[LogLine]| lines.iter().any(|line| line.file == LogFile::Error && line.text.contains("CONNECT: "));
    let asked_nobody = observation.origin.is_empty() && observation.wire.is_empty();
    match (could_not_connect(&observation.logs), could_not_connect(&parent.logs)) {
        (false, true) => Some(TierFault::Parent),
        (child, false) if asked_nobody && (child || answered_by_child(observation)) => Some(TierFault::Between),
        _ => None,
    }
}

/// Whether the last answer is an error of the gateway that the child alone put its name on.
fn answered_by_child(observation: &Observation) -> bool {
    let last = observation.client.as_ref().and_then(|run| run.exchanges.last());
    last.is_some_and(|answer| matches!(answer.status, Some(502 | 504)) && entries(&answer.headers).len() == 1)
}

/// `observation` as that of a cell with the parent alone.
pub fn at_parent(observation: &Observation) -> Observation {
    let Some(parent) = &observation.parent else { return observation.clone() };
    Observation { logs: parent.logs.clone(), ats: parent.ats.clone(), parent: None, ..observation.clone() }
}

/// The name by which ATS puts itself into Via.
const IN_VIA: &str = "ApacheTrafficServer/";

/// The entries of ATS in the Via of `headers`, each with the protocol by which the message came to it.
fn entries(headers: &[(String, String)]) -> Vec<String> {
    let values = headers.iter().filter(|(name, _)| name == "via").flat_map(|(_, value)| value.split(','));
    let protocol = |entry: &str| entry.trim().split([' ', '/']).next().unwrap_or_default().to_owned();
    values.filter(|entry| entry.contains(IN_VIA)).map(protocol).collect()
}

/// Every request at the origin went through two ATS, and came to them by these protocols.
fn requests_via(observation: &Observation, wanted: [&str; 2]) -> Check {
    let requests = observation.origin.iter().flat_map(|connection| &connection.requests);
    via(requests.map(|request| request.headers.as_slice()), wanted, "request")
}

/// Every answer went through two ATS, and came to them by these protocols.
fn answers_via(observation: &Observation, wanted: [&str; 2]) -> Check {
    let exchanges = observation.client.iter().flat_map(|run| &run.exchanges);
    let answered = exchanges.filter(|exchange| exchange.status.is_some());
    via(answered.map(|exchange| exchange.headers.as_slice()), wanted, "answer")
}

fn via<'a>(messages: impl Iterator<Item = &'a [(String, String)]>, wanted: [&str; 2], what: &str) -> Check {
    let text = |entries: &[String]| match entries {
        [] => format!("no {what} with an ATS in its Via"),
        entries => format!("{what}s through {} ATS, by {}", entries.len(), entries.join(" and ")),
    };
    let wanted: Vec<String> = wanted.map(str::to_owned).to_vec();
    let all: Vec<Vec<String>> = messages.map(entries).collect();
    let other = all.iter().find(|entries| **entries != wanted);
    let seen = match (all.first(), other) {
        (None, _) => format!("no {what}"),
        (Some(_), other) => text(other.unwrap_or(&wanted)),
    };
    Check::new(!all.is_empty() && other.is_none(), text(&wanted), seen)
}

/// One whole answer through both, plain between them.
fn plain_through_both(seen: &Observation) -> Vec<Check> {
    check::answers_and(
        seen,
        1,
        [
            check::served(seen, 1, None),
            check::over_plain(seen),
            requests_via(seen, ["http", "http"]),
            answers_via(seen, ["http", "http"]),
        ],
    )
}

/// One whole answer through both, over TLS between them and to the origin.
fn tls_through_both(seen: &Observation) -> Vec<Check> {
    check::tls_answer_and(seen, [requests_via(seen, ["http", "https"]), answers_via(seen, ["https", "https"])])
}

const LINK: &str = "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/parent.config.en.html";

const TIERS: Trial = Trial { link: LINK, only_for: Some(CellKind::Tiers), ..SUBJECT };

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "tier-plain",
        title: "a request goes through child and parent to a plain origin, plain between them",
        why: "what every fleet of two tiers does; Via names both, so the answer cannot have come another way",
        spec: || TrialSpec { origin: spec::plain(), ..spec::https_get() },
        judge: plain_through_both,
        ..TIERS
    },
    Trial {
        id: "tier-tls",
        title: "a request goes through child and parent to a TLS origin, over TLS between them",
        why: "child and parent may have different OpenSSLs while a fleet is upgraded, and must agree with each other as well",
        judge: tls_through_both,
        ..TIERS
    },
    Trial {
        id: "tier-tls-verified",
        title: "the child verifies the certificate of its parent, by the name of the origin",
        why: "with verification enforced, a parent whose certificate an upgraded child refuses takes the whole tier down",
        spec: || TrialSpec { records: spec::enforced(), ..spec::https_get() },
        judge: tls_through_both,
        ..TIERS
    },
    Trial {
        id: "tier-keep-alive",
        title: "two requests of one client go through both tiers on one connection to the origin",
        why: "both keep connections to what is behind them; one that closes early costs a handshake for each request",
        spec: || TrialSpec { client: spec::two_gets(), ..spec::https_get() },
        judge: |seen| {
            check::answers_and(
                seen,
                2,
                [
                    check::served(seen, 2, Some(1)),
                    check::over_tls(seen),
                    requests_via(seen, ["http", "https"]),
                    answers_via(seen, ["https", "https"]),
                ],
            )
        },
        ..TIERS
    },
    Trial {
        id: "tier-post",
        title: "a POST of 1 MiB goes through both tiers over TLS and reaches the origin whole",
        why: "requests that cannot be cached take another way through parent selection than those that can",
        spec: || TrialSpec { client: spec::requests(vec![spec::post(POSTED)]), ..spec::https_get() },
        judge: |seen| {
            check::answers_and(
                seen,
                1,
                [
                    check::served(seen, 1, None),
                    check::posted(seen, POSTED),
                    check::over_tls(seen),
                    requests_via(seen, ["http", "https"]),
                ],
            )
        },
        ..TIERS
    },
    Trial {
        id: "tier-origin-down",
        title: "where the origin is down, the parent answers 502 and the child passes that on",
        why: "a child that takes the parent's error for a dead parent asks the origin itself, or another parent, again and again",
        spec: || TrialSpec { origin: OriginSpec { https: false, ..spec::not_listening() }, ..spec::https_get() },
        judge: |seen| vec![check::status(seen, &[502]), answers_via(seen, ["http", "http"])],
        ..TIERS
    },
];

/// Length of the body of a POST, bytes.
const POSTED: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exchange, Flow, OriginConnection};

    const CONNECT: &str = "CONNECT: attempt fail [CONNECTION_ERROR] to 10.0.0.3:20001";

    fn line(text: &str) -> Vec<LogLine> {
        vec![LogLine { trial: Some("t".into()), file: LogFile::Error, text: text.into() }]
    }

    fn seen(parent: ParentSeen) -> Observation {
        let parent = ParentSeen { address: "10.0.0.2".into(), ..parent };
        Observation { parent: Some(parent), ..Observation::default() }
    }

    fn from(peer: &str) -> Vec<OriginConnection> {
        vec![OriginConnection { peer: peer.into(), ..OriginConnection::default() }]
    }

    fn answer(via: &[&str]) -> Observation {
        let via = via.iter().map(|by| format!("{by} traffic_server (ApacheTrafficServer/9.2.9 [c sEf ])"));
        let headers = vec![("via".to_owned(), via.collect::<Vec<_>>().join(", "))];
        let exchange = Exchange { status: Some(502), headers, ..Exchange::default() };
        let client = crate::model::ClientRun { exchanges: vec![exchange], ..crate::model::ClientRun::default() };
        Observation { client: Some(client), ..seen(ParentSeen::default()) }
    }

    #[test]
    fn a_failure_is_of_the_end_that_the_evidence_names_and_of_none_if_it_does_not() {
        use TierFault::{Between, Child, Parent};
        let (alive, died) = (seen(ParentSeen::default()), AtsLife::Died("signal 11".into()));
        let by_parent = seen(ParentSeen { logs: line(CONNECT), ..ParentSeen::default() });
        let by_child = Observation { logs: line(CONNECT), ..alive.clone() };
        let cases = [
            (None, Observation { parent: None, ..by_child.clone() }),
            (None, alive.clone()),
            (Some(Child), Observation { ats: died.clone(), ..by_parent.clone() }),
            (Some(Parent), seen(ParentSeen { ats: died, ..ParentSeen::default() })),
            (Some(Parent), by_parent.clone()),
            (Some(Between), by_child.clone()),
            (None, Observation { origin: from("10.0.0.2:4000"), ..by_child.clone() }),
            (None, Observation { logs: line(CONNECT), ..by_parent.clone() }),
            (Some(Between), answer(&["http/1.1"])),
            (None, answer(&["http/1.1", "http/1.1"])),
            (Some(Child), Observation { origin: from("10.0.0.9:4000"), ..by_parent.clone() }),
            (Some(Child), seen(ParentSeen { past: vec![Flow::default()], ..ParentSeen::default() })),
            (None, seen(ParentSeen { logs: line("RESPONSE: sent 10.0.0.1 status 400"), ..ParentSeen::default() })),
        ];
        for (expected, observation) in cases {
            assert_eq!(fault_of(&observation), expected, "{observation:?}");
        }
    }

    #[test]
    fn a_connection_past_the_parent_fails_every_trial() {
        let right = Observation { origin: from("10.0.0.2:4000"), ..seen(ParentSeen::default()) };
        assert!(way(&right).unwrap().held && way(&Observation::default()).is_none());
        let past = Observation { origin: from("10.0.0.9:4000"), ..right.clone() };
        assert_eq!(way(&past).unwrap().seen, "1 connections to the origin past the parent");
        let flows = Observation {
            parent: seen(ParentSeen { past: vec![Flow::default()], ..ParentSeen::default() }).parent,
            ..right
        };
        assert!(!way(&flows).unwrap().held);
    }

    #[test]
    fn trials_with_needs_of_their_own_are_left_out_with_a_reason() {
        let left: Vec<(&str, &str)> = beyond_tiers().map(|(trial, reason)| (trial.id, reason)).collect();
        let reason = |id: &str| left.iter().find(|(known, _)| *known == id).map(|(_, reason)| *reason);
        assert_eq!(reason("tls-remote-origin"), None);
        assert_eq!(reason("ctl-direct-tls"), None);
        for id in ["tls-same-host", "nginx-get", "tls-verify-enforced", "load-200", "http-expect-100", "tunnel-connect"]
        {
            assert!(reason(id).is_some(), "{id}");
        }
        let shared = super::super::ids().len() - left.len();
        assert_eq!((shared, TRIALS.len()), (43, 6), "docs/tiers.md states these numbers");
        let is = |kind: CellKind| kind == CellKind::Tiers;
        assert!(TRIALS.iter().all(|trial| trial.is_in(is) && !trial.is_in(|_| false)));
    }

    #[test]
    fn via_tells_which_way_and_by_which_protocol() {
        let both = answer(&["https/1.1", "https/1.1"]);
        assert!(answers_via(&both, ["https", "https"]).held);
        assert!(!answers_via(&both, ["http", "https"]).held);
        assert!(!answers_via(&answer(&["https/1.1"]), ["https", "https"]).held, "one ATS");
        assert!(!answers_via(&seen(ParentSeen::default()), ["https", "https"]).held, "nothing holds of no answer");
    }
}
