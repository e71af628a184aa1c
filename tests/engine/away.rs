//! An engine that becomes unreachable in the middle of a build: a proxy in front of its socket breaks all connections.
//! This cancels the build, as a restart does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atsmatrix::builder::{ImageBuilder, ImageState, Policy};
use atsmatrix::config::plan::{BuildStep, Recipe, Work};
use atsmatrix::engine::discovery::Env;
use atsmatrix::engine::patience::Patience;
use atsmatrix::engine::{Engine, connect};
use atsmatrix::model::Event;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::rig::{connected, with_rig};

/// Length of the outage: long enough for a few failed retries.
const OUTAGE: Duration = Duration::from_secs(3);

/// Forwards `socket` to `engine`. Dropping the future closes all connections.
async fn proxy(socket: PathBuf, engine: PathBuf) {
    // An aborted proxy leaves its socket file.
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let engine = engine.clone();
        connections.spawn(async move {
            if let Ok(mut far) = UnixStream::connect(engine).await {
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
}

/// Path of the engine's socket.
async fn socket() -> PathBuf {
    let found = connected().await;
    let place = &found.probes.last().unwrap().target;
    place
        .strip_prefix("unix://")
        .unwrap_or_else(|| panic!("this test needs an engine on a unix socket: {place}"))
        .into()
}

/// A step whose build prints a line and then takes a few seconds.
fn step(tag: &str) -> BuildStep {
    let work = Work::Recipe { recipe: Recipe::Package("slow".to_owned()), args: BTreeMap::new() };
    BuildStep { name: "a slow build".to_owned(), tag: tag.to_owned(), parents: Vec::new(), work }
}

fn builder(engine: Arc<dyn Engine>, image: &str, logs: &Path) -> (Arc<ImageBuilder>, UnboundedReceiver<Event>) {
    let script = "echo under-way; exec busybox sleep 4";
    let recipe = format!("FROM {image}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"{script}\"]\n");
    let recipes = BTreeMap::from([("slow/Containerfile".to_owned(), recipe.into_bytes())]);
    let (events, received) = unbounded_channel();
    let policy = Policy { jobs: 1, compilers: 1, ..Policy::default() };
    let builder = ImageBuilder::new(engine, Arc::new(Patience::default()), recipes, policy, logs.to_owned(), events);
    (Arc::new(builder), received)
}

#[tokio::test]
async fn a_build_interrupted_by_an_outage_is_retried_when_the_engine_is_back() {
    let real = socket().await;
    with_rig("away", |rig| async move {
        let folder = tempfile::TempDir::new().unwrap();
        let socket = folder.path().join("engine.sock");
        let mut serving = tokio::spawn(proxy(socket.clone(), real.clone()));
        let place = Some(format!("unix://{}", socket.display()));
        let env = Env { docker_host: place, ..Env::default() };
        while !socket.exists() {
            tokio::task::yield_now().await;
        }
        let engine = connect(&env).await.unwrap().engine;
        let (builder, mut events) = builder(engine, &rig.image, folder.path());
        let tag = rig.name("slow:1");
        let steps = [step(&tag)];
        let stop = CancellationToken::new();
        let making = builder.make(&steps, &stop);
        let mut notes = Vec::new();
        let outage = async {
            let (mut started, mut cut) = (0, None::<Instant>);
            while let Some(event) = events.recv().await {
                match event {
                    Event::ImageStarted(_) => started += 1,
                    Event::ImageStep { step, .. } if step == "under-way" && cut.is_none() => {
                        serving.abort();
                        let _ = (&mut serving).await;
                        cut = Some(Instant::now());
                        let (socket, real) = (socket.clone(), real.clone());
                        serving = tokio::spawn(async move {
                            tokio::time::sleep(OUTAGE).await;
                            proxy(socket, real).await;
                        });
                    }
                    Event::Note(text) => notes.push(text),
                    Event::ImageFinished { error: None, .. } => return (started, cut.unwrap().elapsed()),
                    _ => (),
                }
            }
            panic!("the image was never made: {notes:?}");
        };
        let (made, (started, took)) = tokio::join!(making, outage);
        assert!(matches!(made[&tag], ImageState::Ready { .. }), "{made:?}");
        assert_eq!(started, 2, "started once more");
        assert!(took > OUTAGE, "{took:?}");
        for part in ["the engine does not answer: waiting for it", "the engine answers again"] {
            assert!(notes.iter().any(|note| note.contains(part)), "{notes:?}");
        }
        serving.abort();
        rig.engine.remove_image(&tag).await.unwrap();
    })
    .await;
}
