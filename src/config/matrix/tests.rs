//! What `Matrix::parse` takes, and what it says about what it does not take.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::model::Library;

/// A small file that is right. Tests break it in one place each.
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

/// What is said when `from` in the good file is `to` instead.
fn broken(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` must stand once in the good file");
    parse(&GOOD.replace(from, to)).unwrap_err()
}

#[test]
fn a_good_file_becomes_rows_columns_and_cells_in_its_order() {
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
fn a_forecast_that_is_unavailable_is_excused_as_what_is_optional_is() {
    let text = GOOD.replace("    optional: true", "    forecast: true");
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let optional: Vec<bool> = matrix.cells().map(|cell| cell.optional()).collect();
    assert_eq!(optional, [false, false, false, true]);
}

#[test]
fn unknown_keys_are_reported_all_at_once_with_the_likely_one() {
    let text = GOOD.replace("    optional: true", "    optinal: true").replace("  pids: 256", "  speed: 256");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"
    matrix.yaml:12:5: distros.debian-13: unknown key `optinal`; did you mean `optional`?
    matrix.yaml:52:3: defaults: unknown key `speed`; there are `deadlines`, `memory`, `pids`
    ");
}

#[test]
fn missing_keys_and_wrong_shapes_say_what_belongs_there() {
    insta::assert_snapshot!(parse("version: 1\n").unwrap_err(), @"
    matrix.yaml:1:1: the key `distros` is missing; add it: the rows, in order: name to distro
    matrix.yaml:1:1: the key `ats` is missing; add it: the columns, in order: name to Apache Traffic Server
    ");
    insta::assert_snapshot!(broken("      - on: [debian-12]\n        tarball", "      - on: debian-12\n        tarball"), @"matrix.yaml:16:13: ats.\"9.2.5\".sources[0].on: the text `debian-12` stands where a list belongs; write [debian-12]");
    insta::assert_snapshot!(broken("optional: true", "optional: yes"), @"matrix.yaml:12:15: distros.debian-13.optional: `yes` is no flag; write true or false");
    insta::assert_snapshot!(broken("pids: 256", "pids: 1"), @"matrix.yaml:52:9: defaults.pids: `1` is no such number; write a number from 16 to 100000");
    insta::assert_snapshot!(broken("verdict: fail", "verdict: fial"), @"matrix.yaml:45:14: expect[0].verdict: `fial` is none of the words for this; did you mean `fail`?");
    insta::assert_snapshot!(broken("on: [debian-12, debian-13]", "on: []"), @"matrix.yaml:36:13: ats.\"9.2.9\".sources[0].on: the list is empty; write at least one entry");
    insta::assert_snapshot!(broken("    family: debian\n    image: docker.io/library/debian:trixie-slim", "    family:\n    image: x"), @"matrix.yaml:10:11: distros.debian-13.family: it is empty; write a value, or remove the key");
    insta::assert_snapshot!(parse("[]").unwrap_err(), @"matrix.yaml:1:1: a list stands where a map belongs; write `key: value` lines");
}

#[test]
fn a_file_of_a_newer_format_is_told_so() {
    insta::assert_snapshot!(broken("version: 1\n", "version: 2\nnovelty: yes\n"), @"matrix.yaml:1:10: version: the file is of format `2`; this atsmatrix reads format 1; a newer one may read it");
}

#[test]
fn dangling_names_are_reported_where_they_stand() {
    insta::assert_snapshot!(broken("on: [debian-12, debian-13]", "on: [debian-12, debian-31]"), @"matrix.yaml:36:25: ats.\"9.2.9\".sources[0].on[1]: no distro is named `debian-31`; did you mean `debian-13`?");
    insta::assert_snapshot!(broken("build_on: debian-12", "build_on: fedora-40"), @"matrix.yaml:21:19: ats.\"9.2.5\".sources[1].build_on: no distro is named `fedora-40`; there are `debian-12`, `debian-13`");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.4\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: no ATS is named `9.2.4`; did you mean `9.2.5`?");
    insta::assert_snapshot!(broken("  - ats: [\"9.2.5\"]", "  - ats: [\"10.*\"]"), @"matrix.yaml:43:11: expect[0].ats[0]: no ATS is named `10.*`; there are `9.2.5`, `9.2.5-backport`, `9.2.9`");
    insta::assert_snapshot!(broken("{ distro: debian-13, ats: \"9.2.5\" }", "{ distro: debian-14, ats: \"9.2.5\" }"), @"matrix.yaml:41:15: include[0].distro: no distro is named `debian-14`; did you mean `debian-12`?");
    insta::assert_snapshot!(broken("version: 1\n", "version: 1\norigins:\n  nginx: { on: debian-15 }\n"), @"matrix.yaml:3:16: origins.nginx.on: no distro is named `debian-15`; did you mean `debian-12`?");
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
fn bad_values_are_reported_all_at_once() {
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
    matrix.yaml:18:18: ats.\"9.2.5\".sources[0].tarball.urls[0]: `ftp://example.org/ats.tar.xz` is no URL; write http:// or https://, and no blanks or quotes
    matrix.yaml:19:19: ats.\"9.2.5\".sources[0].tarball.sha256: `000000000000000000000000000000000000000000000000000000000000...` is no SHA-256; write the 64 lower-case hex digits that sha256sum prints
    matrix.yaml:20:14: ats.\"9.2.5\".sources[1].on[0]: `debian-[1` is no pattern: unclosed character class; missing ']'; write a name, with `*` for any characters
    matrix.yaml:22:17: ats.\"9.2.5\".sources[1].args.apt_sources: `apt_sources` is no build argument; write A-Z, 0-9 and _ only
    matrix.yaml:24:14: ats.\"9.2.5-backport\".version: `v9` is no version; write digits and dots, like \"9.2.5\"
    matrix.yaml:44:14: expect[0].openssl: `3.2` is no version range; write it like \">=3.2\" or \">=9.2.0,<9.2.7\"
    matrix.yaml:48:14: expect[0].expires: `2027-06-31` is no day; write it like 2027-06-30
    matrix.yaml:50:23: defaults.deadlines.trial: `20` is no duration; write a number with a unit, like 20s, 2m or 1h30m, at most 168h
    matrix.yaml:51:11: defaults.memory: `512MB` is no amount of memory; write a whole number with KiB, MiB or GiB, from 16MiB to 1024GiB
    ");
}

#[test]
fn impossible_sources_are_refused() {
    insta::assert_snapshot!(broken("        build_on: debian-12\n", "        build_on: debian-12\n        image: { reference: x }\n"), @"matrix.yaml:20:9: ats.\"9.2.5\".sources[1]: it says more than once where the ATS comes from; keep one of `tarball`, `rebuild`, `build_on`, `package` or `image`");
    insta::assert_snapshot!(broken("        build_on: debian-12\n", ""), @"matrix.yaml:20:9: ats.\"9.2.5\".sources[1]: it does not say where the ATS comes from; write one of `tarball`, `rebuild`, `build_on`, `package` or `image`");
    insta::assert_snapshot!(broken("          sha256: 00000000000000000000000000000000000000000000000000000000000000aa\n", ""), @"matrix.yaml:18:11: ats.\"9.2.5\".sources[0].tarball: nothing proves that it is the right file; write one of `sha256`, `signature` or `sha512_url`");
    insta::assert_snapshot!(broken("build_on: debian-12", "build_on: debian-13"), @"matrix.yaml:21:19: ats.\"9.2.5\".sources[1].build_on: debian-13 is among the distros of this source; give debian-13 a source of its own, above this one");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.9\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: on debian-12, 9.2.9 leaves no build tree: it is a `package`; name an ATS with a `tarball` there");
    insta::assert_snapshot!(broken("of: \"9.2.5\"", "of: \"9.2.5-backport\""), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: 9.2.5-backport is rebuilt from itself; name an ATS with a `tarball`");
    insta::assert_snapshot!(broken("      - on: [debian-12]\n        rebuild", "      - on: [debian-13]\n        rebuild"), @"matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: on debian-13, 9.2.5 leaves no build tree: it is a `build_on`; use `build_on` for this one as well");
    insta::assert_snapshot!(broken("      - on: [\"debian-*\"]", "      - on: [debian-12]"), @"matrix.yaml:20:13: ats.\"9.2.5\".sources[1].on: earlier sources take all of these distros; remove this source
matrix.yaml:41:5: include[0]: 9.2.5 has no source on debian-13; add a source with `debian-13` in its `on`");
    insta::assert_snapshot!(broken("  9.2.5:\n", "  mine:\n"), @"
    matrix.yaml:14:3: ats.mine: the name `mine` does not say what `traffic_server -V` reports; add `version`, for example \"9.2.5\"
    matrix.yaml:28:15: ats.\"9.2.5-backport\".sources[0].rebuild.of: no ATS is named `9.2.5`; did you mean `9.2.9`?
    matrix.yaml:41:31: include[0].ats: no ATS is named `9.2.5`; did you mean `9.2.9`?
    matrix.yaml:43:11: expect[0].ats[0]: no ATS is named `9.2.5`; did you mean `9.2.9`?
    ");
}

#[test]
fn rules_without_effect_are_refused() {
    insta::assert_snapshot!(broken("distro: debian-13, ats: \"9.2.5\"", "distro: debian-12, ats: \"9.2.5\""), @"matrix.yaml:41:5: include[0]: no `exclude` takes this cell away; remove it");
    insta::assert_snapshot!(broken("{ distro: [debian-13], ats: [\"9.2.*\"], reason", "{ distro: [debian-13], ats: [\"*-backport\"], reason"), @"
    matrix.yaml:39:5: exclude[0]: it takes away no cell; a pair without a source is no cell anyway: remove it
    matrix.yaml:41:5: include[0]: no `exclude` takes this cell away; remove it
    ");
    insta::assert_snapshot!(broken("  - ats: [\"9.2.5\"]\n    openssl: \">=3.2\"", "  - ats: [\"9.2.9\"]\n    distro: [debian-13]"), @"matrix.yaml:43:5: expect[0]: it concerns no cell; its conditions must meet in a cell");
    insta::assert_snapshot!(broken("verdict: fail", "verdict: unbuildable"), @"matrix.yaml:44:5: expect[0].openssl: what does not compile is never run, so this is never known; remove it");
    insta::assert_snapshot!(broken("trial: 20s, cell: 2m", "trial: 20m, cell: 2m"), @"matrix.yaml:50:14: defaults.deadlines: a part may take longer than the whole; keep trial <= cell <= run");
}

#[test]
fn a_mistake_behind_an_alias_is_one_mistake() {
    let text = GOOD
        .replace("        build_on: debian-12\n", "        tarball: *ats\n")
        .replace("tarball:\n", "tarball: &ats\n")
        .replace("          urls: [http://example.org/ats.tar.xz]", "          urls: [nowhere]");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"matrix.yaml:18:18: ats.\"9.2.5\".sources[0].tarball.urls[0]: `nowhere` is no URL; write http:// or https://, and no blanks or quotes");
}

#[test]
fn expectations_about_trials_that_do_not_exist_are_found_against_the_catalogue() {
    let text = GOOD.replace("    verdict: fail\n", "    verdict: fail\n    trials: [tls-get, \"tsl-*\"]\n");
    let matrix = parse(&text).unwrap();
    let found = matrix.dangling_trials(&["tls-get", "plain-get"]);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["matrix.yaml:46:13: expect: no trial is named `tsl-*`; there are `tls-get`, `plain-get`"]);
}

#[test]
fn an_expectation_names_a_known_issue_that_there_is() {
    let with =
        |issue: &str| parse(&GOOD.replace("    verdict: fail\n", &format!("    issue: {issue}\n    verdict: fail\n")));
    let known = ["ATS-11465", "ATS-11758"];
    let matrix = with("ATS-11465").unwrap();
    assert_eq!(matrix.dangling_issues(&known), []);
    assert_eq!(matrix.expect[0].stated().issue.as_deref(), Some("ATS-11465"));
    let found = with("ATS-11456").unwrap().dangling_issues(&known);
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @"matrix.yaml:45:12: expect: trials show no known issue `ATS-11456`; did you mean `ATS-11465`?");
}

#[test]
fn a_pass_is_expected_of_a_known_limitation_alone() {
    let text = GOOD.replace("    verdict: fail\n", "    verdict: pass\n");
    insta::assert_snapshot!(parse(&text).unwrap_err(), @"matrix.yaml:45:14: expect[0].verdict: that a cell passes is expected anyway; name the known limitation that does not show here: `issue`");
    assert!(parse(&text.replace("    verdict: pass\n", "    issue: ATS-11758\n    verdict: pass\n")).is_ok());
}

#[test]
fn too_many_rows_are_refused_before_their_product_is_taken() {
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

/// A file of the user's own fantasy, near enough to the real one to reach deep.
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
    fn no_text_makes_it_panic_and_every_mistake_has_a_place(text in prop_oneof![mutated(), any::<String>(), "[-:{}\\[\\]&*a \\n'\"|>?!%#]{0,200}"]) {
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
fn the_example_of_the_docs_is_a_matrix() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/matrix.md")).unwrap();
    let example = docs.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let matrix = Matrix::parse("docs/matrix.md", example).unwrap_or_else(|found| panic!("{found:#?}"));
    assert_eq!((matrix.distros.len(), matrix.ats.len(), matrix.expect.len()), (2, 4, 1));
}

#[test]
fn the_shipped_matrix_is_valid_by_the_published_schema() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.yaml")).unwrap();
    let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&super::schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

const EXPECTING: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: x }
  debian-13: { family: debian, image: x }
ats:
  \"9.2.5\":
    sources:
      - on: [debian-12]
        image: { reference: x }
      - on: [\"*\"]
        image: { reference: y }
expect:
  - ats: [\"9.2.5\"]
    openssl: \">=3.2\"
    trials: [\"tls-*\"]
    verdict: fail
    reason: one
    expires: 2027-01-31
  - cells: [\"debian-*/9.2.5\"]
    except: [debian-12/9.2.5]
    trials: [http-post]
    verdict: flaky
    reason: two
";

#[test]
fn every_entry_that_applies_is_expected_and_has_its_place() {
    let matrix = Matrix::parse("m", EXPECTING).unwrap();
    let cell = |name: &str| name.parse::<CellId>().unwrap();
    let ran = |openssl: &str| {
        let library = Library { version: openssl.into(), path: String::new(), package: None };
        Provenance { openssl: Some(library), ..Provenance::default() }
    };
    let reasons = |name: &str, verdict, provenance: &Provenance| -> Vec<String> {
        let expected = matrix.expected(&cell(name), verdict, provenance);
        expected
            .iter()
            .flat_map(|first| std::iter::once(first).chain(&first.also))
            .map(|it| it.reason.clone())
            .collect()
    };
    assert_eq!(reasons("debian-13/9.2.5", Verdict::Fail, &ran("3.5.7")), ["one", "two"]);
    assert_eq!(reasons("debian-13/9.2.5", Verdict::Pass, &ran("3.0.20")), ["two"]);
    assert_eq!(reasons("debian-12/9.2.5", Verdict::Fail, &ran("3.5.7")), ["one"]);
    assert_eq!(reasons("debian-13/9.2.5", Verdict::Unbuildable, &Provenance::default()), ["two"]);
    assert!(reasons("debian-13/9.2.5", Verdict::Unavailable, &Provenance::default()).is_empty());

    assert_eq!(matrix.place(&cell("debian-12/9.2.5")), Some((8, 9)));
    assert_eq!(matrix.place(&cell("debian-13/9.2.5")), Some((10, 9)));
    assert_eq!(matrix.place(&cell("debian-13/9.2.9")), None);
    let expected = matrix.expected(&cell("debian-13/9.2.5"), Verdict::Fail, &ran("3.5.7")).unwrap();
    assert_eq!((matrix.place_of(&expected), matrix.place_of(&expected.also[0])), (Some((13, 5)), Some((19, 5))));
    assert_eq!(expected.expires, Some("2027-01-31".parse().unwrap()));
}

#[test]
fn cells_that_do_not_exist_are_no_conditions() {
    let wrong = |from: &str, to: &str| Matrix::parse("m", &EXPECTING.replace(from, to)).unwrap_err()[0].to_string();
    assert_eq!(
        wrong("except: [debian-12/9.2.5]", "except: [debian-11/9.2.5]"),
        "m:20:13: expect[1].except: there is no cell `debian-11/9.2.5`; did you mean `debian-12/9.2.5`?"
    );
    assert_eq!(
        wrong("except: [debian-12/9.2.5]", "except: [\"*\"]"),
        "m:19:5: expect[1]: it concerns no cell; its conditions must meet in a cell"
    );
}

#[test]
fn a_row_says_what_it_is_or_its_name_does() {
    let stated = |from: &str, to: &str| {
        let matrix = parse(&GOOD.replace(from, to)).unwrap();
        matrix.distros.iter().map(|distro| distro.os.as_ref().map(ToString::to_string)).collect::<Vec<_>>()
    };
    let named = |text: &str| Some(text.to_owned());
    assert_eq!(stated("-", "-"), [named("debian 12"), named("debian 13")]);
    let os = |os: &str| format!("    optional: true\n    os: {os}\n");
    let second = |text: &str| stated("    optional: true\n", &os(text)).remove(1);
    assert_eq!(second("{ id: debian, codename: forky }"), named("debian forky"));
    assert_eq!(second("{ id: rocky, version: \"9.5\" }"), named("rocky 9.5"));
    assert_eq!(second("{ id: arch }"), named("arch"));
    let wrong = |text: &str| broken("    optional: true\n", &os(text));
    insta::assert_snapshot!(wrong("{ id: Debian }"), @r#"matrix.yaml:13:15: distros.debian-13.os.id: `Debian` is no word of os-release; write it as /etc/os-release has it, like debian, "12" or bookworm"#);
    insta::assert_snapshot!(wrong("{ id: debian, version: \"1 3\" }"), @r#"matrix.yaml:13:32: distros.debian-13.os.version: `1 3` is no word of os-release; write it as /etc/os-release has it, like debian, "12" or bookworm"#);
    insta::assert_snapshot!(wrong("{ version: \"13\" }"), @"matrix.yaml:13:9: distros.debian-13.os: the key `id` is missing; add it: `ID`, for example `debian`");
    insta::assert_snapshot!(wrong("debian"), @"matrix.yaml:13:9: distros.debian-13.os: the text `debian` stands where a map belongs; write `key: value` lines");
}

#[test]
fn a_ready_image_under_rows_of_which_nobody_says_what_they_are_is_refused_where_it_stands() {
    let yaml = |rows: [&str; 2], sources: &str| {
        let rows = rows.join("\n  ");
        parse(&format!("version: 1\ndistros:\n  {rows}\nats:\n  \"9.2.9\":\n    sources:\n{sources}"))
    };
    let row = |name: &str, more: &str| format!("{name}: {{ family: debian, image: x{more} }}");
    let (named, silent) = (row("debian-12", ""), row("prod", ""));
    let stated = row("prod", ", os: { id: debian, version: \"13\" }");
    let all = "      - { on: [\"*\"], image: { reference: r.test/ats:1 } }\n";
    let each = "      - { on: [debian-12], image: { reference: r.test/ats:1 } }\n      - { on: [prod], image: { reference: r.test/ats:1 } }\n";
    insta::assert_snapshot!(yaml([&named, &silent], all).unwrap_err(), @r#"matrix.yaml:8:15: ats."9.2.9".sources[0].on: the image `r.test/ats:1` runs under debian-12, prod, and nothing says which distro prod is; give each row an image of its own, or say in the row prod what /etc/os-release has to say there, like `os: { id: debian, version: "12" }`"#);
    insta::assert_snapshot!(yaml([&named, &silent], each).unwrap_err(), @r#"matrix.yaml:9:15: ats."9.2.9".sources[1].on: the image `r.test/ats:1` runs under debian-12, prod, and nothing says which distro prod is; give each row an image of its own, or say in the row prod what /etc/os-release has to say there, like `os: { id: debian, version: "12" }`"#);
    for (rows, sources) in [([&named, &stated], all), ([&named, &stated], each)] {
        assert!(yaml(rows.map(String::as_str), sources).is_ok());
    }
    assert!(yaml([&named, &silent], &each.replacen("ats:1", "ats:2", 1)).is_ok(), "an image of its own");
    assert!(yaml([&named, &silent], &all.replace("\"*\"", "prod")).is_ok(), "one row");
}
