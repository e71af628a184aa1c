//! The search for the smallest set of parts that decides whether a trial passes. Pure: it returns the experiments
//! that it needs and is called again with their results.
//!
//! It depends only on the results so far and starts over each time. So there is no state to keep consistent, and a
//! repetition that contradicts an earlier experiment changes the whole search.

mod known;

use crate::model::Effect;

pub use known::{Experiment, ExperimentResult, ImageSide, Known, Parts};
use known::{split, without};

/// The size of a search.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    /// Parts `0..libraries` are libraries: they are searched.
    pub libraries: usize,
    /// Parts `libraries..libraries + others` are other suspects: each is one experiment.
    pub others: usize,
    /// Rounds of both ends before the search, so that a flaky trial shows itself there.
    pub ends: u32,
    /// Rounds of every experiment that a conclusion depends on.
    pub rounds: u32,
    /// How many sets to try at the same time, where the next would be tried anyway unless this one decides.
    pub width: usize,
}

/// The experiments that the search needs to continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextExperiments {
    /// New and without duplicates. The first is needed, the others may be.
    pub experiments: Vec<Experiment>,
    /// The parts that are still suspected.
    pub suspects: Parts,
}

/// The conclusion of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// These parts are the cause.
    Found(FoundParts),
    /// All parts together do not change the outcome, so the cause is something else.
    NotAmongThese,
    /// No experiment that could have decided was conclusive.
    Blocked,
    /// The ends do not differ as they should, or not reliably.
    NoEnds,
}

/// The parts that are the cause, and how certain that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundParts {
    /// The image in which the set was found.
    pub at: ImageSide,
    /// The smallest set that changed the outcome there.
    pub set: Parts,
    /// Parts of it without which the outcome did not change.
    pub culprits: Parts,
    /// Parts of it that are needed only for loading.
    pub companions: Parts,
    /// Parts of it for which neither was shown.
    pub unresolved: Parts,
    /// The result of the same in the other image.
    pub reverse: Reverse,
    /// Whether no experiment contradicted itself from one round to another.
    pub steady: bool,
}

/// Whether a set that changes the outcome of one image changes that of the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverse {
    /// It does, loaded with these carriers, which alone change nothing.
    Confirmed(Parts),
    /// Unknown: this set with all it needs did not load, or its carriers change the outcome alone.
    Unclear(Parts),
    /// It does not, loaded with these carriers: more parts are involved.
    NotAlone(Parts),
}

/// The most experiments that a search over `parts` parts takes if all outcomes are conclusive: n² + 3n of delta
/// debugging (Zeller and Hildebrandt 2002, proposition 12) in each image, and those that confirm the result.
pub fn worst(parts: usize, rounds: u32) -> usize {
    let rounds = rounds as usize;
    2 * (parts * parts + 3 * parts) + (4 + parts) * rounds + 3 * (parts + rounds) + 2
}

/// Draws the conclusion from what is known, or returns the experiments to make next.
pub fn search(problem: &Problem, known: &Known) -> Result<Conclusion, NextExperiments> {
    Search { problem, known, suspects: (0..problem.libraries + problem.others).collect() }.run()
}

struct Search<'a> {
    problem: &'a Problem,
    known: &'a Known,
    suspects: Parts,
}

type Searched<T> = Result<T, NextExperiments>;

impl Search<'_> {
    fn run(&mut self) -> Searched<Conclusion> {
        let none = Parts::new();
        let ends = [(ImageSide::Bad, none.clone()), (ImageSide::Good, none.clone())];
        for rounds in [1, self.problem.ends] {
            self.rounds(&ends, rounds)?;
            for side in [ImageSide::Bad, ImageSide::Good] {
                if self.result(side, &none)?.effect != side.plain() {
                    return Ok(Conclusion::NoEnds);
                }
            }
        }
        let Some((at, start)) = self.start()? else {
            let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
            let conclusive = self.result(ImageSide::Bad, &all)?.effect == Effect::Fail;
            return Ok(if conclusive { Conclusion::NotAmongThese } else { Conclusion::Blocked });
        };
        let set = self.reduce(at, start)?;
        self.ahead(at, &set)?;
        let mut found = self.weigh(at, set)?;
        self.confirm(&found)?;
        found.steady = !self.known.contradicts_itself();
        Ok(Conclusion::Found(found))
    }

    /// A set that changes the outcome, and the image in which it does: the cheapest experiments first.
    fn start(&self) -> Searched<Option<(ImageSide, Parts)>> {
        let libraries: Parts = (0..self.problem.libraries).collect();
        let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
        let alone = all.difference(&libraries).map(|part| Parts::from([*part]));
        let mut requested: Vec<(ImageSide, Parts)> = Vec::new();
        if !libraries.is_empty() {
            requested.push((ImageSide::Bad, libraries.clone()));
        }
        requested.extend(alone.map(|part| (ImageSide::Bad, part)));
        self.request(&requested)?;
        for (at, set) in requested {
            if self.turns(at, &set)? {
                return Ok(Some((at, set)));
            }
        }
        for (at, set) in [(ImageSide::Bad, &all), (ImageSide::Good, &libraries), (ImageSide::Good, &all)] {
            if !set.is_empty() && self.turns(at, set)? {
                return Ok(Some((at, set.clone())));
            }
        }
        // Together they may not load or may hide each other, so try them one by one.
        for at in [ImageSide::Bad, ImageSide::Good] {
            if self.result(at, &all)?.effect != Effect::Inconclusive {
                continue;
            }
            for part in &libraries {
                let (closed, seen) = self.close(at, &Parts::from([*part]))?;
                if seen.effect == at.turned() {
                    return Ok(Some((at, closed)));
                }
            }
        }
        Ok(None)
    }

    /// Delta debugging (Zeller's ddmin): a subset of `set` that changes the outcome, and of which no single part can be
    /// left out.
    fn reduce(&mut self, at: ImageSide, mut set: Parts) -> Searched<Parts> {
        let mut pieces = 2;
        while set.len() >= 2 {
            self.suspects.clone_from(&set);
            let subsets = split(&set, pieces);
            let rests = subsets.iter().map(|subset| set.difference(subset).copied().collect());
            let rests: Vec<Parts> = if pieces > 2 { rests.collect() } else { Vec::new() };
            if let Some(smaller) = self.first(at, &subsets)? {
                (set, pieces) = (smaller, 2);
            } else if let Some(smaller) = self.first(at, &rests)? {
                (set, pieces) = (smaller, (pieces - 1).max(2));
            } else if pieces < set.len() {
                pieces = (pieces * 2).min(set.len());
            } else {
                break;
            }
        }
        self.suspects.clone_from(&set);
        Ok(set)
    }

    /// The first of `sets` that changes the outcome. Sets that are likely to be needed next are requested with it.
    fn first(&self, at: ImageSide, sets: &[Parts]) -> Searched<Option<Parts>> {
        for (place, set) in sets.iter().enumerate() {
            if self.known.settled(at, set).is_none() {
                let ahead = sets[place..].iter().filter(|set| self.known.settled(at, set).is_none());
                let ahead: Vec<_> = ahead.take(self.problem.width.max(1)).map(|set| (at, set.clone())).collect();
                self.request(&ahead)?;
            }
            if self.turns(at, set)? {
                return Ok(Some(set.clone()));
            }
        }
        Ok(None)
    }

    /// Requests at once what every smallest set needs: the ends again, the set again, and the set in the other image.
    fn ahead(&self, at: ImageSide, set: &Parts) -> Searched<()> {
        let ends = [(ImageSide::Bad, Parts::new()), (ImageSide::Good, Parts::new()), (at, set.clone())];
        let again =
            ends.into_iter().flat_map(|(at, set)| (1..=self.problem.rounds).map(move |round| (at, set.clone(), round)));
        let other = (at.other(), set.clone(), 1);
        let unknown = again.chain([other]).filter(|(at, set, round)| !self.known.has(*at, set, *round));
        let unknown: Vec<_> = unknown.collect();
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    /// Separates the culprits of a smallest set from the parts that it only needs to load.
    fn weigh(&self, at: ImageSide, set: Parts) -> Searched<FoundParts> {
        let (culprits, companions, unresolved) = (Parts::new(), Parts::new(), Parts::new());
        let reverse = Reverse::Unclear(Parts::new());
        let mut found = FoundParts { at, set, culprits, companions, unresolved, reverse, steady: true };
        for part in found.set.clone() {
            let fate = match self.guilty(at, &found.set, part)? {
                Some(true) => &mut found.culprits,
                Some(false) => &mut found.companions,
                None => &mut found.unresolved,
            };
            fate.insert(part);
        }
        let deciding = if found.culprits.is_empty() { &found.set } else { &found.culprits };
        found.reverse = self.carried(at.other(), deciding)?;
        match found.reverse.clone() {
            Reverse::Confirmed(carriers) => self.carriers(&mut found, &carriers)?,
            Reverse::NotAlone(_) => self.accomplices(&mut found)?,
            Reverse::Unclear(_) => {}
        }
        Ok(found)
    }

    /// Whether `part` of a smallest set is a culprit; `None`: unknown.
    fn guilty(&self, at: ImageSide, set: &Parts, part: usize) -> Searched<Option<bool>> {
        let (there, rest) = (at.other(), without(set, part));
        if self.result(at, &rest)?.effect == at.plain() {
            return Ok(Some(true));
        }
        // The set does not load without the part, so try the rest in the other image.
        match self.carried(there, &rest)? {
            Reverse::Confirmed(carriers) if !carriers.contains(&part) => {}
            Reverse::NotAlone(carriers) if carriers.is_empty() && self.turns(there, set)? => return Ok(Some(true)),
            Reverse::Confirmed(_) | Reverse::NotAlone(_) | Reverse::Unclear(_) => return Ok(None),
        }
        // The rest is the cause. That clears the part only if it changes nothing alone.
        let alone = Parts::from([part]);
        Ok(match self.carried(there, &alone)? {
            Reverse::Confirmed(_) => Some(true),
            Reverse::NotAlone(carriers) => {
                self.repeat(&[(there, alone.union(&carriers).copied().collect())])?;
                Some(false)
            }
            Reverse::Unclear(_) => None,
        })
    }

    /// A carrier of the culprits in the other image that changes this one alone is a culprit too: all of them together
    /// cause the failure, and replacing any of them fixes it.
    fn carriers(&self, found: &mut FoundParts, carriers: &Parts) -> Searched<()> {
        let at = found.at;
        let alone: Vec<(ImageSide, Parts)> =
            carriers.difference(&found.set).map(|part| (at, Parts::from([*part]))).collect();
        self.request(&alone)?;
        let mut left = carriers.clone();
        for (_, set) in alone {
            if self.turns(at, &set)? {
                self.repeat(&[(at, set.clone())])?;
                left = left.difference(&set).copied().collect();
                found.culprits.extend(set);
            }
        }
        found.reverse = Reverse::Confirmed(left);
        Ok(())
    }

    /// If the culprits alone do not change the other image, the other parts that it needs there are culprits too: all
    /// of them together cause the failure.
    fn accomplices(&self, found: &mut FoundParts) -> Searched<()> {
        let there = found.at.other();
        let libraries: Parts = (0..self.problem.libraries).collect();
        let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
        for start in [libraries, all] {
            if start.is_empty() || !self.turns(there, &start)? {
                continue;
            }
            let mut further = Search { problem: self.problem, known: self.known, suspects: start.clone() };
            let set = further.reduce(there, start)?;
            let mut needed = vec![(there, set.clone())];
            for part in &set {
                let rest = without(&set, *part);
                if self.result(there, &rest)?.effect == there.plain() {
                    needed.push((there, rest));
                    found.culprits.insert(*part);
                    found.unresolved.remove(part);
                    found.companions.remove(part);
                }
            }
            self.repeat(&needed)?;
            if found.culprits.is_subset(&set) {
                found.reverse = Reverse::Confirmed(set.difference(&found.culprits).copied().collect());
            }
            return Ok(());
        }
        Ok(())
    }

    /// Whether `set` changes the outcome of the image `at`, together with all it needs to load. These carriers are
    /// tried alone as well, so that the set is not blamed for them.
    fn carried(&self, at: ImageSide, set: &Parts) -> Searched<Reverse> {
        let (closed, seen) = self.close(at, set)?;
        let carriers: Parts = closed.difference(set).copied().collect();
        if seen.effect == Effect::Inconclusive {
            return Ok(Reverse::Unclear(closed));
        }
        if seen.effect == at.plain() {
            return Ok(Reverse::NotAlone(carriers));
        }
        let mut repeated = vec![(at, closed.clone())];
        if !carriers.is_empty() {
            if self.result(at, &carriers)?.effect != at.plain() {
                return Ok(Reverse::Unclear(closed));
            }
            repeated.push((at, carriers.clone()));
        }
        self.repeat(&repeated)?;
        Ok(Reverse::Confirmed(carriers))
    }

    /// Requests all rounds of every experiment that the conclusion depends on.
    fn confirm(&self, found: &FoundParts) -> Searched<()> {
        let mut needed =
            vec![(ImageSide::Bad, Parts::new()), (ImageSide::Good, Parts::new()), (found.at, found.set.clone())];
        for part in found.culprits.intersection(&found.set) {
            needed.push((found.at, without(&found.set, *part)));
        }
        self.repeat(&needed)
    }

    /// `set` with all that it needs to load, and the result.
    fn close(&self, at: ImageSide, set: &Parts) -> Searched<(Parts, ExperimentResult)> {
        let mut closed = set.clone();
        loop {
            let seen = self.result(at, &closed)?;
            if seen.effect != Effect::Inconclusive || seen.needs.is_subset(&closed) {
                return Ok((closed, seen));
            }
            closed.extend(seen.needs);
            // The carriers are tried alone as well, at the same time.
            let carriers: Parts = closed.difference(set).copied().collect();
            self.request(&[(at, closed.clone()), (at, carriers)])?;
        }
    }

    fn turns(&self, at: ImageSide, set: &Parts) -> Searched<bool> {
        Ok(self.result(at, set)?.effect == at.turned())
    }

    fn result(&self, at: ImageSide, swapped: &Parts) -> Searched<ExperimentResult> {
        self.known.settled(at, swapped).ok_or_else(|| self.need(vec![(at, swapped.clone(), 1)]))
    }

    /// Requests those of `requested` that are not known, at the same time.
    fn request(&self, requested: &[(ImageSide, Parts)]) -> Searched<()> {
        let unknown = requested.iter().filter(|(at, set)| self.known.settled(*at, set).is_none());
        let unknown: Vec<_> = unknown.map(|(at, set)| (*at, set.clone(), 1)).collect();
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    /// Requests `requested` in every round that a conclusion needs.
    fn repeat(&self, requested: &[(ImageSide, Parts)]) -> Searched<()> {
        self.rounds(requested, self.problem.rounds)
    }

    fn rounds(&self, requested: &[(ImageSide, Parts)], rounds: u32) -> Searched<()> {
        let mut unknown = Vec::new();
        for (at, set) in requested {
            for round in 1..=rounds {
                let wanted = (*at, set.clone(), round);
                if !self.known.has(*at, set, round) && !unknown.contains(&wanted) {
                    unknown.push(wanted);
                }
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    fn need(&self, wanted: Vec<(ImageSide, Parts, u32)>) -> NextExperiments {
        let experiment = |(at, swapped, round)| Experiment { at, swapped, round };
        NextExperiments { experiments: wanted.into_iter().map(experiment).collect(), suspects: self.suspects.clone() }
    }
}

#[cfg(test)]
mod tests;
