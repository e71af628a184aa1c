//! Disturbs the containers of a running cell: none of this is a finding about ATS. Needs a container engine and the docker
//! program; the images are those of the other real runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot start or read a run has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// A trial of each origin, and some that take seconds on every machine, so that there is time to disturb them.
const TRIALS: &str = "tls-remote-origin,tls-same-host,nginx-get,http-slow-response,net-dead-address,load-reload";

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Waits until ATS runs. Earlier disturbances would affect no trial, or prevent the start of the agent, which has other messages.
fn wait_for_trials(prefix: &str) {
    while !docker(&["top", &format!("{prefix}cell")]).contains("traffic_server") {}
}

/// The outcome of a run.
struct Ran {
    code: Option<i32>,
    output: String,
    cell: Value,
}

/// Runs the cell, and calls `what` each time its container starts, with the prefix of its containers' names (before `cell`,
/// `origin` or `nginx`) and the number of the attempt.
fn run_and(name: &str, what: impl Fn(&str, u32) + Send + 'static) -> Ran {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trouble").join(name);
    let _ = std::fs::remove_dir_all(&results);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut events = Command::new("docker")
        .args(["events", "--since", &since, "--filter", "event=start", "--filter", "label=atsmatrix.kind=cell"])
        .args(["--format", "{{index .Actor.Attributes \"name\"}}"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let run = Command::new(PROGRAM)
        .args(["run", "--distro", "debian-12", "--ats", "9.2.9", "--trial", TRIALS, "--results"])
        .arg(&results)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Other cells may run on this engine: the names of ours contain our run id.
    let runs = results.join("runs");
    let is_ours = move |name: &str| {
        let runs = std::fs::read_dir(&runs).into_iter().flatten().flatten();
        runs.map(|entry| entry.file_name().into_string().unwrap()).any(|run| name.contains(&run))
    };
    let names = BufReader::new(events.stdout.take().unwrap()).lines().map(Result::unwrap);
    let doing = std::thread::spawn(move || {
        for name in names.filter(|name| is_ours(name)) {
            let prefix = name.strip_suffix("cell").unwrap();
            let attempt = prefix.trim_end_matches('-').rsplit('-').next().unwrap().parse().unwrap();
            what(prefix, attempt);
        }
    });
    let finished = run.wait_with_output().unwrap();
    events.kill().unwrap();
    events.wait().unwrap();
    doing.join().unwrap();
    let output = format!("{}{}", String::from_utf8_lossy(&finished.stdout), String::from_utf8_lossy(&finished.stderr));
    let matrix: Value = serde_json::from_slice(&std::fs::read(results.join("matrix.json")).unwrap()).unwrap();
    Ran { code: finished.status.code(), output, cell: matrix["cells"][0].clone() }
}

impl Ran {
    /// The cell passes, and the output contains `text`.
    fn passes(&self, text: &str) {
        assert_eq!((self.code, &self.cell["verdict"]), (Some(0), &"pass".into()), "{}\n{:#}", self.output, self.cell);
        assert!(self.output.contains(text), "{text}: {}", self.output);
    }
}

#[test]
fn a_container_that_dies_in_the_first_attempt_costs_that_attempt() {
    for kind in ["nginx", "origin"] {
        let ran = run_and(kind, move |prefix, attempt| {
            if attempt == 1 {
                docker(&["kill", &format!("{prefix}{kind}")]);
            }
        });
        ran.passes(&format!("the {kind} container ended with code 137"));
    }
}

#[test]
fn a_paused_origin_costs_its_trials_an_attempt() {
    let ran = run_and("paused", |prefix, attempt| {
        if attempt == 1 {
            let origin = format!("{prefix}origin");
            docker(&["pause", &origin]);
            std::thread::sleep(std::time::Duration::from_secs(5));
            docker(&["unpause", &origin]);
        }
    });
    ran.passes("the origin container was paused");
}

#[test]
fn an_origin_with_a_stopped_process_is_detected_by_the_agents() {
    // The engine does not report this; only its peers notice that it does not answer.
    let ran = run_and("stopped", |prefix, attempt| {
        if attempt == 1 {
            wait_for_trials(prefix);
            // The agent and its parent.
            let pids = docker(&["top", &format!("{prefix}origin"), "-eo", "pid"]);
            let pids: Vec<&str> = pids.lines().skip(1).map(str::trim).collect();
            let send =
                |signal: &str| Command::new("kill").arg(signal).args(&pids).stderr(Stdio::null()).status().unwrap();
            assert!(send("-STOP").success(), "{pids:?}");
            std::thread::sleep(std::time::Duration::from_secs(4));
            // The attempt, and the container, may have ended by then.
            send("-CONT");
        }
    });
    ran.passes("the origin container");
    let seen = ["did not answer for", "was not given the CPU for"];
    assert!(seen.iter().any(|seen| ran.output.contains(seen)), "{}", ran.output);
}

#[test]
fn a_cell_that_loses_its_network_runs_again() {
    let ran = run_and("cut-off", |prefix, attempt| {
        if attempt == 1 {
            let cell = format!("{prefix}cell");
            let network = "{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}";
            wait_for_trials(prefix);
            docker(&["network", "disconnect", &docker(&["inspect", "--format", network, &cell]), &cell]);
        }
    });
    ran.passes("the cell container");
}

#[test]
fn a_neighbour_that_connects_to_every_port_is_refused_and_named() {
    let ran = run_and("neighbour", |prefix, _| {
        let of = |what: &str, kind: &str| docker(&["inspect", "--format", what, &format!("{prefix}{kind}")]);
        let network = of("{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}", "cell");
        let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let addresses = ["origin", "nginx", "cell"].map(|kind| of(address, kind)).join(" ");
        // The ports of origins and of ATS, with a request for a mapped host.
        let script = format!(
            "for i in 1 2 3 4 5; do for a in {addresses}; do for p in $(seq 8080 8090) $(seq 20000 20140); do \
             (exec 3<>/dev/tcp/$a/$p && printf 'GET / HTTP/1.1\\r\\nHost: tls-remote-origin.t\\r\\n\\r\\n' >&3) \
             2>/dev/null; done; done; done"
        );
        let image = of("{{.Image}}", "cell");
        // With a limit, as a connection to an address that is gone times out after minutes.
        let with_timeout = "timeout 5 bash -c \"$0\"; true";
        docker(&["run", "--rm", "--network", &network, "--entrypoint", "/bin/sh", &image, "-c", with_timeout, &script]);
    });
    ran.passes("is not part of this cell");
    assert!(ran.output.contains("the origin container refused a connection"), "{}", ran.output);
}

#[test]
fn a_cell_with_a_dying_container_is_an_error_that_names_the_container() {
    for kind in ["nginx", "origin", "cell"] {
        let ran = run_and(&format!("dead-{kind}"), move |prefix, _| {
            docker(&["kill", &format!("{prefix}{kind}")]);
        });
        let cell = &ran.cell;
        assert_eq!(cell["verdict"], "error", "{kind}: {cell:#}");
        assert_eq!(ran.code, Some(4), "{kind}: {}", ran.output);
        let reason = cell["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("the {kind} container ended with code 137")), "{kind}: {reason}");
        let wrong = |outcome: &Value| outcome == "fail" || outcome == "flaky";
        let trials = cell["trials"].as_array().unwrap();
        assert!(!trials.iter().any(|trial| wrong(&trial["outcome"])), "{kind}: {cell:#}");
    }
}
