//! From what a search came to, to what is kept and said. Pure.

use super::parts::{Kind, Parting};
use super::search::{Conclusion, Found, Parts, Reverse, Side};
use crate::model::{BISECT_SCHEMA, Bisection, CellId, Fate, Over, Standing, Suspect, Tried};

/// How a search over parts of the distro ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Concluded(Conclusion),
    /// The experiments that were allowed are used up; these parts are still suspected.
    OutOfExperiments(Parts),
}

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The cell that passes.
    pub good: &'a CellId,
    /// The cell that fails.
    pub bad: &'a CellId,
    /// The trial.
    pub trial: &'a str,
    /// What the cells differ in.
    pub parting: &'a Parting,
    /// What is to be said besides.
    pub notes: &'a [String],
}

/// The whole of a bisection over parts of the distro.
pub fn over_distro(case: Case<'_>, end: &End, experiments: Vec<Tried>) -> Bisection {
    let (standing, answer) = match end {
        End::Concluded(Conclusion::Found(found)) => (standing(found), case.sentence(found)),
        End::Concluded(Conclusion::NotAmongThese) => (Standing::Open, case.not_among_these()),
        End::Concluded(Conclusion::Blocked) => (Standing::Open, case.blocked()),
        End::Concluded(Conclusion::NoEnds) => (Standing::Open, case.no_ends()),
        End::OutOfExperiments(suspects) => (
            Standing::Open,
            format!(
                "{} experiments were not enough: still suspected are {}; allow more with --limit",
                experiments.len(),
                list(&case.parting.names(suspects))
            ),
        ),
    };
    let mut notes: Vec<String> = case.notes.to_vec();
    notes.extend(case.parting.notes.iter().cloned());
    if let End::Concluded(Conclusion::Found(found)) = end {
        notes.extend(case.reverse_note(found));
        if !found.steady {
            let note = "an experiment passed in one round and failed in another: the trial flickers, and what it \
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

/// How sure a found set is.
pub fn standing(found: &Found) -> Standing {
    match found.reverse {
        _ if found.culprits.is_empty() || !found.unresolved.is_empty() || !found.steady => Standing::Narrowed,
        Reverse::Confirmed(_) => Standing::BothWays,
        Reverse::Unclear(_) => Standing::OneWay,
        // Something else takes part, or the trial flickers: nobody is named.
        Reverse::NotAlone(_) => Standing::Narrowed,
    }
}

/// Whether those who are at fault can be named: the other image bears them out, and nothing contradicts itself.
fn is_named(found: &Found) -> bool {
    found.steady && !matches!(found.reverse, Reverse::NotAlone(_))
}

impl Case<'_> {
    /// `openssl decides it: ...`, with the two versions.
    fn sentence(&self, found: &Found) -> String {
        let Self { good, bad, trial, .. } = self;
        let named = if found.culprits.is_empty() { &found.unresolved } else { &found.culprits };
        let who = match (found.culprits.len(), found.unresolved.is_empty()) {
            _ if !is_named(found) => {
                format!("{} may take part in it, and nothing is certain", self.list(named))
            }
            (0, _) => format!("one or more of {} decide it, and no experiment could tell them apart", self.list(named)),
            (1, true) => format!("{} decides it", self.list(named)),
            (_, true) => format!("{} decide it together", self.list(named)),
            (_, false) => format!("{} decides it, perhaps with {}", self.list(named), self.list(&found.unresolved)),
        };
        let fails = format!("{bad} fails {trial} with {}", self.versions(named, Side::Bad));
        let along = |carriers: &Parts| match self.parting.names(carriers).as_slice() {
            [] => String::new(),
            some => format!(" (beside its {}, which alone changes nothing)", list(some)),
        };
        let companions = along(&found.companions);
        let taken = format!("{} of {}", self.versions(named, Side::Bad), bad.distro);
        match (found.at, &found.reverse) {
            (Side::Bad, reverse) => {
                let given = self.versions(&found.set.intersection(named).copied().collect(), Side::Good);
                let distro = &good.distro;
                let back = match reverse {
                    Reverse::Confirmed(carriers) => {
                        format!("; the other way round, {good} passes, and fails it with {taken}{}", along(carriers))
                    }
                    _ => String::new(),
                };
                format!("{who}: {fails} and passes it with {given} of {distro}{companions}, all else unchanged{back}")
            }
            (Side::Good, reverse) => {
                let back = match reverse {
                    Reverse::Confirmed(carriers) => {
                        let given = self.versions(named, Side::Good);
                        format!(" and passes it with {given} of {}{}", good.distro, along(carriers))
                    }
                    _ => String::new(),
                };
                format!("{who}: {good} passes {trial}, and fails it with {taken}{companions}; {fails}{back}")
            }
        }
    }

    fn not_among_these(&self) -> String {
        format!(
            "no part that was swapped decides it: {} fails {} with everything listed below from {} too",
            self.bad, self.trial, self.good.distro
        )
    }

    fn blocked(&self) -> String {
        format!(
            "no answer: what {} and {} differ in does not load in each other's place, so no experiment could tell",
            self.good.distro, self.bad.distro
        )
    }

    fn no_ends(&self) -> String {
        format!(
            "nothing to search: {} does not pass on {} and fail on {} steadily under the conditions of the search",
            self.trial, self.good, self.bad
        )
    }

    /// Why the other image could not confirm.
    fn reverse_note(&self, found: &Found) -> Option<String> {
        let there = match found.at {
            Side::Bad => self.good,
            Side::Good => self.bad,
        };
        match &found.reverse {
            Reverse::Confirmed(_) => None,
            Reverse::Unclear(closed) => Some(format!(
                "not confirmed the other way round: no conclusion from {there} with {} swapped",
                self.list(closed)
            )),
            Reverse::NotAlone(_) => Some(format!(
                "not confirmed the other way round: {there} does not change with {} alone",
                self.list(&found.culprits)
            )),
        }
    }

    fn suspects(&self, end: &End) -> Vec<Suspect> {
        let everything: Parts = (0..self.parting.parts.len()).collect();
        // Cells write their own configuration, and an engine sets no sysctl.d: the ends ran without.
        let cleared = |part: usize| match self.parting.parts.get(part).map(|part| part.kind) {
            Some(Kind::Configuration | Kind::Sysctls) => Fate::NotApplied,
            _ => Fate::RuledOut,
        };
        let fate = |part: usize| match end {
            End::Concluded(Conclusion::Found(found)) => {
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
            End::Concluded(Conclusion::NotAmongThese) => cleared(part),
            End::Concluded(_) => Fate::Unresolved,
            End::OutOfExperiments(suspects) if suspects.contains(&part) => Fate::Unresolved,
            End::OutOfExperiments(_) => cleared(part),
        };
        let parts = everything.into_iter().zip(&self.parting.parts).map(|(number, part)| Suspect {
            name: part.name.clone(),
            members: part.members.clone(),
            good: part.good.clone(),
            bad: part.bad.clone(),
            fate: fate(number),
        });
        let mut suspects: Vec<Suspect> = parts.chain(self.parting.same.iter().cloned()).collect();
        // What matters first; the order within is that of the search.
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
        list(&self.parting.names(parts))
    }

    /// `openssl 3.0.20 (libssl3 3.0.20-1) and ...`.
    fn versions(&self, parts: &Parts, side: Side) -> String {
        let told = parts.iter().filter_map(|part| self.parting.parts.get(*part)).map(|part| match side {
            Side::Good => format!("{} {}", part.name, part.good),
            Side::Bad => format!("{} {}", part.name, part.bad),
        });
        list(&told.collect::<Vec<_>>())
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

/// The trial that tells two cells apart: the first of `trials` that passes in the one and fails in the other.
/// Both are lists of trial and whether it passed; a trial without an answer is in neither.
pub fn telling_trial<'a>(trials: &[&'a str], good: &[(&str, bool)], bad: &[(&str, bool)]) -> Option<&'a str> {
    let is = |cell: &[(&str, bool)], trial: &str, passed| cell.contains(&(trial, passed));
    trials.iter().copied().find(|trial| is(good, trial, true) && is(bad, trial, false))
}

#[cfg(test)]
mod tests {
    use super::super::parts::Part;
    use super::*;

    fn parting() -> Parting {
        let part = |name: &str, good: &str, bad: &str| Part {
            name: name.into(),
            members: vec![format!("lib{name}.so.1")],
            good: good.into(),
            bad: bad.into(),
            kind: Kind::Libraries,
        };
        let parts = vec![part("glibc", "2.36", "2.41"), part("openssl", "3.0.20", "3.5.7"), part("zlib", "1.2", "1.3")];
        Parting { parts, libraries: 3, ..Parting::default() }
    }

    fn answer(end: &End) -> Bisection {
        let (good, bad) = ("debian-12/9.2.5".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        let parting = parting();
        over_distro(Case { good: &good, bad: &bad, trial: "tls-x", parting: &parting, notes: &[] }, end, Vec::new())
    }

    fn found(culprits: &[usize], reverse: Reverse) -> Found {
        let set: Parts = culprits.iter().copied().collect();
        let (companions, unresolved) = (Parts::new(), Parts::new());
        Found { at: Side::Bad, culprits: set.clone(), set, companions, unresolved, reverse, steady: true }
    }

    #[test]
    fn the_answer_is_a_sentence_with_both_versions_and_both_ways() {
        let answer = answer(&End::Concluded(Conclusion::Found(found(&[1], Reverse::Confirmed([0].into())))));
        assert_eq!(
            answer.answer,
            "openssl decides it: debian-13/9.2.5 fails tls-x with openssl 3.5.7 and passes it with openssl 3.0.20 of \
             debian-12, all else unchanged; the other way round, debian-12/9.2.5 passes, and fails it with openssl \
             3.5.7 of debian-13 (beside its glibc, which alone changes nothing)"
        );
        assert_eq!(answer.standing, Standing::BothWays);
        let fates: Vec<_> = answer.suspects.iter().map(|suspect| (suspect.name.as_str(), suspect.fate)).collect();
        assert_eq!(fates, [("openssl", Fate::Culprit), ("glibc", Fate::RuledOut), ("zlib", Fate::RuledOut)]);
    }

    #[test]
    fn what_cells_run_without_is_not_called_ruled_out() {
        let mut parting = parting();
        parting.parts[2].kind = Kind::Sysctls;
        let (good, bad) = ("debian-12/9.2.5".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        let case = Case { good: &good, bad: &bad, trial: "tls-x", parting: &parting, notes: &[] };
        let end = End::Concluded(Conclusion::Found(found(&[1], Reverse::Confirmed([].into()))));
        let answer = over_distro(case, &end, Vec::new());
        assert_eq!(answer.suspects[2].fate, Fate::NotApplied);
    }

    #[test]
    fn what_could_not_be_told_is_said() {
        let one_way = answer(&End::Concluded(Conclusion::Found(found(&[1], Reverse::Unclear([0, 1].into())))));
        assert_eq!(one_way.standing, Standing::OneWay);
        assert!(one_way.notes[0].contains("debian-12/9.2.5 with glibc and openssl swapped"), "{:?}", one_way.notes);
        let unsteady = Found { steady: false, ..found(&[1], Reverse::Confirmed(Parts::new())) };
        for found in [found(&[1], Reverse::NotAlone(Parts::new())), unsteady] {
            let nobody = answer(&End::Concluded(Conclusion::Found(found)));
            assert_eq!(nobody.standing, Standing::Narrowed);
            assert!(nobody.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit), "{:?}", nobody.suspects);
            assert!(nobody.answer.starts_with("openssl may take part in it"), "{}", nobody.answer);
        }
        let narrowed = Found {
            culprits: Parts::new(),
            unresolved: [1, 2].into(),
            ..found(&[1, 2], Reverse::Unclear(Parts::new()))
        };
        let narrowed = answer(&End::Concluded(Conclusion::Found(narrowed)));
        assert_eq!(narrowed.standing, Standing::Narrowed);
        assert!(narrowed.answer.starts_with("one or more of openssl and zlib"), "{}", narrowed.answer);
        for end in [Conclusion::NotAmongThese, Conclusion::Blocked, Conclusion::NoEnds].map(End::Concluded) {
            let open = answer(&end);
            assert_eq!(open.standing, Standing::Open);
            assert!(open.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit));
        }
        let stopped = answer(&End::OutOfExperiments([1].into()));
        assert_eq!(stopped.suspects[0].fate, Fate::Unresolved);
    }

    #[test]
    fn the_telling_trial_is_the_first_that_both_cells_answer_differently() {
        let (good, bad) = ([("a", true), ("b", true), ("c", true)], [("a", true), ("c", false)]);
        assert_eq!(telling_trial(&["a", "b", "c"], &good, &bad), Some("c"));
        assert_eq!(telling_trial(&["a", "b"], &good, &bad), None);
    }
}
