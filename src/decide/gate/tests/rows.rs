//! What ran has to be what its row says: results of one distro under two rows answer no upgrade.

use super::*;
use crate::model::{Os, Provenance};

/// Answers whether hosts may go from debian-12 to debian-13, where the rows are as given.
fn asked(results: &MatrixResult, rows: Option<[Option<Os>; 2]>) -> Answer {
    let (from, to) = (distro("debian-12"), distro("debian-13"));
    let mut basis = Basis::new(results);
    if let Some([first, second]) = rows {
        basis = basis.with_rows([(from.clone(), first), (to.clone(), second)]);
    }
    decide(&basis, &[Question::Upgrade { from: &from, to: &to, ats: &[] }])
}

fn os(version: &str) -> Os {
    Os { id: "debian".into(), version: Some(version.into()), codename: None }
}

/// A pass in both rows, of which the second ran on `release`.
fn ran_on(release: &str) -> MatrixResult {
    let mut results = matrix(&[("debian-12/9.2.9", Verdict::Pass), ("debian-13/9.2.9", Verdict::Pass)]);
    results.cells[1].provenance = fixture::provenance(release, "3.0.20");
    results
}

#[test]
fn a_pass_on_another_distro_than_the_rows_opens_nothing() {
    assert_eq!(asked(&ran_on("debian-13"), Some([Some(os("12")), Some(os("13"))])).word(), Word::Open);
    for other in ["debian-12", "debian-11", "ubuntu-13"] {
        let answer = asked(&ran_on(other), Some([Some(os("12")), Some(os("13"))]));
        assert_eq!(answer.word(), Word::CannotTell, "{other}");
        let text = &answer.unknown[0].text;
        assert!(text.contains("the row debian-13 is debian 13, and what ran was"), "{text}");
    }
    // The other side as well: what hosts have today was not seen.
    let mut results = ran_on("debian-13");
    results.cells[0].provenance = fixture::provenance("debian-11", "1.1.1w");
    assert_eq!(asked(&results, Some([Some(os("12")), Some(os("13"))])).word(), Word::CannotTell);
}

#[test]
fn two_rows_that_ran_on_one_release_are_no_upgrade_unless_both_say_so() {
    let results = ran_on("debian-12");
    for rows in [Some([None, None]), Some([Some(os("12")), None]), Some([None, Some(os("12"))]), None] {
        let answer = asked(&results, rows.clone());
        assert_eq!(answer.word(), Word::CannotTell, "{rows:?}");
        assert!(answer.unknown[0].text.contains("both ran on Debian 12, so no upgrade was tried"), "{answer:?}");
        assert!(answer.unknown[0].ways_out[0].contains("bring debian-13 an image of its own"), "{answer:?}");
    }
    // One release with other packages, as with backports.
    assert_eq!(asked(&results, Some([Some(os("12")), Some(os("12"))])).word(), Word::Open);
}

#[test]
fn releases_without_a_number_are_not_held_against_each_other_where_nobody_knows_the_rows() {
    let mut results = ran_on("debian-13");
    for cell in &mut results.cells {
        cell.provenance = fixture::provenance("debian", "3.5.7");
    }
    assert_eq!(asked(&results, None).word(), Word::Open);
    assert_eq!(asked(&results, Some([None, None])).word(), Word::CannotTell);
    // What told nothing of itself is not held against anything here: the run did that.
    results.cells[1].provenance = Provenance::default();
    assert_eq!(
        asked(&results, Some([Some(os("12")), None])).word(),
        Word::CannotTell,
        "debian without a number is not 12"
    );
}
