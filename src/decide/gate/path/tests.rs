use proptest::prelude::*;

use super::*;
use crate::decide::compare::fixture::{cell, known_answers, matrix, result};
use crate::model::{MatrixResult, Verdict};

fn id(text: &str) -> CellId {
    text.parse().unwrap()
}

fn ask(results: &MatrixResult, from: &str, to: &str, costs: &str) -> UpgradePath {
    find(&Basis::new(results), &id(from), &id(to), costs.parse().unwrap())
}

fn stops(path: &UpgradePath) -> Vec<String> {
    path.steps.iter().map(|step| step.to.to_string()).collect()
}

#[test]
fn ats_goes_first_where_the_old_one_breaks_on_the_new_distro() {
    let path = ask(&known_answers(), "debian-12/9.2.5", "debian-13/9.2.9", "distro=1");
    assert_eq!(path.word(), Word::Open);
    assert_eq!(stops(&path), ["debian-12/9.2.9", "debian-13/9.2.9"]);
    assert_eq!(path.steps[1].provenance[0].after.as_deref(), Some("3.5.7"));
    let mut all = known_answers();
    all.cells[2] = cell("debian-13/9.2.5", Verdict::Pass);
    let path = ask(&all, "debian-12/9.2.5", "debian-13/9.2.9", "distro=1");
    assert_eq!(stops(&path)[0], "debian-12/9.2.9", "both orders are safe: ATS first");
}

#[test]
fn a_goal_that_fails_blocks_and_the_nearest_cell_is_on_its_distro() {
    let path = ask(&known_answers(), "debian-12/9.2.5", "debian-13/9.2.5", "ats=1");
    assert_eq!((path.word(), path.arrives), (Word::Closed, false));
    assert_eq!(stops(&path), ["debian-12/9.2.9", "debian-13/9.2.9"]);
    assert_eq!(path.blocks.len(), 1);
    assert_eq!(path.blocks[0].known_issues[0].id, "ATS-11465");
}

#[test]
fn a_path_through_cells_without_an_answer_is_unknown() {
    let mut results = known_answers();
    results.cells.remove(1);
    let path = ask(&results, "debian-12/9.2.5", "debian-13/9.2.9", "ats=1");
    assert_eq!((path.word(), path.arrives, path.steps.len()), (Word::CannotTell, false, 0));
    assert_eq!(path.blocks[0].cell, Some(id("debian-12/9.2.9")));
    results.cells[1] = cell("debian-13/9.2.5", Verdict::Unbuildable);
    results.cells.push(cell("debian-12/9.2.9", Verdict::Fail));
    assert_eq!(ask(&results, "debian-12/9.2.5", "debian-13/9.2.9", "ats=1").word(), Word::Closed);
}

#[test]
fn costs_decide_between_paths() {
    use Verdict::{Fail, Pass};
    let results = matrix(&[
        ("a-1/1", Pass),
        ("a-1/2", Fail),
        ("a-1/3", Pass),
        ("a-2/1", Pass),
        ("a-2/2", Pass),
        ("a-2/3", Pass),
        ("a-3/1", Fail),
        ("a-3/2", Pass),
        ("a-3/3", Pass),
    ]);
    assert_eq!(stops(&ask(&results, "a-1/1", "a-3/2", "distro=1")), ["a-2/1", "a-2/2", "a-3/2"]);
    let path = ask(&results, "a-1/1", "a-3/2", "distro=3,ats=1");
    assert_eq!((stops(&path), path.cost()), (vec!["a-2/1".into(), "a-2/2".into(), "a-3/2".into()], 7));
}

#[test]
fn a_path_stays_in_its_family_of_distros() {
    use Verdict::{Fail, Pass};
    let mut cells = vec![("debian-12/1", Pass), ("debian-12/2", Fail), ("debian-13/1", Fail), ("debian-13/2", Pass)];
    cells.extend([("fedora-40/1", Pass), ("fedora-40/2", Pass)]);
    assert_eq!(ask(&matrix(&cells), "debian-12/1", "debian-13/2", "ats=1").word(), Word::Closed);
    let path = ask(&matrix(&cells), "debian-12/1", "fedora-40/2", "ats=1");
    assert_eq!((path.word(), path.steps.len(), path.blocks[0].cause), (Word::Closed, 0, Cause::NoUpgrade));
    cells.extend([("debian-11/1", Pass), ("debian-11/2", Pass)]);
    // Through debian-11 it would be three steps.
    assert_eq!(ask(&matrix(&cells), "debian-12/1", "debian-13/2", "ats=1").word(), Word::Closed);
}

#[test]
fn no_release_is_skipped() {
    use Verdict::{Fail, Pass, Unavailable};
    let cells = |twelve| {
        let mut results = matrix(&[("debian-11/1", Pass), ("debian-12/1", twelve), ("debian-13/1", Pass)]);
        results.distros.push("debian-13-twin".parse().unwrap());
        let mut twin = cell("debian-13-twin/1", Pass);
        twin.provenance.distro.as_mut().unwrap().version = "13".into();
        results.cells.push(twin);
        results
    };
    let path = |twelve| ask(&cells(twelve), "debian-11/1", "debian-13/1", "ats=1");
    assert_eq!(stops(&path(Pass)), ["debian-12/1", "debian-13/1"]);
    assert_eq!(path(Fail).word(), Word::Closed);
    assert_eq!(path(Unavailable).word(), Word::CannotTell);
    assert_eq!(stops(&ask(&cells(Pass), "debian-12/1", "debian-13-twin/1", "ats=1")), ["debian-13-twin/1"]);
    // Not even one that the matrix does not have; Fedora supports upgrades that skip one.
    let mut gap = cells(Pass);
    gap.distros.retain(|distro| distro.as_str() != "debian-12");
    gap.cells.retain(|cell| cell.id.distro.as_str() != "debian-12");
    let path = ask(&gap, "debian-11/1", "debian-13/1", "ats=1");
    assert_eq!((path.word(), path.blocks[0].cause), (Word::CannotTell, Cause::Missing));
    for (to, word) in [("fedora-43/1", Word::Open), ("fedora-44/1", Word::CannotTell)] {
        let results = matrix(&[("fedora-41/1", Pass), (to, Pass)]);
        assert_eq!(ask(&results, "fedora-41/1", to, "ats=1").word(), word, "{to}");
    }
}

#[test]
fn distros_are_not_downgraded_and_an_older_ats_is_marked() {
    use Verdict::{Fail, Pass};
    let results = matrix(&[
        ("d-1/1", Pass),
        ("d-1/2", Fail),
        ("d-1/3", Pass),
        ("d-2/1", Fail),
        ("d-2/2", Pass),
        ("d-2/3", Pass),
        ("d-3/1", Pass),
        ("d-3/2", Pass),
        ("d-3/3", Fail),
    ]);
    let path = ask(&results, "d-1/1", "d-2/2", "ats=1");
    assert_eq!(stops(&path), ["d-1/3", "d-2/3", "d-2/2"], "not through d-3, which is beyond the goal");
    assert_eq!(ask(&results, "d-3/2", "d-2/3", "ats=1").word(), Word::Open, "back only if that is the question");
    let mut real = matrix(&[("d-1/9.2.5", Pass), ("d-1/10.0.2", Pass)]);
    for cell in &mut real.cells {
        cell.provenance.ats.as_mut().unwrap().reported = cell.id.ats.to_string();
    }
    assert!(ask(&real, "d-1/10.0.2", "d-1/9.2.5", "ats=1").steps[0].downgrade);
    assert!(!ask(&real, "d-1/9.2.5", "d-1/10.0.2", "ats=1").steps[0].downgrade);
}

#[test]
fn unknown_cells_and_a_start_that_fails_are_reported() {
    let path = ask(&known_answers(), "debian-12/9.2.4", "debian-13/9.2.9", "ats=1");
    assert_eq!((path.word(), path.blocks[0].cause), (Word::CannotTell, Cause::Missing));
    let path = ask(&known_answers(), "debian-13/9.2.5", "debian-13/9.2.9", "ats=1");
    assert_eq!((path.word(), path.steps.len(), path.arrives), (Word::Closed, 1, true), "the steps lead out of it");
    assert_eq!(path.blocks[0].cell, Some(id("debian-13/9.2.5")));
    let path = ask(&known_answers(), "debian-13/9.2.9", "debian-13/9.2.9", "ats=1");
    assert_eq!((path.word(), path.steps.len()), (Word::Open, 0));
    let path = ask(&known_answers(), "debian-13/9.2.5", "debian-13/9.2.5", "ats=1");
    assert_eq!(path.word(), Word::Closed);
}

#[test]
fn old_results_give_a_path_but_not_an_open_one() {
    let results = known_answers();
    let basis = Basis::new(&results).for_matrix("another");
    let path = find(&basis, &id("debian-12/9.2.5"), &id("debian-13/9.2.9"), Costs::default());
    assert_eq!((path.word(), path.steps.len()), (Word::CannotTell, 2));
}

#[test]
fn invalid_costs_are_refused() {
    assert_eq!("distro=3".parse(), Ok(Costs { distro: 3, ats: 1 }));
    for bad in ["", "3", "distro=0", "ats=-1", "engine=2", "ats=1,", "ats=1001"] {
        assert!(bad.parse::<Costs>().is_err(), "{bad}");
    }
}

const SIDE: usize = 4;

fn name(spot: usize) -> String {
    format!("d-{}/{}", spot / SIDE, spot % SIDE)
}

fn grid() -> impl Strategy<Value = Vec<Option<Verdict>>> {
    let verdict = prop::sample::select(vec![
        Some(Verdict::Pass),
        Some(Verdict::Pass),
        Some(Verdict::Fail),
        Some(Verdict::Unavailable),
        None,
    ]);
    prop::collection::vec(verdict, SIDE * SIDE)
}

fn build(cells: &[Option<Verdict>]) -> MatrixResult {
    let whole = result((0..SIDE * SIDE).map(|spot| cell(&name(spot), Verdict::Pass)).collect());
    let there = cells.iter().enumerate().filter_map(|(spot, verdict)| Some(cell(&name(spot), (*verdict)?)));
    MatrixResult { cells: there.collect(), ..whole }
}

/// The least cost by another algorithm, Bellman-Ford.
fn least_cost(
    cells: &[Option<Verdict>],
    safe: fn(Option<Verdict>) -> bool,
    from: usize,
    to: usize,
    costs: Costs,
) -> Option<u64> {
    let mut best = vec![None::<u64>; cells.len()];
    best[from] = Some(0);
    // As many rounds as there are cells: no path without a loop is longer.
    for _ in 0..cells.len() {
        for one in 0..cells.len() {
            let (row, goal) = (one / SIDE, to / SIDE);
            let forward = |other: &usize| {
                let to = other / SIDE;
                (row.min(goal)..=row.max(goal)).contains(&to) && row.abs_diff(to) <= 1
            };
            for other in (0..cells.len()).filter(|other| safe(cells[*other]) && *other != one && forward(other)) {
                let step = match (one / SIDE == other / SIDE, one % SIDE == other % SIDE) {
                    (true, _) => costs.ats,
                    (_, true) => costs.distro,
                    _ => continue,
                };
                let reached = best[one].map(|cost| cost + u64::from(step));
                best[other] = best[other].into_iter().chain(reached).min();
            }
        }
    }
    best[to]
}

proptest! {
    #[test]
    fn the_path_is_safe_connected_and_the_cheapest(
        cells in grid(), from in 0..SIDE * SIDE, to in 0..SIDE * SIDE, distro in 1..4_u32, ats in 1..4_u32,
    ) {
        prop_assume!(from != to);
        let (results, costs) = (build(&cells), Costs { distro, ats });
        let path = find(&Basis::new(&results), &id(&name(from)), &id(&name(to)), costs);
        let mut at = path.from.clone();
        for step in &path.steps {
            prop_assert_eq!(&step.from, &at);
            let rows = [&step.from, &step.to, &path.to].map(|id| id.distro.as_str().to_owned());
            prop_assert!(rows.is_sorted() || rows.iter().rev().is_sorted(), "{rows:?}");
            prop_assert!((step.from.distro == step.to.distro) != (step.from.ats == step.to.ats));
            let end = results.cells.iter().find(|cell| cell.id == step.to);
            prop_assert_eq!(end.map(|cell| cell.verdict), Some(Verdict::Pass));
            at = step.to.clone();
        }
        let best = least_cost(&cells, |verdict| verdict == Some(Verdict::Pass), from, to, costs);
        prop_assert_eq!(path.arrives, best.is_some());
        if path.arrives {
            prop_assert_eq!(&at, &path.to);
            prop_assert_eq!(Some(path.cost()), best);
        }
        let starts_well = cells[from] == Some(Verdict::Pass);
        prop_assert_eq!(path.word() == Word::Open, path.arrives && starts_well);
        let hopeful = least_cost(&cells, |verdict| verdict != Some(Verdict::Fail), from, to, costs);
        prop_assert_eq!(path.word() == Word::Closed, hopeful.is_none() || cells[from] == Some(Verdict::Fail));
        prop_assert_eq!(path.blocks.is_empty(), path.arrives && starts_well);
    }
}
