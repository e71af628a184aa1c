//! What was seen of a configuration of the user's own.

use super::{Check, exchanges};
use crate::ats::log;
use crate::model::{Observation, OwnSeen, RuleMiss, RulesSeen};

/// Complaints, problems and rules that a sentence names; the others are counted.
const NAMED: usize = 3;
const NAMED_RULES: usize = 5;

fn seen_of(observation: &Observation) -> OwnSeen {
    observation.own.clone().unwrap_or_default()
}

/// The first ones, and how many there are besides.
fn few(sentences: &[String], most: usize) -> String {
    let mut text = sentences.iter().take(most).map(String::as_str).collect::<Vec<_>>().join(" | ");
    if let Some(more @ 1..) = sentences.len().checked_sub(most) {
        text.push_str(&format!(" | and {more} more"));
    }
    text
}

/// ATS started with the user's configuration, answered, and logged no error about it.
pub(in crate::catalogue::trials) fn started_as_configured(observation: &Observation) -> Vec<Check> {
    let answered = exchanges(observation).iter().any(|exchange| exchange.status.is_some());
    let own = seen_of(observation);
    let mut complaints: Vec<String> = Vec::new();
    for complaint in observation.logs.iter().filter_map(|line| log::complaint(&line.text)) {
        if !complaints.contains(&complaint) {
            complaints.push(complaint);
        }
    }
    let answer = if answered { "an answer of ATS with your configuration" } else { "no answer" };
    let problems = if own.problems.is_empty() { "files that can be used".into() } else { few(&own.problems, NAMED) };
    let logged = if complaints.is_empty() { "no complaint of ATS".into() } else { few(&complaints, NAMED) };
    let mut checks = vec![
        Check::new(own.problems.is_empty(), "files that can be used", problems),
        Check::new(complaints.is_empty(), "no complaint of ATS about your configuration", logged),
        Check::new(answered, "an answer of ATS with your configuration", answer),
    ];
    if !own.notes.is_empty() {
        checks.push(Check::new(true, "stand-ins for what is missing", few(&own.notes, NAMED)));
    }
    checks
}

/// Every rule that was asked led where it says.
pub(in crate::catalogue::trials) fn rules_reached(observation: &Observation) -> Vec<Check> {
    let Some(RulesSeen { rules, reached, missed, missed_count, untried, .. }) = seen_of(observation).rules else {
        return vec![Check::new(false, "your rules asked", "no rule asked")];
    };
    let sentence = |miss: &RuleMiss| format!("{}: {} should reach {}, and {}", miss.at, miss.asked, miss.expected, miss.seen);
    let sentences: Vec<String> = missed.iter().take(NAMED_RULES).map(sentence).collect();
    let mut wrong = format!("{missed_count} of {rules} rules lead elsewhere: {}", sentences.join(" | "));
    let more = usize::try_from(missed_count).unwrap_or(usize::MAX).saturating_sub(sentences.len());
    if more > 0 {
        wrong.push_str(&format!(" | and {more} more"));
    }
    let right = format!("{reached} of {rules} rules lead where they say");
    let accounted = reached + missed_count + untried.iter().map(|untried| untried.count).sum::<u32>() == rules;
    let mut checks = vec![
        Check::new(missed_count == 0, "every rule to lead where it says", if missed_count == 0 { right } else { wrong }),
        Check::new(accounted, "an answer for every rule", if accounted { "all accounted for" } else { "rules without an answer" }),
        Check::new(reached > 0 || missed_count > 0, "a rule that can be asked", if reached > 0 { "asked" } else { "no rule that can be asked" }),
    ];
    for untried in untried {
        let text = format!("{} not asked ({}): {}", untried.count, untried.at.join(", "), untried.reason);
        checks.push(Check::new(true, "rules that cannot be asked", text));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClientRun, Exchange, LogFile, LogLine};

    fn started(own: OwnSeen, lines: &[&str]) -> Vec<Check> {
        let exchanges = vec![Exchange { status: Some(404), ..Exchange::default() }];
        let line = |text: &&str| LogLine { trial: None, file: LogFile::Diags, text: (*text).to_owned() };
        started_as_configured(&Observation {
            client: Some(ClientRun { exchanges, ..ClientRun::default() }),
            own: Some(own),
            logs: lines.iter().map(line).collect(),
            ..Observation::default()
        })
    }

    fn broken(checks: &[Check]) -> Vec<&str> {
        checks.iter().filter(|check| !check.held).map(|check| check.seen.as_str()).collect()
    }

    #[test]
    fn an_ats_that_runs_is_not_enough() {
        assert!(broken(&started(OwnSeen::default(), &[])).is_empty());
        let unknown = "[Nov 29 03:04:30.022] traffic_server WARNING: Unrecognized configuration value 'proxy.config.foo'";
        let said = "ATS does not know the setting proxy.config.foo and ignores it";
        assert_eq!(broken(&started(OwnSeen::default(), &[unknown, unknown])), [said]);
        let problems = OwnSeen { problems: vec!["a".into(), "b".into(), "c".into(), "d".into()], ..OwnSeen::default() };
        assert_eq!(broken(&started(problems, &[])), ["a | b | c | and 1 more"]);
        assert_eq!(broken(&started_as_configured(&Observation::default())), ["no answer"]);
    }

    #[test]
    fn a_rule_that_was_neither_asked_nor_named_is_no_pass() {
        let of = |rules: RulesSeen| {
            let own = Some(OwnSeen { rules: Some(rules), ..OwnSeen::default() });
            broken(&rules_reached(&Observation { own, ..Observation::default() })).len()
        };
        let seen = |rules, reached, missed_count| RulesSeen { rules, reached, missed_count, ..RulesSeen::default() };
        assert_eq!((of(seen(2, 2, 0)), of(seen(2, 1, 1)), of(seen(2, 1, 0)), of(seen(0, 0, 0))), (0, 1, 1, 1));
        assert_eq!(broken(&rules_reached(&Observation::default())), ["no rule asked"]);
    }
}
