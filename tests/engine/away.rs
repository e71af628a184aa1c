//! An engine that goes away in the middle of a build, as far as its clients can see: a proxy stands before its socket and
//! breaks all connections. What it builds is cancelled by that, as by a restart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atsmatrix::builder::{ImageBuilder, ImageState, Policy};
use atsmatrix::config::plan::{Step, Work};
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

/// Long enough to be asked in vain a few times.
const AWAY: Duration = Duration::from_secs(3);

/// Serves `socket` until it is dropped, and every connection to it with it.
async fn proxy(socket: PathBuf, engine: PathBuf) {
    // One that was cut off has left its file.
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

/// The socket of the engine.
async fn socket() -> PathBuf {
    let found = connected().await;
    let place = &found.probes.last().unwrap().target;
    place.strip_prefix("unix://").unwrap_or_else(|| panic!("a proxy can stand before a socket: {place}")).into()
}

/// A step whose build says that it runs, and then takes a while.
fn step(tag: &str) -> Step {
    let work = Work::Recipe { containerfile: "slow/Containerfile".to_owned(), args: BTreeMap::new() };
    Step { name: "a slow build".to_owned(), tag: tag.to_owned(), parents: Vec::new(), work }
}

fn maker(engine: Arc<dyn Engine>, image: &str, logs: &Path) -> (Arc<ImageBuilder>, UnboundedReceiver<Event>) {
    let script = "echo under-way; exec busybox sleep 4";
    let recipe = format!("FROM {image}\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"{script}\"]\n");
    let recipes = BTreeMap::from([("slow/Containerfile".to_owned(), recipe.into_bytes())]);
    let (events, received) = unbounded_channel();
    let policy = Policy { jobs: 1, compilers: 1, ..Policy::default() };
    let maker = ImageBuilder::new(engine, Arc::new(Patience::default()), recipes, policy, logs.to_owned(), events);
    (Arc::new(maker), received)
}

#[tokio::test]
async fn a_build_that_an_engine_breaks_off_by_going_away_is_made_once_it_is_back() {
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
        let (maker, mut events) = maker(engine, &rig.image, folder.path());
        let tag = rig.name("slow:1");
        let steps = [step(&tag)];
        let stop = CancellationToken::new();
        let making = maker.make(&steps, &stop);
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
                            tokio::time::sleep(AWAY).await;
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
        assert_eq!(started, 2, "begun once more");
        assert!(took > AWAY, "{took:?}");
        for part in ["the engine does not answer: waiting for it", "the engine answers again"] {
            assert!(notes.iter().any(|note| note.contains(part)), "{notes:?}");
        }
        serving.abort();
        rig.engine.remove_image(&tag).await.unwrap();
    })
    .await;
}
