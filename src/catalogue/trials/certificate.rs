//! Certificates that ATS accepts, and how strictly it checks them.

use super::{Limitation, SUBJECT, Trial, check, spec};
use crate::model::{Certificate, OriginTls, Remap, TrialSpec};

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "tls-verify-enforced",
        title: "ATS with certificate verification enforced accepts an origin whose chain and name are good",
        why: "ENFORCED is the default from ATS 10 on; the verification callbacks are where OpenSSL upgrades bite",
        link: "https://github.com/apache/trafficserver/pull/7587",
        spec: || spec::verified_get_from(Certificate::Good),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-rsa",
        title: "ATS accepts an RSA certificate, with verification enforced",
        why: "the most common kind; RSA-PSS and PKCS#1 signatures differ by policy",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3",
        spec: || spec::verified_get_from(Certificate::Rsa),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-p384",
        title: "ATS accepts a P-384 certificate, with verification enforced",
        why: "crypto policies list signature algorithms separately",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.2.3",
        spec: || spec::verified_get_from(Certificate::P384),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-ed25519",
        title: "ATS accepts an Ed25519 certificate, with verification enforced",
        why: "known to OpenSSL since 1.1.1, and left out of FIPS policies",
        link: "https://www.rfc-editor.org/rfc/rfc8410",
        spec: || spec::verified_get_from(Certificate::Ed25519),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-wildcard",
        title: "ATS accepts a wildcard certificate, with verification enforced",
        why: "ATS compares names with its own code: changes in OpenSSL do not reach it",
        link: "https://github.com/apache/trafficserver/blob/master/tests/gold_tests/tls/tls_verify.test.py",
        spec: || TrialSpec { remap: Remap::ByWildName, ..spec::verified_get_from(Certificate::Wildcard) },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-chain",
        title: "ATS accepts a certificate below an intermediate CA, with verification enforced",
        why: "the usual shape of a public certificate",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
        spec: || spec::verified_get_from(Certificate::Chain),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "cert-long-chain",
        title: "ATS accepts a chain of more than 16 KiB, with verification enforced",
        why: "the handshake takes several records and reads",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-5.1",
        spec: || spec::verified_get_from(Certificate::LongChain),
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "verify-permissive",
        title: "with the policy PERMISSIVE ATS accepts an untrusted certificate and logs a warning",
        why: "the default of ATS 9: an upgrade to 10 turns the warning into a refusal",
        link: "https://github.com/apache/trafficserver/pull/7587",
        spec: || TrialSpec { records: spec::policy("PERMISSIVE"), ..spec::verified_get_from(Certificate::Untrusted) },
        judge: |seen| check::tls_answer_and(seen, [check::logged(seen, "Action=Continue", true)]),
        ..SUBJECT
    },
    Trial {
        id: "verify-disabled",
        title: "with the policy DISABLED ATS accepts an untrusted certificate silently",
        why: "a common setting inside private networks",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-verify-server-policy",
        spec: || TrialSpec { records: spec::policy("DISABLED"), ..spec::verified_get_from(Certificate::Untrusted) },
        judge: |seen| check::tls_answer_and(seen, [check::logged(seen, "certificate verification failed", false)]),
        ..SUBJECT
    },
    Trial {
        id: "verify-signature-only",
        title: "with only the property SIGNATURE ATS does not compare names",
        why: "the part of verification that checks only the chain",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-verify-server-properties",
        spec: || TrialSpec { records: spec::signature_only(), ..spec::verified_get_from(Certificate::WrongName) },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "verify-integer-key",
        title: "a records.config that enforces verification with the setting of ATS 8 refuses a self-signed \
                certificate",
        why: "ATS 9 does not know the setting, warns once and uses its own default, which accepts everything: an \
              upgrade that fails open. From ATS 10 on the default refuses",
        link: "https://docs.trafficserver.apache.org/en/8.1.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-verify-server",
        limitations: &[Limitation { issue: "ATS-VERIFY-INT", ats: &[">=9.0,<10.0"] }],
        spec: || {
            let key = spec::int("ssl.client.verify.server", 1);
            TrialSpec {
                // No policy: the trial is about what ATS does without one.
                may_not_know: vec![key.name.clone()],
                records: vec![key],
                ..spec::https_get_from(OriginTls { certificate: Certificate::SelfSigned, ..OriginTls::default() })
            }
        },
        judge: |seen| check::refused_for(seen, check::Reason::SelfSigned),
        ..SUBJECT
    },
];
