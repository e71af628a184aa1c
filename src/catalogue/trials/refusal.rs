//! Origins that ATS must refuse.

use super::check::{self, Check, Reason};
use super::{SUBJECT, Trial, spec};
use crate::model::{Certificate, Observation, TrialSpec};

/// ATS refuses the origin because of its version.
fn offers_no_tls10(seen: &Observation) -> Check {
    check::hello(
        seen,
        "a ClientHello without TLSv1.0",
        |hello| !hello.versions.is_empty() && !hello.versions.iter().any(|version| version == "TLSv1.0"),
        |hello| format!("a ClientHello with {}", hello.versions.join(", ")),
    )
}

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "refuse-untrusted-ca",
        title: "ATS refuses a certificate from an unknown CA",
        why: "8.1 with the settings of 9 in its configuration accepts it: an upgrade path that fails open",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
        spec: || spec::verified_get_from(Certificate::Untrusted),
        judge: |seen| check::refused_for(seen, Reason::UnknownIssuer),
        ..SUBJECT
    },
    Trial {
        id: "refuse-signature-only",
        title: "with only the property SIGNATURE ATS still refuses a certificate from an unknown CA",
        why: "the counterpart of `verify-signature-only`, which an ATS that verifies nothing would also pass",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-ssl-client-verify-server-properties",
        spec: || TrialSpec { records: spec::signature_only(), ..spec::verified_get_from(Certificate::Untrusted) },
        judge: |seen| check::refused_for(seen, Reason::UnknownIssuer),
        ..SUBJECT
    },
    Trial {
        id: "refuse-self-signed",
        title: "ATS refuses a self-signed certificate",
        why: "the text of this error changed in OpenSSL 3, the refusal must not",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-6",
        spec: || spec::verified_get_from(Certificate::SelfSigned),
        judge: |seen| check::refused_for(seen, Reason::SelfSigned),
        ..SUBJECT
    },
    Trial {
        id: "refuse-wrong-name",
        title: "ATS refuses a certificate for another name",
        why: "the part of verification that is ATS's own code",
        link: "https://github.com/apache/trafficserver/issues/4023",
        spec: || spec::verified_get_from(Certificate::WrongName),
        judge: |seen| check::refused_for(seen, Reason::OtherName),
        ..SUBJECT
    },
    Trial {
        id: "refuse-expired",
        title: "ATS refuses an expired certificate",
        why: "a refusal that turns into a pass when the clock or a callback is ignored",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
        spec: || spec::verified_get_from(Certificate::Expired),
        judge: |seen| check::refused_for(seen, Reason::Expired),
        ..SUBJECT
    },
    Trial {
        id: "refuse-not-yet-valid",
        title: "ATS refuses a certificate that is not yet valid",
        why: "the other end of the same check",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5",
        spec: || spec::verified_get_from(Certificate::NotYetValid),
        judge: |seen| check::refused_for(seen, Reason::NotYetValid),
        ..SUBJECT
    },
    Trial {
        id: "refuse-cut-chain",
        title: "ATS refuses a certificate whose intermediate CA is not sent",
        why: "browsers fetch what is missing, ATS must not: an origin that works in a browser fails here",
        link: "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
        spec: || spec::verified_get_from(Certificate::ChainCut),
        judge: |seen| check::refused_for(seen, Reason::UnknownIssuer),
        ..SUBJECT
    },
    Trial {
        id: "refuse-client-certificate",
        title: "ATS refuses a certificate that is valid only for clients",
        why: "OpenSSL checks purposes, more strictly with each major version",
        link: "https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.12",
        spec: || spec::verified_get_from(Certificate::ClientOnly),
        judge: |seen| check::refused_for(seen, Reason::Purpose),
        ..SUBJECT
    },
    Trial {
        id: "refuse-sha1-signature",
        title: "ATS refuses a certificate signed with SHA-1",
        why: "the security levels of OpenSSL 3 and the policy of Fedora 41 forbid it",
        link: "https://gitlab.com/redhat-crypto/fedora-crypto-policies/-/merge_requests/184",
        spec: || TrialSpec { records: spec::enforced(), ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (2048, "-sha1")) },
        judge: |seen| check::refused_for(seen, Reason::WeakSignature),
        ..SUBJECT
    },
    Trial {
        id: "refuse-rsa1024",
        title: "ATS refuses a certificate with a 1024-bit RSA key",
        why: "below the security level that distros set; fifteen-year-old appliances have such keys",
        link: "https://github.com/openssl/openssl/issues/17476",
        spec: || TrialSpec {
            records: spec::enforced(),
            ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (1024, "-sha256"))
        },
        judge: |seen| check::refused_for(seen, Reason::WeakKey),
        ..SUBJECT
    },
    Trial {
        id: "refuse-tls10-only",
        title: "ATS refuses an origin that speaks TLS 1.0 only",
        why: "off by default in ATS, and below the security level of OpenSSL 3",
        link: "https://github.com/openssl/openssl/issues/17476",
        spec: || spec::openssl_get("-tls1 -cipher ALL:@SECLEVEL=0"),
        judge: |seen| check::and(check::refused(seen), [offers_no_tls10(seen)]),
        ..SUBJECT
    },
];
