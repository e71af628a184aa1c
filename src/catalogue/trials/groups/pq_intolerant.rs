//! `pq-intolerant-origin`: an origin that drops a ClientHello of two segments.

use crate::catalogue::trials::check::{self, Check};
use crate::catalogue::trials::{Kind, Trial, spec};
use crate::model::{Hello, Observation, OriginTls, TrialSpec};

/// The group whose key share makes the ClientHello of OpenSSL 3.5 grow.
const GROUP: &str = "X25519MLKEM768";

/// The entry of the catalogue.
pub(in crate::catalogue::trials) const TRIAL: Trial = Trial {
    id: "pq-intolerant-origin",
    title: "an origin that drops ClientHellos of two segments answers one that fits, and a larger one gives the client a 502",
    why: "with OpenSSL 3.5 the ClientHello grew from 517 to about 1,600 bytes, which old peers and middleboxes drop: \
          the commonest break on the way from Debian 12 to 13. It is not ATS's doing, so either is right, as long as a \
          post-quantum key share is what makes it large; its size is kept with what ran (`ClientHello`), where diff \
          and gate show the change",
    link: "https://github.com/openssl/openssl/issues/27557",
    kind: Kind::Subject,
    needs: &[],
    limitations: &[],
    spec: set_up,
    judge,
};

fn set_up() -> TrialSpec {
    spec::https_get_from(OriginTls { largest_hello: Some(check::SEGMENT), ..OriginTls::default() })
}

fn judge(observation: &Observation) -> Vec<Check> {
    let size = |hello: &Hello| format!("a ClientHello of {} bytes on the wire", check::on_the_wire(hello));
    let fits = check::first_hello(observation).is_none_or(|hello| check::on_the_wire(hello) <= check::SEGMENT);
    let mut checks = if fits { check::one_tls_answer(observation) } else { check::refused(observation) };
    if fits {
        let fits = |hello: &Hello| check::on_the_wire(hello) <= check::SEGMENT;
        let expected = format!("a ClientHello of at most {} bytes on the wire", check::SEGMENT);
        checks.push(check::hello(observation, expected, fits, size));
    } else {
        checks.push(check::reset_by_origin(observation));
        let share = |hello: &Hello| hello.key_shares.iter().any(|group| group == GROUP);
        let expected = format!("a ClientHello that a key share of {GROUP} makes large");
        checks.push(check::hello(observation, expected, share, size));
    }
    checks
}
