//! In which order to upgrade: from one cell to another in steps, each of which changes the distro or the ATS and ends
//! in a cell that passes.

mod search;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde::Serialize;

use crate::decide::compare::{Fact, provenance};
use crate::model::{CellId, CellResult, Version};
use crate::verdict;

use super::answer::{Cause, CellTrials, GateReason, Word};
use super::basis::{Basis, PassCheck};
use super::coverage;
use search::RouteGrid;

/// What a step costs, by what it changes; at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// A change of the distro.
    pub distro: u32,
    /// A change of ATS.
    pub ats: u32,
}

impl Default for Costs {
    fn default() -> Self {
        Self { distro: 1, ats: 1 }
    }
}

/// A text that is not [`Costs`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cost: write it like distro=3,ats=1, with whole numbers from 1 to 1000")]
pub struct CostsError(String);

/// Characters shown of a text that is not a cost.
const SHOWN: usize = 40;

/// The highest cost of a step: a path of any length then has a sum that is far from an overflow.
const MOST: u32 = 1000;

impl FromStr for Costs {
    type Err = CostsError;
    fn from_str(text: &str) -> Result<Self, CostsError> {
        let error = || CostsError(text.chars().take(SHOWN).flat_map(char::escape_debug).collect());
        let mut costs = Self::default();
        for part in text.split(',') {
            let (axis, number) = part.trim().split_once('=').ok_or_else(error)?;
            let cost = number.trim().parse().ok().filter(|cost| (1..=MOST).contains(cost)).ok_or_else(error)?;
            match axis.trim() {
                "distro" => costs.distro = cost,
                "ats" => costs.ats = cost,
                _ => return Err(error()),
            }
        }
        Ok(costs)
    }
}

/// What a step changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAxis {
    /// The ATS.
    Ats,
    /// The distro.
    Distro,
}

/// One upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradeStep {
    /// What it changes.
    pub axis: StepAxis,
    /// Where it starts.
    pub from: CellId,
    /// Where it ends; that cell passes.
    pub to: CellId,
    /// What it costs.
    pub cost: u32,
    /// Whether it leads to an older ATS.
    pub downgrade: bool,
    /// What ran differently in the two cells.
    pub provenance: Vec<Fact>,
    /// The trials of the cell at its end.
    pub rests: Option<CellTrials>,
    /// Trials that passed at its start and are not tested at its end.
    pub lost: Vec<String>,
}

/// A path from one cell to another, or what blocks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpgradePath {
    /// Where hosts are.
    pub from: CellId,
    /// The goal.
    pub to: CellId,
    /// The steps in order. Without a safe path they lead to the nearest cell that can be reached safely.
    pub steps: Vec<UpgradeStep>,
    /// Whether the steps lead to the goal.
    pub arrives: bool,
    /// What blocks the path with the fewest blocks.
    pub blocks: Vec<GateReason>,
    /// Reasons not to trust the results.
    pub doubts: Vec<GateReason>,
    /// Further facts that do not change the answer.
    pub notes: Vec<String>,
}

impl UpgradePath {
    /// Open: there is a safe path. Closed: there is none, whatever the verdict of cells without an answer would be.
    pub fn word(&self) -> Word {
        if self.blocks.iter().any(|reason| reason.cause.closes()) {
            Word::Closed
        } else if self.arrives && self.blocks.is_empty() && self.doubts.is_empty() {
            Word::Open
        } else {
            Word::CannotTell
        }
    }

    /// Sum over the steps.
    pub fn cost(&self) -> u64 {
        self.steps.iter().map(|step| u64::from(step.cost)).sum()
    }
}

/// The cheapest safe path `from` one cell `to` another. Among equally cheap ones it has the fewest steps, then the
/// fewest detours (rows and columns that are not between the two), then changes ATS before the distro, then follows
/// the order of the matrix.
///
/// The start must pass as well; if it does not, the path is not safe. Both cells and all stops belong to one family of
/// distros, because a host cannot be upgraded to another family. A step leads to the next release: no release of the
/// matrix is skipped, and distros are not downgraded. An older ATS may be a stop, and its step says so.
pub fn find(basis: &Basis<'_>, from: &CellId, to: &CellId, costs: Costs) -> UpgradePath {
    let mut path = UpgradePath {
        from: from.clone(),
        to: to.clone(),
        steps: Vec::new(),
        arrives: false,
        blocks: Vec::new(),
        doubts: basis.doubts(),
        notes: Vec::new(),
    };
    let absent = [from, to].into_iter().filter(|id| !basis.has_distro(&id.distro) || !basis.has_ats(&id.ats));
    for id in absent {
        let reason = GateReason::new(Cause::Missing, "has a distro or an ATS that is not in the results").about(id);
        path.blocks.push(reason.fix("see what the matrix has: atsmatrix show"));
    }
    if !path.blocks.is_empty() {
        return path;
    }
    let (here, there) = (search::family(basis, &from.distro), search::family(basis, &to.distro));
    if here != there {
        let text = format!("hosts cannot be upgraded from {here} to {there}, they must be set up anew");
        path.blocks.push(GateReason::new(Cause::NoUpgrade, text).fix(format!("set up new hosts on {}", to.distro)));
        return path;
    }
    if block(basis, from).is_some() {
        path.notes.push(format!("hosts are on {from}, which does not pass: that does not change until they leave it"));
    }
    let grid = RouteGrid::new(basis, from, to, costs);
    let route = grid.route();
    path.blocks = route.iter().skip(1).filter_map(|id| block(basis, id)).collect();
    path.blocks.extend(route.windows(2).filter_map(|pair| in_place(basis, &pair[0], &pair[1])));
    path.blocks.extend(route.windows(2).filter_map(|pair| grid.gap(&pair[0].distro, &pair[1].distro)));
    path.blocks.extend(route.windows(2).flat_map(|pair| untested(basis, &pair[0], &pair[1])));
    path.arrives = path.blocks.is_empty();
    path.blocks.extend(block(basis, from));
    let stops = if path.arrives { route } else { grid.nearest() };
    path.steps = stops.windows(2).map(|pair| step(basis, &pair[0], &pair[1], costs)).collect();
    path
}

/// Why hosts do not pass after a step to another distro in place, if matrix.yaml has a cell for it.
fn in_place(basis: &Basis<'_>, from: &CellId, to: &CellId) -> Option<GateReason> {
    let upgraded = basis.after_upgrade(&from.distro, to);
    if from.distro == to.distro || upgraded == *to { None } else { block(basis, &upgraded) }
}

/// The cell at the end of a step: after an upgrade in place, if matrix.yaml has it.
fn end<'a>(basis: &Basis<'a>, from: &CellId, to: &CellId) -> Option<&'a CellResult> {
    if from.distro == to.distro { basis.cell(to) } else { basis.cell(&basis.after_upgrade(&from.distro, to)) }
}

fn block(basis: &Basis<'_>, id: &CellId) -> Option<GateReason> {
    match basis.must_pass(id) {
        PassCheck::Passes => None,
        PassCheck::Not(reason) => Some(reason),
    }
}

/// What a step to another distro leaves untested. Another version of ATS may support less by design: then the step says
/// so.
fn untested(basis: &Basis<'_>, from: &CellId, to: &CellId) -> Vec<GateReason> {
    match (basis.cell(from), end(basis, from, to)) {
        (Some(before), Some(after)) if from.distro != to.distro => coverage::lost(before, after, &from.to_string()),
        _ => Vec::new(),
    }
}

fn step(basis: &Basis<'_>, from: &CellId, to: &CellId, costs: Costs) -> UpgradeStep {
    let axis = if from.distro == to.distro { StepAxis::Ats } else { StepAxis::Distro };
    let provenance = match (basis.cell(from), end(basis, from, to)) {
        (Some(from), Some(to)) => provenance(&from.provenance, &to.provenance),
        _ => Vec::new(),
    };
    let cost = if axis == StepAxis::Ats { costs.ats } else { costs.distro };
    let downgrade = axis == StepAxis::Ats && is_older(version(basis, to).as_ref(), version(basis, from).as_ref());
    let lost = match (basis.cell(from), end(basis, from, to)) {
        (Some(from), Some(to)) => verdict::lost(from, to).passed.into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let rests = end(basis, from, to).map(|cell| basis.trials_of(cell));
    UpgradeStep { axis, from: from.clone(), to: to.clone(), cost, downgrade, provenance, rests, lost }
}

/// The version that ATS reported, or that its name starts with if it never ran.
fn version(basis: &Basis<'_>, id: &CellId) -> Option<Version> {
    let reported = basis.cell(id).and_then(|cell| cell.provenance.ats.as_ref());
    reported.and_then(|ats| ats.reported.parse().ok()).or_else(|| id.ats.as_str().parse().ok())
}

fn is_older(one: Option<&Version>, other: Option<&Version>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one < other)
}
