//! What `Matrix::parse` accepts, and its diagnostics.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

mod bases;
mod cells;
mod configs;
mod own_trials;
mod tiers;
mod upgrades;
mod values;

/// A small valid file. Each test breaks it in one place.
const GOOD: &str = r#"version: 1
distros:
  debian-12:
    family: debian
    image: docker.io/library/debian:bookworm-slim
    bootstrap:
      suite: bookworm
      sources: ["deb http://deb.debian.org/debian bookworm main"]
  debian-13:
    family: debian
    image: docker.io/library/debian:trixie-slim
    optional: true
ats:
  9.2.5:
    sources:
      - on: [debian-12]
        tarball:
          urls: [http://example.org/ats.tar.xz]
          sha256: 00000000000000000000000000000000000000000000000000000000000000aa
      - on: ["debian-*"]
        build_on: debian-12
        args: { APT_SOURCES: "deb http://deb.debian.org/debian bookworm main" }
  "9.2.5-backport":
    version: 9.2.5
    sources:
      - on: [debian-12]
        rebuild:
          of: "9.2.5"
          patches:
            - urls: [http://example.org/fix.tar.xz]
              sha256: 00000000000000000000000000000000000000000000000000000000000000bb
              file: debian/patches/fix.patch
              only: ["iocore/net/*"]
  "9.2.9":
    sources:
      - on: [debian-12, debian-13]
        package: { name: trafficserver, version: "9.2.5+ds-0+deb12u4" }
exclude:
  - { distro: [debian-13], ats: ["9.2.*"], reason: too slow }
include:
  - { distro: debian-13, ats: "9.2.5" }
expect:
  - ats: ["9.2.5"]
    openssl: ">=3.2"
    verdict: fail
    reason: OpenSSL 3.2
    link: https://github.com/apache/trafficserver/issues/11465
    expires: 2027-06-30
defaults:
  deadlines: { trial: 20s, cell: 2m, run: 1h30m }
  memory: 512MiB
  pids: 256
"#;

fn parse(text: &str) -> Result<Matrix, String> {
    Matrix::parse("matrix.yaml", text).map_err(|found| {
        found.iter().fold(String::new(), |mut text, diagnostic| {
            writeln!(text, "{diagnostic}").unwrap();
            text
        })
    })
}

/// The diagnostics if `from` in the good file is `to` instead.
fn broken(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` must occur once in the good file");
    parse(&GOOD.replace(from, to)).unwrap_err()
}

#[test]
fn a_valid_file_becomes_rows_columns_and_cells_in_its_order() {
    let matrix = parse(GOOD).unwrap();
    let cells: Vec<String> = matrix.cells().map(|cell| cell.id().to_string()).collect();
    assert_eq!(cells, ["debian-12/9.2.5", "debian-12/9.2.5-backport", "debian-12/9.2.9", "debian-13/9.2.5"]);
    let optional: Vec<bool> = matrix.cells().map(|cell| cell.optional()).collect();
    assert_eq!(optional, [false, false, false, true]);
    assert_eq!(matrix.ats[1].version, "9.2.5", "unquoted numbers stay texts");
    assert_eq!(matrix.exclusion(&matrix.distros[1].id, &matrix.ats[2].id).unwrap().reason, "too slow");
    assert_eq!(matrix.defaults.memory, 512 << 20);
    assert_eq!(matrix.defaults.deadlines.run.as_secs(), 5400);
    assert_eq!(matrix.sha256, sha256_hex(GOOD.as_bytes()));
    assert!(matrix.is_named(&matrix.sha256) && matrix.is_named(&matrix.digest) && !matrix.is_named(""));
}

#[test]
fn an_unavailable_forecast_is_excused_like_an_optional_row() {
    let text = GOOD.replace("    optional: true", "    forecast: true");
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let optional: Vec<bool> = matrix.cells().map(|cell| cell.optional()).collect();
    assert_eq!(optional, [false, false, false, true]);
}

#[test]
fn all_unknown_keys_are_reported_with_suggestions() {
    let text = GOOD.replace("    optional: true", "    optinal: true").replace("  pids: 256", "  speed: 256");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"
    matrix.yaml:12:5: distros.debian-13: unknown key `optinal`; did you mean `optional`?
    matrix.yaml:52:3: defaults: unknown key `speed`; expected one of `deadlines`, `memory`, `pids`
    ");
}

#[test]
fn missing_keys_and_wrong_types_say_what_is_expected() {
    insta::assert_snapshot!(parse("version: 1\n").unwrap_err(), @"
    matrix.yaml:1:1: the key `distros` is missing; add it: the rows, in order: from name to distro
    matrix.yaml:1:1: the key `ats` is missing; add it: the columns, in order: from name to Apache Traffic Server
    ");
    insta::assert_snapshot!(broken("      - on: [debian-12]\n        tarball", "      - on: debian-12\n        tarball"), @"matrix.yaml:16:13: ats.\"9.2.5\".sources[0].on: expected a list, found the text `debian-12`; write [debian-12]");
    insta::assert_snapshot!(broken("optional: true", "optional: yes"), @"matrix.yaml:12:15: distros.debian-13.optional: `yes` is not a boolean; write true or false");
    insta::assert_snapshot!(broken("pids: 256", "pids: 1"), @"matrix.yaml:52:9: defaults.pids: `1` is not a valid number here; write a number from 16 to 100000");
    insta::assert_snapshot!(broken("verdict: fail", "verdict: fial"), @"matrix.yaml:45:14: expect[0].verdict: `fial` is not an allowed value; did you mean `fail`?");
    insta::assert_snapshot!(broken("on: [debian-12, debian-13]", "on: []"), @"matrix.yaml:36:13: ats.\"9.2.9\".sources[0].on: the list is empty; write at least one entry");
    insta::assert_snapshot!(broken("    family: debian\n    image: docker.io/library/debian:trixie-slim", "    family:\n    image: x"), @"matrix.yaml:10:11: distros.debian-13.family: the value is empty; write a value, or remove the key");
    insta::assert_snapshot!(parse("[]").unwrap_err(), @"matrix.yaml:1:1: expected a map, found a list; write `key: value` lines");
}

#[test]
fn a_newer_format_version_is_reported_as_such() {
    insta::assert_snapshot!(broken("version: 1\n", "version: 2\nnovelty: yes\n"), @"matrix.yaml:1:10: version: unsupported format version `2`; this atsmatrix reads version 1; use a newer atsmatrix");
}

#[test]
fn unknown_names_are_reported_with_their_position() {
    insta::assert_snapshot!(broken("on: [debian-12, debian-13]", "on: [debian-12, debian-31]"), @"matrix.yaml:36:25: ats.\"9.2.9\".sources[0].on[1]: unknown distro `debian-31`; did you mean `debian-13`?");
    insta::assert_snapshot!(broken("build_on: debian-12", "build_on: fedora-40"), @"matrix.yaml:21:19: ats.\"9.2.5\".sources[1].build_on: unknown distro `fedora-40`; expected one of `debian-12`, `debian-13`");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.4\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: unknown ATS `9.2.4`; did you mean `9.2.5`?");
    insta::assert_snapshot!(broken("  - ats: [\"9.2.5\"]", "  - ats: [\"10.*\"]"), @"matrix.yaml:43:11: expect[0].ats[0]: unknown ATS `10.*`; expected one of `9.2.5`, `9.2.5-backport`, `9.2.9`");
    insta::assert_snapshot!(broken("{ distro: debian-13, ats: \"9.2.5\" }", "{ distro: debian-14, ats: \"9.2.5\" }"), @"matrix.yaml:41:15: include[0].distro: unknown distro `debian-14`; did you mean `debian-12`?");
    insta::assert_snapshot!(broken("version: 1\n", "version: 1\norigins:\n  nginx: { on: debian-15 }\n"), @"matrix.yaml:3:16: origins.nginx.on: unknown distro `debian-15`; did you mean `debian-12`?");
    insta::assert_snapshot!(broken("version: 1\n", "version: 1\norigins: { ngnix: { on: debian-12 } }\n"), @"matrix.yaml:2:12: origins: unknown key `ngnix`; did you mean `nginx`?");
}

#[test]
fn the_nginx_origin_names_its_distro() {
    let with = GOOD.replace("version: 1\n", "version: 1\norigins: { nginx: { on: debian-13 } }\n");
    assert_eq!(
        parse(&with).unwrap().origins[&crate::model::Place::Beside(crate::model::OriginProgram::Nginx)].to_string(),
        "debian-13"
    );
    assert!(parse(GOOD).unwrap().origins.is_empty());
}

#[test]
fn all_invalid_values_are_reported() {
    let text = GOOD
        .replace("00aa", "00AA")
        .replace("http://example.org/ats.tar.xz", "ftp://example.org/ats.tar.xz")
        .replace("\">=3.2\"", "\"3.2\"")
        .replace("trial: 20s", "trial: 20")
        .replace("512MiB", "512MB")
        .replace("2027-06-30", "2027-06-31")
        .replace("APT_SOURCES", "apt_sources")
        .replace("[\"debian-*\"]", "[\"debian-[1\"]")
        .replace("version: 9.2.5\n", "version: v9\n");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"
    matrix.yaml:18:18: ats.\"9.2.5\".sources[0].tarball.urls[0]: `ftp://example.org/ats.tar.xz` is not a valid URL; write an http:// or https:// URL without spaces or quotes
    matrix.yaml:19:19: ats.\"9.2.5\".sources[0].tarball.sha256: `000000000000000000000000000000000000000000000000000000000000...` is not a valid SHA-256; write the 64 lower-case hex digits that sha256sum prints
    matrix.yaml:20:14: ats.\"9.2.5\".sources[1].on[0]: `debian-[1` is not a valid pattern: unclosed character class; missing ']'; write a name; `*` matches any characters
    matrix.yaml:22:17: ats.\"9.2.5\".sources[1].args.apt_sources: `apt_sources` is not a valid build argument; use only A-Z, 0-9 and _
    matrix.yaml:24:14: ats.\"9.2.5-backport\".version: `v9` is not a valid version; write digits and dots, like \"9.2.5\"
    matrix.yaml:44:14: expect[0].openssl: `3.2` is not a version range; write it like \">=3.2\" or \">=9.2.0,<9.2.7\"
    matrix.yaml:48:14: expect[0].expires: `2027-06-31` is not a date; write it like 2027-06-30
    matrix.yaml:50:23: defaults.deadlines.trial: `20` is not a duration; write a number with a unit, like 20s, 2m or 1h30m, at most 168h
    matrix.yaml:51:11: defaults.memory: `512MB` is not an amount of memory; write a whole number with KiB, MiB or GiB, from 16MiB to 1024GiB
    ");
}

#[test]
fn impossible_sources_are_refused() {
    insta::assert_snapshot!(broken("        build_on: debian-12\n", "        build_on: debian-12\n        image: { reference: x }\n"), @"matrix.yaml:20:9: ats.\"9.2.5\".sources[1]: the source has more than one kind; keep one of `tarball`, `rebuild`, `build_on`, `package`, `image`, `dockerfile`, `deb` or `rpm`");
    insta::assert_snapshot!(broken("        build_on: debian-12\n", ""), @"matrix.yaml:20:9: ats.\"9.2.5\".sources[1]: the source does not say where the ATS comes from; write one of `tarball`, `rebuild`, `build_on`, `package`, `image`, `dockerfile`, `deb` or `rpm`");
    insta::assert_snapshot!(broken("          sha256: 00000000000000000000000000000000000000000000000000000000000000aa\n", ""), @"matrix.yaml:18:11: ats.\"9.2.5\".sources[0].tarball: nothing proves that the download is authentic; write one of `sha256`, `signature` or `sha512_url`");
    insta::assert_snapshot!(broken("build_on: debian-12", "build_on: debian-13"), @"matrix.yaml:21:19: ats.\"9.2.5\".sources[1].build_on: this source also covers debian-13; give debian-13 its own source above this one");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.9\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: on debian-12, 9.2.9 has no build tree: it comes from `package`; name an ATS with a `tarball` there");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.5-backport\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: 9.2.5-backport is rebuilt from itself; name an ATS with a `tarball`");
    insta::assert_snapshot!(broken("      - on: [debian-12]\n        rebuild", "      - on: [debian-13]\n        rebuild"), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: on debian-13, 9.2.5 has no build tree: it comes from `build_on`; use `build_on` for this one too");
    insta::assert_snapshot!(broken("      - on: [\"debian-*\"]", "      - on: [debian-12]"), @"matrix.yaml:20:13: ats.\"9.2.5\".sources[1].on: earlier sources cover all of these distros; remove this source
matrix.yaml:41:5: include[0]: 9.2.5 has no source on debian-13; add a source with `debian-13` in its `on`");
    insta::assert_snapshot!(broken("  9.2.5:\n", "  mine:\n"), @"
    matrix.yaml:14:3: ats.mine: the name `mine` does not say what `traffic_server -V` reports; add `version`, for example \"9.2.5\"
    matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: unknown ATS `9.2.5`; did you mean `9.2.9`?
    matrix.yaml:41:31: include[0].ats: unknown ATS `9.2.5`; did you mean `9.2.9`?
    matrix.yaml:43:11: expect[0].ats[0]: unknown ATS `9.2.5`; did you mean `9.2.9`?
    ");
}

#[test]
fn rules_without_effect_are_refused() {
    insta::assert_snapshot!(broken("distro: debian-13, ats: \"9.2.5\"", "distro: debian-12, ats: \"9.2.5\""), @"matrix.yaml:41:5: include[0]: no `exclude` entry excludes this cell; remove this entry");
    insta::assert_snapshot!(broken("{ distro: [debian-13], ats: [\"9.2.*\"], reason", "{ distro: [debian-13], ats: [\"*-backport\"], reason"), @"
    matrix.yaml:39:5: exclude[0]: it excludes no cell; a pair without a source is not a cell anyway: remove this entry
    matrix.yaml:41:5: include[0]: no `exclude` entry excludes this cell; remove this entry
    ");
    insta::assert_snapshot!(broken("  - ats: [\"9.2.5\"]\n    openssl: \">=3.2\"", "  - ats: [\"9.2.9\"]\n    distro: [debian-13]"), @"matrix.yaml:43:5: expect[0]: the entry applies to no cell; its conditions must all hold for at least one cell");
    insta::assert_snapshot!(broken("verdict: fail", "verdict: unbuildable"), @"matrix.yaml:44:5: expect[0].openssl: an ATS that cannot be built or started never runs, so this is never known; remove it");
    insta::assert_snapshot!(broken("trial: 20s, cell: 2m", "trial: 20m, cell: 2m"), @"matrix.yaml:50:14: defaults.deadlines: a part has a longer deadline than the whole; keep trial <= cell <= run");
}

#[test]
fn a_mistake_repeated_by_an_alias_is_reported_once() {
    let text = GOOD
        .replace("        build_on: debian-12\n", "        tarball: *ats\n")
        .replace("tarball:\n", "tarball: &ats\n")
        .replace("          urls: [http://example.org/ats.tar.xz]", "          urls: [nowhere]");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"matrix.yaml:18:18: ats.\"9.2.5\".sources[0].tarball.urls[0]: `nowhere` is not a valid URL; write an http:// or https:// URL without spaces or quotes");
}

#[test]
fn expectations_about_unknown_trials_are_reported() {
    let text = GOOD.replace("    verdict: fail\n", "    verdict: fail\n    trials: [tls-get, \"tsl-*\"]\n");
    let matrix = parse(&text).unwrap();
    let found = matrix.dangling_trials(&["tls-get", "plain-get"]);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["matrix.yaml:46:13: expect: no trial matches `tsl-*`; expected one of `tls-get`, `plain-get`"]);
}

#[test]
fn expectations_about_unknown_issues_are_reported() {
    let with =
        |issue: &str| parse(&GOOD.replace("    verdict: fail\n", &format!("    issue: {issue}\n    verdict: fail\n")));
    let known = ["ATS-11465", "ATS-11758"];
    let matrix = with("ATS-11465").unwrap();
    assert_eq!(matrix.dangling_issues(&known), []);
    assert_eq!(matrix.expect[0].stated().issue.as_deref(), Some("ATS-11465"));
    let found = with("ATS-11456").unwrap().dangling_issues(&known);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @"matrix.yaml:45:12: expect: unknown issue `ATS-11456`; did you mean `ATS-11465`?");
}

#[test]
fn a_pass_can_be_expected_only_of_a_known_limitation() {
    let text = GOOD.replace("    verdict: fail\n", "    verdict: pass\n");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"matrix.yaml:45:14: expect[0].verdict: a cell is expected to pass anyway; name the known limitation that this cell does not have: `issue`");
    assert!(parse(&text.replace("    verdict: pass\n", "    issue: ATS-11758\n    verdict: pass\n")).is_ok());
}

#[test]
fn too_many_rows_are_refused_before_combinations_are_checked() {
    let mut text = "version: 1\ndistros:\n".to_owned();
    for i in 0..101 {
        writeln!(text, "  d{i}: {{ family: debian, image: x }}").unwrap();
    }
    text.push_str("ats: {}\n");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"
    matrix.yaml:2:1: distros: there are 101 distros; write 1 to 100
    matrix.yaml:104:1: ats: there are 0 ATS; write 1 to 100
    ");
}

/// A random edit of the good file, close enough to it to reach later passes.
fn mutated() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "", " ", "\n", "\n  ", "- ", ": ", "[", "]", "{", "}", "*a", "&a ", "!!x ", "'", "\"", "|", ">", "#", "%", "@",
        "\u{0}", "\u{feff}", "null", "true", "9.2.5", "debian-*", "{a,", "[!", "on", "sources", "version", "<<", "? ",
        "---", "\t", "\u{1b}",
    ]);
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, words), 1..8);
    edits.prop_map(|edits| {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, removed, word) in edits {
            let start = at.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, word.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_it_panic_and_every_diagnostic_has_a_position(text in prop_oneof![mutated(), any::<String>(), "[-:{}\\[\\]&*a \\n'\"|>?!%#]{0,200}"]) {
        let lines = text.lines().count() + 1;
        if let Err(found) = Matrix::parse("m", &text) {
            prop_assert!(!found.is_empty() && found.len() <= MAX_DIAGNOSTICS);
            for diagnostic in found {
                let shown = diagnostic.to_string();
                prop_assert!((1..=lines).contains(&diagnostic.line) && diagnostic.column >= 1, "{}", shown);
                prop_assert!(!diagnostic.message.is_empty() && !shown.contains(char::is_control), "{}", shown);
            }
        }
    }
}

#[test]
fn the_example_in_the_docs_is_valid() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/matrix.md")).unwrap();
    let example = docs.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let matrix = Matrix::parse("docs/matrix.md", example).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!((matrix.distros.len(), matrix.ats.len(), matrix.expect.len()), (4, 7, 1), "two columns are of tiers");
}

#[test]
fn the_shipped_matrix_is_valid_by_the_published_schema() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.yaml")).unwrap();
    let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
