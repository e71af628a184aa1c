//! nginx as the origin: what most origins are, with OpenSSL on the other end too.

use super::{SUBJECT, Trial, check, spec};
use crate::model::TrialSpec;

/// The suite, by OpenSSL's name, which nginx uses.
const SUITE: &str = "ECDHE-ECDSA-AES256-GCM-SHA384";

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "nginx-get",
        title: "ATS reaches nginx, over TLS 1.3",
        why: "the most common origin, with a different TLS stack from the instrumented one; it logs what it negotiated",
        link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html",
        spec: || spec::nginx_get(&["ssl_protocols TLSv1.2 TLSv1.3;"]),
        judge: |seen| {
            check::tls_answer_and(seen, [check::over_version(seen, "TLSv1.3"), check::requested_by(seen, "HTTP/1.1")])
        },
        ..SUBJECT
    },
    Trial {
        id: "nginx-tls12",
        title: "ATS reaches an nginx that speaks TLS 1.2 with one suite",
        why: "origins hardened some years ago list their suites; both ends then have to agree on one",
        link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_ciphers",
        spec: || spec::nginx_get(&["ssl_protocols TLSv1.2;", &format!("ssl_ciphers {SUITE};")]),
        judge: |seen| {
            check::tls_answer_and(seen, [check::over_version(seen, "TLSv1.2"), check::over_suite(seen, SUITE)])
        },
        ..SUBJECT
    },
    Trial {
        id: "nginx-keepalive",
        title: "two requests reach nginx on one kept-alive connection",
        why: "session tickets that OpenSSL sends after the handshake arrive on a connection that ATS has pooled by \
              then",
        link: "https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_timeout",
        spec: || TrialSpec { client: spec::two_gets(), ..spec::nginx_get(&["keepalive_timeout 60s;"]) },
        judge: |seen| check::answers_and(seen, 2, [check::served(seen, 2, Some(1)), check::over_tls(seen)]),
        ..SUBJECT
    },
    Trial {
        id: "nginx-mtls",
        title: "ATS sends its client certificate to an nginx that requires one",
        why: "OpenSSL on the other end requests and checks certificates in its own way",
        link: "https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_verify_client",
        spec: || {
            let directives = ["ssl_verify_client on;", "ssl_client_certificate {dir}/ca.pem;"];
            TrialSpec { records: spec::client_certificate(), ..spec::nginx_get(&directives) }
        },
        judge: |seen| check::tls_answer_and(seen, [check::with_client_certificate(seen)]),
        ..SUBJECT
    },
];
