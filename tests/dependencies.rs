//! What deny.toml says of dependencies holds for those in Cargo.lock: licences and sources. `cargo deny`
//! does this and more, where it is installed; this needs cargo alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot ask cargo has failed")]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// The only place that dependencies may come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let Value::Array(packages) = metadata["packages"].take() else { panic!("cargo metadata tells no packages") };
    assert!(packages.len() > 100, "{}", packages.len());
    packages
}

/// The licences that deny.toml allows.
fn allowed() -> BTreeSet<String> {
    let text = include_str!("../deny.toml");
    let list = text.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    let allowed: BTreeSet<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(allowed.contains("MIT") && allowed.contains("Apache-2.0"), "{allowed:?}");
    allowed
}

/// Whether an SPDX expression (or one with the old `/` for `OR`) can be met with the licences that
/// `allows` takes. `WITH` and its exception are part of a licence's name.
fn met(expression: &str, allows: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allows);
    assert_eq!(words.next(), None, "{expression}");
    met
}

type Words<'a, 'b> = &'b mut std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: Words<'_, '_>, allows: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all(words, allows);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allows);
    }
    met
}

fn all(words: Words<'_, '_>, allows: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, allows);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allows);
    }
    met
}

fn one(words: Words<'_, '_>, allows: &dyn Fn(&str) -> bool) -> bool {
    let word = words.next().unwrap();
    if word == "(" {
        let met = any(words, allows);
        assert_eq!(words.next(), Some(")"));
        return met;
    }
    match words.next_if_eq(&"WITH") {
        Some(_) => allows(&format!("{word} WITH {}", words.next().unwrap())),
        None => allows(word),
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allows = |licence: &str| ["MIT", "ISC"].contains(&licence);
    for (expression, is_met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        // AND binds closer than OR.
        ("MIT OR ISC AND GPL-3.0", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("MIT WITH some-exception", false),
        ("MIT WITH some-exception OR ISC", true),
    ] {
        assert_eq!(met(expression, &allows), is_met, "{expression}");
    }
}

#[test]
fn every_dependency_bears_a_licence_that_is_allowed() {
    let allowed = allowed();
    let wrong: Vec<String> = packages()
        .iter()
        .filter(|package| {
            !package["license"].as_str().is_some_and(|licence| met(licence, &|name| allowed.contains(name)))
        })
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(wrong.is_empty(), "deny.toml does not allow: {wrong:#?}");
}

#[test]
fn every_dependency_comes_from_crates_io() {
    let elsewhere: Vec<String> = packages()
        .iter()
        .filter(|package| package["name"] != env!("CARGO_PKG_NAME") && package["source"] != CRATES_IO)
        .map(|package| format!("{}: {}", package["name"], package["source"]))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}
