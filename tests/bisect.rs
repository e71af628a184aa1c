//! Bisection for real: what decides that ATS 9.2.5 works on Debian 12 and fails on Debian 13 is found by
//! experiment, with nobody told where to look. It uses the images of the shipped matrix, which are made
//! if they are not there.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot read its results has failed; what a search said is shown with it"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use atsmatrix::config::matrix::Matrix;
use atsmatrix::config::plan::{Plan, Selection};
use atsmatrix::model::{Bisection, Effect, Fate, Over, Standing, Tried};
use atsmatrix::report::bisection;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atsmatrix");

/// One real search, shared by the tests of this file.
struct Searched {
    results: PathBuf,
    found: Bisection,
    shown: String,
    progress: String,
    code: Option<i32>,
}

/// Runs a search. One at a time: a compiler beside a trial would turn its deadlines into noise.
fn atsmatrix(results: &Path, arguments: &[&str]) -> std::process::Output {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(PROGRAM)
        .arg("bisect")
        .args(arguments)
        .arg("--results")
        .arg(results)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn searched() -> &'static Searched {
    static SEARCHED: OnceLock<Searched> = OnceLock::new();
    SEARCHED.get_or_init(|| {
        let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bisect");
        let _ = std::fs::remove_dir_all(&results);
        let output = atsmatrix(&results, &["--good", "debian-12/9.2.5", "--bad", "debian-13/9.2.5"]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let progress = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{progress}\n{shown}");
        let mut kept = std::fs::read_dir(results.join("bisect")).unwrap().map(|entry| entry.unwrap().path());
        let (file, none) = (kept.next().unwrap(), kept.next());
        assert_eq!(none, None, "one question, one file");
        let found = bisection::read(&std::fs::read(file).unwrap()).unwrap();
        Searched { results, found, shown, progress, code: output.status.code() }
    })
}

/// What the experiments of one image with just these parts of the other came to, round by round.
fn seen(base: &str, swapped: &[&str]) -> Vec<Effect> {
    let is = |tried: &&Tried| tried.base == base && tried.swapped == swapped;
    searched().found.experiments.iter().filter(is).map(|tried| tried.result).collect()
}

#[test]
fn the_culprit_between_debian_12_and_13_is_openssl() {
    let Searched { found, code, .. } = searched();
    assert_eq!(*code, Some(0), "{}", found.answer);
    let culprits: Vec<_> = found.suspects.iter().filter(|suspect| suspect.fate == Fate::Culprit).collect();
    assert_eq!(culprits.len(), 1, "{}", found.answer);
    assert_eq!(culprits[0].name, "openssl");
    assert_eq!(culprits[0].members, ["libcrypto.so.3", "libssl.so.3"]);
    assert!(culprits[0].good.starts_with("3.0."), "{}", culprits[0].good);
    assert!(culprits[0].bad.starts_with("3.5."), "{}", culprits[0].bad);
    for word in ["openssl 3.0.", "openssl 3.5.", "debian-12", "debian-13/9.2.5"] {
        assert!(found.answer.contains(word), "{}", found.answer);
    }
}

#[test]
fn it_is_confirmed_both_ways_and_twice() {
    assert_eq!(searched().found.standing, Standing::BothWays);
    // A trial that flickers would show at the ends.
    assert_eq!(seen("debian-13/9.2.5", &[]), [Effect::Fail; 3]);
    assert_eq!(seen("debian-13/9.2.5", &["openssl"]), [Effect::Pass; 2]);
    assert_eq!(seen("debian-12/9.2.5", &[]), [Effect::Pass; 3]);
    // OpenSSL 3.5 of Debian 13 needs its glibc, which decides nothing by itself.
    assert_eq!(seen("debian-12/9.2.5", &["glibc", "openssl"]), [Effect::Fail; 2]);
    assert_eq!(seen("debian-12/9.2.5", &["glibc"]), [Effect::Pass; 2]);
}

#[test]
fn what_does_not_load_is_inconclusive_and_names_the_symbol_version() {
    let is = |tried: &&Tried| tried.base == "debian-12/9.2.5" && tried.swapped == ["openssl"];
    let tried = searched().found.experiments.iter().find(is).unwrap();
    assert_eq!(tried.result, Effect::Inconclusive);
    assert!(tried.summary.contains("libc.so.6 has no GLIBC_2."), "{}", tried.summary);
    assert!(tried.summary.contains("libcrypto.so.3"), "{}", tried.summary);
}

#[test]
fn every_other_suspect_is_ruled_out_or_not_applied_or_the_same() {
    let found = &searched().found;
    for suspect in found.suspects.iter().filter(|suspect| suspect.name != "openssl") {
        assert!(matches!(suspect.fate, Fate::RuledOut | Fate::NotApplied | Fate::Same), "{suspect:?}");
    }
    let named = |name: &str| found.suspects.iter().find(|suspect| suspect.name == name).map(|suspect| suspect.fate);
    assert_eq!(named("glibc"), Some(Fate::RuledOut));
    assert_eq!(named("openssl.cnf"), Some(Fate::RuledOut));
    for other in ["crypto-policy", "resolver", "ATS's default configuration", "locale", "kernel settings"] {
        assert!(named(other).is_some(), "{other} was not looked at");
    }
    assert_eq!(seen("debian-13/9.2.5", &["openssl.cnf"]), [Effect::Fail]);
    assert!(found.notes.iter().any(|note| note.contains("the same traffic_server binary")), "{:?}", found.notes);
}

#[test]
fn each_experiment_left_its_evidence_and_none_its_containers() {
    let Searched { found, results, .. } = searched();
    let mut runs = std::fs::read_dir(results.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    let run = runs.find(|path| path.join("journal.jsonl").is_file()).unwrap();
    for (number, tried) in (1..).zip(&found.experiments) {
        // What did not load never began its trial.
        if tried.result != Effect::Inconclusive {
            let file = format!("bisect/{}/{}.{number}.json", tried.base.replace('/', "_"), found.trial);
            assert!(run.join(&file).is_file(), "{file}");
        }
    }
    let label = format!("label=atsmatrix.run={}", run.file_name().unwrap().display());
    for kind in [["ps", "--all"].as_slice(), &["network", "ls"]] {
        let output = Command::new("docker").args(kind).args(["--quiet", "--filter", &label]).output().unwrap();
        assert!(output.status.success() && output.stdout.is_empty(), "{kind:?}: {output:?}");
    }
}

#[test]
fn the_answer_is_shown_and_the_progress_says_what_is_tried() {
    let Searched { found, shown, progress, .. } = searched();
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&found.answer), "{shown}");
    assert!(shown.contains("502 Invalid argument") && shown.contains("no ClientHello"), "{shown}");
    assert!(progress.contains("trying debian-13/9.2.5 with") && progress.contains("suspected: "), "{progress}");
    assert!(progress.contains("ruled out: "), "{progress}");
    assert!(progress.contains(&format!("note: {} experiments in ", found.experiments.len())), "{progress}");
}

#[test]
fn the_fix_is_found_among_the_versions_and_its_patch_by_rebuilding_one_tree() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bisect-ats");
    let _ = std::fs::remove_dir_all(&results);
    let arguments =
        ["--distro", "debian-13", "--ats", "9.2.5..9.2.9", "--trial", "tls-remote-origin", "--format", "json"];
    let output = atsmatrix(&results, &arguments);
    println!("{}", String::from_utf8_lossy(&output.stderr));
    let found = bisection::read(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", found.answer);
    assert_eq!((found.over, found.standing), (Over::Ats, Standing::BothWays), "{}", found.answer);
    let culprits: Vec<&str> = found
        .suspects
        .iter()
        .filter(|suspect| suspect.fate == Fate::Culprit)
        .map(|suspect| suspect.name.as_str())
        .collect();
    assert_eq!(culprits, ["0023-update-to-929.patch, iocore/net/SSLNetVConnection.cc", "9.2.5 -> 9.2.5-backport"]);
}

/// An interruption is no outcome: along versions it once counted as one, and replaced what was kept.
#[test]
fn an_interrupted_search_ends_with_130_and_leaves_what_is_kept_alone() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bisect-interrupted");
    let kept = results.join("bisect/debian-13_9.2.5..9.2.9.tls-remote-origin.json");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "as it was").unwrap();
    let mut running = Command::new(PROGRAM)
        .args(["bisect", "--distro", "debian-13", "--ats", "9.2.5..9.2.9", "--trial", "tls-remote-origin", "--results"])
        .arg(&results)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    // In the middle of the search: one experiment is over.
    let seen = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("[1] ") && !line.contains("trying"));
    assert!(seen.is_some(), "it ended before its first experiment was over");
    let signalled = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "as it was");
}

#[test]
fn a_search_that_cannot_be_is_refused_with_what_would_be_right() {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bisect-refused");
    let refused = [
        (vec![], "pass two cells"),
        (vec!["--good", "debian-12/9.2.5", "--bad", "debian-13/9.2.9"], "differ in both distro and ATS"),
        (vec!["--good", "debian-12/9.2.5", "--bad", "debian-99/9.2.5"], "no cell debian-99/9.2.5"),
        (vec!["--good", "debian-12/9.2.5", "--bad", "debian-12/9.2.5"], "both ends are debian-12/9.2.5"),
        (vec!["--distro", "debian-13", "--ats", "9.2.5"], "is not a range"),
        (
            vec!["--good", "debian-12/9.2.5", "--bad", "debian-13/9.2.5", "--trial", "no-such"],
            "no trial `no-such` to bisect",
        ),
    ];
    for (arguments, words) in refused {
        let output = atsmatrix(&results, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

/// Images of a user's own: the shipped debian-12/9.2.5, and the same with other settings of the system, one of
/// which breaks a trial. Returns a matrix.yaml with both.
fn two_images_of_our_own(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap();
    let recipes = atsmatrix::builder::recipes(&root.join("images")).unwrap();
    let plan = Plan::of(&matrix, &Selection::default(), &recipes).unwrap();
    let cell = plan.cells.iter().find(|cell| cell.id.to_string() == "debian-12/9.2.5").unwrap();
    let recipe = "ENV LANG=C.UTF-8\n\
        RUN sed -i '1i openssl_conf = init' /etc/ssl/openssl.cnf && \
        printf '[init]\\nssl_conf = modules\\n[modules]\\nsystem_default = system\\n[system]\\nMinProtocol = TLSv1.3\\n' \
        >/etc/ssl/openssl.cnf.more && cat /etc/ssl/openssl.cnf.more >>/etc/ssl/openssl.cnf && \
        sed -i '/^openssl_conf = openssl_init/d' /etc/ssl/openssl.cnf && \
        echo 'hosts: files dns' >/etc/nsswitch.conf && mkdir -p /etc/sysctl.d && \
        echo 'net.ipv4.tcp_fastopen = 3' >/etc/sysctl.d/50-own.conf && \
        echo 'CONFIG proxy.config.http.keep_alive_no_activity_timeout_out INT 7' >>/opt/ats/etc/trafficserver/records.config\n";
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("Dockerfile"), format!("FROM {}\n{recipe}", cell.tag)).unwrap();
    let built = Command::new("docker")
        .args(["build", "--quiet", "--tag", "atsmatrix-test/bisect:own"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let tagged = Command::new("docker").args(["tag", &cell.tag, "atsmatrix-test/bisect:plain"]).output().unwrap();
    assert!(tagged.status.success(), "{}", String::from_utf8_lossy(&tagged.stderr));
    let own = folder.join("matrix.yaml");
    let image = |distro: &str| {
        format!(
            "      - on: [{distro}]\n        image: {{ reference: \"atsmatrix-test/bisect:{distro}\", binary: /opt/ats/bin/traffic_server }}\n"
        )
    };
    let row = |distro: &str| format!("  {distro}: {{ title: {distro}, family: debian, image: \"debian:12\" }}\n");
    let text = format!(
        "version: 1\ndistros:\n{}{}ats:\n  \"9.2.5\":\n    title: ATS\n    sources:\n{}{}",
        row("plain"),
        row("own"),
        image("plain"),
        image("own")
    );
    std::fs::write(&own, text).unwrap();
    let images = folder.join("images");
    let _ = std::fs::remove_file(&images);
    std::os::unix::fs::symlink(root.join("images"), images).unwrap();
    own
}

#[test]
fn a_setting_of_the_system_is_found_among_other_settings_where_all_libraries_are_the_same() {
    // Its images are made from one that the first search makes.
    searched();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bisect-own");
    let matrix = two_images_of_our_own(&folder);
    let ends =
        ["--good", "plain/9.2.5", "--bad", "own/9.2.5", "--trial", "tls12-only", "--offline", "--format", "json"];
    let arguments = [&["--matrix", matrix.to_str().unwrap()], ends.as_slice()].concat();
    let output = atsmatrix(&folder.join("results"), &arguments);
    println!("{}", String::from_utf8_lossy(&output.stderr));
    let found = bisection::read(&output.stdout).unwrap();
    println!("{}", bisection::text(&found, 120));
    assert_eq!(output.status.code(), Some(0), "{}", found.answer);
    assert_eq!(found.standing, Standing::BothWays, "{}", found.answer);
    let of = |fate| {
        let names =
            found.suspects.iter().filter(move |suspect| suspect.fate == fate).map(|suspect| suspect.name.as_str());
        names.collect::<Vec<_>>()
    };
    assert_eq!(of(Fate::Culprit), ["openssl.cnf"]);
    assert_eq!(of(Fate::RuledOut), ["resolver", "locale"]);
    assert_eq!(of(Fate::NotApplied), ["ATS's default configuration", "kernel settings"]);
    let alone = |name: &str| {
        let tried = found.experiments.iter().find(|tried| tried.base == "own/9.2.5" && tried.swapped == [name]);
        tried.map(|tried| tried.result)
    };
    for other in of(Fate::RuledOut).into_iter().chain(of(Fate::NotApplied)) {
        assert_eq!(alone(other), Some(Effect::Fail), "{other}");
    }
    for tag in ["own", "plain"] {
        let reference = format!("atsmatrix-test/bisect:{tag}");
        let removed = Command::new("docker").args(["rmi", "--no-prune", &reference]).output().unwrap();
        assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    }
}
