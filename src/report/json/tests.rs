use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::model::{
    AtsBuild, CellResult, Expected, ImageDigests, IssueMatch, Library, Outcome, Provenance, Release, TrialResult,
};
use crate::report::{fixture, legend};

#[test]
fn the_file_starts_with_its_schema_and_ends_with_a_line_end() {
    let text = String::from_utf8(write(&fixture::matrix())).unwrap();
    assert!(text.starts_with("{\n  \"schema\": 1,\n  \"matrix\": \"0f"), "{text}");
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
fn a_newer_schema_is_refused_whatever_else_it_holds() {
    let error = read(br#"{"schema": 2, "cells": {"a": 1}}"#).unwrap_err();
    assert!(matches!(error, ReadError::Newer { found: 2 }));
    assert_eq!(error.to_string(), "matrix.json has schema 2, this atsmatrix knows up to 1: use a newer atsmatrix");
}

#[test]
fn an_older_schema_is_read_and_raised() {
    let mut result = fixture::matrix();
    result.schema = 0;
    assert_eq!(read(&write(&result)).unwrap().schema, SCHEMA_VERSION);
}

#[test]
fn damaged_files_are_errors() {
    let whole = write(&fixture::matrix());
    for bytes in [&b""[..], b"{", b"[]", b"{\"schema\": -1}", b"\xff\xfe", &whole[..whole.len() / 2]] {
        assert!(matches!(read(bytes), Err(ReadError::Malformed(_))));
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

fn provenance() -> impl Strategy<Value = Provenance> {
    let release = (text(), text(), text()).prop_map(|(id, version, name)| Release { id, version, name });
    let ats = (text(), text(), option::of(text()), option::of(text()))
        .prop_map(|(reported, binary, package, source)| AtsBuild { reported, binary, package, source });
    let images = (text(), text()).prop_map(|(ats, recipe)| ImageDigests { ats, recipe });
    (
        option::of(release),
        option::of(text()),
        option::of(library()),
        option::of(library()),
        option::of(ats),
        option::of(images),
    )
        .prop_map(|(distro, kernel, libc, openssl, ats, images)| Provenance {
            distro,
            kernel,
            libc,
            openssl,
            ats,
            images,
        })
}

fn trial() -> impl Strategy<Value = TrialResult> {
    let outcome: proptest::sample::Select<Outcome> = proptest::sample::select(&legend::OUTCOMES[..]);
    (text(), outcome, any::<bool>(), text(), vec(text(), 0..3))
        .prop_map(|(id, outcome, control, summary, evidence)| TrialResult { id, outcome, control, summary, evidence })
}

fn issue() -> impl Strategy<Value = IssueMatch> {
    (text(), text(), text(), text(), text(), text(), vec(text(), 0..3)).prop_map(
        |(id, title, link, fixed_in, way_out, confidence, trials)| IssueMatch {
            id,
            title,
            link,
            fixed_in,
            way_out,
            confidence,
            trials,
        },
    )
}

fn cell() -> impl Strategy<Value = CellResult> {
    let verdict = || proptest::sample::select(&legend::VERDICTS[..]);
    let expected = (verdict(), text(), option::of(text()), vec(text(), 0..3))
        .prop_map(|(verdict, reason, link, trials)| Expected { verdict, reason, link, trials });
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
    fn what_was_written_is_read_back(result in matrix()) {
        prop_assert_eq!(read(&write(&result)).unwrap(), ordered(&result));
    }

    #[test]
    fn every_format_takes_any_result(result in matrix(), width in 1_u16..200) {
        let shape = crate::report::terminal::Shape { width, colour: false };
        let shown = crate::report::terminal::render(&result, shape);
        prop_assert!(!shown.contains(|c: char| c != '\n' && c.is_control()));
        let page = crate::report::markdown::render(&result);
        prop_assert!(!page.contains(|c: char| c != '\n' && c.is_control()));
    }
}
