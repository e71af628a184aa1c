//! Faults of a search, on a scripted engine. What a search finds is tested on a real one.

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::engine::Labels;
use crate::engine::fake::{Behaviour, FakeEngine};
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::model::{Bisection, Effect, Standing};
use crate::plan::{Plan, Selection};

struct Nowhere;

impl Record for Nowhere {
    fn experiment(&self, _: &CellId, _: u32, _: &Once) {}
}

/// The shipped matrix, and an engine that has all its images and whose containers end at once.
fn order(bad: &str) -> (Order, FakeEngine) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let recipes = crate::images::recipes(&root.join("images")).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let engine =
        plan.steps().iter().fold(FakeEngine::new(), |engine, step| engine.with_image(&step.tag, Labels::new()));
    let order = Order {
        matrix,
        good: "debian-12/9.2.5".parse().unwrap(),
        bad: bad.parse().unwrap(),
        trial: crate::trial::by_id("tls-remote-origin"),
        asked: true,
        recipes,
        policy: Policy { no_build: true, ..Policy::default() },
        image_logs: PathBuf::from("unused: nothing is built"),
        jobs: 2,
        limit: 100,
    };
    (order, engine)
}

async fn search(order: &Order, engine: &FakeEngine, stop: CancellationToken) -> anyhow::Result<Bisection> {
    let owner = Owner::current("r1".parse().unwrap()).unwrap();
    let (events, _received) = unbounded_channel();
    let engine = Arc::new(engine.clone());
    if order.good.ats == order.bad.ats {
        over_distro(engine, &owner, order, &Nowhere, events, stop).await
    } else {
        over_ats(engine, &owner, order, &Nowhere, events, stop).await
    }
}

fn exit(done: anyhow::Result<Bisection>) -> (Exit, String) {
    let failure = done.unwrap_err().downcast::<Failure>().unwrap();
    (failure.exit, failure.message)
}

#[tokio::test(start_paused = true)]
async fn containers_that_say_nothing_give_no_answer_and_nothing_is_left() {
    let (over_distro, engine) = order("debian-13/9.2.5");
    let (exit, message) = exit(search(&over_distro, &engine, CancellationToken::new()).await);
    assert_eq!(exit, Exit::Incomplete, "{message}");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
    let (over_ats, engine) = order("debian-12/9.2.9");
    let open = search(&over_ats, &engine, CancellationToken::new()).await.unwrap();
    assert_eq!(open.standing, Standing::Open);
    assert!(open.experiments.iter().all(|tried| tried.result == Effect::Inconclusive));
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_search_has_no_answer_and_leaves_nothing() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (order, engine) = order(bad);
        let stop = CancellationToken::new();
        stop.cancel();
        let (exit, message) = exit(search(&order, &engine, stop).await);
        assert_eq!(exit, Exit::Interrupted, "{bad}: {message}");
        assert!(engine.left().is_empty(), "{:?}", engine.left());
    }
}

/// In the middle of an experiment, and while an image is made: neither is a place that tells nothing.
#[tokio::test(start_paused = true)]
async fn an_interruption_under_way_is_no_outcome() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (order, engine) = order(bad);
        let stop = CancellationToken::new();
        let engine = engine.with_containers({
            let stop = stop.clone();
            move |_| {
                stop.cancel();
                Behaviour::default()
            }
        });
        let (exit, message) = exit(search(&order, &engine, stop).await);
        assert_eq!(exit, Exit::Interrupted, "{bad}: {message}");
        assert!(engine.left().is_empty(), "{:?}", engine.left());
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_takes_too_long_says_so() {
    let (mut order, engine) = order("debian-12/9.2.9");
    order.matrix.defaults.deadlines.run = std::time::Duration::ZERO;
    let (exit, message) = exit(search(&order, &engine, CancellationToken::new()).await);
    assert_eq!(exit, Exit::Incomplete);
    assert!(message.contains("deadline of 0 s"), "{message}");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}
