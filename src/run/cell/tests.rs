//! Cells on the scripted engine, with incidents in their containers.

use std::sync::Mutex;

use super::*;
use crate::agent::seal;
use crate::catalogue::trials;
use crate::engine::fake::{Behaviour, FakeEnd, FakeEngine};
use crate::engine::labels::{self, Owner, ResourceKind};
use crate::engine::{ContainerChange, ContainerSpec, NetworkSpec};
use crate::model::{
    AtsBuild, AtsLife, ClientRun, Exchange, Flow, Line, OriginConnection, OriginProgram, OriginRequest, Speak, TlsSeen,
};

const VERSION: &str = "9.2.9";

/// A direct control, and a trial of each origin.
const CONTROL: &str = "ctl-direct-tls";
const REMOTE: &str = "tls-remote-origin";
const NGINX: &str = "nginx-get";

/// The outcome of a cell, and the notes reported meanwhile.
struct Ran {
    run: CellRun,
    notes: Vec<String>,
}

impl Ran {
    fn outcome(&self, trial: &str) -> (Outcome, &str) {
        let found = self.run.trials.iter().find(|it| it.id == trial).unwrap();
        (found.outcome, found.summary.as_str())
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn trial_started(&self, _: &str) {}
    fn trial_finished(&self, _: &str, _: Outcome) {}
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

fn json_lines(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect()
}

/// An origin that serves until its stdin is closed.
fn origin() -> Behaviour {
    Behaviour { lines: json_lines(&[Line::Listening, Line::End]), end: FakeEnd::AtStdinEof, ..Behaviour::default() }
}

/// A cell of five seconds in which the `failing` trials get `status` and the others 200.
fn cell(failing: &[&str], status: u16) -> Behaviour {
    let ats = AtsBuild { reported: VERSION.into(), ..AtsBuild::default() };
    let mut lines = vec![Line::Provenance(Box::new(Provenance { ats: Some(ats), ..Provenance::default() }))];
    for id in [CONTROL, REMOTE, NGINX] {
        let body_len = match trials::by_id(id).unwrap().spec().origin.speak {
            Speak::Http { body_len } | Speak::Nginx { body_len, .. } => body_len,
            other => unreachable!("{other:?}"),
        };
        let status = Some(if failing.contains(&id) { status } else { 200 });
        let body_sha256 = trials::body::sha256(body_len);
        let exchange = Exchange { status, body_len, body_sha256, started_us: 1, ..Exchange::default() };
        let run = ClientRun { exchanges: vec![exchange], ..Default::default() };
        lines.push(Line::Client { trial: id.into(), run, ats: AtsLife::Alive });
        lines.push(Line::Connection(Box::new(OriginConnection {
            trial: id.into(),
            accepted_us: 1,
            tls: Some(TlsSeen { version: "TLSv1.3".into(), ..TlsSeen::default() }),
            requests: vec![OriginRequest { version: "HTTP/1.1".into(), ..OriginRequest::default() }],
            ..OriginConnection::default()
        })));
        let (flows, pcapng) = (Vec::<Flow>::new(), String::new());
        lines.push(Line::Wire { trial: id.into(), flows, pcapng, lost: 0 });
    }
    lines.push(Line::End);
    Behaviour { lines: json_lines(&lines), pace: Duration::from_millis(450), ..Behaviour::default() }
}

/// `behaviour` with events, each so many milliseconds after the start.
fn disturbed(behaviour: Behaviour, what: &[(u64, ContainerChange)]) -> Behaviour {
    let suffers = what.iter().map(|(ms, what)| (Duration::from_millis(*ms), *what)).collect();
    Behaviour { suffers, ..behaviour }
}

/// An engine whose containers behave as `script` says for their kind and attempt.
fn engine(script: impl Fn(&str, u32) -> Option<Behaviour> + Send + Sync + 'static) -> FakeEngine {
    ["cell", "origin", "nginx"]
        .iter()
        .fold(FakeEngine::new(), |engine, image| engine.with_image(image, Labels::new()))
        .with_containers(move |spec: &ContainerSpec| {
            let kind = spec.labels[labels::KIND].as_str();
            let number = spec.name.split('-').nth(1).unwrap().parse().unwrap();
            let behaviour =
                script(kind, number).unwrap_or_else(|| if kind == "cell" { cell(&[], 200) } else { origin() });
            Behaviour { lines: seal::scripted(&spec.stdin, &behaviour.lines), ..behaviour }
        })
}

async fn run(engine: &FakeEngine) -> Ran {
    run_under(engine, None).await
}

/// With a configuration of the user's own.
async fn run_under(engine: &FakeEngine, config: Option<Arc<LocalFiles>>) -> Ran {
    let owner = Owner::current("r1".parse().unwrap()).unwrap();
    let spec = NetworkSpec { name: "net".into(), labels: owner.labels(ResourceKind::Network), internal: true };
    let network = engine.create_network(&spec).await.unwrap();
    let job = Job {
        id: "d/a".parse().unwrap(),
        child: "d/a".parse().unwrap(),
        parent: None,
        version: VERSION.into(),
        os: None,
        declared: VERSION.into(),
        upgraded: false,
        binary: None,
        delivered: None,
        image: "cell".into(),
        origin_image: "origin".into(),
        origins: BTreeMap::from([(Place::Beside(OriginProgram::Nginx), OriginImage::Image("nginx".into()))]),
        network: network.clone(),
        name: "x".into(),
        labels: owner.labels(ResourceKind::Cell),
        trials: [CONTROL, REMOTE, NGINX].map(|id| trials::by_id(id).unwrap()).to_vec(),
        limits: Limits { cell: Duration::from_mins(1), trial: Duration::from_secs(10), memory: 1 << 30, pids: 100 },
        config,
        overrides: Vec::new(),
        keep: false,
        swap: None,
        sysctls: BTreeMap::new(),
        patience: Arc::default(),
        neighbours: Arc::default(),
    };
    let notes = Notes::default();
    let shared: Arc<dyn Engine> = Arc::new(engine.clone());
    let run = super::run(&shared, &job, &notes, &CancellationToken::new()).await;
    engine.remove_network(&network).await.unwrap();
    // Everything is removed, whatever happened.
    assert_eq!(engine.left(), Vec::<String>::new());
    Ran { run, notes: notes.0.into_inner().unwrap() }
}

fn starts(engine: &FakeEngine, kind: &str) -> usize {
    let of = |op: &crate::engine::fake::FakeOp| matches!(op, crate::engine::fake::FakeOp::Start(name) if name.ends_with(kind));
    engine.log().iter().filter(|op| of(op)).count()
}

#[tokio::test(start_paused = true)]
async fn an_undisturbed_cell_takes_one_attempt() {
    let engine = engine(|_, _| None);
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, starts(&engine, "cell"), ran.notes.len()), (Verdict::Pass, 1, 0), "{:?}", ran.run);
}

#[tokio::test(start_paused = true)]
async fn an_nginx_that_dies_once_only_repeats_its_trials() {
    let died = [(1000, ContainerChange::Died { code: 137 })];
    let engine = engine(move |kind, number| match (kind, number) {
        ("nginx", 1) => Some(disturbed(origin(), &died)),
        // The answer of ATS to it.
        ("cell", 1) => Some(cell(&[NGINX], 502)),
        _ => None,
    });
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, starts(&engine, "cell")), (Verdict::Pass, 2), "{:?}", ran.run);
    let [note] = ran.notes.as_slice() else { panic!("{:?}", ran.notes) };
    assert!(note.contains("the nginx container ended with code 137 before its evidence was complete"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn an_nginx_that_dies_in_every_attempt_is_an_error_that_names_it() {
    let died = [(1000, ContainerChange::Died { code: 137 })];
    let engine = engine(move |kind, _| match kind {
        "nginx" => Some(disturbed(origin(), &died)),
        "cell" => Some(cell(&[NGINX], 502)),
        _ => None,
    });
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, starts(&engine, "cell")), (Verdict::Error, 2), "{:?}", ran.run);
    assert_eq!(
        ran.outcome(NGINX),
        (Outcome::Error, "the nginx container ended with code 137 before its evidence was complete")
    );
    assert_eq!(
        ran.run.reason.as_deref(),
        Some("the nginx container ended with code 137 before its evidence was complete")
    );
    assert!(ran.run.setup_failed, "nothing new is known about ATS");
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_dies_aborts_the_attempt_and_the_next_one_counts() {
    let died = [(1000, ContainerChange::LeftNetwork), (1100, ContainerChange::Died { code: 137 })];
    let engine = engine(move |kind, number| (kind == "origin" && number == 1).then(|| disturbed(origin(), &died)));
    let begun = tokio::time::Instant::now();
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, starts(&engine, "cell")), (Verdict::Pass, 2), "{:?}", ran.run);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}: the first attempt was not aborted", begun.elapsed());
    assert!(ran.notes[0].contains("the origin container ended with code 137"), "{:?}", ran.notes);
}

#[tokio::test(start_paused = true)]
async fn a_failure_whose_other_attempt_was_disturbed_must_be_seen_twice() {
    let pause = [(1000, ContainerChange::Paused), (3000, ContainerChange::Resumed)];
    for (fails_in, wanted) in [(vec![2, 3], Verdict::Fail), (vec![2], Verdict::Flaky)] {
        let engine = engine(move |kind, number| match (kind, number) {
            ("origin", 1) => Some(disturbed(origin(), &pause)),
            ("cell", number) if fails_in.contains(&number) => Some(cell(&[REMOTE], 502)),
            _ => None,
        });
        let ran = run(&engine).await;
        assert_eq!((ran.run.verdict, starts(&engine, "cell")), (wanted, 3), "{:?}", ran.run);
    }
}

/// A cell in which `REMOTE` fails while a thread waits for a CPU.
fn overloaded() -> Behaviour {
    let mut behaviour = cell(&[REMOTE], 502);
    let during = [
        Line::Lasted { trial: REMOTE.into(), from_us: 1_000_000, to_us: 2_000_000 },
        Line::Waited { from_us: 1_200_000, to_us: 1_400_000, longest_us: 400_000 },
    ];
    behaviour.lines.splice(1..1, json_lines(&during));
    behaviour
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_an_overloaded_machine_is_refuted_confirmed_or_no_answer() {
    for (fails_in, wanted, attempts) in
        [(vec![1], Verdict::Pass, 3), (vec![1, 2, 3], Verdict::Fail, 3), (vec![1, 3], Verdict::Error, 3)]
    {
        let engine = engine(move |kind, number| (kind == "cell" && fails_in.contains(&number)).then(overloaded));
        let ran = run(&engine).await;
        assert_eq!((ran.run.verdict, starts(&engine, "cell")), (wanted, attempts), "{:?}", ran.run);
        assert_eq!(ran.run.setup_failed, wanted == Verdict::Error);
        let told = ran.notes.iter().any(|note| note.contains("has passed twice since"));
        assert_eq!(told, wanted == Verdict::Pass, "{:?}", ran.notes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_is_paused_in_every_attempt_is_an_error() {
    let pause = [(1000, ContainerChange::Paused)];
    let engine = engine(move |kind, _| match kind {
        "origin" => Some(disturbed(origin(), &pause)),
        "cell" => Some(cell(&[REMOTE], 502)),
        _ => None,
    });
    let ran = run(&engine).await;
    assert_eq!(ran.run.verdict, Verdict::Error);
    assert_eq!(ran.outcome(REMOTE), (Outcome::Error, "the origin container was paused"));
    assert_eq!(ran.outcome(NGINX).0, Outcome::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_loses_its_network_is_repeated_and_one_that_dies_may_be_ended_by_ats() {
    let off = [(1000, ContainerChange::LeftNetwork)];
    let engine = engine(move |kind, number| (kind == "cell" && number == 1).then(|| disturbed(cell(&[], 200), &off)));
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, starts(&engine, "cell")), (Verdict::Pass, 2), "{:?}", ran.run);
    assert!(ran.notes[0].contains("the cell container was taken off its network"), "{:?}", ran.notes);

    let died = [(1000, ContainerChange::LeftNetwork), (1100, ContainerChange::Died { code: 139 })];
    let engine = self::engine(move |kind, _| (kind == "cell").then(|| disturbed(cell(&[], 200), &died)));
    let ran = run(&engine).await;
    assert_eq!((ran.run.verdict, ran.run.setup_failed), (Verdict::Error, false), "{:?}", ran.run);
    assert_eq!(
        ran.run.reason.as_deref(),
        Some("the cell container ended with code 139 before its evidence was complete")
    );
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_away_for_a_while_costs_no_attempt() {
    // The engine goes away in the middle of each of the first two attempts.
    let engine = engine(|kind, number| (kind == "cell" && number > 2).then(|| cell(&[REMOTE], 502)));
    let away = tokio::spawn({
        let engine = engine.clone();
        async move {
            for _ in 0..2 {
                tokio::time::sleep(Duration::from_secs(2)).await;
                engine.away_for(Duration::from_secs(5));
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    });
    let ran = run(&engine).await;
    away.await.unwrap();
    // Both attempts that count still ran: the failure was seen twice.
    assert_eq!((ran.run.verdict, starts(&engine, "cell")), (Verdict::Fail, 4), "{:?}", ran.run);
    assert_eq!(ran.outcome(REMOTE).0, Outcome::Fail);
    let waited = ran.notes.iter().filter(|note| note.contains("waiting for it, at most 120 s")).count();
    let back = ran.notes.iter().filter(|note| note.contains("answers again")).count();
    assert_eq!((waited, back), (2, 2), "{:?}", ran.notes);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_come_back_is_waited_for_once() {
    let engine = engine(|_, _| None);
    tokio::spawn({
        let engine = engine.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            engine.away_for(Duration::from_mins(3));
            tokio::time::sleep(Duration::from_mins(2)).await;
        }
    });
    let patience = Patience::default();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (notes, shared): (Notes, Arc<dyn Engine>) = (Notes::default(), Arc::new(engine.clone()));
    let note = |text: &str| notes.note(text);
    let begun = tokio::time::Instant::now();
    assert!(!patience.wait_until_back(&shared, &note, &CancellationToken::new()).await);
    let once = begun.elapsed();
    assert!(!patience.wait_until_back(&shared, &note, &CancellationToken::new()).await);
    assert_eq!(begun.elapsed(), once, "the second call does not wait");
    assert!(notes.0.into_inner().unwrap()[1].contains("has not come back within 120 s"));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(patience.wait_until_back(&shared, &|_| (), &CancellationToken::new()).await, "it is back in the end");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_reaches_the_agent_of_the_cell_on_stdin_alone() {
    use crate::config::matrix::{LocalContent, LocalFile};
    const SECRET: &str = "secret-of-the-edge";
    let content = LocalContent::Bytes(SECRET.as_bytes().to_vec());
    let files = LocalFiles::new(BTreeMap::from([("www.key".to_owned(), LocalFile { mode: 0o400, content })]));
    let specs: Arc<Mutex<Vec<ContainerSpec>>> = Arc::default();
    let seen = Arc::clone(&specs);
    let engine = ["cell", "origin", "nginx"]
        .iter()
        .fold(FakeEngine::new(), |engine, image| engine.with_image(image, Labels::new()))
        .with_containers(move |spec: &ContainerSpec| {
            seen.lock().unwrap().push(spec.clone());
            let behaviour = if spec.labels[labels::KIND] == "cell" { cell(&[], 200) } else { origin() };
            Behaviour { lines: seal::scripted(&spec.stdin, &behaviour.lines), ..behaviour }
        });
    let ran = run_under(&engine, Some(Arc::new(files))).await;
    assert_eq!(ran.outcome(REMOTE).0, Outcome::Pass);
    let specs = specs.lock().unwrap();
    for spec in specs.iter() {
        let is_cell = spec.labels[labels::KIND] == "cell";
        // Everything of a container that an engine shows.
        let shown = format!("{:?}", ContainerSpec { stdin: String::new(), ..spec.clone() });
        let packed = spec.stdin.lines().nth(2).unwrap_or_default();
        assert_eq!((spec.stdin.lines().count() > 1, spec.tmpfs.len()), (is_cell, 1 + usize::from(is_cell)), "{shown}");
        assert!(!shown.contains(SECRET) && !spec.stdin.contains(SECRET));
        assert!(packed.is_empty() || !shown.contains(packed));
        for text in spec.env.values() {
            let plan = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
            let mut json = String::new();
            std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(plan.as_slice()), &mut json).unwrap();
            assert!(!json.contains(SECRET), "{json}");
        }
    }
}
