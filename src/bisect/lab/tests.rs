//! Faults of a search, on a scripted engine. What a search finds is tested on a real one.

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::bench::{as_declared, candidates, reversed, said};
use super::*;
use crate::catalogue::trials::{CATALOGUE, Judgement, Kind, by_id};
use crate::config::plan::{Plan, Selection};
use crate::engine::Labels;
use crate::engine::fake::{Behaviour, FakeEngine, Op};
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::model::{AtsBuild, Bisection, Effect, OriginProgram, Outcome, Place, Provenance, Standing};

struct Nowhere;

impl Record for Nowhere {
    fn experiment(&self, _: &CellId, _: u32, _: &Once) {}
}

/// The shipped matrix, and an engine that has all its images and whose containers end at once.
fn order(bad: &str) -> (Order, FakeEngine) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let recipes = crate::builder::recipes(&root.join("images")).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let engine =
        plan.steps().iter().fold(FakeEngine::new(), |engine, step| engine.with_image(&step.tag, Labels::new()));
    let order = Order {
        matrix,
        good: "debian-12/9.2.5".parse().unwrap(),
        bad: bad.parse().unwrap(),
        trial: crate::catalogue::trials::by_id("tls-remote-origin"),
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
    let over = if order.good.ats == order.bad.ats { Over::Distro } else { Over::Ats };
    bisect(over, engine, &owner, order, &Nowhere, events, stop).await
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

/// An attempt in which trials came to these outcomes.
fn once(rows: &[(&str, Outcome, &str)]) -> Once {
    let judged = rows.iter().map(|(id, outcome, summary)| {
        let judged = Judgement { outcome: *outcome, summary: (*summary).to_owned(), checks: Vec::new() };
        (by_id(id).unwrap(), judged)
    });
    Once {
        judged: judged.collect(),
        seen: BTreeMap::new(),
        inventory: None,
        provenance: Provenance::default(),
        evidence: Vec::new(),
        transcript: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_experiment_that_broke_is_made_once_more_before_it_counts() {
    let (order, engine) = order("debian-12/9.2.9");
    search(&order, &engine, CancellationToken::new()).await.unwrap();
    let starts = |name: &str| {
        let log = engine.log();
        log.iter().filter(|op| matches!(op, Op::Start(started) if started.contains(name))).count()
    };
    // The containers of this engine say nothing at all.
    assert_eq!((starts("-x1-11-origin"), starts("-x1b-11-origin")), (1, 1));
    assert_eq!(starts("-x1bb"), 0);
}

/// Bisections once had the instrumented origin alone, and called the trials of others unsupported.
#[tokio::test(start_paused = true)]
async fn a_trial_with_an_origin_of_its_own_has_it() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (mut order, engine) = order(bad);
        let trial = CATALOGUE.iter().find(|trial| (trial.spec)().place == Place::Beside(OriginProgram::Nginx)).unwrap();
        order.trial = Some(trial);
        let mut plan = Plan::of(&order.matrix, &Selection::default(), &order.recipes).unwrap();
        plan.add_origin(&order.matrix, &order.recipes, Place::Beside(OriginProgram::Nginx)).unwrap();
        let nginx = plan
            .steps()
            .iter()
            .find(|step| Some(&step.tag) == plan.beside.get(&Place::Beside(OriginProgram::Nginx)))
            .unwrap();
        let engine = engine.with_image(&nginx.tag, Labels::new());
        let _ = search(&order, &engine, CancellationToken::new()).await;
        let log = engine.log();
        let started = |op: &&Op| matches!(op, Op::Start(name) if name.contains("-x1") && name.ends_with("nginx"));
        assert!(log.iter().any(|op| started(&op)), "{bad}: {log:?}");
    }
}

#[test]
fn an_end_fails_as_it_does_even_if_plain_http_fails_there_too() {
    let plain = CATALOGUE.iter().find(|trial| trial.kind == Kind::PlainControl).unwrap();
    let tls = by_id("tls-remote-origin").unwrap();
    let bad = once(&[(plain.id, Outcome::Fail, "502"), (tls.id, Outcome::Fail, "saw 502, 3 retries")]);
    let end = said(&bad, tls, None);
    assert_eq!((end.effect, end.summary.as_str()), (Effect::Fail, "saw 502, 3 retries"));
    let again = once(&[(tls.id, Outcome::Fail, "saw 502, 4 retries")]);
    assert_eq!(said(&again, tls, Some(&end.summary)).effect, Effect::Fail, "a count is no other failure");
    let other = once(&[(plain.id, Outcome::Fail, "x"), (tls.id, Outcome::Fail, "saw 504")]);
    let other = said(&other, tls, Some(&end.summary));
    assert_eq!(other.effect, Effect::Inconclusive);
    assert!(other.summary.contains(plain.id), "{}", other.summary);
}

#[test]
fn without_a_trial_that_was_asked_for_all_that_tell_are_tried_and_reversed_ends_are_told() {
    let (mut order, _) = order("debian-13/9.2.5");
    let [a, b, c] = ["tls-remote-origin", "tls12-only", "tls13-only"];
    let good = once(&[(a, Outcome::Pass, ""), (b, Outcome::Pass, ""), (c, Outcome::Pass, "")]);
    let bad = once(&[(a, Outcome::Pass, ""), (b, Outcome::Fail, "x"), (c, Outcome::Fail, "x")]);
    let ids = |order: &Order| candidates(order, &good, &bad).iter().map(|trial| trial.id).collect::<Vec<_>>();
    assert_eq!(ids(&order), [a], "what was asked for is not exchanged");
    assert_eq!(reversed(&good, &bad, order.trial), "");
    order.asked = false;
    assert_eq!(ids(&order).len(), 2);
    assert!(!ids(&order).contains(&a));
    assert_eq!(reversed(&good, &bad, None), "");
    assert!(reversed(&bad, &good, None).contains("swap --good and --bad"));
}

#[test]
fn another_ats_than_is_declared_is_no_answer_in_the_words_of_a_run() {
    let mut other = once(&[]);
    assert!(as_declared(&other, &["9.2.5"]).is_ok(), "ATS did not come up: nobody knows");
    other.provenance.ats = Some(AtsBuild { reported: "9.2.9".into(), ..AtsBuild::default() });
    assert!(as_declared(&other, &["9.2.9"]).is_ok());
    assert!(as_declared(&other, &["9.2.5", "9.2.9"]).is_ok(), "a version in between reports either");
    let failure = as_declared(&other, &["9.2.5"]).unwrap_err().downcast::<Failure>().unwrap();
    assert_eq!(failure.exit, Exit::Incomplete);
    assert!(failure.message.starts_with("matrix.yaml declares ATS 9.2.5, `traffic_server -V` reports 9.2.9: correct"));
}
