//! Setup for commands that run cells: the engine, the run's id and folder, progress and journal, and signals.

use std::fs::File;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::display::DisplayArgs;
use crate::builder::{Policy, Proxies};
use crate::console::{self, Console};
use crate::engine::discovery::Env;
use crate::engine::labels::Owner;
use crate::engine::{self, Engine};
use crate::exit::{self, Exit, Failure};
use crate::model::{Event, RunId};
use crate::store::{Journal, Results, RunFolder, run_id};

/// The environment of a run.
pub(super) struct Setup {
    pub(super) engine: Arc<dyn Engine>,
    /// Number of CPUs of the engine.
    cpus: usize,
    pub(super) owner: Owner,
    pub(super) folder: RunFolder,
    pub(super) now: jiff::Timestamp,
    pub(super) events: UnboundedSender<Event>,
    pub(super) stop: CancellationToken,
    listener: JoinHandle<anyhow::Result<()>>,
    signals: AbortOnDropHandle<()>,
    /// Tells others that the run is going on.
    _lock: File,
}

impl Setup {
    /// Connects to the engine and creates the folder of the run in `results`, unless that of a run to be resumed is given with
    /// its lock.
    ///
    /// # Errors
    /// No engine answers, the present results cannot be read, or the folder cannot be created.
    pub(super) async fn begin(
        results: &Results,
        display: &DisplayArgs,
        resumed: Option<(RunFolder, File)>,
    ) -> anyhow::Result<Self> {
        // Results that cannot be merged with at the end are reported before anything runs.
        results.read().map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
        let connected = engine::connect(&Env::from_process())
            .await
            .map_err(|none| Failure::new(Exit::NoEngine, none.to_string()))?;
        let now = jiff::Timestamp::now();
        let owner = Owner::current(fresh_id(now)?)?;
        let (folder, lock) = if let Some(resumed) = resumed {
            resumed
        } else {
            let folder = results.begin(&owner.run).map_err(|error| no_folder(&error))?;
            let lock = folder.lock()?.context("another run has taken the folder of this one: run again")?;
            (folder, lock)
        };
        let (events, received) = unbounded_channel();
        let listener = tokio::task::spawn_blocking({
            let (console, journal) = (display.console(), folder.journal()?);
            move || listen(received, console, journal)
        });
        let stop = CancellationToken::new();
        let signals = AbortOnDropHandle::new(tokio::spawn(interrupted(stop.clone(), events.clone())));
        let cpus = usize::try_from(connected.info.cpus).unwrap_or(1).max(1);
        Ok(Self { engine: connected.engine, cpus, owner, folder, now, events, stop, listener, signals, _lock: lock })
    }

    /// Number of parallel jobs: `jobs` if given, else one per CPU of the engine.
    pub(super) fn jobs(&self, jobs: Option<usize>) -> usize {
        jobs.unwrap_or(self.cpus).max(1)
    }

    /// The policy for building images, `jobs` in parallel; only what depends on the machine is set.
    pub(super) fn policy(&self, jobs: usize) -> Policy {
        let compilers = Policy::compilers(jobs, self.cpus);
        Policy { jobs, compilers, proxies: Proxies::from_process(), ..Policy::default() }
    }

    /// The folder for logs of image builds.
    pub(super) fn image_logs(&self) -> std::path::PathBuf {
        self.folder.dir().join("images")
    }

    /// Waits until all progress is displayed and written. The inner error is that of the journal.
    ///
    /// # Errors
    /// The display failed.
    pub(super) async fn end(self) -> anyhow::Result<anyhow::Result<()>> {
        // The listener ends when the last sender is dropped; the signals task holds one.
        drop((self.events, self.signals));
        let journal = self.listener.await.context("the progress display failed")?;
        Ok(journal.context("cannot write the journal"))
    }
}

/// Without a folder there is no answer, and that is no bug.
fn no_folder(error: &anyhow::Error) -> Failure {
    let exit = match exit::of(error) {
        Exit::Internal => Exit::Incomplete,
        other => other,
    };
    Failure::new(exit, format!("{error:#}"))
}

/// A new run id. A random part distinguishes runs that start in the same second; process ids would not, as they are the
/// same in every container.
fn fresh_id(now: jiff::Timestamp) -> anyhow::Result<RunId> {
    let random = u16::try_from(getrandom::u32().context("the system provides no random bytes")? & 0xffff)?;
    run_id(now, random).context("cannot make a run id from the current time: check the clock")
}

/// The day of `now` in UTC, the same in every time zone.
pub(super) fn day(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Displays and journals events until the run ends. A journal that cannot be written does not end the display; its error
/// is returned at the end.
fn listen(mut events: UnboundedReceiver<Event>, mut console: Console, mut journal: Journal) -> anyhow::Result<()> {
    let mut written = Ok(());
    while let Some(event) = events.blocking_recv() {
        // Lines of build logs have their own file. What is shown as finished is in the journal.
        if written.is_ok() && !matches!(event, Event::ImageStep { .. }) {
            written = journal.append(&event);
        }
        console.on(&event);
    }
    written
}

/// Cancels `stop` on the first Ctrl-C, Ctrl-\, SIGTERM or closed terminal, and exits on the second, without waiting for the
/// engine.
async fn interrupted(stop: CancellationToken, events: UnboundedSender<Event>) {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    if signals.is_empty() {
        return;
    }
    let mut signalled = async || {
        let all = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(all).await;
    };
    signalled().await;
    stop.cancel();
    let text = "interrupted: keeping finished cells, removing containers and networks; interrupt again to exit at once";
    // Fails only if the display has ended.
    let _ = events.send(Event::Note(text.to_owned()));
    signalled().await;
    console::eprint("interrupted again: exited at once; the next run, or `atsmatrix clean`, removes what is left\n");
    #[expect(clippy::exit, reason = "returning would wait for the engine, and the user asked not to wait")]
    std::process::exit(Exit::Interrupted as i32);
}
