//! A scripted engine whose containers use the agents' protocol, and helpers for runs. No container runs: these tests are
//! about order, numbers, faults and what is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::*;
use crate::agent::seal;
use crate::builder;
use crate::catalogue::trials;
use crate::config::plan::Selection;
use crate::engine::fake::{Behaviour, FakeEnd, FakeEngine};
use crate::engine::{ContainerSpec, Labels, labels};
use crate::model::{
    AtsBuild, ClientRun, Exchange, Line, OriginConnection, OriginRequest, Os, Provenance, Release, Speak, TlsSeen,
};

/// The trials of these runs: a control and a subject.
const TRIALS: [&str; 2] = ["ctl-direct-tls", "tls-remote-origin"];

/// The version that `traffic_server -V` reports in these containers.
pub(super) const VERSION: &str = "9.2.9";

/// A matrix of ready images: `distros` rows by `ats` columns.
pub(super) fn ready(distros: usize, ats: usize) -> String {
    // All rows share an image, so each declares its operating system.
    let os = "os: { id: debian, version: \"12\" }";
    let row = |n: usize| format!("  d-{n:02}: {{ family: debian, image: r.test/d-{n:02}, {os} }}\n");
    let column = |n: usize| {
        format!(
            "  \"a-{n:02}\":\n    version: \"{VERSION}\"\n    sources:\n      - on: [\"*\"]\n        image: {{ reference: \"{}\" }}\n",
            reference(n)
        )
    };
    let rows: Vec<String> = (0..distros).map(row).collect();
    let columns: Vec<String> = (0..ats).map(column).collect();
    format!("version: 1\ndistros:\n{}ats:\n{}", rows.concat(), columns.concat())
}

/// The ready image of a column.
pub(super) fn reference(ats: usize) -> String {
    format!("r.test/ats:{ats:02}")
}

/// An engine with the ready images of `ats` columns. `script` returns the behaviour of a cell's container; `None` passes.
pub(super) fn engine(
    ats: usize,
    script: impl Fn(&ContainerSpec) -> Option<Behaviour> + Send + Sync + 'static,
) -> FakeEngine {
    let engine = (0..ats).fold(FakeEngine::new(), |engine, n| engine.with_image(&reference(n), Labels::new()));
    engine.with_containers(move |spec| behave(spec, &script))
}

/// The behaviour of a container, with lines sealed by its key.
pub(super) fn behave(spec: &ContainerSpec, script: &impl Fn(&ContainerSpec) -> Option<Behaviour>) -> Behaviour {
    let behaviour = match spec.labels[labels::KIND].as_str() {
        "origin" => origin(),
        // These containers have no agent.
        "bootstrap" => return script(spec).unwrap_or_default(),
        _ => script(spec).unwrap_or_else(|| of_row(passes(VERSION), &spec.name)),
    };
    Behaviour { lines: seal::scripted(&spec.stdin, &behaviour.lines), ..behaviour }
}

/// An engine whose cells all pass.
pub(super) fn passing(ats: usize) -> FakeEngine {
    engine(ats, |_| None)
}

fn lines(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect()
}

/// An origin that serves until its stdin is closed.
fn origin() -> Behaviour {
    Behaviour { lines: lines(&[Line::Listening, Line::End]), end: FakeEnd::AtStdinEof, ..Behaviour::default() }
}

/// The release of these containers.
pub(super) fn bookworm() -> Release {
    Release { id: "debian".into(), version: "12".into(), codename: "bookworm".into(), name: "Debian 12".into() }
}

/// `behaviour` on the distro of its row, if the row's name has one; the container is named `atsmatrix-RUN-ROW-...`.
fn of_row(mut behaviour: Behaviour, container: &str) -> Behaviour {
    let row = container.splitn(3, '-').nth(2).unwrap();
    if let Some(Os { id, version, .. }) = Os::of_name(row) {
        let json = |release: &Release| serde_json::to_string(release).unwrap();
        let release = Release { id, version: version.unwrap(), ..Release::default() };
        behaviour.lines[0] = behaviour.lines[0].replace(&json(&bookworm()), &json(&release));
    }
    behaviour
}

/// A cell in which every trial passes on an ATS that reports `version`.
pub(super) fn passes(version: &str) -> Behaviour {
    let ats = AtsBuild { reported: version.to_owned(), ..AtsBuild::default() };
    let mut lines_of_cell = vec![Line::Provenance(Box::new(Provenance {
        distro: Some(bookworm()),
        ats: Some(ats),
        ..Provenance::default()
    }))];
    for id in TRIALS {
        let Speak::Http { body_len } = trials::by_id(id).unwrap().spec().origin.speak else { unreachable!("{id}") };
        let body_sha256 = trials::body::sha256(body_len);
        let exchange = Exchange { status: Some(200), body_len, body_sha256, ..Exchange::default() };
        lines_of_cell.push(Line::Began { trial: id.to_owned() });
        lines_of_cell.push(Line::Client {
            trial: id.to_owned(),
            run: ClientRun { exchanges: vec![exchange], ..ClientRun::default() },
            ats: crate::model::AtsLife::Alive,
        });
        lines_of_cell.push(Line::Connection(Box::new(OriginConnection {
            trial: id.to_owned(),
            tls: Some(TlsSeen { version: "TLSv1.3".to_owned(), ..TlsSeen::default() }),
            requests: vec![OriginRequest::default()],
            ..OriginConnection::default()
        })));
    }
    lines_of_cell.push(Line::End);
    Behaviour { lines: lines(&lines_of_cell), pace: Duration::from_millis(10), ..Behaviour::default() }
}

/// A cell in which ATS answers the subject with 502.
pub(super) fn fails() -> Behaviour {
    let mut behaviour = passes(VERSION);
    for line in &mut behaviour.lines {
        if line.contains("\"client\"") && line.contains("tls-remote-origin") {
            *line = line.replace("\"status\":200", "\"status\":502");
        }
    }
    behaviour
}

/// A cell that ends before its evidence is complete.
pub(super) fn dies(code: i64, oom_killed: bool) -> Behaviour {
    let mut behaviour = passes(VERSION);
    behaviour.lines.truncate(3);
    Behaviour { end: FakeEnd::Exits { code, oom_killed }, ..behaviour }
}

/// A cell that sends nothing and does not end.
pub(super) fn hangs() -> Behaviour {
    Behaviour { end: FakeEnd::WhenKilled, ..Behaviour::default() }
}

/// A live run of this process.
pub(super) fn owner(run: &str) -> Owner {
    Owner::current(run.parse().unwrap()).unwrap()
}

/// A request for all cells of the matrix in `yaml`.
pub(super) fn request(yaml: &str) -> RunRequest {
    request_with(yaml, |matrix| matrix)
}

/// The same for what `complete` makes of the matrix.
pub(super) fn request_with(yaml: &str, complete: impl FnOnce(Matrix) -> Matrix) -> RunRequest {
    let matrix = complete(Matrix::parse("matrix.yaml", yaml).unwrap_or_else(|found| panic!("{found:#?}")));
    let recipes = builder::recipes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("images")).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    RunRequest {
        plan,
        trials: TRIALS.iter().map(|id| trials::by_id(id).unwrap()).collect(),
        recipes,
        policy: Policy { jobs: 8, ..Policy::default() },
        image_logs: std::env::temp_dir().join(format!("atsmatrix-run-{}", std::process::id())),
        jobs: 2,
        fail_fast: false,
        keep: false,
        workarounds: false,
        terms: Terms::default(),
        unanswered: BTreeSet::new(),
        matrix,
    }
}

/// Records which cells ran, and calls a function at each.
pub(super) struct Recorded<'a> {
    pub(super) cells: Mutex<Vec<String>>,
    at_cell: Box<dyn Fn(&str) + Send + Sync + 'a>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(at_cell: impl Fn(&str) + Send + Sync + 'a) -> Self {
        Self { cells: Mutex::default(), at_cell: Box::new(at_cell) }
    }
}

impl EvidenceSink for Recorded<'_> {
    fn cell(&self, id: &CellId, _: &CellRun) -> anyhow::Result<()> {
        (self.at_cell)(&id.to_string());
        self.cells.lock().unwrap().push(id.to_string());
        Ok(())
    }

    fn workaround(&self, id: &CellId, name: &str, _: &CellRun) -> anyhow::Result<()> {
        unreachable!("no workaround is asked for, {name} ran on {id}");
    }
}

/// A run that has ended.
pub(super) struct Ran {
    pub(super) done: anyhow::Result<RunOutcome>,
    pub(super) events: Vec<Event>,
    /// Cells in the order in which they ended.
    pub(super) ended: Vec<String>,
}

impl Ran {
    /// Cells and their verdicts, in the order of the results.
    pub(super) fn verdicts(&self) -> Vec<(String, Verdict)> {
        let cells = &self.done.as_ref().unwrap().cells;
        cells.iter().map(|cell| (cell.id.to_string(), cell.verdict)).collect()
    }

    /// The reason of the cell whose id starts with `id`.
    pub(super) fn reason(&self, id: &str) -> String {
        let cells = &self.done.as_ref().unwrap().cells;
        let cell = cells.iter().find(|cell| cell.id.to_string().starts_with(id)).unwrap();
        cell.reason.clone().unwrap_or_default()
    }

    /// Notes among the events.
    pub(super) fn notes(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Note(text) = event { Some(text.as_str()) } else { None })
            .collect()
    }
}

/// Runs `request` as the run `name`.
pub(super) async fn run_as(name: &str, engine: &FakeEngine, request: &RunRequest) -> Ran {
    recorded(name, engine, request, |_| (), CancellationToken::new()).await
}

/// Runs `request` and calls `at_cell` when a cell has run.
pub(super) async fn recorded(
    name: &str,
    engine: &FakeEngine,
    request: &RunRequest,
    at_cell: impl Fn(&str) + Send + Sync,
    stop: CancellationToken,
) -> Ran {
    let (events, received) = unbounded_channel();
    let record = Recorded::new(at_cell);
    let done = run(Arc::new(engine.clone()), &owner(name), request, &record, events, stop).await;
    let ended = record.cells.into_inner().unwrap();
    Ran { done, events: drain(received), ended }
}

fn drain(mut received: UnboundedReceiver<Event>) -> Vec<Event> {
    std::iter::from_fn(|| received.try_recv().ok()).collect()
}

/// Number of cells by verdict.
pub(super) fn count(verdicts: &[(String, Verdict)]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, verdict) in verdicts {
        *counts.entry(format!("{verdict:?}")).or_default() += 1;
    }
    counts
}
