use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::model::{Confidence, IssueMatch, Library, Provenance, SCHEMA_VERSION, TrialResult};
use crate::verdict::{self, Terms, surprises};

const TRIALS: [&str; 3] = ["tls-a", "tls-b", "http-c"];

const HEAD: &str = "\
version: 1
distros:
  debian-12: { family: debian, image: x }
  debian-13: { family: debian, image: x }
  fedora-40: { family: fedora, image: x, optional: true }
ats:
  \"9.2.5\":
    sources: [{ on: [\"*\"], image: { reference: x } }]
";

fn matrix(expect: &str) -> (String, Matrix) {
    let text = format!("{HEAD}{expect}");
    let matrix = Matrix::parse("matrix.yaml", &text).unwrap_or_else(|found| panic!("{text}{}", found[0]));
    (text, matrix)
}

/// One letter a trial: pass, fail, flaky (`~`), error, skipped, unsupported, not run (`.`); `!` cannot be built, `?` is unavailable.
fn cell(id: &str, openssl: &str, outcomes: &str) -> CellResult {
    let outcome = |letter| match letter {
        'p' => Some(Outcome::Pass),
        'f' => Some(Outcome::Fail),
        '~' => Some(Outcome::Flaky),
        'e' => Some(Outcome::Error),
        's' => Some(Outcome::Skipped),
        'u' => Some(Outcome::Unsupported),
        _ => None,
    };
    let trials: Vec<TrialResult> = TRIALS
        .iter()
        .zip(outcomes.chars())
        .filter_map(|(id, letter)| {
            let (id, summary) = ((*id).to_owned(), "502 Invalid argument".to_owned());
            Some(TrialResult {
                id,
                outcome: outcome(letter)?,
                control: false,
                limitation: None,
                definition: None,
                summary,
                evidence: Vec::new(),
            })
        })
        .collect();
    let openssl = Library { version: openssl.into(), path: String::new(), package: None };
    let (verdict, provenance) = match outcomes {
        "!" => (Verdict::Unbuildable, Provenance::default()),
        "?" => (Verdict::Unavailable, Provenance::default()),
        _ => (verdict::of_trials(&trials), Provenance { openssl: Some(openssl), ..Provenance::default() }),
    };
    CellResult {
        id: id.parse().unwrap(),
        verdict,
        reason: None,
        expected: None,
        optional: false,
        trials,
        known_issues: Vec::new(),
        provenance,
    }
}

fn row(twelve: &str, thirteen: &str, fedora: &str) -> Vec<CellResult> {
    vec![
        cell("debian-12/9.2.5", "3.0.20", twelve),
        cell("debian-13/9.2.5", "3.5.7", thirteen),
        cell("fedora-40/9.2.5", "3.2.1", fedora),
    ]
}

fn today() -> Date {
    "2026-11-23".parse().unwrap()
}

/// The `expect` part after an update from `cells`, with which nothing is unexpected.
fn updated(expect: &str, cells: &[CellResult]) -> String {
    let (text, matrix) = matrix(expect);
    let changes = changes(&matrix, cells, &TRIALS, today());
    let (text, after) = matrix.edited(&text, &changes.edits).unwrap();
    let result = MatrixResult {
        schema: SCHEMA_VERSION,
        matrix: matrix.digest.clone(),
        distros: matrix.distros.iter().map(|distro| distro.id.clone()).collect(),
        ats: matrix.ats.iter().map(|ats| ats.id.clone()).collect(),
        cells: cells.to_vec(),
    };
    let restated = restated(&result, &after);
    assert_eq!(restated.matrix, after.digest);
    for cell in &restated.cells {
        let terms = Terms { trials: &TRIALS, ..Terms::default() };
        let found: Vec<String> = surprises(cell, &terms).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{}: {found:?}\n{text}", cell.id);
    }
    let again = super::changes(&after, cells, &TRIALS, today());
    assert_eq!(again.edits, [], "a second update changes nothing\n{text}");
    text[HEAD.len()..].to_owned()
}

const SEED: &str = "
expect:
  # The seed bug.
  - ats: [\"9.2.5\"]
    openssl: \">=3.2\"
    trials: [\"tls-*\"]
    verdict: fail
    reason: OpenSSL 3.2
";

#[test]
fn entries_that_are_met_are_kept() {
    assert_eq!(updated(SEED, &row("ppp", "ffp", "?")), SEED);
    assert_eq!(updated(SEED, &row("ppp", "fpp", "?")), SEED, "a pattern covers trials that may fail");
}

#[test]
fn outdated_entries_are_removed_and_partly_outdated_ones_are_reduced() {
    assert_eq!(updated(SEED, &row("ppp", "ppp", "?")), "\nexpect: []\n  # The seed bug.\n");
    assert!(updated(SEED, &row("ppp", "ppp", "ffp")).ends_with("    except: [debian-13/9.2.5]\n"));
    let named = SEED.replace("openssl: \">=3.2\"", "cells: [debian-13/9.2.5, fedora-40/9.2.5]");
    assert!(updated(&named, &row("ppp", "ppp", "ffp")).contains("    cells: [fedora-40/9.2.5]\n"));
}

#[test]
fn what_did_not_run_changes_nothing() {
    for cells in [
        row("ppp", "pef", "?"),
        row("ppp", "sp~", "?"),
        row("ppp", "?", "?"),
        row("ppp", "p..", "?"),
        row("ppp", "..p", "?"),
        Vec::new(),
    ] {
        let (_, matrix) = matrix(SEED);
        let changes = changes(&matrix, &cells, &TRIALS, today());
        assert!(changes.edits.iter().all(|edit| matches!(edit, Edit::Add(_))), "{changes:?}");
        assert_eq!(changes.unjudged, [0]);
    }
}

fn seed_bug(confidence: Confidence, trials: &[&str]) -> IssueMatch {
    IssueMatch {
        id: "ATS-11465".into(),
        title: "fast-open: broken".into(),
        link: "https://github.com/apache/trafficserver/issues/11465".into(),
        fixed_in: "9.2.7".into(),
        way_out: "upgrade".into(),
        confidence,
        of_parent: false,
        trials: trials.iter().map(|id| (*id).to_owned()).collect(),
        workarounds: Vec::new(),
    }
}

const BY_ISSUE: &str = "
expect:
  # The seed bug.
  - ats: [\"9.2.5\"]
    openssl: \">=3.2\"
    issue: ATS-11465
    verdict: fail
    reason: OpenSSL 3.2
";

#[test]
fn an_entry_about_an_issue_is_kept_while_the_issue_shows_and_excuses_nothing_else() {
    let with = |trials: &[&str], confidence| {
        let mut cells = row("ppp", "fff", "?");
        cells[1].known_issues.push(seed_bug(confidence, trials));
        updated(BY_ISSUE, &cells)
    };
    assert_eq!(with(&["tls-a", "tls-b", "http-c"], Confidence::Certain), BY_ISSUE);
    let stray = with(&["tls-a", "tls-b"], Confidence::Certain);
    assert!(stray.starts_with(BY_ISSUE) && stray.contains("    trials: [http-c]\n    verdict: fail\n"), "{stray}");
    // It may still be that issue, but it is not excused: a person has to decide.
    let doubted = with(&["tls-a", "tls-b", "http-c"], Confidence::LooksLike);
    assert!(doubted.starts_with(BY_ISSUE) && doubted.contains("    trials: [tls-a, tls-b, http-c]\n"), "{doubted}");
    let gone = updated(BY_ISSUE, &row("ppp", "ppp", "?"));
    assert_eq!(gone, "\nexpect: []\n  # The seed bug.\n");
    let other = updated(BY_ISSUE, &row("ppp", "fff", "?"));
    assert!(other.contains("not explained yet") && !other.contains("ATS-11465"), "{other}");
}

#[test]
fn a_lifted_limitation_gets_an_entry_and_loses_it_when_the_limitation_is_back() {
    let limited = |outcome| {
        let mut cells = row("ppp", "?", "?");
        (cells[0].trials[2].outcome, cells[0].trials[2].limitation) = (outcome, Some("ATS-11758".into()));
        cells
    };
    assert_eq!(updated("", &limited(Outcome::Limitation)), "");
    let gone = updated("", &limited(Outcome::Pass));
    assert_snapshot!(gone, @r#"
    expect:
      - cells: [debian-12/9.2.5]
        trials: [http-c]
        issue: ATS-11758
        verdict: pass
        reason: "not explained yet: passes although ATS-11758 is known to limit this ATS"
    "#);
    assert_eq!(updated(&gone, &limited(Outcome::Pass)), gone);
    assert_eq!(updated(&gone, &limited(Outcome::Limitation)), "\nexpect: []\n");
}

#[test]
fn new_failures_get_entries_with_the_known_issue_or_the_symptom() {
    let mut cells = row("ppf", "ffp", "!");
    cells[1].known_issues.push(seed_bug(Confidence::Certain, &["tls-a", "tls-b"]));
    cells[2].reason = Some("X509.cc:1: error:\u{1b} incomplete".into());
    assert_snapshot!(updated("", &cells), @r#"
    expect:
      - cells: [debian-12/9.2.5]
        trials: [http-c]
        verdict: fail
        reason: "not explained yet: 502 Invalid argument"
      - cells: [debian-13/9.2.5]
        issue: ATS-11465
        verdict: fail
        reason: "fast-open: broken"
        link: https://github.com/apache/trafficserver/issues/11465
      - cells: [fedora-40/9.2.5]
        verdict: unbuildable
        reason: "not explained yet: X509.cc:1: error:  incomplete"
    "#);
}

#[test]
fn unexplained_failures_of_a_cell_get_one_entry() {
    let mut cells = row("pff", "pff", "?");
    cells[0].trials[1].summary = "no response".into();
    cells[1].trials[1].summary = "no response".into();
    let text = updated("", &cells);
    assert!(text.contains("cells: [debian-12/9.2.5, debian-13/9.2.5]\n    trials: [tls-b, http-c]\n"), "{text}");
    assert_eq!(text.matches("not explained yet: no response").count(), 1);
}

#[test]
fn trials_named_in_full_are_judged_one_by_one() {
    let named = SEED.replace("\"tls-*\"", "tls-a, tls-b");
    assert_snapshot!(updated(&named, &row("ppp", "fpp", "ffp")), @r#"
    expect:
      # The seed bug.
      - ats: ["9.2.5"]
        openssl: ">=3.2"
        trials: [tls-a]
        verdict: fail
        reason: OpenSSL 3.2
      - cells: [fedora-40/9.2.5]
        trials: [tls-b]
        verdict: fail
        reason: OpenSSL 3.2
    "#);
    assert_snapshot!(updated(&named, &row("ppp", "fpp", "?")), @r#"
    expect:
      # The seed bug.
      - ats: ["9.2.5"]
        openssl: ">=3.2"
        trials: [tls-a]
        verdict: fail
        reason: OpenSSL 3.2
    "#);
    assert_snapshot!(updated(&named, &row("ppp", "fpp", "pfp")), @"
    expect:
      # The seed bug.
      - cells: [debian-13/9.2.5]
        trials: [tls-a]
        verdict: fail
        reason: OpenSSL 3.2
      - cells: [fedora-40/9.2.5]
        trials: [tls-b]
        verdict: fail
        reason: OpenSSL 3.2
    ");
}

#[test]
fn an_expired_entry_is_left_to_a_person() {
    let expect = SEED.replace("    reason", "    expires: 2026-11-22\n    reason");
    let (_, matrix) = matrix(&expect);
    let changes = |cells: &[CellResult]| changes(&matrix, cells, &TRIALS, today());
    let still = changes(&row("ppp", "ffp", "?"));
    assert_eq!((still.edits.len(), still.expired.len(), still.is_empty()), (0, 1, false));
    assert_snapshot!(outline(&still, &matrix, false).text(), @"
    expired: nothing to update, but a person has to review these entries
      expired 2026-11-22: matrix.yaml:12: OpenSSL 3.2
        it still applies: fix the cause, or set a later `expires` and a new reason
    ");
    assert_eq!(changes(&row("ppp", "ppp", "?")).edits, [Edit::Remove { entry: 0 }]);
}

#[test]
fn changes_are_rendered() {
    let (_, matrix) = matrix(SEED);
    let rendered = |cells: &[CellResult]| outline(&changes(&matrix, cells, &TRIALS, today()), &matrix, false).text();
    assert_snapshot!(rendered(&row("ppf", "ppp", "ffp")), @"
    2 changes: atsmatrix expect --update makes them
      out of date in debian-13/9.2.5: matrix.yaml:12: OpenSSL 3.2
      new fail in debian-12/9.2.5: not explained yet: 502 Invalid argument
        http-c
    ");
    assert_snapshot!(rendered(&row("ppp", "ffp", "?")), @"
    as expected: the results and matrix.yaml agree
    ");
    assert_snapshot!(rendered(&row("ppp", "?", "?")), @"
    as expected: the results and matrix.yaml agree
      not judged, no result covers it: matrix.yaml:12: OpenSSL 3.2
    ");
}

fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[pf~]{3}", 1 => Just("!".to_owned()), 1 => Just("?".to_owned()), 1 => "[pf.]{3}", 2 => "[pf~esu]{3}"]
}

fn any_entry() -> impl Strategy<Value = String> {
    let about = prop::sample::select(vec![
        "ats: [\"9.2.5\"]",
        "openssl: \">=3.2\"",
        "distro: [\"debian-*\"]",
        "cells: [debian-13/9.2.5, \"fedora-*/*\"]",
        "cells: [debian-12/9.2.5, debian-13/9.2.5]",
    ]);
    let trials = prop::sample::select(vec![
        "",
        "    trials: [\"tls-*\"]\n",
        "    trials: [tls-a, tls-b]\n",
        "    trials:\n      - http-c   # alone\n      - \"*-a\"\n",
    ]);
    let issue = prop::sample::select(vec!["", "    issue: ATS-11465\n"]);
    let verdict = prop::sample::select(vec!["fail", "flaky", "unbuildable"]);
    (about, trials, issue, verdict).prop_map(|(about, trials, issue, verdict)| {
        // What cannot be built has no versions, no trials and no issue.
        let (about, trials, issue) = match verdict {
            "unbuildable" => (if about.starts_with("openssl") { "ats: [\"9.2.5\"]" } else { about }, "", ""),
            _ => (about, trials, issue),
        };
        format!("  # A comment.\n  - {about}\n{trials}{issue}    verdict: {verdict}\n    reason: why\n")
    })
}

/// A known issue that shows in some trials of a cell, with any confidence.
fn any_issue() -> impl Strategy<Value = Option<IssueMatch>> {
    let confidence = prop::sample::select(vec![Confidence::Certain, Confidence::LooksLike]);
    let trials = prop::sample::subsequence(TRIALS.to_vec(), 1..=TRIALS.len());
    prop::option::of((confidence, trials).prop_map(|(confidence, trials)| seed_bug(confidence, &trials)))
}

proptest! {
    #[test]
    fn after_an_update_nothing_is_unexpected_and_comments_are_kept(
        cells in (any_cell(), any_cell(), any_cell()), issues in prop::array::uniform3(any_issue()), entries in prop::collection::vec(any_entry(), 0..4),
    ) {
        let mut cells = row(&cells.0, &cells.1, &cells.2);
        for (cell, issue) in cells.iter_mut().zip(issues) {
            cell.known_issues.extend(issue);
        }
        let expect = if entries.is_empty() { String::new() } else { format!("\nexpect:\n{}", entries.concat()) };
        let text = updated(&expect, &cells);
        prop_assert_eq!(text.matches("# A comment.").count(), entries.len());
    }
}
