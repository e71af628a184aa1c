use insta::assert_snapshot;

use super::*;
use crate::model::{ClientRun, Direction, Exchange, Flow, LogFile, LogLine, OriginConnection, Packet, WorkaroundTried};
use crate::report::fixture;

fn told(cell: &CellResult, only: Option<&str>) -> Explanation {
    explain(cell, only, &[], None).unwrap()
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

fn raw() -> Raw {
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
    Raw { trial: "tls-remote-origin".into(), attempt: 2, observation }
}

#[test]
fn a_trial_is_told_with_its_raw_evidence() {
    let told = explain(&failing(), Some("tls-remote-origin"), &[raw()], Some("r1")).unwrap();
    let text = outline(&told).text();
    for line in [
        "debian-13/9.2.5: fail",
        "  OpenSSL as loaded: 3.5.7 (/usr/lib/x86_64-linux-gnu/libssl.so.3, package libssl3t64 3.5.7-1~deb13u1)",
        "What was seen (raw evidence of run r1)",
        "    did not hold: expected status 200, saw 502 Invalid argument",
        "      502 Invalid argument, 0 bytes of body, 0.0 ms in all",
        "      from 10.0.0.1:40000, no byte received, still open at the end",
        "          +1500 us  > F.   seq 0",
        r"      error.log: CONNECT: \u{1b}[2J",
        "    affects: ATS <9.2.7; OpenSSL >=3.2; not Fedora's and EPEL's 9.2.6-2 and later, a build with the fix of \
         Debian's update to 9.2.9; when: any https origin, on any host and with any version of TLS",
        "  see whether a workaround helps here: `atsmatrix explain debian-13/9.2.5 --try`",
    ] {
        assert!(text.lines().any(|told| told == line), "no line `{line}` in\n{text}");
    }
    assert!(!text.contains('\u{1b}') && !outline(&told).markdown().contains('\u{1b}'));
    assert!(explain(&failing(), Some("no-such-trial"), &[], None).is_none());
}

#[test]
fn committed_results_alone_are_enough() {
    let text = outline(&told(&failing(), None)).text();
    assert!(text.contains("What was seen (committed results)\n  tls-remote-origin (fail): 502 Invalid argument\n"));
    assert!(text.contains("    wire: S, S., ., F. after 0 bytes to the origin\n"), "{text}");
    assert!(text.contains("  fail, 502 Invalid argument: tls12-only, tls13-only\n"), "{text}");
}

#[test]
fn what_worked_is_advised_and_what_nobody_knows_is_called_unknown() {
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
    let told = told(&cell, None);
    assert_eq!(told.unknown, ["tls13-only"]);
    assert_snapshot!(told.advice.join("\n"), @r"
    upgrade ATS to 9.2.7 or later before the distro
    until then tcp-fast-open works on this very cell (proxy.config.net.sock_option_flag_out INT 9); it costs: data in the SYN
    no known issue matches tls13-only: `atsmatrix explain debian-13/9.2.5 --upstream` writes a report for https://github.com/apache/trafficserver/issues
    ");
    assert!(told.known_issues[0].untried.is_empty());
}

#[test]
fn cells_that_did_not_run_are_explained_too() {
    let result = fixture::matrix();
    let cell = |id: &str| result.cells.iter().find(|cell| cell.id.to_string() == id).unwrap();
    assert_snapshot!(outline(&told(cell("fedora-40/9.2.9"), None)).text(), @r"
    fedora-40/9.2.9: unavailable (optional)
      cannot pull registry.fedoraproject.org/fedora:40: no such host
      a part could not be had: nothing is said about ATS
    What ran
      nothing: there was no image to run
    What was expected
      pass: matrix.yaml declares no failure
    What it means
      a part could not be had: nothing is said about ATS
    What to do
      nothing is said about ATS: run the cell where the part that is missing can be had (a registry, a mirror, the release archive), or give the distro a `bootstrap` in matrix.yaml
    ");
    let unbuildable = outline(&told(cell("forecast/9.2.9"), None)).text();
    assert!(unbuildable.contains("What it means\n  ATS-13471 (looks like): Does not compile with OpenSSL 4.0"));
    let passing = outline(&told(cell("debian-12/9.2.5"), None)).text();
    assert!(passing.contains("What to do\n  nothing\n") && passing.contains("passed: ctl-direct-tls"), "{passing}");
    for cell in &result.cells {
        let told = told(cell, None);
        assert!(!told.advice.is_empty(), "{}", cell.id);
        let value: serde_json::Value = serde_json::from_str(&json(&told)).unwrap();
        assert_eq!((&value["schema"], &value["cell"]), (&1.into(), &cell.id.to_string().into()));
    }
}

#[test]
fn the_report_for_upstream_says_what_ran_what_was_seen_and_how_to_see_it() {
    let told = explain(&failing(), None, &[raw()], Some("r1")).unwrap();
    let text = report(&told, &["docker run x\n".into()]);
    assert!(
        text.starts_with("# ATS 9.2.5 on Debian GNU/Linux 13 with OpenSSL 3.5.7: 502 Invalid argument\n"),
        "{text}"
    );
    for part in [
        "\n| OpenSSL as loaded | 3.5.7 (/usr/lib/x86\\_64-linux-gnu/libssl.so.3, package libssl3t64 3.5.7-1\\~deb13u1) |\n",
        "\nWhat fails as well: tls12-only, tls13-only.\n\nWhat passes: ctl-direct-tls, ctl-plain-origin, http-head.\n",
        "\nOn the wire between ATS and the origin:\n\n```text\n10.0.0.1:40000 > 10.0.0.2:8443 ",
        "\n```text\nerror.log: CONNECT: \\u{1b}[2J\n```\n",
        "\nThis is [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>): ",
        "\n```sh\ndocker run x\n```\n",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    let bare = report(&told, &[]);
    assert!(!bare.contains("How to reproduce"), "nothing is promised that is not there");
}

#[test]
fn what_was_found_by_bisecting_is_told_with_what_it_is_worth() {
    let found = crate::report::bisection::fixture::bisection();
    let result = fixture::matrix();
    let told = told(&failing(), None).with_bisections(std::slice::from_ref(&found), &result);
    let text = outline(&told).text();
    assert!(text.contains("  tls-remote-origin, bisected: found, confirmed both ways: openssl decides it\n"), "{text}");
    let value: serde_json::Value = serde_json::from_str(&json(&told)).unwrap();
    assert_eq!(value["bisections"][0]["standing"], "both-ways");
    assert_eq!(value["bisections"][0]["stale"], serde_json::Value::Null);
    let mut passing = result.clone();
    let cell = passing.cells.iter_mut().find(|cell| cell.id == found.bad).unwrap();
    cell.trials.truncate(1);
    (cell.trials[0].id, cell.trials[0].outcome) = (found.trial.clone(), Outcome::Pass);
    let told = explain(cell, None, &[], None).unwrap();
    let text = outline(&told.with_bisections(&[found], &passing.clone())).text();
    assert!(text.contains("out of date: debian-13/9.2.5 does not fail tls-remote-origin any more"), "{text}");
}
