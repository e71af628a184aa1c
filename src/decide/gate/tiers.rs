//! Cells with two ATS. A fleet is upgraded host by host: until both tiers are on the new distro, old hosts ask new ones and the
//! other way round. An upgrade asks for all these pairs.

use std::collections::BTreeSet;

use crate::model::{AtsId, CellId, DistroId, Verdict};

use super::answer::{Cause, Decision, GateReason};
use super::basis::{Basis, PassCheck, run_again};
use super::coverage;

impl Basis<'_> {
    /// The child and the parent of the cell `id`, if it has two ATS: by matrix.yaml, or else by what ran.
    pub(super) fn pair(&self, id: &CellId) -> Option<(CellId, CellId)> {
        if let Some(matrix) = self.matrix() {
            return matrix.pair_of(id).map(|(child, parent)| (child, parent.clone()));
        }
        let parent = &self.cell(id)?.provenance.parent.as_ref()?.cell;
        let ats = id.ats.as_str().strip_suffix(&format!("-over-{}-{}", parent.distro, parent.ats))?;
        Some((CellId { distro: id.distro.clone(), ats: ats.parse().ok()? }, parent.clone()))
    }

    /// Whether cells of this column have two ATS.
    pub(super) fn is_of_tiers(&self, ats: &AtsId) -> bool {
        let rows = self.matrix().map(|matrix| matrix.distros.iter().map(|row| &row.id).collect::<Vec<_>>());
        let rows = rows.unwrap_or_else(|| self.result().distros.iter().collect());
        rows.into_iter().any(|distro| self.pair(&CellId { distro: distro.clone(), ats: ats.clone() }).is_some())
    }

    /// All cells with two ATS, with their child and parent, in order.
    fn pairs(&self) -> Vec<(CellId, (CellId, CellId))> {
        let of_results = self.result().cells.iter().map(|cell| cell.id.clone());
        let of_matrix = self.matrix().into_iter().flat_map(|matrix| matrix.cells().map(|cell| cell.id()));
        let mut seen = BTreeSet::new();
        let all = of_matrix.chain(of_results).filter(|id| seen.insert(id.clone())).collect::<Vec<_>>();
        all.into_iter().filter_map(|id| self.pair(&id).map(|pair| (id, pair))).collect()
    }
}

/// Asks for every pair on the way from one distro to another: old below new, new below old, new below new. `named` are the ATS in
/// question; without any, all.
pub(super) fn ask(basis: &Basis<'_>, from: &DistroId, to: &DistroId, named: &[AtsId], answer: &mut Decision) {
    let pairs = basis.pairs();
    let is_named = |ats: &AtsId| named.is_empty() || named.contains(ats);
    // A row that is upgraded in place is what hosts are after the upgrade.
    let upgraded = basis.matrix().and_then(|matrix| matrix.upgrade(from, to)).map(|row| row.id.clone());
    let is_new = |distro: &DistroId| distro == to || Some(distro) == upgraded.as_ref();
    let is_there = |cell: &CellId| cell.distro == *from || is_new(&cell.distro);
    let mut asked: Vec<(AtsId, AtsId)> = Vec::new();
    for (_, (child, parent)) in &pairs {
        let ats = (child.ats.clone(), parent.ats.clone());
        let concerns = is_there(child) && is_there(parent) && (is_named(&child.ats) || is_named(&parent.ats));
        if concerns && !asked.contains(&ats) {
            asked.push(ats);
        }
    }
    let mut way_cells = Vec::new();
    for (child, parent) in asked {
        let find = |child_row: &dyn Fn(&DistroId) -> bool, parent_row: &dyn Fn(&DistroId) -> bool| {
            let is_it = |pair: &&(CellId, (CellId, CellId))| {
                let (of, over) = &pair.1;
                (&of.ats, &over.ats) == (&child, &parent) && child_row(&of.distro) && parent_row(&over.distro)
            };
            pairs.iter().filter(is_it).map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        let old = |distro: &DistroId| distro == from;
        let today = find(&old, &old).into_iter().next();
        let on_the_way: [(Vec<CellId>, &DistroId, &DistroId); 3] =
            [(find(&old, &is_new), from, to), (find(&is_new, &old), to, from), (find(&is_new, &is_new), to, to)];
        let way = PairsOnTheWay { basis, today };
        for (cells, child_row, parent_row) in on_the_way {
            if cells.is_empty() {
                let text = format!(
                    "matrix.yaml has no cell for {child_row}/{child} over {parent_row}/{parent}, a pair that runs while the \
                     fleet is upgraded"
                );
                answer.add(GateReason::new(Cause::Missing, text).fix("add it to `tiers` in matrix.yaml, then run it"));
            }
            for cell in cells {
                way.check(&cell, answer);
                way_cells.push(cell.to_string());
            }
        }
    }
    if !way_cells.is_empty() {
        let cells = way_cells.join(", ");
        answer
            .notes
            .push(format!("asks for the pairs of child and parent that run until both tiers are upgraded: {cells}"));
    }
}

struct PairsOnTheWay<'a> {
    basis: &'a Basis<'a>,
    /// The pair that runs before the upgrade.
    today: Option<CellId>,
}

impl PairsOnTheWay<'_> {
    fn check(&self, pair: &CellId, answer: &mut Decision) {
        let cell = self.basis.cell(pair);
        answer.add_trials_of(self.basis, cell);
        let today = self.today.as_ref().and_then(|id| self.basis.cell(id));
        let lost = today.zip(cell).map(|(today, then)| coverage::lost(today, then, &today.id.to_string()));
        let lost = lost.unwrap_or_default();
        let is_whole = lost.is_empty();
        for reason in lost {
            answer.add(reason);
        }
        match self.basis.must_pass(pair) {
            PassCheck::Passes if is_whole => answer.held.push(pair.clone()),
            PassCheck::Passes => {}
            PassCheck::Not(reason) => match self.does_not_run() {
                Some((id, verdict)) if reason.cause.closes() => {
                    let text =
                        format!("is {verdict}, so it is unknown whether hosts run this pair; {pair} does not pass");
                    answer.add(GateReason::new(Cause::Missing, text).about(id).fix(run_again(id)));
                }
                _ => answer.add(reason),
            },
        }
    }

    /// The pair of today, if it is known not to work: hosts may not run it.
    fn does_not_run(&self) -> Option<(&CellId, Verdict)> {
        let id = self.today.as_ref()?;
        let verdict = self.basis.cell(id)?.verdict;
        matches!(verdict, Verdict::Fail | Verdict::Unbuildable | Verdict::Broken).then_some((id, verdict))
    }
}
