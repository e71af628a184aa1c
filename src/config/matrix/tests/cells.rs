//! What a matrix says of its cells: expectations, positions, distros of rows and of ready images.

use super::*;
use crate::model::Library;

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
fn every_entry_that_applies_is_expected_and_has_a_position() {
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
fn conditions_on_unknown_cells_are_refused() {
    let wrong = |from: &str, to: &str| Matrix::parse("m", &EXPECTING.replace(from, to)).unwrap_err()[0].to_string();
    assert_eq!(
        wrong("except: [debian-12/9.2.5]", "except: [debian-11/9.2.5]"),
        "m:20:13: expect[1].except: no cell matches `debian-11/9.2.5`; did you mean `debian-12/9.2.5`?"
    );
    assert_eq!(
        wrong("except: [debian-12/9.2.5]", "except: [\"*\"]"),
        "m:19:5: expect[1]: the entry applies to no cell; its conditions must all hold for at least one cell"
    );
}

#[test]
fn a_row_declares_its_distro_by_os_or_by_name() {
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
    insta::assert_snapshot!(wrong("{ id: Debian }"), @r#"matrix.yaml:13:15: distros.debian-13.os.id: `Debian` is not a valid os-release value; write it as in /etc/os-release, like debian, "12" or bookworm"#);
    insta::assert_snapshot!(wrong("{ id: debian, version: \"1 3\" }"), @r#"matrix.yaml:13:32: distros.debian-13.os.version: `1 3` is not a valid os-release value; write it as in /etc/os-release, like debian, "12" or bookworm"#);
    insta::assert_snapshot!(wrong("{ version: \"13\" }"), @"matrix.yaml:13:9: distros.debian-13.os: the key `id` is missing; add it: `ID`, for example `debian`");
    insta::assert_snapshot!(wrong("debian"), @"matrix.yaml:13:9: distros.debian-13.os: expected a map, found the text `debian`; write `key: value` lines");
}

#[test]
fn a_ready_image_shared_by_rows_without_a_declared_distro_is_refused() {
    let yaml = |rows: [&str; 2], sources: &str| {
        let rows = rows.join("\n  ");
        parse(&format!("version: 1\ndistros:\n  {rows}\nats:\n  \"9.2.9\":\n    sources:\n{sources}"))
    };
    let row = |name: &str, more: &str| format!("{name}: {{ family: debian, image: x{more} }}");
    let (named, silent) = (row("debian-12", ""), row("prod", ""));
    let stated = row("prod", ", os: { id: debian, version: \"13\" }");
    let all = "      - { on: [\"*\"], image: { reference: r.test/ats:1 } }\n";
    let each = "      - { on: [debian-12], image: { reference: r.test/ats:1 } }\n      - { on: [prod], image: { reference: r.test/ats:1 } }\n";
    insta::assert_snapshot!(yaml([&named, &silent], all).unwrap_err(), @r#"matrix.yaml:8:15: ats."9.2.9".sources[0].on: the rows debian-12, prod share the image `r.test/ats:1`, and prod does not declare its distro; give each row its own image, or declare in the row prod what /etc/os-release contains, like `os: { id: debian, version: "12" }`"#);
    insta::assert_snapshot!(yaml([&named, &silent], each).unwrap_err(), @r#"matrix.yaml:9:15: ats."9.2.9".sources[1].on: the rows debian-12, prod share the image `r.test/ats:1`, and prod does not declare its distro; give each row its own image, or declare in the row prod what /etc/os-release contains, like `os: { id: debian, version: "12" }`"#);
    for (rows, sources) in [([&named, &stated], all), ([&named, &stated], each)] {
        assert!(yaml(rows.map(String::as_str), sources).is_ok());
    }
    assert!(yaml([&named, &silent], &each.replacen("ats:1", "ats:2", 1)).is_ok(), "an image of its own");
    assert!(yaml([&named, &silent], &all.replace("\"*\"", "prod")).is_ok(), "one row");
}
