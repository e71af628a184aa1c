//! Controls: they show whose fault a failure is.

use super::{Kind, SUBJECT, Trial, check, spec};
use crate::model::{OriginSpec, Remap, Route, Speak, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "ctl-direct-curl",
        title: "the distro's own curl reaches the TLS origin without ATS",
        why: "separates a broken origin, certificate or crypto policy from ATS: the reporter of the seed bug had to \
              do this by hand",
        link: "https://github.com/apache/trafficserver/issues/11858",
        kind: Kind::DirectControl,
        spec: || TrialSpec { route: Route::DirectCurl, ..spec::https_get() },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "ctl-direct-openssl",
        title: "the distro's own openssl s_client reaches the TLS origin without ATS",
        why: "uses the distro's libssl, openssl.cnf and crypto policy: where it passes and ATS fails, these are not \
              to blame",
        link: "https://github.com/apache/trafficserver/issues/11858",
        kind: Kind::DirectControl,
        spec: || TrialSpec { route: Route::DirectOpenssl, ..spec::https_get() },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "ctl-direct-tls",
        title: "the agent's own TLS client reaches the TLS origin without ATS and without the distro's OpenSSL",
        why: "the same client in every cell: when it fails the origin or the network is at fault",
        link: "https://github.com/apache/trafficserver/issues/11858",
        kind: Kind::DirectControl,
        spec: || TrialSpec { route: Route::DirectAgent, ..spec::https_get() },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "ctl-plain-origin",
        title: "ATS reaches a plain HTTP origin",
        why: "an ATS that fails here is broken beyond TLS: the seed bug does not affect plain HTTP",
        link: "https://github.com/apache/trafficserver/issues/11465",
        kind: Kind::PlainControl,
        spec: || TrialSpec { origin: spec::plain(), ..spec::https_get() },
        judge: |seen| check::answers_and(seen, 1, [check::served(seen, 1, None)]),
        ..SUBJECT
    },
    Trial {
        id: "ctl-unmapped",
        title: "ATS answers a host it has no rule for",
        why: "shows that ATS itself is alive, whatever its origins are like",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/remap.config.en.html",
        kind: Kind::PlainControl,
        spec: || {
            let origin = OriginSpec { speak: Speak::Nobody, ..spec::plain() };
            TrialSpec { origin, remap: Remap::None, ..spec::https_get() }
        },
        judge: |seen| vec![check::status(seen, &[404]), check::no_flow(seen)],
        ..SUBJECT
    },
];
