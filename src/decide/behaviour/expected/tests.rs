use super::*;
use crate::catalogue::known_issues;

/// What ATS 9.2.9 sent here with OpenSSL 3.0.22 and 3.5.9, without what is equal.
const OLD: &[(BehaviourPart, &str, &str)] = &[
    (BehaviourPart::Hello, "versions", "TLSv1.3, TLSv1.2"),
    (BehaviourPart::Hello, "suites", "1302, c0af, c0ad, c0a3, c0a1, c0ae, c0ac, c0a2, c0a0, c09c, 00ff"),
    (
        BehaviourPart::Hello,
        "groups",
        "x25519, secp256r1, x448, secp521r1, secp384r1, ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192",
    ),
    (BehaviourPart::Hello, "key shares", "x25519"),
    (BehaviourPart::Hello, "extensions", "key_share, padding, server_name"),
    (BehaviourPart::Hello, "signature algorithms", "ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256"),
    (BehaviourPart::Size, "size", "517"),
    (BehaviourPart::Tls, "group", "X25519"),
    (BehaviourPart::Response, "status", "200"),
    (BehaviourPart::Response, "TLS of the client", "TLSv1.3, TLS13_AES_256_GCM_SHA384, X25519, certificate of ats"),
];
const NEW: &[(BehaviourPart, &str, &str)] = &[
    (BehaviourPart::Hello, "versions", "TLSv1.3, TLSv1.2"),
    (BehaviourPart::Hello, "suites", "1302, c0ad, c0ac, c09c"),
    (
        BehaviourPart::Hello,
        "groups",
        "X25519MLKEM768, x25519, secp256r1, x448, secp384r1, secp521r1, ffdhe2048, ffdhe3072",
    ),
    (BehaviourPart::Hello, "key shares", "X25519MLKEM768, x25519"),
    (BehaviourPart::Hello, "extensions", "compress_certificate, key_share, renegotiation_info, server_name"),
    (
        BehaviourPart::Hello,
        "signature algorithms",
        "mldsa65, mldsa87, mldsa44, ecdsa_secp256r1_sha256, ecdsa_brainpoolP256r1tls13_sha256, \
         ecdsa_brainpoolP384r1tls13_sha384, ecdsa_brainpoolP512r1tls13_sha512, rsa_pss_rsae_sha256",
    ),
    (BehaviourPart::Size, "size", "1601"),
    (BehaviourPart::Tls, "group", "X25519MLKEM768"),
    (BehaviourPart::Response, "status", "200"),
    (
        BehaviourPart::Response,
        "TLS of the client",
        "TLSv1.3, TLS13_AES_256_GCM_SHA384, X25519MLKEM768, certificate of ats",
    ),
];

fn behaviour(values: &[(BehaviourPart, &str, &str)]) -> TrialBehaviour {
    let mut all = TrialBehaviour::default();
    for (part, aspect, value) in values {
        all.0.entry(*part).or_default().insert((*aspect).to_owned(), (*value).to_owned());
    }
    all
}

fn with(base: &[(BehaviourPart, &str, &str)], part: BehaviourPart, aspect: &str, value: &str) -> TrialBehaviour {
    let mut all = behaviour(base);
    all.0.entry(part).or_default().insert(aspect.to_owned(), value.to_owned());
    all
}

fn ran(before: &str, after: &str) -> Ran {
    Ran { openssl: before.parse().ok().zip(after.parse().ok()), backwards: false, other_ats: false }
}

/// The changes from `older` to `newer`, each with who is the cause.
fn explained(
    older: &TrialBehaviour,
    newer: &TrialBehaviour,
    ran: &Ran,
    facts: TrialFacts,
) -> Vec<(String, Option<&'static str>)> {
    let differs = |(part, aspect, value): &(BehaviourPart, &str, &str)| newer.get(*part, aspect) != Some(value);
    let changed: Vec<(BehaviourPart, &str)> =
        older.iter().filter(differs).map(|(part, name, _)| (part, name)).collect();
    let cases: Vec<Case<'_>> =
        changed.iter().map(|(part, aspect)| Case { part: *part, aspect, older, newer }).collect();
    let by = causes(&cases, ran, facts).into_iter().map(|cause| cause.map(|cause| cause.by));
    cases.iter().map(|case| format!("{} {}", case.part, case.aspect)).zip(by).collect()
}

fn unexplained(older: &TrialBehaviour, newer: &TrialBehaviour, ran: &Ran) -> Vec<String> {
    let all = explained(older, newer, ran, TrialFacts::default());
    all.into_iter().filter(|(_, by)| by.is_none()).map(|(what, _)| what).collect()
}

#[test]
fn a_version_is_crossed_if_it_lies_between_both() {
    assert!(ran("3.0.22", "3.5.9").crosses("3.5") && ran("3.4.0", "3.5.0").crosses("3.5"));
    assert!(!ran("3.5.0", "3.5.9").crosses("3.5") && !ran("?", "3.5.9").crosses("3.5"));
}

#[test]
fn every_rule_names_its_source() {
    for ChangeRule { cause, .. } in RULES {
        assert!(cause.source.starts_with("https://") && !cause.why.is_empty(), "{cause:?}");
    }
}

#[test]
fn all_that_openssl_3_5_changes_is_explained() {
    let (old, new) = (behaviour(OLD), behaviour(NEW));
    let found = explained(&old, &new, &ran("3.0.22", "3.5.9"), TrialFacts::default());
    assert_eq!(found.len(), 8, "{found:?}");
    for (what, by) in &found {
        let wanted = match what.as_str() {
            "ClientHello suites" | "ClientHello extensions" => "OpenSSL 3.2 and 3.4",
            _ => "OpenSSL 3.5",
        };
        assert_eq!(*by, Some(wanted), "{what}");
    }
}

#[test]
fn nothing_is_explained_without_a_version_between_both() {
    let (old, new) = (behaviour(OLD), behaviour(NEW));
    for same in [ran("3.5.0", "3.5.9"), ran("3.0.2", "3.0.22"), ran("?", "3.5.9")] {
        assert_eq!(unexplained(&old, &new, &same).len(), 8, "{same:?}");
    }
    // The newer OpenSSL does not do what the older one did.
    assert_eq!(unexplained(&new, &old, &ran("3.0.22", "3.5.9")).len(), 8);
}

#[test]
fn one_value_that_differs_from_the_rule_is_unexplained() {
    use BehaviourPart::{Hello, Response, Size, Tls};
    let old = behaviour(OLD);
    for (part, aspect, value, more) in [
        (Hello, "suites", "1302, c0ad, c0ac", true),
        (Hello, "suites", "c0ad, 1302, c0ac, c09c", true),
        (Hello, "suites", "1302, c0ad, c0ac, c09c, 1301", true),
        (Hello, "groups", "X25519MLKEM768, x25519", true),
        (Hello, "key shares", "X25519MLKEM768", true),
        (Hello, "extensions", "compress_certificate, renegotiation_info, server_name", true),
        (Hello, "extensions", "compress_certificate, early_data, key_share, renegotiation_info, server_name", true),
        (Hello, "signature algorithms", "mldsa44, ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256", true),
        (Hello, "versions", "TLSv1.3", true),
        (Size, "size", "3000", false),
        (Size, "size", "600", false),
        (Size, "size", "1601 | 1601", false),
        (Tls, "group", "secp384r1", false),
        (Response, "status", "502", false),
        (Response, "TLS of the client", "TLSv1.2, TLS13_AES_256_GCM_SHA384, X25519MLKEM768, certificate of ats", false),
    ] {
        let left = unexplained(&old, &with(NEW, part, aspect, value), &ran("3.0.22", "3.5.9"));
        assert!(left.contains(&format!("{part} {aspect}")), "{aspect} {value}: {left:?}");
        // A size that does not follow from what is explained is unexplained.
        assert_eq!(left.contains(&"ClientHello size".to_owned()), more || part == Size, "{aspect} {value}: {left:?}");
    }
}

#[test]
fn suites_that_only_come_later_are_explained() {
    let old = with(OLD, BehaviourPart::Hello, "suites", "1302, c0af, c0ad, c0a3, 00ff");
    let new = with(NEW, BehaviourPart::Hello, "suites", "1302, c0ad, c0af, c0a3, 00ff");
    let found = explained(&old, &new, &ran("3.0.22", "3.5.9"), TrialFacts::default());
    let suites = found.iter().find(|(what, _)| what == "ClientHello suites").unwrap();
    assert_eq!(suites.1, Some("OpenSSL 3.2"));
    // An extension in addition to the signalling suite is not what OpenSSL 3.4 does.
    assert!(found.contains(&("ClientHello extensions".to_owned(), None)), "{found:?}");
}

#[test]
fn an_origin_that_refuses_large_hellos_explains_the_rest_of_its_trial() {
    let (old, new) = (behaviour(OLD), with(NEW, BehaviourPart::Response, "status", "502"));
    let by = |limit: Option<u32>, old: &TrialBehaviour, new: &TrialBehaviour| {
        let facts = TrialFacts { largest_hello: limit, issue: None };
        let found = explained(old, new, &ran("3.0.22", "3.5.9"), facts);
        found.into_iter().find(|(what, _)| what == "response status").unwrap().1
    };
    assert_eq!(by(Some(1460), &old, &new), Some("OpenSSL 3.5"));
    assert_eq!(by(Some(2000), &old, &new), None, "it fits");
    assert_eq!(by(Some(500), &old, &new), None, "it did not fit before");
    assert_eq!(by(None, &old, &new), None);
    let mut odd = new.clone();
    odd.0.get_mut(&BehaviourPart::Size).unwrap().insert("size".into(), "9000".into());
    assert_eq!(by(Some(1460), &old, &odd), None, "nobody knows why it is that large");
}

#[test]
fn a_known_issue_of_another_ats_explains_the_trial_that_it_breaks() {
    let issue = known_issues::by_id("ATS-7677").unwrap();
    let facts = TrialFacts { largest_hello: None, issue: Some(issue) };
    let (old, new) = (behaviour(OLD), with(OLD, BehaviourPart::Response, "status", "502"));
    let by = |other_ats: bool| explained(&old, &new, &Ran { other_ats, ..ran("3.0.2", "3.0.22") }, facts);
    assert_eq!(by(true), [("response status".to_owned(), Some("ATS-7677"))]);
    assert_eq!(by(false), [("response status".to_owned(), None)], "the same ATS");
    let larger = with(OLD, BehaviourPart::Size, "size", "700");
    let found = explained(&old, &larger, &Ran { other_ats: true, ..ran("3.0.2", "3.0.22") }, facts);
    assert_eq!(found, [("ClientHello size".to_owned(), None)], "an issue makes no ClientHello larger");
}
