//! Attacks applied to results.

use super::*;

/// The files after attacks, and their age in days.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) results: MatrixResult,
    pub(super) age: Option<u64>,
}

impl Files {
    pub(super) fn attack(&mut self, attack: Attack) {
        let at = |cells: &[CellResult], cell: usize| cells.iter().position(|it| it.id.to_string() == CELLS[cell]);
        let cells = &mut self.results.cells;
        match attack {
            Attack::OtherDigest => self.results.matrix = "1f".repeat(32),
            Attack::NoRow(row) if row < self.results.distros.len() => drop(self.results.distros.remove(row)),
            Attack::NoColumn(column) if column < self.results.ats.len() => drop(self.results.ats.remove(column)),
            Attack::NoLists => {
                self.results.distros.truncate(1);
                self.results.ats.truncate(1);
            }
            Attack::StrangeCell => cells.push(cell("debian-13/10", super::Verdict::Pass)),
            Attack::NoCells => cells.clear(),
            Attack::OldCatalogue => cells.iter_mut().for_each(|cell| drop(cell.trials.pop())),
            Attack::NewCatalogue => {
                let new = |cell: &mut CellResult| cell.trials.push(trial("of-tomorrow", Outcome::Pass));
                cells.iter_mut().filter(|cell| !cell.trials.is_empty()).for_each(new);
            }
            Attack::Old => self.age = self.age.map(|_| 99),
            Attack::Ageless => self.age = None,
            Attack::TrialsOf(cell, other) | Attack::RanAs(cell, other) => {
                if let (Some(to), Some(from)) = (at(cells, cell), at(cells, other)) {
                    let from = cells[from].clone();
                    let id = cells[to].id.clone();
                    let whole = CellResult { id, ..from.clone() };
                    cells[to] = match attack {
                        Attack::RanAs(..) => whole,
                        _ => CellResult { provenance: cells[to].provenance.clone(), ..whole },
                    };
                }
            }
            Attack::DropCell(cell) => cells.retain(|it| it.id.to_string() != CELLS[cell]),
            Attack::RepeatCell(cell) | Attack::RepeatAsPass(cell) => {
                if let Some(at) = at(cells, cell) {
                    let mut copy = cells[at].clone();
                    if matches!(attack, Attack::RepeatAsPass(_)) {
                        copy.verdict = super::Verdict::Pass;
                        copy.trials.iter_mut().for_each(pass);
                    }
                    cells.push(copy);
                }
            }
            _ => {
                let number = of_cell(attack);
                if let Some(at) = number.and_then(|cell| at(cells, cell)) {
                    change(&mut cells[at], attack);
                }
            }
        }
    }
}

fn pass(trial: &mut TrialResult) {
    if trial.outcome != Outcome::Unsupported {
        trial.outcome = Outcome::Pass;
    }
}

/// The cell that an attack changes in place.
fn of_cell(attack: Attack) -> Option<usize> {
    use Attack::*;
    match attack {
        DropTrial(cell, _)
        | RepeatTrial(cell, _)
        | RenameTrial(cell, _)
        | TurnControl(cell, _)
        | Set(cell, ..)
        | Verdict(cell, _)
        | Expect(cell, ..)
        | Unexpect(cell)
        | Optional(cell)
        | NoTrials(cell)
        | ControlsOnly(cell)
        | AllUnsupported(cell)
        | AllPass(cell)
        | FailuresDropped(cell)
        | FailuresUnsupported(cell)
        | OtherAts(cell)
        | OtherRelease(cell)
        | OtherOpenssl(cell) => Some(cell),
        _ => None,
    }
}

fn change(cell: &mut CellResult, attack: Attack) {
    let failed = |trial: &TrialResult| matches!(trial.outcome, Outcome::Fail | Outcome::Flaky);
    let named = |cell: &CellResult, trial: usize| cell.trials.iter().position(|it| it.id == ALL[trial]);
    match attack {
        Attack::DropTrial(_, trial) => cell.trials.retain(|it| it.id != ALL[trial]),
        Attack::RepeatTrial(_, trial) => {
            let copy = named(cell, trial).map(|at| TrialResult { outcome: Outcome::Pass, ..cell.trials[at].clone() });
            if let Some(copy) = copy {
                cell.trials.insert(0, copy);
            }
        }
        Attack::RenameTrial(_, trial) => {
            if let Some(at) = named(cell, trial) {
                cell.trials[at].id = "tls-other".into();
            }
        }
        Attack::TurnControl(_, trial) => {
            if let Some(at) = named(cell, trial) {
                cell.trials[at].control = !cell.trials[at].control;
            }
        }
        Attack::Set(_, trial, outcome) => {
            if let Some(at) = named(cell, trial) {
                cell.trials[at].outcome = outcome;
            }
        }
        Attack::Verdict(_, verdict) => cell.verdict = verdict,
        Attack::Expect(_, verdict, all) => {
            let trials = if all { Vec::new() } else { vec!["tls-*".to_owned()] };
            cell.expected = Some(Expected { trials, ..expected(verdict) });
        }
        Attack::Unexpect(_) => cell.expected = None,
        Attack::Optional(_) => cell.optional = !cell.optional,
        Attack::NoTrials(_) => cell.trials.clear(),
        Attack::ControlsOnly(_) => cell.trials.retain(|trial| trial.control),
        Attack::AllUnsupported(_) => {
            cell.trials.iter_mut().filter(|it| !it.control).for_each(|it| it.outcome = Outcome::Unsupported);
        }
        Attack::AllPass(_) => {
            cell.verdict = Verdict::Pass;
            cell.trials.iter_mut().for_each(|trial| trial.outcome = Outcome::Pass);
        }
        Attack::FailuresDropped(_) => cell.trials.retain(|trial| !failed(trial)),
        Attack::FailuresUnsupported(_) => {
            cell.trials.iter_mut().filter(|it| failed(it)).for_each(|it| it.outcome = Outcome::Unsupported);
        }
        Attack::OtherAts(_) => cell.provenance.ats.iter_mut().for_each(|ats| ats.reported = "9.2.7".into()),
        Attack::OtherRelease(_) => cell.provenance.distro.iter_mut().for_each(|it| it.version = "11".into()),
        Attack::OtherOpenssl(_) => cell.provenance.openssl.iter_mut().for_each(|it| it.version = "3.0.20".into()),
        _ => {}
    }
    if matches!(attack, Attack::FailuresDropped(_) | Attack::FailuresUnsupported(_)) && !cell.trials.is_empty() {
        cell.verdict = verdict::of_trials(&cell.trials);
    }
}
