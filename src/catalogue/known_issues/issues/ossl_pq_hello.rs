//! A ClientHello longer than a segment.

use crate::catalogue::known_issues::issue::NO_SIGNS;
use crate::catalogue::known_issues::{Affected, KnownIssue, Provoked, Shows, Sign, Signature, Workaround};
use crate::model::RecordType;

/// X25519MLKEM768 makes the key share 1216 bytes.
pub(super) const ISSUE: KnownIssue = KnownIssue {
    id: "OSSL-PQ-HELLO",
    title: "from OpenSSL 3.5 on the ClientHello takes two segments, which old origins and middleboxes drop",
    link: "https://github.com/openssl/openssl/issues/27557",
    also: &["https://github.com/openssl/openssl/pull/26801", "https://github.com/openssl/openssl/issues/27601"],
    affected: Affected { ats: &[], openssl: Some(">=3.5"), distro: None, patched: &[] },
    when: "an origin, or something before it, that reads a ClientHello in one go",
    fixed_in: "not a bug of OpenSSL or ATS: the other side has to be mended",
    way_out: "mend or renew what drops it",
    workarounds: &[Workaround {
        name: "classic-groups",
        what: "no post-quantum group towards origins: a ClientHello of 517 bytes again",
        records: &[("proxy.config.ssl.client.groups_list", RecordType::String, "P-256:X25519")],
        cost: "traffic that is recorded today can be read once there are quantum computers",
        decides: true,
    }],
    shows: Shows::Trials(Signature {
        // Whose origins drop what is larger than a segment: all others are ours, and read on.
        among: &["pq-intolerant-*"],
        must: &[Sign::HelloOf(1400), Sign::OriginClosedBeforeFirstByte],
        may: &[Sign::Answer("^502 (?:connect failed)?$"), Sign::NoAnswer],
        // It understood the ClientHello, and says what it does not like; or it was ATS.
        not: &[Sign::OriginError("incompatible|received fatal alert|heard"), Sign::Process("")],
        // The same origin is reached with a ClientHello that fits.
        sure: &[Sign::Passes("pq-intolerant-groups-list")],
        ..NO_SIGNS
    }),
    provoked: Provoked::By(
        &["pq-intolerant-origin", "pq-intolerant-groups-list"],
        "pass where a ClientHello too large is dropped and a small one is not; that it grew is told by `diff` and `gate`",
    ),
};
