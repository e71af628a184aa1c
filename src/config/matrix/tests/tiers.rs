//! Cells with two ATS.

use super::*;

const TIERS: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: a }
  debian-13: { family: debian, image: b, optional: true }
ats:
  \"9.2.9\":
    sources:
      - on: [\"debian-*\"]
        package: { name: trafficserver, version: \"9\" }
        reports: \">=9.2.9,<9.3\"
  own:
    version: 9.2.9
    config: edge
    sources: [{ on: [debian-12], package: { name: trafficserver, version: \"9\" } }]
tiers:
  edge:
    child: [debian-12/9.2.9, debian-13/9.2.9]
    parent: [debian-13/9.2.9]
exclude:
  - { distro: [debian-12], ats: [own], reason: not of interest }
expect:
  - { ats: [\"*-over-debian-13-*\"], verdict: fail, reason: known }
";

fn refused(from: &str, to: &str) -> String {
    assert_eq!(TIERS.matches(from).count(), 1, "{from}");
    parse(&TIERS.replace(from, to)).unwrap_err()
}

#[test]
fn every_pair_is_a_cell_on_the_row_of_its_child() {
    let matrix = parse(TIERS).unwrap();
    let cells: Vec<String> = matrix
        .cells()
        .filter_map(|cell| {
            let (child, parent) = matrix.tiers_of(&cell)?;
            let optional = if cell.optional() { " optional" } else { "" };
            Some(format!("{} = {} over {} {}{optional}", cell.id(), child.id(), parent.id(), cell.reports()))
        })
        .collect();
    assert_eq!(
        cells,
        [
            "debian-12/9.2.9-over-debian-13-9.2.9 = debian-12/9.2.9 over debian-13/9.2.9 >=9.2.9,<9.3 optional",
            "debian-13/9.2.9-over-debian-13-9.2.9 = debian-13/9.2.9 over debian-13/9.2.9 >=9.2.9,<9.3 optional",
        ],
        "optional where one of the two is"
    );
    let id = "debian-12/9.2.9-over-debian-13-9.2.9".parse().unwrap();
    assert_eq!(matrix.place(&id), Some((17, 5)));
    assert_eq!(matrix.pair_of(&id).map(|(child, parent)| format!("{child} {parent}")).as_deref(), {
        Some("debian-12/9.2.9 debian-13/9.2.9")
    });
    assert_eq!(matrix.pair_of(&"debian-12/9.2.9".parse().unwrap()), None);
    let other =
        parse(&TIERS.replace("parent: [debian-13/9.2.9]", "parent: [debian-12/9.2.9]").replace("-13-*", "-12-*"));
    assert_ne!(matrix.digest, other.unwrap().digest, "another parent is another matrix");
    let without = parse(&TIERS.replace(
        "  edge:\n    child: [debian-12/9.2.9, debian-13/9.2.9]\n",
        "  x:\n    child: [debian-12/9.2.9, debian-13/9.2.9]\n",
    ));
    assert_eq!(matrix.digest, without.unwrap().digest, "the name of an entry is no part of what runs");
}

#[test]
fn mistakes_in_tiers_are_told_with_their_place() {
    let parent = "parent: [debian-13/9.2.9]";
    assert_eq!(
        refused(parent, "parent: [debian-13/9.2.8]"),
        "matrix.yaml:18:14: tiers.edge.parent[0]: there is no cell `debian-13/9.2.8`; did you mean `debian-13/9.2.9`?\n"
    );
    let unknown = refused("*-over-debian-13-*", "*-over-debian-14-*");
    assert!(unknown.starts_with("matrix.yaml:22:"), "{unknown}");
    for (to, says) in [
        ("parent: []", "the list is empty"),
        ("parent: [debian-13]", "write DISTRO/ATS"),
        ("parent: [debian-13/9.2.9, debian-13/9.2.9]", "duplicate cell `debian-13/9.2.9`"),
        ("parent: [debian-13/9.2.9, debian-12/own]", "a configuration of your own, which tiers do not do yet"),
        ("grandparent: [debian-13/9.2.9]", "unknown key"),
    ] {
        let found = refused(parent, to);
        assert!(found.contains(says) && found.starts_with("matrix.yaml:"), "{to}: {found}");
    }
    let twice = refused(
        parent,
        "parent: [debian-13/9.2.9]\n  again:\n    child: [debian-12/9.2.9]\n    parent: [debian-13/9.2.9]",
    );
    assert!(twice.contains("debian-12/9.2.9 over debian-13/9.2.9 is there already"), "{twice}");
    let excluded = refused("{ distro: [debian-12], ats: [own],", "{ distro: [debian-13], ats: [\"9.2.9\"],");
    assert!(excluded.contains("tiers.edge.parent[0]: debian-13/9.2.9 is excluded: not of interest"), "{excluded}");
    let clash = parse(&TIERS.replace("  own:\n", "  9.2.9-over-debian-13-9.2.9:\n"));
    assert!(clash.unwrap_err().contains("which `ats` has already"));
}
