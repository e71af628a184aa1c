//! The acceptance test of the whole program: the shipped matrix.yaml is run for real, with real
//! engines, real ATS, real TLS and real packets, and must show what was reproduced by hand. A runner
//! that shows anything else is broken.
//!
//! It needs a container engine and the distro's package mirror; `make test` sees to both. Images are
//! made once (some minutes, one build of ATS among them) and reused.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot read its results has failed; what a run said is shown with it"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use atsmatrix::builder;
use atsmatrix::config::matrix::{Globs, Matrix};
use atsmatrix::config::plan::{Plan, Selection};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One real run of the shipped matrix, shared by all tests of this file.
struct Ran {
    results: PathBuf,
    matrix: Value,
    run: PathBuf,
    said: String,
    table: String,
    code: Option<i32>,
}

fn ran() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("known-answers");
        let _ = std::fs::remove_dir_all(&results);
        let output = Command::new(PROGRAM)
            .args(["run", "--results"])
            .arg(&results)
            .current_dir(root())
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{said}\n{table}");
        let bytes = std::fs::read(results.join("matrix.json"))
            .unwrap_or_else(|error| panic!("no matrix.json ({error}); the words of the run are above"));
        // Another test runs once more into the same folder, later: the first run's is known now.
        let mut entries = std::fs::read_dir(results.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        let run = entries.find(|path| path.is_dir()).unwrap();
        Ran { run, said, matrix: serde_json::from_slice(&bytes).unwrap(), results, table, code: output.status.code() }
    })
}

fn cell(id: &str) -> &'static Value {
    let cells = ran().matrix["cells"].as_array().unwrap();
    cells.iter().find(|cell| cell["id"] == id).unwrap_or_else(|| panic!("no cell {id}"))
}

fn outcomes(cell: &Value, wanted: impl Fn(&Value) -> bool) -> Vec<(&str, &str)> {
    let trials = cell["trials"].as_array().unwrap().iter().filter(|trial| wanted(trial));
    trials.map(|trial| (trial["id"].as_str().unwrap(), trial["outcome"].as_str().unwrap())).collect()
}

/// What 9.1 and 9.2 fail on every distro, by known issues.
fn limits_of(reported: &str) -> Vec<(&'static str, &'static str)> {
    let mut limits = vec![
        ("tunnel-route-split-hello", "ATS-11758"),
        ("verify-integer-key", "ATS-VERIFY-INT"),
        ("tunnel-connect-closed-port", "ATS-7677"),
        ("net-v6-dead-v4-alive", "ATS-7663"),
    ];
    if matches!(reported, "9.1.1" | "9.2.5") {
        limits.push(("http-expect-get", "ATS-12075"));
    }
    if reported == "9.1.1" {
        limits.extend([("http-expect-100", "ATS-7346"), ("http-early-413", "ATS-4006")]);
    }
    limits
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The trials with a known limitation, each recognised with certainty.
fn limitations(cell: &Value) -> Vec<(Value, Value)> {
    let limited = cell["trials"].as_array().unwrap().iter().filter(|trial| trial["outcome"] == "known-limitation");
    limited
        .map(|trial| {
            let known = cell["known_issues"].as_array().unwrap().iter();
            let mut same = known.filter(|issue| issue["id"] == trial["limitation"] && issue["confidence"] == "certain");
            let trials = same.next().unwrap_or_else(|| panic!("{trial:#}"))["trials"].as_array().unwrap();
            assert!(trials.contains(&trial["id"]), "{trial:#}");
            (trial["id"].clone(), trial["limitation"].clone())
        })
        .collect()
}

fn assert_passes(id: &str, reported: &str) {
    assert_eq!(cell(id)["verdict"], "pass", "{id}: {:#}", cell(id));
    assert_limited(id, reported, &[]);
}

/// Nothing but `failing` fails, apart from known limitations.
fn assert_limited(id: &str, reported: &str, failing: &[(&str, &str)]) {
    let cell = cell(id);
    assert_eq!(outcomes(cell, |trial| trial["outcome"] == "fail"), failing, "{id}");
    let well = |trial: &Value| matches!(trial["outcome"].as_str().unwrap(), "pass" | "unsupported" | "fail");
    let others = cell["trials"].as_array().unwrap().iter().filter(|trial| !well(trial));
    let limited: Vec<_> = others.map(|trial| (trial["id"].clone(), trial["limitation"].clone())).collect();
    assert_eq!(limitations(cell), limited);
    let known: BTreeSet<(String, String)> = limited.iter().map(|(id, issue)| (text(id), text(issue))).collect();
    let wanted = limits_of(reported).iter().map(|(id, issue)| ((*id).to_owned(), (*issue).to_owned())).collect();
    assert_eq!(known, wanted, "{id}");
    assert_eq!(cell["provenance"]["ats"]["reported"], reported, "{id}");
}

/// With and without a registry in reach: what one brings for the first time turns no run red.
#[test]
fn the_run_is_as_expected() {
    assert_eq!(ran().code, Some(0), "{}", ran().table);
}

#[test]
fn debian_12_runs_9_2_5() {
    assert_passes("debian-12/9.2.5", "9.2.5");
    let openssl = cell("debian-12/9.2.5")["provenance"]["openssl"]["version"].as_str().unwrap();
    assert!(openssl.starts_with("3.0."), "{openssl}");
}

#[test]
fn debian_13_breaks_9_2_5_on_every_tls_trial_and_on_no_control() {
    let cell = cell("debian-13/9.2.5");
    assert_eq!(cell["verdict"], "fail");
    let controls = outcomes(cell, |trial| trial["control"] == true);
    assert_eq!(controls.len(), 5);
    assert!(controls.iter().all(|(_, outcome)| *outcome == "pass"), "{controls:?}");
    let subjects = outcomes(cell, |trial| trial["control"] == false);
    // What needs no TLS of ATS's own goes on working, as do requests that ATS refuses itself, and TLS with TCP Fast Open: that
    // is the bug.
    let passing: Vec<&str> = subjects.iter().filter(|(_, outcome)| *outcome == "pass").map(|(id, _)| *id).collect();
    let untouched =
        ["tunnel-connect", "tunnel-connect-forbidden", "tunnel-route", "net-refused", "fault-reset-after-accept"];
    let refused = ["strict-two-lengths", "strict-space-before-colon"];
    assert_eq!(passing, [untouched.as_slice(), &["tfo-on", "forward-plain"], &refused].concat());
    assert!(subjects.iter().filter(|(_, outcome)| *outcome == "fail").count() >= 75, "{subjects:?}");
    assert!(!subjects.iter().any(|(_, outcome)| matches!(*outcome, "flaky" | "error" | "skipped")), "{subjects:?}");
    assert!(limitations(cell).contains(&("tunnel-route-split-hello".into(), "ATS-11758".into())), "{subjects:?}");
    assert_eq!(cell["provenance"]["ats"]["reported"], "9.2.5");
    let openssl = cell["provenance"]["openssl"]["version"].as_str().unwrap();
    assert!(openssl.starts_with("3.5."), "{openssl}");
}

#[test]
fn the_seed_bug_is_excused_by_its_name_and_explains_every_failure() {
    let cell = cell("debian-13/9.2.5");
    assert_eq!(cell["expected"]["issue"], "ATS-11465");
    assert_eq!(cell["expected"]["trials"].as_array().map(Vec::len), Some(0));
    let seed = cell["known_issues"].as_array().unwrap().iter().find(|issue| issue["id"] == "ATS-11465").unwrap();
    let failing: Vec<&str> =
        outcomes(cell, |_| true).iter().filter(|(_, outcome)| *outcome == "fail").map(|(id, _)| *id).collect();
    let explained: Vec<&str> = seed["trials"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(explained, failing);
}

#[test]
fn the_failure_is_proved_by_the_wire_and_the_log_and_its_bug_is_named() {
    let cell = cell("debian-13/9.2.5");
    let remote = cell["trials"].as_array().unwrap().iter().find(|trial| trial["id"] == "tls-remote-origin").unwrap();
    let evidence: Vec<&str> =
        remote["evidence"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let shows = |start: &str, part: &str| evidence.iter().any(|line| line.starts_with(start) && line.contains(part));
    assert!(shows("client:", "502 Invalid argument"), "{evidence:#?}");
    assert!(shows("wire:", "S, S., ., F. after 0 bytes"), "{evidence:#?}");
    assert!(shows("origin:", "no ClientHello"), "{evidence:#?}");
    assert!(shows("error.log:", "CONNECT: attempt fail [CONNECTION_ERROR]"), "{evidence:#?}");
    assert!(shows("error.log:", "Invalid argument [22]"), "{evidence:#?}");
    let issue = &cell["known_issues"][0];
    assert_eq!(issue["id"], "ATS-11465");
    assert_eq!(issue["link"], "https://github.com/apache/trafficserver/issues/11465");
    assert_eq!(issue["confidence"], "certain");
    assert!(ran().table.contains("apache/trafficserver/issues/11465"), "{}", ran().table);
}

#[test]
fn a_pcapng_of_the_failing_trial_is_kept() {
    let pcaps: Vec<PathBuf> = walk(&ran().run)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "pcapng"))
        .collect();
    let failing: Vec<_> = pcaps.iter().filter(|path| path.to_string_lossy().contains("tls-remote-origin")).collect();
    assert!(!failing.is_empty(), "{pcaps:?}");
    // Section header block, RFC draft-ietf-opsawg-pcapng.
    assert!(failing.iter().all(|path| std::fs::read(path).unwrap().starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn the_backport_mends_debian_13() {
    assert_passes("debian-13/9.2.5-backport", "9.2.5");
    assert_passes("debian-12/9.2.5-backport", "9.2.5");
}

#[test]
fn debians_package_named_9_2_5_reports_9_2_9_and_passes_everywhere() {
    for distro in ["debian-12", "debian-13", "debian-14"] {
        let id = format!("{distro}/9.2.9");
        assert_passes(&id, "9.2.9");
        let package = cell(&id)["provenance"]["ats"]["package"].as_str().unwrap();
        assert!(package.starts_with("trafficserver 9.2.5+ds"), "{package}");
    }
}

#[test]
fn the_line_goes_on_in_forky() {
    assert_eq!(cell("debian-14/9.2.5")["verdict"], "fail");
    assert_passes("debian-14/9.2.5-backport", "9.2.5");
}

/// No compiler and no registry: what Ubuntu itself ships, on bases made in containers.
#[test]
fn ubuntu_shows_the_line_by_packages_alone() {
    let version = |cell: &Value| text(&cell["provenance"]["openssl"]["version"]);
    let package = |cell: &Value| text(&cell["provenance"]["ats"]["package"]);
    let noble = cell("ubuntu-24.04/9.2.3");
    assert_eq!(noble["verdict"], "pass", "{noble:#}");
    assert_eq!(noble["provenance"]["ats"]["reported"], "9.2.3");
    assert!(version(noble).starts_with("3.0."), "{}", version(noble));
    let others = outcomes(noble, |trial| !matches!(trial["outcome"].as_str().unwrap(), "pass" | "unsupported"));
    assert_eq!(limitations(noble).len(), others.len(), "{others:?}");

    for (id, openssl) in [("ubuntu-25.10/9.2.5", "3.5."), ("ubuntu-26.04/9.2.3", "3.5.")] {
        let cell = cell(id);
        assert_eq!(cell["verdict"], "fail", "{id}: {cell:#}");
        assert_eq!(cell["expected"]["issue"], "ATS-11465");
        assert!(version(cell).starts_with(openssl), "{id}: {}", version(cell));
        assert!(package(cell).starts_with("trafficserver 9.2."), "{id}: {}", package(cell));
        let seed = cell["known_issues"].as_array().unwrap().iter().find(|issue| issue["id"] == "ATS-11465").unwrap();
        assert_eq!(seed["confidence"], "certain", "{id}");
        let failing: Vec<String> =
            outcomes(cell, |trial| trial["outcome"] == "fail").into_iter().map(|(trial, _)| trial.to_owned()).collect();
        assert!(failing.contains(&"tls-remote-origin".to_owned()), "{id}: {failing:?}");
        let explained: Vec<String> = seed["trials"].as_array().unwrap().iter().map(text).collect();
        let others: Vec<&String> = failing.iter().filter(|trial| !explained.contains(trial)).collect();
        // 9.2.3 has one bug more, which matrix.yaml names.
        let declared: &[&str] = if id.ends_with("9.2.3") { &["inbound-key-passphrase"] } else { &[] };
        assert_eq!(others, declared, "{id}");
    }
}

/// What these upgrades came to by hand, too.
#[test]
fn upgrades_in_place_come_to_the_same_line() {
    assert_passes("debian-12-to-13/9.2.9", "9.2.9");
    assert_passes("debian-13-to-14/9.2.9", "9.2.9");
    for (id, reported, from) in [
        ("debian-12-to-13/9.2.5", "9.2.5", "debian 12"),
        ("ubuntu-24.04-to-25.10/9.2.3", "9.2.5", "ubuntu 24.04"),
        ("ubuntu-24.04-to-26.04/9.2.3", "9.2.3", "ubuntu 24.04"),
    ] {
        let cell = cell(id);
        assert_eq!((&cell["verdict"], &cell["expected"]["issue"]), (&"fail".into(), &"ATS-11465".into()), "{id}");
        assert_eq!(cell["provenance"]["ats"]["reported"], reported, "{id}: the upgrade keeps or replaces it");
        let upgrade = &cell["provenance"]["upgrade"];
        assert_eq!(upgrade["from"], from, "{id}");
        assert!(upgrade["changed"].as_u64().unwrap() > 50 && upgrade["packages"].is_null(), "{upgrade:#}");
    }
    let jammy = cell("ubuntu-22.04-to-24.04/9.1.1");
    assert_eq!((&jammy["verdict"], &jammy["provenance"]["ats"]["reported"]), (&"pass".into(), &"9.2.3".into()));
    // The package of Debian 11 is replaced by that of Debian 12.
    assert_passes("debian-11-to-12/8.1", "9.2.9");
}

#[test]
fn the_gate_rests_on_upgrades_in_place() {
    let ask = |from: &str, to: &str, ats: &str| {
        let mut gate = Command::new(PROGRAM);
        gate.args(["gate", "--from", from, "--to", to, "--ats", ats, "--results"]).arg(&ran().results);
        let output = gate.current_dir(root()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = ask("debian-12", "debian-13", "9.2.9");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("rests on an upgrade in place: debian-12-to-13/9.2.9"), "{said}");
    let (code, said) = ask("debian-12", "debian-13", "9.2.5");
    assert!(code == Some(3) && said.contains("debian-12-to-13/9.2.5 fails"), "{said}");
    let (code, said) = ask("ubuntu-24.04", "ubuntu-25.10", "9.2.3");
    assert!(code == Some(3) && said.contains("ATS-11465"), "{said}");
}

/// ATS 9.1 has what 9.2 mended, and neither its regression nor its resumption of sessions.
#[test]
fn ubuntu_22_04_runs_9_1_with_limitations_of_its_own() {
    assert_limited("ubuntu-22.04/9.1.1", "9.1.1", &[("certificate-reload", "fail")]);
    let cell = cell("ubuntu-22.04/9.1.1");
    assert_eq!((&cell["verdict"], &cell["expected"]["verdict"]), (&"fail".into(), &"fail".into()), "{cell:#}");
    assert!(text(&cell["provenance"]["openssl"]["version"]).starts_with("3.0."), "{cell:#}");
    let lost_in_9_2 = ("inbound-key-passphrase", "pass");
    assert!(outcomes(cell, |_| true).contains(&lost_in_9_2), "{cell:#}");
    let unsupported = outcomes(cell, |trial| trial["outcome"] == "unsupported");
    for trial in ["session-resume-tls12", "session-resume-tls13", "session-resume-off"] {
        assert!(unsupported.contains(&(trial, "unsupported")), "{trial}: {unsupported:?}");
    }
}

#[test]
fn debian_11_runs_8_1() {
    let cell = cell("debian-11/8.1");
    assert_eq!(cell["verdict"], "pass", "{cell:#}");
    assert!(cell["provenance"]["ats"]["reported"].as_str().unwrap().starts_with("8.1."));
    assert!(cell["provenance"]["openssl"]["version"].as_str().unwrap().starts_with("1.1.1"));
    let known = [
        ("http-expect-100", "ATS-7346"),
        ("http-expect-get", "ATS-12075"),
        ("tunnel-route-split-hello", "ATS-11758"),
        ("fault-silent-handshake", "ATS-6552"),
        ("fault-silent-response", "ATS-6552"),
    ];
    let limited = limitations(cell);
    for (trial, issue) in known {
        assert!(limited.contains(&(trial.into(), issue.into())), "{trial}: {limited:?}");
    }
    let unsupported = outcomes(cell, |trial| trial["outcome"] == "unsupported");
    assert!(unsupported.contains(&("mtls-sni-yaml", "unsupported")), "8.1 has no client_key: {unsupported:?}");
}

/// Whether a forecast has no answer today because its suite moved on: packages that the mirror does not
/// have, or that cannot be installed together. Nothing else excuses one.
fn moved_on(cell: &Value) -> bool {
    if cell["verdict"] != "unavailable" {
        return false;
    }
    assert!(cell["id"].as_str().unwrap().starts_with("debian-sid"), "{cell:#}");
    assert_eq!(cell["optional"], true, "{cell:#}");
    let reason = cell["reason"].as_str().unwrap();
    // apt's and mmdebstrap's own words, and the phase of the recipes in which a mirror lacks a file.
    let says = ["E: ", "unmet dependencies", "Failed to fetch", "fetch: "];
    assert!(says.iter().any(|text| reason.contains(text)), "{reason}");
    println!("no forecast today: {}: {reason}", cell["id"]);
    true
}

#[test]
fn the_forecast_row_does_not_compile_and_says_why() {
    let cell = cell("debian-sid-openssl4/9.2.9");
    if moved_on(cell) {
        return;
    }
    assert_eq!(cell["verdict"], "unbuildable", "{cell:#}");
    let reason = cell["reason"].as_str().unwrap();
    assert!(reason.contains("X509HostnameValidator.cc") && reason.contains("error:"), "{reason}");
}

#[test]
fn the_line_goes_on_in_sid() {
    if !moved_on(cell("debian-sid/9.2.5")) {
        assert_eq!(cell("debian-sid/9.2.5")["verdict"], "fail");
    }
    if !moved_on(cell("debian-sid/9.2.5-backport")) {
        assert_passes("debian-sid/9.2.5-backport", "9.2.5");
    }
}

/// Rows that need a registry, by the start of their names, with it.
const REGISTRIES: [(&str, &str); 2] = [("fedora-", "registry.fedoraproject.org"), ("rocky-", "docker.io")];

/// Whether the engine has the base image of a row: its registry, or its mirror, was in reach.
fn has_base(matrix: &Matrix, row: &str) -> bool {
    let selection = Selection { distros: Some(Globs::new([row]).unwrap()), ats: None };
    let plan = Plan::of(matrix, &selection, &builder::recipes(&root().join("images")).unwrap()).unwrap();
    let name = format!("{row} (base)");
    let tag = &plan.steps().iter().find(|step| step.name == name).unwrap().tag;
    Command::new("docker").args(["image", "inspect", tag]).output().unwrap().status.success()
}

#[test]
fn rows_out_of_reach_stand_as_unavailable_with_every_way_that_was_tried() {
    let matrix = std::fs::read_to_string(root().join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &matrix).unwrap();
    for (family, registry) in REGISTRIES {
        let of_family = |cell: &&Value| cell["id"].as_str().unwrap().starts_with(family);
        let cells: Vec<&Value> = ran().matrix["cells"].as_array().unwrap().iter().filter(of_family).collect();
        assert!(cells.len() >= 2, "{family}: {cells:?}");
        for cell in cells {
            let row = cell["id"].as_str().unwrap().split('/').next().unwrap();
            assert_eq!(cell["optional"], true, "{cell:#}");
            // Where the registry or a mirror answers, they come to whatever they come to.
            if has_base(&matrix, row) {
                println!("{}: {}", cell["id"], cell["verdict"]);
                continue;
            }
            assert_eq!(cell["verdict"], "unavailable", "{cell:#}");
            let reason = cell["reason"].as_str().unwrap();
            assert!(reason.contains(registry), "{reason}");
            let made = matrix.distro(&row.parse().unwrap()).unwrap().bootstrap.is_some();
            assert_eq!(reason.contains("cannot bootstrap release"), made, "{reason}");
        }
    }
}

#[test]
fn nothing_of_the_run_is_left_on_the_engine_but_images() {
    let label = format!("label=atsmatrix.run={}", ran().run.file_name().unwrap().display());
    let docker = |arguments: &[&str]| Command::new("docker").args(arguments).output().unwrap();
    for kind in [["ps", "--all"].as_slice(), &["network", "ls"]] {
        let output = docker(&[kind, &["--quiet", "--filter", &label]].concat());
        let left = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{kind:?}: {output:?}");
        if left.is_empty() {
            continue;
        }
        // Engines sometimes miscount the endpoints of a network, and then let nobody remove it until they are restarted
        // (moby#17217): nothing is in it, and the run has said so.
        let inside = docker(&["network", "inspect", "--format", "{{len .Containers}}", &left]);
        let refused = String::from_utf8_lossy(&docker(&["network", "rm", &left]).stderr).into_owned();
        assert!(inside.stdout == b"0\n" && refused.contains("has active endpoints"), "{left}: {inside:?}, {refused}");
        assert!(ran().said.contains("not removed, the next run tries again: cannot remove network"), "{}", ran().said);
    }
}

#[test]
fn a_second_run_of_cells_builds_nothing_and_gives_the_same_bytes() {
    let read = || std::fs::read_to_string(ran().results.join("matrix.json")).unwrap();
    let before = read();
    let output = Command::new(PROGRAM)
        .args(["run", "--no-build", "--distro", "debian-1[23]", "--ats", "9.2.5*,9.2.9", "--results"])
        .arg(&ran().results)
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let after = read();
    let other = before.lines().zip(after.lines()).find(|(before, after)| before != after);
    assert!(before == after, "{other:#?}");
}
