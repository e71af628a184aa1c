//! Compares the distro and the version that ran with those that matrix.yaml declares. Pure.

use super::tiers;
use crate::engine::lines::one_line;
use crate::model::{DistroId, Os, Provenance, Release, Verdict, VersionRange};
use crate::run::cell::{CellRun, Job};

/// Maximum length of a distro's release in messages, characters.
const RELEASE_CHARS: usize = 120;

/// Makes the cell an error if its distro or version differs from the declared one, as the table would be wrong about its row
/// or column.
pub(super) fn check_declared(job: &Job, run: &mut CellRun) {
    let distro = || distro_mismatch(&job.id.distro, job.os.as_ref(), &run.provenance);
    let own = distro().or_else(|| version_mismatch(&job.declared, &run.provenance));
    if let Some(text) = own.or_else(|| tiers::mismatch(job, &run.provenance)) {
        run.verdict = Verdict::Error;
        run.reason = Some(text);
    }
}

/// The error message if ATS reports another version than `declared`, which may be a range.
pub(in crate::run::cell) fn version_mismatch(declared: &str, provenance: &Provenance) -> Option<String> {
    let reported = &provenance.ats.as_ref()?.reported;
    (!VersionRange::declares(declared, reported)).then(|| {
        format!(
            "matrix.yaml declares ATS {declared}, `traffic_server -V` reports {reported}: correct `version`, or add \
             `reports: \"{reported}\"` to the source if this is intended"
        )
    })
}

/// The error message if a cell of `row` ran on another distro than `os`; `None` if the distro is unknown.
pub(in crate::run::cell) fn distro_mismatch(
    row: &DistroId,
    os: Option<&Os>,
    provenance: &Provenance,
) -> Option<String> {
    let os = os?;
    let seen = match &provenance.distro {
        Some(release) if os.fits(release) => return None,
        Some(Release { id, version, codename, .. }) => {
            let words: Vec<&str> = [id, version, codename].into_iter().map(String::as_str).collect();
            format!("says {}", one_line(&words.join(" "), RELEASE_CHARS))
        }
        None if *provenance == Provenance::default() => return None,
        None => "is missing".to_owned(),
    };
    Some(format!(
        "the row {row} is {os}, and /etc/os-release in the cell {seen}: rebuild the image on the base of that row, give \
         each row an image of its own (`on: [{row}]`), or correct `os`, `image` or `bootstrap` of the row"
    ))
}
