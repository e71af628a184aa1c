//! A realistic result for tests: every verdict, every mark, the known answers.

use crate::model::{
    AtsBuild, CellResult, Confidence, Expected, ImageDigests, IssueMatch, Library, MatrixResult, Outcome, Provenance,
    Release, SCHEMA_VERSION, TrialResult, Verdict,
};

const ISSUE: &str = "https://github.com/apache/trafficserver/issues/11465";

fn trial(id: &str, outcome: Outcome, summary: &str, evidence: &[&str]) -> TrialResult {
    TrialResult {
        id: id.into(),
        outcome,
        control: id.starts_with("ctl-"),
        limitation: None,
        definition: None,
        summary: summary.into(),
        evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
    }
}

/// A cell that passes.
pub(crate) fn passing(id: &str, openssl: &str) -> CellResult {
    let id: crate::model::CellId = id.parse().unwrap();
    let release = id.distro.as_str().trim_start_matches("debian-").to_owned();
    let reported: String = id.ats.as_str().chars().take(5).collect();
    let provenance = Provenance {
        distro: Some(Release {
            id: "debian".into(),
            version: release.clone(),
            codename: String::new(),
            name: format!("Debian GNU/Linux {release}"),
        }),
        kernel: Some("6.1.0-40-amd64".into()),
        libc: Some(Library {
            version: "glibc 2.41".into(),
            path: "/usr/lib/x86_64-linux-gnu/libc.so.6".into(),
            package: Some("libc6 2.41-12".into()),
        }),
        openssl: Some(Library {
            version: openssl.into(),
            path: "/usr/lib/x86_64-linux-gnu/libssl.so.3".into(),
            package: Some(format!("libssl3t64 {openssl}-1~deb{release}u1")),
        }),
        client_hello: None,
        surroundings: None,
        upgrade: None,
        config: None,
        parent: None,
        ats: Some(AtsBuild {
            reported: reported.clone(),
            binary: "/opt/ts/bin/traffic_server".into(),
            package: None,
            source: Some(format!("trafficserver-{reported}.tar.bz2 sha256:4c1f")),
        }),
        images: Some(ImageDigests { ats: format!("sha256:{}", "ab".repeat(32)), recipe: "cd".repeat(32), id: None }),
        content: None,
    };
    let trials = vec![
        trial("ctl-direct-tls", Outcome::Pass, "200", &[]),
        trial("ctl-plain-origin", Outcome::Pass, "200", &[]),
        trial("tls-get", Outcome::Pass, "200", &[]),
        trial("tls12-only", Outcome::Pass, "200", &[]),
        trial("tls13-only", Outcome::Pass, "200", &[]),
        trial("http-head", Outcome::Pass, "200", &[]),
    ];
    CellResult {
        id,
        verdict: Verdict::Pass,
        reason: None,
        expected: None,
        optional: false,
        trials,
        known_issues: Vec::new(),
        provenance,
    }
}

/// The known answer: ATS 9.2.5 with OpenSSL 3.2 or later.
pub(crate) fn failing(id: &str, openssl: &str) -> CellResult {
    let mut cell = passing(id, openssl);
    cell.verdict = Verdict::Fail;
    for trial in cell.trials.iter_mut().filter(|trial| trial.id.starts_with("tls")) {
        trial.outcome = Outcome::Fail;
        trial.summary = "502 Invalid argument".into();
        trial.evidence = vec![
            "client: 502 Invalid argument".into(),
            "wire: S, S., ., F. after 0 bytes to the origin".into(),
            "error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host='https-remote.test' \
             connection_result=Invalid argument [22] error=Invalid argument [22]"
                .into(),
        ];
    }
    cell.known_issues = vec![IssueMatch {
        id: "ATS-11465".into(),
        title: "Outgoing HTTPS fails with OpenSSL 3.2 and later".into(),
        link: ISSUE.into(),
        fixed_in: "9.2.7".into(),
        way_out: "upgrade ATS to 9.2.7 or later before the distro".into(),
        confidence: Confidence::Certain,
        of_parent: false,
        trials: vec!["tls-get".into(), "tls12-only".into(), "tls13-only".into()],
        workarounds: Vec::new(),
    }];
    cell
}

/// A cell whose ATS does not start.
pub(crate) fn stillborn(id: &str) -> CellResult {
    let mut cell = passing(id, "3.5.7");
    cell.verdict = Verdict::Fail;
    for trial in cell.trials.iter_mut().filter(|trial| !trial.control) {
        trial.outcome = Outcome::Fail;
        trial.summary = "ATS did not start: it said: FATAL: no libssl.so.9".into();
    }
    cell
}

fn expected(verdict: Verdict, reason: &str) -> Expected {
    Expected {
        verdict,
        reason: reason.into(),
        link: Some(ISSUE.into()),
        trials: Vec::new(),
        issue: None,
        expires: None,
        also: Vec::new(),
    }
}

fn bare(id: &str, verdict: Verdict, reason: &str) -> CellResult {
    let passing = passing(id, "0");
    CellResult {
        verdict,
        reason: Some(reason.into()),
        trials: Vec::new(),
        provenance: Provenance::default(),
        ..passing
    }
}

fn flaky() -> CellResult {
    let mut cell = passing("debian-12/9.2.9", "3.0.20");
    cell.verdict = Verdict::Flaky;
    cell.trials.push(trial("keepalive-race", Outcome::Flaky, "502, then 200", &["client: 502 Server Hangup"]));
    cell
}

fn error() -> CellResult {
    let mut cell = passing("debian-13/9.2.9", "3.5.7");
    cell.verdict = Verdict::Error;
    cell.reason = Some("the origin did not answer the direct control".into());
    cell.trials[0] =
        trial("ctl-direct-tls", Outcome::Error, "connection refused", &["client: connect: connection refused"]);
    cell
}

fn forecast() -> CellResult {
    CellResult {
        known_issues: vec![IssueMatch {
            id: "ATS-13471".into(),
            title: "Does not compile with OpenSSL 4.0".into(),
            link: "https://github.com/apache/trafficserver/pull/13471".into(),
            fixed_in: "10.2.0".into(),
            way_out: "stay on OpenSSL 3".into(),
            confidence: Confidence::LooksLike,
            of_parent: false,
            trials: Vec::new(),
            workarounds: Vec::new(),
        }],
        ..bare(
            "forecast/9.2.9",
            Verdict::Unbuildable,
            "X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'",
        )
    }
}

/// Rows debian-12, -13 and -14, an unavailable fedora-40 and a forecast; columns 8.1.11 (no cell) and three builds of
/// 9.2. Two cells share a known failure, one is flaky, one an error, one an unexpected pass.
pub(crate) fn matrix() -> MatrixResult {
    let no_registry = "cannot pull registry.fedoraproject.org/fedora:40: no such host";
    let mut expected_failure = failing("debian-13/9.2.5", "3.5.7");
    expected_failure.expected = Some(expected(Verdict::Fail, "OpenSSL 3.2 and later break outgoing TLS"));
    let mut unexpected_pass = passing("debian-13/9.2.5-backport", "3.5.7");
    unexpected_pass.expected = Some(expected(Verdict::Fail, "the backport was incomplete"));
    let mut cells = vec![
        passing("debian-12/9.2.5", "3.0.20"),
        passing("debian-12/9.2.5-backport", "3.0.20"),
        flaky(),
        expected_failure,
        unexpected_pass,
        error(),
        failing("debian-14/9.2.5", "3.6.5"),
        passing("debian-14/9.2.9", "3.6.5"),
        forecast(),
    ];
    for ats in ["9.2.5", "9.2.5-backport", "9.2.9"] {
        let mut cell = bare(&format!("fedora-40/{ats}"), Verdict::Unavailable, no_registry);
        cell.optional = true;
        cells.push(cell);
    }
    MatrixResult {
        schema: SCHEMA_VERSION,
        matrix: "0f".repeat(32),
        distros: ["debian-12", "debian-13", "debian-14", "fedora-40", "forecast"].map(|id| id.parse().unwrap()).into(),
        ats: ["8.1.11", "9.2.5", "9.2.5-backport", "9.2.9"].map(|id| id.parse().unwrap()).into(),
        cells,
    }
}
