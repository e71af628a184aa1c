use super::*;
use crate::model::TrialResult;
use crate::report;

fn shipped() -> (Matrix, MatrixResult) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let results = std::fs::read(root.join("results/matrix.json")).unwrap();
    (Matrix::parse("matrix.yaml", &text).unwrap(), report::json::read(&results).unwrap())
}

fn of<'a>(predictions: &'a Predictions, cell: &str) -> &'a Prediction {
    predictions.cells.iter().find(|prediction| prediction.cell.to_string() == cell).unwrap()
}

fn failing(prediction: &Prediction) -> Vec<&str> {
    let fails = |strike: &&Strike| matches!(strike.effect, IssueEffect::Fails | IssueEffect::Unbuildable);
    prediction.strikes.iter().filter(fails).map(|strike| strike.issue).collect()
}

#[test]
fn the_seed_bug_is_predicted_where_no_image_can_be_had() {
    let (matrix, _) = shipped();
    let predictions = Predictions::of(&matrix, None, |_| true);
    assert_eq!(predictions.cells.len(), matrix.cells().count());
    for (cell, outlook, issues) in [
        ("fedora-39/9.2.5", Outlook::NoKnownFailure, [].as_slice()),
        ("fedora-40/9.2.5", Outlook::Fail, &["ATS-11465"]),
        // What Fedora 41 does to SHA-1 has never been run.
        ("fedora-41/9.2.5", Outlook::Fail, &["ATS-11465", "FED-SHA1"]),
        ("fedora-41/9.2.9", Outlook::MayFail, &["FED-SHA1"]),
        ("rocky-9/9.2.5", Outlook::Fail, &["ATS-11465"]),
        ("fedora-40/9.2.7", Outlook::NoKnownFailure, &[]),
        ("fedora-40/9.2.9", Outlook::NoKnownFailure, &[]),
        // Nothing states the OpenSSL of a Debian row, to run with or to build with: a run finds it.
        ("debian-13/9.2.5", Outlook::MayFail, &["ATS-11465", "ATS-13427"]),
        ("debian-13/9.2.5-backport", Outlook::MayFail, &["ATS-13427"]),
        ("debian-sid-openssl4/9.2.9", Outlook::Unbuildable, &["ATS-13427"]),
    ] {
        let prediction = of(&predictions, cell);
        assert_eq!((prediction.outlook, failing(prediction).as_slice()), (outlook, issues), "{cell}");
    }
    let fedora = of(&predictions, "fedora-40/9.2.5");
    assert_eq!(fedora.facts.openssl.as_ref().unwrap().origin, VersionSource::Declared);
}

/// What the known issues say of the versions that ran agrees with every answer of the committed results.
#[test]
fn predictions_agree_with_the_committed_results() {
    let (matrix, results) = shipped();
    let predictions = Predictions::of(&matrix, Some(&results), |_| true);
    let mut answered = 0;
    for prediction in &predictions.cells {
        let Some(verdict) = prediction.result else { continue };
        let outlook = match verdict {
            Verdict::Pass => Outlook::NoKnownFailure,
            // It ends when it reloads a certificate, which no known issue describes.
            Verdict::Fail if prediction.cell.to_string() == "ubuntu-22.04/9.1.1" => Outlook::NoKnownFailure,
            Verdict::Fail => Outlook::Fail,
            Verdict::Unbuildable => Outlook::Unbuildable,
            other => panic!("{}: {other}", prediction.cell),
        };
        assert_eq!(prediction.outlook, outlook, "{prediction:?}");
        assert!(prediction.contradictions.is_empty(), "{prediction:?}");
        answered += 1;
    }
    assert!(answered >= 10, "{answered}");
    let result = |cell: &str| results.cells.iter().find(|result| result.id.to_string() == cell).unwrap();
    for cell in ["debian-13/9.2.5", "ubuntu-26.04/9.2.3"] {
        let certain = result(cell).known_issues.iter().filter(|it| it.confidence == Confidence::Certain);
        let strikes = of(&predictions, cell).strikes.iter().filter(|strike| strike.certain);
        let predicted: Vec<&str> = strikes.map(|strike| strike.issue).collect();
        assert!(certain.map(|it| it.id.as_str()).all(|id| predicted.contains(&id)), "{cell}: {predicted:?}");
    }
}

#[test]
fn a_found_version_counts_more_than_a_declared_one_and_lends_itself_to_its_row() {
    let (mut matrix, results) = shipped();
    let declared = |matrix: &mut Matrix, version: &str| {
        for distro in &mut matrix.distros {
            distro.openssl = Some(version.to_owned());
        }
    };
    declared(&mut matrix, "3.0.0");
    let predictions = Predictions::of(&matrix, Some(&results), |_| true);
    let found = of(&predictions, "debian-13/9.2.5");
    assert_eq!((found.outlook, found.facts.openssl.as_ref().unwrap().origin), (Outlook::Fail, VersionSource::Found));
    // 9.2.7 has no answer in the results; its row has.
    let row = of(&predictions, "debian-13/9.2.7");
    assert_eq!(row.facts.openssl.as_ref().unwrap().origin, VersionSource::FoundInRow);
    assert_eq!(of(&predictions, "fedora-40/9.2.5").outlook, Outlook::NoKnownFailure);
}

#[test]
fn a_pass_that_a_known_issue_rules_out_and_a_failure_outside_of_its_versions_are_contradictions() {
    let (matrix, mut results) = shipped();
    let cell = results.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-13/9.2.5").unwrap();
    cell.verdict = Verdict::Pass;
    let pass = Predictions::of(&matrix, Some(&results), |_| true);
    assert_eq!(of(&pass, "debian-13/9.2.5").contradictions, [Contradiction::Passed("ATS-11465")]);
    assert!(outline(&pass, false).text().contains("contradiction: the cell passed, although ATS-11465 affects"));

    // Without the trials that show it, a pass contradicts nothing.
    let cell = results.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-13/9.2.5").unwrap();
    cell.trials.retain(|trial: &TrialResult| trial.id != "tls12-only");
    let partial = Predictions::of(&matrix, Some(&results), |_| true);
    assert!(of(&partial, "debian-13/9.2.5").contradictions.is_empty());

    let matched = results.cells.iter().flat_map(|cell| &cell.known_issues).find(|it| it.id == "ATS-11465").unwrap();
    let like = crate::model::IssueMatch { confidence: Confidence::LooksLike, ..matched.clone() };
    let cell = results.cells.iter_mut().find(|cell| cell.id.to_string() == "debian-12/9.2.9").unwrap();
    cell.known_issues.push(like);
    let outside = Predictions::of(&matrix, Some(&results), |_| true);
    assert_eq!(of(&outside, "debian-12/9.2.9").contradictions, [Contradiction::Outside("ATS-11465".into())]);
}

#[test]
fn the_words_say_what_it_rests_on_and_what_to_do() {
    let (matrix, _) = shipped();
    let one = Predictions::of(&matrix, None, |cell| cell.to_string() == "fedora-40/9.2.5");
    insta::assert_snapshot!(outline(&one, false).text(), @"
    1 cell: 1 fail
      predicted from versions and known issues; nothing was run, and no gate takes this for a result
    fedora-40/9.2.5: predicted fail, ATS-11465
      OpenSSL 3.2 (declared), ATS 9.2.5 (declared)
      ATS-11465 (https://github.com/apache/trafficserver/issues/11465): on OpenSSL 3.2 and later ATS closes every connection to a TLS origin before the ClientHello
        trials fail
        what to do: upgrade ATS to 9.2.7 or later (or a build with the backport) before OpenSSL reaches 3.2: ATS first, then the distro
    ");
    assert!(outline(&one, true).text().contains("known limitation"));
    assert!(json(&one).contains("\"outlook\": \"fail\""), "{}", json(&one));
}

/// Fedora's 9.2.6-1 has the bug and 9.2.6-2 has not: of a pattern nobody knows which it will be.
#[test]
fn of_a_pattern_of_packages_or_a_range_of_versions_nothing_is_certain() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("matrix.yaml")).unwrap();
    let outlook = |from: &str, to: &str, cell: &str| {
        assert!(text.contains(from), "{from}");
        let matrix = Matrix::parse("matrix.yaml", &text.replace(from, to)).unwrap();
        of(&Predictions::of(&matrix, None, |_| true), cell).outlook
    };
    let exact = "{ name: trafficserver, version: 9.2.5-1.fc41 }";
    assert_eq!(outlook(exact, exact, "fedora-41/9.2.5"), Outlook::Fail);
    for to in ["{ name: trafficserver, version: \"9.2.6-*\" }", "{ name: trafficserver, version: latest }"] {
        assert_eq!(outlook(exact, to, "fedora-41/9.2.5"), Outlook::MayFail, "{to}");
    }
    let ranged = format!("{exact}\n        reports: \">=9.2.5,<9.3\"");
    assert_eq!(outlook(exact, &ranged, "fedora-41/9.2.5"), Outlook::MayFail);
}

#[test]
fn cells_without_a_result_are_predicted_in_a_line_for_each_outlook() {
    let (matrix, results) = shipped();
    let said = |takes: fn(&CellId) -> bool| {
        unanswered(&Predictions::of(&matrix, Some(&results), takes)).map(|outline| outline.text())
    };
    let fedora = said(|cell| cell.distro.as_str().starts_with("fedora-4")).unwrap();
    assert!(fedora.contains("\n  fail, ATS-11465: fedora-40/9.2.5\n"), "{fedora}");
    assert!(fedora.contains("\n  fail, ATS-11465, FED-SHA1: fedora-41/9.2.5, fedora-42/9.2.5\n"), "{fedora}");
    assert_eq!(said(|cell| cell.to_string() == "debian-13/9.2.5"), None, "it has a result");
    assert_eq!(said(|cell| cell.to_string() == "fedora-39/9.2.5"), None, "no known issue");
}
