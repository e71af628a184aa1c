//! Dijkstra's algorithm over the grid of cells.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::Hash;
use std::ops::Add;

use crate::model::{AtsId, CellId, CellResult, DistroId};
use crate::verdict;

use super::super::answer::{Cause, GateReason};
use super::super::basis::{Basis, PassCheck};
use super::Costs;

/// A cell by row and column.
type Spot = (usize, usize);

/// What a path costs, most important first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Price {
    /// Cells on it that are a no.
    closed: u32,
    /// Cells on it without an answer.
    unknown: u32,
    /// The sum of the costs of its steps.
    cost: u64,
    /// The number of its steps.
    steps: u32,
    /// Steps to rows and columns that are not between start and goal.
    detours: u32,
}

impl Add for Price {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            closed: self.closed + other.closed,
            unknown: self.unknown + other.unknown,
            cost: self.cost + other.cost,
            steps: self.steps + other.steps,
            detours: self.detours + other.detours,
        }
    }
}

/// Fedora supports upgrades that skip one release.
const FEDORA_STEP: u32 = 2;

/// Whether a path may lead through a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Safe,
    Closed,
    Unknown,
}

/// The part of the matrix that paths may lead through.
pub(super) struct RouteGrid {
    family: String,
    rows: Vec<DistroId>,
    /// The release of each row; the same for a row and its variants.
    releases: Vec<Option<String>>,
    columns: Vec<AtsId>,
    ground: Vec<Vec<Ground>>,
    /// Steps to another distro that leave something untested or that do not pass in place, with what that makes of them.
    lossy: HashMap<(Spot, Spot), Ground>,
    start: Spot,
    goal: Spot,
    costs: Costs,
}

impl RouteGrid {
    /// The rows of the family of `from` and `to`, and all columns. Both cells must be in it.
    pub(super) fn new(basis: &Basis<'_>, from: &CellId, to: &CellId, costs: Costs) -> Self {
        let cells = &basis.result().cells;
        let of = family(basis, &from.distro);
        let mut rows = once_each(basis.result().distros.iter().chain(cells.iter().map(|cell| &cell.id.distro)));
        // A row that is upgraded in place is a step to its distro, not a place to stop.
        let is_stop = |row: &DistroId| *row == from.distro || *row == to.distro || basis.is_upgraded(row) != Some(true);
        rows.retain(|distro| family(basis, distro) == of && is_stop(distro));
        let releases = rows.iter().map(|distro| release(basis, distro)).collect();
        let columns = once_each(basis.result().ats.iter().chain(cells.iter().map(|cell| &cell.id.ats)));
        // A column of cells with two ATS is no place for one host to stop.
        let columns: Vec<AtsId> =
            columns.into_iter().filter(|ats| *ats == from.ats || *ats == to.ats || !basis.is_of_tiers(ats)).collect();
        let spot = |id: &CellId| (index(&rows, &id.distro), index(&columns, &id.ats));
        let (start, goal) = (spot(from), spot(to));
        let ground = rows
            .iter()
            .map(|distro| {
                columns.iter().map(|ats| ground(basis, &CellId { distro: distro.clone(), ats: ats.clone() })).collect()
            })
            .collect();
        let lossy = lossy(basis, &rows, &columns);
        Self { family: of, rows, releases, columns, ground, lossy, start, goal, costs }
    }

    /// Whether a step is safe: its end, and what it leaves untested.
    fn end(&self, from: Spot, to: Spot) -> Ground {
        let ground = self.ground[to.0][to.1];
        let step = self.lossy.get(&(from, to)).copied().unwrap_or(Ground::Safe);
        worst(ground, step)
    }

    /// The best path from start to goal, both included, even through cells that block it.
    pub(super) fn route(&self) -> Vec<CellId> {
        self.walk(&self.prices(self.start, |_| true), self.goal)
    }

    /// The best safe path to the cell nearest to the goal: by remaining cost, then on the goal's distro, then close
    /// to the goal in the order of the matrix.
    pub(super) fn nearest(&self) -> Vec<CellId> {
        let prices = self.prices(self.start, |ground| ground == Ground::Safe);
        let left = |&(row, column): &Spot| {
            let distro = u64::from(self.costs.distro) * u64::from(row != self.goal.0);
            let ats = u64::from(self.costs.ats) * u64::from(column != self.goal.1);
            let away = row.abs_diff(self.goal.0) + column.abs_diff(self.goal.1);
            (distro + ats, row != self.goal.0, away, prices[&(row, column)])
        };
        let nearest = prices.keys().min_by_key(|spot| (left(spot), **spot)).copied();
        nearest.map_or_else(Vec::new, |spot| self.walk(&prices, spot))
    }

    /// The cost of the best path to each spot, over steps that `may` be taken.
    fn prices(&self, start: Spot, may: impl Fn(Ground) -> bool) -> HashMap<Spot, Price> {
        let mut prices = HashMap::new();
        let mut open = BinaryHeap::from([Reverse((Price::default(), start))]);
        while let Some(Reverse((price, spot))) = open.pop() {
            if prices.contains_key(&spot) {
                continue;
            }
            prices.insert(spot, price);
            for next in self.neighbours(spot).filter(|next| self.is_forward(spot.0, next.0)) {
                if !prices.contains_key(&next) && may(self.end(spot, next)) {
                    open.push(Reverse((price + self.price(spot, next), next)));
                }
            }
        }
        prices
    }

    /// The path to `end`, found backwards: of the spots that could come before, the preferred one.
    fn walk(&self, prices: &HashMap<Spot, Price>, end: Spot) -> Vec<CellId> {
        let mut way = vec![end];
        let mut spot = end;
        while spot != self.start {
            let reached = |before: &Spot| {
                prices.get(before).is_some_and(|price| *price + self.price(*before, spot) == prices[&spot])
            };
            // Backwards, a change of distro is preferred, so that ATS changes first.
            let mut nearby = self.neighbours(spot).filter(|before| self.is_forward(before.0, spot.0));
            let Some(before) = nearby.find(reached) else { break };
            way.push(before);
            spot = before;
        }
        way.reverse();
        way.into_iter()
            .map(|(row, column)| CellId { distro: self.rows[row].clone(), ats: self.columns[column].clone() })
            .collect()
    }

    /// Why a step between two rows skips a release that the matrix does not have.
    pub(super) fn gap(&self, from: &DistroId, to: &DistroId) -> Option<GateReason> {
        let number = |distro| self.releases[index(&self.rows, distro)].as_ref()?.parse::<u32>().ok();
        let widest = if self.family == "fedora" { FEDORA_STEP } else { 1 };
        if number(from)?.abs_diff(number(to)?) <= widest {
            return None;
        }
        let text = format!(
            "the {} releases between {from} and {to} are not in the results, and none may be skipped",
            self.family
        );
        Some(GateReason::new(Cause::Missing, text).fix("add a row for each to matrix.yaml"))
    }

    /// Whether no other release is between two rows, in the order of the matrix.
    fn is_next(&self, from: usize, to: usize) -> bool {
        let ends = [&self.releases[from], &self.releases[to]];
        self.releases[from.min(to)..=from.max(to)].iter().all(|between| ends.contains(&between))
    }

    /// Spots one step away: other distros in the order of the matrix, then other ATS.
    fn neighbours(&self, (row, column): Spot) -> impl Iterator<Item = Spot> {
        let is_next = move |other: &usize| *other != row && self.is_next(row, *other);
        let rows = (0..self.rows.len()).filter(is_next).map(move |other| (other, column));
        let columns = (0..self.columns.len()).filter(move |other| *other != column).map(move |other| (row, other));
        rows.chain(columns)
    }

    /// Whether a step from one row to another leads towards the goal and not past it, in the order of the matrix: hosts
    /// are not downgraded to an older release.
    fn is_forward(&self, from: usize, to: usize) -> bool {
        let goal = self.goal.0;
        (from.min(goal)..=from.max(goal)).contains(&to)
    }

    fn price(&self, from: Spot, to: Spot) -> Price {
        let ground = self.end(from, to);
        let between = |at: usize, one: usize, other: usize| (one.min(other)..=one.max(other)).contains(&at);
        let on_the_way = between(to.0, self.start.0, self.goal.0) && between(to.1, self.start.1, self.goal.1);
        Price {
            closed: u32::from(ground == Ground::Closed),
            unknown: u32::from(ground == Ground::Unknown),
            cost: u64::from(if from.0 == to.0 { self.costs.ats } else { self.costs.distro }),
            steps: 1,
            detours: u32::from(!on_the_way),
        }
    }
}

/// The steps from one row to another, within a column, that leave trials untested.
fn lossy(basis: &Basis<'_>, rows: &[DistroId], columns: &[AtsId]) -> HashMap<(Spot, Spot), Ground> {
    let mut lossy = HashMap::new();
    for (column, ats) in columns.iter().enumerate() {
        let cell = |distro: &DistroId| basis.cell(&CellId { distro: distro.clone(), ats: ats.clone() });
        let there: Vec<_> = rows.iter().enumerate().filter_map(|(row, distro)| Some((row, cell(distro)?))).collect();
        for (from, before) in &there {
            for (to, after) in there.iter().filter(|(to, _)| to != from) {
                let upgraded = basis.after_upgrade(&before.id.distro, &after.id);
                let lost = match basis.cell(&upgraded) {
                    Some(after) => loses(before, after),
                    None => Ground::Unknown,
                };
                let ground = if upgraded == after.id { lost } else { worst(lost, ground(basis, &upgraded)) };
                if ground != Ground::Safe {
                    lossy.insert(((*from, column), (*to, column)), ground);
                }
            }
        }
    }
    lossy
}

/// What the trials that a step leaves untested make of it.
fn loses(before: &CellResult, after: &CellResult) -> Ground {
    let lost = verdict::lost(before, after);
    match (lost.passed.is_empty() && lost.limited.is_empty(), lost.others.is_empty()) {
        (true, true) => Ground::Safe,
        (false, _) => Ground::Closed,
        (true, false) => Ground::Unknown,
    }
}

fn worst(one: Ground, other: Ground) -> Ground {
    match (one, other) {
        (Ground::Closed, _) | (_, Ground::Closed) => Ground::Closed,
        (Ground::Unknown, _) | (_, Ground::Unknown) => Ground::Unknown,
        (Ground::Safe, Ground::Safe) => Ground::Safe,
    }
}

fn ground(basis: &Basis<'_>, id: &CellId) -> Ground {
    match basis.must_pass(id) {
        PassCheck::Passes => Ground::Safe,
        PassCheck::Not(reason) if reason.cause.closes() => Ground::Closed,
        PassCheck::Not(_) => Ground::Unknown,
    }
}

/// The `VERSION_ID` of `/etc/os-release` in any cell of the row, else the part of its name between the first and the
/// second `-`. `None`: it has none, like Debian testing.
fn release(basis: &Basis<'_>, distro: &DistroId) -> Option<String> {
    let row = basis.result().cells.iter().filter(|cell| cell.id.distro == *distro);
    let found = row.filter_map(|cell| cell.provenance.distro.as_ref()).map(|release| release.version.clone()).next();
    let named = || distro.as_str().split('-').nth(1).filter(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    found.filter(|release| !release.is_empty()).or_else(|| named().map(str::to_owned))
}

/// The `ID` of `/etc/os-release` in any cell of the row, else its name up to the first `-`.
pub(super) fn family(basis: &Basis<'_>, distro: &DistroId) -> String {
    let row = basis.result().cells.iter().filter(|cell| cell.id.distro == *distro);
    let found = row.filter_map(|cell| cell.provenance.distro.as_ref()).map(|release| release.id.clone()).next();
    found.unwrap_or_else(|| distro.as_str().split('-').next().unwrap_or_default().to_owned())
}

fn once_each<'a, T: Clone + Eq + Hash + 'a>(names: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut seen = HashSet::new();
    names.filter(|name| seen.insert(*name)).cloned().collect()
}

/// Callers make sure that the name exists.
fn index<T: PartialEq>(names: &[T], name: &T) -> usize {
    names.iter().position(|known| known == name).unwrap_or(0)
}
