use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::decide::compare::fixture::{cell as made, known_answers, trial};

fn part(name: &str, result: MatrixResult) -> Part {
    Part { name: name.into(), result }
}

/// A part of `known_answers` with these of its cells.
fn some(name: &str, cells: &[usize]) -> Part {
    let whole = known_answers();
    let cells = cells.iter().map(|at| whole.cells[*at].clone()).collect();
    part(name, MatrixResult { cells, ..whole })
}

#[test]
fn shards_are_merged() {
    let merged = merge(&[some("b", &[3, 1]), some("a", &[2, 0])]).unwrap();
    assert_eq!(merged.result, known_answers());
    assert_eq!((merged.agreed.len(), merged.answered.len()), (0, 0));
    assert_eq!(words::merged(&merged, 2).text(), "4 cells from 2 results, no contradictions\n");
}

#[test]
fn a_cell_answered_twice_is_kept_once_with_the_provenance_of_one() {
    let mut other = some("b", &[1, 2]);
    other.result.cells[0].provenance.kernel = Some("6.12".into());
    let merged = merge(&[some("a", &[0, 1]), other]).unwrap();
    assert_eq!(merged.result.cells.len(), 3);
    assert_eq!(merged.agreed, ["debian-12/9.2.9".parse().unwrap()]);
}

#[test]
fn an_answer_replaces_a_missing_one() {
    let mut error = some("b", &[0, 1]);
    error.result.cells[0] = made("debian-12/9.2.5", Verdict::Error);
    let mut unavailable = some("c", &[0]);
    unavailable.result.cells[0] = made("debian-12/9.2.5", Verdict::Unavailable);
    let merged = merge(&[unavailable.clone(), error.clone(), some("a", &[0])]).unwrap();
    assert_eq!(merged.result.cells[0].verdict, Verdict::Pass);
    assert_eq!(
        words::merged(&merged, 3).text(),
        "2 cells from 3 results, no contradictions\n  answered in some results only, answer kept: debian-12/9.2.5\n"
    );
    let merged = merge(&[unavailable, error]).unwrap();
    assert_eq!(merged.result.cells[0].verdict, Verdict::Error);
}

#[test]
fn contradictions_are_named_with_their_parts() {
    let mut other = some("b.json", &[1, 2]);
    other.result.cells[0] = made("debian-12/9.2.9", Verdict::Fail);
    other.result.cells[1].trials[2] = trial("http-post-1m", Outcome::Fail);
    let found = merge(&[some("a.json", &[0, 1, 2]), other, some("c.json", &[2])]).unwrap_err();
    assert_snapshot!(conflicts(&found).text(), @"
    2 contradictions: nothing was merged
      debian-12/9.2.9 has different outcomes
        fail (tls-remote-origin fail): b.json
        pass (tls-remote-origin pass): a.json
      debian-13/9.2.5 has different outcomes
        fail (http-post-1m fail): b.json
        fail (http-post-1m pass): a.json, c.json
      what to do: run these cells again on one machine, and leave the other results out
    ");
    let value: serde_json::Value = serde_json::from_str(&json(&found)).unwrap();
    assert_eq!(value["conflicts"][0]["cell"]["id"], "debian-12/9.2.9");
}

#[test]
fn results_of_different_matrices_are_not_merged() {
    let mut other = some("b", &[1]);
    other.result.matrix = "1f".repeat(32);
    let found = merge(&[some("a", &[0]), other]).unwrap_err();
    assert!(matches!(&found[..], [Conflict::Matrix { kinds }] if kinds.len() == 2), "{found:?}");
    let mut other = some("b", &[1]);
    other.result.distros.pop();
    assert!(merge(&[some("a", &[0]), other]).is_err(), "rows differ");
    assert_eq!(merge(&[]).unwrap_err(), [Conflict::Nothing]);
}

/// Parts of a matrix of 2 by 2, mostly in agreement.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let verdict = prop::sample::select(vec![
        None,
        Some(Verdict::Pass),
        Some(Verdict::Pass),
        Some(Verdict::Error),
        Some(Verdict::Unavailable),
    ]);
    let cell = (verdict, prop::bool::weighted(0.1), any::<bool>());
    let result = prop::collection::vec(cell, 4).prop_map(|cells| {
        let whole = known_answers();
        let names = whole.cells.iter().map(|cell| cell.id.to_string());
        let cells = names.zip(cells).filter_map(|(id, (verdict, odd, newer))| {
            let mut cell = made(&id, if odd { Verdict::Fail } else { verdict? });
            cell.provenance.kernel = newer.then(|| "6.12".to_owned());
            Some(cell)
        });
        MatrixResult { cells: cells.collect(), ..whole.clone() }
    });
    prop::collection::vec(result, 3).prop_map(|results| {
        let names = ["a", "b", "c"];
        names.into_iter().zip(results).map(|(name, result)| part(name, result)).collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_parts_does_not_matter(parts in parts(), turn in 0..3_usize, swap in any::<bool>()) {
        let mut other = parts.clone();
        other.rotate_left(turn);
        if swap {
            other.swap(0, 1);
        }
        prop_assert_eq!(merge(&parts), merge(&other));
    }

    #[test]
    fn merging_some_first_does_not_matter(parts in parts()) {
        let [a, b, c] = &parts[..] else { unreachable!("three parts") };
        let pair = |one: &Part, other: &Part| {
            merge(&[one.clone(), other.clone()]).map(|merged| part("pair", merged.result)).ok()
        };
        let left = pair(a, b).and_then(|ab| pair(&ab, c)).map(|part| part.result);
        let right = pair(b, c).and_then(|bc| pair(a, &bc)).map(|part| part.result);
        let whole = merge(&parts).map(|merged| merged.result).ok();
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &whole);
    }

    #[test]
    fn no_cell_is_lost_or_counted_twice(parts in parts()) {
        if let Ok(merged) = merge(&parts) {
            let ids: BTreeSet<_> = parts.iter().flat_map(|part| &part.result.cells).map(|cell| &cell.id).collect();
            let kept: Vec<_> = merged.result.cells.iter().map(|cell| &cell.id).collect();
            prop_assert_eq!(kept.len(), ids.len());
            prop_assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), ids);
            for cell in &merged.result.cells {
                prop_assert!(parts.iter().any(|part| part.result.cells.contains(cell)), "every result comes from a part");
            }
        }
    }

    #[test]
    fn merging_with_itself_changes_nothing(parts in parts()) {
        let twice = merge(&[parts[0].clone(), parts[0].clone()]).unwrap();
        prop_assert_eq!(twice.result, merge(&parts[..1]).unwrap().result);
    }
}
