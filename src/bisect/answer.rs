//! From the end of a search over parts of a distro to its answer. Pure.

use super::parts::{CellDifferences, PartKind};
use super::search::{Conclusion, FoundParts, ImageSide, Parts, Reverse};
use crate::model::{BISECT_SCHEMA, Bisection, CellId, Fate, Over, Standing, Suspect, Tried};

/// How a search over parts of the distro ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchEnd {
    /// It reached a conclusion.
    Concluded(Conclusion),
    /// The limit of experiments was reached; these parts are still suspected.
    OutOfExperiments(Parts),
}

/// The question of a search over parts of a distro.
#[derive(Debug, Clone, Copy)]
pub struct DistroCase<'a> {
    /// The cell that passes.
    pub good: &'a CellId,
    /// The cell that fails.
    pub bad: &'a CellId,
    /// The trial.
    pub trial: &'a str,
    /// The parts in which the cells differ.
    pub differences: &'a CellDifferences,
    /// Further notes for the answer.
    pub notes: &'a [String],
}

/// The result of a bisection over parts of the distro.
pub fn over_distro(case: DistroCase<'_>, end: &SearchEnd, experiments: Vec<Tried>) -> Bisection {
    let (standing, answer) = match end {
        SearchEnd::Concluded(Conclusion::Found(found)) => (standing(found), case.sentence(found)),
        SearchEnd::Concluded(Conclusion::NotAmongThese) => (Standing::Open, case.not_among_these()),
        SearchEnd::Concluded(Conclusion::Blocked) => (Standing::Open, case.blocked()),
        SearchEnd::Concluded(Conclusion::NoEnds) => (Standing::Open, case.no_ends()),
        SearchEnd::OutOfExperiments(suspects) => (
            Standing::Open,
            format!(
                "{} experiments were not enough, still suspected: {}; allow more with --limit",
                experiments.len(),
                list(&case.differences.names(suspects))
            ),
        ),
    };
    let mut notes: Vec<String> = case.notes.to_vec();
    notes.extend(case.differences.notes.iter().cloned());
    if let SearchEnd::Concluded(Conclusion::Found(found)) = end {
        notes.extend(case.reverse_note(found));
        if !found.steady {
            let note = "an experiment passed in one round and failed in another: the trial is flaky, so what it \
                        seems to depend on may be chance";
            notes.push(note.to_owned());
        }
    }
    Bisection {
        schema: BISECT_SCHEMA,
        over: Over::Distro,
        good: case.good.clone(),
        bad: case.bad.clone(),
        trial: case.trial.to_owned(),
        standing,
        answer,
        notes,
        suspects: case.suspects(end),
        experiments,
    }
}

/// How certain a found set is.
pub fn standing(found: &FoundParts) -> Standing {
    match found.reverse {
        _ if found.culprits.is_empty() || !found.unresolved.is_empty() || !found.steady => Standing::Narrowed,
        Reverse::Confirmed(_) => Standing::BothWays,
        Reverse::Unclear(_) => Standing::OneWay,
        // Something else is involved, or the trial is flaky: no part is named.
        Reverse::NotAlone(_) => Standing::Narrowed,
    }
}

/// Whether the culprits can be named: the other image does not contradict them, and no experiment contradicts another.
fn is_named(found: &FoundParts) -> bool {
    found.steady && !matches!(found.reverse, Reverse::NotAlone(_))
}

impl DistroCase<'_> {
    /// `the cause is openssl: ...`, with the two versions.
    fn sentence(&self, found: &FoundParts) -> String {
        let Self { good, bad, trial, .. } = self;
        let named = if found.culprits.is_empty() { &found.unresolved } else { &found.culprits };
        let cause = match (found.culprits.len(), found.unresolved.is_empty()) {
            _ if !is_named(found) => {
                format!("{} may be involved, but nothing is certain", self.list(named))
            }
            (0, _) => format!("the cause is one or more of {}, which no experiment could separate", self.list(named)),
            (1, true) => format!("the cause is {}", self.list(named)),
            (_, true) => format!("the cause is {} together", self.list(named)),
            (_, false) => format!("the cause is {}, perhaps with {}", self.list(named), self.list(&found.unresolved)),
        };
        let fails = format!("{bad} fails {trial} with {}", self.versions(named, ImageSide::Bad));
        let along = |carriers: &Parts| match self.differences.names(carriers).as_slice() {
            [] => String::new(),
            some => format!(" (together with its {}, which alone changes nothing)", list(some)),
        };
        let companions = along(&found.companions);
        let taken = format!("{} of {}", self.versions(named, ImageSide::Bad), bad.distro);
        match (found.at, &found.reverse) {
            (ImageSide::Bad, reverse) => {
                let given = self.versions(&found.set.intersection(named).copied().collect(), ImageSide::Good);
                let distro = &good.distro;
                let back = match reverse {
                    Reverse::Confirmed(carriers) => {
                        format!("; in reverse, {good} passes it, and fails it with {taken}{}", along(carriers))
                    }
                    Reverse::Unclear(_) | Reverse::NotAlone(_) => String::new(),
                };
                format!(
                    "{cause}: {fails} and passes it with {given} of {distro}{companions}, everything else unchanged{back}"
                )
            }
            (ImageSide::Good, reverse) => {
                let back = match reverse {
                    Reverse::Confirmed(carriers) => {
                        let given = self.versions(named, ImageSide::Good);
                        format!(" and passes it with {given} of {}{}", good.distro, along(carriers))
                    }
                    Reverse::Unclear(_) | Reverse::NotAlone(_) => String::new(),
                };
                format!("{cause}: {good} passes {trial}, and fails it with {taken}{companions}; {fails}{back}")
            }
        }
    }

    fn not_among_these(&self) -> String {
        format!(
            "the cause is none of the swapped parts: {} fails {} even with everything listed below from {}",
            self.bad, self.trial, self.good.distro
        )
    }

    fn blocked(&self) -> String {
        format!(
            "no answer: the parts in which {} and {} differ do not load in each other's image, so no experiment was \
             conclusive",
            self.good.distro, self.bad.distro
        )
    }

    fn no_ends(&self) -> String {
        format!(
            "nothing to search: {} does not reliably pass on {} and fail on {} under the conditions of the search",
            self.trial, self.good, self.bad
        )
    }

    /// Why the other image did not confirm the culprits.
    fn reverse_note(&self, found: &FoundParts) -> Option<String> {
        let there = match found.at {
            ImageSide::Bad => self.good,
            ImageSide::Good => self.bad,
        };
        match &found.reverse {
            Reverse::Confirmed(_) => None,
            Reverse::Unclear(closed) => {
                Some(format!("not confirmed in reverse: {there} with {} swapped was inconclusive", self.list(closed)))
            }
            Reverse::NotAlone(_) => Some(format!(
                "not confirmed in reverse: {there} does not change with {} alone",
                self.list(&found.culprits)
            )),
        }
    }

    fn suspects(&self, end: &SearchEnd) -> Vec<Suspect> {
        let everything: Parts = (0..self.differences.parts.len()).collect();
        // Cells write their own configuration, and engines do not apply sysctl.d, so the ends ran without these.
        let cleared = |part: usize| match self.differences.parts.get(part).map(|part| part.kind) {
            Some(PartKind::Configuration | PartKind::Sysctls) => Fate::NotApplied,
            Some(PartKind::Libraries | PartKind::Openssl | PartKind::Locale | PartKind::Fixed) | None => Fate::RuledOut,
        };
        let fate = |part: usize| match end {
            SearchEnd::Concluded(Conclusion::Found(found)) => {
                let culprit = found.culprits.contains(&part);
                if culprit && !is_named(found) {
                    Fate::Unresolved
                } else if culprit {
                    Fate::Culprit
                } else if found.companions.contains(&part) {
                    Fate::Companion
                } else if found.unresolved.contains(&part) {
                    Fate::Unresolved
                } else {
                    cleared(part)
                }
            }
            SearchEnd::Concluded(Conclusion::NotAmongThese) => cleared(part),
            SearchEnd::Concluded(_) => Fate::Unresolved,
            SearchEnd::OutOfExperiments(suspects) if suspects.contains(&part) => Fate::Unresolved,
            SearchEnd::OutOfExperiments(_) => cleared(part),
        };
        let parts = everything.into_iter().zip(&self.differences.parts).map(|(number, part)| Suspect {
            name: part.name.clone(),
            members: part.members.clone(),
            good: part.good.clone(),
            bad: part.bad.clone(),
            fate: fate(number),
        });
        let mut suspects: Vec<Suspect> = parts.chain(self.differences.same.iter().cloned()).collect();
        // The most important first; within a rank the order of the search.
        let rank = |suspect: &Suspect| match suspect.fate {
            Fate::Culprit => 0,
            Fate::Companion => 1,
            Fate::Unresolved => 2,
            Fate::RuledOut => 3,
            Fate::NotApplied => 4,
            Fate::Same => 5,
        };
        suspects.sort_by_key(rank);
        suspects
    }

    fn list(&self, parts: &Parts) -> String {
        list(&self.differences.names(parts))
    }

    /// `openssl 3.0.20 (libssl3 3.0.20-1) and ...`.
    fn versions(&self, parts: &Parts, side: ImageSide) -> String {
        let versions = parts.iter().filter_map(|part| self.differences.parts.get(*part)).map(|part| match side {
            ImageSide::Good => format!("{} {}", part.name, part.good),
            ImageSide::Bad => format!("{} {}", part.name, part.bad),
        });
        list(&versions.collect::<Vec<_>>())
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The trial that distinguishes two cells: the first of `trials` that passes in `good` and fails in `bad`. Both are
/// lists of trials and whether they passed, without trials that have no answer.
pub fn distinguishing_trial<'a>(trials: &[&'a str], good: &[(&str, bool)], bad: &[(&str, bool)]) -> Option<&'a str> {
    let is = |cell: &[(&str, bool)], trial: &str, passed| cell.contains(&(trial, passed));
    trials.iter().copied().find(|trial| is(good, trial, true) && is(bad, trial, false))
}

#[cfg(test)]
mod tests {
    use super::super::parts::DistroPart;
    use super::*;

    fn differences() -> CellDifferences {
        let part = |name: &str, good: &str, bad: &str| DistroPart {
            name: name.into(),
            members: vec![format!("lib{name}.so.1")],
            good: good.into(),
            bad: bad.into(),
            kind: PartKind::Libraries,
        };
        let parts = vec![part("glibc", "2.36", "2.41"), part("openssl", "3.0.20", "3.5.7"), part("zlib", "1.2", "1.3")];
        CellDifferences { parts, libraries: 3, ..CellDifferences::default() }
    }

    fn answer(end: &SearchEnd) -> Bisection {
        let (good, bad) = ("debian-12/9.2.5".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        let differences = differences();
        over_distro(
            DistroCase { good: &good, bad: &bad, trial: "tls-x", differences: &differences, notes: &[] },
            end,
            Vec::new(),
        )
    }

    fn found(culprits: &[usize], reverse: Reverse) -> FoundParts {
        let set: Parts = culprits.iter().copied().collect();
        let (companions, unresolved) = (Parts::new(), Parts::new());
        FoundParts { at: ImageSide::Bad, culprits: set.clone(), set, companions, unresolved, reverse, steady: true }
    }

    #[test]
    fn the_answer_is_a_sentence_with_both_versions_and_directions() {
        let answer = answer(&SearchEnd::Concluded(Conclusion::Found(found(&[1], Reverse::Confirmed([0].into())))));
        assert_eq!(
            answer.answer,
            "the cause is openssl: debian-13/9.2.5 fails tls-x with openssl 3.5.7 and passes it with openssl 3.0.20 of \
             debian-12, everything else unchanged; in reverse, debian-12/9.2.5 passes it, and fails it with openssl \
             3.5.7 of debian-13 (together with its glibc, which alone changes nothing)"
        );
        assert_eq!(answer.standing, Standing::BothWays);
        let fates: Vec<_> = answer.suspects.iter().map(|suspect| (suspect.name.as_str(), suspect.fate)).collect();
        assert_eq!(fates, [("openssl", Fate::Culprit), ("glibc", Fate::RuledOut), ("zlib", Fate::RuledOut)]);
    }

    #[test]
    fn settings_that_cells_do_not_apply_are_not_ruled_out() {
        let mut differences = differences();
        differences.parts[2].kind = PartKind::Sysctls;
        let (good, bad) = ("debian-12/9.2.5".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        let case = DistroCase { good: &good, bad: &bad, trial: "tls-x", differences: &differences, notes: &[] };
        let end = SearchEnd::Concluded(Conclusion::Found(found(&[1], Reverse::Confirmed([].into()))));
        let answer = over_distro(case, &end, Vec::new());
        assert_eq!(answer.suspects[2].fate, Fate::NotApplied);
    }

    #[test]
    fn uncertainty_is_stated() {
        let one_way = answer(&SearchEnd::Concluded(Conclusion::Found(found(&[1], Reverse::Unclear([0, 1].into())))));
        assert_eq!(one_way.standing, Standing::OneWay);
        assert!(one_way.notes[0].contains("debian-12/9.2.5 with glibc and openssl swapped"), "{:?}", one_way.notes);
        let unsteady = FoundParts { steady: false, ..found(&[1], Reverse::Confirmed(Parts::new())) };
        for found in [found(&[1], Reverse::NotAlone(Parts::new())), unsteady] {
            let unnamed = answer(&SearchEnd::Concluded(Conclusion::Found(found)));
            assert_eq!(unnamed.standing, Standing::Narrowed);
            assert!(unnamed.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit), "{:?}", unnamed.suspects);
            assert!(
                unnamed.answer.starts_with("openssl may be involved, but nothing is certain"),
                "{}",
                unnamed.answer
            );
        }
        let narrowed = FoundParts {
            culprits: Parts::new(),
            unresolved: [1, 2].into(),
            ..found(&[1, 2], Reverse::Unclear(Parts::new()))
        };
        let narrowed = answer(&SearchEnd::Concluded(Conclusion::Found(narrowed)));
        assert_eq!(narrowed.standing, Standing::Narrowed);
        assert!(narrowed.answer.starts_with("the cause is one or more of openssl and zlib"), "{}", narrowed.answer);
        for end in [Conclusion::NotAmongThese, Conclusion::Blocked, Conclusion::NoEnds].map(SearchEnd::Concluded) {
            let open = answer(&end);
            assert_eq!(open.standing, Standing::Open);
            assert!(open.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit));
        }
        let stopped = answer(&SearchEnd::OutOfExperiments([1].into()));
        assert_eq!(stopped.suspects[0].fate, Fate::Unresolved);
    }

    #[test]
    fn the_distinguishing_trial_is_the_first_with_different_answers() {
        let (good, bad) = ([("a", true), ("b", true), ("c", true)], [("a", true), ("c", false)]);
        assert_eq!(distinguishing_trial(&["a", "b", "c"], &good, &bad), Some("c"));
        assert_eq!(distinguishing_trial(&["a", "b"], &good, &bad), None);
    }
}
