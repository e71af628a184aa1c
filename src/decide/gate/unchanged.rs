//! Does ATS behave after an upgrade as before? A change without a known reason is a no; one that OpenSSL or ATS brings is a note.

use crate::decide::behaviour::{self, BehaviourSide, words};
use crate::model::{AtsId, BehaviourRecords, CellId, DistroId, Verdict};
use crate::verdict::few;

use super::answer::{Cause, Decision, GateReason};
use super::basis::{Basis, run_again};

pub(super) fn ask(
    basis: &Basis<'_>,
    (from, to): (&DistroId, &DistroId),
    named: &[AtsId],
    records: &BehaviourRecords,
    answer: &mut Decision,
) {
    answer.questions.push(format!("does ATS behave on {to} as on {from}?"));
    let columns: Vec<AtsId> = match named {
        [] => basis.result().ats.iter().filter(|ats| !basis.is_of_tiers(ats)).cloned().collect(),
        named => named.to_vec(),
    };
    let mut asked = false;
    for ats in columns {
        let today = CellId { distro: from.clone(), ats: ats.clone() };
        let goal = basis.after_upgrade(from, &CellId { distro: to.clone(), ats });
        // As for the upgrade: without names, the ATS that pass on the old distro.
        if named.is_empty() && basis.verdict(&today) != Some(Verdict::Pass) {
            continue;
        }
        asked = true;
        let ran = |id: &CellId| basis.cell(id).filter(|cell| !cell.trials.is_empty());
        if let (Some(before), Some(after)) = (ran(&today), ran(&goal)) {
            let (before, after) = (BehaviourSide::of(before, records), BehaviourSide::of(after, records));
            weigh(&today, &goal, &behaviour::compare(before, after), answer);
            continue;
        }
        for id in [&today, &goal].into_iter().filter(|id| ran(id).is_none()) {
            let text = "has no trials whose behaviour can be compared";
            answer.add(GateReason::new(Cause::NotRecorded, text).about(id).fix(run_again(id)));
        }
    }
    if !asked {
        let text = format!("no ATS passes on {from}, so there is no behaviour to compare");
        answer.unknown.push(GateReason::new(Cause::NothingAsked, text));
    }
}

fn weigh(today: &CellId, goal: &CellId, difference: &behaviour::BehaviourDifference, answer: &mut Decision) {
    for id in &difference.unrecorded {
        let text = "has no recorded behaviour, so it is unknown what changes";
        answer.add(GateReason::new(Cause::NotRecorded, text).about(id).fix(run_again(id)));
    }
    if !difference.unrecorded.is_empty() {
        return;
    }
    for change in difference.unexplained() {
        let text = format!("behaves differently from {today}, without a known reason: {}", words::line(change));
        let fix = format!("compare both: atsmatrix diff --behaviour {today} {goal}");
        answer.add(GateReason::new(Cause::Behaviour, text).about(goal).naming(&change.trials).fix(fix));
    }
    // What only the old distro has is not known to be the same; what only the new one has, nobody relied on.
    let unknown = [difference.unknown.as_slice(), &difference.only_before].concat();
    if !unknown.is_empty() {
        let (count, names) = (unknown.len(), few(&unknown));
        let text = format!("cannot be compared with {today} in {count} trials: {names}");
        let reason = GateReason::new(Cause::NotRecorded, text).about(goal).naming(&unknown);
        answer.add(reason.fix(run_again(goal)));
    }
    if difference.compared == 0 {
        let text = format!("has no trial that can be compared with {today}");
        answer.add(GateReason::new(Cause::NotRecorded, text).about(goal).fix(run_again(goal)));
    }
    if !difference.only_after.is_empty() {
        let names = few(&difference.only_after);
        answer.notes.push(format!("not compared, because {today} does not have them: {names}"));
    }
    answer.notes.extend(words::left_out(difference).into_iter().map(|left| format!("{today} -> {goal}: {left}")));
    answer.notes.push(format!("{today} -> {goal}: {}", words::sum(difference)));
    for change in difference.expected() {
        if let Some(cause) = &change.expected {
            answer.notes.push(format!("expected by {} with {goal}: {}", cause.by, words::line(change)));
        }
    }
}
