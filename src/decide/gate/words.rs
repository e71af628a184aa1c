//! Answers of the gate in words: the answer first, then each reason with its known issue and what to do.

use crate::decide::compare::words::facts;
use crate::decide::compare::{Fact, Field};
use crate::verdict::few;
use crate::words;
use crate::words::outline::TextOutline;

use super::answer::{Decision, GateReason, Word};
use super::path::{StepAxis, UpgradePath, UpgradeStep};

/// `answer` as text: the answer, why not, and what is as required.
pub fn outline(answer: &Decision) -> TextOutline {
    let mut outline = TextOutline::default();
    let head = outline.line(0).strong(answer.word()).say(":");
    for question in &answer.questions {
        head.say(" ").say(question);
    }
    for reason in &answer.closed {
        explain(&mut outline, 1, "", reason);
    }
    for reason in &answer.unknown {
        explain(&mut outline, 1, "cannot tell: ", reason);
    }
    if !answer.held.is_empty() {
        let counted = answer.held.iter().map(|id| match answer.rests.iter().find(|rests| rests.cell == *id) {
            Some(rests) => format!("{id} ({})", rests.count()),
            None => id.to_string(),
        });
        outline.line(1).say("ok: ").list(counted);
    }
    notes(&mut outline, &answer.notes);
    outline
}

/// `path` as text: the answer, what blocks the path, and its steps.
pub fn path(path: &UpgradePath) -> TextOutline {
    let mut outline = TextOutline::default();
    let count = path.steps.len();
    let (from, to) = (&path.from, &path.to);
    let head = outline.line(0);
    match path.word() {
        Word::Open if count == 0 => {
            head.strong("nothing to do").say(format!(": hosts are on {from} already, and it passes"))
        }
        Word::Open => head
            .strong(words::count(count, "step"))
            .say(format!(" from {from} to {to}, each into a cell that passes (cost {})", path.cost())),
        Word::Closed => head.strong("no safe path").say(format!(" from {from} to {to}")),
        Word::CannotTell => {
            head.strong("cannot tell").say(format!(" whether there is a safe path from {from} to {to}"))
        }
    };
    for reason in &path.blocks {
        explain(&mut outline, 1, "blocked: ", reason);
    }
    for reason in &path.doubts {
        explain(&mut outline, 1, "cannot tell: ", reason);
    }
    if let (false, Some(last)) = (path.arrives, path.steps.last()) {
        outline.line(1).say("the nearest cell that can be reached safely: ").say(&last.to);
    }
    let depth = if path.arrives { 1 } else { 2 };
    for (at, step) in path.steps.iter().enumerate() {
        describe(&mut outline, depth, at + 1, step);
    }
    notes(&mut outline, &path.notes);
    outline
}

fn describe(outline: &mut TextOutline, depth: usize, number: usize, step: &UpgradeStep) {
    let line = outline.line(depth);
    match step.axis {
        StepAxis::Ats => line.say(format!("step {number}: ATS {} -> {}", step.from.ats, step.to.ats)),
        StepAxis::Distro => line.say(format!("step {number}: distro {} -> {}", step.from.distro, step.to.distro)),
    };
    if step.downgrade {
        line.say(", a downgrade");
    }
    let count = step.rests.as_ref().map_or(String::new(), |rests| format!(" {}", rests.count()));
    line.say(format!(" ({} passes{count})", step.to));
    let versions = versions(&step.provenance);
    if !versions.is_empty() {
        facts(line.say("; "), &versions);
    }
    if !step.lost.is_empty() {
        let (count, names) = (step.lost.len(), few(&step.lost));
        let trials = if count == 1 { "trial" } else { "trials" };
        outline.line(depth + 1).say(format!("no longer tested there: {count} {trials} that passed: {names}"));
    }
}

fn explain(outline: &mut TextOutline, depth: usize, lead: &str, reason: &GateReason) {
    let line = outline.line(depth).say(lead);
    if let Some(cell) = &reason.cell {
        line.strong(cell).say(" ");
    }
    line.say(&reason.text);
    if let Some(expected) = &reason.expected {
        outline.line(depth + 1).say("expected by matrix.yaml, but still a failure: ").say(expected);
    }
    for issue in &reason.known_issues {
        let line = outline.line(depth + 1).say("known issue ").link(&issue.id, &issue.link);
        line.say(format!(", {}: ", issue.certainty())).say(&issue.title).say("; fixed in ").say(&issue.fixed_in);
        outline.line(depth + 1).say("what to do: ").say(&issue.way_out);
    }
    for way_out in &reason.ways_out {
        outline.line(depth + 1).say("what to do: ").say(way_out);
    }
    let versions = versions(&reason.provenance);
    if !versions.is_empty() {
        facts(outline.line(depth + 1).say("what changes: "), &versions);
    }
}

/// The changes of provenance that matter to people; packages, files and digests are in the JSON and in `diff`.
fn versions(facts: &[Fact]) -> Vec<Fact> {
    let wanted = [Field::Openssl, Field::ClientHello, Field::Ats, Field::Libc];
    facts.iter().filter(|fact| wanted.contains(&fact.field)).cloned().collect()
}

fn notes(outline: &mut TextOutline, notes: &[String]) {
    for note in notes {
        outline.line(1).say("note: ").say(note);
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::decide::compare::fixture::{expected, known_answers};
    use crate::decide::gate::{Basis, Question, decide, json};
    use crate::model::{DistroId, Verdict};

    fn answer() -> Decision {
        let mut results = known_answers();
        results.cells[2].expected = Some(expected(Verdict::Fail));
        let (from, to): (DistroId, DistroId) = ("debian-12".parse().unwrap(), "debian-13".parse().unwrap());
        let basis = Basis::new(&results).for_matrix("another");
        decide(&basis, &[Question::Upgrade { from: &from, to: &to, ats: &[] }])
    }

    fn way(to: &str) -> UpgradePath {
        let results = known_answers();
        let (from, to) = ("debian-12/9.2.5".parse().unwrap(), to.parse().unwrap());
        crate::decide::gate::path::find(&Basis::new(&results), &from, &to, crate::decide::gate::path::Costs::default())
    }

    #[test]
    fn the_answer_comes_first_then_reasons_with_issue_and_what_to_do() {
        assert_snapshot!(outline(&answer()).text(), @"
        closed: can hosts with every ATS that passes on debian-12 be upgraded from debian-12 to debian-13?
          debian-13/9.2.5 fails 1 of 2 trials: tls-remote-origin
            expected by matrix.yaml, but still a failure: OpenSSL 3.2 breaks outgoing TLS
            known issue ATS-11465 (https://github.com/apache/trafficserver/issues/11465), certain: Outgoing HTTPS fails with OpenSSL 3.2 and later; fixed in 9.2.7
            what to do: upgrade ATS to 9.2.7 or later before the distro
            what to do: change ATS to 9.2.9 first, which passes on debian-12 and debian-13: atsmatrix path debian-12/9.2.5 debian-13/9.2.9
            what changes: OpenSSL 3.0.20 -> 3.5.7
          cannot tell: matrix.yaml has changed since these results were made
            what to do: run the matrix again: atsmatrix run
          ok: debian-13/9.2.9 (3 of 3 trials)
        ");
    }

    #[test]
    fn the_answer_as_markdown() {
        assert_snapshot!(outline(&answer()).markdown(), @"
        **closed**: can hosts with every ATS that passes on debian-12 be upgraded from debian-12 to debian-13?

        - **debian-13/9.2.5** fails 1 of 2 trials: tls-remote-origin
          - expected by matrix.yaml, but still a failure: OpenSSL 3.2 breaks outgoing TLS
          - known issue [ATS-11465](<https://github.com/apache/trafficserver/issues/11465>), certain: Outgoing HTTPS fails with OpenSSL 3.2 and later; fixed in 9.2.7
          - what to do: upgrade ATS to 9.2.7 or later before the distro
          - what to do: change ATS to 9.2.9 first, which passes on debian-12 and debian-13: atsmatrix path debian-12/9.2.5 debian-13/9.2.9
          - what changes: OpenSSL 3.0.20 -&gt; 3.5.7
        - cannot tell: matrix.yaml has changed since these results were made
          - what to do: run the matrix again: atsmatrix run
        - ok: debian-13/9.2.9 (3 of 3 trials)
        ");
    }

    #[test]
    fn a_path_is_a_list_of_steps() {
        assert_snapshot!(path(&way("debian-13/9.2.9")).text(), @"
        2 steps from debian-12/9.2.5 to debian-13/9.2.9, each into a cell that passes (cost 2)
          step 1: ATS 9.2.5 -> 9.2.9 (debian-12/9.2.9 passes 3 of 3 trials)
          step 2: distro debian-12 -> debian-13 (debian-13/9.2.9 passes 3 of 3 trials); OpenSSL 3.0.20 -> 3.5.7
        ");
        assert_snapshot!(path(&way("debian-12/9.2.5")).text(), @"
        nothing to do: hosts are on debian-12/9.2.5 already, and it passes
        ");
    }

    #[test]
    fn a_blocked_path_names_the_block_and_the_nearest_safe_cell() {
        assert_snapshot!(path(&way("debian-13/9.2.5")).text(), @"
        no safe path from debian-12/9.2.5 to debian-13/9.2.5
          blocked: debian-13/9.2.5 fails 1 of 2 trials: tls-remote-origin
            known issue ATS-11465 (https://github.com/apache/trafficserver/issues/11465), certain: Outgoing HTTPS fails with OpenSSL 3.2 and later; fixed in 9.2.7
            what to do: upgrade ATS to 9.2.7 or later before the distro
          the nearest cell that can be reached safely: debian-13/9.2.9
            step 1: ATS 9.2.5 -> 9.2.9 (debian-12/9.2.9 passes 3 of 3 trials)
            step 2: distro debian-12 -> debian-13 (debian-13/9.2.9 passes 3 of 3 trials); OpenSSL 3.0.20 -> 3.5.7
        ");
    }

    #[test]
    fn json_has_the_same_answer() {
        let value: serde_json::Value = serde_json::from_str(&json::render(&answer())).unwrap();
        assert_eq!((&value["answer"], &value["exit"]), (&"closed".into(), &3.into()));
        assert_eq!(value["closed"][0]["cause"], "fails");
        assert_eq!(value["closed"][0]["known_issues"][0]["id"], "ATS-11465");
        assert_eq!(value["unknown"][0]["cause"], "matrix-changed");
        let value: serde_json::Value = serde_json::from_str(&json::path(&way("debian-13/9.2.9"))).unwrap();
        assert_eq!((&value["answer"], &value["steps"][0]["axis"]), (&"open".into(), &"ats".into()));
        assert_eq!(value["steps"][1]["to"], "debian-13/9.2.9");
    }
}
