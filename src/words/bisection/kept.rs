//! Whether a kept bisection still fits the current results.

use crate::model::{Bisection, CellId, MatrixResult, Outcome, Over};

/// The `bisections` whose failing cell is `cell`.
pub fn of_cell<'a>(bisections: &'a [Bisection], cell: &'a CellId) -> impl Iterator<Item = &'a Bisection> {
    bisections.iter().filter(move |bisection| bisection.bad == *cell)
}

/// The answer in one sentence.
pub fn sentence(bisection: &Bisection) -> String {
    format!("{}: {}", bisection.standing.words(), bisection.answer)
}

/// The command that repeats it.
pub fn command(bisection: &Bisection) -> String {
    let Bisection { good, bad, trial, .. } = bisection;
    format!("atsmatrix bisect --good {good} --bad {bad} --trial {trial}")
}

/// Why the answer no longer fits `result`: the cell no longer fails the trial, or a cell runs with another OpenSSL.
/// `None` if it still fits.
pub fn stale(bisection: &Bisection, result: &MatrixResult) -> Option<String> {
    let cell = |id: &CellId| result.cells.iter().find(|cell| cell.id == *id);
    let bad = cell(&bisection.bad)?;
    let trial = bad.trials.iter().find(|trial| trial.id == bisection.trial);
    if let Some(trial) =
        trial.filter(|trial| !matches!(trial.outcome, Outcome::Fail | Outcome::Limitation | Outcome::Flaky))
    {
        return Some(format!("{} no longer fails {}: it is now {}", bad.id, trial.id, trial.outcome));
    }
    if bisection.over != Over::Distro {
        return None;
    }
    // `3.5.7 (libssl3t64 3.5.7-1)`, or the version alone.
    let openssl = bisection.suspects.iter().find(|suspect| suspect.name == "openssl")?;
    let ends = [(&bisection.bad, &openssl.bad), (&bisection.good, &openssl.good)];
    ends.into_iter().find_map(|(id, searched)| {
        let now = cell(id)?.provenance.openssl.as_ref()?;
        let searched = searched.split(' ').next()?;
        (now.version != searched)
            .then(|| format!("{id} has OpenSSL {} in these results, the bisection used {searched}", now.version))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::model::{Library, Suspect};

    /// Results in which the bad cell of the fixture fails its trial with the same OpenSSL.
    fn result() -> MatrixResult {
        let (mut result, bisection) = (crate::words::fixture::matrix(), fixture::bisection());
        let cell = result.cells.iter_mut().find(|cell| cell.id == bisection.bad).unwrap();
        cell.trials.truncate(1);
        (cell.trials[0].id, cell.trials[0].outcome) = (bisection.trial, Outcome::Fail);
        cell.provenance.openssl = Some(Library { version: "3.5.7".into(), ..Library::default() });
        result.cells.retain(|cell| cell.id == bisection.bad);
        result
    }

    #[test]
    fn an_answer_is_stale_if_the_cell_passes_or_has_another_openssl() {
        let (bisection, fresh) = (fixture::bisection(), result());
        assert_eq!(stale(&bisection, &fresh), None);
        let mut passing = fresh.clone();
        passing.cells[0].trials[0].outcome = Outcome::Pass;
        assert!(stale(&bisection, &passing).unwrap().contains("no longer fails tls-remote-origin: it is now pass"));
        let mut upgraded = fresh.clone();
        upgraded.cells[0].provenance.openssl.as_mut().unwrap().version = "3.6.0".into();
        assert!(
            stale(&bisection, &upgraded).unwrap().contains("OpenSSL 3.6.0 in these results, the bisection used 3.5.7")
        );
        let unknown = Bisection { suspects: Vec::<Suspect>::new(), ..bisection.clone() };
        assert_eq!(stale(&unknown, &upgraded), None, "its OpenSSL is not known");
        let elsewhere = Bisection { bad: "debian-99/9.2.5".parse().unwrap(), ..bisection };
        assert_eq!(stale(&elsewhere, &fresh), None);
    }
}
