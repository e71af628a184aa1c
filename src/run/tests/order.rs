//! Cells run as soon as their images are there, but never beside a compiler.

use super::images::PACKAGES;
use super::rig::{Ran, count, owner, passing, recorded, request, run_as};
use super::*;
use crate::engine::BuildSpec;
use crate::engine::fake::{FakeBuild, FakeEngine};

const MINUTE: Duration = Duration::from_mins(1);

/// An engine with its own registry, whose builds take as long as `pace` says.
fn slow(pace: impl Fn(&BuildSpec) -> Duration + Send + Sync + 'static) -> FakeEngine {
    let engine = passing(0).with_pullable("r.test/debian:12").with_pullable("r.test/debian:13");
    engine.with_builds(|_| FakeBuild { log: Vec::new(), result: Ok(()) }).with_slow_builds(pace)
}

fn compiles(spec: &BuildSpec) -> bool {
    spec.containerfile == "tarball/build.Containerfile"
}

/// The tag of the image of a cell.
fn tag(wanted: &RunRequest, cell: &str) -> String {
    wanted.plan.cells.iter().find(|planned| planned.id.to_string() == cell).unwrap().tag.clone()
}

/// The place of the first operation in the log that `is` one.
fn place(engine: &FakeEngine, is: impl Fn(&FakeOp) -> bool) -> usize {
    engine.log().iter().position(is).unwrap_or_else(|| panic!("{:#?}", engine.log()))
}

fn started(cell: &str) -> impl Fn(&FakeOp) -> bool + '_ {
    move |op| matches!(op, FakeOp::Start(name) if name.contains(cell))
}

/// The place of the event in which `cell` ends.
fn ended(ran: &Ran, cell: &str) -> usize {
    let ends = |event: &Event| matches!(event, Event::CellFinished { result, .. } if result.id.to_string() == cell);
    ran.events.iter().position(ends).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_cell_with_its_image_runs_while_another_image_is_made() {
    let wanted = RunRequest { jobs: 2, policy: Policy { jobs: 2, ..Policy::default() }, ..request(PACKAGES) };
    let late = tag(&wanted, "debian-13/packaged");
    let engine = slow({
        let late = late.clone();
        move |spec| if spec.tag == late { 5 * MINUTE } else { Duration::ZERO }
    });
    let ran = run_as("r1", &engine, &wanted).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 4), ("Unavailable".to_owned(), 2)].into());
    // A build is logged when it ends.
    assert!(place(&engine, started("debian-12-packaged")) < place(&engine, |op| *op == FakeOp::Build(late.clone())));
    assert_eq!(ran.ended[..2], ["debian-12/packaged", "debian-13/packaged"]);
    let planned: Vec<String> = wanted.plan.cells.iter().map(|cell| cell.id.to_string()).collect();
    assert_eq!(
        ran.verdicts().into_iter().map(|(id, _)| id).collect::<Vec<_>>(),
        planned,
        "results keep the plan's order"
    );
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_cell_runs_beside_a_compiler_and_packages_come_first() {
    for jobs in [1, 2, 8] {
        let policy = Policy { jobs, compilers: 2, ..Policy::default() };
        let wanted = RunRequest { policy, jobs, ..request(PACKAGES) };
        let engine = slow(|spec| if compiles(spec) { 5 * MINUTE } else { Duration::from_secs(10) });
        let ran = run_as("r1", &engine, &wanted).await;
        assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 4), ("Unavailable".to_owned(), 2)].into());
        let beside: Vec<_> =
            engine.overlaps().into_iter().filter(|(tag, _)| tag.starts_with("atsmatrix/build:")).collect();
        assert_eq!(beside, [], "{jobs} jobs");
        let compiled = place(&engine, |op| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:")));
        for cell in ["debian-12-packaged", "debian-13-packaged"] {
            assert!(place(&engine, started(cell)) < compiled, "{jobs} jobs: {cell}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_job_is_one_thing_at_a_time() {
    let wanted = RunRequest { jobs: 1, policy: Policy { jobs: 1, ..Policy::default() }, ..request(PACKAGES) };
    let engine = slow(|_| Duration::from_secs(10));
    let ran = run_as("r1", &engine, &wanted).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 4), ("Unavailable".to_owned(), 2)].into());
    let images = engine.overlaps().into_iter().filter(|(tag, _)| !tag.starts_with("atsmatrix/agent:"));
    assert_eq!((images.count(), engine.most_building(), engine.most_running()), (0, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_cell_whose_image_failed_is_told_at_once() {
    let engine = slow(|spec| if compiles(spec) { 5 * MINUTE } else { MINUTE });
    let ran = run_as("r1", &engine, &request(PACKAGES)).await;
    let made = |event: &Event| matches!(event, Event::ImageFinished { name, .. } if name == "debian-12/packaged");
    let first_image = ran.events.iter().position(made).unwrap();
    assert!(ended(&ran, "fedora-40/9.2.9") < first_image && ended(&ran, "fedora-41/9.2.9") < first_image);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_keeps_nobody_from_working() {
    let pace = Duration::from_secs(20);
    let wanted = RunRequest { jobs: 1, policy: Policy { jobs: 1, ..Policy::default() }, ..request(PACKAGES) };
    let engine = slow(|_| Duration::ZERO).with_slow_pulls(pace);
    let begun = tokio::time::Instant::now();
    let ran = run_as("r1", &engine, &wanted).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 4), ("Unavailable".to_owned(), 2)].into());
    // Each of the two registries is asked first at the same time, then the second Debian is pulled.
    let took = begun.elapsed();
    assert!(took >= 2 * pace && took < 3 * pace, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_compiler_costs_no_finished_cell() {
    let engine = slow(|spec| if compiles(spec) { 30 * MINUTE } else { Duration::ZERO });
    let stop = CancellationToken::new();
    let later = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(10 * MINUTE).await;
        later.cancel();
    });
    let ran = recorded("r1", &engine, &request(PACKAGES), |_| (), stop).await;
    let verdicts = ran.verdicts();
    assert_eq!(count(&verdicts), [("Pass".to_owned(), 2), ("Unavailable".to_owned(), 2)].into(), "{verdicts:?}");
    assert!(ran.done.unwrap().interrupted);
    assert!(engine.left().is_empty());
    assert_eq!(ran.events.last(), Some(&Event::Finished { interrupted: true }));
}

#[tokio::test(start_paused = true)]
async fn a_compiler_beyond_the_deadline_costs_no_finished_cell() {
    let engine = slow(|spec| if compiles(spec) { 30 * MINUTE } else { Duration::ZERO });
    let yaml = format!("{PACKAGES}defaults:\n  deadlines: {{ trial: 20s, cell: 30s, run: 600s }}\n");
    let ran = run_as("r1", &engine, &request(&yaml)).await;
    let expected = [("Error".to_owned(), 2), ("Pass".to_owned(), 2), ("Unavailable".to_owned(), 2)];
    assert_eq!(count(&ran.verdicts()), expected.into());
    assert_eq!(ran.reason("debian-13/9.2.9"), "not reached: the run's deadline of 600 s passed");
    assert!(!ran.done.unwrap().interrupted);
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn fail_fast_makes_no_further_image() {
    let engine = slow(|_| Duration::from_secs(10)).with_containers(|spec| rig::behave(spec, &|_| Some(fails())));
    let ran = run_as("r1", &engine, &RunRequest { jobs: 1, fail_fast: true, ..request(PACKAGES) }).await;
    assert_eq!(count(&ran.verdicts()), [("Fail".to_owned(), 1), ("Unavailable".to_owned(), 2)].into());
    let compiled = |op: &FakeOp| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:"));
    assert!(!engine.log().iter().any(compiled), "{:#?}", engine.log());
    assert!(!ran.done.unwrap().interrupted);
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn evidence_that_cannot_be_stored_stops_the_images_too() {
    struct Full;

    impl EvidenceSink for Full {
        fn cell(&self, _: &CellId, _: &CellRun) -> anyhow::Result<()> {
            anyhow::bail!("no space left on device")
        }

        fn workaround(&self, _: &CellId, _: &str, _: &CellRun) -> anyhow::Result<()> {
            unreachable!("no workaround is asked for")
        }
    }

    let engine = slow(|_| Duration::from_secs(10));
    let (events, _received) = tokio::sync::mpsc::unbounded_channel();
    let (shared, wanted) = (Arc::new(engine.clone()), RunRequest { jobs: 1, ..request(PACKAGES) });
    let done = run(shared, &owner("r1"), &wanted, &Full, events, CancellationToken::new()).await.unwrap();
    assert_eq!(done.fault.as_deref(), Some("no space left on device"));
    assert_eq!(done.cells.iter().filter(|cell| cell.verdict == Verdict::Pass).count(), 1, "{:#?}", done.cells);
    let compiled = |op: &FakeOp| matches!(op, FakeOp::Build(tag) if tag.starts_with("atsmatrix/build:"));
    assert!(!engine.log().iter().any(compiled), "{:#?}", engine.log());
    assert!(engine.left().is_empty());
}
