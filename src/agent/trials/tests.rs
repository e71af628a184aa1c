//! Death, hang and being killed for memory in the middle of a cell, with this test program as `traffic_server`: the
//! agent starts it, reads its output, sends it requests and notices its end as with a real one.

use std::io::{Read as _, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex as StdMutex};

use super::*;
use crate::model::{Identity, RecordType, origin_name};

/// The number of the first life of the fake, far from those of a real cell, which may run on the same machine.
const FIRST_LIFE: u16 = 18_000;

/// Hosts on which the fake ends, or stops answering at all.
const BEHAVIOURS: [&str; 3] = ["dies", "hangs", "grows"];

/// The main function of the fake: runs instead of the test that [`fake`] names, when that is started with a root
/// directory.
fn traffic_server(root: &Path) {
    let records = find(root, "records.config");
    let ports = records.lines().find_map(|line| line.strip_prefix("CONFIG proxy.config.http.server_ports STRING "));
    let port: u16 = ports.unwrap().split([' ', ':']).next().unwrap().parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    if records.contains("proxy.config.nobody.knows") {
        println!(
            "[Nov 23 04:04:30.022] traffic_server WARNING: Unrecognized configuration value 'proxy.config.nobody.knows'"
        );
    }
    println!("[Nov 23 04:04:30.022] traffic_server NOTE: Traffic Server is fully initialized.");
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut head = [0; 4096];
        let count = stream.read(&mut head).unwrap_or(0);
        let head = String::from_utf8_lossy(&head[..count]).to_lowercase();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        match host.split('.').next().unwrap_or_default() {
            "dies" => std::process::abort(),
            // The signal of the kernel when memory runs out.
            "grows" => nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap(),
            "hangs" => loop {
                std::thread::park();
            },
            _ => {}
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
    }
}

/// The content of the file `name` somewhere below `folder`.
fn find(folder: &Path, name: &str) -> String {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(name) {
                return std::fs::read_to_string(path).unwrap();
            }
            folders.extend(path.is_dir().then_some(path));
        }
    }
    panic!("no {name}")
}

/// An installation whose `traffic_server` is the fake.
async fn fake(folder: &Path) -> Installation {
    let program = folder.join("traffic_server");
    let test = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in -V) echo 'Traffic Server 9.2.9'; exit 0;; esac\n\
         exec {} --exact agent::trials::tests::a_trial_that_ends_ats_harms_only_itself --nocapture\n",
        test.display()
    );
    executable(&program, &script);
    with_layout(folder, &program).await
}

/// An installation whose `traffic_server` records each start in the file `starts`, does what `script` says, and then
/// runs the fake.
async fn fake_after(folder: &Path, script: &str) -> Installation {
    fake(folder).await;
    let (program, fake) = (folder.join("traffic_server"), folder.join("fake"));
    std::fs::rename(&program, &fake).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in -V) echo 'Traffic Server 9.2.9'; exit 0;; esac\necho start >> {}\n{script}\nexec {}\n",
        folder.join("starts").display(),
        fake.display()
    );
    executable(&program, &script);
    with_layout(folder, &program).await
}

fn starts(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("starts")).unwrap().lines().count()
}

async fn with_layout(folder: &Path, program: &Path) -> Installation {
    let layout =
        ["PREFIX", "BINDIR", "SYSCONFDIR", "DATADIR", "LIBDIR", "PLUGINDIR", "RUNTIMEDIR", "LOGDIR", "CACHEDIR"]
            .map(|name| format!("\"{name}\": \"{}\"", folder.display()));
    executable(&folder.join("traffic_layout"), &format!("#!/bin/sh\necho '{{ {} }}'\n", layout.join(", ")));
    Installation::find(program.to_str(), &[]).await.unwrap()
}

/// Another process writes the file. A descriptor of this one may be held open by a child that another test has forked
/// meanwhile, and then the file cannot be executed.
fn executable(path: &Path, text: &str) {
    let mut install = std::process::Command::new("install");
    let mut install =
        install.args(["-m", "755", "/dev/stdin"]).arg(path).stdin(std::process::Stdio::piped()).spawn().unwrap();
    install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
}

#[derive(Clone, Default)]
struct Collected(Arc<StdMutex<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Collected {
    /// How the client of each trial ended, in the order reported.
    fn ends(&self) -> Vec<(String, Option<u16>, AtsLife)> {
        self.lines()
            .into_iter()
            .filter_map(|line| match line {
                Line::Client { trial, run, ats } => {
                    Some((trial, run.exchanges.first().and_then(|exchange| exchange.status), ats))
                }
                _ => None,
            })
            .collect()
    }

    fn faults(&self) -> Vec<(Option<String>, String)> {
        let fault = |line| if let Line::Fault { trial, text } = line { Some((trial, text)) } else { None };
        self.lines().into_iter().filter_map(fault).collect()
    }

    fn lines(&self) -> Vec<Line> {
        let bytes = self.0.lock().unwrap().clone();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

/// A cell with trials of these names, all with the settings `records`.
async fn cell(
    ids: &[&str],
    records: &[Record],
    deadline: Duration,
    lives: u16,
) -> (TrialRunner, Collected, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = crate::catalogue::trials::by_id("tls-remote-origin").unwrap().spec();
    spec.records = records.to_vec();
    let plan = |(id, port): (&&str, u16)| TrialPlan { id: (*id).to_owned(), port, spec: spec.clone() };
    let names: Vec<String> = ids.iter().map(|id| origin_name(id)).collect();
    let identity: Identity =
        crate::run::cell::identity::make(&names, &names, &std::collections::BTreeSet::new()).unwrap();
    let plan = CellPlan {
        origin_ip: "127.0.0.1".into(),
        identity,
        beside: std::collections::BTreeMap::new(),
        trials: ids.iter().zip(20_000..).map(plan).collect(),
        binary: None,
        command: Vec::new(),
        deadline_ms: 0,
        keep: false,
        swap: None,
        own: None,
        token: String::new(),
        tier: None,
    };
    let evidence = Collected::default();
    let emitter = Emitter::to(evidence.clone());
    let cell = TrialRunner {
        requester: Requester::new(&plan).unwrap(),
        names: NameServer::start(settings::addresses(&plan).unwrap()).await.unwrap(),
        here: Origin::start(&[], &plan.identity, folder.path(), &emitter, &OriginGuard::new(&[], &emitter)).await,
        plan,
        emitter,
        packages: Packages::detect(),
        own: None,
        provenance_reported: Mutex::new(true),
        inventoried: Mutex::default(),
        lives: AtomicU16::new(FIRST_LIFE + lives),
        down: OnceCell::new(),
        is_down: CancellationToken::new(),
        root: folder.path().to_owned(),
        until: Instant::now() + deadline,
    };
    (cell, evidence, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_ends_ats_harms_only_itself() {
    if let Some(root) = std::env::var_os("TS_RUNROOT") {
        return traffic_server(Path::new(&root));
    }
    let ids = ["well", "dies", "hangs", "better", "grows", "best"];
    let (cell, evidence, folder) = cell(&ids, &[], Duration::from_mins(1), 0).await;
    cell.through(&fake(folder.path()).await).await;
    let mut ends = evidence.ends();
    ends.sort_by_key(|(id, ..)| ids.iter().position(|known| known == id));
    assert_eq!(ends.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>(), ids, "each is reported once");
    for (id, status, ats) in &ends {
        if BEHAVIOURS.contains(&id.as_str()) {
            let AtsLife::Died(how) = ats else { panic!("{id}: {ats:?}") };
            let why = [("dies", "signal 6"), ("hangs", "hangs"), ("grows", "signal 9")].into_iter();
            let why = why.filter(|(known, _)| known == id).map(|(_, why)| why).next().unwrap();
            assert!(how.starts_with(why), "{id}: {how}");
        } else {
            assert_eq!((status, ats), (&Some(200), &AtsLife::Alive), "{id}");
        }
    }
    assert_eq!(evidence.faults(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trials_that_are_not_over_at_the_deadline_of_the_cell_are_faults() {
    let (cell, evidence, folder) = cell(&["hangs", "well"], &[], Duration::from_secs(2), 100).await;
    let installation = fake(folder.path()).await;
    // One life is done before the deadline, the other hangs beyond it.
    cell.run_group(&installation, Vec::new(), vec![cell.plan.trials[1].clone()]).await;
    cell.run_group(&installation, Vec::new(), vec![cell.plan.trials[0].clone()]).await;
    assert_eq!(evidence.ends(), [("well".to_owned(), Some(200), AtsLife::Alive)]);
    let faults = evidence.faults();
    assert_eq!(faults.iter().map(|(of, _)| of.as_deref()).collect::<Vec<_>>(), [Some("hangs")]);
    assert!(faults[0].1.contains("deadline"), "{}", faults[0].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_ats_does_not_know_is_a_fault() {
    let record = Record { name: "proxy.config.nobody.knows".into(), kind: RecordType::Int, value: "1".into() };
    let (cell, evidence, folder) = cell(&["well"], &[record], Duration::from_mins(1), 200).await;
    cell.through(&fake(folder.path()).await).await;
    assert_eq!(evidence.ends(), []);
    let [(of, text)] = evidence.faults().try_into().unwrap();
    assert!(of.as_deref() == Some("well") && text.contains("proxy.config.nobody.knows"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_ats_may_not_know_is_not_a_fault() {
    let record = Record { name: "proxy.config.nobody.knows".into(), kind: RecordType::Int, value: "1".into() };
    let (mut cell, evidence, folder) = cell(&["well"], &[record], Duration::from_mins(1), 250).await;
    cell.plan.trials[0].spec.may_not_know = vec!["proxy.config.nobody.knows".into()];
    cell.through(&fake(folder.path()).await).await;
    assert_eq!(
        (evidence.ends(), evidence.faults()),
        (vec![("well".to_owned(), Some(200), AtsLife::Alive)], Vec::new())
    );
}

/// A cell of eight trials. All but the first two have their own settings.
async fn cell_of_many(lives: u16) -> (TrialRunner, Collected, tempfile::TempDir) {
    let ids = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
    let (mut cell, evidence, folder) = cell(&ids, &[], Duration::from_mins(1), lives).await;
    for (trial, number) in cell.plan.trials.iter_mut().zip(0..).skip(2) {
        let name = "proxy.config.http.keep_alive_no_activity_timeout_in".to_owned();
        trial.spec.records = vec![Record { name, kind: RecordType::Int, value: (100 + number).to_string() }];
    }
    (cell, evidence, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ats_that_does_not_start_is_not_started_for_further_trials() {
    let (cell, evidence, folder) = cell_of_many(300).await;
    let installation = fake_after(folder.path(), "echo 'FATAL: libssl.so.9 is gone' >&2; exit 70").await;
    cell.through(&installation).await;
    let ends = evidence.ends();
    assert_eq!(ends.len(), 8, "each trial is reported: {ends:?}");
    let reasons: BTreeSet<String> = ends.iter().map(|(.., ats)| format!("{ats:?}")).collect();
    assert_eq!(reasons.len(), 1, "all for the same reason: {reasons:?}");
    assert!(
        reasons.iter().all(|why| why.starts_with("NeverReady") && why.contains("libssl.so.9 is gone")),
        "{reasons:?}"
    );
    assert!(starts(folder.path()) <= PARALLEL_LIVES, "{} starts", starts(folder.path()));
}

/// The manager of ATS 8 and 9 restarts it again and again. That is not waited for once ATS is known not to start with
/// the baseline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_known_to_fail_is_not_waited_for() {
    let (cell, _, folder) = cell_of_many(500).await;
    let script = "if ! grep -rqs 'activity_timeout_in INT 104' \"$TS_RUNROOT\"; then echo 'FATAL: no' >&2; exit 70; fi; sleep 60";
    let installation = fake_after(folder.path(), script).await;
    let slow = cell.plan.trials[4].spec.records.clone();
    let (slow, baseline) = (Wanted { records: &slow, ..Wanted::default() }, Wanted::default());
    let waiting = cell.start_unless_down(&installation, &slow);
    let failing = cell.start_unless_down(&installation, &baseline);
    let begun = Instant::now();
    let (waiting, failing) = tokio::join!(waiting, failing);
    for started in [waiting, failing] {
        assert!(matches!(started, Err(NoStart::Ats(why)) if why.contains("FATAL: no")));
    }
    assert!(begun.elapsed() < traffic_server::START_TIMEOUT, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ats_that_does_not_start_with_the_settings_of_a_trial_fails_only_that_trial() {
    let (cell, evidence, folder) = cell_of_many(400).await;
    let script = "if grep -rqs 'activity_timeout_in INT 104' \"$TS_RUNROOT\"; then echo 'FATAL: 104' >&2; exit 70; fi";
    cell.through(&fake_after(folder.path(), script).await).await;
    let down: Vec<String> =
        evidence.ends().into_iter().filter(|(.., ats)| *ats != AtsLife::Alive).map(|(id, ..)| id).collect();
    assert_eq!(down, ["five"]);
    assert_eq!(evidence.ends().len(), 8);
}
