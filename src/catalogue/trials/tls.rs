//! The way to a TLS origin: place, version, suite, stack.

use super::{Need, SUBJECT, Trial, check, spec};
use crate::model::{Certificate, OriginTls, Place, Step, TlsVersion, TrialSpec};

/// The only suite of the origin, by its name in rustls.
const TLS12_RSA: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

/// The only suite of the origin, by its name in rustls.
const TLS12_CHACHA20: &str = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";

/// The only suite of the origin, by its name in rustls.
const TLS13_AES256: &str = "TLS13_AES_256_GCM_SHA384";

/// The only suite of the origin, by its name in rustls.
const TLS13_CHACHA20: &str = "TLS13_CHACHA20_POLY1305_SHA256";

/// A ServerHello of TLS 1.2 without extensions, and so without `renegotiation_info` (RFC 5746): suite
/// ECDHE-ECDSA with AES-128-GCM.
const SERVER_HELLO: &[u8] = &[
    22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0xc0, 0x2b, 0,
];

/// The alert `handshake_failure`, fatal.
const HANDSHAKE_FAILURE: &str = "\x15\x03\x03\x00\x02\x02\x28";

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "tls-remote-origin",
        title: "ATS reaches a TLS origin on another host",
        why: "the seed bug: on OpenSSL 3.2 and later ATS up to 9.2.6 closes after the TCP handshake, before any \
              ClientHello",
        link: "https://github.com/apache/trafficserver/issues/11465",
        spec: spec::https_get,
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "tls-same-host",
        title: "ATS reaches a TLS origin on the same host, on another port",
        why: "the seed bug does not depend on the place; loopback has a different MTU and path than a veth",
        link: "https://github.com/apache/trafficserver/issues/11858",
        spec: || TrialSpec { place: Place::SameHost, ..spec::https_get() },
        judge: check::one_tls_answer,
        ..SUBJECT
    },
    Trial {
        id: "tls12-only",
        title: "ATS reaches an origin that speaks TLS 1.2 only",
        why: "many origins still speak nothing newer; a ClientHello grown by new groups breaks some of them",
        link: "https://github.com/openssl/openssl/issues/27557",
        spec: || spec::https_get_from(spec::only(TlsVersion::Tls12)),
        judge: |seen| check::answers_and(seen, 1, [check::served(seen, 1, None), check::over_version(seen, "TLSv1.2")]),
        ..SUBJECT
    },
    Trial {
        id: "tls13-only",
        title: "ATS reaches an origin that speaks TLS 1.3 only",
        why: "hardened origins have switched the older versions off",
        link: "https://www.rfc-editor.org/rfc/rfc8446",
        spec: || spec::https_get_from(spec::only(TlsVersion::Tls13)),
        judge: |seen| check::answers_and(seen, 1, [check::served(seen, 1, None), check::over_version(seen, "TLSv1.3")]),
        ..SUBJECT
    },
    Trial {
        id: "tls12-suite-rsa",
        title: "ATS agrees on ECDHE-RSA with AES-128-GCM in TLS 1.2",
        why: "the suite of most older origins; crypto policies drop suites by distro",
        link: "https://docs.fedoraproject.org/en-US/packaging-guidelines/CryptoPolicies/",
        spec: || {
            let suites = vec![TLS12_RSA.into()];
            let certificate = Certificate::Rsa;
            spec::https_get_from(OriginTls { suites, certificate, ..spec::only(TlsVersion::Tls12) })
        },
        judge: |seen| check::tls_answer_and(seen, [check::over_suite(seen, TLS12_RSA)]),
        ..SUBJECT
    },
    Trial {
        id: "tls12-suite-chacha20",
        title: "ATS agrees on ECDHE-ECDSA with ChaCha20-Poly1305 in TLS 1.2",
        why: "not in FIPS policies: a distro that enforces them cannot speak it",
        link: "https://www.rfc-editor.org/rfc/rfc7905",
        spec: || {
            spec::https_get_from(OriginTls { suites: vec![TLS12_CHACHA20.into()], ..spec::only(TlsVersion::Tls12) })
        },
        judge: |seen| check::tls_answer_and(seen, [check::over_suite(seen, TLS12_CHACHA20)]),
        ..SUBJECT
    },
    Trial {
        id: "tls13-suite-aes256",
        title: "ATS agrees on AES-256-GCM in TLS 1.3",
        why: "TLS 1.3 suites have their own setting (ssl.client.TLSv1_3.cipher_suites)",
        link: "https://www.rfc-editor.org/rfc/rfc8446#appendix-B.4",
        spec: || spec::https_get_from(OriginTls { suites: vec![TLS13_AES256.into()], ..spec::only(TlsVersion::Tls13) }),
        judge: |seen| check::tls_answer_and(seen, [check::over_suite(seen, TLS13_AES256)]),
        ..SUBJECT
    },
    Trial {
        id: "tls13-suite-chacha20",
        title: "ATS agrees on ChaCha20-Poly1305 in TLS 1.3",
        why: "the only suite of TLS 1.3 without AES",
        link: "https://www.rfc-editor.org/rfc/rfc8446#appendix-B.4",
        spec: || {
            spec::https_get_from(OriginTls { suites: vec![TLS13_CHACHA20.into()], ..spec::only(TlsVersion::Tls13) })
        },
        judge: |seen| check::tls_answer_and(seen, [check::over_suite(seen, TLS13_CHACHA20)]),
        ..SUBJECT
    },
    Trial {
        id: "tls-openssl-origin",
        title: "ATS reaches the distro's own openssl s_server",
        why: "a different TLS stack from the instrumented origin's: what fails with only one of them is an \
              incompatibility of two stacks",
        link: "https://docs.openssl.org/3.0/man1/openssl-s_server/",
        spec: || spec::openssl_get(""),
        judge: |seen| check::page_of_openssl(seen, &["TLSv1.2", "TLSv1.3"]),
        ..SUBJECT
    },
    Trial {
        id: "tls-legacy-renegotiation",
        title: "ATS refuses an origin without secure renegotiation",
        why: "OpenSSL 3.0 stopped connecting to origins without RFC 5746, which 1.1.1 still did: known from many \
              upgrades",
        link: "https://github.com/curl/curl/issues/8943",
        needs: &[Need::OpenSsl(">=3.0", "before 3.0 OpenSSL connects to origins without RFC 5746")],
        spec: || {
            let steps = vec![
                Step::ReadHello,
                Step::SendBytes(SERVER_HELLO.to_vec()),
                spec::expect(HANDSHAKE_FAILURE),
                Step::Hang,
            ];
            TrialSpec { origin: spec::raw(steps), ..spec::https_get() }
        },
        judge: |seen| check::and(check::refused(seen), [check::script_done(seen)]),
        ..SUBJECT
    },
];
