//! Which changes are to be expected, from the versions of OpenSSL and the outcomes on both sides. Each rule is exact: it names the
//! very values that it explains, from the older OpenSSL to the newer one. Whatever no rule explains is unexplained.

use serde::Serialize;

use crate::catalogue::known_issues::KnownIssue;
use crate::model::{BehaviourPart, Provenance, TrialBehaviour, Version};

use super::defaults::{self, HYBRID};
use super::record::THEN;
use super::size::Sizes;
use super::turn::{AspectTurn, entries};

/// Why a change was to be expected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ExpectedCause {
    /// The software, with the version that brought the change (`OpenSSL 3.5`), or the known issue of ATS.
    pub by: &'static str,
    /// What it does differently.
    pub why: &'static str,
    /// Where that is documented.
    pub source: &'static str,
}

/// Versions of what decides behaviour.
#[derive(Debug, Clone, Default)]
pub(super) struct Ran {
    /// The older and the newer OpenSSL; `None`: unknown.
    openssl: Option<(Version, Version)>,
    /// Whether the later cell has the older one.
    pub(super) backwards: bool,
    /// Whether ATS is known to be another one.
    other_ats: bool,
}

impl Ran {
    pub(super) fn of(before: &Provenance, after: &Provenance) -> Self {
        let openssl = |ran: &Provenance| ran.openssl.as_ref()?.version.parse::<Version>().ok();
        let ats = |ran: &Provenance| Some(ran.ats.as_ref()?.reported.clone());
        let other_ats = ats(before).zip(ats(after)).is_some_and(|(before, after)| before != after);
        match openssl(before).zip(openssl(after)) {
            Some((before, after)) if before > after => {
                Self { openssl: Some((after, before)), backwards: true, other_ats }
            }
            openssl => Self { openssl, backwards: false, other_ats },
        }
    }

    /// Whether only the newer OpenSSL is `bound` or later.
    fn crosses(&self, bound: &str) -> bool {
        let (Some((older, newer)), Ok(bound)) = (&self.openssl, bound.parse::<Version>()) else { return false };
        *older < bound && *newer >= bound
    }
}

/// A change of one aspect in one trial.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) part: BehaviourPart,
    pub(super) aspect: &'a str,
    /// With the older OpenSSL.
    pub(super) older: &'a TrialBehaviour,
    /// With the newer OpenSSL.
    pub(super) newer: &'a TrialBehaviour,
}

impl<'a> Case<'a> {
    pub(super) fn older(&self) -> Option<&'a str> {
        self.older.get(self.part, self.aspect)
    }

    pub(super) fn newer(&self) -> Option<&'a str> {
        self.newer.get(self.part, self.aspect)
    }

    fn is(&self, part: BehaviourPart, aspect: &str) -> bool {
        (self.part, self.aspect) == (part, aspect)
    }

    /// Gained and lost entries, if it is a list.
    pub(super) fn moved(&self) -> Option<(Vec<String>, Vec<String>)> {
        match AspectTurn::of(self.part, self.aspect, self.older(), self.newer()) {
            AspectTurn::List { gained, lost, .. } => Some((gained, lost)),
            AspectTurn::Bytes { .. } | AspectTurn::Value { .. } => None,
        }
    }

    /// The values of each message or connection in pairs, if both sides have as many.
    fn pairs(&self) -> Option<Vec<(&'a str, &'a str)>> {
        let (older, newer): (Vec<&str>, Vec<&str>) =
            (self.older()?.split(THEN).collect(), self.newer()?.split(THEN).collect());
        (older.len() == newer.len()).then(|| older.into_iter().zip(newer).collect())
    }
}

/// A change that is to be expected.
struct ChangeRule {
    cause: ExpectedCause,
    explains: fn(&Case<'_>, &Ran) -> bool,
}

const NOTES_3_5: &str = "https://openssl-library.org/news/openssl-3.5-notes/";
const CHANGES: &str = "https://github.com/openssl/openssl/blob/openssl-3.5/CHANGES.md";
const SCSV_PULL: &str = "https://github.com/openssl/openssl/pull/24161";

const RULES: &[ChangeRule] = &[
    ChangeRule {
        cause: ExpectedCause {
            by: "OpenSSL 3.5",
            why: "post-quantum key exchange is offered by default, with a key share; rarely used groups no longer are",
            source: NOTES_3_5,
        },
        explains: |case, ran| {
            ran.crosses("3.5")
                && (offers_defaults(case, ran)
                    || (case.is(BehaviourPart::Tls, "group") && negotiated_hybrid(case))
                    || (case.is(BehaviourPart::Response, "TLS of the client") && client_negotiated_hybrid(case)))
        },
    },
    ChangeRule {
        cause: ExpectedCause { by: "OpenSSL 3.5", why: "ML-DSA signatures are accepted by default", source: NOTES_3_5 },
        explains: |case, ran| {
            let gained = if ran.crosses("3.2") { [MLDSA, BRAINPOOL].concat() } else { MLDSA.to_vec() };
            ran.crosses("3.5") && signatures(case, &gained)
        },
    },
    ChangeRule {
        cause: ExpectedCause { by: "OpenSSL 3.2", why: "Brainpool curves are supported with TLS 1.3", source: CHANGES },
        explains: |case, ran| ran.crosses("3.2") && !ran.crosses("3.5") && signatures(case, BRAINPOOL),
    },
    ChangeRule {
        cause: ExpectedCause {
            by: "OpenSSL 3.0",
            why: "groups of finite fields are offered with TLS 1.3",
            source: "https://docs.openssl.org/3.0/man7/migration_guide/",
        },
        explains: |case, ran| {
            ran.crosses("3.0") && !ran.crosses("3.5") && case.aspect == "groups" && offers_defaults(case, ran)
        },
    },
    ChangeRule {
        cause: ExpectedCause {
            by: "OpenSSL 3.2",
            why: "suites of CCM with a short tag have security level 0; certificates may be compressed",
            source: CHANGES,
        },
        explains: |case, ran| {
            ran.crosses("3.2") && (without(case, CCM8) || extensions(case, &["compress_certificate"]))
        },
    },
    ChangeRule {
        cause: ExpectedCause {
            by: "OpenSSL 3.4",
            why: "an extension says what a signalling suite said, unless TLS 1.0 is allowed",
            source: SCSV_PULL,
        },
        explains: |case, ran| {
            ran.crosses("3.4")
                && signals_by_extension(case)
                && (without(case, &[SCSV]) || extensions(case, &["renegotiation_info"]))
        },
    },
    ChangeRule {
        cause: ExpectedCause {
            by: "OpenSSL 3.2 and 3.4",
            why: "suites of CCM with a short tag have security level 0; certificates may be compressed; an extension says what \
                  a signalling suite said, unless TLS 1.0 is allowed",
            source: CHANGES,
        },
        explains: |case, ran| {
            ran.crosses("3.2")
                && ran.crosses("3.4")
                && signals_by_extension(case)
                && (without(case, &[CCM8, &[SCSV]].concat())
                    || extensions(case, &["compress_certificate", "renegotiation_info"]))
        },
    },
];

/// Without padding a ClientHello of 256 to 511 bytes hangs some old servers, so only those are padded.
const PADDING: ExpectedCause = ExpectedCause {
    by: "OpenSSL",
    why: "a ClientHello of more than 511 bytes needs no padding",
    source: "https://www.rfc-editor.org/rfc/rfc7685",
};

/// What an origin does that takes a `ClientHello` of one segment only.
const TOO_LARGE: ExpectedCause = ExpectedCause {
    by: "OpenSSL 3.5",
    why: "the origin of this trial resets connections whose ClientHello does not fit into one segment",
    source: "https://github.com/openssl/openssl/issues/27557",
};

const MLDSA: &[&str] = &["mldsa65", "mldsa87", "mldsa44"];
const BRAINPOOL: &[&str] =
    &["ecdsa_brainpoolP256r1tls13_sha256", "ecdsa_brainpoolP384r1tls13_sha384", "ecdsa_brainpoolP512r1tls13_sha512"];

/// Suites of CCM with a tag of 8 bytes (RFC 6655, RFC 7251).
const CCM8: &[&str] = &["c0a0", "c0a1", "c0a2", "c0a3", "c0ae", "c0af"];

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV` (RFC 5746).
const SCSV: &str = "00ff";

/// Whether both sides offer just what their OpenSSL offers by default.
fn offers_defaults(case: &Case<'_>, ran: &Ran) -> bool {
    let Some((older, newer)) = &ran.openssl else { return false };
    case.part == BehaviourPart::Hello
        && defaults::are_offered(case.older, case.aspect, older)
        && defaults::are_offered(case.newer, case.aspect, newer)
}

/// Whether the group that is negotiated is the post-quantum one that is now offered.
fn negotiated_hybrid(case: &Case<'_>) -> bool {
    let offers = |of: &TrialBehaviour| of.get(BehaviourPart::Hello, "key shares").is_some_and(|it| it.contains(HYBRID));
    let hybrid = |(older, newer): &(&str, &str)| older == newer || (*newer == HYBRID && *older != "none");
    offers(case.newer) && !offers(case.older) && case.pairs().is_some_and(|pairs| pairs.iter().all(hybrid))
}

/// Whether a client, which offers the post-quantum group to everybody, now agrees on it with ATS.
fn client_negotiated_hybrid(case: &Case<'_>) -> bool {
    let hybrid = |(older, newer): &(&str, &str)| *older == newer.replace(HYBRID, "X25519");
    case.pairs().is_some_and(|pairs| pairs.iter().all(hybrid))
}

/// Whether the newer side has just the signature algorithms in `more` in addition.
fn signatures(case: &Case<'_>, more: &[&str]) -> bool {
    let same =
        |gained: &[String]| gained.len() == more.len() && more.iter().all(|name| gained.iter().any(|it| it == name));
    case.is(BehaviourPart::Hello, "signature algorithms")
        && match AspectTurn::of(case.part, case.aspect, case.older(), case.newer()) {
            AspectTurn::List { gained, lost, reordered } => !reordered && lost.is_empty() && same(&gained),
            AspectTurn::Bytes { .. } | AspectTurn::Value { .. } => false,
        }
}

/// Whether the suites in `fewer`, and no others, are gone or come later.
fn without(case: &Case<'_>, fewer: &[&str]) -> bool {
    let rest = |suites: &str| -> Vec<String> {
        entries(suites).into_iter().filter(|suite| !fewer.contains(suite)).map(ToOwned::to_owned).collect()
    };
    let fewer_only = |(older, newer): &(&str, &str)| {
        rest(older) == rest(newer) && entries(newer).iter().all(|suite| entries(older).contains(suite))
    };
    case.is(BehaviourPart::Hello, "suites") && case.pairs().is_some_and(|pairs| pairs.iter().all(fewer_only))
}

/// Whether the newer side has just the extensions in `more` in addition; padding is looked at apart.
fn extensions(case: &Case<'_>, more: &[&str]) -> bool {
    case.is(BehaviourPart::Hello, "extensions")
        && case.moved().is_some_and(|(gained, lost)| gained == more && lost.iter().all(|name| name == "padding"))
}

/// Whether the extension took the place of the signalling suite.
fn signals_by_extension(case: &Case<'_>) -> bool {
    let each = |of: &TrialBehaviour, list: &str, name: &str, is: bool| {
        let value = of.get(BehaviourPart::Hello, list).unwrap_or_default();
        value.split(THEN).all(|one| entries(one).contains(&name) == is)
    };
    let by_extension = |of: &TrialBehaviour, is: bool| {
        each(of, "extensions", "renegotiation_info", is) && each(of, "suites", SCSV, !is)
    };
    by_extension(case.older, false) && by_extension(case.newer, true)
}

/// What is known of the trial besides its behaviour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TrialFacts {
    /// The size of the largest ClientHello that its origin accepts.
    pub(super) largest_hello: Option<u32>,
    /// The known issue of ATS that makes it fail on one side, while it passes on the other.
    pub(super) issue: Option<&'static KnownIssue>,
}

/// The cause of each change of a trial, in their order.
pub(super) fn causes(cases: &[Case<'_>], ran: &Ran, facts: TrialFacts) -> Vec<Option<ExpectedCause>> {
    let sizes = Sizes::of(cases);
    let loses_padding =
        |case: &Case<'_>| case.moved().is_some_and(|(_, lost)| lost.iter().any(|name| name == "padding"));
    let rule = |case: &Case<'_>| {
        if case.is(BehaviourPart::Hello, "extensions") && loses_padding(case) {
            if !sizes.outgrew_padding() {
                return None;
            }
            if case.moved().is_some_and(|(gained, lost)| gained.is_empty() && lost.len() == 1) {
                return Some(PADDING);
            }
        }
        RULES.iter().find(|rule| (rule.explains)(case, ran)).map(|rule| rule.cause.clone())
    };
    let mut found: Vec<Option<ExpectedCause>> = cases.iter().map(rule).collect();
    // The size follows from the parts that changed, if these are explained and are as large.
    let parts = || cases.iter().zip(&found).filter(|(case, _)| case.part == BehaviourPart::Hello);
    let main =
        parts().filter(|(case, _)| case.aspect == "key shares").chain(parts()).find_map(|(_, cause)| cause.clone());
    let follows = parts().all(|(_, cause)| cause.is_some()) && sizes.follow_from(cases);
    let refused = follows && facts.largest_hello.is_some_and(|limit| ran.crosses("3.5") && sizes.outgrew(limit));
    let by_issue = facts.issue.filter(|_| ran.other_ats).map(|issue| ExpectedCause {
        by: issue.id,
        why: issue.title,
        source: issue.link,
    });
    for (case, cause) in cases.iter().zip(&mut found).filter(|(_, cause)| cause.is_none()) {
        let is_hello = matches!(case.part, BehaviourPart::Hello | BehaviourPart::Size);
        let one_side = case.older().is_none() != case.newer().is_none();
        *cause = match case.part {
            BehaviourPart::Size if follows => main.clone(),
            _ if is_hello && !one_side => None,
            _ if refused && !is_hello => Some(TOO_LARGE),
            _ => by_issue.clone(),
        };
    }
    found
}

#[cfg(test)]
mod tests;
