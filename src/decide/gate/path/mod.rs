//! In which order to upgrade: from one cell to another by single steps, each of which changes the
//! distro or the ATS and ends in a cell that passes.

mod search;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde::Serialize;

use crate::decide::compare::{Fact, provenance};
use crate::model::{CellId, Version};
use crate::verdict;

use super::answer::{Cause, Reason, Rests, Word};
use super::basis::{Basis, Stand};
use super::coverage;
use search::Grid;

/// What a step costs, by the axis it changes; at least 1 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// To change the distro.
    pub distro: u32,
    /// To change ATS.
    pub ats: u32,
}

impl Default for Costs {
    fn default() -> Self {
        Self { distro: 1, ats: 1 }
    }
}

/// Why a text is no [`Costs`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no cost: write it like distro=3,ats=1, with whole numbers from 1 to 1000")]
pub struct CostsError(String);

impl FromStr for Costs {
    type Err = CostsError;
    fn from_str(text: &str) -> Result<Self, CostsError> {
        let error = || CostsError(text.chars().take(40).flat_map(char::escape_debug).collect());
        let mut costs = Self::default();
        for part in text.split(',') {
            let (axis, number) = part.trim().split_once('=').ok_or_else(error)?;
            let cost = number.trim().parse().ok().filter(|cost| (1..=1000).contains(cost)).ok_or_else(error)?;
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
pub enum Axis {
    /// The ATS.
    Ats,
    /// The distro.
    Distro,
}

/// One upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it changes.
    pub axis: Axis,
    /// Where it begins.
    pub from: CellId,
    /// Where it ends; this cell passes.
    pub to: CellId,
    /// What it costs.
    pub cost: u32,
    /// Whether it is to an older ATS.
    pub downgrade: bool,
    /// What is different about what ran, from the one to the other.
    pub provenance: Vec<Fact>,
    /// The trials that the cell at its end rests on.
    pub rests: Option<Rests>,
    /// Trials that passed where it begins and that are not tested where it ends.
    pub lost: Vec<String>,
}

/// A way from one cell to another, or what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Path {
    /// Where hosts are.
    pub from: CellId,
    /// Where they shall be.
    pub to: CellId,
    /// The steps in order; without a safe way to the goal, those to the nearest cell that can be
    /// reached safely.
    pub steps: Vec<Step>,
    /// Whether the steps lead to the goal.
    pub arrives: bool,
    /// The cells that are in the way: of all ways, on the one with the fewest of them.
    pub blocks: Vec<Reason>,
    /// What else speaks against relying on this.
    pub doubts: Vec<Reason>,
    /// Worth knowing, without weight.
    pub notes: Vec<String>,
}

impl Path {
    /// Open: there is a safe way. Closed: there is none, whatever the cells without an answer may
    /// come to.
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

/// The cheapest safe way `from` one cell `to` another; of equally cheap ones that with the fewest
/// steps, then the fewest detours (rows and columns that do not lie between the two), then ATS
/// before distro, then the order of the matrix.
///
/// The start has to pass as well: where it does not, the steps lead out of it and nobody calls them safe. Both cells
/// are of one family, and so are all stopovers: no system becomes another distro's. A step is to the next release:
/// none that the matrix has is skipped, and distros are not taken back. An older ATS may be a stopover, and its step
/// says so.
pub fn find(basis: &Basis<'_>, from: &CellId, to: &CellId, costs: Costs) -> Path {
    let mut path = Path {
        from: from.clone(),
        to: to.clone(),
        steps: Vec::new(),
        arrives: false,
        blocks: Vec::new(),
        doubts: basis.doubts(),
        notes: Vec::new(),
    };
    let strangers = [from, to].into_iter().filter(|id| !basis.has_distro(&id.distro) || !basis.has_ats(&id.ats));
    for id in strangers {
        let reason = Reason::new(Cause::Missing, "its distro or its ATS is not in the results").about(id);
        path.blocks.push(reason.way_out("atsmatrix show lists them"));
    }
    if !path.blocks.is_empty() {
        return path;
    }
    let (here, there) = (search::family(basis, &from.distro), search::family(basis, &to.distro));
    if here != there {
        let text = format!("no system is upgraded from {here} to {there}: it is set up anew");
        path.blocks.push(Reason::new(Cause::NoUpgrade, text).way_out(format!("set hosts up on {}", to.distro)));
        return path;
    }
    if block(basis, from).is_some() {
        path.notes
            .push(format!("{from} is where hosts are: whatever they do there stays as it is until they have left"));
    }
    let grid = Grid::new(basis, from, to, costs);
    let route = grid.route();
    path.blocks = route.iter().skip(1).filter_map(|id| block(basis, id)).collect();
    path.blocks.extend(route.windows(2).filter_map(|pair| grid.gap(&pair[0].distro, &pair[1].distro)));
    path.blocks.extend(route.windows(2).flat_map(|pair| untested(basis, &pair[0], &pair[1])));
    path.arrives = path.blocks.is_empty();
    path.blocks.extend(block(basis, from));
    let stops = if path.arrives { route } else { grid.nearest() };
    path.steps = stops.windows(2).map(|pair| step(basis, &pair[0], &pair[1], costs)).collect();
    path
}

fn block(basis: &Basis<'_>, id: &CellId) -> Option<Reason> {
    match basis.must_pass(id) {
        Stand::Passes => None,
        Stand::Not(reason) => Some(reason),
    }
}

/// What a step to another distro leaves untested. An ATS of another version may do less by design: there the step
/// tells it.
fn untested(basis: &Basis<'_>, from: &CellId, to: &CellId) -> Vec<Reason> {
    match (basis.cell(from), basis.cell(to)) {
        (Some(before), Some(after)) if from.distro != to.distro => coverage::lost(before, after, &from.to_string()),
        _ => Vec::new(),
    }
}

fn step(basis: &Basis<'_>, from: &CellId, to: &CellId, costs: Costs) -> Step {
    let axis = if from.distro == to.distro { Axis::Ats } else { Axis::Distro };
    let provenance = match (basis.cell(from), basis.cell(to)) {
        (Some(from), Some(to)) => provenance(&from.provenance, &to.provenance),
        _ => Vec::new(),
    };
    let cost = if axis == Axis::Ats { costs.ats } else { costs.distro };
    let downgrade = axis == Axis::Ats && is_older(version(basis, to).as_ref(), version(basis, from).as_ref());
    let lost = match (basis.cell(from), basis.cell(to)) {
        (Some(from), Some(to)) => verdict::lost(from, to).passed.into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let rests = basis.cell(to).map(|cell| basis.rests(cell));
    Step { axis, from: from.clone(), to: to.clone(), cost, downgrade, provenance, rests, lost }
}

/// The version that ATS reported; where it never ran, the one that its name begins with.
fn version(basis: &Basis<'_>, id: &CellId) -> Option<Version> {
    let reported = basis.cell(id).and_then(|cell| cell.provenance.ats.as_ref());
    reported.and_then(|ats| ats.reported.parse().ok()).or_else(|| id.ats.as_str().parse().ok())
}

fn is_older(one: Option<&Version>, other: Option<&Version>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one < other)
}
