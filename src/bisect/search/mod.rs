//! The search for the smallest set of parts that decides whether a trial passes. Pure: it says which
//! experiments it needs, and is asked again once they are known.
//!
//! It is a function of what is known so far and runs from the start each time: no state to keep in
//! step, and a repetition that contradicts an earlier experiment changes the whole course by itself.

mod known;

use crate::model::Effect;

pub use known::{Experiment, Known, Parts, Seen, Side};
use known::{split, without};

/// What to search.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    /// Parts `0..libraries` are libraries: they are searched.
    pub libraries: usize,
    /// Parts `libraries..libraries + others` are other suspects: each is one experiment.
    pub others: usize,
    /// Rounds of both ends before anything is searched: who flickers shall show it there.
    pub ends: u32,
    /// Rounds that a conclusion needs.
    pub rounds: u32,
    /// Sets that are asked at the same time, where the next would be asked anyway unless this one decides.
    pub width: usize,
}

/// Experiments without which there is no going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// None of them known, none twice. The first is needed, the others may be.
    pub experiments: Vec<Experiment>,
    /// Parts that are still under suspicion.
    pub suspects: Parts,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// These parts decide.
    Found(Found),
    /// All parts together do not turn the outcome: something else does.
    NotAmongThese,
    /// No experiment that could have told was conclusive.
    Blocked,
    /// The ends do not differ as they should, or not steadily.
    NoEnds,
}

/// Parts that decide, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The side in whose image the set was found.
    pub at: Side,
    /// The smallest set that was seen to turn the outcome there.
    pub set: Parts,
    /// Those of it without which it was seen not to turn.
    pub culprits: Parts,
    /// Those of it that were seen to be needed for nothing but loading.
    pub companions: Parts,
    /// Those of it of which neither was seen.
    pub unresolved: Parts,
    /// What the other image said.
    pub reverse: Reverse,
    /// Whether no experiment contradicted itself from one round to another.
    pub steady: bool,
}

/// What the other image said about a set that turns the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reverse {
    /// The set turns it too, with these parts to carry it, which turn nothing by themselves.
    Confirmed(Parts),
    /// It could not be told: this closed set did not load, or its carriers turn it by themselves.
    Unclear(Parts),
    /// The set alone does not turn it, loaded with these carriers: it takes more.
    NotAlone(Parts),
}

/// Experiments that a search over `parts` parts with all outcomes conclusive takes at most: delta debugging's
/// own n² + 3n (Zeller and Hildebrandt 2002, proposition 12), once in each image, and what confirms it.
pub fn worst(parts: usize, rounds: u32) -> usize {
    let rounds = rounds as usize;
    2 * (parts * parts + 3 * parts) + (4 + parts) * rounds + 3 * (parts + rounds) + 2
}

/// What is known so far comes to, or what must be tried next.
pub fn search(problem: &Problem, known: &Known) -> Result<Conclusion, Need> {
    Search { problem, known, suspects: (0..problem.libraries + problem.others).collect() }.run()
}

struct Search<'a> {
    problem: &'a Problem,
    known: &'a Known,
    suspects: Parts,
}

type Answer<T> = Result<T, Need>;

impl Search<'_> {
    fn run(&mut self) -> Answer<Conclusion> {
        let none = Parts::new();
        let ends = [(Side::Bad, none.clone()), (Side::Good, none.clone())];
        for rounds in [1, self.problem.ends] {
            self.rounds(&ends, rounds)?;
            for side in [Side::Bad, Side::Good] {
                if self.ask(side, &none)?.effect != side.plain() {
                    return Ok(Conclusion::NoEnds);
                }
            }
        }
        let Some((at, start)) = self.start()? else {
            let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
            let told = self.ask(Side::Bad, &all)?.effect == Effect::Fail;
            return Ok(if told { Conclusion::NotAmongThese } else { Conclusion::Blocked });
        };
        let set = self.reduce(at, start)?;
        self.ahead(at, &set)?;
        let mut found = self.weigh(at, set)?;
        self.confirm(&found)?;
        found.steady = !self.known.contradicts_itself();
        Ok(Conclusion::Found(found))
    }

    /// A set that turns the outcome, and where: the cheapest question first.
    fn start(&self) -> Answer<Option<(Side, Parts)>> {
        let libraries: Parts = (0..self.problem.libraries).collect();
        let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
        let alone = all.difference(&libraries).map(|part| Parts::from([*part]));
        let mut asked: Vec<(Side, Parts)> = Vec::new();
        if !libraries.is_empty() {
            asked.push((Side::Bad, libraries.clone()));
        }
        asked.extend(alone.map(|part| (Side::Bad, part)));
        self.ask_all(&asked)?;
        for (at, set) in asked {
            if self.turns(at, &set)? {
                return Ok(Some((at, set)));
            }
        }
        for (at, set) in [(Side::Bad, &all), (Side::Good, &libraries), (Side::Good, &all)] {
            if !set.is_empty() && self.turns(at, set)? {
                return Ok(Some((at, set.clone())));
            }
        }
        // Together they may not load, or hide each other: go round.
        for at in [Side::Bad, Side::Good] {
            if self.ask(at, &all)?.effect != Effect::Inconclusive {
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

    /// Delta debugging (Zeller's ddmin): a subset of `set` that turns the outcome, and of which no
    /// single part can be left out.
    fn reduce(&mut self, at: Side, mut set: Parts) -> Answer<Parts> {
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

    /// The first of `sets` that turns the outcome. What is likely to be asked next is asked along.
    fn first(&self, at: Side, sets: &[Parts]) -> Answer<Option<Parts>> {
        for (place, set) in sets.iter().enumerate() {
            if self.known.settled(at, set).is_none() {
                let ahead = sets[place..].iter().filter(|set| self.known.settled(at, set).is_none());
                let ahead: Vec<_> = ahead.take(self.problem.width.max(1)).map(|set| (at, set.clone())).collect();
                self.ask_all(&ahead)?;
            }
            if self.turns(at, set)? {
                return Ok(Some(set.clone()));
            }
        }
        Ok(None)
    }

    /// Everything that is asked of any smallest set, at one time: the ends once more, the set once more, and the
    /// other image.
    fn ahead(&self, at: Side, set: &Parts) -> Answer<()> {
        let ends = [(Side::Bad, Parts::new()), (Side::Good, Parts::new()), (at, set.clone())];
        let again =
            ends.into_iter().flat_map(|(at, set)| (1..=self.problem.rounds).map(move |round| (at, set.clone(), round)));
        let other = (at.other(), set.clone(), 1);
        let unknown = again.chain([other]).filter(|(at, set, round)| !self.known.has(*at, set, *round));
        let unknown: Vec<_> = unknown.collect();
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    /// Tells culprits of a smallest set from parts that only let it load.
    fn weigh(&self, at: Side, set: Parts) -> Answer<Found> {
        let (culprits, companions, unresolved) = (Parts::new(), Parts::new(), Parts::new());
        let reverse = Reverse::Unclear(Parts::new());
        let mut found = Found { at, set, culprits, companions, unresolved, reverse, steady: true };
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

    /// Whether `part` of a smallest set decides; `None`: it cannot be told.
    fn guilty(&self, at: Side, set: &Parts, part: usize) -> Answer<Option<bool>> {
        let (there, rest) = (at.other(), without(set, part));
        if self.ask(at, &rest)?.effect == at.plain() {
            return Ok(Some(true));
        }
        // The set does not load without the part, so ask the other image whether the rest decides.
        match self.carried(there, &rest)? {
            Reverse::Confirmed(carriers) if !carriers.contains(&part) => {}
            Reverse::NotAlone(carriers) if carriers.is_empty() && self.turns(there, set)? => return Ok(Some(true)),
            _ => return Ok(None),
        }
        // The rest does. That clears the part only if it does nothing by itself.
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

    /// What carries the culprits in the other image and turns this one by itself is guilty too: it takes them
    /// all to fail, and each of them mends it.
    fn carriers(&self, found: &mut Found, carriers: &Parts) -> Answer<()> {
        let at = found.at;
        let alone: Vec<(Side, Parts)> =
            carriers.difference(&found.set).map(|part| (at, Parts::from([*part]))).collect();
        self.ask_all(&alone)?;
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

    /// When the culprits do not turn the other image alone, what else it takes there is guilty too: one
    /// part mended each of them, and it takes them all to fail.
    fn accomplices(&self, found: &mut Found) -> Answer<()> {
        let there = found.at.other();
        let libraries: Parts = (0..self.problem.libraries).collect();
        let all: Parts = (0..self.problem.libraries + self.problem.others).collect();
        for start in [libraries, all] {
            if start.is_empty() || !self.turns(there, &start)? {
                continue;
            }
            let mut further = Search { problem: self.problem, known: self.known, suspects: start.clone() };
            let set = further.reduce(there, start)?;
            let mut resting = vec![(there, set.clone())];
            for part in &set {
                let rest = without(&set, *part);
                if self.ask(there, &rest)?.effect == there.plain() {
                    resting.push((there, rest));
                    found.culprits.insert(*part);
                    found.unresolved.remove(part);
                    found.companions.remove(part);
                }
            }
            self.repeat(&resting)?;
            if found.culprits.is_subset(&set) {
                found.reverse = Reverse::Confirmed(set.difference(&found.culprits).copied().collect());
            }
            return Ok(());
        }
        Ok(())
    }

    /// Whether `set` turns the image of `at`, with whatever it needs to load; the carriers are tried
    /// alone as well, lest they get its blame.
    fn carried(&self, at: Side, set: &Parts) -> Answer<Reverse> {
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
            if self.ask(at, &carriers)?.effect != at.plain() {
                return Ok(Reverse::Unclear(closed));
            }
            repeated.push((at, carriers.clone()));
        }
        self.repeat(&repeated)?;
        Ok(Reverse::Confirmed(carriers))
    }

    /// Every experiment that the conclusion rests on, in all rounds.
    fn confirm(&self, found: &Found) -> Answer<()> {
        let mut resting = vec![(Side::Bad, Parts::new()), (Side::Good, Parts::new()), (found.at, found.set.clone())];
        for part in found.culprits.intersection(&found.set) {
            resting.push((found.at, without(&found.set, *part)));
        }
        self.repeat(&resting)
    }

    /// `set` with all that it needs to load, and what that came to.
    fn close(&self, at: Side, set: &Parts) -> Answer<(Parts, Seen)> {
        let mut closed = set.clone();
        loop {
            let seen = self.ask(at, &closed)?;
            if seen.effect != Effect::Inconclusive || seen.needs.is_subset(&closed) {
                return Ok((closed, seen));
            }
            closed.extend(seen.needs);
            // What carries the set is tried alone, too: at the same time.
            let carriers: Parts = closed.difference(set).copied().collect();
            self.ask_all(&[(at, closed.clone()), (at, carriers)])?;
        }
    }

    fn turns(&self, at: Side, set: &Parts) -> Answer<bool> {
        Ok(self.ask(at, set)?.effect == at.turned())
    }

    fn ask(&self, at: Side, swapped: &Parts) -> Answer<Seen> {
        self.known.settled(at, swapped).ok_or_else(|| self.need(vec![(at, swapped.clone(), 1)]))
    }

    /// All of `asked`, those that are not known at the same time.
    fn ask_all(&self, asked: &[(Side, Parts)]) -> Answer<()> {
        let unknown = asked.iter().filter(|(at, set)| self.known.settled(*at, set).is_none());
        let unknown: Vec<_> = unknown.map(|(at, set)| (*at, set.clone(), 1)).collect();
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    /// All of `asked` in every round that a conclusion needs.
    fn repeat(&self, asked: &[(Side, Parts)]) -> Answer<()> {
        self.rounds(asked, self.problem.rounds)
    }

    fn rounds(&self, asked: &[(Side, Parts)], rounds: u32) -> Answer<()> {
        let mut unknown = Vec::new();
        for (at, set) in asked {
            for round in 1..=rounds {
                let wanted = (*at, set.clone(), round);
                if !self.known.has(*at, set, round) && !unknown.contains(&wanted) {
                    unknown.push(wanted);
                }
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(self.need(unknown)) }
    }

    fn need(&self, wanted: Vec<(Side, Parts, u32)>) -> Need {
        let experiment = |(at, swapped, round)| Experiment { at, swapped, round };
        Need { experiments: wanted.into_iter().map(experiment).collect(), suspects: self.suspects.clone() }
    }
}

#[cfg(test)]
mod tests;
