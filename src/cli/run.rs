//! `atsmatrix run`: prepares images, runs cells, shows the table, writes results.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::ci::{Ci, Hush};
use super::format::text;
use super::{Choice, Places};
use crate::cell::CellRun;
use crate::console::{Console, Flags, Stream, Style, When, style};
use crate::engine::discovery::Env;
use crate::engine::labels::Owner;
use crate::exit::{Exit, Failure};
use crate::images::Policy;
use crate::matrix::Matrix;
use crate::model::{CellId, CellResult, Event, MatrixResult, Place, RunId, Verdict};
use crate::report::{escape, unexpected};
use crate::runner::{self, Done, Order, Record};
use crate::shard::Shard;
use crate::store::{Evidence, Frame, Results, RunFolder, merge, run_id, spare};
use crate::verdict::Terms;
use crate::{compare, console, engine, trial, verdict};

/// Options of `atsmatrix run`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct Options {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    ci: Ci,
    /// Cells at the same time, and before them images [default: the engine's CPUs]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Only this part of the cells, for example 2/4; put the parts together with `atsmatrix merge`
    #[arg(long, value_name = "I/N", requires = "results")]
    shard: Option<Shard>,
    /// Begin no further cell after the first unexpected outcome
    #[arg(long)]
    fail_fast: bool,
    /// Leave the containers for a look, with ATS running
    #[arg(long)]
    keep: bool,
    /// Where a cell fails with a known issue, try its workarounds on that very cell
    #[arg(long)]
    workarounds: bool,
    /// Make no image: cells whose image is missing are unavailable
    #[arg(long)]
    no_build: bool,
    /// Ask no registry: what is here is used, and base images that are not are made from the package mirrors
    /// of their distros, which are asked all the same
    #[arg(long)]
    offline: bool,
    /// Make images anew, also those whose inputs did not change, and pull ready ones again
    #[arg(long, conflicts_with = "no_build")]
    rebuild: bool,
    /// Count optional cells too
    #[arg(long)]
    strict: bool,
    /// Show no table at the end.
    #[arg(skip)]
    no_table: bool,
}

/// The id of a run that begins now. Chance tells apart what begins in the same second: process ids are
/// the same in every container.
pub(super) fn fresh_id(now: jiff::Timestamp) -> anyhow::Result<RunId> {
    let [high, low, ..] = unguessable()[0].to_be_bytes();
    run_id(now, u16::from_be_bytes([high, low])).context("cannot name a run of this time: is the clock right?")
}

/// 128 bits that nobody can guess. The standard library seeds its hashers from the system's randomness.
pub(super) fn unguessable() -> [u64; 2] {
    [1, 2].map(|n| RandomState::new().hash_one(n))
}

/// The day on which somebody judges, in UTC: the same for everybody who looks at the same time.
pub(super) fn day(now: jiff::Timestamp) -> jiff::civil::Date {
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A moment for colours.
pub(super) fn when(text: &str) -> Result<When, String> {
    match text {
        "auto" => Ok(When::Auto),
        "always" => Ok(When::Always),
        "never" => Ok(When::Never),
        _ => Err("write auto, always or never".to_owned()),
    }
}

/// How things look.
#[derive(Debug, Args)]
pub(super) struct Look {
    /// Nothing but the final table and errors
    #[arg(long, short)]
    quiet: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = when)]
    color: When,
}

/// Runs one cell with its workarounds, writes results and shows no table.
pub(super) async fn one_cell(places: &Places, cell: &CellId) -> anyhow::Result<Exit> {
    let options = Options {
        places: places.clone(),
        // Names of cells hold no character that globs take for another.
        choice: Choice { distro: vec![cell.distro.to_string()], ats: vec![cell.ats.to_string()], trial: Vec::new() },
        look: Look { quiet: false, color: When::Auto },
        ci: Ci::none(),
        jobs: None,
        shard: None,
        fail_fast: false,
        keep: false,
        workarounds: true,
        no_build: false,
        offline: false,
        rebuild: false,
        strict: false,
        no_table: true,
    };
    run(options).await
}

pub(super) async fn run(options: Options) -> anyhow::Result<Exit> {
    let (matrix, _) = options.places.read()?;
    let (mut plan, recipes) = options.choice.plan(&matrix, &options.places)?;
    let trials = options.choice.trials()?;
    if let Some(shard) = options.shard {
        plan.keep(|cells| shard.of(cells).collect());
    }
    let asked = |place: &Place| trials.iter().any(|trial| (trial.spec)().place == *place);
    for place in Place::BESIDE.into_iter().filter(asked) {
        plan.add_origin(&matrix, &recipes, place).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    }
    if plan.cells.is_empty() {
        let message = "the selection matches no cell: `atsmatrix list` shows those there are";
        return Err(Failure::new(Exit::NothingSelected, message).into());
    }
    let hush = options.ci.begin()?;
    let connected =
        engine::connect(&Env::from_process()).await.map_err(|none| Failure::new(Exit::NoEngine, none.to_string()))?;
    let results = Results::new(options.places.results());
    let now = jiff::Timestamp::now();
    let owner = Owner::current(fresh_id(now)?)?;
    let folder = results.begin(&owner.run)?;
    let cpus = usize::try_from(connected.info.cpus).unwrap_or(1).max(1);
    let jobs = options.jobs.unwrap_or(cpus).max(1);
    let order = Order {
        plan,
        trials,
        recipes,
        policy: Policy {
            no_build: options.no_build,
            offline: options.offline,
            rebuild: options.rebuild,
            jobs,
            compilers: Policy::compilers(jobs, cpus),
        },
        image_logs: folder.dir().join("images"),
        jobs,
        fail_fast: options.fail_fast,
        keep: options.keep,
        workarounds: options.workarounds,
        terms: Terms { strict: options.strict, today: Some(day(now)), trials: trial::ids() },
        matrix,
    };
    let (events, received) = unbounded_channel();
    let listener = tokio::task::spawn_blocking({
        let (console, journal) = (console(&options.look), folder.journal()?);
        move || listen(received, console, journal)
    });
    let stop = CancellationToken::new();
    let signals = tokio::spawn(interrupted(stop.clone(), events.clone()));
    let recorder = Recorder { folder: folder.clone() };
    let done = runner::run(connected.engine.clone(), &owner, &order, &recorder, events, stop.clone()).await;
    let done = done.map_err(|error| failed(error, stop.is_cancelled()));
    signals.abort();
    let journal = listener.await.context("the progress display failed")?.context("cannot write the journal");
    let mut done = done?;
    // A journal that ends early costs no result.
    done.fault = done.fault.or(journal.err().map(|error| format!("{error:#}")));
    finish(&options, &results, &order, done, hush)
}

/// Writes the committed files, shows the table, and says how it ended.
fn finish(options: &Options, results: &Results, order: &Order, done: Done, hush: Option<Hush>) -> anyhow::Result<Exit> {
    let fault = done.fault.clone();
    let mut done = done;
    for cell in &mut done.cells {
        cell.provenance = std::mem::take(&mut cell.provenance).portable();
    }
    let unanswered = unanswered(options, results);
    let (news, judged): (Vec<CellResult>, Vec<CellResult>) =
        done.cells.iter().cloned().partition(|cell| verdict::is_newly_tested(cell, &unanswered, &order.terms));
    let exit = match verdict::exit(&judged, &order.terms) {
        _ if done.interrupted => Exit::Interrupted,
        Exit::NothingSelected if !news.is_empty() => Exit::Success,
        exit => exit,
    };
    let shard = options.shard.is_some();
    let (mut shown, mut spared, mut moved) = (None, Vec::new(), Vec::new());
    if !done.cells.is_empty() {
        let make = |previous: Option<MatrixResult>| {
            if let Some(previous) = &previous {
                moved = compare::moved(previous, &done.cells);
            }
            let previous = previous.filter(|_| !shard);
            let mut frame = frame(&order.matrix);
            let this = merge(None, &frame, done.cells.clone());
            let (cells, kept) = spare(previous.as_ref(), done.cells, &done.ours);
            let (fresh, whole) = (cells.len(), order.matrix.cells().count() == cells.len());
            spared = kept;
            // Cells that are kept are of the matrix.yaml before: its digest stays until all were run.
            let other = |previous: &&MatrixResult| !order.matrix.is_named(&previous.matrix);
            if let Some(previous) = previous.as_ref().filter(other).filter(|_| !whole) {
                frame.matrix.clone_from(&previous.matrix);
            }
            shown = Some(only(&MatrixResult { matrix: frame.matrix.clone(), ..this.clone() }, &this.cells));
            let result = merge(previous, &frame, cells);
            // Cells that were kept are no younger than they were.
            let day = order.terms.today.filter(|_| result.cells.len() == fresh);
            (result, day)
        };
        // A cell of which a few trials were run must not replace what is known of the whole.
        if options.choice.trial.is_empty() || options.places.results.is_some() {
            results.commit_checked(make)?;
        } else {
            make(results.read()?);
            let folder = options.places.results();
            let folder = folder.display();
            console::aside(&format!(
                "{folder} stays as it is, as only some trials were run: --results DIR keeps them\n"
            ));
        }
    }
    let mut written = Ok(());
    if let Some(result) = shown.filter(|_| !options.no_table) {
        let known = MatrixResult { cells: judged, ..result.clone() };
        let told = [unexpected::outline(&unexpected::items(&known, &order.terms)), unexpected::news(&news)];
        written = show(&result, &options.look)
            .and_then(|()| told.iter().try_for_each(|outline| console::document(&text(outline))));
        drop(hush);
        options.ci.finish(&order.matrix, &result, &order.terms)?;
    }
    for line in moved {
        console::aside(&(escape::terminal(&line, escape::LINE) + "\n"));
    }
    for cell in spared {
        let folder = options.places.results();
        console::aside(&format!(
            "{}: something of ours broke, which says nothing about ATS: {} keeps its earlier answer ({}), which is no \
             younger for it\n",
            cell.id,
            folder.display(),
            cell.verdict
        ));
    }
    written?;
    match fault {
        Some(text) => {
            let folder = options.places.results();
            let message = format!(
                "the run ended early, with what was finished: {text}; is there room for {}, and is it still there?",
                folder.display()
            );
            Err(Failure::new(if exit == Exit::Interrupted { exit } else { Exit::Incomplete }, message).into())
        }
        None => Ok(exit),
    }
}

/// Cells of which earlier results say that they could not be had: those that the run writes to, or else those beside
/// the matrix.
fn unanswered(options: &Options, results: &Results) -> BTreeSet<CellId> {
    // What cannot be read is told where it is written over; here it says nothing.
    let read = |results: &Results| results.read().unwrap_or_default();
    let earlier = read(results).or_else(|| read(&Results::new(options.places.folder().join("results"))));
    let cells = earlier.into_iter().flat_map(|result| result.cells);
    cells.filter(|cell| cell.verdict == Verdict::Unavailable).map(|cell| cell.id).collect()
}

/// The result of this run alone: rows and columns that it touched.
fn only(result: &MatrixResult, cells: &[CellResult]) -> MatrixResult {
    let mut result = result.clone();
    result.distros.retain(|distro| cells.iter().any(|cell| cell.id.distro == *distro));
    result.ats.retain(|ats| cells.iter().any(|cell| cell.id.ats == *ats));
    result
}

fn frame(matrix: &Matrix) -> Frame {
    Frame {
        matrix: matrix.digest.clone(),
        distros: matrix.distros.iter().map(|distro| distro.id.clone()).collect(),
        ats: matrix.ats.iter().map(|ats| ats.id.clone()).collect(),
        cells: matrix.cells().map(|cell| cell.id()).collect(),
    }
}

fn flags(look: &Look) -> Flags {
    Flags { quiet: look.quiet, colour: look.color }
}

pub(super) fn console(look: &Look) -> Console {
    Console::new(style(|name| std::env::var_os(name), Stream::stderr(), flags(look)), io::stderr())
}

/// Shows results on stdout.
pub(super) fn show(result: &MatrixResult, look: &Look) -> Result<(), Failure> {
    console::results(&mut io::stdout().lock(), result, stdout_style(look)).map_err(|error| console::cut_off(&error))
}

/// How what goes to stdout looks.
pub(super) fn stdout_style(look: &Look) -> Style {
    style(|name| std::env::var_os(name), Stream::stdout(), flags(look))
}

/// Shows and journals events until the run is over. A journal that cannot be written does not end the
/// display; it is told at the end.
pub(super) fn listen(
    mut events: UnboundedReceiver<Event>,
    mut console: Console,
    mut journal: crate::store::Journal,
) -> anyhow::Result<()> {
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

/// Cancels `stop` on the first Ctrl-C or SIGTERM, and ends the program on the second: whoever repeats
/// it does not want to wait for an engine.
pub(super) async fn interrupted(stop: CancellationToken, events: UnboundedSender<Event>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut signalled = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
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

/// The error of a run: after a stop it is the stop that counts, whatever broke by it.
fn failed(error: anyhow::Error, stopped: bool) -> anyhow::Error {
    if stopped { Failure::new(Exit::Interrupted, format!("interrupted; then {error:#}")).into() } else { error }
}

/// Keeps raw evidence in the run's folder.
struct Recorder {
    folder: RunFolder,
}

impl Record for Recorder {
    fn cell(&self, id: &CellId, run: &CellRun) -> anyhow::Result<()> {
        keep(&self.folder, id, run).and_then(|()| self.log(&id.to_string(), run))
    }

    fn workaround(&self, id: &CellId, name: &str, run: &CellRun) -> anyhow::Result<()> {
        keep(&self.folder.under(name), id, run).and_then(|()| self.log(&format!("{id} with {name}"), run))
    }
}

impl Recorder {
    fn log(&self, what: &str, run: &CellRun) -> anyhow::Result<()> {
        let mut log = self.folder.debug_log()?;
        for line in &run.transcript {
            log.line(&format!("{what}: {line}"))?;
        }
        Ok(())
    }
}

/// Writes a cell's evidence and packets below `folder`.
fn keep(folder: &RunFolder, id: &CellId, run: &CellRun) -> anyhow::Result<()> {
    for raw in &run.evidence {
        let (trial, attempt) = (raw.trial.clone(), raw.attempt);
        let evidence = Evidence { trial, attempt, observation: raw.observation.clone() };
        folder.write_evidence(id, &evidence)?;
        if let Some(pcapng) = &raw.pcapng {
            folder.write_pcapng(id, &raw.trial, attempt, pcapng)?;
        }
    }
    Ok(())
}
