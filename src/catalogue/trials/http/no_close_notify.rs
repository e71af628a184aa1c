//! `http-no-close-notify`: a response that ends with a bare FIN comes back whole.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Observation, Step, TrialSpec};

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "http-no-close-notify",
    title: "a response that ends with a bare FIN comes back whole",
    why: "without close_notify OpenSSL 3 reports an error where 1.1.1 reported the end",
    link: "https://github.com/openssl/openssl/issues/18866",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    let head = spec::send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    let steps = vec![Step::ReadHead, head, Step::SendPattern(spec::BODY), Step::Fin, Step::Hang];
    TrialSpec { origin: spec::scripted(vec![steps]), ..spec::https_get() }
}

fn judge(observation: &Observation) -> Vec<Check> {
    check::answers(observation, 1, spec::BODY)
}
