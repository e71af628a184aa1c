//! TLS session resumption.

use super::{Need, SUBJECT, Trial, check, spec};
use crate::model::{TlsVersion, TrialSpec};

/// In the changes of 9.2.0, as its setting is, which older dialects do not know (`session-resume-off`).
const RESUMES: Need =
    Need::Ats(">=9.2", "sessions with origins are resumed from 9.2.0 on (apache/trafficserver#7479, #7537)");

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "session-resume-tls13",
        title: "ATS resumes its TLS 1.3 session with the origin on the next connection",
        why: "saves a round trip and the signature; the store of sessions changed with OpenSSL 3 and ATS 9",
        link: "https://github.com/apache/trafficserver/pull/7479",
        needs: &[RESUMES],
        spec: || spec::two_connections(spec::only(TlsVersion::Tls13)),
        judge: |seen| check::answers_and(seen, 2, [check::resumed(seen, &[false, true])]),
        ..SUBJECT
    },
    Trial {
        id: "session-resume-tls12",
        title: "ATS resumes its TLS 1.2 session with the origin on the next connection",
        why: "saves a round trip and the signature; the store of sessions changed with OpenSSL 3 and ATS 9",
        link: "https://github.com/apache/trafficserver/pull/7479",
        needs: &[RESUMES],
        spec: || spec::two_connections(spec::only(TlsVersion::Tls12)),
        judge: |seen| check::answers_and(seen, 2, [check::resumed(seen, &[false, true])]),
        ..SUBJECT
    },
    Trial {
        id: "session-resume-off",
        title: "with the session cache off ATS makes a full handshake each time",
        why: "the workaround when resumption breaks",
        link: "https://github.com/apache/trafficserver/pull/7542",
        spec: || TrialSpec {
            client: spec::two_fresh_gets(),
            records: vec![spec::no_sharing(), spec::int("ssl.origin_session_cache", 0)],
            ..spec::https_get()
        },
        judge: |seen| check::answers_and(seen, 2, [check::resumed(seen, &[false, false])]),
        ..SUBJECT
    },
];
