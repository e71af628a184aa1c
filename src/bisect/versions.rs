//! From a search along versions and patches of ATS to its answer. Pure.

use super::answer::list;
use super::linear::KnownEffects;
use crate::model::{BISECT_SCHEMA, Bisection, CellId, Effect, Fate, Over, Standing, Suspect, Tried};

/// A line of versions, and where its outcome changes.
#[derive(Debug, Clone, Copy)]
pub struct FoundSteps<'a> {
    /// Names of the steps: step `n` leads from place `n` to place `n + 1`.
    pub steps: &'a [String],
    /// The outcomes by place.
    pub known: &'a KnownEffects,
    /// The last place with the outcome of the start.
    pub last: usize,
    /// The first place with the outcome of the end.
    pub first: usize,
}

/// The question of a search along versions, and what was found.
#[derive(Debug, Clone, Copy)]
pub struct VersionCase<'a> {
    /// The cell that passes, or the later end if none does.
    pub good: &'a CellId,
    /// The cell that fails.
    pub bad: &'a CellId,
    /// The trial.
    pub trial: &'a str,
    /// Along the columns of matrix.yaml; `None`: the ends do not differ.
    pub columns: Option<FoundSteps<'a>>,
    /// Along the changes between two columns, with the names of the two.
    pub changes: Option<(FoundSteps<'a>, [&'a str; 2])>,
    /// Whether the two neighbours differed in both rounds.
    pub confirmed: bool,
    /// How many experiments were made, if the limit stopped the search.
    pub limited: Option<usize>,
    /// Further notes for the answer.
    pub notes: &'a [String],
}

/// The result of a bisection over versions.
pub fn over_ats(case: VersionCase<'_>, experiments: Vec<Tried>) -> Bisection {
    let single = |found: &FoundSteps<'_>| found.first == found.last + 1;
    let finest = case.changes.map(|(found, _)| found).or(case.columns);
    let standing = match finest {
        Some(_) if case.limited.is_some() => Standing::Narrowed,
        Some(found) if single(&found) && case.confirmed => Standing::BothWays,
        Some(_) if case.confirmed => Standing::Narrowed,
        _ => Standing::Open,
    };
    let columns = case.columns.map(|found| case.suspects(&found)).unwrap_or_default();
    let changes = case.changes.map(|(found, _)| case.suspects(&found)).unwrap_or_default();
    Bisection {
        schema: BISECT_SCHEMA,
        over: Over::Ats,
        good: case.good.clone(),
        bad: case.bad.clone(),
        trial: case.trial.to_owned(),
        standing,
        answer: case.sentence(),
        notes: case.notes.to_vec(),
        suspects: changes.into_iter().chain(columns).collect(),
        experiments,
    }
}

impl VersionCase<'_> {
    /// The steps of a line as suspects. Only a confirmed step is a culprit.
    fn suspects(&self, found: &FoundSteps<'_>) -> Vec<Suspect> {
        let single = found.first == found.last + 1 && self.confirmed && self.limited.is_none();
        let fate = |step: usize| match (found.last..found.first).contains(&step) {
            true if single => Fate::Culprit,
            true => Fate::Unresolved,
            false => Fate::RuledOut,
        };
        let steps = found.steps.iter().enumerate().map(|(step, name)| Suspect {
            name: name.clone(),
            members: Vec::new(),
            good: String::new(),
            bad: String::new(),
            fate: fate(step),
        });
        steps.collect()
    }

    fn sentence(&self) -> String {
        let distro = &self.bad.distro;
        let trial = self.trial;
        let Some(columns) = self.columns else {
            let (good, bad) = (self.good, self.bad);
            return format!("nothing to search: {trial} does not reliably pass on {good} and fail on {bad}");
        };
        let becomes = |found: &FoundSteps<'_>| match found.known.get(&found.first) {
            Some(Effect::Pass) => "makes it pass",
            Some(Effect::Fail | Effect::Inconclusive) | None => "makes it fail",
        };
        let unsure = match self.limited {
            Some(count) => {
                format!(
                    "; {count} experiments were not enough to narrow it down or to confirm it, allow more with --limit"
                )
            }
            None if self.confirmed => String::new(),
            None => "; a second run contradicted the first, so nothing is certain".to_owned(),
        };
        let between = if self.limited.is_some() { "were not tried" } else { "could not be run" };
        let apart = if self.limited.is_some() { "were not tried separately" } else { "do not work separately" };
        let steps = |found: &FoundSteps<'_>| list(&found.steps[found.last..found.first]);
        if let Some((changes, [base, derived])) = &self.changes {
            let many = changes.first - changes.last;
            let before = match changes.last {
                0 => String::new(),
                1 => ", on top of the change before it".to_owned(),
                count => format!(", on top of the {count} changes before it"),
            };
            if many == 1 {
                return format!(
                    "{} {} ({trial} on {distro}, from ATS {base} to {derived}{before}){unsure}",
                    steps(changes),
                    becomes(changes)
                );
            }
            return format!(
                "one of {many} changes from ATS {base} to {derived} {} ({trial} on {distro}), and they {apart}: \
                 {}{unsure}",
                becomes(changes),
                steps(changes)
            );
        }
        if columns.first == columns.last + 1 {
            return format!("the step {} {} ({trial} on {distro}){unsure}", steps(&columns), becomes(&columns));
        }
        format!(
            "one of the steps {} {} ({trial} on {distro}): the versions between them {between}{unsure}",
            steps(&columns),
            becomes(&columns)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&str]) -> Vec<String> {
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_change_is_named_with_the_changes_below_it() {
        let (good, bad) = ("debian-13/9.2.9".parse().unwrap(), "debian-13/9.2.5".parse().unwrap());
        let columns = names(&["9.2.5 -> 9.2.5-backport", "9.2.5-backport -> 9.2.9"]);
        let changes = names(&["p, a.cc", "p, b.cc", "p, c.cc"]);
        let known = KnownEffects::from([(0, Effect::Fail), (1, Effect::Fail), (2, Effect::Pass), (3, Effect::Pass)]);
        let top = KnownEffects::from([(0, Effect::Fail), (1, Effect::Pass), (2, Effect::Pass)]);
        let case = VersionCase {
            good: &good,
            bad: &bad,
            trial: "tls-x",
            columns: Some(FoundSteps { steps: &columns, known: &top, last: 0, first: 1 }),
            changes: Some((
                FoundSteps { steps: &changes, known: &known, last: 1, first: 2 },
                ["9.2.5", "9.2.5-backport"],
            )),
            confirmed: true,
            limited: None,
            notes: &[],
        };
        let found = over_ats(case, Vec::new());
        assert_eq!(
            found.answer,
            "p, b.cc makes it pass (tls-x on debian-13, from ATS 9.2.5 to 9.2.5-backport, on top of the change before it)"
        );
        assert_eq!(found.standing, Standing::BothWays);
        let culprits: Vec<&str> = found
            .suspects
            .iter()
            .filter(|suspect| suspect.fate == Fate::Culprit)
            .map(|suspect| suspect.name.as_str())
            .collect();
        assert_eq!(culprits, ["p, b.cc", "9.2.5 -> 9.2.5-backport"]);

        let gap = VersionCase {
            changes: Some((FoundSteps { steps: &changes, known: &known, last: 0, first: 2 }, ["a", "b"])),
            ..case
        };
        let narrowed = over_ats(gap, Vec::new());
        assert_eq!(narrowed.standing, Standing::Narrowed);
        assert!(narrowed.answer.contains("p, a.cc and p, b.cc"), "{}", narrowed.answer);
        let open = over_ats(VersionCase { columns: None, changes: None, ..case }, Vec::new());
        assert_eq!((open.standing, open.suspects.len()), (Standing::Open, 0));
        for unsteady in [VersionCase { confirmed: false, ..case }, VersionCase { confirmed: false, ..gap }] {
            let unsteady = over_ats(unsteady, Vec::new());
            assert_eq!(unsteady.standing, Standing::Open);
            assert!(unsteady.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit));
        }
        let limited = over_ats(VersionCase { confirmed: false, limited: Some(5), ..gap }, Vec::new());
        assert_eq!(limited.standing, Standing::Narrowed);
        assert!(limited.answer.contains("were not tried") && limited.answer.contains("5 experiments were not enough"));
        assert!(limited.suspects.iter().all(|suspect| suspect.fate != Fate::Culprit));
    }
}
