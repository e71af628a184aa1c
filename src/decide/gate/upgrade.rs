//! Can hosts be upgraded from one distro to another? Any failure on the new one is a no, expected or not: an
//! expectation makes a failure known, not harmless.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::decide::compare::{Fact, provenance};
use crate::model::{AtsId, CellId, DistroId, Verdict};

use super::answer::{Cause, Decision, GateReason};
use super::basis::{Basis, PassCheck, run_again};

pub(super) fn ask(basis: &Basis<'_>, from: &DistroId, to: &DistroId, named: &[AtsId], answer: &mut Decision) {
    let with = match named {
        [] => format!("every ATS that passes on {from}"),
        named => format!("ATS {}", list(named, "and")),
    };
    answer.questions.push(format!("can hosts with {with} be upgraded from {from} to {to}?"));
    if let Some(distro) = [from, to].into_iter().find(|distro| !basis.has_distro(distro)) {
        answer.unknown.push(no_such("distro", distro, &basis.result().distros));
        return;
    }
    let upgrade = Upgrade { basis, from, to };
    if named.is_empty() {
        upgrade.check_all(answer);
    }
    for ats in named {
        if basis.has_ats(ats) {
            upgrade.note_today(ats, answer);
            upgrade.check(ats, answer);
        } else {
            answer.unknown.push(no_such("ATS", ats, &basis.result().ats));
        }
    }
    super::tiers::ask(basis, from, to, named, answer);
    upgrade.note_hellos(answer);
    upgrade.note_kinds(answer);
}

/// Bytes of TCP payload in one Ethernet frame without options: 1500 less 40 of headers.
const SEGMENT: u32 = 1460;

#[derive(Clone, Copy)]
struct Upgrade<'a> {
    basis: &'a Basis<'a>,
    from: &'a DistroId,
    to: &'a DistroId,
}

impl Upgrade<'_> {
    /// Checks every ATS that passes on the old distro. For the others it is unknown whether hosts run them, which
    /// matters if they do not pass on the new one.
    fn check_all(self, answer: &mut Decision) {
        let mut checked = false;
        for ats in columns(self.basis).into_iter().filter(|ats| !self.basis.is_of_tiers(ats)) {
            let today = id(self.from, &ats);
            if self.basis.lacks(&today) {
                // The matrix was run in part, and hosts may run what was left out.
                let reason =
                    GateReason::new(Cause::Missing, "is not in the results, so it is unknown whether hosts run it");
                answer.unknown.push(reason.about(&today).fix(run_again(&today)));
                continue;
            }
            let verdict = self.basis.cell(&today).map(|cell| cell.verdict);
            match verdict {
                None if self.basis.is_cell(&today) == Some(false) => {
                    answer.notes.push(format!("{today} is not a cell of matrix.yaml, so it was not checked"));
                }
                Some(Verdict::Pass) if self.basis.verdict(&today) == Some(Verdict::Pass) => {
                    checked = true;
                    self.check(&ats, answer);
                }
                _ => self.check_in_doubt(&ats, verdict, answer),
            }
        }
        if !checked {
            let text = format!("no ATS passes on {}, so there is nothing to check", self.from);
            let fix = "name the ATS that your hosts run, for example: --ats 9.2.9";
            answer.unknown.push(GateReason::new(Cause::NothingAsked, text).fix(fix));
        }
    }

    /// The cell that must pass for hosts with `ats`.
    fn goal(self, ats: &AtsId) -> CellId {
        self.basis.after_upgrade(self.from, &id(self.to, ats))
    }

    /// Notes on what kind of cell the answer rests: an upgrade in place is what happens to hosts.
    fn note_kinds(self, answer: &mut Decision) {
        let goals = answer.rests.iter().map(|trials| &trials.cell).filter(|cell| self.goal(&cell.ats) == **cell);
        let (upgraded, fresh): (Vec<CellId>, Vec<CellId>) =
            goals.cloned().partition(|cell| self.basis.is_upgraded(&cell.distro) == Some(true));
        if !upgraded.is_empty() {
            answer.notes.push(format!("rests on an upgrade in place: {}", list(&upgraded, "and")));
        }
        if !fresh.is_empty() && self.basis.is_upgraded(self.to) == Some(false) {
            answer
                .notes
                .push(format!("rests on a new installation, not on an upgrade in place: {}", list(&fresh, "and")));
        }
    }

    /// Notes where ATS sends a ClientHello of another size after an upgrade that is open. No trial fails by that, but
    /// other origins and middleboxes may drop it.
    fn note_hellos(self, answer: &mut Decision) {
        let mut changes: BTreeMap<(u32, u32), Vec<&CellId>> = BTreeMap::new();
        for goal in answer.held.iter().filter(|held| self.goal(&held.ats) == **held) {
            let size = |id: &CellId| self.basis.cell(id).and_then(|cell| cell.provenance.client_hello);
            if let (Some(before), Some(after)) = (size(&id(self.from, &goal.ats)), size(goal))
                && before != after
            {
                changes.entry((before, after)).or_default().push(goal);
            }
        }
        let notes = changes.into_iter().map(|((before, after), cells)| {
            let larger = if after > SEGMENT && before <= SEGMENT {
                "; it no longer fits into one segment, and old origins and middleboxes drop it: see \
                 docs/trials/pq-intolerant-origin.md"
            } else {
                ""
            };
            format!("what changes: ClientHello {before} -> {after} bytes with {}{larger}", list(&cells, "and"))
        });
        let notes: Vec<String> = notes.collect();
        answer.notes.extend(notes);
    }

    /// Checks an ATS that hosts may run although it is not known to pass on the old distro.
    fn check_in_doubt(self, ats: &AtsId, verdict: Option<Verdict>, answer: &mut Decision) {
        let (today, goal) = (id(self.from, ats), self.goal(ats));
        let fails = matches!(verdict, Some(Verdict::Fail | Verdict::Unbuildable | Verdict::Broken));
        let lost = self.lost(ats, answer);
        let PassCheck::Not(reason) = self.basis.must_pass(&goal) else {
            if fails && !lost {
                self.note_today(ats, answer);
            }
            return;
        };
        let stands = match verdict {
            Some(Verdict::Fail) => "fails",
            Some(Verdict::Unbuildable) => "cannot be built",
            Some(Verdict::Broken) => "did not survive an upgrade",
            None => "is not in the results",
            Some(Verdict::Pass | Verdict::Flaky | Verdict::Error | Verdict::Unavailable) => "has no reliable answer",
        };
        let text = format!("{stands}, so it is unknown whether hosts run this ATS; {goal} does not pass");
        let cause = if reason.cause.closes() { Cause::Missing } else { reason.cause };
        let fix = format!("if they do not, name the ones that they run: --ats {}", self.others(ats));
        answer.unknown.push(GateReason::new(cause, text).about(&today).fix(fix));
    }

    /// The other ATS that pass on the old distro, as the value of an option.
    fn others(self, ats: &AtsId) -> String {
        let passes = |other: &AtsId| self.basis.verdict(&id(self.from, other)) == Some(Verdict::Pass);
        let others: Vec<String> = columns(self.basis)
            .iter()
            .filter(|other| *other != ats && passes(other) && !self.basis.is_of_tiers(other))
            .map(ToString::to_string)
            .collect();
        if others.is_empty() { "ATS".to_owned() } else { others.join(",") }
    }

    /// Notes that hosts are not on a cell that passes.
    fn note_today(self, ats: &AtsId, answer: &mut Decision) {
        let today = id(self.from, ats);
        match self.basis.cell(&today).map(|cell| cell.verdict) {
            Some(Verdict::Pass) => {}
            Some(verdict) => answer.notes.push(format!("{today} does not pass today: {verdict}")),
            None => answer.notes.push(format!("{today} is not in the results")),
        }
    }

    fn check(self, ats: &AtsId, answer: &mut Decision) {
        let goal = self.goal(ats);
        let lost = self.lost(ats, answer);
        match self.basis.must_pass(&goal) {
            PassCheck::Passes => match self.basis.same_release(&id(self.from, ats), &goal) {
                None if lost => {}
                None => answer.held.push(goal),
                Some(release) => answer.add(self.no_upgrade(&goal, &release)),
            },
            PassCheck::Not(mut reason) => {
                reason.provenance = self.changes(ats);
                if reason.cause.closes() {
                    reason.ways_out.extend(self.another_ats(ats));
                }
                answer.add(reason);
            }
        }
    }

    /// Both sides ran on one release, so the results say nothing about an upgrade.
    fn no_upgrade(self, goal: &CellId, release: &str) -> GateReason {
        let (from, to) = (self.from, self.to);
        let text = format!("says nothing about an upgrade: {from} and {to} both ran on {release}");
        let fix = format!(
            "give {to} an image of its own, or, if both rows are meant to be this release, state it with `os` in matrix.yaml"
        );
        GateReason::new(Cause::Unsound, text).about(goal).fix(fix)
    }

    /// What runs differently on the new distro.
    fn changes(self, ats: &AtsId) -> Vec<Fact> {
        match (self.basis.cell(&id(self.from, ats)), self.basis.cell(&self.goal(ats))) {
            (Some(today), Some(then)) => provenance(&today.provenance, &then.provenance),
            _ => Vec::new(),
        }
    }

    /// Adds what is tested on the old distro and not on the new one, and the trials behind the answer. Returns whether
    /// anything was lost.
    fn lost(self, ats: &AtsId, answer: &mut Decision) -> bool {
        let then = self.basis.cell(&self.goal(ats));
        answer.add_trials_of(self.basis, then);
        let Some(today) = self.basis.cell(&id(self.from, ats)) else { return false };
        let Some(then) = then else { return false };
        answer.notes.extend(super::coverage::shared(today, then));
        let reasons = super::coverage::lost(today, then, &self.from.to_string());
        let found = !reasons.is_empty();
        for mut reason in reasons {
            reason.provenance = self.changes(ats);
            answer.add(reason);
        }
        found
    }

    /// An ATS that can be upgraded instead.
    fn another_ats(self, ats: &AtsId) -> Option<String> {
        let passes = |distro, other: &AtsId| self.basis.verdict(&id(distro, other)) == Some(Verdict::Pass);
        let others: Vec<AtsId> =
            columns(self.basis).into_iter().filter(|it| it != ats && !self.basis.is_of_tiers(it)).collect();
        let others: Vec<AtsId> = others.into_iter().filter(|other| passes(self.to, other)).collect();
        let both: Vec<AtsId> = others.iter().filter(|other| passes(self.from, other)).cloned().collect();
        let (from, to) = (self.from, self.to);
        match (both.first(), others.as_slice()) {
            (Some(first), _) => Some(format!(
                "change ATS to {} first, which passes on {from} and {to}: atsmatrix path {from}/{ats} {to}/{first}",
                list(&both, "or")
            )),
            (None, [first, ..]) => Some(format!(
                "these pass on {to}, but are not known to pass on {from}: {}; see atsmatrix path {from}/{ats} {to}/{first}",
                list(&others, "and")
            )),
            (None, []) => None,
        }
    }
}

fn id(distro: &DistroId, ats: &AtsId) -> CellId {
    CellId { distro: distro.clone(), ats: ats.clone() }
}

/// The columns in order, including those that only cells name.
fn columns(basis: &Basis<'_>) -> Vec<AtsId> {
    let mut columns = basis.result().ats.clone();
    for cell in &basis.result().cells {
        if !columns.contains(&cell.id.ats) {
            columns.push(cell.id.ats.clone());
        }
    }
    columns
}

fn no_such(what: &str, name: &dyn Display, known: &[impl Display]) -> GateReason {
    let fix = match known {
        [] => "run the matrix first: atsmatrix run".to_owned(),
        known => format!("the results have {}", list(known, "and")),
    };
    GateReason::new(Cause::Missing, format!("there is no {what} {name} in the results")).fix(fix)
}

/// `a, b and c`.
fn list(names: &[impl Display], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(ToString::to_string).collect();
            format!("{} {word} {last}", most.join(", "))
        }
    }
}
