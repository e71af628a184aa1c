//! Faults of a search, on a scripted engine. Answers are tested on a real one.

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

use super::bench::{candidates, check_version, outcome_of, reversed_hint};
use super::*;
use crate::catalogue::trials::{CATALOGUE, Judgement, Kind, by_id};
use crate::config::plan::{Plan, Selection};
use crate::engine::Labels;
use crate::engine::fake::{Behaviour, FakeEngine, FakeOp};
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::model::{AtsBuild, Bisection, Effect, OriginProgram, Outcome, Place, Provenance, Standing};

struct Nowhere;

impl ExperimentSink for Nowhere {
    fn experiment(&self, _: &CellId, _: u32, _: &SingleAttempt) {}
}

/// The shipped matrix, and an engine that has all its images and whose containers end at once.
fn request(bad: &str) -> (SearchRequest, FakeEngine) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let recipes = crate::builder::recipes(&root.join("images")).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let engine =
        plan.steps().iter().fold(FakeEngine::new(), |engine, step| engine.with_image(&step.tag, Labels::new()));
    let request = SearchRequest {
        matrix,
        good: "debian-12/9.2.5".parse().unwrap(),
        bad: bad.parse().unwrap(),
        catalogue: crate::catalogue::trials::Catalogue::built_in(),
        trial: crate::catalogue::trials::by_id("tls-remote-origin"),
        is_requested: true,
        recipes,
        policy: Policy { no_build: true, ..Policy::default() },
        image_logs: PathBuf::from("unused: nothing is built"),
        jobs: 2,
        limit: 100,
    };
    (request, engine)
}

async fn search(request: &SearchRequest, engine: &FakeEngine, stop: CancellationToken) -> anyhow::Result<Bisection> {
    let owner = Owner::current("r1".parse().unwrap()).unwrap();
    let (events, _received) = unbounded_channel();
    let engine = Arc::new(engine.clone());
    let over = if request.good.ats == request.bad.ats { Over::Distro } else { Over::Ats };
    bisect(over, engine, &owner, request, &Nowhere, events, stop).await
}

fn exit(done: anyhow::Result<Bisection>) -> (Exit, String) {
    let failure = done.unwrap_err().downcast::<Failure>().unwrap();
    (failure.exit, failure.message)
}

#[tokio::test(start_paused = true)]
async fn silent_containers_give_no_answer_and_leave_nothing() {
    let (over_distro, engine) = request("debian-13/9.2.5");
    let (exit, message) = exit(search(&over_distro, &engine, CancellationToken::new()).await);
    assert_eq!(exit, Exit::Incomplete, "{message}");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
    let (over_ats, engine) = request("debian-12/9.2.9");
    let open = search(&over_ats, &engine, CancellationToken::new()).await.unwrap();
    assert_eq!(open.standing, Standing::Open);
    assert!(open.experiments.iter().all(|experiments| experiments.result == Effect::Inconclusive));
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_search_has_no_answer_and_leaves_nothing() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (request, engine) = request(bad);
        let stop = CancellationToken::new();
        stop.cancel();
        let (exit, message) = exit(search(&request, &engine, stop).await);
        assert_eq!(exit, Exit::Interrupted, "{bad}: {message}");
        assert!(engine.left().is_empty(), "{:?}", engine.left());
    }
}

/// In the middle of an experiment, and while an image is made: neither counts as an inconclusive version.
#[tokio::test(start_paused = true)]
async fn an_interruption_is_not_an_outcome() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (request, engine) = request(bad);
        let stop = CancellationToken::new();
        let engine = engine.with_containers({
            let stop = stop.clone();
            move |_| {
                stop.cancel();
                Behaviour::default()
            }
        });
        let (exit, message) = exit(search(&request, &engine, stop).await);
        assert_eq!(exit, Exit::Interrupted, "{bad}: {message}");
        assert!(engine.left().is_empty(), "{:?}", engine.left());
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_takes_too_long_says_so() {
    let (mut request, engine) = request("debian-12/9.2.9");
    request.matrix.defaults.deadlines.run = std::time::Duration::ZERO;
    let (exit, message) = exit(search(&request, &engine, CancellationToken::new()).await);
    assert_eq!(exit, Exit::Incomplete);
    assert!(message.contains("deadline of 0 s"), "{message}");
    assert!(engine.left().is_empty(), "{:?}", engine.left());
}

/// An attempt with these outcomes.
fn once(rows: &[(&str, Outcome, &str)]) -> SingleAttempt {
    let judged = rows.iter().map(|(id, outcome, summary)| {
        let judged = Judgement { outcome: *outcome, summary: (*summary).to_owned(), checks: Vec::new() };
        (by_id(id).unwrap(), judged)
    });
    SingleAttempt {
        judged: judged.collect(),
        seen: BTreeMap::new(),
        inventory: None,
        provenance: Provenance::default(),
        evidence: Vec::new(),
        transcript: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_experiment_is_repeated_before_it_counts() {
    let (request, engine) = request("debian-12/9.2.9");
    search(&request, &engine, CancellationToken::new()).await.unwrap();
    let starts = |name: &str| {
        let log = engine.log();
        log.iter().filter(|op| matches!(op, FakeOp::Start(started) if started.contains(name))).count()
    };
    // The containers of this engine send nothing.
    assert_eq!((starts("-x1-11-origin"), starts("-x1b-11-origin")), (1, 1));
    assert_eq!(starts("-x1bb"), 0);
}

/// Bisections once had only the instrumented origin, and called trials of other origins unsupported.
#[tokio::test(start_paused = true)]
async fn a_trial_with_another_origin_has_it() {
    for bad in ["debian-13/9.2.5", "debian-12/9.2.9"] {
        let (mut request, engine) = request(bad);
        let trial = CATALOGUE.iter().find(|trial| trial.spec().place == Place::Beside(OriginProgram::Nginx)).unwrap();
        request.trial = Some(trial);
        let mut plan = Plan::of(&request.matrix, &Selection::default(), &request.recipes).unwrap();
        plan.add_origin(&request.matrix, &request.recipes, Place::Beside(OriginProgram::Nginx)).unwrap();
        let nginx = plan
            .steps()
            .iter()
            .find(|step| Some(&step.tag) == plan.beside.get(&Place::Beside(OriginProgram::Nginx)))
            .unwrap();
        let engine = engine.with_image(&nginx.tag, Labels::new());
        let _ = search(&request, &engine, CancellationToken::new()).await;
        let log = engine.log();
        let started =
            |op: &&FakeOp| matches!(op, FakeOp::Start(name) if name.contains("-x1") && name.ends_with("nginx"));
        assert!(log.iter().any(|op| started(&op)), "{bad}: {log:?}");
    }
}

#[test]
fn an_end_may_fail_even_if_plain_http_fails_as_well() {
    let plain = CATALOGUE.iter().find(|trial| trial.kind == Kind::PlainControl).unwrap();
    let tls = by_id("tls-remote-origin").unwrap();
    let bad = once(&[(plain.id, Outcome::Fail, "502"), (tls.id, Outcome::Fail, "saw 502, 3 retries")]);
    let end = outcome_of(&bad, tls, None);
    assert_eq!((end.effect, end.summary.as_str()), (Effect::Fail, "saw 502, 3 retries"));
    let again = once(&[(tls.id, Outcome::Fail, "saw 502, 4 retries")]);
    assert_eq!(outcome_of(&again, tls, Some(&end.summary)).effect, Effect::Fail, "another count is the same failure");
    let other = once(&[(plain.id, Outcome::Fail, "x"), (tls.id, Outcome::Fail, "saw 504")]);
    let other = outcome_of(&other, tls, Some(&end.summary));
    assert_eq!(other.effect, Effect::Inconclusive);
    assert!(other.summary.contains(plain.id), "{}", other.summary);
}

#[test]
fn without_a_requested_trial_all_distinguishing_ones_are_tried_and_reversed_ends_are_reported() {
    let (mut request, _) = request("debian-13/9.2.5");
    let [a, b, c] = ["tls-remote-origin", "tls12-only", "tls13-only"];
    let good = once(&[(a, Outcome::Pass, ""), (b, Outcome::Pass, ""), (c, Outcome::Pass, "")]);
    let bad = once(&[(a, Outcome::Pass, ""), (b, Outcome::Fail, "x"), (c, Outcome::Fail, "x")]);
    let ids =
        |request: &SearchRequest| candidates(request, &good, &bad).iter().map(|trial| trial.id).collect::<Vec<_>>();
    assert_eq!(ids(&request), [a], "what was is_requested for is not exchanged");
    assert_eq!(reversed_hint(&good, &bad, request.trial, request.catalogue), "");
    request.is_requested = false;
    assert_eq!(ids(&request).len(), 2);
    assert!(!ids(&request).contains(&a));
    assert_eq!(reversed_hint(&good, &bad, None, request.catalogue), "");
    assert!(reversed_hint(&bad, &good, None, request.catalogue).contains("swap --good and --bad"));
}

#[test]
fn an_undeclared_version_is_no_answer_with_the_message_of_a_run() {
    let mut other = once(&[]);
    assert!(check_version(&other, &["9.2.5"]).is_ok(), "ATS did not start: the version is unknown");
    other.provenance.ats = Some(AtsBuild { reported: "9.2.9".into(), ..AtsBuild::default() });
    assert!(check_version(&other, &["9.2.9"]).is_ok());
    assert!(check_version(&other, &["9.2.5", "9.2.9"]).is_ok(), "a version in between reports either");
    let failure = check_version(&other, &["9.2.5"]).unwrap_err().downcast::<Failure>().unwrap();
    assert_eq!(failure.exit, Exit::Incomplete);
    assert!(failure.message.starts_with("matrix.yaml declares ATS 9.2.5, `traffic_server -V` reports 9.2.9: correct"));
}
