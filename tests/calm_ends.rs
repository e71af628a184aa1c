//! Runs that are interrupted, killed, kept or made twice at a time, for real: what is finished stays, and
//! nothing else does. Needs a container engine and the docker program; images are those of the other real runs.
//!
//! Nothing here waits for a time: what a run says, and what the engine says of it, tells when it is where.

#![expect(clippy::unwrap_used, reason = "a test that cannot start or read a run has failed")]

use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// Every run sweeps what dead ones left, so runs of different tests would do each other's work.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run under way, in a results folder of its own.
struct Run {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
    results: PathBuf,
}

impl Run {
    /// Starts a run of one trial and the controls.
    fn start(name: &str, arguments: &[&str]) -> Self {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calm-ends").join(name);
        let _ = std::fs::remove_dir_all(&results);
        let mut child = Command::new(PROGRAM)
            .args(["run", "--ats", "9.2.9", "--trial", "tls-remote-origin", "--jobs", "1"])
            .args(arguments)
            .arg("--results")
            .arg(&results)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said, results }
    }

    /// Waits until it says a line with `part`.
    fn says(&mut self, part: &str) {
        let found = self.said.by_ref().map(Result::unwrap).any(|line| line.contains(part));
        assert!(found, "it ended without saying `{part}`");
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end: exit code, and what it still said.
    fn end(mut self) -> (Option<i32>, String) {
        let said: Vec<String> = self.said.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), said.join("\n"))
    }

    fn id(&self) -> String {
        let mut runs = std::fs::read_dir(self.results.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        runs.find(|path| path.is_dir()).unwrap().file_name().unwrap().to_str().unwrap().to_owned()
    }
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// How many containers and networks a run has.
fn left(run: &str) -> (usize, usize) {
    let label = format!("label=atsmatrix.run={run}");
    let count = |listed: String| listed.lines().count();
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &label]);
    (count(containers), count(docker(&["network", "ls", "--quiet", "--filter", &label])))
}

#[test]
fn an_interrupted_run_says_so_keeps_what_is_finished_and_leaves_nothing() {
    let _alone = alone();
    let mut run = Run::start("interrupted", &["--distro", "debian-12,debian-13"]);
    run.says("[1/2] debian-12/9.2.9: pass");
    run.signal(Signal::SIGINT);
    let (id, results) = (run.id(), run.results.clone());
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    let matrix: Value = serde_json::from_slice(&std::fs::read(results.join("matrix.json")).unwrap()).unwrap();
    let cells: Vec<&Value> = matrix["cells"].as_array().unwrap().iter().map(|cell| &cell["id"]).collect();
    assert_eq!(cells, ["debian-12/9.2.9"]);
    assert_eq!(left(&id), (0, 0));
}

/// A terminal that is closed, and Ctrl-\.
#[test]
fn other_ways_to_end_a_run_are_as_calm() {
    let _alone = alone();
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM] {
        let mut run = Run::start("ended", &["--distro", "debian-12"]);
        run.says("1 cell on");
        run.signal(signal);
        let id = run.id();
        let (code, said) = run.end();
        assert_eq!((code, left(&id)), (Some(130), (0, 0)), "{signal}: {said}");
    }
}

#[test]
fn what_a_killed_run_leaves_is_swept_by_the_next() {
    let _alone = alone();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut killed = Run::start("killed", &["--distro", "debian-12"]);
    // The engine tells of it: a run says nothing of containers.
    let mut events = Command::new("docker")
        .args(["events", "--since", &since, "--filter", "event=start", "--filter", "label=atsmatrix.kind=cell"])
        .args(["--format", "{{index .Actor.Attributes \"atsmatrix.run\"}}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut started = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The first line of a run comes when it has a name.
    killed.says("1 cell on");
    let id = killed.id();
    assert!(started.any(|run| run == id));
    events.kill().unwrap();
    events.wait().unwrap();
    killed.signal(Signal::SIGKILL);
    killed.end();
    assert_eq!(left(&id), (2, 1), "it was killed in the middle of a cell");

    let mut next = Run::start("next", &["--distro", "debian-12"]);
    next.says("removed 2 containers and 1 network that a dead run had left");
    let (code, said) = next.end();
    assert_eq!((code, left(&id)), (Some(0), (0, 0)), "{said}");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let _alone = alone();
    let runs = ["one", "two"].map(|name| Run::start(name, &["--distro", "debian-12"]));
    for mut run in runs {
        run.says("[1/1] debian-12/9.2.9: pass");
        let id = run.id();
        let (code, said) = run.end();
        assert_eq!((code, left(&id)), (Some(0), (0, 0)), "{said}");
    }
}

#[test]
fn what_is_kept_for_inspection_stays_until_it_is_removed_by_name() {
    let _alone = alone();
    let mut run = Run::start("kept", &["--distro", "debian-12", "--keep"]);
    run.says("[1/1] debian-12/9.2.9: pass");
    let id = run.id();
    let (code, said) = run.end();
    let how = format!("atsmatrix clean --run {id}");
    assert!(code == Some(0) && said.contains(&how), "{said}");
    let clean = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).arg("clean").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Cells under way are no left-overs, and neither is this.
    clean(&[]);
    assert_eq!(left(&id), (2, 1));
    assert_eq!(clean(&["--run", &id]), "removed 2 containers and 1 networks\n");
    assert_eq!(left(&id), (0, 0));
}
