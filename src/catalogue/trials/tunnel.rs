//! Bytes passed on: CONNECT, upgrades, `tunnel_route`.

use super::{Limitation, SUBJECT, Trial, check, spec};
use crate::model::{Front, Remap, Step, TrialSpec};

/// What the origin echoes.
const BYTES: &str = "not HTTP any more";

pub(super) const TRIALS: &[Trial] = &[
    Trial {
        id: "tunnel-connect",
        title: "a CONNECT reaches the origin, and client and origin then speak end to end",
        why: "ATS as a forward proxy: it opens no TLS itself, so a bug in its TLS does not affect it",
        link: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6",
        spec: || TrialSpec {
            client: spec::get_over(Front::Connect),
            records: spec::forward_proxy("443 {ports}"),
            ..spec::https_get()
        },
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "origin")]),
        ..SUBJECT
    },
    Trial {
        id: "tunnel-connect-forbidden",
        title: "a CONNECT to a port that is not listed is refused",
        why: "ATS would otherwise be an open proxy",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/records.config.en.html\
               #proxy-config-http-connect-ports",
        spec: || TrialSpec {
            origin: spec::not_listening(),
            client: spec::get_over(Front::Connect),
            // {ports} lists the ports of origins that listen, so this one is not among them.
            records: spec::forward_proxy("443 {ports}"),
            ..spec::https_get()
        },
        judge: |seen| vec![check::status(seen, &[403]), check::no_flow(seen)],
        ..SUBJECT
    },
    Trial {
        id: "tunnel-connect-closed-port",
        title: "a CONNECT to a closed port is answered with an error",
        why: "a 2xx says that the connection is established; a client that gets it before the close cannot tell a \
              refusal from a TLS failure",
        link: "https://github.com/apache/trafficserver/issues/7677",
        limitations: &[Limitation { issue: "ATS-7677", ats: &[">=9.0"] }],
        spec: || TrialSpec {
            origin: spec::not_listening(),
            client: spec::get_over(Front::Connect),
            // {port} allows this port, although its origin does not listen.
            records: spec::forward_proxy("443 {ports} {port}"),
            ..spec::https_get()
        },
        judge: |seen| vec![check::status(seen, &[502, 503, 504]), check::no_error(seen), check::turned_away(seen)],
        ..SUBJECT
    },
    Trial {
        id: "tunnel-websocket",
        title: "a WebSocket upgrade reaches the TLS origin and bytes go both ways",
        why: "long-lived, and no HTTP at all after the 101",
        link: "https://www.rfc-editor.org/rfc/rfc6455#section-4",
        spec: || {
            let ask = "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            let accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            let client = spec::script(vec![spec::send(ask), Step::ReadHead, spec::send(BYTES), spec::expect(BYTES)]);
            let origin = spec::scripted(vec![vec![Step::ReadHead, spec::send(accept), Step::Echo]]);
            TrialSpec { client, origin, remap: Remap::WebSocket, ..spec::https_get() }
        },
        judge: |seen| vec![check::status(seen, &[101]), check::no_error(seen), check::over_tls(seen)],
        ..SUBJECT
    },
    Trial {
        id: "tunnel-route",
        title: "with tunnel_route a TLS client reaches the origin's own TLS",
        why: "ATS reads the server name and forwards bytes",
        link: "https://docs.trafficserver.apache.org/en/9.2.x/admin-guide/files/sni.yaml.en.html",
        spec: || spec::tunnel_route(Front::Tls),
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "origin")]),
        ..SUBJECT
    },
    Trial {
        id: "tunnel-route-split-hello",
        title: "tunnel_route works for a ClientHello that comes in two segments",
        why: "browsers with post-quantum key shares send them",
        link: "https://github.com/apache/trafficserver/issues/11758",
        limitations: &[Limitation { issue: "ATS-11758", ats: &[">=8.0,<9.2.12", ">=10.0,<10.1"] }],
        spec: || spec::tunnel_route(Front::TlsSplitHello),
        judge: |seen| check::tls_answer_and(seen, [check::shown(seen, "origin")]),
        ..SUBJECT
    },
];
