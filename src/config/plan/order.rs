//! The order in which images answer soonest.

use std::collections::BTreeSet;

use super::{BuildStep, Plan, PlannedCell, Recipe, Work};

/// How far a cell is from its answer: what it still needs. The smallest comes first: before all, nobody waits for a compiler who need not.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct CellDistance {
    compilers: usize,
    /// Whether the run stays green without the cell: such a cell comes after those that must be answered.
    optional: bool,
    cost: u32,
    /// Row by row.
    place: usize,
}

impl Plan {
    /// The steps in the order that answers soonest, each after its parents: the origins, which every cell needs, then
    /// cell by cell what is missing for it. Next is always the cell for which the fewest compilers must run, and among
    /// equals a required one before an optional one, then the cheapest.
    pub fn soonest_first(&self) -> Vec<BuildStep> {
        let mut order = Order { steps: &self.steps, done: BTreeSet::new(), taken: Vec::new() };
        for tag in self.beside.values() {
            order.take(&order.all_of([tag.as_str()]));
        }
        let mut left: Vec<_> =
            self.cells.iter().enumerate().map(|(place, cell)| (place, cell, order.all_of(cell.tags()))).collect();
        let soonest = |order: &Order<'_>, left: &[(usize, &PlannedCell, Vec<usize>)]| {
            let next = left.iter().enumerate().min_by_key(|(_, (place, cell, all))| order.remaining(*place, cell, all));
            next.map(|(at, _)| at)
        };
        while let Some(next) = soonest(&order, &left) {
            order.take(&left.swap_remove(next).2);
        }
        order.take(&(0..self.steps.len()).collect::<Vec<_>>());
        order.taken.into_iter().filter_map(|at| self.steps.get(at).cloned()).collect()
    }
}

/// The steps of a plan, by their place in it, and those that are in the order already.
struct Order<'a> {
    steps: &'a [BuildStep],
    done: BTreeSet<usize>,
    taken: Vec<usize>,
}

impl Order<'_> {
    /// All steps of the images `tags`, parents first.
    fn all_of<'t>(&'t self, tags: impl IntoIterator<Item = &'t str>) -> Vec<usize> {
        let mut wanted: BTreeSet<&str> = tags.into_iter().collect();
        let mut all = Vec::new();
        // Parents come before their children.
        for (at, step) in self.steps.iter().enumerate().rev() {
            if wanted.contains(step.tag.as_str()) {
                wanted.extend(step.parents.iter().map(String::as_str));
                all.push(at);
            }
        }
        all.reverse();
        all
    }

    fn remaining(&self, place: usize, cell: &PlannedCell, all: &[usize]) -> CellDistance {
        let missing = || all.iter().filter(|at| !self.done.contains(at)).filter_map(|at| self.steps.get(*at));
        CellDistance {
            compilers: missing().filter(|step| step.work.compiles()).count(),
            optional: cell.optional,
            cost: missing().map(|step| cost(&step.work)).sum(),
            place,
        }
    }

    fn take(&mut self, steps: &[usize]) {
        self.taken.extend(steps.iter().copied().filter(|at| self.done.insert(*at)));
    }
}

/// About how long a step takes compared with others, as measured on two CPUs: 20 s a unit.
fn cost(work: &Work) -> u32 {
    match work {
        Work::Recipe { recipe: Recipe::Build(_), .. } => 15,
        Work::Recipe { recipe, .. } if recipe.compiles() => 6,
        Work::Recipe { recipe: Recipe::Upgrade, .. } | Work::Local { .. } => 3,
        Work::Base { .. } | Work::Ready { .. } | Work::Recipe { .. } => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shipped;
    use super::*;
    use crate::config::matrix::{Globs, Matrix};
    use crate::config::plan::{Recipes, Selection};
    use crate::model::{OriginProgram, Place};

    fn planned() -> (Matrix, Recipes, Plan) {
        let (matrix, recipes) = shipped();
        let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
        (matrix, recipes, plan)
    }

    /// The place of the image of `cell` in `order`.
    fn place(plan: &Plan, order: &[BuildStep], cell: &str) -> usize {
        let tag = &plan.cells.iter().find(|planned| planned.id.to_string() == cell).unwrap().tag;
        order.iter().position(|step| step.tag == *tag).unwrap()
    }

    fn named(order: &[BuildStep], name: &str) -> usize {
        order.iter().position(|step| step.name == name).unwrap()
    }

    #[test]
    fn every_step_comes_once_and_after_its_parents_in_the_same_order_each_time() {
        let (_, _, plan) = planned();
        let order = plan.soonest_first();
        let tags: Vec<&str> = order.iter().map(|step| step.tag.as_str()).collect();
        for (at, step) in order.iter().enumerate() {
            assert!(step.parents.iter().all(|parent| tags[..at].contains(&parent.as_str())), "{step:?}");
        }
        let all: BTreeSet<&str> = plan.steps().iter().map(|step| step.tag.as_str()).collect();
        assert_eq!((tags.len(), tags.iter().copied().collect()), (all.len(), all));
        assert_eq!(order, plan.soonest_first());
    }

    #[test]
    fn packages_come_before_compilers() {
        let (_, _, plan) = planned();
        let order = plan.soonest_first();
        let first_compiler = order.iter().position(|step| step.work.compiles()).unwrap();
        assert_eq!(order[first_compiler].name, "debian-12/9.2.5 (build)", "it serves the most cells");
        for cell in ["ubuntu-24.04/9.2.3", "ubuntu-25.10/9.2.5", "ubuntu-26.04/9.2.3", "debian-11/8.1", "fedora-43/10"]
        {
            assert!(place(&plan, &order, cell) < first_compiler, "{cell}");
        }
    }

    #[test]
    fn a_compiled_ats_runs_everywhere_before_the_next_one_is_compiled() {
        let (_, _, plan) = planned();
        let order = plan.soonest_first();
        let next = named(&order, "debian-12/9.2.5-backport (build)");
        for cell in ["debian-12/9.2.5", "debian-13/9.2.5", "debian-14/9.2.5", "debian-sid/9.2.5"] {
            assert!(place(&plan, &order, cell) < next, "{cell}");
        }
    }

    #[test]
    fn required_cells_come_before_optional_ones_with_as_many_compilers() {
        let (_, _, plan) = planned();
        let order = plan.soonest_first();
        let places = |optional: bool| -> Vec<usize> {
            let packaged = |cell: &&PlannedCell| cell.optional == optional && cell.binary.is_none();
            plan.cells.iter().filter(packaged).map(|cell| place(&plan, &order, &cell.id.to_string())).collect()
        };
        let (required, optional) = (places(false), places(true));
        assert!(!optional.is_empty() && required.iter().max() < optional.iter().min(), "{required:?} {optional:?}");
        let required = named(&order, "debian-12/9.2.5-backport (build)");
        for optional in ["debian-12/9.2.7 (build)", "fedora-40/9.2.5 (build)", "debian-sid-openssl4/9.2.9 (build)"] {
            assert!(required < named(&order, optional), "{optional}");
        }
    }

    #[test]
    fn origins_come_first_and_only_if_a_trial_needs_them() {
        let (matrix, recipes, _) = planned();
        let selection = Selection { distros: Some(Globs::new(["ubuntu-25.10"]).unwrap()), ats: None };
        let mut plan = Plan::of(&matrix, &selection, &recipes).unwrap();
        let names = |plan: &Plan| -> Vec<String> { plan.soonest_first().into_iter().map(|step| step.name).collect() };
        assert_eq!(names(&plan), ["ubuntu-25.10 (base)", "ubuntu-25.10/9.2.5"]);
        plan.add_origin(&matrix, &recipes, Place::Beside(OriginProgram::Nginx)).unwrap();
        assert_eq!(
            names(&plan),
            ["debian-13 (base)", "nginx (origin)", "ubuntu-25.10 (base)", "ubuntu-25.10/9.2.5"],
            "no cell is answered without it"
        );
    }
}
