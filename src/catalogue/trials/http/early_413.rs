//! `http-early-413`: the answer of an origin that does not wait for the end of an upload reaches the client.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Limitation, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// Bytes: more than any buffer on the way, so that it is still under way when the answer comes.
const UPLOAD: u64 = 20_000_000;

/// From the answer to the close, milliseconds: without it the reset of a close with unread bytes overtakes the answer,
/// and which of them ATS sees first is chance.
const LINGER_MS: u64 = 100;

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-early-413",
    title: "an origin's 413 in the middle of an upload reaches the client whole",
    why: "the answer that tells who uploads too much, from an origin that then closes without reading on: before 9.2 ATS \
          looked at its answer only once the upload was through, and made a 502 of it",
    link: "https://github.com/apache/trafficserver/issues/4006",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[Limitation { issue: "ATS-4006", ats: &[">=8.0,<9.2"] }],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = format!("HTTP/1.1 413 Content Too Large\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", spec::BODY);
    let steps = vec![Step::ReadHead, spec::send(&head), Step::SendPattern(spec::BODY), Step::Pause(LINGER_MS)];
    TrialSpec {
        origin: spec::scripted(vec![steps]),
        client: spec::requests(vec![spec::post(UPLOAD)]),
        deadline_ms: 20_000,
        ..spec::https_get()
    }
}

fn judge(observation: &Observation) -> Vec<Check> {
    vec![
        check::statuses(observation, &[413]),
        check::no_error(observation),
        check::bodies(observation, &[spec::BODY]),
        check::served(observation, 1, Some(1)),
    ]
}
