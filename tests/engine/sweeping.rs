//! Left-overs of runs, and their owners.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use atsmatrix::engine::labels::{Owner, ResourceKind};
use atsmatrix::engine::{ContainerSpec, NetworkSpec, sweep};
use atsmatrix::model::RunId;

use crate::rig::{Rig, connected, docker, with_rig};

/// A process that has just exited, as the owner of `run`.
fn dead(me: &Owner, run: &str) -> Owner {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    Owner { run: run.parse().unwrap(), pid: child.id(), ..me.clone() }
}

/// A network with a sleeping container in it, owned by `owner`.
async fn make(rig: &Rig, owner: &Owner) -> Box<dyn atsmatrix::engine::Container> {
    let name = format!("{}-x", owner.run);
    let network = NetworkSpec { name: name.clone(), labels: owner.labels(ResourceKind::Network), internal: true };
    let network = rig.engine.create_network(&network).await.unwrap();
    let spec = ContainerSpec {
        name,
        labels: owner.labels(ResourceKind::Cell),
        network: Some(network),
        ..rig.shell("x", "busybox sleep 1000")
    };
    rig.engine.start(&spec).await.unwrap()
}

/// Containers and networks of `run`.
async fn objects_of(rig: &Rig, run: &RunId) -> (usize, usize) {
    let of = |all: Vec<atsmatrix::engine::Labelled>| {
        all.iter().filter(|it| it.labels["atsmatrix.run"] == run.as_str()).count()
    };
    (of(rig.engine.containers().await.unwrap()), of(rig.engine.networks().await.unwrap()))
}

#[tokio::test]
async fn left_overs_of_a_dead_run_are_swept_and_objects_of_a_live_run_are_not() {
    with_rig("sweep", |rig| async move {
        let dead = dead(&rig.owner, &rig.name("dead"));
        let _left = make(&rig, &dead).await;
        let _mine = make(&rig, &rig.owner).await;
        let swept = sweep::sweep(&*rig.engine, &rig.owner.host).await.unwrap();
        // Whatever dead runs of others have left there: of this one nothing is.
        assert_eq!(objects_of(&rig, &dead.run).await, (0, 0), "{:?}", swept.failed);
        assert_eq!(objects_of(&rig, &rig.owner.run).await, (1, 1));
        assert!(swept.alive >= 2);
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_run_removes_nothing_of_a_concurrent_run() {
    with_rig("two", |rig| async move {
        let other = Owner { run: rig.name("other").parse().unwrap(), ..rig.owner.clone() };
        let (_mine, _others) = tokio::join!(make(&rig, &rig.owner), make(&rig, &other));
        let removed = sweep::remove_run(&*rig.engine, &other.run).await.unwrap();
        assert_eq!((removed.containers, removed.networks, removed.failed.len()), (1, 1, 0));
        assert_eq!(objects_of(&rig, &rig.owner.run).await, (1, 1));
    })
    .await;
}

#[tokio::test]
async fn if_the_orchestrator_is_killed_its_container_stops_and_the_next_run_sweeps_it() {
    with_rig("killed", |rig| async move {
        let run = rig.name("run");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sweeping::orchestrator_to_be_killed", "--nocapture"])
            .env("ATSMATRIX_TEST_RUN", &run)
            .env("ATSMATRIX_TEST_IMAGE", &rig.image)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let id =
            output.map(Result::unwrap).find_map(|line| line.strip_prefix("container ").map(str::to_owned)).unwrap();
        assert_eq!(docker(&["inspect", "--format", "{{.State.Running}}", &id]), "true");
        child.kill().unwrap();
        child.wait().unwrap();
        // It exits by itself, because its stdin is closed.
        assert_eq!(docker(&["wait", &id]), "0");
        let run: RunId = run.parse().unwrap();
        assert_eq!(objects_of(&rig, &run).await.0, 1);
        sweep::sweep(&*rig.engine, &rig.owner.host).await.unwrap();
        assert_eq!(objects_of(&rig, &run).await, (0, 0));
    })
    .await;
}

/// The orchestrator of the test above, which runs it as a separate process with these variables set.
/// Without them it does nothing.
#[tokio::test]
async fn orchestrator_to_be_killed() {
    let (Ok(run), Ok(image)) = (std::env::var("ATSMATRIX_TEST_RUN"), std::env::var("ATSMATRIX_TEST_IMAGE")) else {
        return;
    };
    let owner = Owner::current(run.parse().unwrap()).unwrap();
    let spec = ContainerSpec {
        name: format!("{run}-c"),
        image,
        command: Some(["sh", "-c", "busybox cat"].map(str::to_owned).to_vec()),
        labels: owner.labels(ResourceKind::Cell),
        ..ContainerSpec::default()
    };
    let container = connected().await.engine.start(&spec).await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\ncontainer {}", container.id()).unwrap();
    out.flush().unwrap();
    container.wait().await.unwrap();
}
