//! Experiments, and what is known from those that were made.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Effect;

/// Parts, by their number in the problem.
pub type Parts = BTreeSet<usize>;

/// One of the two images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The one in which the trial passes.
    Good,
    /// The one in which it fails.
    Bad,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Good => Self::Bad,
            Self::Bad => Self::Good,
        }
    }

    /// What the image comes to when nothing is swapped.
    pub(super) fn plain(self) -> Effect {
        match self {
            Self::Good => Effect::Pass,
            Self::Bad => Effect::Fail,
        }
    }

    /// What shows that parts of the other side decide.
    pub(super) fn turned(self) -> Effect {
        self.other().plain()
    }
}

/// A cell of one image with some parts of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Experiment {
    /// Whose image.
    pub at: Side,
    /// The parts that come from the other side.
    pub swapped: Parts,
    /// From 1; further rounds confirm.
    pub round: u32,
}

/// What an experiment came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The outcome.
    pub effect: Effect,
    /// When it did not load: the parts whose other version would have had what was missing.
    pub needs: Parts,
}

/// Everything known so far.
#[derive(Debug, Clone, Default)]
pub struct Known(pub(super) BTreeMap<Experiment, Seen>);

impl Known {
    /// Adds the outcome of an experiment.
    pub fn add(&mut self, experiment: Experiment, seen: Seen) {
        self.0.insert(experiment, seen);
    }

    /// Experiments so far.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What all rounds together say; rounds that contradict each other say nothing.
    pub(super) fn settled(&self, at: Side, swapped: &Parts) -> Option<Seen> {
        let of = |round| Experiment { at, swapped: swapped.clone(), round };
        let mut rounds = self.0.range(of(0)..=of(u32::MAX)).map(|(_, seen)| seen);
        let first = rounds.next()?.clone();
        if rounds.all(|seen| seen.effect == first.effect) {
            return Some(first);
        }
        Some(Seen { effect: Effect::Inconclusive, needs: Parts::new() })
    }

    /// Whether some experiment passed in one round and failed in another.
    pub(super) fn contradicts_itself(&self) -> bool {
        let told = self.0.iter().filter(|(_, seen)| seen.effect != Effect::Inconclusive);
        let told: Vec<_> = told.collect();
        told.windows(2).any(|pair| {
            let [(one, first), (other, second)] = pair else { return false };
            (one.at, &one.swapped) == (other.at, &other.swapped) && first.effect != second.effect
        })
    }

    pub(super) fn has(&self, at: Side, swapped: &Parts, round: u32) -> bool {
        self.0.contains_key(&Experiment { at, swapped: swapped.clone(), round })
    }
}

/// `set` less one part.
pub(super) fn without(set: &Parts, part: usize) -> Parts {
    set.iter().copied().filter(|other| *other != part).collect()
}

/// `set` in `pieces` parts of about equal size.
pub(super) fn split(set: &Parts, pieces: usize) -> Vec<Parts> {
    let all: Vec<usize> = set.iter().copied().collect();
    let mut rest = all.as_slice();
    let mut subsets = Vec::new();
    for left in (1..=pieces.min(all.len())).rev() {
        let (subset, behind) = rest.split_at(rest.len().div_ceil(left));
        subsets.push(subset.iter().copied().collect());
        rest = behind;
    }
    subsets
}
