//! Recipes of the user's own: what their failures mean.

use super::images::verdicts;
use super::rig::{passing, run_as};
use super::*;
use crate::config::matrix::{LocalContent, LocalFile, LocalFiles};
use crate::engine::Class;
use crate::engine::fake::{FakeBuild, FakeEngine};

const OWN: &str = r#"
version: 1
distros:
  debian-12: { family: debian, image: r.test/debian:12 }
  debian-13: { family: debian, image: r.test/debian:13, optional: true }
ats:
  own:
    version: "9.2.9"
    sources:
      - on: ["*"]
        dockerfile: { path: Dockerfile, base_arg: BASE }
"#;

/// A run of the matrix [`OWN`] whose Dockerfile prints `first` and fails, and `again` without the engine's cache.
async fn with_dockerfile(first: &'static [&'static str], again: &'static [&'static str]) -> (rig::Ran, FakeEngine) {
    let engine = passing(0).with_pullable("r.test/debian:12").with_pullable("r.test/debian:13");
    let engine = engine.with_builds(move |spec| {
        let is_own = spec.tag.starts_with("atsmatrix/dockerfile:");
        let failed = (Class::Build { code: Some(100) }, "the command returned 100".to_owned());
        let result = if is_own { Err(failed) } else { Ok(()) };
        let log = if spec.no_cache { again } else { first };
        FakeBuild { log: log.iter().map(ToString::to_string).collect(), result }
    });
    let file = LocalFile { mode: 0o644, content: LocalContent::Bytes(b"ARG BASE\nFROM ${BASE}\n".to_vec()) };
    let files = LocalFiles::new([("Dockerfile".to_owned(), file)].into());
    let request = rig::request_with(OWN, |matrix| matrix.with_local_files(|_| Ok(files.clone())).unwrap());
    (run_as("r1", &engine, &request).await, engine)
}

const FETCHED: &str = "Step 3/3 : RUN apt-get update && apt-get install -y x";

#[tokio::test(start_paused = true)]
async fn a_users_recipe_is_unbuildable_where_the_distro_lacks_a_package_and_unavailable_with_its_mirror() {
    let (ran, _) = with_dockerfile(&[FETCHED, "E: Unable to locate package x"], &[]).await;
    assert_eq!(verdicts(&ran, "own"), [Verdict::Unbuildable; 2]);
    assert_eq!(ran.reason("debian-12/own"), "the distro has no package x");
    let (ran, _) =
        with_dockerfile(&[FETCHED, "W: Failed to fetch http://m.test/x", "E: Unable to locate package x"], &[]).await;
    assert_eq!(verdicts(&ran, "own"), [Verdict::Unavailable; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_rests_on_the_engines_cache_is_repeated_without_it() {
    let cached = &[
        "Step 2/3 : RUN apt-get update",
        " ---> Using cache",
        "Step 3/3 : RUN apt-get install -y x",
        "E: Unable to locate package x",
    ];
    let (ran, engine) =
        with_dockerfile(cached, &[FETCHED, "W: Failed to fetch http://m.test/x", "E: Unable to locate package x"])
            .await;
    assert_eq!(verdicts(&ran, "own"), [Verdict::Unavailable; 2]);
    let builds = engine
        .log()
        .iter()
        .filter(|op| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/dockerfile:")))
        .count();
    assert_eq!(builds, 4);
}
