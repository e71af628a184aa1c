//! Runs that are interrupted, killed, kept or run in parallel: finished cells stay, and nothing else does. Needs a container
//! engine and the docker program; the images are those of the other real runs.
//!
//! Nothing here waits for a fixed time: the output of the run and the events of the engine show how far it is.

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

/// Serialises the tests: every run sweeps what dead runs left, also those of other tests.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run in progress, with its own results folder.
struct Run {
    child: Child,
    output: Lines<BufReader<ChildStderr>>,
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
        let output = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, output, results }
    }

    /// Waits until the run prints a line that contains `part`, and returns it.
    fn wait_for(&mut self, part: &str) -> String {
        let found = self.output.by_ref().map(Result::unwrap).find(|line| line.contains(part));
        found.unwrap_or_else(|| panic!("the run ended without printing `{part}`"))
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end; returns the exit code and the remaining output.
    fn end(mut self) -> (Option<i32>, String) {
        let rest: Vec<String> = self.output.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
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

/// Numbers of containers and networks of a run.
fn left(run: &str) -> (usize, usize) {
    let label = format!("label=atsmatrix.run={run}");
    let count = |listed: String| listed.lines().count();
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &label]);
    (count(containers), count(docker(&["network", "ls", "--quiet", "--filter", &label])))
}

#[test]
fn an_interrupted_run_keeps_finished_cells_and_leaves_nothing() {
    let _alone = alone();
    let mut run = Run::start("interrupted", &["--distro", "debian-12,debian-13"]);
    // Whichever is ready first.
    let first = run.wait_for("/9.2.9: pass");
    run.signal(Signal::SIGINT);
    let (id, results) = (run.id(), run.results.clone());
    let (code, output) = run.end();
    assert_eq!(code, Some(130), "{output}");
    assert!(output.contains("interrupted"), "{output}");
    let matrix: Value = serde_json::from_slice(&std::fs::read(results.join("matrix.json")).unwrap()).unwrap();
    let cells: Vec<&Value> = matrix["cells"].as_array().unwrap().iter().map(|cell| &cell["id"]).collect();
    assert_eq!(cells.len(), 1, "{cells:?}");
    assert!(first.starts_with(&format!("[1/2] {}: pass", cells[0].as_str().unwrap())), "{first}: {cells:?}");
    assert_eq!(left(&id), (0, 0));
}

/// What is lost with a kill is the cell that ran; nothing else is run again, and the files are those of one run.
#[test]
fn a_killed_run_is_resumed_with_exactly_the_rest() {
    let _alone = alone();
    let mut run = Run::start("resumed", &["--distro", "debian-12,debian-13"]);
    run.wait_for("/9.2.9: pass");
    run.signal(Signal::SIGKILL);
    let (id, results) = (run.id(), run.results.clone());
    run.end();
    assert!(!results.join("matrix.json").exists());
    let resume = || {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--resume", "--results"]).arg(&results).current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = resume();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("resuming run {id}: it has 1 cell, and lacks 1")), "{said}");
    let journal = std::fs::read_to_string(results.join("runs").join(&id).join("journal.jsonl")).unwrap();
    assert_eq!(journal.lines().filter(|line| line.starts_with(r#"{"cell-finished""#)).count(), 2);
    let read = |name: &str| std::fs::read_to_string(results.join(name)).unwrap();
    let (matrix, behaviour) = (read("matrix.json"), read("behaviour.json"));
    let parsed: Value = serde_json::from_str(&matrix).unwrap();
    assert_eq!(parsed["cells"].as_array().unwrap().len(), 2);
    assert!(["debian-12/9.2.9", "debian-13/9.2.9"].iter().all(|cell| behaviour.contains(cell)), "{behaviour}");

    // The journal alone is enough to write the files.
    std::fs::remove_file(results.join("matrix.json")).unwrap();
    let (code, said) = resume();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it has 2 cells, and lacks 0"), "{said}");
    assert_eq!(read("matrix.json"), matrix);
}

/// A terminal that is closed, and Ctrl-\.
#[test]
fn other_signals_end_a_run_in_the_same_way() {
    let _alone = alone();
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTERM] {
        let mut run = Run::start("ended", &["--distro", "debian-12"]);
        run.wait_for("1 cell on");
        run.signal(signal);
        let id = run.id();
        let (code, output) = run.end();
        assert_eq!((code, left(&id)), (Some(130), (0, 0)), "{signal}: {output}");
    }
}

#[test]
fn the_next_run_sweeps_what_a_killed_run_left() {
    let _alone = alone();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut killed = Run::start("killed", &["--distro", "debian-12"]);
    // The engine reports containers; the run does not print them.
    let mut events = Command::new("docker")
        .args(["events", "--since", &since, "--filter", "event=start", "--filter", "label=atsmatrix.kind=cell"])
        .args(["--format", "{{index .Actor.Attributes \"atsmatrix.run\"}}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut started = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    // A run has an id when it prints its first line.
    killed.wait_for("1 cell on");
    let id = killed.id();
    assert!(started.any(|run| run == id));
    events.kill().unwrap();
    events.wait().unwrap();
    killed.signal(Signal::SIGKILL);
    killed.end();
    assert_eq!(left(&id), (2, 1), "it was killed in the middle of a cell");

    let mut next = Run::start("next", &["--distro", "debian-12"]);
    next.wait_for("removed 2 containers and 1 network of dead runs");
    let (code, output) = next.end();
    assert_eq!((code, left(&id)), (Some(0), (0, 0)), "{output}");
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let _alone = alone();
    let runs = ["one", "two"].map(|name| Run::start(name, &["--distro", "debian-12"]));
    for mut run in runs {
        run.wait_for("[1/1] debian-12/9.2.9: pass");
        let id = run.id();
        let (code, output) = run.end();
        assert_eq!((code, left(&id)), (Some(0), (0, 0)), "{output}");
    }
}

#[test]
fn kept_containers_stay_until_they_are_removed_by_run_id() {
    let _alone = alone();
    let mut run = Run::start("kept", &["--distro", "debian-12", "--keep"]);
    run.wait_for("[1/1] debian-12/9.2.9: pass");
    let id = run.id();
    let (code, output) = run.end();
    let how = format!("atsmatrix clean --run {id}");
    assert!(code == Some(0) && output.contains(&how), "{output}");
    let clean = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).arg("clean").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Kept containers are not left-overs.
    clean(&[]);
    assert_eq!(left(&id), (2, 1));
    assert_eq!(clean(&["--run", &id]), "removed 2 containers and 1 networks\n");
    assert_eq!(left(&id), (0, 0));
}
