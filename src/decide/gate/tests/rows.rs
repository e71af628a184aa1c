//! What ran must be what its row states: results of one distro in two rows say nothing about an upgrade.

use super::*;
use crate::model::{Os, Provenance};

/// Answers whether hosts can be upgraded from debian-12 to debian-13, with these rows.
fn upgrade_of(results: &MatrixResult, rows: Option<[Option<Os>; 2]>) -> Decision {
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
    assert_eq!(upgrade_of(&ran_on("debian-13"), Some([Some(os("12")), Some(os("13"))])).word(), Word::Open);
    for other in ["debian-12", "debian-11", "ubuntu-13"] {
        let answer = upgrade_of(&ran_on(other), Some([Some(os("12")), Some(os("13"))]));
        assert_eq!(answer.word(), Word::CannotTell, "{other}");
        let text = &answer.unknown[0].text;
        assert!(text.contains("row debian-13 is debian 13, but ") && text.ends_with(" ran"), "{text}");
    }
    // The same for the other side: what hosts have today was not tested.
    let mut results = ran_on("debian-13");
    results.cells[0].provenance = fixture::provenance("debian-11", "1.1.1w");
    assert_eq!(upgrade_of(&results, Some([Some(os("12")), Some(os("13"))])).word(), Word::CannotTell);
}

#[test]
fn two_rows_that_ran_on_one_release_are_no_upgrade_unless_both_say_so() {
    let results = ran_on("debian-12");
    for rows in [Some([None, None]), Some([Some(os("12")), None]), Some([None, Some(os("12"))]), None] {
        let answer = upgrade_of(&results, rows.clone());
        assert_eq!(answer.word(), Word::CannotTell, "{rows:?}");
        assert!(
            answer.unknown[0]
                .text
                .contains("says nothing about an upgrade: debian-12 and debian-13 both ran on Debian 12"),
            "{answer:?}"
        );
        assert!(answer.unknown[0].ways_out[0].contains("give debian-13 an image of its own"), "{answer:?}");
    }
    // One release with other packages, as with backports.
    assert_eq!(upgrade_of(&results, Some([Some(os("12")), Some(os("12"))])).word(), Word::Open);
}

#[test]
fn releases_without_a_number_are_not_compared_if_the_rows_are_unknown() {
    let mut results = ran_on("debian-13");
    for cell in &mut results.cells {
        cell.provenance = fixture::provenance("debian", "3.5.7");
    }
    assert_eq!(upgrade_of(&results, None).word(), Word::Open);
    assert_eq!(upgrade_of(&results, Some([None, None])).word(), Word::CannotTell);
    // A cell without provenance is not compared with its row here; the run did that.
    results.cells[1].provenance = Provenance::default();
    assert_eq!(
        upgrade_of(&results, Some([Some(os("12")), None])).word(),
        Word::CannotTell,
        "debian without a number is not 12"
    );
}
