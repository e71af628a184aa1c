//! Pages for the tests, made by the `report` command.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use atsmatrix::model::{
    AtsBuild, CellResult, ClientRun, Closed, ClosedBy, Confidence, Direction, Event, Exchange, Expected, Flow,
    IssueMatch, Library, LogFile, LogLine, MatrixResult, Observation, OriginConnection, Outcome, Packet, Provenance,
    SCHEMA_VERSION, TrialEvidence, TrialResult, Verdict,
};
use atsmatrix::report::json;
use atsmatrix::store::{CommittedFiles, Results};
use tempfile::TempDir;

/// Text that must be escaped everywhere. Each sets `window.broken` if it runs.
pub(crate) const HOSTILE: [&str; 7] = [
    "<script>window.broken=1</script>",
    "<img src=x onerror=window.broken=1>",
    "\"><svg onload=window.broken=1>",
    "</style><script>window.broken=1</script>",
    "' onfocus='window.broken=1' autofocus x='",
    "javascript:window.broken=1",
    "</pre></dd></details><iframe srcdoc='<script>parent.broken=1</script>'></iframe>",
];

/// A page and the folder it was made in.
pub(crate) struct Site {
    _dir: Option<TempDir>,
    pub(crate) file: PathBuf,
}

impl Site {
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("file://{}{rest}", self.file.display())
    }
}

/// The page of this repository's committed results.
pub(crate) fn real() -> Site {
    of_this_repository(&["--run", "none"])
}

/// The page of some of this repository's cells: one of each verdict, and `wanted`. What is the same in each cell is checked in a
/// tenth of the time.
pub(crate) fn real_few(wanted: &[&str]) -> Site {
    let (root, dir) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    fs::copy(root.join("matrix.yaml"), dir.path().join("matrix.yaml")).unwrap();
    let read = |name: &str| fs::read(root.join("results").join(name)).unwrap();
    let mut result = json::read(&read("matrix.json")).unwrap();
    let mut seen = BTreeSet::new();
    result.cells.retain(|cell| {
        let is_first = seen.insert(cell.verdict);
        is_first || wanted.contains(&cell.id.to_string().as_str())
    });
    let behaviour = atsmatrix::report::behaviour::read(&read("behaviour.json")).unwrap();
    let committed = CommittedFiles { result, day: Some(jiff::civil::date(2026, 11, 29)), behaviour };
    Results::new(dir.path().join("results")).commit_all(|_, _| committed).unwrap();
    report(dir.path(), &["--run", "none", "-o", "few.html"]);
    Site { file: dir.path().join("few.html"), _dir: Some(dir) }
}

/// The page of this repository's results, with raw evidence if a run on this machine left some.
pub(crate) fn at_hand() -> Site {
    of_this_repository(&[])
}

fn of_this_repository(args: &[&str]) -> Site {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("real.html");
    report(root, &[args, &["-o", file.to_str().unwrap()]].concat());
    Site { _dir: Some(dir), file }
}

/// A page of results with hostile text everywhere, raw evidence, and one change in their history.
pub(crate) fn made() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    git(path, &["init", "-q", "-b", "main"]);
    for (message, verdict) in [("Results", Verdict::Pass), (HOSTILE[0], Verdict::Fail)] {
        fs::create_dir_all(path.join("results")).unwrap();
        fs::write(path.join("results/matrix.json"), json::write(&results(verdict))).unwrap();
        git(path, &["add", "-A"]);
        git(path, &["commit", "-q", "-m", message]);
    }
    let run = Results::new(path.join("results")).begin(&"20261123-141502-3f2a".parse().unwrap()).unwrap();
    for (trial, observation) in [("tls-remote-origin", refused()), ("tls-reused", served())] {
        let evidence = TrialEvidence { trial: trial.into(), attempt: 1, observation };
        run.write_evidence(&"debian-13/9.2.5".parse().unwrap(), &evidence).unwrap();
    }
    let mut journal = run.journal().unwrap();
    for result in results(Verdict::Fail).cells {
        journal.append(&Event::CellFinished { result: Box::new(result), ms: 1 }).unwrap();
    }
    report(path, &["-o", "made.html"]);
    Site { file: path.join("made.html"), _dir: Some(dir) }
}

fn report(folder: &Path, args: &[&str]) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("atsmatrix"))
        .current_dir(folder)
        .args(["report", "--format", "html"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn git(dir: &Path, args: &[&str]) {
    let date = "1700000000 +0000";
    let status = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"])
        .args(args)
        .envs([("GIT_COMMITTER_DATE", date), ("GIT_AUTHOR_DATE", date)])
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

fn trial(id: &str, outcome: Outcome) -> TrialResult {
    let failed = outcome != Outcome::Pass;
    let mut evidence: Vec<String> = HOSTILE.iter().map(|text| format!("error.log: {text}")).collect();
    evidence.insert(0, "wire: S, S., ., F. after 0 bytes to the origin".into());
    TrialResult {
        id: id.into(),
        outcome,
        control: id.starts_with("ctl-"),
        limitation: None,
        definition: None,
        summary: if failed { HOSTILE[1].into() } else { "200 OK".into() },
        evidence: if failed { evidence } else { Vec::new() },
    }
}

fn cell(id: &str, verdict: Verdict, openssl: &str) -> CellResult {
    let outcome = if verdict == Verdict::Fail { Outcome::Fail } else { Outcome::Pass };
    let ran = Provenance {
        openssl: Some(Library {
            version: openssl.into(),
            path: "/usr/lib/x86_64-linux-gnu/libssl.so.3".into(),
            package: Some(HOSTILE[2].into()),
        }),
        ats: Some(AtsBuild { reported: "9.2.5".into(), binary: HOSTILE[4].into(), package: None, source: None }),
        ..Provenance::default()
    };
    let issue = IssueMatch {
        id: "ATS-11465".into(),
        title: HOSTILE[0].into(),
        link: HOSTILE[5].into(),
        fixed_in: HOSTILE[1].into(),
        way_out: HOSTILE[6].into(),
        confidence: Confidence::Certain,
        of_parent: false,
        trials: vec!["tls-remote-origin".into()],
        workarounds: Vec::new(),
    };
    CellResult {
        id: id.parse().unwrap(),
        verdict,
        reason: (verdict == Verdict::Unbuildable).then(|| HOSTILE[6].to_owned()),
        expected: None,
        optional: false,
        trials: match verdict {
            Verdict::Unavailable | Verdict::Unbuildable => Vec::new(),
            _ => vec![
                trial("ctl-direct-tls", Outcome::Pass),
                trial("tls-remote-origin", outcome),
                trial("tls-reused", Outcome::Pass),
            ],
        },
        known_issues: if verdict == Verdict::Fail { vec![issue] } else { Vec::new() },
        provenance: if verdict == Verdict::Unavailable { Provenance::default() } else { ran },
    }
}

/// Results with every verdict and mark; debian-13/9.2.5 has the verdict `seed`.
fn results(seed: Verdict) -> MatrixResult {
    let expected = Expected {
        verdict: Verdict::Fail,
        reason: HOSTILE[3].into(),
        link: Some(HOSTILE[5].into()),
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    };
    let mut known = cell("debian-13/9.2.5", seed, "3.5.7");
    known.expected = Some(expected.clone());
    let mut surprise = cell("debian-13/9.2.9", Verdict::Pass, "3.5.7");
    surprise.expected = Some(expected);
    let mut absent = cell("fedora-40/9.2.5", Verdict::Unavailable, "");
    (absent.reason, absent.optional) = (Some(HOSTILE[0].into()), true);
    MatrixResult {
        schema: SCHEMA_VERSION,
        matrix: HOSTILE[0].into(),
        distros: ["debian-12", "debian-13", "fedora-40", "forecast"].map(|id| id.parse().unwrap()).into(),
        ats: ["9.2.5", "9.2.9"].map(|id| id.parse().unwrap()).into(),
        cells: vec![
            cell("debian-12/9.2.5", Verdict::Pass, "3.0.20"),
            cell("debian-12/9.2.9", Verdict::Flaky, "3.0.20"),
            known,
            surprise,
            absent,
            cell("fedora-40/9.2.9", Verdict::Error, "3.2.1"),
            cell("forecast/9.2.9", Verdict::Unbuildable, "4.0.0"),
        ],
    }
}

fn packets(lines: &[(u64, Direction, &str, u32)]) -> Vec<Packet> {
    lines
        .iter()
        .map(|(at, way, flags, len)| Packet {
            at_us: 1_000_000 + at,
            direction: *way,
            flags: (*flags).into(),
            seq: 1,
            len: *len,
        })
        .collect()
}

fn flow(packets: Vec<Packet>) -> Flow {
    Flow { client: "10.0.0.3:40000".into(), server: "10.0.0.2:8443".into(), packets, ..Flow::default() }
}

/// The known failure as captured, with hostile text everywhere.
fn refused() -> Observation {
    use Direction::{ToClient, ToServer};
    let exchange = Exchange {
        status: Some(502),
        reason: HOSTILE[1].into(),
        started_us: 999_000,
        total_us: 1900,
        ..Exchange::default()
    };
    let connection = OriginConnection {
        accepted_us: 1_000_200,
        error: Some(HOSTILE[0].into()),
        closed: Some(Closed { by: ClosedBy::Peer, at_us: 1_000_400 }),
        ..OriginConnection::default()
    };
    Observation {
        client: Some(ClientRun { exchanges: vec![exchange], ..ClientRun::default() }),
        origin: vec![connection],
        wire: vec![flow(packets(&[
            (0, ToServer, "S", 0),
            (90, ToClient, "S.", 0),
            (130, ToServer, ".", 0),
            (410, ToServer, "F.", 0),
        ]))],
        logs: HOSTILE.map(|text| LogLine { trial: None, file: LogFile::Error, text: text.into() }).into(),
        ..Observation::default()
    }
}

/// A long connection that ends well.
fn served() -> Observation {
    use Direction::{ToClient, ToServer};
    let mut lines =
        vec![(0, ToServer, "S", 0), (90, ToClient, "S.", 0), (130, ToServer, ".", 0), (400, ToServer, "P.", 517)];
    lines.extend((0..50).map(|at| (1000 + at * 70, ToClient, ".", 1448)));
    lines.extend([(2_400_000, ToServer, "F.", 0), (2_400_090, ToClient, "R", 0)]);
    Observation { wire: vec![flow(packets(&lines))], ..Observation::default() }
}
