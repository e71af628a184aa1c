//! Small consistent results for tests.

use crate::model::{
    AtsBuild, CellId, CellResult, Confidence, Expected, ImageDigests, IssueMatch, Library, MatrixResult, Outcome,
    Provenance, Release, SCHEMA_VERSION, TrialResult, Verdict,
};

/// Every field is known but the size of the ClientHello.
pub(crate) fn provenance(distro: &str, openssl: &str) -> Provenance {
    let (id, version) = distro.split_once('-').unwrap_or((distro, ""));
    let name = format!("{}{} {version}", id[..1].to_uppercase(), &id[1..]);
    let library = |version: &str, file: &str, package: &str| Library {
        version: version.into(),
        path: format!("/usr/lib/{file}"),
        package: Some(format!("{package} {version}-1")),
    };
    Provenance {
        distro: Some(Release { id: id.into(), version: version.into(), codename: String::new(), name }),
        kernel: Some("6.1.0".into()),
        libc: Some(library("glibc 2.41", "libc.so.6", "libc6")),
        openssl: Some(library(openssl, "libssl.so.3", "libssl3")),
        ats: Some(AtsBuild {
            reported: "9.2.5".into(),
            binary: "/opt/ts/bin/traffic_server".into(),
            package: Some("trafficserver 9.2.5-1".into()),
            source: Some("trafficserver-9.2.5.tar.bz2 sha256:4c1f".into()),
        }),
        client_hello: None,
        surroundings: None,
        upgrade: None,
        config: None,
        parent: None,
        images: Some(ImageDigests { ats: "sha256:abab".into(), recipe: "cdcd".into(), id: None }),
        content: None,
    }
}

pub(crate) fn trial(id: &str, outcome: Outcome) -> TrialResult {
    let summary = if outcome == Outcome::Pass { "200" } else { "502 Invalid argument" };
    TrialResult {
        id: id.into(),
        outcome,
        control: id.starts_with("ctl-"),
        limitation: None,
        definition: None,
        summary: summary.into(),
        evidence: Vec::new(),
    }
}

pub(crate) fn issue() -> IssueMatch {
    IssueMatch {
        id: "ATS-11465".into(),
        title: "Outgoing HTTPS fails with OpenSSL 3.2 and later".into(),
        link: "https://github.com/apache/trafficserver/issues/11465".into(),
        fixed_in: "9.2.7".into(),
        way_out: "upgrade ATS to 9.2.7 or later before the distro".into(),
        confidence: Confidence::Certain,
        of_parent: false,
        trials: vec!["tls-remote-origin".into()],
        workarounds: Vec::new(),
    }
}

/// About `tls-*` only.
pub(crate) fn expected(verdict: Verdict) -> Expected {
    Expected {
        verdict,
        reason: "OpenSSL 3.2 breaks outgoing TLS".into(),
        link: None,
        trials: vec!["tls-*".into()],
        issue: None,
        expires: None,
        also: Vec::new(),
    }
}

/// A cell with trials that give this verdict. A failing one has the known issue.
pub(crate) fn cell(id: &str, verdict: Verdict) -> CellResult {
    let id: CellId = id.parse().unwrap();
    let tls = match verdict {
        Verdict::Pass => Some(Outcome::Pass),
        Verdict::Fail => Some(Outcome::Fail),
        Verdict::Flaky => Some(Outcome::Flaky),
        Verdict::Error => Some(Outcome::Error),
        Verdict::Unbuildable | Verdict::Broken | Verdict::Unavailable => None,
    };
    let trials = tls.map_or(Vec::new(), |tls| {
        vec![
            trial("ctl-direct-tls", Outcome::Pass),
            trial("tls-remote-origin", tls),
            trial("http-post-1m", Outcome::Pass),
        ]
    });
    let openssl = if id.distro.as_str() == "debian-12" { "3.0.20" } else { "3.5.7" };
    CellResult {
        verdict,
        reason: match verdict {
            Verdict::Unbuildable => Some("X509.cc:107: error: incomplete type".into()),
            Verdict::Broken => Some("the upgrade removed /usr/bin/traffic_server".into()),
            Verdict::Unavailable => Some("no such host: registry.test".into()),
            _ => None,
        },
        expected: None,
        optional: false,
        known_issues: if verdict == Verdict::Fail { vec![issue()] } else { Vec::new() },
        provenance: tls.map_or_else(Provenance::default, |_| provenance(id.distro.as_str(), openssl)),
        trials,
        id,
    }
}

/// A result with these cells; rows and columns in order of appearance.
pub(crate) fn result(cells: Vec<CellResult>) -> MatrixResult {
    let (mut distros, mut ats) = (Vec::new(), Vec::new());
    for cell in &cells {
        if !distros.contains(&cell.id.distro) {
            distros.push(cell.id.distro.clone());
        }
        if !ats.contains(&cell.id.ats) {
            ats.push(cell.id.ats.clone());
        }
    }
    MatrixResult { schema: SCHEMA_VERSION, matrix: "0f".repeat(32), distros, ats, cells }
}

/// A result from `("debian-12/9.2.5", Verdict::Pass)` and so on.
pub(crate) fn matrix(cells: &[(&str, Verdict)]) -> MatrixResult {
    result(cells.iter().map(|(id, verdict)| cell(id, *verdict)).collect())
}

/// debian-12 and debian-13 by 9.2.5 and 9.2.9: the seed bug in debian-13/9.2.5.
pub(crate) fn known_answers() -> MatrixResult {
    matrix(&[
        ("debian-12/9.2.5", Verdict::Pass),
        ("debian-12/9.2.9", Verdict::Pass),
        ("debian-13/9.2.5", Verdict::Fail),
        ("debian-13/9.2.9", Verdict::Pass),
    ])
}
