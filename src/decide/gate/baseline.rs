//! Is nothing worse than in an earlier result? A property of the table of changes. Here, and only
//! here, an expected failure is excused: matrix.yaml has said that it is known. In return an
//! expectation that does not hold any more closes, as it does in a run.

use crate::decide::compare::{self, Bearing, CellChange, Change, TrialChange};
use crate::model::{CellId, CellResult, MatrixResult, Outcome, Verdict};
use crate::verdict::{self, Surprise, few};

use super::answer::{Answer, Cause, Reason};
use super::basis::Basis;

pub(super) fn ask(basis: &Basis<'_>, name: &str, baseline: &MatrixResult, answer: &mut Answer) {
    answer.questions.push(format!("is nothing worse than in {name}?"));
    let before = Basis::new(baseline);
    if !basis.is_same_matrix(&baseline.matrix) {
        answer.notes.push(format!("{name} was made with another matrix.yaml"));
    }
    let mut ids: Vec<&CellId> = basis.result().cells.iter().map(|cell| &cell.id).collect();
    ids.extend(baseline.cells.iter().map(|cell| &cell.id));
    ids.extend(basis.lacking());
    let mut seen = std::collections::BTreeSet::new();
    let mut compared = false;
    for id in ids.into_iter().filter(|id| seen.insert(*id)) {
        let (old, new) = (before.cell(id), basis.cell(id));
        compared |=
            old.is_some_and(|cell| cell.verdict.is_answer()) && new.is_some_and(|cell| cell.verdict.is_answer());
        for doubt in old.map_or_else(Vec::new, |old| before.contradictions(old)) {
            let text = format!("in {name}, {}", doubt.text);
            answer.add(Reason { text, ways_out: Vec::new(), ..doubt }.way_out("take another baseline"));
        }
        judge(basis, id, old, new, was_due(basis, &before, id), answer);
    }
    if !compared {
        let text = format!("no cell has an answer both here and in {name}");
        answer.unknown.push(Reason::new(Cause::NothingAsked, text).way_out("compare with results that were answered"));
    }
}

/// Whether the baseline owed an answer of a cell that it has none of. Not where the cell may be missing, as rows may
/// that need a registry, and not where its matrix had no such row or column.
fn was_due(basis: &Basis<'_>, before: &Basis<'_>, id: &CellId) -> bool {
    if before.cell(id).is_some() {
        return !basis.cell(id).is_some_and(|cell| basis.declared(cell).optional);
    }
    let baseline = before.result();
    basis.is_same_matrix(&baseline.matrix) || (baseline.distros.contains(&id.distro) && baseline.ats.contains(&id.ats))
}

fn judge(
    basis: &Basis<'_>,
    id: &CellId,
    old: Option<&CellResult>,
    new: Option<&CellResult>,
    due: bool,
    answer: &mut Answer,
) {
    if basis.lacks(id) {
        // Run from today's matrix.yaml it would be there, whatever it came to.
        let before = old.map_or(String::new(), |cell| format!(", {} before", cell.verdict));
        let reason = Reason::new(Cause::Missing, format!("not in the results{before}")).about(id);
        answer.unknown.push(reason.way_out(super::basis::run_again(id)));
        return;
    }
    let doubts = new.map_or_else(Vec::new, |cell| basis.distrust(cell));
    let sound = doubts.is_empty();
    for doubt in doubts {
        answer.add(doubt);
    }
    answer.rests_of(basis, new);
    let declared = new.map(|cell| basis.declared(cell));
    let new = declared.as_deref();
    let verdicts = (old.map(|cell| cell.verdict), new.map(|cell| cell.verdict));
    let change = Change::of(verdicts.0.into(), verdicts.1.into());
    let difference = compare::cell(id, old, new);
    // A cell whose verdict held may still have trials that did not.
    let trials = |bearing| trials_with(difference.as_ref(), bearing);
    let worse = change.bearing() == Bearing::Worse || !trials(Bearing::Worse).is_empty();
    let unknown = change.bearing() == Bearing::Unknown || !trials(Bearing::Unknown).is_empty();
    let surprises = new.map_or_else(Vec::new, |cell| verdict::surprises(cell, &basis.terms()));
    if out_of_date(id, new, &surprises, answer) {
        return;
    }
    let excused = new.is_some_and(|cell| excused(cell, &surprises));
    let troubled = new.is_some_and(|cell| cell.verdict != Verdict::Pass) && !excused;
    if change == Change::NewlyTested && troubled {
        let news = describe(change, verdicts, &[]);
        if due {
            let reason = reason(basis, Cause::NotTested, (change, verdicts), &[], id, difference.as_ref(), new);
            answer.add(Reason { text: format!("{}; nobody knows what it was before", reason.text), ..reason });
        } else {
            answer.notes.push(format!("{id}: {news}; nobody had an answer before, so it is no worse"));
        }
        return;
    }
    if worse && !excused {
        answer.add(reason(
            basis,
            Cause::Worse,
            (change, verdicts),
            &trials(Bearing::Worse),
            id,
            difference.as_ref(),
            new,
        ));
        return;
    }
    if worse {
        answer.notes.push(format!("{id} is worse ({change}), as {} expects", basis.who_expects()));
    }
    // What is excused excuses nothing beside it: a trial without an answer may have regressed, too.
    if unknown && change == Change::StillUnanswered && new.is_some_and(optional) {
        answer.notes.push(format!("{id} is optional and as unavailable as before"));
    } else if unknown {
        let (cause, trials) = (cause_of(change), trials(Bearing::Unknown));
        answer.add(reason(basis, cause, (change, verdicts), &trials, id, difference.as_ref(), new));
    } else if let Some(open) = new.filter(|cell| cell.verdict.is_answer()).map(verdict::unanswered)
        && !open.is_empty()
    {
        // What did not compile before has no trials to compare these with.
        let text = format!("{} of its trials in error or not reached: {}", open.len(), few(&open));
        answer.add(Reason::new(Cause::Error, text).about(id).naming(&open).way_out(super::basis::run_again(id)));
    } else if new.is_some_and(|cell| cell.verdict.is_answer()) {
        if !sound {
            return;
        }
        match change.bearing() {
            Bearing::Better => answer.notes.push(format!("{id} is better: {change}")),
            _ if change == Change::NewlyTested => answer.notes.push(format!("{id}: {change}, {}", word(verdicts.1))),
            Bearing::Same | Bearing::Worse | Bearing::Unknown => {}
        }
        answer.held.push(id.clone());
    } else {
        answer.notes.push(format!("{id}: {change}"));
    }
}

/// Whether every failure in the cell is declared in matrix.yaml, and still holds. Where a failure is
/// declared, passing at times is no worse.
fn excused(cell: &CellResult, surprises: &[Surprise<'_>]) -> bool {
    let declared =
        cell.expected.is_some() && matches!(cell.verdict, Verdict::Fail | Verdict::Unbuildable | Verdict::Flaky);
    declared && surprises.iter().all(|surprise| matches!(surprise, Surprise::Fixed { .. }))
}

/// Expectations that do not hold any more: until somebody mends matrix.yaml they hide what comes next.
fn out_of_date(id: &CellId, new: Option<&CellResult>, surprises: &[Surprise<'_>], answer: &mut Answer) -> bool {
    let stale = surprises.iter().filter(|surprise| match surprise {
        Surprise::Undeclared { .. } => false,
        Surprise::Expired { .. } | Surprise::LimitationGone { .. } => true,
        // Flaky is neither: it failed as declared, and it passed.
        Surprise::Fixed { .. } => new.is_some_and(|cell| cell.verdict != Verdict::Flaky),
    });
    let before = answer.closed.len();
    answer.closed.extend(stale.map(|surprise| {
        let way_out = match surprise {
            Surprise::Expired { .. } => "look at it again: mend it, or give matrix.yaml a later day and a new reason",
            Surprise::LimitationGone { .. } => verdict::LIMITATION_GONE_ADVICE,
            _ => "take it out of matrix.yaml: atsmatrix expect --update",
        };
        Reason::new(Cause::Expectation, surprise.to_string()).about(id).way_out(way_out)
    }));
    answer.closed.len() > before
}

fn optional(cell: &CellResult) -> bool {
    cell.optional && cell.verdict == Verdict::Unavailable
}

fn trials_with(difference: Option<&CellChange>, bearing: Bearing) -> Vec<&TrialChange> {
    let trials = difference.map_or(&[][..], |difference| &difference.trials);
    trials.iter().filter(|trial| of_trial(trial) == bearing).collect()
}

/// A trial that failed and that the cell cannot do any more is none that is mended.
fn of_trial(trial: &TrialChange) -> Bearing {
    match (trial.change, trial.outcome.after) {
        (Change::FailureRemoved, Some(Outcome::Unsupported)) => Bearing::Unknown,
        (change, _) => change.bearing(),
    }
}

fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("absent", Verdict::word)
}

fn describe(change: Change, (old, new): (Option<Verdict>, Option<Verdict>), trials: &[&TrialChange]) -> String {
    let told: Vec<String> = trials.iter().map(|trial| format!("{} {}", trial.id, trial.change)).collect();
    let trials = match told.len() {
        0 => String::new(),
        1 => format!(": {}", told[0]),
        count => format!(": {count} trials: {}", few(&told)),
    };
    if old == new {
        return format!("{} as before{trials}", word(new));
    }
    format!("{change}, {} -> {}{trials}", word(old), word(new))
}

fn cause_of(change: Change) -> Cause {
    match change {
        Change::Infrastructure => Cause::Error,
        Change::Unavailable => Cause::Unavailable,
        _ => Cause::Missing,
    }
}

fn reason(
    basis: &Basis<'_>,
    cause: Cause,
    (change, verdicts): (Change, (Option<Verdict>, Option<Verdict>)),
    trials: &[&TrialChange],
    id: &CellId,
    difference: Option<&CellChange>,
    new: Option<&CellResult>,
) -> Reason {
    let why = new.and_then(|cell| cell.reason.as_ref()).map_or(String::new(), |why| format!(": {why}"));
    let text = describe(change, verdicts, trials);
    let mut reason = Reason {
        trials: trials.iter().map(|trial| trial.id.clone()).collect(),
        known_issues: new.map_or_else(Vec::new, |cell| cell.known_issues.clone()),
        provenance: difference.map_or_else(Vec::new, |difference| difference.provenance.clone()),
        ..Reason::new(cause, format!("{text}{why}")).about(id)
    };
    if !cause.closes() {
        reason.ways_out.push(if basis.has_distro(&id.distro) && basis.has_ats(&id.ats) {
            format!("run it: atsmatrix run --distro {} --ats {}", id.distro, id.ats)
        } else {
            "if it was taken out of matrix.yaml on purpose, take a newer baseline".to_owned()
        });
    } else if reason.known_issues.is_empty() {
        reason.ways_out.push("if it has to be lived with, declare it in matrix.yaml under `expect`".to_owned());
    }
    reason
}
