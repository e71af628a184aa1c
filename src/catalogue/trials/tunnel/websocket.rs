//! `tunnel-websocket`: a WebSocket upgrade reaches the TLS origin and bytes go both ways.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Remap, Step, TrialSpec};

/// What goes to the origin and back.
const BYTES: &str = "not HTTP any more";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "tunnel-websocket",
    title: "a WebSocket upgrade reaches the TLS origin and bytes go both ways",
    why: "long-lived, and after the 101 no HTTP at all",
    link: "https://www.rfc-editor.org/rfc/rfc6455#section-4",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let ask = "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let client = spec::script(vec![spec::send(ask), Step::ReadHead, spec::send(BYTES), spec::expect(BYTES)]);
    let origin = spec::scripted(vec![vec![Step::ReadHead, spec::send(accept), Step::Echo]]);
    TrialSpec { client, origin, remap: Remap::WebSocket, ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![check::status(observation, &[101]), check::no_error(observation), check::over_tls(observation)]
}
