//! When a cell cannot be taken at its word: a file that somebody edited, a bad merge, a run of a few trials or of
//! another catalogue must not open a gate.

use crate::model::{CellResult, Expected, Verdict, Version, VersionRange};
use crate::verdict::{self, Coverage, few};

use super::answer::{Cause, Reason};
use super::basis::{Basis, printable, run_again};

/// Everything that is wrong with `cell`: first what contradicts itself, then what is missing.
pub(super) fn doubts(basis: &Basis<'_>, cell: &CellResult) -> Vec<Reason> {
    let mut doubts = contradictions(basis, cell);
    doubts.extend(gaps(cell, &basis.whole(cell)));
    doubts
}

/// What no run could have written.
pub(super) fn contradictions(basis: &Basis<'_>, cell: &CellResult) -> Vec<Reason> {
    let whole = basis.whole(cell);
    let mut found = Vec::new();
    let mut say = |text: String| {
        let reason = Reason::new(Cause::Unsound, format!("the results contradict themselves: {text}"));
        found.push(reason.about(&cell.id).way_out(run_again(&cell.id)));
    };
    if basis.is_twice(&cell.id) {
        say("it is there twice".to_owned());
    }
    if let (true, Some(os), Some(release)) =
        (cell.verdict.is_answer(), basis.os(&cell.id.distro), &cell.provenance.distro)
        && !os.fits(release)
    {
        say(format!("the row {} is {os}, and what ran was {}", cell.id.distro, printable(release)));
    }
    match cell.verdict {
        Verdict::Pass if verdict::of_trials(&cell.trials) != Verdict::Pass => {
            say("the verdict is pass, but its trials do not say so".to_owned());
        }
        Verdict::Fail | Verdict::Flaky => {
            let found = verdict::of_trials(&cell.trials);
            if found != cell.verdict {
                say(format!("the verdict is {}, but its trials say {found}", cell.verdict));
            }
        }
        Verdict::Unbuildable | Verdict::Unavailable if !cell.trials.is_empty() => {
            say(format!("the verdict is {}, but trials were run", cell.verdict));
        }
        // A cell may be in error although every trial has an outcome: another ATS ran than was declared.
        Verdict::Pass | Verdict::Error | Verdict::Unbuildable | Verdict::Unavailable => {}
    }
    if !whole.duplicated.is_empty() {
        say(format!("trials are there twice: {}", few(&whole.duplicated)));
    }
    if !whole.forged.is_empty() {
        say(format!("no known issue limits this ATS in {}", few(&whole.forged)));
    }
    if !whole.mislabelled.is_empty() {
        say(format!("these are controls in one place and none in the other: {}", few(&whole.mislabelled)));
    }
    let releases = basis.releases(&cell.id.distro);
    if releases.len() > 1 && cell.provenance.distro.is_some() {
        say(format!("cells of {} ran on different distros: {}", cell.id.distro, few(&releases)));
    }
    against_matrix(basis, cell, &mut say);
    found
}

/// What matrix.yaml, which was run, says otherwise.
fn against_matrix(basis: &Basis<'_>, cell: &CellResult, say: &mut impl FnMut(String)) {
    if basis.is_cell(&cell.id) == Some(false) {
        say("it is no cell of the matrix.yaml that they name".to_owned());
    }
    let Some(declared) = basis.declares(&cell.id) else { return };
    let stated = basis.declared(cell);
    if stated.expected.as_ref().map(terms) != cell.expected.as_ref().map(terms) {
        let (file, here) = (tell(stated.expected.as_ref()), tell(cell.expected.as_ref()));
        say(format!("matrix.yaml expects {file} of it, and they say that it expects {here}"));
    }
    if declared.optional != cell.optional {
        let word = |optional| if optional { "optional" } else { "not optional" };
        say(format!("it is {} in matrix.yaml, and {} here", word(declared.optional), word(cell.optional)));
    }
    let reported = cell.provenance.ats.as_ref().map(|ats| ats.reported.as_str());
    // Declared as one version, or as a range of them.
    let other = |reported: &&str| match (declared.reports.parse::<VersionRange>(), reported.parse::<Version>()) {
        (Ok(range), Ok(version)) => !range.contains(&version),
        _ => *reported != declared.reports,
    };
    if let Some(reported) = reported.filter(|reported| cell.verdict.is_answer() && other(reported)) {
        say(format!("matrix.yaml declares ATS {} for it, and {reported} ran", declared.reports));
    }
}

/// An expectation without its words: those weigh nothing.
fn terms(expected: &Expected) -> Expected {
    let also = expected.also.iter().map(terms).collect();
    Expected { reason: String::new(), link: None, also, ..expected.clone() }
}

fn tell(expected: Option<&Expected>) -> String {
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

/// What is missing for an answer of the whole catalogue.
fn gaps(cell: &CellResult, whole: &Coverage<'_>) -> Vec<Reason> {
    if cell.trials.is_empty() {
        // What did not run says so by its verdict.
        return Vec::new();
    }
    let ran = whole.total - whole.missing.len();
    let lists = [
        (&whole.missing, Cause::Missing, format!("only {ran} of {} trials were run: without ", whole.total)),
        (
            &whole.unfounded,
            Cause::NotTested,
            format!(
                "{} of {} trials are said to be unsupported, though nothing says why: ",
                whole.unfounded.len(),
                whole.total
            ),
        ),
        (
            &whole.unknown,
            Cause::Missing,
            format!("{} of {} trials are not known to this atsmatrix: ", whole.unknown.len(), whole.total),
        ),
    ];
    let told = lists.into_iter().filter(|(trials, ..)| !trials.is_empty());
    told.map(|(trials, cause, text)| {
        let reason = Reason::new(cause, text + &few(trials)).naming(trials);
        reason.about(&cell.id).way_out(run_again(&cell.id))
    })
    .collect()
}
