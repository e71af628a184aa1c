//! What every command that runs cells sets up: an engine, a run's id and folder, progress with its
//! journal, and signals.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::look::Look;
use crate::builder::{Policy, Proxies};
use crate::console::{self, Console};
use crate::engine::discovery::Env;
use crate::engine::labels::Owner;
use crate::engine::{self, Engine};
use crate::exit::{Exit, Failure};
use crate::model::{Event, RunId};
use crate::store::{Journal, Results, RunFolder, run_id};

/// A run that has begun.
pub(super) struct Setup {
    pub(super) engine: Arc<dyn Engine>,
    /// CPUs of the engine.
    cpus: usize,
    pub(super) owner: Owner,
    pub(super) folder: RunFolder,
    pub(super) now: jiff::Timestamp,
    pub(super) events: UnboundedSender<Event>,
    pub(super) stop: CancellationToken,
    listener: JoinHandle<anyhow::Result<()>>,
    signals: AbortOnDropHandle<()>,
}

impl Setup {
    /// Connects to the engine and begins the folder of a run in `results`.
    ///
    /// # Errors
    /// No engine, results that could not be added to, or a folder that cannot be made.
    pub(super) async fn begin(results: &Results, look: &Look) -> anyhow::Result<Self> {
        // What cannot be added to at the end is found out before anything runs.
        results.read().map_err(|error| Failure::new(Exit::Usage, format!("{error:#}")))?;
        let connected = engine::connect(&Env::from_process())
            .await
            .map_err(|none| Failure::new(Exit::NoEngine, none.to_string()))?;
        let now = jiff::Timestamp::now();
        let owner = Owner::current(fresh_id(now)?)?;
        let folder = results.begin(&owner.run)?;
        let (events, received) = unbounded_channel();
        let listener = tokio::task::spawn_blocking({
            let (console, journal) = (look.console(), folder.journal()?);
            move || listen(received, console, journal)
        });
        let stop = CancellationToken::new();
        let signals = AbortOnDropHandle::new(tokio::spawn(interrupted(stop.clone(), events.clone())));
        let cpus = usize::try_from(connected.info.cpus).unwrap_or(1).max(1);
        Ok(Self { engine: connected.engine, cpus, owner, folder, now, events, stop, listener, signals })
    }

    /// How many things are done at the same time, if `jobs` were asked for.
    pub(super) fn jobs(&self, jobs: Option<usize>) -> usize {
        jobs.unwrap_or(self.cpus).max(1)
    }

    /// How images are made, `jobs` at a time, as far as the machine decides.
    pub(super) fn policy(&self, jobs: usize) -> Policy {
        let compilers = Policy::compilers(jobs, self.cpus);
        Policy { jobs, compilers, proxies: Proxies::from_process(), ..Policy::default() }
    }

    /// Where logs of image builds go.
    pub(super) fn image_logs(&self) -> std::path::PathBuf {
        self.folder.dir().join("images")
    }

    /// Waits until all progress is shown and written. What the journal could not take is the inner error.
    ///
    /// # Errors
    /// When the display failed.
    pub(super) async fn end(self) -> anyhow::Result<anyhow::Result<()>> {
        // Whoever holds a sender keeps the listener waiting, and the signals' task has one.
        drop((self.events, self.signals));
        let journal = self.listener.await.context("the progress display failed")?;
        Ok(journal.context("cannot write the journal"))
    }
}

/// The id of a run that begins now. Chance tells apart what begins in the same second: process ids are
/// the same in every container.
fn fresh_id(now: jiff::Timestamp) -> anyhow::Result<RunId> {
    let random = u16::try_from(getrandom::u32().context("the system gives no randomness")? & 0xffff)?;
    run_id(now, random).context("cannot name a run of this time: is the clock right?")
}

/// The day on which somebody judges, in UTC: the same for everybody who looks at the same time.
pub(super) fn day(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Shows and journals events until the run is over. A journal that cannot be written does not end the
/// display; it is told at the end.
fn listen(mut events: UnboundedReceiver<Event>, mut console: Console, mut journal: Journal) -> anyhow::Result<()> {
    let mut written = Ok(());
    while let Some(event) = events.blocking_recv() {
        console.on(&event);
        // Lines of build logs have a file of their own.
        if written.is_ok() && !matches!(event, Event::ImageStep { .. }) {
            written = journal.append(&event);
        }
    }
    written
}

/// Cancels `stop` on the first Ctrl-C, Ctrl-\, SIGTERM or closed terminal, and ends the program on the second: whoever
/// repeats it does not want to wait for an engine.
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
    let text = "interrupted: keeping what is finished and removing what is ours; once more ends at once";
    // A display that is gone shows nothing.
    let _ = events.send(Event::Note(text.to_owned()));
    signalled().await;
    console::aside(
        "interrupted again: ended at once; the next run sweeps what is left, and so does `atsmatrix clean`\n",
    );
    #[expect(clippy::exit, reason = "what would be waited for is what was not to be waited for")]
    std::process::exit(Exit::Interrupted as i32);
}
