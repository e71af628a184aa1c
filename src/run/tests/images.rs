//! Images that cannot be made affect only their own cells, and identical work is done once.

use super::rig::{count, passing, request, run_as};
use super::*;
use crate::builder::ImageBuilder;
use crate::engine::fake::{FakeBuild, FakeEnd, FakeEngine};
use crate::engine::{Class, Labels};
use crate::exit::Exit;

/// Two distros that install a package, one of which also runs the build of the other.
pub(super) const PACKAGES: &str = r#"
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

/// An engine with its own registry. With `log` the build of ATS prints that and fails.
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

pub(super) fn verdicts(ran: &rig::Ran, suffix: &str) -> Vec<Verdict> {
    ran.verdicts().into_iter().filter(|(id, _)| id.ends_with(suffix)).map(|(_, verdict)| verdict).collect()
}

#[tokio::test(start_paused = true)]
async fn a_build_that_does_not_compile_is_a_finding_for_all_its_cells_and_is_remembered() {
    let engine = scripted(Some(&[
        "@@atsmatrix phase compile",
        "a.cc:1:2: error: no member named 'x'",
        "@@atsmatrix reason compile: no member named 'x'",
    ]));
    let ran = run_as("r1", &engine, &request(PACKAGES)).await;
    assert_eq!(
        verdicts(&ran, "/9.2.9"),
        [Verdict::Unbuildable, Verdict::Unbuildable, Verdict::Unavailable, Verdict::Unavailable]
    );
    assert_eq!(verdicts(&ran, "packaged"), [Verdict::Pass, Verdict::Pass]);
    assert_eq!(ran.reason("debian-13/9.2.9"), "a.cc:1:2: error: no member named 'x'");
    assert!(engine.left().is_empty());

    let builds = |engine: &FakeEngine| {
        engine.log().iter().filter(|op| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:"))).count()
    };
    let before = builds(&engine);
    let again = run_as("r2", &engine, &request(PACKAGES)).await;
    assert_eq!((again.verdicts(), builds(&engine)), (ran.verdicts(), before));
}

#[tokio::test(start_paused = true)]
async fn a_killed_build_says_nothing_about_ats_and_is_repeated() {
    let engine = scripted(Some(&["@@atsmatrix phase compile", "a.cc:1:2: error: no member named 'x'"]));
    for run in ["r1", "r2"] {
        let ran = run_as(run, &engine, &request(PACKAGES)).await;
        assert_eq!(verdicts(&ran, "/9.2.9"), [Verdict::Unavailable; 4]);
        assert!(ran.reason("debian-13/9.2.9").contains("killed"), "{}", ran.reason("debian-13/9.2.9"));
    }
    let tried = |op: &&FakeOp| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:"));
    assert_eq!(engine.log().iter().filter(tried).count(), 2, "nothing was remembered");
}

#[tokio::test(start_paused = true)]
async fn a_build_without_a_part_says_nothing_about_ats() {
    let log =
        &["@@atsmatrix phase fetch", "@@atsmatrix reason fetch: https://r.test/ats.tar.bz2: Could not resolve host"];
    let engine = scripted(Some(log));
    let ran = run_as("r1", &engine, &request(PACKAGES)).await;
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 4), ("Pass".to_owned(), 2)].into());
    assert!(ran.reason("debian-13/9.2.9").contains("Could not resolve host"), "{}", ran.reason("debian-13/9.2.9"));
}

#[tokio::test(start_paused = true)]
async fn identical_work_is_done_once() {
    let engine = scripted(None);
    run_as("r1", &engine, &request(PACKAGES)).await;
    let log = engine.log();
    let pulls: Vec<&FakeOp> = log.iter().filter(|op| matches!(op, FakeOp::Pull(_))).collect();
    assert_eq!(pulls.len(), 2, "{pulls:?}");
    let mut builds: Vec<&String> =
        log.iter().filter_map(|op| if let FakeOp::Build(tag) = op { Some(tag) } else { None }).collect();
    let count = builds.len();
    builds.sort();
    builds.dedup();
    assert_eq!(builds.len(), count, "{builds:?}");
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_registry_is_contacted_once_and_each_row_names_its_image() {
    let engine = scripted(None);
    let ran = run_as("r1", &engine, &request(PACKAGES)).await;
    assert_eq!(engine.refused_pulls(), 1);
    for image in ["fedora:40", "fedora:41"] {
        let id = image.replace(':', "-");
        let reason = ran.reason(&id);
        assert!(reason.contains(&format!("silent.test/{image}")) && reason.contains("no such host"), "{reason}");
    }
    assert_eq!(verdict::exit(&ran.done.unwrap().cells, &Terms::default()), Exit::Success, "the rows are optional");
}

#[tokio::test(start_paused = true)]
async fn no_build_and_offline_make_nothing() {
    let engine = scripted(None);
    let policy = Policy { no_build: true, jobs: 2, ..Policy::default() };
    let ran = run_as("r1", &engine, &RunRequest { policy, ..request(PACKAGES) }).await;
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 6)].into());
    assert!(ran.reason("debian-12/9.2.9").contains("--no-build"), "{}", ran.reason("debian-12/9.2.9"));
    assert_eq!(engine.log(), []);

    let policy = Policy { offline: true, jobs: 2, ..Policy::default() };
    let ran = run_as("r3", &engine, &RunRequest { policy, ..request(PACKAGES) }).await;
    let reason = ran.reason("debian-12/9.2.9");
    assert!(reason.starts_with("cannot pull r.test/debian:12: --offline was given"), "{reason}");
    assert_eq!(engine.log(), []);
}

#[tokio::test(start_paused = true)]
async fn a_base_loaded_into_the_engine_is_used_if_its_registry_is_not_available() {
    for offline in [true, false] {
        let engine = scripted(None).with_image("silent.test/fedora:40", Labels::new());
        let policy = Policy { offline, jobs: 2, ..Policy::default() };
        let ran = run_as("r1", &engine, &RunRequest { policy, ..request(PACKAGES) }).await;
        assert_eq!(verdicts(&ran, "fedora-40/9.2.9"), [Verdict::Pass], "offline: {offline}");
        assert_eq!(verdicts(&ran, "fedora-41/9.2.9"), [Verdict::Unavailable]);
        let notes = ran.notes();
        assert!(notes.iter().any(|note| note.contains("fedora-40 (base): using the local image")), "{notes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_image_needs_none_of_its_inputs() {
    let engine = scripted(None);
    let plan = request(PACKAGES).plan;
    let cell = plan.cells.iter().find(|cell| cell.id.to_string() == "debian-13/9.2.9").unwrap();
    let engine = engine.with_image(&cell.tag, Labels::new());
    let policy = Policy { no_build: true, jobs: 2, ..Policy::default() };
    let ran = run_as("r1", &engine, &RunRequest { policy, ..request(PACKAGES) }).await;
    assert_eq!(verdicts(&ran, "debian-13/9.2.9"), [Verdict::Pass]);
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 5), ("Pass".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn bases_are_bootstrapped_with_one_bootstrapper_that_is_made_on_demand() {
    let bootstrapped = PACKAGES
        .replace("image: r.test/debian:12", "bootstrap: { suite: a, sources: [deb http://m.test/ a main] }")
        .replace("image: r.test/debian:13", "bootstrap: { suite: b, sources: [deb http://m.test/ b main] }");
    let digest = format!("@@atsmatrix sha256 {}", crate::config::matrix::sha256_hex(b"root"));
    let script = move |spec: &crate::engine::ContainerSpec| {
        let makes = spec.labels[labels::KIND] == "bootstrap";
        makes.then(|| Behaviour { lines: vec![digest.clone()], file: b"root".to_vec(), ..Behaviour::default() })
    };
    let first = "docker.io/library/debian:trixie-slim";
    let engine = rig::engine(0, script).with_image(first, Labels::new());
    let ran = run_as("r1", &engine, &request(&bootstrapped)).await;
    assert_eq!(verdicts(&ran, "packaged"), [Verdict::Pass, Verdict::Pass], "{:?}", ran.verdicts());
    let log = engine.log();
    let number = |has: &dyn Fn(&FakeOp) -> bool| log.iter().filter(|op| has(op)).count();
    assert_eq!(number(&|op| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/bootstrapper:"))), 1);
    assert_eq!(number(&|op| matches!(op, FakeOp::Import(tag, 4) if tag.starts_with("atsmatrix/base:"))), 2);
    assert!(engine.left().is_empty());

    let engine = scripted(None);
    run_as("r1", &engine, &request(PACKAGES)).await;
    assert!(!engine.log().iter().any(|op| matches!(op, FakeOp::Build(tag) if tag.contains("bootstrapper"))));
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_left_its_mirror_comes_from_its_archive() {
    let bootstrap = "bootstrap: { suite: old, sources: [deb http://m.test/ old main], ARCHIVE }";
    for (archive, verdict) in
        [("archive: [deb http://old.test/ old main]", Verdict::Pass), ("archive: []", Verdict::Unavailable)]
    {
        let yaml = PACKAGES.replace("image: r.test/debian:13", &bootstrap.replace("ARCHIVE", archive));
        let digest = format!("@@atsmatrix sha256 {}", crate::config::matrix::sha256_hex(b"root"));
        let script = move |spec: &crate::engine::ContainerSpec| {
            let sources = spec.env.get("SOURCES").filter(|_| spec.labels[labels::KIND] == "bootstrap")?;
            let gone = "@@atsmatrix reason bootstrap: E: no Release file".to_owned();
            Some(if sources.contains("old.test") {
                Behaviour { lines: vec![digest.clone()], file: b"root".to_vec(), ..Behaviour::default() }
            } else {
                Behaviour {
                    lines: vec![gone],
                    end: FakeEnd::Exits { code: 1, oom_killed: false },
                    ..Behaviour::default()
                }
            })
        };
        let engine = rig::engine(0, script)
            .with_image("docker.io/library/debian:trixie-slim", Labels::new())
            .with_pullable("r.test/debian:12");
        let ran = run_as("r1", &engine, &request(&yaml)).await;
        assert_eq!(verdicts(&ran, "debian-13/packaged"), [verdict], "{archive}");
        if verdict == Verdict::Unavailable {
            assert!(ran.reason("debian-13/packaged").contains("E: no Release file"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_is_made_with_dnf_and_a_failure_names_every_way_that_was_tried() {
    let release = "bootstrap: { release: \"40\", repositories: [\"http://m.test/\"], archive: [\"http://old.test/\"], \
                   gpg_keys: [fedora/KEY] }";
    let image = "image: r.test/debian:13";
    let yaml = PACKAGES.replace(image, &format!("{image}, {release}"));
    let digest = format!("@@atsmatrix sha256 {}", crate::config::matrix::sha256_hex(b"root"));
    for mirror in ["http://old.test/", "nowhere"] {
        let digest = digest.clone();
        let script = move |spec: &crate::engine::ContainerSpec| {
            let repositories = spec.env.get("REPOSITORIES").filter(|_| spec.labels[labels::KIND] == "bootstrap")?;
            let gone = format!("@@atsmatrix reason bootstrap: Curl error (6) for {repositories}");
            let end = FakeEnd::Exits { code: 1, oom_killed: false };
            Some(if repositories == mirror {
                Behaviour { lines: vec![digest.clone()], file: b"root".to_vec(), ..Behaviour::default() }
            } else {
                Behaviour { lines: vec![gone], end, ..Behaviour::default() }
            })
        };
        let engine = rig::engine(0, script)
            .with_image("docker.io/library/debian:trixie-slim", Labels::new())
            .with_pullable("r.test/debian:12");
        let ran = run_as("r1", &engine, &request(&yaml)).await;
        let built = |kind: &str| engine.log().iter().any(|op| matches!(op, FakeOp::Build(tag) if tag.contains(kind)));
        assert!(built("/dnf-bootstrapper:") && !built("/bootstrapper:"), "{:?}", engine.log());
        if mirror == "nowhere" {
            assert_eq!(verdicts(&ran, "debian-13/packaged"), [Verdict::Unavailable]);
            let reason = ran.reason("debian-13/packaged");
            for part in ["cannot pull r.test/debian:13", "cannot bootstrap release 40", "m.test", "old.test"] {
                assert!(reason.contains(part), "{part}: {reason}");
            }
        } else {
            assert_eq!(verdicts(&ran, "debian-13/packaged"), [Verdict::Pass]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_repeats_every_step_and_pulls_ready_images_again() {
    let ready = rig::ready(1, 2);
    let engine = passing(2).with_pullable(&rig::reference(0)).with_pullable(&rig::reference(1));
    let policy = Policy { rebuild: true, jobs: 2, ..Policy::default() };
    run_as("r1", &engine, &RunRequest { policy: policy.clone(), ..request(&ready) }).await;
    assert_eq!(engine.log().iter().filter(|op| matches!(op, FakeOp::Pull(_))).count(), 2);

    // No registry has it, so the present image is used.
    let ran = run_as("r2", &passing(2), &RunRequest { policy: policy.clone(), ..request(&ready) }).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 2)].into());
    let notes = ran.notes();
    assert!(notes.iter().any(|note| note.contains("using the local image")), "{notes:?}");

    let caches = Arc::new(std::sync::Mutex::new(Vec::new()));
    let engine = {
        let caches = Arc::clone(&caches);
        scripted(None).with_builds(move |spec| {
            if spec.containerfile != "Containerfile" {
                caches.lock().unwrap().push(spec.no_cache);
            }
            FakeBuild { log: Vec::new(), result: Ok(()) }
        })
    };
    run_as("r3", &engine, &RunRequest { policy, ..request(PACKAGES) }).await;
    let caches = caches.lock().unwrap();
    assert!(caches.len() >= 4 && caches.iter().all(|no_cache| *no_cache), "{caches:?}");
}

/// A compiled ATS for each of six distros.
fn six_builds() -> String {
    let row = |n: usize| format!("  d-{n}: {{ family: debian, image: r.test/debian:{n} }}\n");
    let rows: String = (0..6).map(row).collect();
    let (_, columns) = PACKAGES.split_once("ats:\n").unwrap();
    let columns = columns.split_once("      - on: [debian-13]").unwrap().0.replace("[debian-12]", "[\"d-*\"]");
    format!("version: 1\ndistros:\n{rows}ats:\n{columns}")
}

#[tokio::test(start_paused = true)]
async fn fewer_sources_are_compiled_than_images_made_in_parallel() {
    let yaml = six_builds();
    for (compilers, most) in [(1, 1), (2, 2)] {
        let engine = (0..6)
            .fold(passing(0), |engine, n| engine.with_pullable(&format!("r.test/debian:{n}")))
            .with_builds(|_| FakeBuild { log: Vec::new(), result: Ok(()) });
        let wanted = request(&yaml);
        let (events, _received) = tokio::sync::mpsc::unbounded_channel();
        let policy = Policy { jobs: 6, compilers, ..Policy::default() };
        let shared: Arc<dyn Engine> = Arc::new(engine.clone());
        let maker = ImageBuilder::new(shared, Arc::default(), wanted.recipes, policy, wanted.image_logs, events);
        // The steps after compilation are short and not limited.
        let only: Vec<_> =
            wanted.plan.steps().iter().filter(|step| !step.tag.starts_with("atsmatrix/runtime:")).cloned().collect();
        assert_eq!(only.iter().filter(|step| step.tag.starts_with("atsmatrix/build:")).count(), 6);
        Arc::new(maker).make(&only, &CancellationToken::new()).await;
        assert_eq!(engine.most_building(), most);
    }
}

#[test]
fn there_is_one_compiler_for_two_cpus_and_never_more_than_jobs() {
    let at_once = [(8, 8), (1, 8), (2, 2), (1, 1), (3, 64)].map(|(jobs, cpus)| Policy::compilers(jobs, cpus));
    assert_eq!(at_once, [4, 1, 1, 1, 3]);
}

#[tokio::test(start_paused = true)]
async fn images_after_the_runs_deadline_are_not_reached() {
    let yaml = format!("{}defaults:\n  deadlines: {{ trial: 20s, cell: 30s, run: 40s }}\n", rig::ready(1, 2));
    let engine = passing(0).with_slow_pulls(std::time::Duration::from_mins(10));
    let ran = run_as("r1", &engine, &request(&yaml)).await;
    assert_eq!(count(&ran.verdicts()), [("Error".to_owned(), 2)].into());
    assert_eq!(ran.reason("d-00/a-01"), "not reached: the run's deadline of 40 s passed");
    assert!(!ran.done.unwrap().interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_package_that_the_distro_lacks_is_a_finding_and_is_checked_again() {
    let engine = scripted(Some(&[
        "@@atsmatrix phase deps",
        "@@atsmatrix phase lacking",
        "@@atsmatrix reason lacking: the distro has no package libpcre3-dev",
    ]));
    for run in ["r1", "r2"] {
        let ran = run_as(run, &engine, &request(PACKAGES)).await;
        assert_eq!(verdicts(&ran, "/9.2.9")[..2], [Verdict::Unbuildable; 2]);
        assert_eq!(ran.reason("debian-13/9.2.9"), "lacking: the distro has no package libpcre3-dev");
    }
    let tried = |op: &&FakeOp| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:"));
    assert_eq!(engine.log().iter().filter(tried).count(), 2, "a mirror may have it later");
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_row_that_never_worked_says_so() {
    let yaml = PACKAGES.replace("fedora:40, optional: true", "fedora:40, optional: true, seen: false");
    let ran = run_as("r1", &scripted(None), &request(&yaml)).await;
    let says = |id| ran.reason(id).ends_with("; this row has never been seen to work");
    assert!(says("fedora-40") && !says("fedora-41"), "{}", ran.reason("fedora-40"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_results_folder_ends_the_run_once_with_the_finished_cells() {
    // A file in place of the folder for build logs.
    let file = tempfile::NamedTempFile::new().unwrap();
    let engine = scripted(None);
    let ran = run_as("r1", &engine, &RunRequest { image_logs: file.path().join("images"), ..request(PACKAGES) }).await;
    let done = ran.done.as_ref().unwrap();
    let fault = done.fault.as_deref().unwrap();
    assert!(fault.contains(&file.path().display().to_string()), "{fault}");
    assert!(done.cells.iter().all(|cell| cell.verdict == Verdict::Unavailable), "{:?}", ran.verdicts());
    assert!(done.cells.iter().all(|cell| !cell.reason.as_ref().unwrap().contains("images")), "{:#?}", done.cells);
    assert!(!engine.log().iter().any(|op| matches!(op, FakeOp::Build(_))), "{:?}", engine.log());
    assert!(engine.left().is_empty());
}

/// As [`scripted`], but the engine goes away for `time` at the first build of each of `images`.
fn going_away(time: Duration, images: &'static [&'static str], killed: bool) -> FakeEngine {
    let engine = scripted(None);
    let (away, seen) = (engine.clone(), std::sync::Mutex::new(std::collections::BTreeSet::new()));
    engine.with_builds(move |spec| {
        let part = images.iter().find(|part| spec.tag.starts_with(**part));
        let broken = part.is_some_and(|part| seen.lock().unwrap().insert(*part));
        if broken {
            away.away_for(time);
        }
        let (class, reason) =
            (Class::Build { code: Some(137) }, "the command returned a non-zero code: 137".to_owned());
        let result = if broken && killed { Err((class, reason)) } else { Ok(()) };
        FakeBuild { log: vec!["@@atsmatrix phase compile".to_owned()], result }
    })
}

#[tokio::test(start_paused = true)]
async fn an_engine_away_for_seconds_during_builds_costs_no_cell() {
    // The last one adds the agent, and makes the origin that all cells share.
    let images = &["atsmatrix/package:", "atsmatrix/build:", "atsmatrix/runtime:", "atsmatrix/agent:"];
    // Its shutdown kills the build, or only breaks the connection.
    for killed in [true, false] {
        let engine = going_away(Duration::from_secs(5), images, killed);
        let ran = run_as("r1", &engine, &request(PACKAGES)).await;
        assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 2), ("Pass".to_owned(), 4)].into());
        let fedora = verdicts(&ran, "/9.2.9");
        assert_eq!(fedora[2..], [Verdict::Unavailable; 2], "only images that no registry has");
        assert_eq!(ran.done.as_ref().unwrap().setup_failures.len(), 0);
        let back = ran.notes().iter().filter(|note| note.contains("answers again")).count();
        assert!(back >= images.len() - 1, "{:?}", ran.notes());
        assert!(engine.left().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_the_engine_aborted_is_repeated() {
    let engine = scripted(None).with_slow_pulls(Duration::from_secs(10));
    let away = engine.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(4)).await;
        away.away_for(Duration::from_secs(20));
    });
    let ran = run_as("r1", &engine, &request(PACKAGES)).await;
    assert_eq!(count(&ran.verdicts()), [("Unavailable".to_owned(), 2), ("Pass".to_owned(), 4)].into());
    let reason = ran.reason("fedora-41");
    assert!(reason.contains("no such host") && !reason.contains("the engine"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_lost_during_builds_is_an_error_even_of_optional_cells() {
    let (built, _) = PACKAGES.split_once("  packaged:").unwrap();
    let optional = built.replace("debian:12 }", "debian:12, optional: true }");
    for killed in [true, false] {
        let engine = going_away(Duration::from_mins(10), &["atsmatrix/build:"], killed);
        let ran = run_as("r1", &engine, &request(&optional)).await;
        let done = ran.done.as_ref().unwrap();
        for id in ["debian-12/9.2.9", "debian-13/9.2.9"] {
            let cell = done.cells.iter().find(|cell| cell.id.to_string() == id).unwrap();
            assert_eq!(cell.verdict, Verdict::Error, "{cell:#?}");
            assert!(done.setup_failures.contains(&cell.id), "its earlier result is kept: {cell:#?}");
        }
        assert!(ran.notes().iter().any(|note| note.contains("has not come back within 120 s")), "{:?}", ran.notes());
        assert_eq!(verdict::exit(&done.cells, &Terms::default()), Exit::Incomplete);
        assert!(
            !engine.log().iter().any(|op| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/runtime:")))
        );
    }
}
