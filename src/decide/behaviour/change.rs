//! Compares the behaviour of two cells, trial by trial. Equal changes of many trials are one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{Behaviour, BehaviourPart, BehaviourRecords, CellBehaviour, CellId, CellResult, DistroId, Outcome};
use crate::model::{MatrixResult, TrialResult};
use crate::verdict::bypasses_ats;

use super::expected::{Case, ExpectedCause, Ran, causes};
use super::turn::AspectTurn;

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct BehaviourSide<'a> {
    /// The cell.
    pub cell: &'a CellResult,
    /// What was recorded of it; `None`: nothing.
    pub behaviour: Option<&'a CellBehaviour>,
}

impl<'a> BehaviourSide<'a> {
    /// The side of `cell`, with what `records` have of it.
    pub fn of(cell: &'a CellResult, records: &'a BehaviourRecords) -> Self {
        Self { cell, behaviour: records.get(&cell.id).filter(|own| !own.is_empty()) }
    }

    fn trial(&self, id: &str) -> Option<&'a Behaviour> {
        self.behaviour?.get(id)
    }
}

/// A change that one or more trials have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BehaviourChange {
    /// The part.
    pub part: BehaviourPart,
    /// The aspect; may contain the name of a header.
    pub aspect: String,
    /// How it changed; may contain text from containers.
    pub turn: AspectTurn,
    /// Why it was to be expected; `None`: unexplained.
    pub expected: Option<ExpectedCause>,
    /// The trials, in the order of the results.
    pub trials: Vec<String>,
}

/// The difference of two cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BehaviourDifference {
    /// The earlier cell.
    pub from: CellId,
    /// The later cell.
    pub to: CellId,
    /// The OpenSSL of both, if known.
    pub openssl: (Option<String>, Option<String>),
    /// The ATS of both, if known.
    pub ats: (Option<String>, Option<String>),
    /// How many trials were compared.
    pub compared: usize,
    /// The changes; unexplained ones first, then those of the most trials.
    pub changes: Vec<BehaviourChange>,
    /// Trials with an answer on both sides that cannot be compared, because no behaviour was recorded.
    pub unknown: Vec<String>,
    /// The cells without any recorded behaviour.
    pub unrecorded: Vec<CellId>,
}

impl BehaviourDifference {
    /// Changes without a known reason.
    pub fn unexplained(&self) -> impl Iterator<Item = &BehaviourChange> {
        self.changes.iter().filter(|change| change.expected.is_none())
    }

    /// Changes that were to be expected.
    pub fn expected(&self) -> impl Iterator<Item = &BehaviourChange> {
        self.changes.iter().filter(|change| change.expected.is_some())
    }
}

/// Compares two cells.
pub fn compare(from: BehaviourSide<'_>, to: BehaviourSide<'_>) -> BehaviourDifference {
    let ran = Ran::of(&from.cell.provenance, &to.cell.provenance);
    let mut grouped: Vec<(AspectTurn, BehaviourChange)> = Vec::new();
    let (mut compared, mut unknown) = (0, Vec::new());
    for trial in &from.cell.trials {
        let Some(other) = to.cell.trials.iter().find(|other| other.id == trial.id) else { continue };
        if !(tells(trial) && tells(other)) {
            continue;
        }
        let (Some(before), Some(after)) = (from.trial(&trial.id), to.trial(&trial.id)) else {
            unknown.push(trial.id.clone());
            continue;
        };
        compared += 1;
        for change in changes(&trial.id, before, after, &ran) {
            add(&mut grouped, change);
        }
    }
    let mut changes: Vec<BehaviourChange> = grouped.into_iter().map(|(_, change)| change).collect();
    changes.sort_by_key(|change| {
        let BehaviourChange { part, aspect, turn, expected, trials } = change;
        (expected.is_some(), usize::MAX - trials.len(), *part, aspect.clone(), turn.clone())
    });
    let sides = [from, to];
    let unrecorded = sides.iter().filter(|side| side.behaviour.is_none()).map(|side| side.cell.id.clone()).collect();
    BehaviourDifference {
        from: from.cell.id.clone(),
        to: to.cell.id.clone(),
        openssl: sides.map(|side| side.cell.provenance.openssl.as_ref().map(|it| it.version.clone())).into(),
        ats: sides.map(|side| side.cell.provenance.ats.as_ref().map(|it| it.reported.clone())).into(),
        compared,
        changes,
        unknown,
        unrecorded,
    }
}

/// Whether a trial tells how ATS behaves: it has an answer, and ATS took part.
fn tells(trial: &TrialResult) -> bool {
    matches!(trial.outcome, Outcome::Pass | Outcome::Fail | Outcome::Limitation) && !bypasses_ats(trial)
}

/// Adds a change of one trial to an equal one of others, or as a new one.
fn add(grouped: &mut Vec<(AspectTurn, BehaviourChange)>, change: BehaviourChange) {
    let kind = change.turn.kind();
    let same = |(other, known): &&mut (AspectTurn, BehaviourChange)| {
        *other == kind
            && (known.part, &known.aspect, &known.expected) == (change.part, &change.aspect, &change.expected)
    };
    match grouped.iter_mut().find(same) {
        Some((_, known)) => {
            known.turn.widen(&change.turn);
            known.trials.extend(change.trials);
        }
        None => grouped.push((kind, change)),
    }
}

/// All changes of one trial, each with its cause.
fn changes(trial: &str, before: &Behaviour, after: &Behaviour, ran: &Ran) -> Vec<BehaviourChange> {
    let names: BTreeSet<(BehaviourPart, &str)> =
        before.iter().chain(after.iter()).map(|(part, aspect, _)| (part, aspect)).collect();
    let differs = |(part, aspect): &(BehaviourPart, &str)| before.get(*part, aspect) != after.get(*part, aspect);
    let cases: Vec<Case<'_>> = names
        .into_iter()
        .filter(differs)
        .map(|(part, aspect)| Case { part, aspect, before, after })
        .collect();
    let causes: Vec<Option<ExpectedCause>> = causes(&cases, ran);
    let change = |(case, expected): (&Case<'_>, Option<ExpectedCause>)| BehaviourChange {
        part: case.part,
        aspect: case.aspect.to_owned(),
        turn: AspectTurn::of(case.part, case.aspect, case.old(), case.new()),
        expected,
        trials: vec![trial.to_owned()],
    };
    cases.iter().zip(causes).map(change).collect()
}

/// The cell of the same ATS on the row before that of `cell` whose distro is the same and whose behaviour is known: the one from
/// which hosts come. Rows that were upgraded in place are no such row.
pub fn predecessor<'a>(
    result: &'a MatrixResult,
    records: &BehaviourRecords,
    cell: &CellResult,
) -> Option<&'a CellResult> {
    let row = |distro: &DistroId| result.distros.iter().position(|other| other == distro);
    let family = |cell: &CellResult| cell.provenance.distro.as_ref().map(|release| release.id.clone());
    let (own, of) = (row(&cell.id.distro)?, family(cell)?);
    let cells: BTreeMap<usize, &CellResult> = result
        .cells
        .iter()
        .filter(|other| other.id.ats == cell.id.ats && other.provenance.upgrade.is_none())
        .filter(|other| family(other).as_ref() == Some(&of) && records.contains_key(&other.id))
        .filter_map(|other| Some((row(&other.id.distro)?, other)))
        .collect();
    cells.range(..own).next_back().map(|(_, other)| *other)
}
