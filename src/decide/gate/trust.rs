//! When a cell cannot be trusted. An edited file, a bad merge, a run of a few trials or of another catalogue must not
//! open the gate.

use crate::model::{CellId, CellResult, Expected, Release, Verdict, VersionRange};
use crate::verdict::{self, Coverage, few};

use super::answer::{Cause, GateReason};
use super::basis::{Basis, run_again};
use super::declared::Declared;

/// Everything that is wrong with `cell`: contradictions first, then what is missing.
pub(super) fn doubts(basis: &Basis<'_>, cell: &CellResult) -> Vec<GateReason> {
    let mut doubts = contradictions(basis, cell);
    doubts.extend(gaps(cell, &basis.whole(cell)));
    doubts
}

/// What no run could have written.
pub(super) fn contradictions(basis: &Basis<'_>, cell: &CellResult) -> Vec<GateReason> {
    let whole = basis.whole(cell);
    let mut found = Vec::new();
    let mut add = |text: String| {
        let reason = GateReason::new(Cause::Unsound, format!("has contradictory results: {text}"));
        found.push(reason.about(&cell.id).fix(run_again(&cell.id)));
    };
    if basis.is_twice(&cell.id) {
        add("the cell is listed twice".to_owned());
    }
    if let (true, Some(os), Some(release)) =
        (cell.verdict.is_answer(), basis.os(&cell.id.distro), &cell.provenance.distro)
        && !os.fits(release)
    {
        add(format!("row {} is {os}, but {} ran", cell.id.distro, printable(release)));
    }
    match cell.verdict {
        Verdict::Pass if verdict::of_trials(&cell.trials) != Verdict::Pass => {
            add("the verdict is pass, but its trials do not give one".to_owned());
        }
        Verdict::Fail | Verdict::Flaky => {
            let found = verdict::of_trials(&cell.trials);
            if found != cell.verdict {
                add(format!("the verdict is {}, but its trials give {found}", cell.verdict));
            }
        }
        Verdict::Unbuildable | Verdict::Broken | Verdict::Unavailable if !cell.trials.is_empty() => {
            add(format!("the verdict is {}, but trials were run", cell.verdict));
        }
        // A cell may be in error although every trial has an outcome, if another ATS ran than was declared.
        Verdict::Pass | Verdict::Error | Verdict::Unbuildable | Verdict::Broken | Verdict::Unavailable => {}
    }
    if !whole.duplicated.is_empty() {
        add(format!("trials are listed twice: {}", few(&whole.duplicated)));
    }
    if !whole.forged.is_empty() {
        add(format!("no known issue explains these known limitations: {}", few(&whole.forged)));
    }
    if !whole.mislabelled.is_empty() {
        add(format!("controls only in the results or only in the catalogue: {}", few(&whole.mislabelled)));
    }
    let releases = basis.releases(&cell.id.distro);
    if releases.len() > 1 && cell.provenance.distro.is_some() {
        add(format!("cells of {} ran on different distros: {}", cell.id.distro, few(&releases)));
    }
    against_matrix(basis, cell, &mut add);
    found
}

/// What contradicts the matrix.yaml that was run.
fn against_matrix(basis: &Basis<'_>, cell: &CellResult, add: &mut impl FnMut(String)) {
    if basis.is_cell(&cell.id) == Some(false) {
        add("the cell is not in the matrix.yaml that they name".to_owned());
    }
    let Some(declared) = basis.declares(&cell.id) else { return };
    if cell.verdict.is_answer() && !cell.trials.is_empty() {
        against_parent(declared, cell, add);
    }
    let stated = basis.declared(cell);
    if stated.expected.as_ref().map(terms) != cell.expected.as_ref().map(terms) {
        let (file, here) = (describe(stated.expected.as_ref()), describe(cell.expected.as_ref()));
        add(format!("matrix.yaml expects {file} of it, but they state {here}"));
    }
    if declared.optional != cell.optional {
        let word = |optional| if optional { "optional" } else { "not optional" };
        add(format!("it is {} in matrix.yaml, but {} here", word(declared.optional), word(cell.optional)));
    }
    let reported = cell.provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    // Declared as one version, or as a range of them.
    let other = |reported: &&str| !VersionRange::declares(&declared.reports, reported);
    if let Some(reported) = reported.filter(|reported| cell.verdict.is_answer() && other(reported)) {
        add(format!("matrix.yaml declares ATS {} for it, but {reported} ran", declared.reports));
    }
}

/// What contradicts the declared parent of a cell with two ATS.
fn against_parent(declared: &Declared, cell: &CellResult, add: &mut impl FnMut(String)) {
    let ran = cell.provenance.parent.as_deref();
    let (wanted, ran) = match (&declared.parent, ran) {
        (None, None) => return,
        (Some(wanted), Some(ran)) if wanted.cell == ran.cell => (wanted, &ran.provenance),
        (wanted, ran) => {
            let name = |cell: Option<&CellId>| cell.map_or("no parent".to_owned(), |cell| format!("the parent {cell}"));
            let (wanted, ran) = (name(wanted.as_ref().map(|it| &it.cell)), name(ran.map(|it| &it.cell)));
            return add(format!("matrix.yaml has {wanted} for it, but they name {ran}"));
        }
    };
    match ran.ats.as_ref() {
        Some(ats) if !VersionRange::declares(&wanted.reports, &ats.reported) => {
            add(format!("matrix.yaml declares ATS {} for its parent, but {} ran", wanted.reports, ats.reported));
        }
        None if cell.verdict == Verdict::Pass => add("they do not say which ATS ran as parent".to_owned()),
        _ => {}
    }
    if let (Some(os), Some(release)) = (&wanted.os, &ran.distro)
        && !os.fits(release)
    {
        add(format!("its parent {} is {os}, but {} ran", wanted.cell, printable(release)));
    }
}

/// An expectation without its reason and link, which change nothing.
fn terms(expected: &Expected) -> Expected {
    let also = expected.also.iter().map(terms).collect();
    Expected { reason: String::new(), link: None, also, ..expected.clone() }
}

fn describe(expected: Option<&Expected>) -> String {
    let all: Vec<String> = expected
        .iter()
        .flat_map(|first| std::iter::once(*first).chain(&first.also))
        .map(|one| {
            let trials = if one.trials.is_empty() { String::new() } else { format!(" in {}", few(&one.trials)) };
            let until = one.expires.map_or(String::new(), |last| format!(" until {last}"));
            format!("{}{trials}{until}", one.what())
        })
        .collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(" and ") }
}

/// What is missing for an answer over the whole catalogue.
fn gaps(cell: &CellResult, whole: &Coverage<'_>) -> Vec<GateReason> {
    if cell.trials.is_empty() {
        // The verdict already says that it did not run.
        return Vec::new();
    }
    let ran = whole.total - whole.missing.len();
    let lists = [
        (&whole.missing, Cause::Missing, format!("ran only {ran} of {} trials; missing: ", whole.total)),
        (
            &whole.unfounded,
            Cause::NotTested,
            format!("has {} of {} trials marked as unsupported without a reason: ", whole.unfounded.len(), whole.total),
        ),
        (
            &whole.unknown,
            Cause::Missing,
            format!("has {} of {} trials that this atsmatrix does not know: ", whole.unknown.len(), whole.total),
        ),
        (&whole.redefined, Cause::MatrixChanged, "ran trials that matrix.yaml has changed since: ".to_owned()),
    ];
    let found = lists.into_iter().filter(|(trials, ..)| !trials.is_empty());
    found
        .map(|(trials, cause, text)| {
            let reason = GateReason::new(cause, text + &few(trials)).naming(trials);
            reason.about(&cell.id).fix(run_again(&cell.id))
        })
        .collect()
}

/// Characters shown of a release's name, which comes from a container.
const RELEASE_NAME: usize = 80;

/// The name of a release, for people.
pub(super) fn printable(release: &Release) -> String {
    let Release { id, version, codename, name } = release;
    let text = if name.is_empty() { format!("{id} {version} {codename}") } else { name.clone() };
    text.trim().chars().filter(|c| !c.is_control()).take(RELEASE_NAME).collect()
}
