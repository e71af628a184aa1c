//! An engine that fails: at one operation, at all of them, for a while, or for good.

use super::rig::{count, engine, passing, ready, recorded, request, run_as};
use super::*;
use crate::engine::fake::{FakeEngine, FakeFault};
use crate::exit::{Exit, Failure};

#[tokio::test(start_paused = true)]
async fn a_container_that_fails_to_start_once_is_retried() {
    let engine = passing(1).with_fault(FakeFault::StartFails, 1);
    let ran = run_as("r1", &engine, &request(&ready(1, 1))).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 1)].into());
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn containers_that_never_start_are_errors_not_failures() {
    let engine = passing(2).with_fault(FakeFault::StartFails, usize::MAX);
    let ran = run_as("r1", &engine, &request(&ready(2, 2))).await;
    assert_eq!(count(&ran.verdicts()), [("Error".to_owned(), 4)].into());
    assert!(ran.reason("d-00").contains("does not start (injected)"), "{}", ran.reason("d-00"));
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_network_fails_with_a_fix_and_leaves_nothing() {
    let engine = passing(1).with_fault(FakeFault::NetworkExhausted, usize::MAX);
    let ran = run_as("r1", &engine, &request(&ready(1, 1))).await;
    let error = format!("{:#}", ran.done.unwrap_err());
    assert!(error.contains("default-address-pools"), "{error}");
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_container_that_cannot_be_removed_costs_no_result_and_is_reported() {
    let engine = passing(2).with_fault(FakeFault::RemoveFails, 1);
    let ran = run_as("r1", &engine, &request(&ready(1, 2))).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 2)].into());
    assert_eq!(engine.log().iter().filter(|op| matches!(op, FakeOp::Start(_))).count(), 4, "nothing ran again");
    assert!(engine.left().is_empty(), "the end of the run tried again");

    let engine = passing(1).with_fault(FakeFault::RemoveFails, usize::MAX);
    let ran = run_as("r2", &engine, &request(&ready(1, 1))).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 1)].into());
    let notes = ran.notes();
    assert!(notes.iter().any(|note| note.contains("removal fails (injected)")), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_answers_a_removal_costs_minutes_but_no_result() {
    let engine = passing(2).with_fault(FakeFault::RemoveHangs, usize::MAX);
    let begun = tokio::time::Instant::now();
    let ran = run_as("r1", &engine, &RunRequest { jobs: 2, ..request(&ready(1, 2)) }).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 2)].into());
    let waited = begun.elapsed();
    assert!(waited < 5 * crate::engine::REQUEST_TIMEOUT, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_never_creates_the_network_ends_the_run() {
    let engine = passing(1).with_fault(FakeFault::NetworkHangs, 1);
    let begun = tokio::time::Instant::now();
    let error = run_as("r1", &engine, &request(&ready(1, 1))).await.done.unwrap_err();
    assert!(format!("{error:#}").contains("create network"), "{error:#}");
    assert!(begun.elapsed() < 3 * crate::engine::REQUEST_TIMEOUT);
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_away_costs_the_unfinished_cells() {
    let engine = passing(4);
    let gone = engine.clone();
    let at_cell = move |_: &str| drop(gone.clone().with_fault(FakeFault::Unreachable, usize::MAX));
    let wanted = RunRequest { jobs: 1, ..request(&ready(1, 4)) };
    let ran = recorded("r1", &engine, &wanted, at_cell, CancellationToken::new()).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 1), ("Error".to_owned(), 3)].into());
    assert!(ran.reason("d-00/a-03").contains("cannot be reached (injected)"), "{}", ran.reason("d-00/a-03"));
    assert!(!ran.notes().is_empty(), "failed removals are reported");

    // It comes back, and labels show the next run what to sweep.
    let engine = engine.with_fault(FakeFault::Unreachable, 0);
    let left = engine.networks().await.unwrap();
    assert!(left.iter().all(|network| network.labels[labels::RUN] == "r1"), "{left:?}");
    sweep::remove_run(&engine, &"r1".parse().unwrap()).await.unwrap();
    assert!(engine.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_engine_away_for_seconds_costs_no_cell() {
    let engine = passing(6);
    let away = engine.clone();
    // In the middle of the next cell, and while another starts.
    let at_cell = move |_: &str| {
        let engine = away.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            engine.away_for(Duration::from_secs(5));
        });
    };
    let wanted = RunRequest { jobs: 2, ..request(&ready(1, 6)) };
    let ran = recorded("r1", &engine, &wanted, at_cell, CancellationToken::new()).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 6)].into(), "{:?}", ran.notes());
    assert!(ran.notes().iter().any(|note| note.contains("waiting for it, at most 120 s")), "{:?}", ran.notes());
    assert!(ran.done.unwrap().setup_failures.is_empty());
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}

#[tokio::test(start_paused = true)]
async fn a_failed_setup_is_distinguished_from_a_cell_that_ended_itself() {
    let away = passing(1);
    let gone = away.clone();
    let cell = move |_: &crate::engine::ContainerSpec| {
        gone.away_for(Duration::from_mins(10));
        None
    };
    let ran = run_as("r1", &engine_of(&away, cell), &request(&ready(1, 1))).await;
    let done = ran.done.unwrap();
    assert_eq!((done.cells[0].verdict, done.setup_failures.len()), (Verdict::Error, 1));
    let ran = run_as("r2", &engine(1, |_| Some(rig::dies(139, false))), &request(&ready(1, 1))).await;
    let done = ran.done.unwrap();
    assert_eq!((done.cells[0].verdict, done.setup_failures.len()), (Verdict::Error, 0));
}

/// `engine` with `script` for the containers of cells.
fn engine_of(
    engine: &FakeEngine,
    script: impl Fn(&crate::engine::ContainerSpec) -> Option<Behaviour> + Send + Sync + 'static,
) -> FakeEngine {
    engine.clone().with_containers(move |spec| rig::behave(spec, &script))
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_at_the_start_is_exit_code_no_engine() {
    let engine = passing(1).with_fault(FakeFault::Unreachable, usize::MAX);
    let error = run_as("r1", &engine, &request(&ready(1, 1))).await.done.unwrap_err();
    assert_eq!(error.downcast_ref::<Failure>().map(|failure| failure.exit), Some(Exit::NoEngine));
}

#[tokio::test(start_paused = true)]
async fn lines_lost_by_an_attached_stream_are_read_again() {
    let engine = engine(1, |_| Some(Behaviour { lost: 4, ..passes(rig::VERSION) }));
    let ran = run_as("r1", &engine, &request(&ready(1, 1))).await;
    assert_eq!(count(&ran.verdicts()), [("Pass".to_owned(), 1)].into());
}

/// A sink that fails from the second cell on, like a full disk.
struct Full(std::sync::atomic::AtomicUsize);

impl EvidenceSink for Full {
    fn cell(&self, _: &CellId, _: &CellRun) -> anyhow::Result<()> {
        let before = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        anyhow::ensure!(before == 0, "cannot write evidence.json: no space left on device");
        Ok(())
    }

    fn workaround(&self, _: &CellId, _: &str, _: &CellRun) -> anyhow::Result<()> {
        unreachable!("no workaround is asked for")
    }
}

#[tokio::test(start_paused = true)]
async fn evidence_that_cannot_be_stored_ends_the_run_once_with_the_finished_cells() {
    let engine = passing(1);
    let request = RunRequest { jobs: 1, ..request(&ready(5, 1)) };
    let (events, _received) = tokio::sync::mpsc::unbounded_channel();
    let record = Full(0.into());
    let stop = CancellationToken::new();
    let done = run(Arc::new(engine.clone()), &rig::owner("r1"), &request, &record, events, stop).await.unwrap();
    assert_eq!(done.fault.as_deref(), Some("cannot write evidence.json: no space left on device"));
    assert_eq!(done.cells.len(), 2, "no further cell starts: {:#?}", done.cells);
    assert!(done.cells.iter().all(|cell| cell.verdict == Verdict::Pass));
    assert!(engine.left().is_empty());
}
