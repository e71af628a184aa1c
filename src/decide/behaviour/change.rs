//! Compares the behaviour of two cells, trial by trial. Equal changes of many trials are one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::catalogue::known_issues;
use crate::catalogue::trials;
use crate::model::{
    BehaviourPart, BehaviourRecords, CellBehaviour, CellId, CellResult, DistroId, MatrixResult, Outcome,
    TrialBehaviour, TrialResult,
};
use crate::verdict::bypasses_ats;

use super::chance;
use super::expected::{Case, ExpectedCause, Ran, TrialFacts, causes};
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

    fn trial(&self, id: &str) -> Option<&'a TrialBehaviour> {
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

/// A fact that is not compared in one or more trials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// The part, or one aspect of it.
    pub fact: String,
    /// Why it is not compared.
    pub why: String,
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
    /// What is not compared in trials that are.
    pub not_compared: Vec<NotCompared>,
    /// Trials that cannot be compared: without an answer on a side, or with one whose behaviour was not recorded.
    pub unknown: Vec<String>,
    /// Trials that the later cell does not have.
    pub only_before: Vec<String>,
    /// Trials that the earlier cell does not have.
    pub only_after: Vec<String>,
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

/// What a trial of a cell says about ATS.
#[derive(Debug, Clone, Copy)]
enum Told<'a> {
    /// It has an answer.
    Answer(&'a TrialResult),
    /// It should have one.
    Nothing,
    /// This ATS does not support it, or the cell does not have it.
    Absent,
}

impl<'a> Told<'a> {
    fn by(cell: &'a CellResult, id: &str) -> Self {
        match cell.trials.iter().find(|trial| trial.id == id) {
            None => Self::Absent,
            Some(trial) => match trial.outcome {
                Outcome::Pass | Outcome::Fail | Outcome::Limitation => Self::Answer(trial),
                Outcome::Unsupported => Self::Absent,
                Outcome::Flaky | Outcome::Error | Outcome::Skipped => Self::Nothing,
            },
        }
    }
}

/// Compares two cells.
pub fn compare(from: BehaviourSide<'_>, to: BehaviourSide<'_>) -> BehaviourDifference {
    let ran = Ran::of(&from.cell.provenance, &to.cell.provenance);
    let sides = [from, to];
    let mut grouped: Vec<(AspectTurn, BehaviourChange)> = Vec::new();
    let mut difference = BehaviourDifference {
        from: from.cell.id.clone(),
        to: to.cell.id.clone(),
        openssl: sides.map(|side| side.cell.provenance.openssl.as_ref().map(|it| it.version.clone())).into(),
        ats: sides.map(|side| side.cell.provenance.ats.as_ref().map(|it| it.reported.clone())).into(),
        compared: 0,
        changes: Vec::new(),
        not_compared: Vec::new(),
        unknown: Vec::new(),
        only_before: Vec::new(),
        only_after: Vec::new(),
        unrecorded: sides.iter().filter(|side| side.behaviour.is_none()).map(|side| side.cell.id.clone()).collect(),
    };
    for id in through_ats(sides) {
        match (Told::by(from.cell, id), Told::by(to.cell, id)) {
            (Told::Absent, Told::Absent) => {}
            (Told::Answer(_), Told::Absent) => difference.only_before.push(id.to_owned()),
            (Told::Absent, Told::Answer(_)) => difference.only_after.push(id.to_owned()),
            (Told::Answer(old), Told::Answer(new)) => match (from.trial(id), to.trial(id)) {
                (Some(before), Some(after)) => {
                    difference.compared += 1;
                    leave_out(&mut difference.not_compared, id, before, after);
                    for change in changes(id, (before, after), &ran, facts(old, new)) {
                        add(&mut grouped, change);
                    }
                }
                _ => difference.unknown.push(id.to_owned()),
            },
            _ => difference.unknown.push(id.to_owned()),
        }
    }
    difference.changes = grouped.into_iter().map(|(_, change)| change).collect();
    difference.changes.sort_by_key(|change| {
        let BehaviourChange { part, aspect, turn, expected, trials } = change;
        (expected.is_some(), usize::MAX - trials.len(), *part, aspect.clone(), turn.clone())
    });
    difference
}

/// The trials of both sides in which ATS takes part, in the order of the results.
fn through_ats(sides: [BehaviourSide<'_>; 2]) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for trial in sides.iter().flat_map(|side| &side.cell.trials) {
        if !bypasses_ats(trial) && !ids.contains(&trial.id.as_str()) {
            ids.push(&trial.id);
        }
    }
    ids
}

/// What the catalogue and the outcomes say about a trial.
fn facts(before: &TrialResult, after: &TrialResult) -> TrialFacts {
    let known = |trial: &TrialResult| known_issues::by_id(trial.limitation.as_deref()?);
    let issue = match (before.outcome, after.outcome) {
        (Outcome::Limitation, Outcome::Pass) => known(before),
        (Outcome::Pass, Outcome::Limitation) => known(after),
        _ => None,
    };
    let spec = trials::by_id(&before.id).map(trials::Trial::spec);
    TrialFacts { largest_hello: spec.and_then(|spec| spec.origin.tls?.largest_hello), issue }
}

/// Adds what is not compared in one trial.
fn leave_out(all: &mut Vec<NotCompared>, trial: &str, before: &TrialBehaviour, after: &TrialBehaviour) {
    let left_out: BTreeSet<(&str, &str)> = before.not_compared().chain(after.not_compared()).collect();
    for (fact, why) in left_out {
        match all.iter_mut().find(|known| (known.fact.as_str(), known.why.as_str()) == (fact, why)) {
            Some(known) => known.trials.push(trial.to_owned()),
            None => all.push(NotCompared { fact: fact.into(), why: why.into(), trials: vec![trial.to_owned()] }),
        }
    }
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

/// All changes of one trial, each with its cause. What either side leaves out is no change.
fn changes(
    trial: &str,
    (before, after): (&TrialBehaviour, &TrialBehaviour),
    ran: &Ran,
    facts: TrialFacts,
) -> Vec<BehaviourChange> {
    let left_out: Vec<&str> = before.not_compared().chain(after.not_compared()).map(|(fact, _)| fact).collect();
    let names: BTreeSet<(BehaviourPart, &str)> =
        before.iter().chain(after.iter()).map(|(part, aspect, _)| (part, aspect)).collect();
    let differs = |(part, aspect): &(BehaviourPart, &str)| {
        before.get(*part, aspect) != after.get(*part, aspect)
            && !left_out.iter().any(|fact| chance::covers(fact, *part, aspect))
    };
    let (older, newer) = if ran.backwards { (after, before) } else { (before, after) };
    let cases: Vec<Case<'_>> =
        names.into_iter().filter(differs).map(|(part, aspect)| Case { part, aspect, older, newer }).collect();
    let why = causes(&cases, ran, facts);
    let change = |(case, expected): (&Case<'_>, Option<ExpectedCause>)| BehaviourChange {
        part: case.part,
        aspect: case.aspect.to_owned(),
        turn: AspectTurn::of(
            case.part,
            case.aspect,
            before.get(case.part, case.aspect),
            after.get(case.part, case.aspect),
        ),
        expected,
        trials: vec![trial.to_owned()],
    };
    cases.iter().zip(why).map(change).collect()
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
