use insta::assert_snapshot;

use super::*;
use crate::model::{
    ClientRun, Direction, Exchange, Flow, LogFile, LogLine, Observation, OriginConnection, Packet, WorkaroundTried,
};
use crate::words::fixture;

fn explained(cell: &CellResult, only: Option<&str>) -> Explanation {
    explain(cell, only, None, Catalogue::built_in()).unwrap()
}

/// The seed failure with a trial that the catalogue has.
fn failing() -> CellResult {
    let mut cell = fixture::failing("debian-13/9.2.5", "3.5.7");
    for id in cell.trials.iter_mut().map(|trial| &mut trial.id).chain(&mut cell.known_issues[0].trials) {
        if id == "tls-get" {
            *id = "tls-remote-origin".into();
        }
    }
    cell
}

fn raw() -> RunEvidence {
    let exchange = Exchange { status: Some(502), reason: "Invalid argument".into(), ..Exchange::default() };
    let packet = |at_us, direction, flags: &str| Packet { at_us, direction, flags: flags.into(), seq: 0, len: 0 };
    let flow = Flow {
        client: "10.0.0.1:40000".into(),
        server: "10.0.0.2:8443".into(),
        packets: vec![packet(1000, Direction::ToServer, "S"), packet(2500, Direction::ToServer, "F.")],
        ..Flow::default()
    };
    let observation = Observation {
        client: Some(ClientRun { exchanges: vec![exchange], ..ClientRun::default() }),
        origin: vec![OriginConnection { peer: "10.0.0.1:40000".into(), ..OriginConnection::default() }],
        wire: vec![flow],
        logs: vec![LogLine { trial: None, file: LogFile::Error, text: "CONNECT: \u{1b}[2J".into() }],
        ..Observation::default()
    };
    let attempt = TrialEvidence { trial: "tls-remote-origin".into(), attempt: 2, observation };
    RunEvidence { run: "r1".parse().unwrap(), attempts: vec![attempt] }
}

#[test]
fn a_trial_is_explained_with_its_raw_evidence() {
    let explanation = explain(&failing(), Some("tls-remote-origin"), Some(&raw()), Catalogue::built_in()).unwrap();
    let text = outline(&explanation).text();
    for line in [
        "debian-13/9.2.5: fail",
        "  OpenSSL as loaded: 3.5.7 (/usr/lib/x86_64-linux-gnu/libssl.so.3, package libssl3t64 3.5.7-1~deb13u1)",
        "What was seen (raw evidence of run r1)",
        "    failed: expected status 200, saw 502 Invalid argument",
        "      502 Invalid argument, 0 bytes of body, 0.0 ms in total",
        "      from 10.0.0.1:40000, no byte received, still open at the end",
        "          +1500 us  > F.   seq 0",
        r"      error.log: CONNECT: \u{1b}[2J",
        "    affects: ATS <9.2.7; OpenSSL >=3.2; not Fedora's and EPEL's 9.2.6-2 and later, a build with the fix of \
         Debian's update to 9.2.9; when: any https origin, on any host and with any version of TLS",
        "  see whether a workaround helps here: `atsmatrix explain debian-13/9.2.5 --try`",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no line `{line}` in\n{text}");
    }
    assert!(!text.contains('\u{1b}') && !outline(&explanation).markdown().contains('\u{1b}'));
    assert!(explain(&failing(), Some("no-such-trial"), None, Catalogue::built_in()).is_none());
}

#[test]
fn committed_results_alone_are_enough() {
    let text = outline(&explained(&failing(), None)).text();
    assert!(text.contains("What was seen (committed results)\n  tls-remote-origin (fail): 502 Invalid argument\n"));
    assert!(text.contains("    wire: S, S., ., F. after 0 bytes to the origin\n"), "{text}");
    assert!(text.contains("  fail, 502 Invalid argument: tls12-only, tls13-only\n"), "{text}");
}

#[test]
fn a_workaround_that_worked_is_advised_and_a_failure_without_issue_is_unknown() {
    let mut cell = failing();
    cell.known_issues[0].trials.retain(|id| id != "tls13-only");
    cell.known_issues[0].workarounds = vec![WorkaroundTried {
        name: "tcp-fast-open".into(),
        settings: vec!["proxy.config.net.sock_option_flag_out INT 9".into()],
        worked: true,
        passed: vec!["tls-remote-origin".into(), "tls12-only".into()],
        not_passed: Vec::new(),
        cost: "data in the SYN".into(),
    }];
    let explanation = explained(&cell, None);
    assert_eq!(explanation.unknown, ["tls13-only"]);
    assert_snapshot!(explanation.advice.join("\n"), @r"
    upgrade ATS to 9.2.7 or later before the distro
    until then, the workaround tcp-fast-open works on this cell (proxy.config.net.sock_option_flag_out INT 9); cost: data in the SYN
    no known issue matches tls13-only: `atsmatrix explain debian-13/9.2.5 --upstream` writes a report for https://github.com/apache/trafficserver/issues
    ");
    assert!(explanation.known_issues[0].untried.is_empty());
}

#[test]
fn cells_that_did_not_run_are_explained_too() {
    let result = fixture::matrix();
    let cell = |id: &str| result.cells.iter().find(|cell| cell.id.to_string() == id).unwrap();
    assert_snapshot!(outline(&explained(cell("fedora-40/9.2.9"), None)).text(), @r"
    fedora-40/9.2.9: unavailable (optional)
      cannot pull registry.fedoraproject.org/fedora:40: no such host
      something it needs could not be obtained: says nothing about ATS
    What ran
      nothing: there was no image to run
    What was expected
      pass: matrix.yaml declares no failure
    What it means
      something it needs could not be obtained: says nothing about ATS
    What to do
      this says nothing about ATS: run the cell on a machine that can reach the missing part (a registry, a mirror, the release archive), or give the distro a `bootstrap` in matrix.yaml
    ");
    let unbuildable = outline(&explained(cell("forecast/9.2.9"), None)).text();
    assert!(unbuildable.contains("What it means\n  ATS-13471 (looks like): Does not compile with OpenSSL 4.0"));
    let passing = outline(&explained(cell("debian-12/9.2.5"), None)).text();
    assert!(passing.contains("What to do\n  nothing\n") && passing.contains("passed: ctl-direct-tls"), "{passing}");
    for cell in &result.cells {
        let explanation = explained(cell, None);
        assert!(!explanation.advice.is_empty(), "{}", cell.id);
        let value: serde_json::Value = serde_json::from_str(&json(&explanation)).unwrap();
        assert_eq!((&value["schema"], &value["cell"]), (&1.into(), &cell.id.to_string().into()));
    }
}

#[test]
fn the_report_for_upstream_has_versions_evidence_and_commands() {
    let explanation = explain(&failing(), None, Some(&raw()), Catalogue::built_in()).unwrap();
    let text = report(&explanation, &["docker run x\n".into()]);
    assert!(
        text.starts_with("# ATS 9.2.5 on Debian GNU/Linux 13 with OpenSSL 3.5.7: 502 Invalid argument\n"),
        "{text}"
    );
    for part in [
        "\n| OpenSSL as loaded | 3.5.7 (/usr/lib/x86\\_64-linux-gnu/libssl.so.3, package libssl3t64 3.5.7-1\\~deb13u1) |\n",
        "\nAlso fails: tls12-only, tls13-only.\n\nPasses: ctl-direct-tls, ctl-plain-origin, http-head.\n",
        "\nOn the wire between ATS and the origin:\n\n```text\n10.0.0.1:40000 > 10.0.0.2:8443 ",
        "\n```text\nerror.log: CONNECT: \\u{1b}[2J\n```\n",
        "\nThis is [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>): ",
        "\n```sh\ndocker run x\n```\n",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let bare = report(&explanation, &[]);
    assert!(!bare.contains("How to reproduce"), "without commands there is no section for them");
}

#[test]
fn a_bisection_is_shown_with_its_certainty() {
    let found = crate::words::bisection::fixture::bisection();
    let result = fixture::matrix();
    let explanation = explained(&failing(), None).with_bisections(std::slice::from_ref(&found), &result);
    let text = outline(&explanation).text();
    assert!(text.contains("  tls-remote-origin, bisected: found, confirmed both ways: openssl decides it\n"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&json(&explanation)).unwrap();
    assert_eq!(value["bisections"][0]["standing"], "both-ways");
    assert_eq!(value["bisections"][0]["stale"], serde_json::Value::Null);
    let mut passing = result.clone();
    let cell = passing.cells.iter_mut().find(|cell| cell.id == found.bad).unwrap();
    cell.trials.truncate(1);
    (cell.trials[0].id, cell.trials[0].outcome) = (found.trial.clone(), Outcome::Pass);
    let explanation = explain(cell, None, None, Catalogue::built_in()).unwrap();
    let text = outline(&explanation.with_bisections(&[found], &passing.clone())).text();
    assert!(text.contains("out of date: debian-13/9.2.5 no longer fails tls-remote-origin"), "{text}");
}
