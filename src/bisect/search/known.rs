//! Experiments and their results.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Effect;

/// A set of parts, by their number in the problem.
pub type Parts = BTreeSet<usize>;

/// One of the two images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageSide {
    /// The one in which the trial passes.
    Good,
    /// The one in which it fails.
    Bad,
}

impl ImageSide {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Good => Self::Bad,
            Self::Bad => Self::Good,
        }
    }

    /// The outcome of the image when nothing is swapped.
    pub(super) fn plain(self) -> Effect {
        match self {
            Self::Good => Effect::Pass,
            Self::Bad => Effect::Fail,
        }
    }

    /// The outcome that shows that the swapped parts are the cause.
    pub(super) fn turned(self) -> Effect {
        self.other().plain()
    }
}

/// A cell of one image with some parts of the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Experiment {
    /// The image.
    pub at: ImageSide,
    /// The parts that come from the other side.
    pub swapped: Parts,
    /// From 1; further rounds confirm.
    pub round: u32,
}

/// The result of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentResult {
    /// The outcome.
    pub effect: Effect,
    /// If it did not load: the parts whose other version has what was missing.
    pub needs: Parts,
}

/// The results of all experiments so far.
#[derive(Debug, Clone, Default)]
pub struct Known(pub(super) BTreeMap<Experiment, ExperimentResult>);

impl Known {
    /// Adds the result of an experiment.
    pub fn add(&mut self, experiment: Experiment, seen: ExperimentResult) {
        self.0.insert(experiment, seen);
    }

    /// The number of experiments so far.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The result of all rounds together; inconclusive if they contradict each other.
    pub(super) fn settled(&self, at: ImageSide, swapped: &Parts) -> Option<ExperimentResult> {
        let of = |round| Experiment { at, swapped: swapped.clone(), round };
        let mut rounds = self.0.range(of(0)..=of(u32::MAX)).map(|(_, seen)| seen);
        let first = rounds.next()?.clone();
        if rounds.all(|seen| seen.effect == first.effect) {
            return Some(first);
        }
        Some(ExperimentResult { effect: Effect::Inconclusive, needs: Parts::new() })
    }

    /// Whether some experiment passed in one round and failed in another.
    pub(super) fn contradicts_itself(&self) -> bool {
        let conclusive = self.0.iter().filter(|(_, seen)| seen.effect != Effect::Inconclusive);
        let conclusive: Vec<_> = conclusive.collect();
        conclusive.windows(2).any(|pair| {
            let [(one, first), (other, second)] = pair else { return false };
            (one.at, &one.swapped) == (other.at, &other.swapped) && first.effect != second.effect
        })
    }

    pub(super) fn has(&self, at: ImageSide, swapped: &Parts, round: u32) -> bool {
        self.0.contains_key(&Experiment { at, swapped: swapped.clone(), round })
    }
}

/// `set` without one part.
pub(super) fn without(set: &Parts, part: usize) -> Parts {
    set.iter().copied().filter(|other| *other != part).collect()
}

/// `set`, split into `pieces` of about equal size.
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
