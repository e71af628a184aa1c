//! A bisection as text: the answer, then the suspects, then every experiment, with the evidence of those that support
//! the answer. Also checks whether a kept bisection still fits the current results.

use super::outline::TextOutline;
use crate::model::{Bisection, Effect, Fate, Over, Standing, Suspect, Tried};

mod kept;

pub use kept::{command, of_cell, sentence, stale};

/// The full bisection as an outline.
pub fn outline(bisection: &Bisection) -> TextOutline {
    let mut outline = TextOutline::default();
    let standing = bisection.standing;
    outline.line(0).strong(standing.words()).say(": ").say(&bisection.answer);
    for note in &bisection.notes {
        outline.line(1).say(note);
    }
    outline.line(0).strong(title(bisection));
    for suspect in &bisection.suspects {
        let line = outline.line(1);
        line.strong(suspect.fate.word()).say(": ").say(&suspect.name);
        if let Some(text) = versions(suspect) {
            line.say(text);
        }
        if !suspect.members.is_empty() && suspect.members != [suspect.name.clone()] {
            outline.line(2).list(&suspect.members);
        }
    }
    outline.line(0).strong(experiment_count(bisection));
    for (number, tried) in (1..).zip(&bisection.experiments) {
        let line = outline.line(1);
        line.say(format!("{number}. ")).strong(tried.result.word()).say(": ").say(&tried.base);
        if let Some(text) = swapped(bisection, tried) {
            line.say(text);
        }
        outline.line(2).say(&tried.summary);
        if supports(bisection, tried) {
            for evidence in &tried.evidence {
                outline.line(2).say(evidence);
            }
        }
    }
    outline
}

/// The heading of its suspects: parts, or steps between versions.
pub fn title(bisection: &Bisection) -> &'static str {
    match bisection.over {
        Over::Distro => "suspects",
        Over::Ats => "steps",
    }
}

/// The heading of its experiments.
pub fn experiment_count(bisection: &Bisection) -> String {
    format!("{} experiments", bisection.experiments.len())
}

/// `, 3.0.20 where it passes, 3.5.7 where it fails`.
fn versions(suspect: &Suspect) -> Option<String> {
    (!suspect.good.is_empty() || !suspect.bad.is_empty())
        .then(|| format!(", {} where it passes, {} where it fails", suspect.good, suspect.bad))
}

/// What an experiment took from the other cell, and the round if it is not the first.
pub fn swapped(bisection: &Bisection, tried: &Tried) -> Option<String> {
    let differing = bisection.suspects.iter().filter(|suspect| suspect.fate != Fate::Same).count();
    let round = if tried.round > 1 { format!(", round {}", tried.round) } else { String::new() };
    let what = match tried.swapped.as_slice() {
        [] if bisection.over == Over::Ats => String::new(),
        [] => " unchanged".to_owned(),
        all if all.len() == differing => format!(" with all {} parts of the other", all.len()),
        some => format!(" with {} from the other", some.join(", ")),
    };
    (!what.is_empty() || !round.is_empty()).then(|| what + &round)
}

/// Whether an experiment supports the answer: the two cells unchanged, and those with all culprits and at most one
/// other part.
pub fn supports(bisection: &Bisection, tried: &Tried) -> bool {
    if bisection.standing == Standing::Open || tried.result == Effect::Inconclusive || tried.round > 1 {
        return false;
    }
    let named = |suspect: &&Suspect| matches!(suspect.fate, Fate::Culprit | Fate::Companion | Fate::Unresolved);
    let named: Vec<&Suspect> = bisection.suspects.iter().filter(named).collect();
    let all = named.iter().all(|suspect| tried.swapped.contains(&suspect.name));
    tried.swapped.is_empty() || (all && tried.swapped.len() <= named.len() + 1)
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::model::BISECT_SCHEMA;

    /// The result between Debian 12 and 13, shortened.
    pub(crate) fn bisection() -> Bisection {
        let suspect = |name: &str, members: &[&str], good: &str, bad: &str, fate| Suspect {
            name: name.into(),
            members: members.iter().map(ToString::to_string).collect(),
            good: good.into(),
            bad: bad.into(),
            fate,
        };
        let tried = |base: &str, swapped: &[&str], round, result, evidence: &str| Tried {
            base: base.into(),
            swapped: swapped.iter().map(ToString::to_string).collect(),
            round,
            result,
            summary: if result == Effect::Fail { "expected status 200, saw status 502" } else { "status 200" }.into(),
            evidence: vec![evidence.into()],
        };
        let failing = "client: 502 Invalid argument";
        Bisection {
            schema: BISECT_SCHEMA,
            over: Over::Distro,
            good: "debian-12/9.2.5".parse().unwrap(),
            bad: "debian-13/9.2.5".parse().unwrap(),
            trial: "tls-remote-origin".into(),
            standing: Standing::BothWays,
            answer: "openssl decides it".into(),
            notes: vec!["both cells run one binary of traffic_server".into()],
            suspects: vec![
                suspect("openssl", &["libcrypto.so.3", "libssl.so.3"], "3.0.20", "3.5.7", Fate::Culprit),
                suspect("zlib", &["libz.so.1"], "zlib1g 1.2", "zlib1g 1.3", Fate::RuledOut),
                suspect("xz-utils", &["liblzma.so.5"], "liblzma5 5.4", "liblzma5 5.8", Fate::RuledOut),
                suspect("locale", &[], "", "", Fate::Same),
            ],
            experiments: vec![
                tried("debian-12/9.2.5", &[], 1, Effect::Pass, "client: 200 OK"),
                tried("debian-13/9.2.5", &[], 1, Effect::Fail, failing),
                tried("debian-13/9.2.5", &["openssl", "zlib", "xz-utils"], 1, Effect::Pass, "client: 200 OK"),
                tried("debian-13/9.2.5", &["zlib"], 1, Effect::Fail, failing),
                tried("debian-13/9.2.5", &["openssl"], 1, Effect::Pass, "client: 200 OK"),
                tried("debian-13/9.2.5", &["openssl"], 2, Effect::Pass, "client: 200 OK"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_first_and_each_experiment_has_a_line() {
        insta::assert_snapshot!(outline(&fixture::bisection()).text());
    }

    #[test]
    fn hostile_evidence_is_escaped() {
        let mut bisection = fixture::bisection();
        bisection.experiments[0].evidence = vec!["\u{1b}[2J\n# <script>".into()];
        bisection.answer = "a\n\n# b".into();
        let (text, page) = (outline(&bisection).text(), outline(&bisection).markdown());
        assert!(!text.contains('\u{1b}') && !page.contains('\u{1b}') && !page.contains("<script>"));
        assert!(!page.lines().any(|line| line.starts_with("# ")));
    }
}
