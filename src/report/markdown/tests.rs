use insta::assert_snapshot;

use super::*;
use crate::words::fixture;

#[expect(clippy::too_many_lines, reason = "one page is one snapshot")]
#[test]
fn the_full_page() {
    assert_snapshot!(render(&fixture::matrix()), @r#"
    # Apache Traffic Server by Linux distro

    12 cells: 4 pass (1 unexpected), 2 fail (1 expected), 1 unbuildable, 1 flaky, 1 error, 3 unavailable (3 optional).

    Written by `atsmatrix run`, which overwrites manual changes. `matrix.json` has the same results for machines.

    ## How to reproduce

    ```sh
    atsmatrix run
    ```

    Digest of `matrix.yaml` as run: `0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f`.

    ## Matrix

    | distro | OpenSSL at run time | 8.1.11 | 9.2.5 | 9.2.5-backport | 9.2.9 |
    |---|---|---|---|---|---|
    | debian-12 | 3.0.20 | · | pass | pass | [flaky](#debian-12/9.2.9) |
    | debian-13 | 3.5.7 | · | [fail (expected)](#debian-13/9.2.5) | [PASS?! (expected fail)](#debian-13/9.2.5-backport) | [error](#debian-13/9.2.9) |
    | debian-14 | 3.6.5 | · | [fail](#debian-14/9.2.5) | · | pass |
    | fedora-40 |  | · | [unavailable (optional)](#fedora-40/9.2.5) | [unavailable (optional)](#fedora-40/9.2.5-backport) | [unavailable (optional)](#fedora-40/9.2.9) |
    | forecast |  | · | · | · | [unbuildable](#forecast/9.2.9) |

    ## Findings

    ### <a id="debian-12/9.2.9"></a>debian-12/9.2.9: flaky

    1 of 5 trials did not pass; controls passed (2 of 2).

    - **keepalive-race** (flaky): 502, then 200

    ```text
    client: 502 Server Hangup
    ```

    Unknown: no known issue matches keepalive-race. See `atsmatrix explain debian-12/9.2.9`.

    ### <a id="debian-13/9.2.5"></a>debian-13/9.2.5: fail (expected)

    3 of 4 trials did not pass; controls passed (2 of 2).

    - **tls-get** (fail): 502 Invalid argument
    - **tls12-only** (fail): 502 Invalid argument
    - **tls13-only** (fail): 502 Invalid argument

    ```text
    client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host='https-remote.test' connection_result=Invalid argument [22] error=Invalid argument [22]
    ```

    Known issue (certain): [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>), Outgoing HTTPS fails with OpenSSL 3.2 and later. Fixed in 9.2.7. What to do: upgrade ATS to 9.2.7 or later before the distro.

    Expected in `matrix.yaml`: fail; OpenSSL 3.2 and later break outgoing TLS ([link](<https://github.com/apache/trafficserver/issues/11465>)).

    ### <a id="debian-13/9.2.5-backport"></a>debian-13/9.2.5-backport: PASS?! (expected fail)

    all 4 trials passed; controls passed (2 of 2).

    Expected in `matrix.yaml`: fail; the backport was incomplete ([link](<https://github.com/apache/trafficserver/issues/11465>)). This is out of date: correct `expect` in `matrix.yaml`.

    ### <a id="debian-13/9.2.9"></a>debian-13/9.2.9: error

    ```text
    the origin did not answer the direct control
    ```

    all 4 trials passed; 1 of 2 controls did not pass.

    - **ctl-direct-tls** (error, control): connection refused

    ```text
    client: connect: connection refused
    ```

    ### <a id="debian-14/9.2.5"></a>debian-14/9.2.5: fail

    3 of 4 trials did not pass; controls passed (2 of 2).

    - **tls-get** (fail): 502 Invalid argument
    - **tls12-only** (fail): 502 Invalid argument
    - **tls13-only** (fail): 502 Invalid argument

    ```text
    client: 502 Invalid argument
    wire: S, S., ., F. after 0 bytes to the origin
    error.log: CONNECT: attempt fail [CONNECTION_ERROR] to ORIGIN for host='https-remote.test' connection_result=Invalid argument [22] error=Invalid argument [22]
    ```

    Known issue (certain): [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>), Outgoing HTTPS fails with OpenSSL 3.2 and later. Fixed in 9.2.7. What to do: upgrade ATS to 9.2.7 or later before the distro.

    ### <a id="forecast/9.2.9"></a>forecast/9.2.9: unbuildable

    ```text
    X509HostnameValidator.cc:107: error: invalid use of incomplete type 'ASN1_STRING'
    ```

    Known issue (looks like): [ATS-13471](<https://github.com/apache/trafficserver/pull/13471>), Does not compile with OpenSSL 4.0. Fixed in 10.2.0. What to do: stay on OpenSSL 3.

    ## Unavailable

    - <a id="fedora-40/9.2.5"></a>fedora-40/9.2.5 (optional), <a id="fedora-40/9.2.5-backport"></a>fedora-40/9.2.5-backport (optional), <a id="fedora-40/9.2.9"></a>fedora-40/9.2.9 (optional): cannot pull registry.fedoraproject.org/fedora:40: no such host

    ## Known issues

    | issue | title | fixed in | what to do | cells |
    |---|---|---|---|---|
    | [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>) | Outgoing HTTPS fails with OpenSSL 3.2 and later | 9.2.7 | upgrade ATS to 9.2.7 or later before the distro | [debian-13/9.2.5](#debian-13/9.2.5), [debian-14/9.2.5](#debian-14/9.2.5) |
    | [ATS-13471](<https://github.com/apache/trafficserver/pull/13471>) | Does not compile with OpenSSL 4.0 | 10.2.0 | stay on OpenSSL 3 | [forecast/9.2.9](#forecast/9.2.9) |

    ## Provenance

    As found at run time inside the cell, not as declared.

    | cell | distro | kernel | libc | OpenSSL loaded | ATS reported | ATS from | ATS image | recipe |
    |---|---|---|---|---|---|---|---|---|
    | debian-12/9.2.5 | Debian GNU/Linux 12 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.0.20 (libssl3t64 3.0.20-1\~deb12u1) | 9.2.5 | trafficserver-9.2.5.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-12/9.2.5-backport | Debian GNU/Linux 12 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.0.20 (libssl3t64 3.0.20-1\~deb12u1) | 9.2.5 | trafficserver-9.2.5.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-12/9.2.9 | Debian GNU/Linux 12 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.0.20 (libssl3t64 3.0.20-1\~deb12u1) | 9.2.9 | trafficserver-9.2.9.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-13/9.2.5 | Debian GNU/Linux 13 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.5.7 (libssl3t64 3.5.7-1\~deb13u1) | 9.2.5 | trafficserver-9.2.5.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-13/9.2.5-backport | Debian GNU/Linux 13 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.5.7 (libssl3t64 3.5.7-1\~deb13u1) | 9.2.5 | trafficserver-9.2.5.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-13/9.2.9 | Debian GNU/Linux 13 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.5.7 (libssl3t64 3.5.7-1\~deb13u1) | 9.2.9 | trafficserver-9.2.9.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-14/9.2.5 | Debian GNU/Linux 14 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.6.5 (libssl3t64 3.6.5-1\~deb14u1) | 9.2.5 | trafficserver-9.2.5.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |
    | debian-14/9.2.9 | Debian GNU/Linux 14 | 6.1.0-40-amd64 | glibc 2.41 (libc6 2.41-12) | 3.6.5 (libssl3t64 3.6.5-1\~deb14u1) | 9.2.9 | trafficserver-9.2.9.tar.bz2 sha256:4c1f | abababababab | cdcdcdcdcdcd |

    ## Legend

    Verdict of a cell:

    - **pass**: every applicable trial passed, apart from known limitations
    - **fail**: a trial failed, then failed again in a fresh ATS, while the controls that bypass ATS passed
    - **unbuildable**: this ATS cannot be built or installed on this distro
    - **broken**: after the upgrade of the distro this ATS is gone or does not start
    - **flaky**: a trial failed, then passed, or the other way round
    - **error**: atsmatrix, the engine or the origin broke: says nothing about ATS
    - **unavailable**: something it needs could not be obtained: says nothing about ATS
    - **(expected)**: matrix.yaml expects exactly this; it still closes the gate
    - **PASS?!**: an unexpected pass, or a known limitation that is gone: its declaration is out of date
    - **known limitation**: a trial fails because of a known issue that affects this ATS on every distro
    - **?!**: not what matrix.yaml expects
    - **(optional)**: it may be missing without failing the run
    - **·**: not in these results

    Outcome of a trial:

    - **pass**: every check passed
    - **fail**: a check failed twice, each time in a fresh ATS, while the controls that bypass ATS passed
    - **known limitation**: it failed twice because of a known issue that affects this ATS on every distro
    - **flaky**: it failed, then passed when repeated, or the other way round
    - **error**: atsmatrix, the engine or the origin broke: says nothing about ATS
    - **unsupported**: this ATS does not support it, by its version and features
    - **skipped**: not reached
    "#);
}

#[test]
fn the_order_of_cells_does_not_change_the_page() {
    let mut result = fixture::matrix();
    let page = render(&result);
    for _ in 0..result.cells.len() {
        result.cells.rotate_left(1);
        assert_eq!(render(&result), page);
    }
}

#[test]
fn empty_sections_are_omitted() {
    let mut result = fixture::matrix();
    result.cells.retain(|cell| cell.id.to_string() == "debian-12/9.2.5");
    let page = render(&result);
    for heading in ["## Findings", "## Unavailable", "## Known issues"] {
        assert!(!page.contains(heading), "{heading}");
    }
}

#[test]
fn every_link_within_the_page_has_an_anchor() {
    let page = render(&fixture::matrix());
    let links: Vec<&str> = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 10);
    for link in links {
        assert!(page.contains(&format!("<a id=\"{link}\"></a>")), "{link}");
    }
}

#[test]
fn hostile_text_is_escaped() {
    let hostile = "``` \u{1b}[2J\u{202e}\n</details><script>alert(1)</script> | a | [x](javascript:1)\n# Forged";
    let mut result = fixture::matrix();
    for cell in &mut result.cells {
        cell.reason = Some(hostile.into());
        for trial in &mut cell.trials {
            trial.summary = hostile.into();
            trial.evidence = vec![hostile.into(), "~".repeat(100_000)];
        }
        for issue in &mut cell.known_issues {
            (issue.title, issue.link) = (hostile.into(), "javascript:alert(1)".into());
        }
        if let Some(release) = &mut cell.provenance.distro {
            release.name = hostile.into();
        }
    }
    let page = render(&result);
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!page.contains('\u{202e}') && !page.contains("\n# Forged"));
    assert!(page.lines().all(|line| line.len() < 8 * LINE), "unbounded");
    let mut fence = None;
    for line in page.lines() {
        match &fence {
            None if line.starts_with("```") => fence = Some(line.trim_end_matches(char::is_alphabetic).to_owned()),
            None => {
                let live = line.replace("\\]", "");
                assert!(!live.contains("<script") && !live.contains("](javascript"), "{line}");
            }
            Some(open) if line == open => fence = None,
            Some(_) => (),
        }
    }
    assert_eq!(fence, None, "a fence was left open");
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table: Vec<usize> = page
        .lines()
        .skip_while(|line| !line.starts_with("| cell |"))
        .take_while(|line| line.starts_with('|'))
        .map(columns)
        .collect();
    assert!(table.len() > 3 && table.iter().all(|count| *count == 10), "{table:?}");
}

#[test]
fn bisections_are_listed_and_marked_if_out_of_date() {
    let (mut result, found) = (fixture::matrix(), crate::words::bisection::fixture::bisection());
    assert_eq!(with_bisections(&result, &[]), render(&result));
    let page = with_bisections(&result, std::slice::from_ref(&found));
    let line =
        "- [debian-13/9.2.5](#debian-13/9.2.5), tls-remote-origin: found, confirmed both ways: openssl decides it";
    assert!(page.contains(line), "{page}");
    let cell = result.cells.iter_mut().find(|cell| cell.id == found.bad).unwrap();
    cell.trials.truncate(1);
    (cell.trials[0].id, cell.trials[0].outcome) = (found.trial.clone(), crate::model::Outcome::Pass);
    let page = with_bisections(&result, &[found]);
    assert!(page.contains("**Out of date**: debian-13/9.2.5 no longer fails tls-remote-origin"), "{page}");
}
