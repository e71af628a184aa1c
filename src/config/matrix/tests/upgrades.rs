//! Rows that are upgraded in place.

use super::*;

const UPGRADES: &str = "\
version: 1
distros:
  debian-11: { family: debian, image: a, openssl: 1.1.1 }
  debian-12: { family: debian, image: b, bootstrap: { suite: s, sources: [deb http://b.test b main] } }
  debian-13: { family: debian, image: c, optional: true }
  fedora-40: { family: fedora, image: d }
upgrades:
  one: { from: debian-11, to: debian-12, reports: { \"8.1\": \"9.2.9\" } }
  two: { title: Twice, from: one, to: debian-13, seen: false }
ats:
  \"8.1\":
    sources:
      - on: [debian-11]
        package: { name: trafficserver, version: 8.1.11 }
      - on: [\"*\"]
        image: { reference: x }
";

fn refused(from: &str, to: &str) -> String {
    assert_eq!(UPGRADES.matches(from).count(), 1, "{from}");
    parse(&UPGRADES.replace(from, to)).unwrap_err()
}

#[test]
fn an_upgrade_is_a_row_below_its_end_with_a_cell_for_what_can_be_upgraded() {
    let matrix = parse(UPGRADES).unwrap();
    let rows: Vec<&str> = matrix.distros.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows, ["debian-11", "debian-12", "one", "debian-13", "two", "fedora-40"]);
    let cells: Vec<String> = matrix
        .cells()
        .filter(|cell| cell.distro.upgrade.is_some())
        .map(|cell| format!("{} {} {} {}", cell.id(), cell.source.kind.key(), cell.reports(), cell.optional()))
        .collect();
    assert_eq!(
        cells,
        ["one/8.1 upgrades 9.2.9 false", "two/8.1 upgrades 9.2.9 true"],
        "the second starts from what the first reports, and a ready image is not the source of either"
    );
    let row = |id: &str| matrix.distro(&id.parse().unwrap()).unwrap();
    assert_eq!((row("one").title.as_str(), row("two").title.as_str()), ("debian-12, upgraded from debian-11", "Twice"));
    assert_eq!(row("two").os, row("debian-13").os);
    let found = |from: &str, to: &str| {
        let row = matrix.upgrade(&from.parse().unwrap(), &to.parse().unwrap());
        row.map(|row| row.id.to_string())
    };
    assert_eq!(found("debian-11", "debian-12").as_deref(), Some("one"));
    assert_eq!(found("debian-12", "debian-13").as_deref(), Some("two"), "it starts from a row that ended there");
    assert_eq!(found("debian-11", "debian-13"), None);
    assert_eq!(matrix.place(&"two/8.1".parse().unwrap()), Some((9, 8)));
}

#[test]
fn a_row_without_a_package_or_a_build_has_nothing_to_upgrade() {
    assert_eq!(
        refused("from: debian-11, to: debian-12, reports: { \"8.1\": \"9.2.9\" }", "from: debian-12, to: debian-13"),
        "matrix.yaml:8:16: upgrades.one.from: no ATS can be upgraded from `debian-12`; name a row with a package or a build \
         of ATS; ready images are not upgraded\n\
         matrix.yaml:9:30: upgrades.two.from: no ATS can be upgraded from `one`; name a row with a package or a build of \
         ATS; ready images are not upgraded\n\
         matrix.yaml:9:39: upgrades.two.to: `one` has this release already; name another distro\n"
    );
}

#[test]
fn upgrades_that_make_no_sense_are_refused_at_their_place() {
    for (from, to, part) in [
        ("one: { from: debian-11", "one: { from: debian-1", "8:16: upgrades.one.from: unknown distro `debian-1`"),
        ("one: { from: debian-11", "one: { from: two", "8:16: upgrades.one.from: `two` is not above this upgrade"),
        ("from: one, to: debian-13", "from: one, to: one", "9:39: upgrades.two.to: an upgrade is no distro"),
        (
            "from: one, to: debian-13",
            "from: one, to: fedora-40",
            "two.to: one is of the family debian, and fedora-40 of",
        ),
        (
            "from: one, to: debian-13",
            "from: one, to: debian-12",
            "9:39: upgrades.two.to: `one` has this release already",
        ),
        ("  two:", "  debian-13:", "9:3: upgrades.debian-13: `debian-13` is a distro already"),
        ("\"8.1\": \"9.2.9\"", "\"8\": \"9.2.9\"", "reports.8: unknown ATS `8`"),
        ("\"8.1\": \"9.2.9\"", "\"8.1\": nine", "reports.\"8.1\": `nine` is not a valid version"),
        ("seen: false", "sen: false", "9:50: upgrades.two: unknown key `sen`; did you mean `seen`?"),
    ] {
        let found = refused(from, to);
        assert!(found.contains(part), "{to}: {found}");
    }
}

#[test]
fn what_an_upgrade_does_is_part_of_the_digest_and_its_title_is_not() {
    let digest = |text: &str| parse(text).unwrap().digest;
    let as_is = digest(UPGRADES);
    assert_eq!(digest(&UPGRADES.replace("title: Twice", "title: Again")), as_is);
    for (from, to) in [("from: one", "from: debian-11"), ("9.2.9", "9.2.10"), ("  two: {", "  2: {")] {
        assert_ne!(digest(&UPGRADES.replace(from, to)), as_is, "{to}");
    }
}
