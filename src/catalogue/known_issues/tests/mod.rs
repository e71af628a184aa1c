//! Every known issue against its scenes, and the rules of matching.

mod mutants;
mod scene;

use std::collections::BTreeSet;
use std::path::Path;

use scene::Scene;

use super::*;
use crate::model::{TrialResult, WorkaroundTried};

/// The scenes of an issue.
fn scenes(issue: &KnownIssue) -> Vec<Scene> {
    let name = issue.id.to_ascii_lowercase().replace('-', "_");
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/known_issues/issues").join(format!("{name}.scenes"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    scene::read(&text)
}

/// What a scene matches of one issue: `certain a b`, `looks like a`, both separated by ` ; `, or `nothing`.
fn matched(scene: &Scene, id: &str) -> String {
    let found = scene.diagnose(KNOWN_ISSUES).into_iter().filter(|found| found.id == id);
    let texts: Vec<String> = found
        .map(|found| [vec![found.confidence.to_string()], found.trials].concat().join(" ").trim_end().to_owned())
        .collect();
    if texts.is_empty() { "nothing".into() } else { texts.join(" ; ") }
}

#[test]
fn every_known_issue_matches_its_scenes_and_not_those_of_its_neighbours() {
    let mut wrong = Vec::new();
    for issue in KNOWN_ISSUES {
        for scene in scenes(issue) {
            let matched = matched(&scene, issue.id);
            if matched != scene.expected {
                wrong.push(format!("{}: {}: {matched}, not {}", issue.id, scene.title, scene.expected));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_known_issue_has_scenes_that_match_and_scenes_that_do_not() {
    for issue in KNOWN_ISSUES {
        let scenes = scenes(issue);
        let seen = |scene: &&Scene| scene.expected != "nothing";
        assert!(scenes.iter().any(|scene| seen(&scene)), "{} has no scene that matches", issue.id);
        assert!(!scenes.iter().all(|scene| seen(&scene)), "{} has no scene of a neighbour", issue.id);
        let builds = matches!(issue.shows, Shows::Build(_));
        let best = if builds { "looks like" } else { "certain" };
        assert!(scenes.iter().any(|scene| scene.expected.starts_with(best)), "{} is never {best}", issue.id);
    }
}

#[test]
fn no_scene_of_one_issue_is_a_certain_match_of_another() {
    for issue in KNOWN_ISSUES {
        for scene in &scenes(issue) {
            let others = scene.diagnose(KNOWN_ISSUES).into_iter().filter(|found| found.id != issue.id);
            let certain: Vec<String> =
                others.filter(|found| found.confidence == Confidence::Certain).map(|found| found.id).collect();
            assert!(certain.is_empty(), "{}: {}: {certain:?}", issue.id, scene.title);
        }
    }
}

#[test]
fn a_certain_match_of_two_issues_is_certain_of_neither() {
    use Confidence::{Certain, LooksLike};
    let text = "scene one cause, named twice\nats 9.2.5\nopenssl 3.5.7\ncontrol ctl-direct-tls pass\n\
                trial tls-remote-origin fail\n answer 502 Invalid argument\n unheard\n\
                trial tls12-only fail\n answer 502 Invalid argument\n unheard\nexpect nothing";
    let scene = scene::read(text).remove(0);
    let own = by_id("ATS-11465").unwrap();
    let Shows::Trials(signature) = own.shows else { panic!() };
    let narrow = Signature { among: &["tls12-only"], ..signature };
    let twin = KnownIssue { id: "TWIN", shows: Shows::Trials(narrow), ..*own };
    let found = scene.diagnose(&[own, &twin]);
    let found: Vec<_> = found.iter().map(|found| (found.id.as_str(), found.confidence, &*found.trials)).collect();
    let (both, one) = (["tls-remote-origin".to_owned()], ["tls12-only".to_owned()]);
    assert_eq!(
        found,
        [("ATS-11465", Certain, &both[..]), ("ATS-11465", LooksLike, &one[..]), ("TWIN", LooksLike, &one[..])]
    );
}

#[test]
fn scenes_and_signatures_name_trials_that_exist() {
    let like = |glob: &str| crate::catalogue::trials::ids().iter().any(|id| sign::is_like(glob, id));
    let mut unknown = BTreeSet::new();
    for issue in KNOWN_ISSUES {
        for scene in &scenes(issue) {
            let known = |(id, kind)| {
                crate::catalogue::trials::by_id(id).is_some_and(|trial| trial.is_control() == (kind != Kind::Subject))
            };
            unknown.extend(scene.trials().filter(|trial| !known(*trial)).map(|(id, _)| format!("{}: {id}", issue.id)));
        }
        if let Shows::Trials(signature) = issue.shows {
            let named = signature.among.iter().copied().chain(globs(&signature));
            unknown.extend(named.filter(|glob| !like(glob)).map(|glob| format!("{}: {glob}", issue.id)));
        }
        match issue.provoked {
            Provoked::By(trials, how) | Provoked::Withstood(trials, how) | Provoked::Unseen(trials, how) => {
                let builds = matches!(issue.shows, Shows::Build(_));
                assert!(!how.is_empty() && trials.is_empty() == builds, "{}", issue.id);
                unknown.extend(trials.iter().filter(|id| !like(id)).map(|id| format!("{}: {id}", issue.id)));
            }
            Provoked::Not(why) => assert!(why.len() > 20, "{}: why can nothing trigger it?", issue.id),
        }
    }
    assert!(unknown.is_empty(), "no such trials: {unknown:#?}");
}

/// The globs of other trials in a signature.
fn globs(signature: &Signature) -> Vec<&'static str> {
    fn of(sign: &Sign) -> Vec<&'static str> {
        match sign {
            Sign::Passes(glob) | Sign::Elsewhere(glob, _) => vec![glob],
            Sign::Any(signs) => signs.iter().flat_map(of).collect(),
            _ => Vec::new(),
        }
    }
    [signature.must, signature.may, signature.not, signature.sure, signature.unless]
        .concat()
        .iter()
        .flat_map(of)
        .collect()
}

#[test]
fn every_file_of_scenes_belongs_to_an_issue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/known_issues/issues");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "scenes"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let ids: BTreeSet<String> =
        KNOWN_ISSUES.iter().map(|issue| issue.id.to_ascii_lowercase().replace('-', "_")).collect();
    assert_eq!(files, ids);
}

#[test]
fn every_known_issue_is_well_formed() {
    let ids: BTreeSet<&str> = KNOWN_ISSUES.iter().map(|issue| issue.id).collect();
    assert!(ids.len() == KNOWN_ISSUES.len() && ids.len() >= 20, "{ids:?}");
    for issue in KNOWN_ISSUES {
        assert!(issue.affected.is_well_formed(), "{}", issue.id);
        assert!(issue.also.iter().chain([&issue.link]).all(|link| link.starts_with("https://")), "{}", issue.id);
        let words = [issue.title, issue.when, issue.fixed_in, issue.way_out];
        assert!(words.iter().all(|text| !text.is_empty() && !text.contains('\n')), "{}", issue.id);
        match issue.shows {
            Shows::Trials(Signature { among, must, may, not, sure, unless, .. }) => {
                assert!(must.len() + may.len() >= 2, "{}", issue.id);
                let signs = [must, may, not, sure, unless].concat();
                assert!(signs.iter().all(Sign::is_well_formed), "{}", issue.id);
                assert!(among.iter().all(|glob| globset::Glob::new(glob).is_ok()), "{}", issue.id);
            }
            Shows::Build(patterns) => {
                assert!(!patterns.is_empty() && patterns.iter().all(|text| regex::Regex::new(text).is_ok()));
            }
        }
    }
}

#[test]
fn every_limitation_of_a_trial_is_a_known_issue_of_those_versions() {
    let minors =
        (8..=9).flat_map(|major| (0..=2).map(move |minor| (major, minor))).chain((0..=3).map(|minor| (10, minor)));
    let versions: Vec<String> =
        minors.flat_map(|(major, minor)| (0..20).map(move |patch| format!("{major}.{minor}.{patch}"))).collect();
    let mut limited = 0;
    for trial in crate::catalogue::trials::CATALOGUE {
        for limitation in trial.limitations {
            let issue = by_id(limitation.issue).unwrap_or_else(|| panic!("{}: {}", trial.id, limitation.issue));
            let Shows::Trials(Signature { among, .. }) = issue.shows else { panic!("{} shows in no trial", issue.id) };
            assert!(among.is_empty() || among.iter().any(|glob| sign::is_like(glob, trial.id)), "{}", trial.id);
        }
        for version in versions.iter().filter(|version| trial.limitation(version).is_some()) {
            let ats = AtsBuild { reported: version.clone(), ..AtsBuild::default() };
            let ran = Provenance { ats: Some(ats), ..Provenance::default() };
            assert!(limitation(trial, &ran).is_some(), "{} {version}: no known issue of that version", trial.id);
            assert!(trial.unsupported(Some(version), None).is_none(), "{} {version} never runs", trial.id);
            limited += 1;
        }
    }
    assert!(limited > 50);
}

#[test]
fn every_workaround_can_be_written_for_some_ats() {
    use crate::ats::Dialect;
    use crate::ats::config::check;
    let dialects = [Dialect::V8, Dialect::V9, Dialect::V9_2, Dialect::V10, Dialect::V10_1, Dialect::V10_2];
    for issue in KNOWN_ISSUES {
        let names: BTreeSet<&str> = issue.workarounds.iter().map(|workaround| workaround.name).collect();
        assert_eq!(names.len(), issue.workarounds.len(), "{}", issue.id);
        for workaround in issue.workarounds {
            let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(workaround.name.chars().all(legal) && !workaround.cost.is_empty(), "{}", workaround.name);
            let settings = workaround.settings();
            assert!(dialects.iter().any(|dialect| check(*dialect, &settings).is_ok()), "{}", workaround.name);
        }
    }
}

#[test]
fn the_docs_match_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/known-issues.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let wanted: Vec<String> = KNOWN_ISSUES.iter().map(|issue| row(issue)).collect();
    if std::env::var_os("ATSMATRIX_BLESS").is_some() {
        let (before, rest) = docs.split_once("| [").unwrap();
        let after: Vec<&str> = rest.lines().skip_while(|line| !line.is_empty()).collect();
        let blessed = format!("{before}{}\n{}\n", wanted.join("\n"), after.join("\n"));
        return std::fs::write(&path, blessed).unwrap();
    }
    let rows: Vec<&str> = docs.lines().filter(|line| line.starts_with("| [")).collect();
    assert!(
        rows == wanted,
        "docs/known-issues.md does not match the registry: ATSMATRIX_BLESS=1 cargo test --lib registry"
    );
}

fn row(issue: &KnownIssue) -> String {
    let cell = |text: &str| text.replace('|', r"\|").replace('<', "&lt;");
    let workarounds: Vec<String> = issue
        .workarounds
        .iter()
        .map(|workaround| {
            let settings: Vec<String> =
                workaround.records.iter().map(|(name, kind, value)| format!("`{name} {kind} {value}`")).collect();
            let how = if settings.is_empty() { workaround.what.to_owned() } else { settings.join(", ") };
            format!("**{}**: {how}", workaround.name)
        })
        .collect();
    let workarounds = if workarounds.is_empty() { "none".to_owned() } else { cell(&workarounds.join("; ")) };
    let provoked = match issue.provoked {
        Provoked::By([], how) => cell(how),
        Provoked::By(trials, how) | Provoked::Withstood(trials, how) | Provoked::Unseen(trials, how) => {
            let names: Vec<String> = trials.iter().map(|id| format!("`{id}`")).collect();
            format!("{} {}", names.join(", "), cell(how))
        }
        Provoked::Not(why) => format!("nothing here: {}", cell(why)),
    };
    format!(
        "| [{}]({}) | {} | {} | {} | {} | {} | {workarounds} | {provoked} |",
        issue.id,
        issue.link,
        cell(issue.title),
        cell(&issue.affected.words()),
        cell(issue.when),
        cell(issue.fixed_in),
        cell(issue.way_out),
    )
}

#[test]
fn a_trial_that_fails_despite_the_workaround_is_no_longer_a_limitation() {
    let trial = |id: &str, outcome| TrialResult {
        id: id.into(),
        outcome,
        control: false,
        limitation: Some("ATS-7346".into()),
        definition: None,
        summary: String::new(),
        evidence: Vec::new(),
    };
    let mut found = crate::decide::compare::fixture::issue();
    found.id = "ATS-7346".into();
    found.trials = vec!["http-expect-100".into(), "http-head".into()];
    let outcomes = |not_passed: &[&str]| {
        let mut found = found.clone();
        found.workarounds.push(WorkaroundTried {
            name: "ats-says-100".into(),
            settings: Vec::new(),
            worked: false,
            passed: Vec::new(),
            not_passed: not_passed.iter().map(|entry| (*entry).to_owned()).collect(),
            cost: String::new(),
        });
        let mut trials = [trial("http-expect-100", Outcome::Limitation), trial("http-head", Outcome::Pass)];
        let doubtful = without_doubtful(&mut trials, &after_workarounds(vec![found]));
        (doubtful, trials.map(|trial| trial.outcome))
    };
    assert_eq!(outcomes(&["http-expect-100 (fail)"]), (true, [Outcome::Fail, Outcome::Pass]));
    // Another trial failed with it; it could not be tried; a control failed beside it.
    for not_passed in
        [&["http-head (fail)"][..], &["http-expect-100 (error)"], &["http-expect-100 (fail)", "ctl-unmapped (fail)"]]
    {
        assert_eq!(outcomes(not_passed), (false, [Outcome::Limitation, Outcome::Pass]), "{not_passed:?}");
    }
}
