//! Mutants: every known issue without one of its conditions. Some scene must then match with a certainty that it should
//! not have.

use super::*;

/// The issue with another signature.
fn with(issue: &KnownIssue, signature: Signature) -> KnownIssue {
    KnownIssue { shows: Shows::Trials(signature), ..*issue }
}

/// `list` with each of its entries left out in turn.
fn without_each<T: Copy>(list: &'static [T]) -> impl Iterator<Item = &'static [T]> {
    (0..list.len()).map(|at| {
        let rest: Vec<T> = list.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, entry)| *entry).collect();
        &*rest.leak()
    })
}

/// `signs` with each in turn replaced by one that always shows.
fn given_each(signs: &'static [Sign]) -> impl Iterator<Item = &'static [Sign]> {
    (0..signs.len()).map(|at| {
        let mut rest = signs.to_vec();
        rest[at] = Sign::Given(Witness::Log("a mutant"));
        &*rest.leak()
    })
}

fn of_trials(issue: &KnownIssue, own: Signature) -> Vec<(String, KnownIssue)> {
    let mut mutants = Vec::new();
    let mut add = |what: String, signature: Signature| mutants.push((what, with(issue, signature)));
    for (at, must) in given_each(own.must).enumerate() {
        add(format!("must {:?}", own.must[at]), Signature { must, ..own });
    }
    for (at, not) in without_each(own.not).enumerate() {
        add(format!("not {:?}", own.not[at]), Signature { not, ..own });
    }
    for (at, sure) in without_each(own.sure).enumerate() {
        add(format!("sure {:?}", own.sure[at]), Signature { sure, ..own });
    }
    for (at, unless) in without_each(own.unless).enumerate() {
        add(format!("unless {:?}", own.unless[at]), Signature { unless, ..own });
    }
    if !own.among.is_empty() {
        add("among".into(), Signature { among: &[], ..own });
    }
    if !own.at_times {
        add("each time".into(), Signature { at_times: true, ..own });
    }
    mutants
}

/// The issue without each of its conditions.
fn everywhere(issue: &KnownIssue) -> Vec<(String, KnownIssue)> {
    let own = issue.affected;
    let mut mutants = Vec::new();
    let mut add = |what: &str, affected: Affected| mutants.push((what.to_owned(), KnownIssue { affected, ..*issue }));
    if !own.ats.is_empty() {
        add("its ATS", Affected { ats: &[], ..own });
    }
    // What the compiler used is unknown, so for builds these conditions decide nothing.
    if matches!(issue.shows, Shows::Trials(_)) {
        if own.openssl.is_some() {
            add("its OpenSSL", Affected { openssl: None, ..own });
        }
        if own.distro.is_some() {
            add("its distro", Affected { distro: None, ..own });
        }
        for (at, patched) in without_each(own.patched).enumerate() {
            add(own.patched[at].build, Affected { patched, ..own });
        }
    }
    mutants
}

fn without_verdicts(issue: &KnownIssue) -> Option<(String, KnownIssue)> {
    if !issue.workarounds.iter().any(|workaround| workaround.decides) {
        return None;
    }
    let workarounds = issue.workarounds.iter().map(|workaround| Workaround { decides: false, ..*workaround });
    let workarounds = &*workarounds.collect::<Vec<_>>().leak();
    Some(("what was tried".into(), KnownIssue { workarounds, ..*issue }))
}

fn mutants(issue: &KnownIssue) -> Vec<(String, KnownIssue)> {
    let mut mutants = everywhere(issue);
    mutants.extend(without_verdicts(issue));
    match issue.shows {
        Shows::Trials(signature) => mutants.extend(of_trials(issue, signature)),
        Shows::Build(patterns) => mutants.extend(without_each(patterns).enumerate().map(|(at, rest)| {
            (format!("pattern {}", patterns[at]), KnownIssue { shows: Shows::Build(rest), ..*issue })
        })),
    }
    mutants
}

/// What an issue matches in a scene: the trials that are certain, or for a build the issue itself.
fn claims(scene: &Scene, issue: &KnownIssue) -> BTreeSet<String> {
    let builds = matches!(issue.shows, Shows::Build(_));
    let found = scene.diagnose(&[issue]).into_iter();
    let claimed = found.filter(|found| builds || found.confidence == Confidence::Certain);
    claimed.flat_map(|found| if builds { vec![found.id] } else { found.trials }).collect()
}

#[test]
fn every_condition_of_an_issue_is_needed_by_a_scene() {
    let mut survivors = Vec::new();
    for issue in KNOWN_ISSUES {
        let scenes = scenes(issue);
        for (what, mutant) in mutants(issue) {
            let wrong = |scene: &Scene| !claims(scene, &mutant).is_subset(&claims(scene, issue));
            if !scenes.iter().any(wrong) {
                survivors.push(format!("{}: {what}", issue.id));
            }
        }
    }
    assert!(survivors.is_empty(), "no scene needs these conditions:\n{}", survivors.join("\n"));
}
