//! Which changes are to be expected, from the versions of OpenSSL and ATS on both sides. Each rule is exact: it names the very
//! values that it explains. Whatever no rule explains is unexplained.

use serde::Serialize;

use crate::model::{Behaviour, BehaviourPart, Provenance, Version};

use super::record::THEN;
use super::turn::{AspectTurn, PADDED, bytes, entries};

/// Why a change was to be expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ExpectedCause {
    /// The software, with the version that brought the change: `OpenSSL 3.5`.
    pub by: &'static str,
    /// What it does differently.
    pub why: &'static str,
    /// Where that is documented.
    pub source: &'static str,
}

/// Versions of what decides behaviour, before and after; `None`: unknown.
#[derive(Debug, Clone, Default)]
pub(super) struct Ran {
    openssl: (Option<Version>, Option<Version>),
    ats: (Option<Version>, Option<Version>),
}

impl Ran {
    pub(super) fn of(before: &Provenance, after: &Provenance) -> Self {
        let openssl = |ran: &Provenance| ran.openssl.as_ref().and_then(|library| library.version.parse().ok());
        let ats = |ran: &Provenance| ran.ats.as_ref().and_then(|ats| ats.reported.parse().ok());
        Self { openssl: (openssl(before), openssl(after)), ats: (ats(before), ats(after)) }
    }
}

/// Whether one of two versions is before `bound` and the other is not.
fn crosses((before, after): &(Option<Version>, Option<Version>), bound: &str) -> bool {
    let (Some(before), Some(after), Ok(bound)) = (before, after, bound.parse::<Version>()) else { return false };
    (*before < bound) != (*after < bound)
}

/// A change of one aspect in one trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) part: BehaviourPart,
    pub(super) aspect: &'a str,
    pub(super) before: &'a Behaviour,
    pub(super) after: &'a Behaviour,
}

impl<'a> Case<'a> {
    pub(super) fn old(&self) -> Option<&'a str> {
        self.before.get(self.part, self.aspect)
    }

    pub(super) fn new(&self) -> Option<&'a str> {
        self.after.get(self.part, self.aspect)
    }

    /// Gained and lost entries, if it is a list.
    fn moved(&self) -> Option<(Vec<String>, Vec<String>)> {
        match AspectTurn::of(self.part, self.aspect, self.old(), self.new()) {
            AspectTurn::List { gained, lost, .. } => Some((gained, lost)),
            AspectTurn::Bytes { .. } | AspectTurn::Value { .. } => None,
        }
    }
}

/// A change that is to be expected.
struct Rule {
    cause: ExpectedCause,
    explains: fn(&Case<'_>, &Ran) -> bool,
}

const NOTES_3_5: &str = "https://openssl-library.org/news/openssl-3.5-notes/";

const RULES: &[Rule] = &[
    Rule {
        cause: ExpectedCause {
            by: "OpenSSL 3.5",
            why: "post-quantum key exchange is offered by default, with a key share; rarely used groups no longer are",
            source: NOTES_3_5,
        },
        explains: |case, ran| {
            crosses(&ran.openssl, "3.5")
                && match (case.part, case.aspect) {
                    (BehaviourPart::Hello, "groups") => defaults(case, ran, |of| of.groups),
                    (BehaviourPart::Hello, "key shares") => defaults(case, ran, |of| of.key_shares),
                    (BehaviourPart::Tls, "group") => negotiated_hybrid(case),
                    _ => false,
                }
        },
    },
    Rule {
        cause: ExpectedCause {
            by: "OpenSSL 3.5",
            why: "ML-DSA signatures are accepted by default",
            source: NOTES_3_5,
        },
        explains: |case, ran| crosses(&ran.openssl, "3.5") && signatures(case, &[MLDSA, BRAINPOOL]),
    },
    Rule {
        cause: ExpectedCause {
            by: "OpenSSL 3.2",
            why: "Brainpool curves are supported with TLS 1.3",
            source: "https://openssl-library.org/news/openssl-3.2-notes/",
        },
        explains: |case, ran| crosses(&ran.openssl, "3.2") && signatures(case, &[BRAINPOOL]),
    },
    Rule {
        cause: ExpectedCause {
            by: "OpenSSL 3.0",
            why: "groups of finite fields are offered with TLS 1.3",
            source: "https://openssl-library.org/news/openssl-3.0-notes/",
        },
        explains: |case, ran| {
            crosses(&ran.openssl, "3.0")
                && (case.part, case.aspect) == (BehaviourPart::Hello, "groups")
                && defaults(case, ran, |of| of.groups)
        },
    },
];

/// Without padding a ClientHello of 256 to 511 bytes hangs some old servers, so only those are padded.
const PADDING: ExpectedCause = ExpectedCause {
    by: "OpenSSL",
    why: "a ClientHello of more than 511 bytes needs no padding",
    source: "https://www.rfc-editor.org/rfc/rfc7685",
};

const MLDSA: &[&str] = &["mldsa44", "mldsa65", "mldsa87"];
const BRAINPOOL: &[&str] = &[
    "ecdsa_brainpoolP256r1tls13_sha256",
    "ecdsa_brainpoolP384r1tls13_sha384",
    "ecdsa_brainpoolP512r1tls13_sha512",
];

/// What a version of OpenSSL offers by default, in its order of preference.
struct Defaults {
    since: &'static str,
    groups: &'static [&'static str],
    key_shares: &'static [&'static str],
}

const DEFAULTS: &[Defaults] = &[
    Defaults {
        since: "3.5",
        groups: &[
            HYBRID, "x25519", "secp256r1", "x448", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072",
        ],
        key_shares: &[HYBRID, "x25519"],
    },
    Defaults {
        since: "3.0",
        groups: &[
            "x25519", "secp256r1", "x448", "secp521r1", "secp384r1", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
            "ffdhe8192",
        ],
        key_shares: &["x25519"],
    },
    Defaults {
        since: "1.1.1",
        groups: &["x25519", "secp256r1", "x448", "secp521r1", "secp384r1"],
        key_shares: &["x25519"],
    },
];

/// The post-quantum group that OpenSSL 3.5 offers first.
const HYBRID: &str = "X25519MLKEM768";

/// Whether both sides offer just what their OpenSSL offers by default.
fn defaults(case: &Case<'_>, ran: &Ran, of: fn(&Defaults) -> &'static [&'static str]) -> bool {
    let side = |value: Option<&str>, hello: &Behaviour, version: &Option<Version>| {
        let known = version.as_ref().and_then(|version| {
            DEFAULTS.iter().find(|defaults| defaults.since.parse::<Version>().is_ok_and(|since| *version >= since))
        });
        let versions: Vec<&str> = hello.get(BehaviourPart::Hello, "versions").unwrap_or_default().split(THEN).collect();
        let with_13 = versions.iter().all(|versions| entries(versions).contains(&"TLSv1.3"));
        // Groups of TLS 1.3 alone are not offered without it.
        let only_13 = |group: &str| group == HYBRID || group.starts_with("ffdhe");
        let (Some(value), Some(known)) = (value, known) else { return false };
        let wanted: Vec<&str> = of(known).iter().copied().filter(|group| with_13 || !only_13(group)).collect();
        value.split(THEN).all(|one| entries(one) == wanted)
    };
    side(case.old(), case.before, &ran.openssl.0) && side(case.new(), case.after, &ran.openssl.1)
}

/// Whether the group that is now negotiated is the post-quantum one that is now offered, or the reverse.
fn negotiated_hybrid(case: &Case<'_>) -> bool {
    let hybrid = |group: Option<&str>| group == Some(HYBRID);
    let offers = |of: &Behaviour| of.get(BehaviourPart::Hello, "key shares").is_some_and(|it| it.contains(HYBRID));
    (hybrid(case.new()) && offers(case.after) && !offers(case.before))
        || (hybrid(case.old()) && offers(case.before) && !offers(case.after))
}

/// Whether the signature algorithms differ by some of `known`, and not in their order.
fn signatures(case: &Case<'_>, known: &[&[&str]]) -> bool {
    let is_known = |names: &[String]| names.iter().all(|name| known.iter().any(|some| some.contains(&name.as_str())));
    (case.part, case.aspect) == (BehaviourPart::Hello, "signature algorithms")
        && match AspectTurn::of(case.part, case.aspect, case.old(), case.new()) {
            AspectTurn::List { gained, lost, reordered } => {
                !reordered && is_known(&gained) && is_known(&lost) && (gained.is_empty() != lost.is_empty())
            }
            AspectTurn::Bytes { .. } | AspectTurn::Value { .. } => false,
        }
}

/// The cause of each change of a trial, in their order.
pub(super) fn causes(cases: &[Case<'_>], ran: &Ran) -> Vec<Option<ExpectedCause>> {
    let rule = |case: &Case<'_>| RULES.iter().find(|rule| (rule.explains)(case, ran)).map(|rule| rule.cause.clone());
    let mut found: Vec<Option<ExpectedCause>> = cases.iter().map(rule).collect();
    let sizes = Sizes::of(cases);
    for (at, case) in cases.iter().enumerate() {
        if (case.part, case.aspect) == (BehaviourPart::Hello, "extensions") && sizes.no_longer_padded(case) {
            found[at] = Some(PADDING);
        }
    }
    // The size follows from the parts that changed, if these are explained and are as large.
    let parts = || cases.iter().zip(&found).filter(|(case, _)| case.part == BehaviourPart::Hello);
    let main = parts().filter_map(|(_, cause)| cause.as_ref()).find(|cause| **cause != PADDING).cloned();
    let explained = parts().all(|(_, cause)| cause.is_some()) && sizes.follow_from(cases);
    for (at, case) in cases.iter().enumerate() {
        if case.part == BehaviourPart::Size && explained {
            found[at].clone_from(&main);
        }
    }
    found
}

/// The sizes of the ClientHellos of a trial, in pairs.
struct Sizes(Vec<(u32, u32)>);

impl Sizes {
    fn of(cases: &[Case<'_>]) -> Self {
        let size = |case: &Case<'_>| -> Option<Vec<(u32, u32)>> {
            let all = |value: Option<&str>| value?.split(THEN).map(bytes).collect::<Option<Vec<u32>>>();
            let (before, after) = (all(case.old())?, all(case.new())?);
            (before.len() == after.len()).then(|| before.into_iter().zip(after).collect())
        };
        Self(cases.iter().find(|case| case.part == BehaviourPart::Size).and_then(size).unwrap_or_default())
    }

    /// Whether the extension of padding is gone because the ClientHello is larger now, or the reverse.
    fn no_longer_padded(&self, case: &Case<'_>) -> bool {
        let is_padding = |names: &[String]| matches!(names, [name] if name == "padding");
        let all = |padded: fn(&(u32, u32)) -> (u32, u32)| {
            !self.0.is_empty() && self.0.iter().map(padded).all(|(with, without)| with == PADDED && without > PADDED)
        };
        case.moved().is_some_and(|(gained, lost)| {
            (gained.is_empty() && is_padding(&lost) && all(|pair| *pair))
                || (lost.is_empty() && is_padding(&gained) && all(|(before, after)| (*after, *before)))
        })
    }

    /// Whether the sizes changed by as much as the entries that were gained and lost are large.
    fn follow_from(&self, cases: &[Case<'_>]) -> bool {
        let mut growth = 0;
        for case in cases.iter().filter(|case| case.part == BehaviourPart::Hello) {
            let Some((gained, lost)) = case.moved() else { return false };
            let sum = |names: &[String]| names.iter().map(|name| length(case.aspect, name)).sum::<Option<i64>>();
            let (Some(more), Some(less)) = (sum(&gained), sum(&lost)) else { return false };
            growth += more - less;
        }
        let fits = |(before, after): &(u32, u32)| {
            let (before, after) = (i64::from(*before), i64::from(*after));
            // What was padded was at least 256 bytes, and the record's header.
            let padded = |size: i64| if size == i64::from(PADDED) { 261..=i64::from(PADDED) } else { size..=size };
            let (old, new) = (padded(before), padded(after));
            *new.start() <= old.end() + growth && *new.end() >= old.start() + growth
        };
        !self.0.is_empty() && self.0.iter().all(fits)
    }
}

/// Bytes that an entry of a list takes in a ClientHello; `None`: unknown.
fn length(aspect: &str, name: &str) -> Option<i64> {
    match (aspect, name) {
        ("suites" | "groups" | "signature algorithms", _) => Some(2),
        // A group, a length, and the key (RFC 8446 section 4.2.8; draft-ietf-tls-ecdhe-mlkem).
        ("key shares", HYBRID) => Some(2 + 2 + 1216),
        ("key shares", "x25519") => Some(2 + 2 + 32),
        ("key shares", "secp256r1") => Some(2 + 2 + 65),
        // Its bytes are part of the range of a padded size.
        ("extensions", "padding") => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_crossed_in_both_directions() {
        let versions = |before: &str, after: &str| (before.parse().ok(), after.parse().ok());
        assert!(crosses(&versions("3.0.20", "3.5.7"), "3.5") && crosses(&versions("3.5.7", "3.0.20"), "3.5"));
        assert!(!crosses(&versions("3.5.0", "3.5.7"), "3.5") && !crosses(&(None, None), "3.5"));
    }

    #[test]
    fn every_rule_names_its_source() {
        for Rule { cause, .. } in RULES {
            assert!(cause.source.starts_with("https://") && !cause.why.is_empty(), "{cause:?}");
        }
    }
}
