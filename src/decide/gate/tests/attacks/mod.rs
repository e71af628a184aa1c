//! Attacks on the gate: forged, truncated, aged or mixed results, beside an intact matrix.yaml.
//!
//! The property: whatever was done to them, the gate opens only if matrix.yaml and the evidence that is left in the
//! files warrant it. What warrants it is implemented here a second time, naively.

mod evidence;
mod files;

use super::*;
use crate::config::matrix::Matrix;
use crate::decide::compare::fixture::{expected, provenance, trial};
use crate::decide::gate::path::{self, Costs};
use crate::model::{Expected, TrialResult};
use crate::verdict;
use crate::words::legend::{OUTCOMES, VERDICTS};

use evidence::Evidence;
use files::Files;

/// A small catalogue; which of it a cell supports depends on ATS and OpenSSL.
const ALL: [&str; 8] = [
    "ctl-direct-tls",
    "ctl-plain-origin",
    "tls-remote-origin",
    "tls-same-host",
    "group-x25519mlkem768",
    "alpn-h2-origin",
    "http-post-1m",
    "load-200",
];

const CELLS: [&str; 4] = ["debian-12/9.2.5", "debian-12/9.2.9", "debian-13/9.2.5", "debian-13/9.2.9"];

/// What matrix.yaml states besides its four cells.
const EXPECTS: [&str; 4] = [
    "",
    "expect:\n  - cells: [debian-13/9.2.5]\n    trials: [\"tls-*\"]\n    verdict: fail\n    reason: known\n",
    "expect:\n  - ats: [\"9.2.9\"]\n    trials: [http-post-1m]\n    verdict: flaky\n    reason: known\n",
    "expect:\n  - openssl: \">=3.2\"\n    verdict: fail\n    reason: known\n",
];

fn declares(expect: usize, optional: bool) -> Matrix {
    let text = format!(
        "version: 1\ndistros:\n  debian-12: {{ family: debian, image: a }}\n  \
         debian-13: {{ family: debian, image: b, optional: {optional} }}\nats:\n  \
         \"9.2.5\":\n    sources: [{{ on: [\"*\"], package: {{ name: trafficserver, version: latest }} }}]\n  \
         \"9.2.9\":\n    sources: [{{ on: [\"*\"], package: {{ name: trafficserver, version: latest }} }}]\n{}",
        EXPECTS[expect]
    );
    Matrix::parse("matrix.yaml", &text).unwrap()
}

/// Whether a cell with this OpenSSL supports the trial.
fn can(id: &str, openssl: &str) -> bool {
    id != "alpn-h2-origin" && (id != "group-x25519mlkem768" || openssl == "3.5.7")
}

/// The outcomes of a cell that ran, or why it did not run.
#[derive(Debug, Clone)]
enum Went {
    Ran(Vec<Outcome>),
    Not(Verdict),
}

/// A result that a run under `matrix` could have written.
fn truth(matrix: &Matrix, went: &[Went]) -> MatrixResult {
    let cells = CELLS.iter().zip(went).map(|(id, went)| {
        let openssl = if id.starts_with("debian-12") { "3.0.20" } else { "3.5.7" };
        let mut made = cell(id, Verdict::Unavailable);
        made.reason = None;
        match went {
            Went::Not(verdict) => made.verdict = *verdict,
            Went::Ran(outcomes) => {
                let outcome = |at: usize| if can(ALL[at], openssl) { outcomes[at] } else { Outcome::Unsupported };
                made.trials = (0..ALL.len()).map(|at| trial(ALL[at], outcome(at))).collect();
                made.verdict = verdict::of_trials(&made.trials);
                made.provenance = provenance(made.id.distro.as_str(), openssl);
                made.provenance.ats.as_mut().unwrap().reported = made.id.ats.to_string();
            }
        }
        let declared = matrix.cells().find(|it| it.id() == made.id).unwrap();
        made.optional = declared.optional();
        made.expected = matrix.expected(&made.id, made.verdict, &made.provenance);
        made
    });
    MatrixResult { matrix: matrix.digest.clone(), ..result(cells.collect()) }
}

/// One way to forge, truncate, age or mix results. Cells and trials by number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Attack {
    DropTrial(usize, usize),
    RepeatTrial(usize, usize),
    RenameTrial(usize, usize),
    TurnControl(usize, usize),
    Set(usize, usize, Outcome),
    DropCell(usize),
    RepeatCell(usize),
    RepeatAsPass(usize),
    Verdict(usize, Verdict),
    Expect(usize, Verdict, bool),
    Unexpect(usize),
    Optional(usize),
    NoTrials(usize),
    ControlsOnly(usize),
    AllUnsupported(usize),
    AllPass(usize),
    FailuresDropped(usize),
    FailuresUnsupported(usize),
    /// The trials of one cell, or the whole cell, under another one's name.
    TrialsOf(usize, usize),
    RanAs(usize, usize),
    OtherAts(usize),
    OtherRelease(usize),
    OtherOpenssl(usize),
    OtherDigest,
    NoRow(usize),
    NoColumn(usize),
    NoLists,
    StrangeCell,
    NoCells,
    OldCatalogue,
    NewCatalogue,
    Old,
    Ageless,
}

/// The table of attacks.
fn attacks() -> Vec<Attack> {
    use Attack::*;
    let mut all = vec![OtherDigest, NoLists, StrangeCell, NoCells, OldCatalogue, NewCatalogue, Old, Ageless];
    for cell in 0..CELLS.len() {
        for trial in 0..ALL.len() {
            let at = (cell, trial);
            all.extend([
                DropTrial(at.0, at.1),
                RepeatTrial(at.0, at.1),
                RenameTrial(at.0, at.1),
                TurnControl(at.0, at.1),
            ]);
            all.extend(OUTCOMES.map(|outcome| Set(cell, trial, outcome)));
        }
        all.extend(VERDICTS.map(|verdict| Verdict(cell, verdict)));
        for verdict in [super::Verdict::Fail, super::Verdict::Flaky, super::Verdict::Unbuildable] {
            all.extend([Expect(cell, verdict, true), Expect(cell, verdict, false)]);
        }
        all.extend([DropCell(cell), RepeatCell(cell), RepeatAsPass(cell), Unexpect(cell), Optional(cell)]);
        all.extend([NoTrials(cell), ControlsOnly(cell), AllUnsupported(cell), AllPass(cell), FailuresDropped(cell)]);
        all.extend([FailuresUnsupported(cell), OtherAts(cell), OtherRelease(cell), OtherOpenssl(cell)]);
        let others = (0..CELLS.len()).filter(|other| *other != cell);
        all.extend(others.flat_map(|other| [TrialsOf(cell, other), RanAs(cell, other)]));
    }
    all.extend([NoRow(0), NoRow(1), NoColumn(0), NoColumn(1)]);
    all
}

/// The answer to one question.
fn word(matrix: &Matrix, files: &Files, question: &Question<'_>) -> Word {
    decide(&basis(matrix, files), std::slice::from_ref(question)).word()
}

fn basis<'a>(matrix: &'a Matrix, files: &'a Files) -> Basis<'a> {
    let basis = Basis::new(&files.results)
        .with_trials(&ALL)
        .no_older_than(30 * DAY, files.age.map(|days| DAY * u32::try_from(days).unwrap()));
    if files.results.matrix == matrix.digest {
        basis.with_matrix(matrix)
    } else {
        basis.for_matrix(matrix.digest.clone())
    }
}

/// Checks every question of the gate against what warrants it; returns the answers.
fn hold(matrix: &Matrix, files: &Files, baseline: &MatrixResult) -> Result<Vec<Word>, String> {
    let evidence = Evidence { matrix, files };
    let (from, to) = (distro("debian-12"), distro("debian-13"));
    let mut words = Vec::new();
    let mut check = |what: String, word: Word, warranted: bool| {
        words.push(word);
        if word == Word::Open && !warranted { Err(format!("{what} opened: {files:#?}")) } else { Ok(()) }
    };
    for name in ["9.2.5", "9.2.9"] {
        let named = ats(&[name]);
        let question = Question::Upgrade { from: &from, to: &to, ats: &named };
        check(format!("upgrade {name}"), word(matrix, files, &question), evidence.may_upgrade(name))?;
        let (a, b) = (format!("debian-12/{name}"), format!("debian-13/{name}"));
        let found = path::find(&basis(matrix, files), &a.parse().unwrap(), &b.parse().unwrap(), Costs::default());
        let stops = found.steps.iter().all(|step| evidence.passes(&step.to.to_string()));
        let kept = found.steps.iter().all(|step| {
            step.from.distro == step.to.distro || evidence.keeps(&step.from.to_string(), &step.to.to_string())
        });
        check(format!("path {name}"), found.word(), evidence.is_current() && stops && kept && !found.steps.is_empty())?;
    }
    let all = Question::Upgrade { from: &from, to: &to, ats: &[] };
    let some = ["9.2.5", "9.2.9"].iter().any(|name| evidence.may_upgrade(name));
    let each = ["9.2.5", "9.2.9"]
        .iter()
        .all(|name| !evidence.passes(&format!("debian-12/{name}")) || evidence.may_upgrade(name));
    check("upgrade of all".to_owned(), word(matrix, files, &all), some && each)?;
    for id in CELLS {
        let list: Requirement = id.parse().unwrap();
        let question = Question::Require { name: "list", list: &list };
        check(format!("require {id}"), word(matrix, files, &question), evidence.is_current() && evidence.passes(id))?;
    }
    let question = Question::Baseline { name: "baseline", results: baseline };
    check("baseline".to_owned(), word(matrix, files, &question), evidence.is_no_worse(baseline))?;
    Ok(words)
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let odd = prop::sample::select(vec![Outcome::Fail, Outcome::Fail, Outcome::Flaky, Outcome::Error]);
    prop::collection::vec(prop::option::weighted(0.12, odd), ALL.len())
        .prop_map(|all| all.into_iter().map(|odd| odd.unwrap_or(Outcome::Pass)).collect())
}

fn went() -> impl Strategy<Value = Vec<Went>> {
    let not = prop::sample::select(vec![Verdict::Unbuildable, Verdict::Unavailable, Verdict::Error]);
    let one = prop_oneof![8 => outcomes().prop_map(Went::Ran), 1 => not.prop_map(Went::Not)];
    prop::collection::vec(one, CELLS.len())
}

#[test]
fn there_are_at_least_a_hundred_attacks_without_duplicates() {
    let all = attacks();
    assert!(all.len() >= 400, "{}", all.len());
    assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)));
}

/// Intact results are the worst case: there every attack must keep the gate from opening, or leave what opened it.
#[test]
fn no_single_attack_opens_the_gate_wrongly() {
    for (expect, optional) in [(0, true), (1, false), (3, false)] {
        let matrix = declares(expect, optional);
        let pass = || Went::Ran(vec![Outcome::Pass; ALL.len()]);
        let one = |at: usize| {
            let mut outcomes = vec![Outcome::Pass; ALL.len()];
            outcomes[at] = Outcome::Fail;
            Went::Ran(outcomes)
        };
        let states = [
            vec![pass(), pass(), pass(), pass()],
            vec![pass(), pass(), one(2), pass()],
            vec![pass(), pass(), one(6), one(2)],
            vec![pass(), one(2), Went::Not(Verdict::Unbuildable), Went::Not(Verdict::Unavailable)],
        ];
        let before = &states[expect];
        for went in &states {
            let baseline = truth(&matrix, before);
            let sound = Files { results: truth(&matrix, went), age: Some(1) };
            let words = hold(&matrix, &sound, &baseline).unwrap();
            for attack in attacks() {
                let mut files = sound.clone();
                files.attack(attack);
                let after = hold(&matrix, &files, &baseline).unwrap_or_else(|why| panic!("{attack:?}: {why}"));
                // Except for the baseline, which compares one forged file with another, no attack opens a closed gate.
                let opened =
                    words.iter().zip(&after).rev().skip(1).any(|(old, new)| *old != Word::Open && *new == Word::Open);
                let whole = matches!(attack, Attack::AllPass(_) | Attack::RanAs(..) | Attack::TrialsOf(..));
                assert!(!opened || whole, "{attack:?} opened {words:?} -> {after:?}: {files:#?}");
            }
        }
    }
}

#[test]
fn intact_results_open() {
    for expect in [0, 2] {
        let matrix = declares(expect, false);
        let results = truth(&matrix, &vec![Went::Ran(vec![Outcome::Pass; ALL.len()]); CELLS.len()]);
        let words = hold(&matrix, &Files { results: results.clone(), age: Some(1) }, &results).unwrap();
        assert!(words.iter().all(|word| *word == Word::Open), "{words:?}");
    }
}

proptest! {
    #[test]
    fn attacks_together_do_not_open_it_wrongly(
        expect in 0..EXPECTS.len(),
        optional in any::<bool>(),
        results in went(),
        before in went(),
        attacks in prop::collection::vec(prop::sample::select(attacks()), 0..6),
        on_baseline in prop::collection::vec(prop::sample::select(attacks()), 0..3),
    ) {
        let matrix = declares(expect, optional);
        let mut files = Files { results: truth(&matrix, &results), age: Some(1) };
        let truth_of_it = Evidence { matrix: &matrix, files: &files };
        let warranted = truth_of_it.may_upgrade("9.2.9");
        let (from, to, named) = (distro("debian-12"), distro("debian-13"), ats(&["9.2.9"]));
        let question = Question::Upgrade { from: &from, to: &to, ats: &named };
        prop_assert!(!warranted || word(&matrix, &files, &question) == Word::Open, "the truth opens");
        let mut baseline = Files { results: truth(&matrix, &before), age: Some(1) };
        for attack in &on_baseline {
            baseline.attack(*attack);
        }
        for attack in &attacks {
            files.attack(*attack);
        }
        let held = hold(&matrix, &files, &baseline.results);
        prop_assert!(held.is_ok(), "{attacks:?}, baseline {on_baseline:?}: {}", held.unwrap_err());
    }
}
