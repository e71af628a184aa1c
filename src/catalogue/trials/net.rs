//! Addresses and names.

use super::{Limitation, SUBJECT, Trial, check, spec};
use crate::model::{Place, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "net-ipv6",
        title: "ATS reaches a TLS origin that has only an IPv6 address",
        why: "names without an A record",
        link: "https://github.com/apache/trafficserver/issues/7663",
        spec: || TrialSpec { place: Place::SameHostV6, ..spec::https_get() },
        judge: |seen| check::tls_answer_and(seen, [check::from_family(seen, "[::1]:")]),
        ..SUBJECT
    },
    Trial {
        id: "net-dead-address",
        title: "ATS reaches an origin that has one dead address",
        why: "origins have several addresses for this reason",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-connect-attempts-rr-retries",
        spec: || {
            // Each GET connects anew, and the two start with different addresses: one of them with the dead one.
            let client = spec::two_fresh_gets();
            let origin = spec::scripted(vec![spec::answer_once()]);
            TrialSpec { place: Place::RemoteAndDead, origin, client, records: spec::retries(), ..spec::https_get() }
        },
        judge: |seen| {
            check::answers_and(seen, 2, [check::served(seen, 2, None), check::over_tls(seen), check::turned_away(seen)])
        },
        ..SUBJECT
    },
    Trial {
        id: "net-v6-dead-v4-alive",
        title: "ATS reaches an origin over IPv4 when its IPv6 address is dead",
        why: "an AAAA record is published before the service listens there, and ATS prefers it",
        link: "https://github.com/apache/trafficserver/issues/7663",
        limitations: &[Limitation { issue: "ATS-7663", ats: &[">=8.0"] }],
        spec: || {
            // IPv6 first is set explicitly: by default the answer depends on the client's own family.
            let records = [spec::retries(), vec![spec::string("hostdb.ip_resolve", "ipv6;ipv4")]].concat();
            TrialSpec { place: Place::RemoteAndDeadV6, records, ..spec::https_get() }
        },
        // A pass without a try of the dead address shows nothing.
        judge: |seen| check::tls_answer_and(seen, [check::turned_away(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "net-refused",
        title: "an origin that does not listen gives the client an error at once",
        why: "the simplest failure: it must not look like anything else",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3",
        spec: || TrialSpec { origin: spec::not_listening(), timed: true, ..spec::https_get() },
        judge: |seen| vec![check::status(seen, &[502]), check::turned_away(seen), check::at_once(seen)],
        ..SUBJECT
    },
];
