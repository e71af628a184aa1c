//! Small results and git repositories, for tests of commands on committed results.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its files has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use atsmatrix::catalogue::trials::{CATALOGUE, Kind};
use atsmatrix::config::matrix::Matrix;
use atsmatrix::model::{CellResult, Library, MatrixResult, Outcome, Provenance, SCHEMA_VERSION, TrialResult, Verdict};
use atsmatrix::report::json;

/// The matrix.yaml that [`result`] was made with.
pub(crate) const MATRIX: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: x }
  debian-13: { family: debian, image: x }
ats:
  \"9.2.5\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
  \"9.2.9\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
";

/// A cell with every trial of the catalogue, all supported.
pub(crate) fn cell(id: &str, verdict: Verdict, openssl: &str) -> CellResult {
    let outcome = |kind| if kind == Kind::Subject && verdict == Verdict::Fail { Outcome::Fail } else { Outcome::Pass };
    let trials = CATALOGUE.iter().map(|trial| TrialResult {
        id: trial.id.into(),
        outcome: outcome(trial.kind),
        control: trial.kind != Kind::Subject,
        limitation: None,
        definition: None,
        summary: String::new(),
        evidence: Vec::new(),
    });
    let openssl = Library { version: openssl.into(), path: "/usr/lib/libssl.so.3".into(), package: None };
    CellResult {
        id: id.parse().unwrap(),
        verdict,
        reason: None,
        expected: None,
        optional: false,
        trials: trials.collect(),
        known_issues: Vec::new(),
        provenance: Provenance { openssl: Some(openssl), ..Provenance::default() },
    }
}

/// A result of these cells.
pub(crate) fn result(cells: Vec<CellResult>) -> MatrixResult {
    MatrixResult {
        schema: SCHEMA_VERSION,
        matrix: Matrix::parse("matrix.yaml", MATRIX).unwrap().digest,
        distros: ["debian-12", "debian-13"].map(|id| id.parse().unwrap()).into(),
        ats: ["9.2.5", "9.2.9"].map(|id| id.parse().unwrap()).into(),
        cells,
    }
}

/// The known answers; the verdict of 9.2.5 on debian-13 is `seed`.
pub(crate) fn known(seed: Verdict, openssl: &str) -> MatrixResult {
    result(vec![
        cell("debian-12/9.2.5", Verdict::Pass, "3.0.20"),
        cell("debian-12/9.2.9", Verdict::Pass, "3.0.20"),
        cell("debian-13/9.2.5", seed, openssl),
        cell("debian-13/9.2.9", Verdict::Pass, openssl),
    ])
}

/// Writes results to `file` in `dir`, and their matrix.yaml if there is none.
pub(crate) fn put(dir: &Path, file: &str, result: &MatrixResult) {
    if !dir.join("matrix.yaml").exists() {
        fs::write(dir.join("matrix.yaml"), MATRIX).unwrap();
    }
    fs::create_dir_all(dir.join("results")).unwrap();
    fs::write(dir.join(file), json::write(result)).unwrap();
}

/// Runs git with the dates set to `second` after 1970.
pub(crate) fn git(dir: &Path, args: &[&str], second: u64) {
    let date = format!("{second} +0000");
    let status = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"])
        .args(args)
        .envs([("GIT_COMMITTER_DATE", &date), ("GIT_AUTHOR_DATE", &date)])
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}
