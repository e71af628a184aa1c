//! May hosts go from one distro to another? Whatever does not pass on the new one says no, be it
//! expected or not: an expectation makes a failure known, not harmless.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::decide::compare::{Fact, provenance};
use crate::model::{AtsId, CellId, DistroId, Verdict};

use super::answer::{Answer, Cause, Reason};
use super::basis::{Basis, Stand, run_again};

pub(super) fn ask(basis: &Basis<'_>, from: &DistroId, to: &DistroId, named: &[AtsId], answer: &mut Answer) {
    let with = match named {
        [] => format!("every ATS that passes on {from}"),
        named => format!("ATS {}", list(named, "and")),
    };
    answer.questions.push(format!("may hosts with {with} go from {from} to {to}?"));
    if let Some(distro) = [from, to].into_iter().find(|distro| !basis.has_distro(distro)) {
        answer.unknown.push(no_such("distro", distro, &basis.result().distros));
        return;
    }
    let upgrade = Upgrade { basis, from, to };
    if named.is_empty() {
        upgrade.ask_about_all(answer);
    }
    for ats in named {
        if basis.has_ats(ats) {
            upgrade.note_today(ats, answer);
            upgrade.ask_about(ats, answer);
        } else {
            answer.unknown.push(no_such("ATS", ats, &basis.result().ats));
        }
    }
    upgrade.note_hellos(answer);
}

/// What an Ethernet segment carries, bytes.
const SEGMENT: u32 = 1460;

#[derive(Clone, Copy)]
struct Upgrade<'a> {
    basis: &'a Basis<'a>,
    from: &'a DistroId,
    to: &'a DistroId,
}

impl Upgrade<'_> {
    /// Every ATS that passes on the old distro. Of all others nobody knows whether hosts run them, which
    /// matters where they do not pass on the new one.
    fn ask_about_all(self, answer: &mut Answer) {
        let mut asked = false;
        for ats in columns(self.basis) {
            let today = id(self.from, &ats);
            if self.basis.lacks(&today) {
                // The matrix was run in part: what was left out may be what hosts run.
                let reason = Reason::new(Cause::Missing, "not in the results, so it is not known whether hosts run it");
                answer.unknown.push(reason.about(&today).way_out(run_again(&today)));
                continue;
            }
            let verdict = self.basis.cell(&today).map(|cell| cell.verdict);
            match verdict {
                None if self.basis.is_cell(&today) == Some(false) => {
                    answer.notes.push(format!("{today} is no cell of matrix.yaml, so it was not asked about"));
                }
                Some(Verdict::Pass) if self.basis.verdict(&today) == Some(Verdict::Pass) => {
                    asked = true;
                    self.ask_about(&ats, answer);
                }
                _ => self.ask_in_doubt(&ats, verdict, answer),
            }
        }
        if !asked {
            let text = format!("no ATS passes on {}, so there is nothing to ask", self.from);
            let way_out = "name the ATS that your hosts run, for example: --ats 9.2.9";
            answer.unknown.push(Reason::new(Cause::NothingAsked, text).way_out(way_out));
        }
    }

    /// Where the upgrade is open and ATS says another ClientHello after it: no trial here fails by that, but what is
    /// between ATS and the origins of others may drop it.
    fn note_hellos(self, answer: &mut Answer) {
        let mut changes: BTreeMap<(u32, u32), Vec<&CellId>> = BTreeMap::new();
        for goal in answer.held.iter().filter(|held| held.distro == *self.to) {
            let size = |id: &CellId| self.basis.cell(id).and_then(|cell| cell.provenance.client_hello);
            if let (Some(before), Some(after)) = (size(&id(self.from, &goal.ats)), size(goal))
                && before != after
            {
                changes.entry((before, after)).or_default().push(goal);
            }
        }
        let told = changes.into_iter().map(|((before, after), cells)| {
            let larger = if after > SEGMENT && before <= SEGMENT {
                "; it no longer fits one segment, and old origins and middleboxes drop it: docs/trials/pq-intolerant-origin.md"
            } else {
                ""
            };
            format!("what changes: ClientHello {before} -> {after} bytes with {}{larger}", list(&cells, "and"))
        });
        let told: Vec<String> = told.collect();
        answer.notes.extend(told);
    }

    /// About an ATS that hosts may run although it is not known to pass where they are.
    fn ask_in_doubt(self, ats: &AtsId, verdict: Option<Verdict>, answer: &mut Answer) {
        let (today, goal) = (id(self.from, ats), id(self.to, ats));
        let fails = matches!(verdict, Some(Verdict::Fail | Verdict::Unbuildable));
        let lost = self.lost(ats, answer);
        let Stand::Not(reason) = self.basis.must_pass(&goal) else {
            if fails && !lost {
                self.note_today(ats, answer);
            }
            return;
        };
        let stands = match verdict {
            Some(Verdict::Fail) => "fails",
            Some(Verdict::Unbuildable) => "does not compile",
            None => "not in the results",
            Some(_) => "no sound answer",
        };
        let text = format!("{stands}, so it is not known whether hosts run this ATS; {goal} does not pass");
        let cause = if reason.cause.closes() { Cause::Missing } else { reason.cause };
        let way_out = format!("if they do not, name those that they run: --ats {}", self.others(ats));
        answer.unknown.push(Reason::new(cause, text).about(&today).way_out(way_out));
    }

    /// The ATS that pass on the old distro, as an option names them.
    fn others(self, ats: &AtsId) -> String {
        let passes = |other: &AtsId| self.basis.verdict(&id(self.from, other)) == Some(Verdict::Pass);
        let others: Vec<String> = columns(self.basis)
            .iter()
            .filter(|other| *other != ats && passes(other))
            .map(ToString::to_string)
            .collect();
        if others.is_empty() { "ATS".to_owned() } else { others.join(",") }
    }

    /// What is to be known about the present, where it is not a pass.
    fn note_today(self, ats: &AtsId, answer: &mut Answer) {
        let today = id(self.from, ats);
        match self.basis.cell(&today).map(|cell| cell.verdict) {
            Some(Verdict::Pass) => {}
            Some(verdict) => answer.notes.push(format!("{today} itself does not pass: {verdict}")),
            None => answer.notes.push(format!("{today} itself is not in the results")),
        }
    }

    fn ask_about(self, ats: &AtsId, answer: &mut Answer) {
        let goal = id(self.to, ats);
        let lost = self.lost(ats, answer);
        match self.basis.must_pass(&goal) {
            Stand::Passes => match self.basis.same_release(&id(self.from, ats), &goal) {
                None if lost => {}
                None => answer.held.push(goal),
                Some(release) => answer.add(self.no_upgrade(&goal, &release)),
            },
            Stand::Not(mut reason) => {
                reason.provenance = self.changes(ats);
                if reason.cause.closes() {
                    reason.ways_out.extend(self.another_ats(ats));
                }
                answer.add(reason);
            }
        }
    }

    /// Both sides ran on one distro: whatever they came to says nothing of a way from one to another.
    fn no_upgrade(self, goal: &CellId, release: &str) -> Reason {
        let (from, to) = (self.from, self.to);
        let text = format!("{from} and {to} both ran on {release}, so no upgrade was tried");
        let way_out = format!(
            "bring {to} an image of its own, or, where both rows are meant to be that, say so with `os` in matrix.yaml"
        );
        Reason::new(Cause::Unsound, text).about(goal).way_out(way_out)
    }

    /// What is different about what runs, from the old distro to the new one.
    fn changes(self, ats: &AtsId) -> Vec<Fact> {
        let cell = |distro| self.basis.cell(&id(distro, ats));
        match (cell(self.from), cell(self.to)) {
            (Some(today), Some(then)) => provenance(&today.provenance, &then.provenance),
            _ => Vec::new(),
        }
    }

    /// Tells what is tested on the old distro and not on the new one, and what the answer rests on; whether there is
    /// such a thing.
    fn lost(self, ats: &AtsId, answer: &mut Answer) -> bool {
        let cell = |distro| self.basis.cell(&id(distro, ats));
        let (Some(today), then) = (cell(self.from), cell(self.to)) else {
            answer.rests_of(self.basis, cell(self.to));
            return false;
        };
        answer.rests_of(self.basis, then);
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

    /// The ATS that could make the journey instead.
    fn another_ats(self, ats: &AtsId) -> Option<String> {
        let passes = |distro, other: &AtsId| self.basis.verdict(&id(distro, other)) == Some(Verdict::Pass);
        let others: Vec<AtsId> =
            columns(self.basis).into_iter().filter(|other| other != ats && passes(self.to, other)).collect();
        let both: Vec<AtsId> = others.iter().filter(|other| passes(self.from, other)).cloned().collect();
        let (from, to) = (self.from, self.to);
        match (both.first(), others.as_slice()) {
            (Some(first), _) => Some(format!(
                "change ATS to {} first, which passes on {from} and {to}: atsmatrix path {from}/{ats} {to}/{first}",
                list(&both, "or")
            )),
            (None, [first, ..]) => Some(format!(
                "on {to} these pass: {}; none of them is known to pass on {from}: atsmatrix path {from}/{ats} {to}/{first}",
                list(&others, "and")
            )),
            (None, []) => None,
        }
    }
}

fn id(distro: &DistroId, ats: &AtsId) -> CellId {
    CellId { distro: distro.clone(), ats: ats.clone() }
}

/// The columns in order, also those that only cells name.
fn columns(basis: &Basis<'_>) -> Vec<AtsId> {
    let mut columns = basis.result().ats.clone();
    for cell in &basis.result().cells {
        if !columns.contains(&cell.id.ats) {
            columns.push(cell.id.ats.clone());
        }
    }
    columns
}

fn no_such(what: &str, name: &dyn Display, known: &[impl Display]) -> Reason {
    let way_out = match known {
        [] => "run the matrix first: atsmatrix run".to_owned(),
        known => format!("there are {}", list(known, "and")),
    };
    Reason::new(Cause::Missing, format!("no {what} {name} in the results")).way_out(way_out)
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
