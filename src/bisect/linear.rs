//! The search along a line of versions or patches, one end of which passes and the other fails: a binary search that
//! skips places without an outcome (not compiled, not available). Pure.

use std::collections::BTreeMap;

use crate::model::Effect;

/// The outcomes known so far, by place on the line.
pub type KnownEffects = BTreeMap<usize, Effect>;

/// The next step of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Try this place, which is between two that differ.
    Try {
        /// The place.
        place: usize,
        /// The nearest known place before it.
        after: usize,
        /// The nearest known place after it that differs.
        before: usize,
    },
    /// The outcome changes between these two places; the places between them have none.
    Between {
        /// The last place with the outcome of the start.
        last: usize,
        /// The first place with the outcome of the end.
        first: usize,
    },
    /// The ends do not differ.
    NoEnds,
}

/// Whether both ends of a line of `count` places are known, and one passes and the other fails.
pub fn differ(count: usize, known: &KnownEffects) -> bool {
    let ends = [known.get(&0), known.get(&(count.saturating_sub(1)))];
    [Effect::Pass, Effect::Fail].iter().all(|wanted| ends.contains(&Some(wanted)))
}

/// The next place to try on a line of `count` places, or where the outcome changes. The two ends come first.
pub fn next(count: usize, known: &KnownEffects) -> Next {
    let (Some(begin), Some(end)) = (known.get(&0), known.get(&(count.saturating_sub(1)))) else {
        let place = if known.contains_key(&0) { count.saturating_sub(1) } else { 0 };
        return Next::Try { place, after: 0, before: count.saturating_sub(1) };
    };
    if !differ(count, known) {
        return Next::NoEnds;
    }
    // If the outcome changes more than once, the first change seen from the start is followed.
    let first = (1..count).find(|place| known.get(place) == Some(end)).unwrap_or(count - 1);
    let last = (0..first).rev().find(|place| known.get(place) == Some(begin)).unwrap_or(0);
    let middle = usize::midpoint(last, first);
    let untried = (last + 1..first).filter(|place| !known.contains_key(place));
    match untried.min_by_key(|place| (place.abs_diff(middle), *place)) {
        Some(place) => Next::Try { place, after: last, before: first },
        None => Next::Between { last, first },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Follows the search over a real line; returns where it ends and how much it tried.
    fn follow(real: &[Effect]) -> (Next, usize) {
        let mut known = KnownEffects::new();
        loop {
            match next(real.len(), &known) {
                Next::Try { place, .. } => {
                    assert!(known.insert(place, real[place]).is_none(), "{place} was tried before");
                }
                done => return (done, known.len()),
            }
        }
    }

    #[test]
    fn ends_that_do_not_differ_are_reported() {
        assert_eq!(follow(&[Effect::Pass, Effect::Fail, Effect::Pass]), (Next::NoEnds, 2));
        assert_eq!(follow(&[Effect::Inconclusive, Effect::Fail]), (Next::NoEnds, 2));
    }

    proptest! {
        #[test]
        fn the_change_is_found_in_a_logarithm_of_steps(count in 2usize..200, turn in 1usize..199) {
            let turn = turn.min(count - 1);
            let real: Vec<Effect> =
                (0..count).map(|place| if place < turn { Effect::Fail } else { Effect::Pass }).collect();
            let (end, tried) = follow(&real);
            prop_assert_eq!(end, Next::Between { last: turn - 1, first: turn });
            prop_assert!(tried <= 3 + count.ilog2() as usize, "{} of {}", tried, count);
        }

        #[test]
        fn places_without_an_outcome_are_skipped_and_never_named(
            count in 2usize..40, turn in 1usize..39, dark in prop::collection::btree_set(1usize..39, 0..20),
        ) {
            let turn = turn.min(count - 1);
            let real: Vec<Effect> = (0..count)
                .map(|place| match place {
                    _ if place > 0 && place < count - 1 && dark.contains(&place) => Effect::Inconclusive,
                    _ if place < turn => Effect::Fail,
                    _ => Effect::Pass,
                })
                .collect();
            let (end, tried) = follow(&real);
            let Next::Between { last, first } = end else { panic!("{end:?}") };
            prop_assert!(tried <= count);
            prop_assert!(last < turn && first >= turn);
            prop_assert_eq!((real[last], real[first]), (Effect::Fail, Effect::Pass));
            prop_assert!(real[last + 1..first].iter().all(|effect| *effect == Effect::Inconclusive));
        }
    }
}
