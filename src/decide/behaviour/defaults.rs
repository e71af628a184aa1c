//! What OpenSSL offers by default, by version. The lists of 3.0 and 3.5 are those that ATS sent here; that of 1.1.1 is from the
//! documentation of `SSL_CTX_set1_groups`.

use crate::model::{BehaviourPart, TrialBehaviour, Version};

use super::record::THEN;
use super::turn::entries;

/// The post-quantum group that OpenSSL 3.5 offers first.
pub(super) const HYBRID: &str = "X25519MLKEM768";

/// What a version of OpenSSL offers by default, in its order of preference.
struct OpensslDefaults {
    since: &'static str,
    groups: &'static [&'static str],
    key_shares: &'static [&'static str],
}

/// Newest first.
const DEFAULTS: &[OpensslDefaults] = &[
    OpensslDefaults {
        since: "3.5",
        groups: &[HYBRID, "x25519", "secp256r1", "x448", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072"],
        key_shares: &[HYBRID, "x25519"],
    },
    OpensslDefaults {
        since: "3.0",
        groups: &[
            "x25519",
            "secp256r1",
            "x448",
            "secp521r1",
            "secp384r1",
            "ffdhe2048",
            "ffdhe3072",
            "ffdhe4096",
            "ffdhe6144",
            "ffdhe8192",
        ],
        key_shares: &["x25519"],
    },
    OpensslDefaults {
        since: "1.1.1",
        groups: &["x25519", "secp256r1", "x448", "secp521r1", "secp384r1"],
        key_shares: &["x25519"],
    },
];

/// Whether each ClientHello of `behaviour` offers, in the list `aspect`, just what OpenSSL `version` offers by default.
pub(super) fn are_offered(behaviour: &TrialBehaviour, aspect: &str, version: &Version) -> bool {
    let is_old_enough = |known: &&OpensslDefaults| known.since.parse::<Version>().is_ok_and(|since| *version >= since);
    let Some(known) = DEFAULTS.iter().find(is_old_enough) else { return false };
    let lists = match aspect {
        "groups" => known.groups,
        "key shares" => known.key_shares,
        _ => return false,
    };
    // Groups of TLS 1.3 alone are not offered without it.
    let only_13 = |group: &str| group == HYBRID || group.starts_with("ffdhe");
    let value = |name: &str| behaviour.get(BehaviourPart::Hello, name).unwrap_or_default();
    let mut versions = value("versions").split(THEN);
    let with_13 = versions.all(|versions| entries(versions).contains(&"TLSv1.3"));
    let wanted: Vec<&str> = lists.iter().copied().filter(|group| with_13 || !only_13(group)).collect();
    value(aspect).split(THEN).all(|one| entries(one) == wanted)
}
