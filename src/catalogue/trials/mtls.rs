//! Client certificates towards the origin.

use super::{Need, SUBJECT, Trial, check, spec};
use crate::model::{OriginTls, Side, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "mtls-global",
        title: "ATS sends its client certificate to an origin that requires one",
        why: "zero-trust set-ups: loading of certificates and keys is where providers of OpenSSL 3 differ",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-cert-path",
        spec: || {
            let tls = OriginTls { client_auth: true, ..OriginTls::default() };
            TrialSpec { records: spec::client_certificate(), ..spec::https_get_from(tls) }
        },
        judge: |seen| check::tls_answer_and(seen, [check::with_client_certificate(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "mtls-sni-yaml",
        title: "ATS sends the client certificate that sni.yaml names for this origin",
        why: "the per-origin setting that upgrades from 8 to 9 move to",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/sni.yaml.en.html",
        // 8.1.11 knows client_cert, which does not work in any form on its own; it does not know client_key.
        needs: &[Need::Ats(
            ">=9",
            "8.1 has no key for the private key of a client certificate there: client_key came with 9.0 \
             (apache/trafficserver#4457)",
        )],
        spec: || {
            let tls = OriginTls { client_auth: true, ..OriginTls::default() };
            let keys = [("client_cert", "{dir}/client.pem"), ("client_key", "{dir}/client.key")];
            TrialSpec { sni: vec![spec::sni(Side::Origin, &keys)], ..spec::https_get_from(tls) }
        },
        judge: |seen| check::tls_answer_and(seen, [check::with_client_certificate(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "mtls-missing",
        title: "without a client certificate ATS gives up on an origin that requires one",
        why: "in TLS 1.3 the alert comes after the handshake, when ATS has begun to send",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
        spec: || spec::https_get_from(OriginTls { client_auth: true, ..OriginTls::default() }),
        judge: |seen| check::refused_for(seen, check::Reason::NoClientCertificate),
        ..SUBJECT
    },
];
