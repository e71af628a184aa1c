//! Configurations of the user's own: which cells run under which, and what is wrong with them.

use std::collections::BTreeMap;

use super::super::{LocalError, LocalFiles, LocalNeed, Matrix};
use crate::model::CellKind;

const COLUMN: &str = r#"version: 1
distros:
  debian-12: { family: debian, image: a }
  debian-13: { family: debian, image: b, bootstrap: { suite: trixie, sources: [deb http://deb.debian.org/debian trixie main] } }
upgrades:
  debian-12-to-13: { from: debian-12, to: debian-13 }
ats:
  edge:
    version: "9.2.9"
    config: edge
    sources:
      - on: [debian-12]
        package: { name: trafficserver, version: latest }
        config: ./old//edge
      - on: [debian-13]
        package: { name: trafficserver, version: latest }
  plain:
    version: "9.2.9"
    sources:
      - on: [debian-12]
        package: { name: trafficserver, version: latest }
      - on: [debian-13]
        package: { name: trafficserver, version: latest }
        config: new
"#;

fn parse(text: &str) -> Matrix {
    Matrix::parse("m", text).unwrap_or_else(|found| panic!("{found:#?}"))
}

fn configs(matrix: &Matrix) -> Vec<String> {
    let config = |cell: &super::super::MatrixCell<'_>| {
        let config = cell.ats.config(cell.source);
        assert_eq!(cell.is(CellKind::OwnConfig), config.is_some());
        format!("{} {}", cell.id(), config.unwrap_or("none"))
    };
    matrix.cells().map(|cell| config(&cell)).collect()
}

#[test]
fn a_source_may_have_another_one_than_its_column_and_an_upgrade_keeps_it() {
    assert_eq!(
        configs(&parse(COLUMN)),
        [
            "debian-12/edge old/edge",
            "debian-12/plain none",
            "debian-13/edge edge",
            "debian-13/plain new",
            "debian-12-to-13/edge old/edge",
            "debian-12-to-13/plain none",
        ]
    );
}

#[test]
fn the_digest_of_the_matrix_covers_it() {
    let digest = |text: &str| parse(text).digest;
    assert_eq!(digest(COLUMN), digest(&COLUMN.replace("./old//edge", "old/edge")));
    assert_ne!(digest(COLUMN), digest(&COLUMN.replace("./old//edge", "edge")));
    assert_ne!(digest(COLUMN), digest(&COLUMN.replace("        config: new\n", "")));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let outside = COLUMN.replace("config: new", "config: ../new");
    let found: Vec<String> = Matrix::parse("m", &outside).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "m:24:17: ats.plain.sources[1].config: `../new` is not a valid path; write it relative to the folder of matrix.yaml, \
             without .."
        ]
    );
    // Each folder is read once, and a missing one is told where it is named.
    let mut read = Vec::new();
    let found = parse(COLUMN).with_local_files(|need| {
        read.push(need.clone());
        match need {
            LocalNeed::Config(folder) if folder != "new" => Ok(LocalFiles::new(BTreeMap::new())),
            _ => Err(LocalError::new("config", "there is no folder", "")),
        }
    });
    let found: Vec<String> = found.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["m:24:17: ats.plain.sources[1].config: there is no folder"]);
    assert_eq!(read, ["edge", "old/edge", "new"].map(|folder| LocalNeed::Config(folder.to_owned())));
}
