use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::model::{
    AtsBuild, CellResult, Confidence, DistroUpgrade, Expected, ImageDigests, IssueMatch, Library, OpensslConf, Outcome,
    Provenance, Release, Surroundings, TrialResult, Verdict, WorkaroundTried,
};
use crate::words::{fixture, legend};

#[test]
fn the_file_starts_with_its_schema_and_ends_with_a_newline() {
    let text = String::from_utf8(write(&fixture::matrix())).unwrap();
    assert!(text.starts_with("{\n  \"schema\": 3,\n  \"matrix\": \"0f"), "{text}");
    assert!(text.ends_with("  ]\n}\n"));
    let cell =
        "\"id\": \"debian-13/9.2.5\",\n      \"verdict\": \"fail\",\n      \"reason\": null,\n      \"expected\": {";
    assert!(text.contains(cell), "{text}");
}

#[test]
fn the_order_of_cells_does_not_change_the_bytes() {
    let mut result = fixture::matrix();
    let bytes = write(&result);
    for _ in 0..result.cells.len() {
        result.cells.rotate_left(1);
        assert_eq!(write(&result), bytes);
    }
    result.cells.reverse();
    assert_eq!(write(&result), bytes);
}

#[test]
fn a_newer_schema_is_refused_whatever_else_the_file_contains() {
    let error = read(br#"{"schema": 4, "cells": {"a": 1}}"#).unwrap_err();
    assert!(matches!(error, ReadError::Newer { found: 4, .. }));
    assert_eq!(error.to_string(), "matrix.json has schema 4, this atsmatrix knows up to 3: use a newer atsmatrix");
}

#[test]
fn an_older_schema_is_read_and_updated() {
    let mut result = fixture::matrix();
    result.schema = 0;
    assert_eq!(read(&write(&result)).unwrap().schema, SCHEMA_VERSION);
}

/// Written by the version that had schema 1, and unchanged since.
const V1: &[u8] = include_bytes!("../../../tests/fixtures/matrix.v1.json");

/// The violations of the schema in `bytes`.
fn violations(bytes: &[u8]) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let value = serde_json::from_slice(bytes).unwrap();
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn schema_1_is_read() {
    let result = read(V1).unwrap();
    assert_eq!((result.schema, result.cells.len()), (SCHEMA_VERSION, 6));
    let failing = result.cells.iter().find(|cell| cell.id.to_string() == "debian-13/9.2.5").unwrap();
    let expected: Vec<&Expected> = failing.expectations().collect();
    assert_eq!((expected.len(), expected[0].expires, failing.known_issues.len()), (1, None, 1));
    assert_eq!(write(&read(&write(&result)).unwrap()), write(&result));
}

/// Written by the version that had schema 2.
const V2: &[u8] = include_bytes!("../../../tests/fixtures/matrix.v2.json");

#[test]
fn schema_2_is_read() {
    let result = read(V2).unwrap();
    assert_eq!((result.schema, result.cells.len()), (SCHEMA_VERSION, 3));
    let failing = result.cells.iter().find(|cell| cell.id.to_string() == "debian-13/9.2.5").unwrap();
    assert_eq!(failing.known_issues[0].confidence, Confidence::Certain);
    assert!(failing.expectations().all(|expected| expected.issue.is_none()) && failing.expected.is_some());
    assert!(result.cells.iter().flat_map(|cell| &cell.trials).all(|trial| trial.limitation.is_none()));
    assert_eq!(write(&read(&write(&result)).unwrap()), write(&result));
}

#[test]
fn the_published_schema_accepts_current_and_older_files() {
    let mut result = fixture::matrix();
    let expected = result.cells.iter_mut().find_map(|cell| cell.expected.as_mut()).unwrap();
    expected.expires = Some("2027-01-31".parse().unwrap());
    expected.issue = Some("ATS-11465".into());
    expected.also = vec![Expected { also: Vec::new(), ..expected.clone() }];
    let limited = result.cells.iter_mut().find(|cell| cell.verdict == Verdict::Pass).unwrap();
    (limited.trials[2].outcome, limited.trials[2].limitation) = (Outcome::Limitation, Some("ATS-11758".into()));
    let committed = include_bytes!("../../../results/matrix.json");
    for bytes in [&write(&result)[..], V1, V2, committed] {
        assert_eq!(violations(bytes), Vec::<String>::new());
    }
    let text = String::from_utf8(write(&result)).unwrap();
    for (good, bad) in [
        ("\"schema\": 3", "\"schema\": 4"),
        ("\"verdict\": \"pass\"", "\"verdict\": \"green\""),
        ("\"optional\": false", "\"optional\": 0"),
        ("2027-01-31", "soon"),
        ("\"confidence\": \"certain\"", "\"confidence\": \"quite\""),
        ("\"outcome\": \"known-limitation\"", "\"outcome\": \"known limitation\""),
    ] {
        let validator = jsonschema::options().should_validate_formats(true).build(&schema()).unwrap();
        let value = serde_json::from_str(&text.replacen(good, bad, 1)).unwrap();
        assert!(!validator.is_valid(&value), "{bad}");
    }
}

#[test]
fn damaged_files_are_errors() {
    let whole = write(&fixture::matrix());
    for bytes in [&b""[..], b"{", b"[]", b"{\"schema\": -1}", b"\xff\xfe", &whole[..whole.len() / 2]] {
        assert!(matches!(read(bytes), Err(ReadError::Malformed { .. })));
    }
}

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

fn name<T: std::fmt::Debug + std::str::FromStr<Err: std::fmt::Debug>>() -> impl Strategy<Value = T> {
    "[a-z0-9][a-z0-9.+~-]{0,8}".prop_map(|name| name.parse().unwrap()).no_shrink()
}

fn library() -> impl Strategy<Value = Library> {
    (text(), text(), option::of(text())).prop_map(|(version, path, package)| Library { version, path, package })
}

fn surroundings() -> impl Strategy<Value = Surroundings> {
    let conf = (text(), option::of(text()), vec(text(), 0..3), option::of(vec(text(), 0..3)))
        .prop_map(|(path, sha256, settings, differs)| OpensslConf { path, sha256, settings, differs });
    let environment = proptest::collection::btree_map(text(), text(), 0..3);
    let controls = proptest::collection::btree_map(text(), library(), 0..3);
    (option::of(conf), option::of(text()), option::of(environment), controls).prop_map(
        |(openssl_conf, crypto_policy, environment, controls)| Surroundings {
            openssl_conf,
            crypto_policy,
            environment,
            controls,
            nofile: None,
        },
    )
}

fn provenance() -> impl Strategy<Value = Provenance> {
    let release = (text(), text(), text(), text()).prop_map(|(id, version, codename, name)| Release {
        id,
        version,
        codename,
        name,
    });
    let ats = (text(), text(), option::of(text()), option::of(text()))
        .prop_map(|(reported, binary, package, source)| AtsBuild { reported, binary, package, source });
    let images = (text(), text()).prop_map(|(ats, recipe)| ImageDigests { ats, recipe, id: None });
    (
        option::of(release),
        option::of(text()),
        option::of(library()),
        option::of(library()),
        option::of(ats),
        option::of(any::<u32>()),
        option::of(surroundings()),
        option::of(upgrade()),
        option::of(images),
    )
        .prop_map(|(distro, kernel, libc, openssl, ats, client_hello, surroundings, upgrade, images)| Provenance {
            distro,
            kernel,
            libc,
            openssl,
            ats,
            client_hello,
            surroundings,
            upgrade,
            config: None,
            parent: None,
            images,
            content: None,
        })
}

fn upgrade() -> impl Strategy<Value = DistroUpgrade> {
    let names = || vec(text(), 0..2);
    (text(), any::<u32>(), any::<u32>(), names(), names()).prop_map(|(from, changed, added, removed, conffiles)| {
        DistroUpgrade { from, changed, added, removed, conffiles, packages: Vec::new() }
    })
}

fn trial() -> impl Strategy<Value = TrialResult> {
    let outcome: proptest::sample::Select<Outcome> = proptest::sample::select(&legend::OUTCOMES[..]);
    (text(), outcome, any::<bool>(), option::of(text()), text(), vec(text(), 0..3)).prop_map(
        |(id, outcome, control, limitation, summary, evidence)| TrialResult {
            id,
            outcome,
            control,
            limitation,
            definition: None,
            summary,
            evidence,
        },
    )
}

fn issue() -> impl Strategy<Value = IssueMatch> {
    (text(), text(), text(), text(), text(), confidence(), vec(text(), 0..3), vec(workaround(), 0..2)).prop_map(
        |(id, title, link, fixed_in, way_out, confidence, trials, workarounds)| IssueMatch {
            id,
            title,
            link,
            fixed_in,
            way_out,
            confidence,
            of_parent: false,
            trials,
            workarounds,
        },
    )
}

fn confidence() -> impl Strategy<Value = Confidence> {
    proptest::sample::select(vec![Confidence::Certain, Confidence::LooksLike])
}

fn workaround() -> impl Strategy<Value = WorkaroundTried> {
    let names = || vec(text(), 0..3);
    (text(), names(), any::<bool>(), names(), names(), text()).prop_map(
        |(name, settings, worked, passed, not_passed, cost)| WorkaroundTried {
            name,
            settings,
            worked,
            passed,
            not_passed,
            cost,
        },
    )
}

fn cell() -> impl Strategy<Value = CellResult> {
    let verdict = || proptest::sample::select(&legend::VERDICTS[..]);
    let day = (2000..2100_i16, 1..13_i8).prop_map(|(year, month)| jiff::civil::date(year, month, 1));
    let one = (verdict(), text(), option::of(text()), vec(text(), 0..3), option::of(text()), option::of(day)).prop_map(
        |(verdict, reason, link, trials, issue, expires)| Expected {
            verdict,
            reason,
            link,
            trials,
            issue,
            expires,
            also: Vec::new(),
        },
    );
    let expected = vec(one, 1..3).prop_map(|mut all| Expected { also: all.split_off(1), ..all.remove(0) });
    (
        (name(), name()),
        verdict(),
        option::of(text()),
        option::of(expected),
        any::<bool>(),
        vec(trial(), 0..3),
        vec(issue(), 0..2),
        provenance(),
    )
        .prop_map(|((distro, ats), verdict, reason, expected, optional, trials, known_issues, provenance)| {
            let id = crate::model::CellId { distro, ats };
            CellResult { id, verdict, reason, expected, optional, trials, known_issues, provenance }
        })
}

fn matrix() -> impl Strategy<Value = MatrixResult> {
    let axes = (vec(name(), 0..3), vec(name(), 0..3));
    (text(), axes, vec(cell(), 0..4)).prop_map(|(matrix, (distros, ats), cells)| MatrixResult {
        schema: SCHEMA_VERSION,
        matrix,
        distros,
        ats,
        cells,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn written_results_are_read_back(result in matrix()) {
        prop_assert_eq!(read(&write(&result)).unwrap(), ordered(&result));
    }

    #[test]
    fn terminal_and_markdown_accept_any_result(result in matrix(), width in 1_u16..200) {
        let screen = crate::report::terminal::Screen { width, colour: false };
        let shown = crate::report::terminal::render(&result, screen);
        prop_assert!(!shown.contains(|c: char| c != '\n' && c.is_control()));
        let page = crate::report::markdown::render(&result);
        prop_assert!(!page.contains(|c: char| c != '\n' && c.is_control()));
    }
}
