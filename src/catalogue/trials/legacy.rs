//! Origins below today's security levels, with the settings that let ATS reach them.

use super::{SUBJECT, Trial, check, spec};
use crate::model::TrialSpec;

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "seclevel0-sha1",
        title: "at security level 0 ATS accepts a certificate signed with SHA-1, with verification enforced",
        why: "private CAs that cannot be renewed: the fix for `refuse-sha1-signature`; Fedora's policy from 41 on \
              forbids it at any level",
        link: "https://docs.openssl.org/3.0/man3/SSL_CTX_set_security_level/",
        spec: || {
            let records = [spec::enforced(), vec![spec::security_level_0()]].concat();
            TrialSpec { records, ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (2048, "-sha1")) }
        },
        judge: |seen| check::page_of_openssl(seen, &["TLSv1.2", "TLSv1.3"]),
        ..SUBJECT
    },
    Trial {
        id: "seclevel0-rsa1024",
        title: "at security level 0 ATS accepts a certificate with a 1024-bit RSA key, with verification enforced",
        why: "appliances that cannot be renewed: the fix for `refuse-rsa1024`, and its cost",
        link: "https://docs.openssl.org/3.0/man3/SSL_CTX_set_security_level/",
        spec: || {
            let records = [spec::enforced(), vec![spec::security_level_0()]].concat();
            TrialSpec { records, ..spec::weak_get("-cipher ALL:@SECLEVEL=0", (1024, "-sha256")) }
        },
        judge: |seen| check::page_of_openssl(seen, &["TLSv1.2", "TLSv1.3"]),
        ..SUBJECT
    },
    Trial {
        id: "tls10-legacy-on",
        title: "with the legacy settings and without openssl.cnf, ATS reaches an origin that speaks only TLS 1.0",
        why: "the fix for `refuse-tls10-only`: enabling the version is not enough where OpenSSL puts it below its \
              security level, nor where openssl.cnf has a MinProtocol (Debian 11, crypto policies)",
        link: "https://github.com/apache/trafficserver/pull/9947",
        spec: || {
            let records =
                vec![spec::int("ssl.client.TLSv1", 1), spec::int("ssl.client.TLSv1_1", 1), spec::security_level_0()];
            TrialSpec { records, bare_openssl: true, ..spec::openssl_get("-tls1 -cipher ALL:@SECLEVEL=0") }
        },
        judge: |seen| check::page_of_openssl(seen, &["TLSv1"]),
        ..SUBJECT
    },
];
