//! Short ways to write the specs of the catalogue.

use crate::model::{ClientSpec, OriginSpec, OriginTls, Place, Record, RequestSpec, Route, TlsVersion, TrialSpec};

/// Response length of trials that are not about length: larger than one TLS record needs to be, so
/// that the body is read and checked, smaller than a segment.
pub(super) const BODY: u64 = 1000;

/// How long a trial may take unless it says otherwise, milliseconds. ATS answers in a few; its
/// connect timeout in our baseline is 4 s.
const DEADLINE_MS: u64 = 15_000;

/// One GET through ATS to a TLS origin on another host that speaks TLS 1.2 and 1.3.
pub(super) fn https_get() -> TrialSpec {
    TrialSpec {
        route: Route::Ats,
        place: Place::Remote,
        origin: OriginSpec { tls: Some(tls(&[TlsVersion::Tls12, TlsVersion::Tls13])), body_len: BODY },
        client: ClientSpec { requests: vec![get()] },
        records: Vec::new(),
        deadline_ms: DEADLINE_MS,
    }
}

/// An origin that accepts these versions.
pub(super) fn tls(versions: &[TlsVersion]) -> OriginTls {
    OriginTls { versions: versions.to_vec() }
}

/// A GET.
pub(super) fn get() -> RequestSpec {
    RequestSpec { method: "GET".into(), body_len: 0 }
}

/// A record of STRING kind.
pub(super) fn string(name: &str, value: &str) -> Record {
    Record { name: name.into(), kind: "STRING".into(), value: value.into() }
}
