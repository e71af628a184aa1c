//! Images that cannot be had spoil their own cells, and identical work is done once.

use super::rig::{count, order, passing, run_as};
use super::*;
use crate::engine::Class;
use crate::engine::fake::{FakeBuild, FakeEngine};

/// Two distros that install a package, and one that moves what the first of them builds.
const PACKAGES: &str = r#"
version: 1
distros:
  debian-12: { family: debian, image: r.test/debian:12 }
  debian-13: { family: debian, image: r.test/debian:13 }
  fedora-40: { family: fedora, image: silent.test/fedora:40, optional: true }
  fedora-41: { family: fedora, image: silent.test/fedora:41, optional: true }
ats:
  "9.2.9":
    sources:
      - on: [debian-12]
        tarball:
          urls: [https://r.test/ats.tar.bz2]
          sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      - on: [debian-13]
        build_on: debian-12
      - on: ["fedora-*"]
        package: { name: trafficserver, version: 9.2.9-1 }
  packaged:
    version: "9.2.9"
    sources:
      - on: ["debian-*"]
        package: { name: trafficserver, version: 9.2.9-1 }
"#;

/// An engine with a registry of its own; `log` is what the build of ATS says before it fails.
fn scripted(log: Option<&'static [&'static str]>) -> FakeEngine {
    let engine = passing(0).with_pullable("r.test/debian:12").with_pullable("r.test/debian:13");
    engine.with_builds(move |spec| match log {
        Some(log) if spec.containerfile == "tarball/build.Containerfile" => FakeBuild {
            log: log.iter().map(ToString::to_string).collect(),
            result: Err((Class::Build { code: Some(1) }, "the command returned 1".to_owned())),
        },
        _ => FakeBuild { log: Vec::new(), result: Ok(()) },
    })
}

fn verdicts(ran: &rig::Ran, suffix: &str) -> Vec<Verdict> {
    ran.verdicts().into_iter().filter(|(id, _)| id.ends_with(suffix)).map(|(_, verdict)| verdict).collect()
}

#[tokio::test(start_paused = true)]
async fn a_build_that_does_not_compile_is_a_finding_of_every_cell_that_needs_it_and_is_remembered() {
    let engine = scripted(Some(&["@@atsmatrix phase compile", "a.cc:1:2: error: no member named 'x'"]));
    let ran = run_as("r1", &engine, &order(PACKAGES)).await;
    assert_eq!(
        verdicts(&ran, "/9.2.9"),
        [Verdict::Unbuildable, Verdict::Unbuildable, Verdict::Unavailable, Verdict::Unavailable]
    );
    assert_eq!(verdicts(&ran, "packaged"), [Verdict::Pass, Verdict::Pass]);
    assert_eq!(ran.reason("debian-13/9.2.9"), "a.cc:1:2: error: no member named 'x'");
    assert!(engine.left().is_empty());

    let builds = |engine: &FakeEngine| {
        engine.log().iter().filter(|op| matches!(op, Op::Build(tag) if tag.starts_with("atsmatrix/build:"))).count()
    };
    let before = builds(&engine);
    let again = run_as("r2", &engine, &order(PACKAGES)).await;
    assert_eq!((again.verdicts(), builds(&engine)), (ran.verdicts(), before));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_lacks_a_part_says_nothing_about_ats() {
    let log =
        &["@@atsmatrix phase fetch", "@@atsmatrix reason fetch: https://r.test/ats.tar.bz2: Could not resolve host"];
    let engine = scripted(Some(log));
    let ran = run_as("r1", &engine, &order(PACKAGES)).await;
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 4), ("Pass".to_owned(), 2)].into());
    assert!(ran.reason("debian-13/9.2.9").contains("Could not resolve host"), "{}", ran.reason("debian-13/9.2.9"));
}

#[tokio::test(start_paused = true)]
async fn identical_work_is_done_once() {
    let engine = scripted(None);
    run_as("r1", &engine, &order(PACKAGES)).await;
    let log = engine.log();
    let pulls: Vec<&Op> = log.iter().filter(|op| matches!(op, Op::Pull(_))).collect();
    assert_eq!(pulls.len(), 2, "{pulls:?}");
    let mut builds: Vec<&String> =
        log.iter().filter_map(|op| if let Op::Build(tag) = op { Some(tag) } else { None }).collect();
    let count = builds.len();
    builds.sort();
    builds.dedup();
    assert_eq!(builds.len(), count, "{builds:?}");
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_is_asked_once_and_each_row_names_its_own_image() {
    let engine = scripted(None);
    let ran = run_as("r1", &engine, &order(PACKAGES)).await;
    assert_eq!(engine.refused_pulls(), 1);
    for image in ["fedora:40", "fedora:41"] {
        let id = image.replace(':', "-");
        let reason = ran.reason(&id);
        assert!(reason.contains(&format!("silent.test/{image}")) && reason.contains("no such host"), "{reason}");
    }
    assert_eq!(verdict::exit(&ran.done.unwrap().cells, &Terms::default()), Exit::Success, "the rows are optional");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_where_that_was_ruled_out() {
    let engine = scripted(None);
    let policy = Policy { no_build: true, jobs: 2, ..Policy::default() };
    let ran = run_as("r1", &engine, &Order { policy, ..order(PACKAGES) }).await;
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 6)].into());
    assert!(ran.reason("debian-12/9.2.9").contains("--no-build"), "{}", ran.reason("debian-12/9.2.9"));
    assert_eq!(engine.log(), []);

    let policy = Policy { offline: true, jobs: 2, ..Policy::default() };
    let ran = run_as("r2", &engine, &Order { policy, ..order(PACKAGES) }).await;
    assert!(ran.reason("debian-12/9.2.9").contains("r.test was not asked: --offline"), "{}", ran.reason("debian-12"));
    assert_eq!(engine.log(), []);
}
