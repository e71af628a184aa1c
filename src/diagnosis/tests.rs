//! Every known issue against its scenes, and the rules of naming.

mod scene;

use std::collections::BTreeSet;
use std::path::Path;

use scene::Scene;

use super::*;

/// The scenes beside an issue's file.
fn scenes(issue: &KnownIssue) -> Vec<Scene> {
    let name = issue.id.to_ascii_lowercase().replace('-', "_");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis/issues").join(format!("{name}.scenes"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    scene::read(&text)
}

/// What a scene comes to for one issue: `certain a b`, `looks like a`, or `nothing`.
fn told(scene: &Scene, id: &str) -> String {
    let matched = scene.diagnose().into_iter().find(|matched| matched.id == id);
    matched.map_or("nothing".into(), |matched| {
        [vec![matched.confidence.to_string()], matched.trials].concat().join(" ").trim_end().to_owned()
    })
}

#[test]
fn every_known_issue_is_seen_where_it_is_and_not_where_it_nearly_is() {
    for issue in KNOWN_ISSUES {
        let scenes = scenes(issue);
        for scene in &scenes {
            assert_eq!(told(scene, issue.id), scene.expected, "{}: {}", issue.id, scene.title);
        }
        let seen = |scene: &&Scene| scene.expected != "nothing";
        assert!(scenes.iter().any(|scene| seen(&scene)), "{} has no scene that shows it", issue.id);
        assert!(!scenes.iter().all(|scene| seen(&scene)), "{} has no scene that nearly shows it", issue.id);
        let builds = matches!(issue.shows, Shows::Build(_));
        let best = if builds { "looks like" } else { "certain" };
        assert!(scenes.iter().any(|scene| scene.expected.starts_with(best)), "{} is never {best}", issue.id);
    }
}

#[test]
fn every_file_of_scenes_belongs_to_an_issue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis/issues");
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
            Shows::Trials { among, must, may } => {
                let signs: Vec<_> = must.iter().chain(may).collect();
                assert!(signs.len() >= 2 && signs.iter().all(|sign| sign.is_well_formed()), "{}", issue.id);
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
    for trial in crate::trial::CATALOGUE {
        for limitation in trial.limitations {
            let issue = by_id(limitation.issue).unwrap_or_else(|| panic!("{}: {}", trial.id, limitation.issue));
            let Shows::Trials { among, .. } = issue.shows else { panic!("{} shows in no trial", issue.id) };
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
    let dialects = [Dialect::V8, Dialect::V9, Dialect::V10, Dialect::V10_1, Dialect::V10_2];
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
fn the_docs_say_what_the_registry_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/known-issues.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = docs.lines().filter(|line| line.starts_with("| [")).collect();
    let wanted: Vec<String> = KNOWN_ISSUES.iter().map(|issue| row(issue)).collect();
    for (row, wanted) in rows.iter().zip(&wanted) {
        assert_eq!(row, wanted);
    }
    let missing = wanted.get(rows.len()..).unwrap_or_default().join("\n");
    assert!(rows.len() == wanted.len(), "docs/known-issues.md lacks\n{missing}");
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
    format!(
        "| [{}]({}) | {} | {} | {} | {} | {workarounds} |",
        issue.id,
        issue.link,
        cell(issue.title),
        cell(&issue.affected.words()),
        cell(issue.when),
        cell(issue.fixed_in),
    )
}
