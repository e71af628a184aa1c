use insta::assert_snapshot;

use super::*;
use crate::words::fixture;

const PLAIN: Screen = Screen { width: 110, colour: false };

/// `text` without SGR sequences.
fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("an SGR sequence").1;
    }
    plain + rest
}

#[test]
fn the_full_report() {
    assert_snapshot!(render(&fixture::matrix(), PLAIN), @"
    ┌───────────────────────────┬────────┬─────────────────┬─────────────────┬─────────────┐
    │ distro                    ┆ 8.1.11 ┆ 9.2.5           ┆ 9.2.5-backport  ┆ 9.2.9       │
    ╞═══════════════════════════╪════════╪═════════════════╪═════════════════╪═════════════╡
    │ debian-12  OpenSSL 3.0.20 ┆ ·      ┆ pass            ┆ pass            ┆ flaky       │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-13  OpenSSL 3.5.7  ┆ ·      ┆ fail (expected) ┆ PASS?!          ┆ error       │
    │                           ┆        ┆                 ┆ (expected fail) ┆             │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-14  OpenSSL 3.6.5  ┆ ·      ┆ fail            ┆ ·               ┆ pass        │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ fedora-40                 ┆ ·      ┆ unavailable     ┆ unavailable     ┆ unavailable │
    │                           ┆        ┆ (optional)      ┆ (optional)      ┆ (optional)  │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ forecast                  ┆ ·      ┆ ·               ┆ ·               ┆ unbuildable │
    └───────────────────────────┴────────┴─────────────────┴─────────────────┴─────────────┘

    flaky: debian-12/9.2.9
      1 of 5 trials did not pass: keepalive-race (flaky)
      controls passed (2 of 2)
      keepalive-race: 502, then 200
        client: 502 Server Hangup
      unknown: no known issue matches keepalive-race; see `atsmatrix explain debian-12/9.2.9`

    fail: debian-13/9.2.5 (expected), debian-14/9.2.5
      3 of 4 trials did not pass: tls-get, tls12-only, tls13-only
      controls passed (2 of 2)
      tls-get: 502 Invalid argument
        client: 502 Invalid argument
        wire: S, S., ., F. after 0 bytes to the origin
        error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host='https-remote.test'
          connection_result=Invalid argument [22] error=Invalid argument [22]
      ATS-11465 (certain): Outgoing HTTPS fails with OpenSSL 3.2 and later
        https://github.com/apache/trafficserver/issues/11465
        fixed in 9.2.7; what to do: upgrade ATS to 9.2.7 or later before the distro
      debian-13/9.2.5 expected fail: OpenSSL 3.2 and later break outgoing TLS
        (https://github.com/apache/trafficserver/issues/11465)

    PASS?!: debian-13/9.2.5-backport (expected fail)
      all 4 trials passed
      controls passed (2 of 2)
      expected fail: the backport was incomplete (https://github.com/apache/trafficserver/issues/11465); now pass:
        correct `expect` in matrix.yaml

    error: debian-13/9.2.9
      the origin did not answer the direct control
      all 4 trials passed
      1 of 2 controls did not pass: ctl-direct-tls (error)
      ctl-direct-tls: connection refused
        client: connect: connection refused

    unbuildable: forecast/9.2.9
      X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
      ATS-13471 (looks like): Does not compile with OpenSSL 4.0
        https://github.com/apache/trafficserver/pull/13471
        fixed in 10.2.0; what to do: stay on OpenSSL 3

    unavailable: fedora-40/* (optional): cannot pull registry.fedoraproject.org/fedora:40: no such host

    fail         a trial failed, then failed again in a fresh ATS, while the controls that bypass ATS passed
    unbuildable  this ATS cannot be built or installed on this distro
    flaky        a trial failed, then passed, or the other way round
    error        atsmatrix, the engine or the origin broke: says nothing about ATS
    unavailable  something it needs could not be obtained: says nothing about ATS
    (expected)   matrix.yaml expects exactly this; it still closes the gate
    PASS?!       an unexpected pass, or a known limitation that is gone: its declaration is out of date
    (optional)   it may be missing without failing the run
    ·            not in these results

    12 cells: 4 pass (1 unexpected), 2 fail (1 expected), 1 unbuildable, 1 flaky, 1 error, 3 unavailable (3
      optional)
    ");
}

#[test]
fn columns_that_do_not_fit_continue_below() {
    assert_snapshot!(matrix(&fixture::matrix(), Screen { width: 60, colour: false }), @"
    ┌───────────────────────────┬────────┬─────────────────┐
    │ distro                    ┆ 8.1.11 ┆ 9.2.5           │
    ╞═══════════════════════════╪════════╪═════════════════╡
    │ debian-12  OpenSSL 3.0.20 ┆ ·      ┆ pass            │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-13  OpenSSL 3.5.7  ┆ ·      ┆ fail (expected) │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-14  OpenSSL 3.6.5  ┆ ·      ┆ fail            │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ fedora-40                 ┆ ·      ┆ unavailable     │
    │                           ┆        ┆ (optional)      │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ forecast                  ┆ ·      ┆ ·               │
    └───────────────────────────┴────────┴─────────────────┘

    ┌───────────────────────────┬─────────────────┐
    │ distro                    ┆ 9.2.5-backport  │
    ╞═══════════════════════════╪═════════════════╡
    │ debian-12  OpenSSL 3.0.20 ┆ pass            │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-13  OpenSSL 3.5.7  ┆ PASS?!          │
    │                           ┆ (expected fail) │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-14  OpenSSL 3.6.5  ┆ ·               │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ fedora-40                 ┆ unavailable     │
    │                           ┆ (optional)      │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ forecast                  ┆ ·               │
    └───────────────────────────┴─────────────────┘

    ┌───────────────────────────┬─────────────┐
    │ distro                    ┆ 9.2.9       │
    ╞═══════════════════════════╪═════════════╡
    │ debian-12  OpenSSL 3.0.20 ┆ flaky       │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-13  OpenSSL 3.5.7  ┆ error       │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ debian-14  OpenSSL 3.6.5  ┆ pass        │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ fedora-40                 ┆ unavailable │
    │                           ┆ (optional)  │
    ├╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌╌╌┤
    │ forecast                  ┆ unbuildable │
    └───────────────────────────┴─────────────┘
    ");
}

#[test]
fn colour_does_not_change_the_text() {
    for width in [1, 40, 60, 80, 200] {
        let plain = render(&fixture::matrix(), Screen { width, colour: false });
        let colour = render(&fixture::matrix(), Screen { width, colour: true });
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(without_colour(&colour), plain, "{width}");
    }
}

#[test]
fn verdicts_are_coloured() {
    let colour = matrix(&fixture::matrix(), Screen { width: 120, colour: true });
    for painted in [
        "\u{1b}[32mpass\u{1b}[0m",
        "\u{1b}[31mfail (expected)\u{1b}[0m",
        "\u{1b}[33mPASS?!\u{1b}[0m",
        "\u{1b}[2munavailable\u{1b}[0m",
        "\u{1b}[31munbuildable\u{1b}[0m",
    ] {
        assert!(colour.contains(painted), "{painted:?} in {colour}");
    }
    let row = colour.lines().find(|line| line.contains("debian-13")).unwrap();
    assert!(row.contains("·") && row.contains("\u{1b}[31mfail (expected)"), "{row}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for width in [80_u16, 100, 140] {
        let shown = render(&fixture::matrix(), Screen { width, colour: false });
        for line in shown.lines().filter(|line| !line.contains("https://")) {
            assert!(line.width() <= usize::from(width), "{width}: {line}");
        }
    }
}

#[test]
fn the_order_of_cells_does_not_change_the_report() {
    let mut result = fixture::matrix();
    let shown = render(&result, PLAIN);
    for _ in 0..result.cells.len() {
        result.cells.rotate_left(1);
        assert_eq!(render(&result, PLAIN), shown);
    }
}

#[test]
fn hostile_text_is_escaped() {
    let hostile = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\r\n│┆ a ".repeat(1000);
    let mut result = fixture::matrix();
    for cell in &mut result.cells {
        cell.reason = Some(hostile.clone());
        for trial in &mut cell.trials {
            trial.id = hostile.clone();
            trial.summary = hostile.clone();
            trial.evidence = vec![hostile.clone()];
        }
        for issue in &mut cell.known_issues {
            (issue.id, issue.title, issue.link) = (hostile.clone(), hostile.clone(), hostile.clone());
            (issue.fixed_in, issue.way_out) = (hostile.clone(), hostile.clone());
        }
        if let Some(expected) = &mut cell.expected {
            (expected.reason, expected.link) = (hostile.clone(), Some(hostile.clone()));
        }
        if let Some(library) = &mut cell.provenance.openssl {
            library.version = hostile.clone();
        }
    }
    let shown = render(&result, PLAIN);
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()) && !shown.contains('\u{202e}'));
    assert!(shown.len() < 40_000, "{}", shown.len());
    let painted = render(&result, Screen { colour: true, ..PLAIN });
    assert_eq!(without_colour(&painted), shown);
}

#[test]
fn a_shared_failure_names_its_cell_where_the_others_ran_fewer_trials() {
    let mut result = fixture::matrix();
    let other = result.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-14/9.2.5").unwrap();
    other.trials.pop();
    let shown = render(&result, PLAIN);
    assert!(shown.contains("  debian-13/9.2.5: 3 of 4 trials did not pass: tls-get, tls12-only"), "{shown}");
}

#[test]
fn an_empty_result_has_a_report() {
    let empty = MatrixResult { distros: vec![], ats: vec![], cells: vec![], ..fixture::matrix() };
    assert!(render(&empty, PLAIN).ends_with("0 cells\n"));
}

#[test]
fn one_cause_is_one_line_without_trial_names() {
    let mut result = fixture::matrix();
    result.cells = vec![fixture::stillborn("debian-13/9.2.5")];
    let page = render(&result, Screen { width: 200, colour: false });
    assert_eq!(page.matches("FATAL: no libssl.so.9").count(), 1, "{page}");
    let subjects = result.cells[0].trials.iter().filter(|trial| !trial.control);
    assert!(subjects.clone().count() > 1 && subjects.clone().all(|trial| !page.contains(&trial.id)), "{page}");
}
