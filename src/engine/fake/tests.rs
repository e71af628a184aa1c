//! The fake honours the contract of the traits; sweeping works on it as documented.

use std::time::Duration;

use super::*;
use crate::engine::labels::{Owner, ResourceKind};
use crate::engine::sweep;

fn spec(name: &str, labels: Labels) -> ContainerSpec {
    ContainerSpec { name: name.to_owned(), image: "x:1".to_owned(), labels, ..ContainerSpec::default() }
}

fn owner() -> Owner {
    Owner::current("r1".parse().unwrap()).unwrap()
}

fn scripted(behaviour: Behaviour) -> FakeEngine {
    FakeEngine::new().with_image("x:1", Labels::new()).with_containers(move |_| behaviour.clone())
}

#[tokio::test(start_paused = true)]
async fn a_container_delivers_its_lines_and_its_log_has_all_of_them() {
    let engine = scripted(Behaviour {
        lines: vec!["a".to_owned(), "b".to_owned(), "end".to_owned()],
        lost: 1,
        pace: Duration::from_secs(1),
        end: FakeEnd::Exits { code: 3, oom_killed: true },
        ..Behaviour::default()
    });
    let mut container = engine.start(&spec("c", Labels::new())).await.unwrap();
    let mut lines = container.lines();
    assert_eq!(lines.recv().await.as_deref(), Some("a"));
    assert_eq!(lines.recv().await.as_deref(), Some("b"));
    assert_eq!(lines.recv().await, None);
    let exit = container.wait().await.unwrap();
    assert_eq!((exit.code, exit.oom_killed), (3, true));
    assert_eq!(container.logs().await.unwrap(), ["a", "b", "end"]);
    container.remove().await.unwrap();
    assert_eq!(
        engine.log(),
        [FakeOp::Start("c".to_owned()), FakeOp::Wait("c".to_owned()), FakeOp::Remove("c".to_owned())]
    );
    assert!(engine.left().is_empty());
}

#[tokio::test]
async fn closing_stdin_stops_an_origin_and_only_a_kill_stops_a_hung_container() {
    let engine = FakeEngine::new().with_image("x:1", Labels::new()).with_containers(|spec| Behaviour {
        end: if spec.name == "origin" { FakeEnd::AtStdinEof } else { FakeEnd::WhenKilled },
        ..Behaviour::default()
    });
    let origin = engine.start(&spec("origin", Labels::new())).await.unwrap();
    let hung = engine.start(&spec("hung", Labels::new())).await.unwrap();
    origin.close_stdin().await.unwrap();
    assert_eq!(origin.wait().await.unwrap().code, 0);
    hung.close_stdin().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(20), hung.wait()).await;
    assert!(early.is_err(), "a hung container exited by itself");
    hung.kill().await.unwrap();
    assert_eq!(hung.wait().await.unwrap().code, 137);
    assert_eq!(engine.most_running(), 2);
}

#[tokio::test]
async fn a_dropped_container_leaves_nothing() {
    let engine = scripted(Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() });
    drop(engine.start(&spec("c", Labels::new())).await.unwrap());
    assert!(engine.left().is_empty());
}

#[tokio::test]
async fn faults_are_injected_as_often_as_requested() {
    let engine =
        scripted(Behaviour::default()).with_fault(FakeFault::NetworkExhausted, 1).with_fault(FakeFault::StartFails, 1);
    let network = NetworkSpec { name: "n".to_owned(), ..NetworkSpec::default() };
    assert_eq!(engine.create_network(&network).await.unwrap_err().class, Class::Resources);
    assert!(engine.create_network(&network).await.is_ok());
    assert!(engine.start(&spec("c", Labels::new())).await.is_err());
    assert!(engine.start(&spec("c", Labels::new())).await.is_ok());
}

#[tokio::test]
async fn containers_need_their_image_and_network() {
    let engine = scripted(Behaviour::default());
    let missing = ContainerSpec { image: "y:1".to_owned(), ..spec("c", Labels::new()) };
    assert_eq!(engine.start(&missing).await.err().map(|error| error.class), Some(Class::NotFound));
    let stray = ContainerSpec { network: Some("nowhere".to_owned()), ..spec("c", Labels::new()) };
    assert!(engine.start(&stray).await.is_err());
    assert!(engine.left().is_empty());
}

#[tokio::test]
async fn a_sweep_removes_dead_runs_leaves_live_ones_and_counts_those_of_other_machines() {
    let me = owner();
    let dead = Owner { started: me.started + 1, ..me.clone() };
    let stranger = Owner { host: "elsewhere".to_owned(), ..me.clone() };
    let engine = scripted(Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() });
    let mut handles = Vec::new();
    for (name, owner) in [("dead", &dead), ("live", &me), ("stranger", &stranger)] {
        let network =
            NetworkSpec { name: format!("{name}-net"), labels: owner.labels(ResourceKind::Network), internal: true };
        engine.create_network(&network).await.unwrap();
        handles.push(engine.start(&spec(name, owner.labels(ResourceKind::Cell))).await.unwrap());
    }
    handles.push(engine.start(&spec("unrelated", Labels::new())).await.unwrap());

    let swept = sweep::sweep(&engine, &me.host).await.unwrap();
    assert_eq!((swept.containers, swept.networks, swept.alive, swept.unknown), (1, 1, 2, 2));
    assert!(swept.failed.is_empty());
    assert_eq!(engine.left(), ["live", "live-net", "stranger", "stranger-net", "unrelated"]);
    let removals: Vec<FakeOp> =
        engine.log().into_iter().filter(|op| matches!(op, FakeOp::Remove(_) | FakeOp::RemoveNetwork(_))).collect();
    assert_eq!(removals, [FakeOp::Remove("dead".to_owned()), FakeOp::RemoveNetwork("dead-net".to_owned())]);

    let swept = sweep::remove(&engine, sweep::SweepScope::Everything { host: &me.host }).await.unwrap();
    assert_eq!((swept.containers, swept.networks), (1, 1));
    assert_eq!(engine.left(), ["live", "live-net", "unrelated"]);

    let swept = sweep::remove_run(&engine, &me.run).await.unwrap();
    assert_eq!((swept.containers, swept.networks), (1, 1));
    assert_eq!(engine.left(), ["unrelated"]);
}

#[tokio::test]
async fn a_failed_removal_does_not_stop_the_others() {
    let me = owner();
    let engine =
        scripted(Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() }).with_fault(FakeFault::RemoveFails, 1);
    let _one = engine.start(&spec("one", me.labels(ResourceKind::Cell))).await.unwrap();
    let _two = engine.start(&spec("two", me.labels(ResourceKind::Cell))).await.unwrap();
    let swept = sweep::remove_run(&engine, &me.run).await.unwrap();
    assert_eq!((swept.containers, swept.failed.len()), (1, 1));
    assert_eq!(engine.left(), ["one"]);
}

#[tokio::test]
async fn builds_and_pulls_follow_their_scripts() {
    let engine = FakeEngine::new().with_pullable("debian:12").with_builds(|spec| FakeBuild {
        log: vec![format!("building {}", spec.tag)],
        result: if spec.tag.starts_with("bad") {
            Err((Class::Build { code: Some(2) }, "error: x".to_owned()))
        } else {
            Ok(())
        },
    });
    assert_eq!(engine.pull("fedora:40", &mut |_| {}).await.unwrap_err().class, Class::Unreachable);
    engine.pull("debian:12", &mut |_| {}).await.unwrap();
    let mut log = Vec::new();
    let labels = crate::engine::labels::image_labels();
    let build = BuildSpec { tag: "bad:1".to_owned(), ..BuildSpec::default() };
    let error = engine.build(&build, &mut |line| log.push(line.to_owned())).await.unwrap_err();
    assert_eq!((error.class, log.as_slice()), (Class::Build { code: Some(2) }, &["building bad:1".to_owned()][..]));
    engine.build(&BuildSpec { tag: "good:1".to_owned(), labels, ..build }, &mut |_| {}).await.unwrap();
    let tagged: Vec<_> = engine.images_with_label("atsmatrix.kind=image").await.unwrap();
    assert_eq!(tagged[0].tags, ["good:1"]);
}
